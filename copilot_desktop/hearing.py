"""One turn with Copilot: what was decided to be sent, and what is heard in return.

`Turn` and `Passage` describe the way there, `Listener` turns the bytes that come back into
canonical events. When to send and when to stop is decided by `Provider` and the proxy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from copilot_desktop.canonical import End, Event, Request, Usage
from copilot_desktop.model import CHAT, RESPONSES
from copilot_desktop.routing import Route
from copilot_desktop.runs import BlockDeltas, TextRun, Told
from copilot_desktop.sse import Frame, FrameDecoder
from copilot_desktop.stops import StopFilter
from copilot_desktop.upstream.client import Call, Tries, UpstreamReply
from copilot_desktop.upstream.direct import Wish
from copilot_desktop.upstream.failures import problem_from
from copilot_desktop.upstream.healed import Carrier
from copilot_desktop.upstream.quirks import nano_credits
from copilot_desktop.upstream.quirks.chat_reasoning import OverheardEvents
from copilot_desktop.upstream.quirks.memory import Thoughts


@dataclass(frozen=True, slots=True)
class Turn:
    """One request, decided: where it goes and what is sent. `request` is the prepared one,
    `weight` its size in tokens by its length alone. `mended` names what the quirks have changed."""

    request: Request
    route: Route
    call: Call
    weight: int = 0
    mended: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out or said otherwise on the way, in words for the log."""
        said = (loss.note for loss in self.request.losses)
        return tuple(dict.fromkeys((*said, *self.mended)))

    def let_go(self) -> None:
        """Copilot answers: a long answer should not hold the conversation."""
        self.request.messages = ()


@dataclass(slots=True)
class Passage:
    """One request's way upstream, over all of its calls: what it may still cost (`tries`), what
    was changed on the way (`notes`), by which carrier it goes (None: HTTP), and what translated
    answers said of their cost (1e9 = one AI credit). `estimated`: so is the usage of the reply."""

    tries: Tries = field(default_factory=Tries)
    notes: list[str] = field(default_factory=list)
    carrier: Carrier | None = None
    nano_credits: int | None = None
    estimated: bool = False


class Ear(Protocol):
    """Whoever is told a reply as it arrives. `straight`: it may be told outside of its own task."""

    straight: bool

    def arrived(self, reply: UpstreamReply) -> None:
        """The reply has begun."""

    def hear(self, told: list[Told]) -> Wish:
        """What one network read has brought. Never waits."""

    async def room(self) -> None:
        """Wait until more can be told: after a wish for a pause, and at the end."""


async def refuse_a_page(reply: UpstreamReply) -> None:
    """A gateway's page or a plain JSON error with status 200 is not a stream: UpstreamFault."""
    if reply.content_type in {"text/html", "application/json"}:
        raise problem_from(502, reply.headers, await reply.read(), url="")


class Listener:
    """Bytes to events. What was understood before trouble stays in `told`.

    `over`: upstream's reply is complete; nothing that follows counts. `stopped`: it met a stop
    sequence that upstream does not know.
    """

    def __init__(self, turn: Turn, passage: Passage, thoughts: Thoughts) -> None:
        way = turn.route
        self._decoder = FrameDecoder()
        self._reader = way.target.reader(way.model)
        self._passage = passage
        local = bool(turn.request.stop) and way.endpoint == RESPONSES
        self._stops = StopFilter(turn.request) if local else None
        self._overheard = OverheardEvents(thoughts, way.model.id) if way.endpoint == CHAT else None
        self._run: TextRun | None = None  # that the next read may be a frame of
        self.told: list[Told] = []
        self.usage: Usage | None = None
        self.over = self.stopped = False

    @property
    def enough(self) -> bool:
        """Nothing more of the reply is needed, whether or not upstream hangs up."""
        return self.over or self.stopped

    @property
    def estimated(self) -> bool:
        return self._passage.estimated

    def feed(self, chunk: bytes) -> None:
        if (told := self.alone(chunk)) is not None:
            self.told.append(told)
        else:
            self.feed_frames(chunk)

    def alone(self, read: bytes) -> BlockDeltas | None:
        """What `read` says if it is one plain frame, as it mostly is: then that is all. Otherwise
        nothing is changed, and `feed_frames` reads it."""
        return None if self._run is None else self._run.alone(read)

    def feed_frames(self, chunk: bytes) -> None:
        """Runs of plain frames at once, all others one by one."""
        self._run = None
        self._frames(self._decoder.feed_beside(chunk, self._in_run))
        if self._stops is None and self._decoder.is_between:
            self._run = self._reader.run

    def _in_run(self, read: bytes) -> int:
        run = self._reader.run
        if run is None or self._stops is not None:
            return 0
        told, length = run.read(read)
        if told is not None:
            self.told.append(told)
        return length

    def close(self) -> None:
        self._frames(self._decoder.close())
        if not self.over and not self.stopped:
            self._hear(self._reader.close())

    def let_go(self) -> None:
        """The reply breaks off: what was held back counts as well."""
        if self._stops is not None:
            self.told.extend(self._stops.rest())

    def take(self) -> list[Told]:
        told, self.told = self.told, []
        return told

    def _frames(self, frames: Iterator[Frame]) -> None:
        for frame in frames:
            if b'"copilot_usage"' in frame.data and (cost := _cost(frame)) is not None:
                self._passage.nano_credits = cost
            self._hear(self._reader.feed(frame))

    def _hear(self, events: Iterator[Event]) -> None:
        # One by one, not `extend`: trouble may interrupt, and what came before it counts.
        for event in events:
            if self.over or self.stopped:
                return
            if self._overheard is not None:
                self._overheard.hear(event)
            if self._stops is None:
                self.told.append(event)
            else:
                self.told.extend(self._stops.feed(event))
                if self._stops.hit:
                    self.stopped = True
                    self._passage.estimated = True
                    self._passage.notes.append("usage=estimate")
            if isinstance(event, End):
                self.over, self.usage = True, event.usage


def _cost(frame: Frame) -> int | None:
    """What Copilot says that this answer has cost, in 1e-9 credits."""
    try:
        payload = frame.json()
    except (ValueError, RecursionError):
        return None  # the reader says what is wrong with it
    return nano_credits(payload) if isinstance(payload, dict) else None
