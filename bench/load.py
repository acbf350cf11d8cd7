"""A client that only counts: requests as bytes in, times and numbers of bytes out.

A `Line` is one connection that is kept, as an editor keeps its own; a line that the other side has
closed while idle is opened again. Nothing is parsed but the head of an answer. While `watched`,
each read is searched for the times that the fake writes into its chunks.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

LIMIT = 30.0  # seconds for one answer
OPENING = 32  # connections opened at once
COMPLETE = (b"[DONE]", b"message_stop")
_STAMP = re.compile(rb"t=(\d{18});")
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)


class Failed(Exception):
    """An answer that is not what it should be."""


@dataclass(slots=True)
class Heard:
    """One answer. `first` and `took` in seconds since the request; `lags` in nanoseconds."""

    status: int = 0
    first: float = 0.0
    took: float = 0.0
    received: int = 0
    lags: list[int] = field(default_factory=list)


class _Reader(asyncio.Protocol):
    """The bytes of one connection, one answer at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.done: asyncio.Future[Heard] | None = None
        self.begun: asyncio.Future[None] | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self.transport.set_write_buffer_limits(high=64 * 1024 * 1024)

    def ask(self, raw: bytes, *, streamed: bool, watched: bool) -> asyncio.Future[Heard]:
        loop = asyncio.get_running_loop()
        self.done, self.begun = loop.create_future(), loop.create_future()
        self.heard, self.head, self.tail = Heard(), b"", b""
        self.streamed, self.watched = streamed, watched
        self.length: int | None = None
        self.sent = time.monotonic_ns()
        assert self.transport is not None
        self.transport.write(raw)
        return self.done

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        heard = self.heard
        if not heard.status:
            self.head += data
            if (end := self.head.find(b"\r\n\r\n") + 4) < 4:
                return
            heard.status = int(self.head[9:12])
            found = _LENGTH.search(self.head, 0, end)
            self.length = int(found[1]) if found else None
            data = self.head[end:]
        heard.received += len(data)
        if not heard.first and (not self.streamed or _STAMP.search(self.tail + data)):
            heard.first = (now - self.sent) / 1e9
            if self.begun is not None and not self.begun.done():
                self.begun.set_result(None)
        if self.watched:
            heard.lags += [now - int(stamp) for stamp in _STAMP.findall(data)]
        self.tail = data[-256:] if len(data) >= 256 else (self.tail + data)[-256:]
        if self.length is None:
            over = self.tail.endswith(b"0\r\n\r\n")
        else:
            over = heard.received >= self.length
        if over:
            self.finish(now)

    def finish(self, now: int) -> None:
        self.heard.took = (now - self.sent) / 1e9
        wrong = self.heard.status != 200 or (
            self.streamed and not any(mark in self.tail for mark in COMPLETE)
        )
        if self.done is None or self.done.done():
            return
        if wrong:
            self.fail(Failed(f"status {self.heard.status}: {self.tail[:200]!r}"))
        else:
            self.done.set_result(self.heard)

    def fail(self, why: Exception) -> None:
        for waiting in (self.done, self.begun):
            if waiting is not None and not waiting.done():
                waiting.set_exception(why)
                waiting.exception()  # not everybody asks

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self.fail(error or ConnectionError("the answer ended early"))


class Line:
    """One client of what answers at `port`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: _Reader | None = None

    async def open(self) -> None:
        if self.reader is None or self.reader.lost:
            loop = asyncio.get_running_loop()
            _, self.reader = await loop.create_connection(_Reader, "127.0.0.1", self.port)

    async def ask(self, raw: bytes, *, streamed: bool = True, watched: bool = False) -> Heard:
        """One request. Raises Failed, ConnectionError, TimeoutError."""
        await self.open()
        assert self.reader is not None
        async with asyncio.timeout(LIMIT):
            return await self.reader.ask(raw, streamed=streamed, watched=watched)

    async def begin(self, raw: bytes) -> Heard:
        """Send a request and wait for the first content only."""
        await self.open()
        assert self.reader is not None
        self.reader.ask(raw, streamed=True, watched=False)
        assert self.reader.begun is not None
        async with asyncio.timeout(LIMIT):
            await self.reader.begun
        return self.reader.heard

    def close(self) -> None:
        if self.reader is not None and self.reader.transport is not None:
            self.reader.transport.abort()


@asynccontextmanager
async def lines(count: int, port: int) -> AsyncIterator[list[Line]]:
    """`count` open connections, closed at the end."""
    made = [Line(port) for _ in range(count)]
    room = asyncio.Semaphore(OPENING)

    async def opened(line: Line) -> None:
        async with room:
            await line.open()

    try:
        await asyncio.gather(*map(opened, made))
        yield made
    finally:
        for line in made:
            line.close()
        await asyncio.sleep(0.01)  # the transports tell their protocols


async def keep_asking(
    made: Sequence[Line], raw: bytes, seconds: float, answer: float, *, watched: bool
) -> list[Heard]:
    """All lines for `seconds`, each with one paced stream of `answer` seconds after the other, and
    their starts spread evenly."""
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def one(number: int) -> list[Heard]:
        await asyncio.sleep(answer * number / len(made))
        found: list[Heard] = []
        while not found or loop.time() - start < seconds:
            found.append(await made[number].ask(raw, watched=watched))
        return found

    several = await asyncio.gather(*(one(number) for number in range(len(made))))
    return [heard for each in several for heard in each]


async def small_requests(made: Sequence[Line], raw: bytes, seconds: float) -> int:
    """How many plain requests were answered, with no pause between them."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def one(line: Line) -> int:
        count = 0
        while not count or loop.time() < end:
            await line.ask(raw, streamed=False)
            count += 1
        return count

    return sum(await asyncio.gather(*map(one, made)))


def request(port: int, path: str, body: dict[str, object]) -> bytes:
    payload = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer tid=bench;exp=1\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload
