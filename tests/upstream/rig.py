"""A scripted HTTP server over real sockets: it can answer, stall, cut and reset as told."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from copilot_desktop.upstream.token import Grant


@dataclass
class Seen:
    """One request as it arrived. `connection` counts from 0 in the order of opening."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


Step = Callable[["Connection"], Awaitable[None]]


class Connection:
    """What a step can do to the connection that the request came over."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def head(self, status: int, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        await self.writer.drain()

    async def chunk(self, data: bytes) -> None:
        self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await self.writer.drain()

    async def closed_by_client(self) -> None:
        async with asyncio.timeout(5):
            try:
                while await self.reader.read(100):
                    pass
            except ConnectionError:
                pass

    def cut(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.close()


def answer(status: int, body: object = b"", **headers: str) -> Step:
    """A whole answer; `headers` with `_` for `-`. A body that is not bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": "application/json", "x-github-request-id": "A:1"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    sent["content-length"] = str(len(raw))

    async def step(connection: Connection) -> None:
        await connection.head(status, sent)
        connection.writer.write(raw)
        await connection.writer.drain()

    return step


def stream(*chunks: bytes, then: str = "end") -> Step:
    """A chunked event stream. `then`: `end`, `cut`, `reset`, `nothing`, or `wait` (for the
    client to leave)."""

    async def step(connection: Connection) -> None:
        await connection.head(
            200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
        )
        for chunk in chunks:
            await connection.chunk(chunk)
        if then == "end":
            connection.writer.write(b"0\r\n\r\n")
            await connection.writer.drain()
        elif then == "wait":
            await connection.closed_by_client()
        elif then != "nothing":
            getattr(connection, then)()

    return step


async def silence(connection: Connection) -> None:
    """Say nothing until the client leaves."""
    await connection.closed_by_client()


async def reset(connection: Connection) -> None:
    connection.reset()


@dataclass
class Rig:
    """Answers request n with step n; the last step repeats."""

    steps: list[Step]
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: int = 0

    async def until(self, count: int) -> None:
        """Wait until `count` requests have arrived."""
        async with asyncio.timeout(5):
            while len(self.seen) < count:
                self._news.clear()
                await self._news.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self._opened = self._opened, self._opened + 1
        try:
            while (request := await _read(reader, number)) is not None:
                self.seen.append(request)
                self._news.set()
                step = self.steps[min(len(self.seen), len(self.steps)) - 1]
                await step(Connection(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self.ended.set()


async def _read(reader: asyncio.StreamReader, connection: int) -> Seen | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = first.split(" ")
    return Seen(method, path, headers, body, connection)


@asynccontextmanager
async def serving(*steps: Step) -> AsyncIterator[Rig]:
    rig = Rig(list(steps))
    server = await asyncio.start_server(rig.serve, "127.0.0.1", 0)
    rig.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield rig
    finally:
        server.close()


class Tokens:
    """An Authority that hands out one grant after another; the last one stays."""

    def __init__(self, urls: str | Iterable[str], *, direct: bool = False) -> None:
        places = [urls] * 4 if isinstance(urls, str) else list(urls)
        self.grants = [Grant(f"tid={n};token", url, direct) for n, url in enumerate(places)]
        self.stale: list[str | None] = []

    async def grant(self, *, stale: str | None = None) -> Grant:
        self.stale.append(stale)
        if stale == self.grants[0].token and len(self.grants) > 1:
            self.grants.pop(0)
        return self.grants[0]

    def outdate(self, token: str) -> None:
        assert token == self.grants.pop(0).token
