"""Bytes handed on as they arrive: pauses, ends, errors, and the connection afterwards."""

from __future__ import annotations

import asyncio
import gzip
import random
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from proxy.raw import until

from copilot_desktop.errors import CutShort, UpstreamTimeout
from copilot_desktop.upstream.asking import ask
from copilot_desktop.upstream.direct import HELD, Incoming, NotHttp, Wish
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.outgoing import Toward
from copilot_desktop.upstream.reply import UpstreamReply

Written = Callable[[asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PATIENCE = 20.0
MEGABYTE = 1024 * 1024


def piece(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Taker:
    """Takes what is handed on. `wishes` are what it wants, one for each read, then more."""

    def __init__(self, *wishes: Wish) -> None:
        self.whole = bytearray()
        self.reads = 0
        self.roomy = asyncio.Event()
        self.asked = asyncio.Event()
        self.wishes = list(wishes)

    def take(self, read: bytes) -> Wish:
        assert read
        self.whole += read
        self.reads += 1
        return self.wishes.pop(0) if self.wishes else Wish.MORE

    async def room(self) -> None:
        self.asked.set()
        await self.roomy.wait()


def ready(*wishes: Wish) -> Taker:
    taker = Taker(*wishes)
    taker.roomy.set()
    return taker


@asynccontextmanager
async def answering(
    write: Written, head: bytes = HEAD
) -> AsyncIterator[tuple[aiohttp.ClientSession, str, list[int]]]:
    """A server that sends the head, and then what `write` writes; the list has an item for each
    connection."""
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(0)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                connections[-1] += 1
                writer.write(head)
                await write(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with open_http(github_timeout=10) as http, asyncio.timeout(PATIENCE):
            yield http, f"http://127.0.0.1:{port}", connections
    finally:
        server.close()  # and no more: from Python 3.12 on its block would wait for all connections


async def get(http: aiohttp.ClientSession, url: str) -> Incoming:
    return await ask(http, "GET", url, headers={}, way=Toward(proxy=None, ssl=True))


async def poured(
    http: aiohttp.ClientSession,
    url: str,
    taker: Taker,
    *,
    idle: float = 10.0,
    straight: bool = True,
) -> tuple[bool, UpstreamReply]:
    reply = UpstreamReply(await get(http, url), idle)
    try:
        return await reply.pour(taker.take, taker.room, straight=straight), reply
    finally:
        await reply.close()


async def test_a_body_arrives_whole_and_the_connection_serves_the_next() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        for data in (b"a", b"b" * 300_000, b"c"):
            writer.write(piece(data))
            await asyncio.sleep(0.01)
        writer.write(b"0\r\n\r\n")

    async with answering(write) as (http, url, connections):
        for _ in range(3):
            taker = ready(Wish.PAUSE, Wish.PAUSE)
            enough, _ = await poured(http, url, taker)
            assert not enough
            assert taker.whole == b"a" + b"b" * 300_000 + b"c"
        assert connections == [3]


async def test_an_end_in_the_read_that_made_the_client_slow_leaves_a_usable_connection() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(piece(b"first"))
        await asyncio.sleep(0.02)
        writer.write(piece(b"last") + b"0\r\n\r\n")

    async with answering(write) as (http, url, connections):
        for _ in range(2):
            await poured(http, url, ready(Wish.PAUSE, Wish.PAUSE))
        assert connections == [2]


async def test_a_pause_stops_the_reading_and_not_the_exchange() -> None:
    sent = 0

    async def write(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while sent < 32 * 1024 * 1024:
            writer.write(piece(b"x" * 65536))
            sent += 65536
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async with answering(write) as (http, url, _):
        taker = Taker(Wish.PAUSE)
        pouring = asyncio.create_task(poured(http, url, taker, idle=1.5))
        await taker.asked.wait()
        before = -1
        while before != sent:  # until nothing moves any more
            before = sent
            await asyncio.sleep(0.3)
        assert sent < 24 * 1024 * 1024, "the whole body was read for a client that takes nothing"
        await asyncio.sleep(2)  # longer than silence may last: it is the client who is slow
        assert not pouring.done()
        taker.roomy.set()
        await pouring
    assert len(taker.whole) == 32 * 1024 * 1024


PACKED = HEAD.replace(b"\r\n", b"\r\nContent-Encoding: gzip\r\n", 1)
UNPACKED = 32 * MEGABYTE  # what a few network reads hold


async def packed(writer: asyncio.StreamWriter) -> None:
    writer.write(piece(gzip.compress(bytes(UNPACKED))) + b"0\r\n\r\n")


async def test_a_packed_answer_is_unpacked_as_the_client_takes_it() -> None:
    async with answering(packed, PACKED) as (http, url, connections):
        taker = Taker(*[Wish.PAUSE] * 1000)
        pouring = asyncio.create_task(poured(http, url, taker))
        await taker.asked.wait()
        await asyncio.sleep(0.2)
        assert len(taker.whole) < 4 * MEGABYTE, "all of it is held for a client that takes nothing"
        taker.roomy.set()
        await pouring
        assert len(taker.whole) == UNPACKED
        await poured(http, url, ready())
        assert connections == [2]


async def test_a_packed_answer_leaves_others_their_turn() -> None:
    turn, most = 0, 0

    class Watching(Taker):
        def take(self, read: bytes) -> Wish:
            nonlocal most
            seen[turn] = seen.get(turn, 0) + len(read)
            most = max(most, seen[turn])
            return super().take(read)

    async def others() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    seen: dict[int, int] = {}
    async with answering(packed, PACKED) as (http, url, _):
        watching = asyncio.create_task(others())
        taker = Watching()
        taker.roomy.set()
        await poured(http, url, taker)
        watching.cancel()
    assert len(taker.whole) == UNPACKED
    assert most < 8 * MEGABYTE, "nobody else had a turn"


async def test_a_packed_answer_is_read_as_it_is_unpacked() -> None:
    """A little of what came is a lot for whoever reads it; the rest can wait."""
    sent = 0
    small = gzip.compress(bytes(16 * MEGABYTE))  # a thousandth of that

    async def write(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while sent < 32 * MEGABYTE:
            writer.write(piece(small * 10))
            sent += len(small) * 10
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async with answering(write, PACKED) as (http, url, _):
        answer = await get(http, url)
        for _ in range(200):
            assert await answer.piece()
            await asyncio.sleep(0)
        assert sent < 24 * MEGABYTE
        answer.close()


async def test_much_that_came_before_somebody_takes_it() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        for _ in range(64):
            writer.write(piece(bytes(MEGABYTE)))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async with answering(write) as (http, url, _), await get(http, url) as answer:
        await asyncio.sleep(0.5)
        taker = ready()
        await UpstreamReply(answer, 10).pour(taker.take, taker.room)
        assert len(taker.whole) == 64 * MEGABYTE


async def test_what_came_before_a_cut_is_handed_on_first() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(piece(b"whole") + b"ff\r\nhalf")
        await writer.drain()
        writer.close()

    async with answering(write) as (http, url, _):
        taker = ready()
        with pytest.raises(CutShort):
            await poured(http, url, taker)
    assert taker.whole == b"wholehalf"


async def test_silence_is_told_as_such() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(piece(b"then nothing"))
        await asyncio.Event().wait()

    async with answering(write) as (http, url, _):
        taker = ready()
        with pytest.raises(UpstreamTimeout):
            await poured(http, url, taker, idle=1.5)
    assert taker.whole == b"then nothing"


@pytest.mark.parametrize("late", [False, True])
async def test_what_nobody_asked_for_is_no_answer_to_the_next_request(late: bool) -> None:
    asked = 0

    async def write(writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.write(piece(b"first"))
        await asyncio.sleep(0.02)
        writer.write(piece(b"last") + b"0\r\n\r\n")
        if late:
            await asyncio.sleep(0.1)
        if asked == 1:
            writer.write(HEAD + piece(b"foreign") + b"0\r\n\r\n")
            await writer.drain()
            sent.set()

    sent = asyncio.Event()
    async with answering(write) as (http, url, connections):
        taker = ready()
        await poured(http, url, taker)
        await sent.wait()
        await asyncio.sleep(0.1)
        taker = ready()
        await poured(http, url, taker)
        assert taker.whole == b"firstlast"
        assert connections == [1, 1]


async def test_enough_is_enough() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        for _ in range(1000):
            writer.write(piece(b"x"))
            await asyncio.sleep(0.001)

    async with answering(write) as (http, url, _):
        taker = ready(Wish.NO_MORE)
        enough, _ = await poured(http, url, taker)
    assert enough
    assert taker.reads == 1


@pytest.mark.parametrize("trouble", [KeyError("a defect"), ConnectionResetError("the client")])
async def test_what_taking_raises_is_raised_in_the_task(trouble: Exception) -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(piece(b"x"))
        await asyncio.Event().wait()

    class Broken(Taker):
        def take(self, read: bytes) -> Wish:
            raise trouble

    async with answering(write) as (http, url, _):
        taker = Broken()
        taker.roomy.set()
        with pytest.raises(type(trouble)):
            await poured(http, url, taker)
        assert taker.asked.is_set(), "what was held would be lost"


async def test_a_cancelled_exchange_leaves_nothing_behind() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(piece(b"x"))
            await asyncio.sleep(0.001)

    async with answering(write) as (http, url, _):
        taker = ready()
        reply = UpstreamReply(await get(http, url), 10)
        pouring = asyncio.create_task(reply.pour(taker.take, taker.room))
        await until(lambda: taker.reads, "something is read")
        pouring.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pouring
        reads = taker.reads
        assert await reply.piece(), "what comes now is kept for whoever reads on"
        assert taker.reads == reads
        await reply.close()


async def test_a_task_can_read_the_answer_itself() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        for data in (b"a", b"b", b"c"):
            writer.write(piece(data))
            await asyncio.sleep(0.01)
        writer.write(b"0\r\n\r\n")

    async with answering(write) as (http, url, _):
        for wishes, whole in ([(Wish.PAUSE,), b"abc"], [(Wish.NO_MORE,), b"a"]):
            taker = ready(*wishes)
            enough, _ = await poured(http, url, taker, straight=False)
            assert enough is (whole == b"a")
            assert taker.whole == whole


async def test_little_is_held_for_a_task_that_does_not_read() -> None:
    sent = 0

    async def write(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while sent < 32 * MEGABYTE:
            writer.write(piece(b"x" * 65536))
            sent += 65536
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async with answering(write) as (http, url, _):
        answer = await get(http, url)
        before = -1
        while before != sent:  # until nothing moves any more
            before = sent
            await asyncio.sleep(0.3)
        assert sent < 24 * MEGABYTE
        assert len(await answer.piece()) < 2 * HELD
        while read := await answer.piece():
            before = len(read)
        assert before
        assert answer.ended


WORDS = random.Random(7).randbytes(100) + bytes(3 * MEGABYTE)


def raw(data: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return machine.compress(data) + machine.flush()


@pytest.mark.parametrize("straight", [True, False])
@pytest.mark.parametrize(
    ("coding", "body", "whole"),
    [
        (b"gzip", gzip.compress(WORDS[:50]) + gzip.compress(WORDS[50:]), WORDS),
        (b"deflate", zlib.compress(WORDS), WORDS),
        (b"deflate", raw(WORDS), WORDS),
        (b"gzip", gzip.compress(b""), b""),
        (b"gzip", b"", b""),
    ],
    ids=["members", "deflate", "raw", "packed nothing", "nothing"],
)
@pytest.mark.parametrize("size", [None, 40])
async def test_all_of_what_is_packed(
    coding: bytes, body: bytes, whole: bytes, size: int | None, straight: bool
) -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        size_ = size or len(body) or 1
        for at in range(0, len(body), size_):
            writer.write(piece(body[at : at + size_]))
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")

    async with answering(write, PACKED.replace(b"gzip", coding)) as (http, url, _):
        taker = ready()
        await poured(http, url, taker, straight=straight)
        assert taker.whole == whole


@pytest.mark.parametrize("straight", [True, False])
@pytest.mark.parametrize(
    "body",
    [
        b"\x1f\x8b\x08 and no more of that kind",
        gzip.compress(WORDS)[:-9],
        gzip.compress(WORDS)[:-1],
    ],
    ids=["damaged", "cut", "cut at its end"],
)
async def test_a_damaged_packing_is_a_cut(body: bytes, straight: bool) -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(piece(body[:-1]))
        await asyncio.sleep(0.05)
        writer.write(piece(body[-1:]) + b"0\r\n\r\n")

    async with answering(write, PACKED) as (http, url, _):
        with pytest.raises(CutShort):
            await poured(http, url, ready(), straight=straight)


async def test_a_packing_that_nobody_knows_is_no_answer() -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(piece(b"whatever") + b"0\r\n\r\n")

    async with answering(write, PACKED.replace(b"gzip", b"zebra")) as (http, url, _):
        with pytest.raises(NotHttp):
            await get(http, url)
