"""Server-sent events: bytes to frames, without any I/O.

Handles LF, CR and CRLF line ends (also split between reads), a BOM, comments, several data lines,
a missing last newline (`security-rules.md` 26). Works on bytes: no decoding, so a character split
between two reads cannot be damaged, and U+2028 is an ordinary character. Every byte of the stream
is in exactly one frame: `b"".join(frame.raw for frame in frames)` is the stream.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from copilot_desktop import json_bytes

MAX_EVENT = 16 * 1024 * 1024  # bytes; `security-rules.md` 25

FRAME_END = b"\n\n"
# Bytes of a large chunk that are worked on at once: what is made of more, allocators give back to
# the system each time, and the next chunk pays for it, often more than for all the rest.
_PART = 65536
_TURNS = 8  # in one part between frames that others read and such that they do not
_LONG = 65536  # bytes of a frame that has begun, which are looked at again with each chunk
_BOUNDARY = re.compile(rb"\r\n\r\n|\n\n|\r\r|\r\n\n|\n\r\n|\r\n\r|\n\r")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_CR = 0x0D  # a number: a byte is found sooner than bytes are
_BOM = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):
    """One event is larger than `MAX_EVENT` bytes."""


@dataclass(slots=True)
class Frame:
    """One event. `data` is empty for comments; `raw` are the bytes as they came. Never changed: it
    is not frozen because one is made for each event, which would take twice as long."""

    data: bytes = b""
    event: str = ""
    raw: bytes = field(default=b"", compare=False)

    def json(self) -> Any:
        """The data as JSON. Raises ValueError (also for text that is not UTF-8)."""
        return json_bytes.read(self.data)

    def encode(self) -> bytes:
        """The bytes as they came, or newly written ones."""
        return self.raw or encode(self.data, self.event)


def encode(data: bytes, event: str = "") -> bytes:
    """One event on the wire. `data` must be free of line ends, as JSON is."""
    if event:
        return b"event: %s\ndata: %s\n\n" % (event.encode(), data)
    return b"data: %s\n\n" % data


def encode_json(payload: Any, event: str = "") -> bytes:
    """One event with `payload` as compact ASCII JSON (lone surrogates stay escaped)."""
    return encode(json_bytes.written(payload), event)


class FrameDecoder:
    """Feed it bytes, take frames. `close()` gives what stands after the last blank line."""

    __slots__ = ("_has_cr", "_pending", "_searched", "_started")

    def __init__(self) -> None:
        self._pending = bytearray()
        self._searched = 0
        self._started = False
        self._has_cr = False

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """The frames that `chunk` completes; take them all. Raises EventTooLarge."""
        self._has_cr = self._has_cr or _CR in chunk
        pending = self._pending
        # Mostly nothing is left over from the last chunk, and nothing needs to be copied together.
        source: bytes | bytearray = chunk
        if pending:
            pending += chunk
            source = pending
        start = 0
        while end := self._boundary(source, max(start, self._searched)):
            yield self._frame(bytes(source[start:end]))
            start = self._searched = end
        if source is pending:
            del pending[:start]
        else:
            pending += source[start:]
        self._searched = max(0, len(pending) - 3)
        if len(pending) > MAX_EVENT:
            raise EventTooLarge(f"An event is larger than {MAX_EVENT // 2**20} MB.")

    @property
    def is_between(self) -> bool:
        """No frame has begun."""
        return not self._pending

    def feed_beside(self, chunk: bytes, others: Callable[[bytes], int]) -> Iterator[Frame]:
        """The same, but for frames that `others` reads on its own.

        It gets the bytes from the beginning of a frame on, and tells the length of the frames that
        it has read: nought where it does not know the first one. Take each frame before the next.
        """
        for start in range(0, len(chunk), _PART):
            part = chunk[start : start + _PART]
            whole = not (self._pending or self._has_cr or b"\r" in part)  # frames may be cut out
            for _ in range(_TURNS):
                part = self._beside(part, others)
                if (end := part.find(FRAME_END) + len(FRAME_END)) < len(FRAME_END):
                    break
                if whole:
                    yield self._frame(part[:end])
                else:
                    yield from self.feed(part[:end])
                if not (part := part[end:]):
                    break
            if part:
                yield from self.feed(part)

    def _beside(self, part: bytes, others: Callable[[bytes], int]) -> bytes:
        """What is left of `part` to feed, after frames that `others` reads first."""
        if not self._pending:
            return part[length:] if (length := others(part)) else part
        if len(self._pending) > _LONG:
            return part
        read = bytes(self._pending) + part
        if not (length := others(read)):
            return part
        self._pending.clear()
        self._searched = 0
        return read[length:]

    def _boundary(self, source: bytes | bytearray, start: int) -> int:
        """Where the next event ends, or 0 if that cannot be said yet."""
        if not self._has_cr:
            return found_at + 2 if (found_at := source.find(b"\n\n", start)) >= 0 else 0
        found = _BOUNDARY.search(source, start)
        # A boundary that touches the end may be the first half of a longer line end.
        if found is None or (found.end() == len(source) and source[-1] == 0x0D):
            return 0
        return found.end()

    def close(self) -> Iterator[Frame]:
        """What is left when the stream ends: at most a few frames, the last perhaps incomplete."""
        pending, self._pending = bytes(self._pending), bytearray()
        self._searched = 0
        start = 0
        for found in _BOUNDARY.finditer(pending):
            yield self._frame(pending[start : found.end()])
            start = found.end()
        if start < len(pending):
            yield self._frame(pending[start:])

    def _frame(self, raw: bytes) -> Frame:
        # By far the most frames are one data line, perhaps with the event's name before it.
        first = raw.find(b"\n")
        if raw.startswith(b"data: ") and first == len(raw) - 2 and _CR not in raw:
            self._started = True
            return Frame(raw[6:-2], "", raw)
        if (
            raw.startswith(b"event: ")
            and raw.startswith(b"data: ", first + 1)
            and raw.find(b"\n", first + 1) == len(raw) - 2
            and _CR not in raw
        ):
            self._started = True
            return Frame(raw[first + 7 : -2], raw[7:first].decode("utf-8", "replace"), raw)
        text = raw
        if not self._started:
            self._started = True
            text = raw.removeprefix(_BOM)
        data: list[bytes] = []
        event = ""
        for line in _LINE_END.split(text):
            name, _, value = line.partition(b":")
            if name == b"data":
                data.append(value.removeprefix(b" "))
            elif name == b"event":
                event = value.removeprefix(b" ").decode("utf-8", "replace")
        return Frame(b"\n".join(data) if len(data) != 1 else data[0], event, raw)
