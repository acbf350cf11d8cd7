"""Stop sequences where Copilot knows none: `/responses` has no such parameter (§7.6).

The events of a reply pass through a `StopFilter`, which ends the reply before the first stop
sequence in visible text. Only as much text is held back as may be the beginning of one, never
beyond the end of a block, and nothing of tool arguments or reasoning. Of two sequences the one
that is complete first counts, so that the result does not depend on how the text was cut. What
Copilot would have counted is not known then, so usage is an estimate.

(§: `translation.md`)
"""

from __future__ import annotations

from collections.abc import Iterator

from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockEnd,
    BlockStart,
    End,
    Event,
    Request,
    StopReason,
    Text,
    Usage,
)


class StopFilter:
    """One per reply. `hit`: the reply has been ended here; upstream is not needed any more."""

    def __init__(self, request: Request) -> None:
        self.hit = False
        self._request = request
        self._stops = tuple(stop for stop in request.stop if stop)
        self._known: Usage | None = None
        self._written = 0  # characters
        self._opening: BlockStart | None = None  # a block of text that has said nothing yet
        self._in_text = False
        self._index = 0
        self._held = ""

    def feed(self, event: Event) -> Iterator[Event]:
        """What becomes of `event`; nothing any more after `hit`."""
        if self.hit:
            return
        match event:
            case Begin():
                self._known = event.usage
                yield event
            case BlockStart(block=Text()):
                self._in_text, self._opening, self._index = True, event, event.index
            case BlockDelta() if self._in_text:
                yield from self._text(event)
            case BlockDelta():
                self._written += len(event.text)
                yield event
            case BlockEnd() if self._in_text:
                yield from self._say(event.index, self._held)
                yield from self._open()
                self._in_text, self._held = False, ""
                yield event
            case _:
                yield event

    def rest(self) -> Iterator[Event]:
        """What is still held back when a reply breaks off: it is text, and nobody stopped it."""
        if self._held:
            yield from self._say(self._index, self._held)
            self._held = ""

    def _text(self, delta: BlockDelta) -> Iterator[Event]:
        text = self._held + delta.text
        found = min(
            (
                (place + len(stop), place, stop)
                for stop in self._stops
                if (place := text.find(stop)) >= 0
            ),
            default=None,
        )
        if found is None:
            sure = len(text) - max((_beginning(text, stop) for stop in self._stops), default=0)
            self._held = text[sure:]
            yield from self._say(delta.index, text[:sure])
            return
        _, place, stop = found
        self.hit = True
        yield from self._say(delta.index, text[:place])
        if self._opening is None:
            yield BlockEnd(delta.index)
        yield End(StopReason.STOP_SEQUENCE, self._usage(), stop)

    def _say(self, index: int, text: str) -> Iterator[Event]:
        if text:
            yield from self._open()
            self._written += len(text)
            yield BlockDelta(index, text)

    def _open(self) -> Iterator[Event]:
        if self._opening is not None:
            opening, self._opening = self._opening, None
            yield opening

    def _usage(self) -> Usage:
        """By rule of thumb, 4 characters a token, beside what upstream has said already."""
        known = self._known or Usage(input=self._request.estimated_tokens())
        return Usage(
            input=known.input,
            output=max(1, self._written // 4),
            cache_read=known.cache_read,
            cache_write=known.cache_write,
        )


def _beginning(text: str, stop: str) -> int:
    """How many characters at the end of `text` may be the beginning of `stop`."""
    place = text.find(stop[0], max(0, len(text) - len(stop) + 1))
    while place >= 0:
        if stop.startswith(text[place:]):
            return len(text) - place
        place = text.find(stop[0], place + 1)
    return 0
