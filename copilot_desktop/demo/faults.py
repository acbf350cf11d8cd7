"""What can be made to go wrong, as values.

A fault waits for requests whose path fits, lets `nth - 1` of them pass and then strikes `times`
times (-1: for ever). Paths are shell patterns ("/v1/messages", "/login/*", "*").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web

from copilot_desktop.demo.transcripts import exchange


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble, on requests to `path`."""

    path: str = "*"
    nth: int = field(default=1, kw_only=True)
    times: int = field(default=1, kw_only=True)


@dataclass(frozen=True, slots=True)
class Status(Fault):
    """Another answer instead of the right one. `body`: JSON value, text, or None for nothing."""

    status: int = 500
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def example(cls, name: str, path: str = "*", *, nth: int = 1, times: int = 1) -> Status:
        """The answer kept as `errors/<name>.exchange.json`, for example "429-weekly"."""
        answer = exchange(name)
        return cls(path, answer.status, answer.body, answer.headers, nth=nth, times=times)


@dataclass(frozen=True, slots=True)
class Cut(Fault):
    """The connection dies after so many events. `inside`: half of the next event still comes.

    `clean`: the body ends as HTTP allows, but the stream is not complete. An answer that is not a
    stream loses its second half.
    """

    after_frames: int = 1
    inside: bool = False
    clean: bool = False


@dataclass(frozen=True, slots=True)
class Stall(Fault):
    """Silence of `seconds` after so many events; then the stream goes on."""

    after_frames: int = 1
    seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class Garbage(Fault):
    """An event that is no JSON after so many events; then the stream goes on."""

    after_frames: int = 1
    data: bytes = b'{"choices":[{"index":0,"del\xff'


@dataclass(frozen=True, slots=True)
class ErrorInStream(Fault):
    """The endpoint's own error event after so many events; then the stream ends."""

    after_frames: int = 1
    code: str = "upstream_error"
    message: str = "upstream connection was reset"


@dataclass(frozen=True, slots=True)
class DropConnection(Fault):
    """The connection is closed before any byte of an answer."""


@dataclass(frozen=True, slots=True)
class HtmlIn200(Fault):
    """A web page with status 200, as a captive portal or a company proxy gives."""


@dataclass(frozen=True, slots=True)
class Slow(Fault):
    """Nothing at all for `seconds`; then the right answer."""

    seconds: float = 1.0


FAULTS: web.RequestKey[tuple[Fault, ...]] = web.RequestKey("faults", tuple)
"""Where a request keeps the faults that strike it."""


class FaultList:
    """The faults of one server and how often each was passed by."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._waiting: list[tuple[Fault, list[int]]] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        self._waiting.append((fault, [0]))

    def clear(self) -> None:
        self._waiting.clear()

    def striking(self, path: str) -> tuple[Fault, ...]:
        """The faults that strike this request. Counts it."""
        found = []
        for fault, seen in self._waiting:
            if not fnmatchcase(path, fault.path):
                continue
            seen[0] += 1
            late = fault.times >= 0 and seen[0] >= fault.nth + fault.times
            if seen[0] >= fault.nth and not late:
                found.append(fault)
        return tuple(found)
