"""A dialect is one wire format, as server towards editors and, if Copilot speaks it, as client.

Everything in here is pure: bodies and frames in, canonical values and bytes out. A dialect knows
its own format and `canonical`, never another dialect, never Copilot's hosts, tokens or quirks of
transport. This module holds the protocols; `registry` is the only list of what there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from copilot_desktop.canonical import Event, Loss, Reply, Request, Usage
from copilot_desktop.dialects.side_routes import SideRoute
from copilot_desktop.errors import Problem
from copilot_desktop.model import Model
from copilot_desktop.runs import TextRun, Told
from copilot_desktop.sse import Frame

Json = dict[str, Any]
Initiator = Literal["user", "agent"]


@dataclass(slots=True)
class Envelope:
    """What `peek` reads: enough to route and account for a request without understanding it.

    `initiator` follows `translation.md` §1.5; `has_image` is true if any image or PDF stands
    anywhere in the body. `answer` is the whole answer to a request that asks the model nothing, as
    some clients do to see whether it is there: Copilot is not called for it.
    """

    model: str
    stream: bool
    initiator: Initiator
    has_image: bool
    answer: Json | None = None


class Reader(Protocol):
    """Reads a streamed upstream answer. One per stream.

    `run`, where there is one, may read frames that are next, in place of `feed` (see `runs`).
    """

    @property
    def run(self) -> TextRun | None: ...

    def feed(self, frame: Frame) -> Iterator[Event]:
        """The events of one frame. Raises a Problem for an error that upstream reports."""

    def close(self) -> Iterator[Event]:
        """The stream has ended. Raises CutShort if it was not complete."""


class Writer(Protocol):
    """Writes a streamed answer for a client. One per stream; all methods return wire bytes.

    `content_type` is the header's whole value.
    """

    content_type: str

    def feed(self, event: Told) -> bytes:
        """The frames of one event. Those of `BlockDeltas` are those of each `BlockDelta`."""

    def ping(self) -> bytes:
        """Bytes that keep an idle connection alive and mean nothing; empty if there are none."""

    def fail(self, problem: Problem) -> bytes:
        """An error in the middle of the answer; nothing may be written after it."""


class Dialect(Protocol):
    """One wire format, as clients speak it.

    `paths` are the client routes without the optional `/v1` prefix; their first segment is this
    dialect's own, so that whatever goes wrong below it is told in its words. `side_routes` are the
    small questions its clients ask beside the conversation. `endpoint` is the Copilot path that
    speaks this dialect, or None for a client-side dialect.
    """

    name: str
    paths: tuple[str, ...]
    side_routes: tuple[SideRoute, ...]
    endpoint: str | None

    def peek(self, body: Mapping[str, Any]) -> Envelope:
        """Tolerant: raises InvalidRequest only where there is no usable `model`."""

    def parse_request(self, body: Mapping[str, Any]) -> Request:
        """Raises InvalidRequest with a sentence for what cannot be understood."""

    def writer(self, request: Request) -> Writer: ...

    def render_reply(self, reply: Reply, request: Request) -> Json:
        """The unstreamed answer."""

    def render_problem(self, problem: Problem) -> Json:
        """The error body."""

    def problem_status(self, problem: Problem) -> int:
        """The HTTP status under which this dialect's clients understand the problem."""

    def fault(self, problem: Problem) -> bytes:
        """An in-stream error for a stream that was passed through (no writer knows its state)."""


class UpstreamDialect(Dialect, Protocol):
    """A wire format that Copilot speaks as well, at `endpoint`."""

    def cannot(self, request: Request, model: Model) -> tuple[Loss, ...]:
        """What this dialect, as a target, cannot say of `request`."""

    def render_request(self, request: Request, model: Model) -> Json:
        """The body for Copilot; always asks for a stream."""

    def reader(self, model: Model) -> Reader: ...

    def read_usage(self, usage: Mapping[str, Any]) -> Usage:
        """This dialect's own usage object."""
