"""One connection: when it serves again, and what is made of answers that are none."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from copilot_desktop.upstream.asking import ask
from copilot_desktop.upstream.direct import Incoming, NotHttp
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.outgoing import Toward, drop_free
from copilot_desktop.upstream.wire import LONGEST_HEAD, Stale, Wire, Wires

PATIENCE = 20.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
Script = Callable[["Server", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """What a server saw. `asked`: requests on each of its connections."""

    url: str = ""
    asked: list[int] = field(default_factory=list)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def answering(script: Script) -> AsyncIterator[Server]:
    """`script` follows each request whose head has been read."""
    server = Server()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        number = len(server.asked)
        server.asked.append(0)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                server.asked[number] += 1
                await script(server, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            server.closed.set()
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    try:
        async with asyncio.timeout(PATIENCE):
            yield server
    finally:
        listening.close()  # its block would wait for all connections, from Python 3.12 on
        for writer in writers:  # some scripts never end
            writer.transport.abort()


def saying(*parts: bytes, end: bool = False) -> Script:
    """These bytes, one write each, and then perhaps the end of the connection."""

    async def say(_: Server, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        if end:
            writer.close()

    return say


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_http(github_timeout=10) as session:
        yield session


async def get(http: aiohttp.ClientSession, server: Server, **more: object) -> Incoming:
    way = Toward(proxy=None, ssl=True)
    return await ask(http, "POST", server.url, headers={}, way=way, **more)  # type: ignore[arg-type]


async def read(answer: Incoming) -> bytes:
    whole = b""
    while piece := await answer.piece():
        whole += piece
    return whole


@pytest.mark.parametrize(
    "parts",
    [
        (OK,),
        (CHUNKED + b"1\r\no\r\n", b"1\r\nk\r\n0\r\n\r\n"),
        tuple(OK[at : at + 1] for at in range(len(OK))),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK,),
        (b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", b"HTTP/1.1 102 Wait\r\n\r\n", OK),
        (OK.replace(b"\r\n\r\n", b"\r\nX-One: \xff\r\n\r\n"),),
        (CHUNKED + b"2;a=b\r\nok\r\n0\r\nLink: <a>\r\nContent-Encoding: br\r\n\r\n",),
        (b"HTTP/1.1 150 Odd\r\nContent-Length: 4\r\n\r\nhint" + OK,),
    ],
    ids=["length", "chunks", "byte by byte", "continue", "hints", "no text", "trailer", "odd hint"],
)
async def test_an_answer_is_read_and_the_connection_serves_the_next(
    http: aiohttp.ClientSession, parts: tuple[bytes, ...]
) -> None:
    async with answering(saying(*parts)) as server:
        for _ in range(3):
            answer = await get(http, server)
            assert answer.status == 200
            assert "link" not in answer.headers
            "".join(answer.headers.values()).encode()  # whatever came can be logged and kept
            assert await read(answer) == b"ok"
        assert server.asked == [3]


@pytest.mark.parametrize(
    "parts",
    [
        (OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),),
        (OK.replace(b"1.1", b"1.0"),),
        (OK + b"more than was promised",),
        (OK + OK,),
        (OK + b"HTTP/1.1 200 OK\r\nContent-Le",),
        (OK, b"and something later"),
    ],
    ids=["it said so", "old", "too much", "two answers", "half of another", "late"],
)
async def test_a_connection_that_may_be_spoilt_serves_nobody_else(
    http: aiohttp.ClientSession, parts: tuple[bytes, ...]
) -> None:
    async with answering(saying(*parts)) as server:
        for _ in range(2):
            assert await read(await get(http, server)) == b"ok"
            await server.closed.wait()
            server.closed.clear()
        assert server.asked == [1, 1]


async def test_a_body_may_end_with_its_connection(http: aiohttp.ClientSession) -> None:
    async with answering(saying(b"HTTP/1.1 200 OK\r\n\r\no", b"k", end=True)) as server:
        assert await read(await get(http, server)) == b"ok"


async def test_a_body_without_content(http: aiohttp.ClientSession) -> None:
    async with answering(saying(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        for _ in range(2):
            assert await read(await get(http, server)) == b""
        assert server.asked == [2]


@pytest.mark.parametrize(
    "head",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"h" * 2 * LONGEST_HEAD,
        b"HTTP/1.1 200 OK\r\nX: " + b"h" * 2 * LONGEST_HEAD + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * LONGEST_HEAD,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\nok"),
        OK.replace(b"200", b"000"),
    ],
    ids=[
        "another protocol", "no colon", "endless", "too long", "hints for ever", "101", "lengths",
        "length and chunks", "no status",
    ],
)  # fmt: skip
async def test_what_is_no_answer(http: aiohttp.ClientSession, head: bytes) -> None:
    async with answering(saying(head)) as server:
        with pytest.raises(NotHttp):
            await get(http, server)
        await server.closed.wait()


@pytest.mark.parametrize(
    "parts",
    [
        (b"5\r\nwhole\r\nzz\r\n",),
        (b"5\r\nwhole\r\nff\r\nhalf",),
        (b"5\r\nwhole\r\n", b"1;" + b"x" * 2 * LONGEST_HEAD),
        (b"5\r\nwhole\r\n", b"0\r\n" + b"X: y\r\n" * LONGEST_HEAD),
    ],
    ids=["no size", "cut", "endless extension", "endless trailer"],
)
async def test_what_is_no_body_comes_after_what_was_one(
    http: aiohttp.ClientSession, parts: tuple[bytes, ...]
) -> None:
    async with answering(saying(CHUNKED, *parts, end=True)) as server:
        answer = await get(http, server)
        assert (await answer.piece()).startswith(b"whole")
        with pytest.raises(aiohttp.ClientPayloadError):
            await read(answer)


async def test_a_used_connection_that_dies_before_it_answers_is_stale(
    http: aiohttp.ClientSession,
) -> None:
    async def once(server: Server, _: object, writer: asyncio.StreamWriter) -> None:
        if server.asked[-1] == 1:
            writer.write(OK)
        else:
            writer.close()

    async with answering(once) as server:
        assert await read(await get(http, server)) == b"ok"
        with pytest.raises(Stale):
            await get(http, server)
        assert await read(await get(http, server)) == b"ok"
        assert server.asked == [2, 1]


async def test_a_server_that_had_waited_too_long_has_not_read_the_request(
    http: aiohttp.ClientSession,
) -> None:
    """Its 408 is for the silence before, and was on its way when we asked."""
    gave_up = b"HTTP/1.1 408 Request Time-out\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    async def once(server: Server, _: object, writer: asyncio.StreamWriter) -> None:
        writer.write(OK if server.asked[-1] == 1 and len(server.asked) < 3 else gave_up)

    async with answering(once) as server:
        assert await read(await get(http, server)) == b"ok"
        with pytest.raises(Stale):
            await get(http, server)
        assert await read(await get(http, server)) == b"ok"
        assert server.asked == [2, 1]
        drop_free(http)
        assert (await get(http, server)).status == 408  # on a new connection it is an answer


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 2"], ids=["new", "begun"])
async def test_any_other_death_is_not(http: aiohttp.ClientSession, first: bytes) -> None:
    async def die(server: Server, _: object, writer: asyncio.StreamWriter) -> None:
        if first and server.asked[-1] == 1:
            writer.write(OK)
            return
        writer.write(first)
        writer.close()

    async with answering(die) as server:
        if first:
            assert await read(await get(http, server)) == b"ok"
        with pytest.raises(aiohttp.ServerDisconnectedError) as caught:
            await get(http, server)
        assert not isinstance(caught.value, Stale)


async def test_a_dead_connection_is_the_last_one_that_is_tried(http: aiohttp.ClientSession) -> None:
    """What has cut one has cut all of them, and a request has no more than three tries."""

    async def once(server: Server, _: object, writer: asyncio.StreamWriter) -> None:
        if max(server.asked) > 1:
            writer.close()
            return
        if len(server.asked) == 4:
            server.free.set()
        await server.free.wait()
        writer.write(OK)

    async with answering(once) as server:
        for answer in await asyncio.gather(*(get(http, server) for _ in range(4))):
            assert await read(answer) == b"ok"
        with pytest.raises(Stale):
            await get(http, server)
        server.asked[:] = [1] * 4
        assert await read(await get(http, server)) == b"ok"
        assert server.asked == [1] * 5


async def test_a_connection_that_dies_while_an_answer_is_made_had_read_the_request(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copilot_desktop.upstream.wire.AT_LATEST", 0.5, raising=False)

    async def give_up(server: Server, _: object, writer: asyncio.StreamWriter) -> None:
        if server.asked[-1] == 1:
            writer.write(OK)
        else:
            await asyncio.sleep(1.0)
            writer.close()

    async with answering(give_up) as server:
        assert await read(await get(http, server)) == b"ok"
        with pytest.raises(aiohttp.ServerDisconnectedError) as caught:
            await get(http, server)
        assert not isinstance(caught.value, Stale)


async def test_a_head_that_comes_with_the_end_of_time_has_come(http: aiohttp.ClientSession) -> None:
    async def just_in_time(_: Server, __: object, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + b"1\r\no\r\n")
        while loop.time() < ends:
            time.sleep(0.01)  # noqa: ASYNC251  (so that the loop finds both at once)
        await asyncio.sleep(0.1)
        writer.write(b"1\r\nk\r\n0\r\n\r\n")

    loop = asyncio.get_running_loop()
    async with answering(just_in_time) as server:
        ends = loop.time() + 2.0
        assert await read(await get(http, server, timeout=2.0)) == b"ok"


async def test_a_refusal_is_heard_while_the_body_is_still_being_sent(
    http: aiohttp.ClientSession,
) -> None:
    async def refuse(
        server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if len(server.asked) > 1:
            writer.write(OK)
            return
        await reader.readexactly(1000)
        writer.write(b"HTTP/1.1 413 X\r\nContent-Length: 3\r\n\r\nbig")
        await server.free.wait()  # nobody reads the rest

    async with answering(refuse) as server:
        answer = await get(http, server, body=bytes(64 * 1024 * 1024))
        assert answer.status == 413
        assert await read(answer) == b"big"
        assert await read(await get(http, server)) == b"ok"
        assert server.asked == [1, 1], "half a body was still on its way"
        server.free.set()


async def test_a_connection_that_was_free_for_too_long_is_closed() -> None:
    async with answering(saying(OK)) as server, open_http(github_timeout=10) as http:
        connector = http.connector
        assert connector is not None
        connector.wires._keep_alive = 0.2  # type: ignore[attr-defined]
        assert await read(await get(http, server)) == b"ok"
        await server.closed.wait()
        assert await read(await get(http, server)) == b"ok"
        assert server.asked == [1, 1]


async def test_sleep_counts(http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's clock stands still meanwhile, and the other side has long forgotten us."""
    now = time.time()
    async with answering(saying(OK)) as server:
        assert await read(await get(http, server)) == b"ok"
        monkeypatch.setattr("time.time", lambda: now + 3600)
        assert await read(await get(http, server)) == b"ok"
        assert server.asked == [1, 1]


