"""Laws of our connections: however an answer is cut into reads it is the same one, and whatever
happens in whatever order, nobody hears what was for another, waits for ever, or stays open."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from copilot_desktop.upstream.direct import Incoming, Wish
from copilot_desktop.upstream.wire import AT_ONCE, PIECE, Wire, Wires

STRAY = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Stray: yes\r\n\r\nforeign"


class Line(asyncio.Transport):
    """A connection without a network. What is written to it is an order for an answer."""

    def __init__(self, wires: Wires) -> None:
        super().__init__()
        self.to_come = b""
        self.closing = self.lost = self.paused = self.released = self.full = False
        opener = SimpleNamespace(should_close=False, connection_lost=lambda _: None)
        held: Any = SimpleNamespace(transport=self, protocol=opener, close=self.release)
        self.wire = Wire(held, wires, "there")

    def release(self) -> None:
        self.released = True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_write_buffer_size(self) -> int:
        assert not self.closing, "over TLS this raises"
        return int(self.full)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.lost
        if bytes(data[:4]) == b"ASK ":
            self.to_come += answer_to(int(bytes(data[4:8])))
        if len(data) == PIECE:
            self.fill(True)

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.lose(None)

    def lose(self, why: Exception | None, *, by_them: bool = False) -> None:
        if not self.closing:
            if by_them:
                self.wire.eof_received()
            self.closing = True
            asyncio.get_running_loop().call_soon(self._gone, why)

    def _gone(self, why: Exception | None) -> None:
        self.lost = True
        self.wire.connection_lost(why)

    def arrive(self, data: bytes) -> None:
        if data and not (self.closing or self.paused):
            self.wire.data_received(data)

    def arrive_next(self, size: int) -> None:
        if not self.paused:
            come, self.to_come = self.to_come[:size], self.to_come[size:]
            self.arrive(come)

    def fill(self, full: bool) -> None:
        self.full = full
        if full:
            self.wire.pause_writing()
        else:
            self.wire.resume_writing()


def run(steps: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await steps

    asyncio.run(bounded())


@dataclass(frozen=True)
class Answer:
    """`raw` as it is sent; the rest is what has to be made of it."""

    raw: bytes
    status: int
    body: bytes
    keeps: bool
    until_closed: bool


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    hints = draw(st.lists(st.sampled_from([100, 102, 103, 199]), max_size=2))
    raw = b"".join(b"HTTP/1.1 %d X\r\nX-Hint: a\r\n\r\n" % hint for hint in hints)
    old = draw(st.booleans())
    status = draw(st.sampled_from([200, 204, 304, 404]))
    body = b"" if status in (204, 304) else draw(st.binary(max_size=200))
    form = draw(st.sampled_from(["length", "closed"] if old else ["length", "chunked", "closed"]))
    said = draw(st.sampled_from([b"", b"Connection: close\r\n", b"Connection: keep-alive\r\n"]))
    head = b"HTTP/1.%d %d X\r\nX-One: 1\r\nx-one: 2\r\n%b" % (not old, status, said)
    if status in (204, 304):
        form = "length"
        sent = b""
    elif form == "chunked":
        head += b"Transfer-Encoding: chunked\r\n"
        size = draw(st.integers(1, 100))
        parts = [body[at : at + size] for at in range(0, len(body), size)]
        sent = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
        sent += b"0\r\n" + draw(st.sampled_from([b"", b"X-Late: 1\r\n"])) + b"\r\n"
    else:
        head += b"Content-Length: %d\r\n" % len(body) if form == "length" else b""
        sent = body
    raw += head + b"\r\n" + sent
    agreed = (not old and b"close" not in said) or (old and b"keep" in said)
    stray = b"" if form == "closed" else STRAY[: draw(st.sampled_from([0, 0, 1, 9, 30, 99]))]
    keeps = agreed and form != "closed" and not stray
    return Answer(raw + stray, status, body, keeps, form == "closed")


@given(
    answer=answers(),
    cuts=st.lists(st.integers(0, 400), max_size=8),
    turns=st.booleans(),
    wishes=st.none() | st.lists(st.sampled_from([Wish.MORE, Wish.PAUSE]), max_size=5),
)
@settings(max_examples=300, deadline=None)
def test_however_an_answer_is_cut_it_is_the_same(
    answer: Answer, cuts: list[int], turns: bool, wishes: list[Wish] | None
) -> None:
    async def steps() -> None:
        wires = Wires(60)
        line = Line(wires)
        asking = asyncio.ensure_future(line.wire.ask("", b"GET", b"", None))
        reading = asyncio.ensure_future(whole(asking, wishes))
        await asyncio.sleep(0)
        places = [0, *sorted(cuts), len(answer.raw)]
        for start, end in pairwise(places):
            line.arrive(answer.raw[start:end])
            if turns:
                await turn()
        if answer.until_closed:
            line.lose(None, by_them=True)
        incoming, body = await reading
        assert incoming.status == answer.status
        assert body == answer.body
        assert incoming.headers["x-one"] == "1"
        assert not {"x-hint", "x-late", "x-stray"} & {name.lower() for name in incoming.headers}
        assert (wires.take("there") is line.wire) is answer.keeps
        assert not line.paused
        wires.cut()
        await turn()
        assert not wires.open
        assert line.released

    run(steps())


def test_what_is_given_up_while_it_is_handed_on_is_not_ended() -> None:
    async def steps() -> None:
        line = Line(Wires(60))
        asking = asyncio.ensure_future(line.wire.ask("", b"GET", b"", None))
        await asyncio.sleep(0)
        line.arrive(b"HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n")
        incoming = await asking
        incoming.hand_to(lambda _: Wish.MORE)
        line.arrive(b"plain")
        assert incoming.over
        assert not incoming.ended
        await turn()
        assert line.released

    run(steps())


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def whole(
    asking: asyncio.Future[Incoming], wishes: list[Wish] | None
) -> tuple[Incoming, bytes]:
    """By pieces, or handed on with these `wishes`."""
    incoming, body = await asking, bytearray()
    if wishes is None:
        while piece := await incoming.piece():
            body += piece
        return incoming, bytes(body)

    def take(read: bytes) -> Wish:
        body.extend(read)
        return wishes.pop() if wishes else Wish.MORE

    incoming.hand_to(take)
    while not incoming.over:
        if incoming.full:
            incoming.go_on()
        else:
            await incoming.wait()
    assert incoming.trouble is None
    return incoming, bytes(body)


def body_of(number: int) -> bytes:
    return b"<%d>" % number * (number * 37 % 100 + 1)


def answer_to(number: int) -> bytes:
    body = body_of(number)
    if number % 4 == 3:
        return b"HTTP/1.1 200 X\r\n\r\n" + body
    if number % 4:
        return b"HTTP/1.1 200 X\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    return b"HTTP/1.1 413 X\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (
        len(body), body,
    )  # fmt: skip


@dataclass
class World:
    wires: Wires = field(default_factory=lambda: Wires(60))
    lines: list[Line] = field(default_factory=list)
    tasks: list[asyncio.Future[Any]] = field(default_factory=list)
    heard: dict[int, bytearray] = field(default_factory=dict)
    answers: dict[int, Incoming] = field(default_factory=dict)
    asking: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    asked_on: dict[int, Line] = field(default_factory=dict)
    excused: set[object] = field(default_factory=set)  # lines and answers that may fail
    reading: set[int] = field(default_factory=set)
    taking: set[int] = field(default_factory=set)

    def ask(self, size: int) -> None:
        number = len(self.heard)
        self.heard[number] = bytearray()
        body = bytes(AT_ONCE * 5 if size % 2 else 1)
        until = asyncio.get_running_loop().time() if size % 9 == 0 else None
        if until is not None:
            self.excused.add(number)
        self.asking[number] = asyncio.ensure_future(self._ask(number, body, until))
        self.tasks.append(self.asking[number])

    async def _ask(self, number: int, body: bytes, until: float | None) -> None:
        wire = self.wires.take("there")
        if wire is None:
            self.lines.append(Line(self.wires))
            wire = self.lines[-1].wire
        self.asked_on[number] = next(line for line in self.lines if line.wire is wire)
        self.answers[number] = await wire.ask("", b"ASK %04d" % number, body, until)

    def read(self, number: int) -> None:
        if number not in self.reading | self.taking:
            self.reading.add(number)
            self.tasks.append(asyncio.ensure_future(self._read(number)))

    async def _read(self, number: int) -> None:
        try:
            self.heard[number] += await self.answers[number].piece()
        finally:
            self.reading.discard(number)

    def take(self, number: int, wish: Wish) -> None:
        if number not in self.reading | self.taking:
            self.taking.add(number)
            self.answers[number].hand_to(lambda read: self.heard[number].extend(read) or wish)

    def do(self, deed: str, which: int, size: int) -> None:  # noqa: C901, PLR0912  (a table)
        line = self.lines[which % len(self.lines)] if self.lines else None
        number = list(self.answers)[-1 - which % len(self.answers)] if self.answers else None
        if deed in ("stray", "end", "reset"):
            self.excused.add(line)
        elif deed == "close":
            self.excused.add(number)
        elif deed == "cut" and size < 100:
            self.excused.update(self.lines)
        match deed:
            case "ask":
                self.ask(size)
            case "cancel" if self.tasks:
                self.tasks[-1 - which % len(self.tasks)].cancel()
            case "arrive" if line is not None:
                line.arrive_next(size if size % 3 else size // 10)
            case "stray" if line is not None and line.wire._incoming is None:
                line.arrive(STRAY[: size % 90 + 1])
            case "end" if line is not None and not line.paused:
                line.arrive_next(1000)
                line.lose(None, by_them=True)
            case "reset" if line is not None:
                line.lose(ConnectionResetError())
            case "full" | "room" if line is not None and line.wire._incoming is not None:
                line.fill(deed == "full")
            case "close" if number is not None:
                self.answers[number].close()
            case "read" if number is not None:
                self.read(number)
            case "take" if number is not None:
                self.take(number, list(Wish)[size % 3])
            case "go on" if number is not None:
                self.answers[number].go_on()
            case "let go" if number is not None:
                self.answers[number].let_go()
            case "cut" if size < 100:
                self.wires.cut()

    def check(self) -> None:
        for number, heard in self.heard.items():
            assert body_of(number).startswith(heard), "somebody heard what was meant for another"
        for number, answer in self.answers.items():
            if not {number, self.asked_on[number]} & self.excused:
                assert answer.trouble is None, "somebody else has cut it"
        used = [answer._wire for answer in self.answers.values() if not answer.closed]
        assert len(used) == len(set(used)), "a connection has two answers"
        free = self.wires._all_free()
        assert len(free) == len(set(free))
        assert not set(free) & set(used)
        for line in self.lines:
            assert line.wire not in free or not (line.paused or line.full)

    def check_that_nobody_waits(self) -> None:
        for number, line in self.asked_on.items():
            if line.lost:
                assert self.asking[number].done(), "for the head of an answer"
                assert number not in self.answers or self.answers[number].closed

    async def end(self) -> None:
        self.excused.update(self.answers)
        for answer in self.answers.values():
            answer.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for number, answer in self.answers.items():
            if answer.ended and number not in self.taking:
                while piece := await answer.piece():
                    self.heard[number] += piece
                assert self.heard[number] == body_of(number), "a part counts as the whole"
        self.wires.drop_free()
        await turn()
        assert not self.wires.open
        assert all(line.lost and line.released for line in self.lines)


DEEDS = [*["ask", "arrive", "read"] * 4, "take", "take", "go on", "let go", "close", "cancel",
         "stray", "end", "reset", "full", "room", "cut"]  # fmt: skip


@given(
    st.lists(
        st.tuples(st.sampled_from(DEEDS), st.integers(0, 2), st.integers(0, 600)),
        min_size=40,
        max_size=80,
    )
)
@settings(max_examples=250, deadline=None)
def test_whatever_happens_nobody_hears_another_waits_for_ever_or_stays_open(
    deeds: list[tuple[str, int, int]],
) -> None:
    async def steps() -> None:
        world = World()
        for deed, which, size in deeds:
            world.do(deed, which, size)
            world.check()
            if size % 4:
                await turn()
                world.check()
                world.check_that_nobody_waits()
        await world.end()
        world.check()

    run(steps())