async def test_many_streams_leave_few_connections(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copilot_desktop.upstream.wire.MOST_FREE", 3)

    async def together(server: Server, _: object, writer: asyncio.StreamWriter) -> None:
        if len(server.asked) == 8:
            server.free.set()
        await server.free.wait()
        writer.write(OK)

    async with answering(together) as server:
        for expected in (8, 13):
            for answer in await asyncio.gather(*(get(http, server) for _ in range(8))):
                assert await read(answer) == b"ok"
            assert len(server.asked) == expected


async def test_what_is_free_can_be_left(http: aiohttp.ClientSession) -> None:
    """In another network nobody answers it, and nobody says so."""
    async with answering(saying(OK)) as server:
        assert await read(await get(http, server)) == b"ok"
        drop_free(http)
        assert await read(await get(http, server)) == b"ok"
        assert server.asked == [1, 1]


async def test_the_session_closes_what_is_free_and_what_is_not() -> None:
    async def hang(server: Server, _: object, writer: asyncio.StreamWriter) -> None:
        writer.write(OK.replace(b": 2", b": 9") if server.free.is_set() else OK)
        server.free.set()

    async with answering(hang) as server:
        async with open_http(github_timeout=10) as http:
            both = await asyncio.gather(get(http, server), get(http, server))
            free, held = sorted(both, key=lambda answer: answer.headers["content-length"])
            assert await read(free) == b"ok"
            assert await held.piece() == b"ok"
        with pytest.raises(aiohttp.ClientError):
            await read(held)
        await server.closed.wait()


@pytest.mark.parametrize("size", [1000, 64 * 1024 * 1024])
async def test_the_session_closes_though_nobody_reads_the_request(size: int) -> None:
    async def read_nothing(server: Server, _: object, __: asyncio.StreamWriter) -> None:
        server.free.set()
        await asyncio.Event().wait()

    async with answering(read_nothing) as server:
        async with open_http(github_timeout=10) as http:
            asked = asyncio.ensure_future(get(http, server, body=bytes(size)))
            await server.free.wait()
            await asyncio.sleep(0.1)
        with pytest.raises(aiohttp.ClientError):
            await asked


async def test_a_body_that_we_cut_has_not_ended(http: aiohttp.ClientSession) -> None:
    async with answering(saying(b"HTTP/1.1 200 OK\r\n\r\nhalf")) as server:
        answer = await get(http, server)
        assert await answer.piece() == b"half"
        await http.close()
        assert not answer.is_read
        with pytest.raises(aiohttp.ClientError):
            await answer.piece()


async def test_who_is_gone_is_gone_at_once_although_the_other_side_says_no_goodbye(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """TLS would wait for half a minute, and what does not look at its connections goes on."""
    pytest.importorskip("cryptography")
    from tests.company import certificates

    gone = asyncio.Event()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", behind)
        back = asyncio.ensure_future(carry(inner, writer))
        try:
            while data := await reader.read(65536):
                if not answered.is_set():
                    outer.write(data)
        except ConnectionError:
            pass
        gone.set()
        back.cancel()
        outer.transport.abort()
        writer.transport.abort()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)

    async def secure(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED + b"1\r\no\r\n")
        await gone.wait()
        writer.close()

    answered = asyncio.Event()
    context = certificates(tmp_path)
    trust = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    trust.check_hostname = False
    server = await asyncio.start_server(secure, "127.0.0.1", 0, ssl=context)
    behind = server.sockets[0].getsockname()[1]
    front = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{front.sockets[0].getsockname()[1]}/"
    async with server, front, asyncio.timeout(PATIENCE):
        way = Toward(proxy=None, ssl=trust)
        answer = await ask(http, "POST", url, headers={}, way=way)
        assert await answer.piece() == b"o"
        answered.set()
        answer.close()
        await gone.wait()


async def test_a_body_for_nobody_is_not_written_on(
    http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """asyncio would say so for each piece."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        server = Server(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        asked = asyncio.ensure_future(get(http, server))
        there, _ = await loop.sock_accept(listening)
        await loop.sock_recv(there, 1000)
        await loop.sock_sendall(there, OK)
        assert await read(await asked) == b"ok"
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        there.close()  # and before the loop hears of it:
        with pytest.raises(Stale):
            await get(http, server, body=bytes(4 * 1024 * 1024))
    assert not caplog.records


async def test_who_stops_waiting_lets_a_connection_be_that_serves_another_by_now(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer has come, the next request has the connection, and only then the cancellation."""
    taken: list[Wire] = []
    keep = Wires.keep

    def keep_and_take(wires: Wires, wire: Wire) -> None:
        keep(wires, wire)
        if (again := wires.take(wire.key)) is not None:
            taken.append(again)
        asked.cancel()

    monkeypatch.setattr(Wires, "keep", keep_and_take)
    async with answering(saying(OK)) as server:
        asked = asyncio.ensure_future(get(http, server))
        with pytest.raises(asyncio.CancelledError):
            await asked
        (wire,) = taken
        answer = await wire.ask(server.url, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"", None)
        assert await read(answer) == b"ok"
        assert server.asked == [2]
