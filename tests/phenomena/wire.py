"""A line to the fake Copilot on which the bytes of an answer can be damaged.

A plain TCP server that no HTTP library stands behind: it hands each request to the fake and writes
the answer itself, so that it can also write what no library would. A `Damage` is a function that
writes the answer to a conversation; everything else (models, tokens) passes as it is.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from phenomena.routes import MODELS
from rig import Rig, running_rig

if TYPE_CHECKING:
    from phenomena.socket_wire import Line

LIMIT = 30.0  # seconds; a deadline for one exchange on the line
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is unsent is thrown away, the peer sees a reset


@dataclass
class Out:
    """One answer on its way to the product. `body` is what the fake said, whole."""

    writer: asyncio.StreamWriter
    status: int
    kind: str
    body: bytes

    @property
    def stream(self) -> bool:
        return self.kind.startswith("text/event-stream")

    def head(self, *fields: str, status: str = "200 OK", kind: str | None = None) -> bytes:
        """The head. `fields` are whole lines; the connection ends with the answer."""
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind or self.kind}", "X-Request-Id: 1f2e"]
        return "\r\n".join([*lines, *fields, "Connection: close", "", ""]).encode()

    def sized(self, body: bytes) -> bytes:
        return self.head(f"Content-Length: {len(body)}") + body

    async def put(self, *pieces: bytes) -> None:
        """Each piece leaves in a write of its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0.002)  # so that they are different reads; nothing depends on it

    async def put_chunked(self, *pieces: bytes, end: bytes = b"0\r\n\r\n") -> None:
        """Head and pieces, each as a chunk of its own, then `end`."""
        await self.put(self.head("Transfer-Encoding: chunked"))
        await self.put(*(chunk(piece) for piece in pieces if piece), end)

    async def hang(self) -> None:
        """Nothing more, as long as the other side stays."""
        await asyncio.sleep(LIMIT)

    async def reset(self) -> None:
        """The connection is torn down with an RST."""
        await asyncio.sleep(0.02)  # what was written must leave first, or it is thrown away
        plug = self.writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.writer.transport.abort()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


Damage = Callable[[Out], Awaitable[None]]


async def unharmed(out: Out) -> None:
    await out.put(out.sized(out.body))


@dataclass
class Wire:
    """`damage` is done to every answer of a conversation; `seen` are their paths. Without a `line`
    there are no WebSockets."""

    damage: Damage = unharmed
    line: Line | None = None
    url: str = ""
    fake: str = ""
    seen: list[str] = field(default_factory=list)


@asynccontextmanager
async def wired_rig(
    damage: Damage = unharmed, *, line: Line | None = None, **options: Any
) -> AsyncIterator[tuple[Rig, Wire]]:
    """A proxy whose way to Copilot is such a line."""
    wire = Wire(damage, line)
    talks: set[asyncio.Task[Any]] = set()
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), auto_decompress=False
    ) as http:

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talks.add(task)
            try:
                async with asyncio.timeout(LIMIT):
                    await _exchange(wire, http, reader, writer)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                pass
            finally:
                talks.discard(task)
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            async with running_rig(copilot=wire.url, **options) as rig:
                wire.fake = rig.fake.url
                yield rig, wire
        finally:
            server.close()
            for talk in list(talks):
                talk.cancel()
            await asyncio.gather(*talks, return_exceptions=True)


async def _exchange(
    wire: Wire,
    http: aiohttp.ClientSession,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    fields = dict(line.split(": ", 1) for line in head[1:] if line)
    named = {name.lower(): value for name, value in fields.items()}
    body = await reader.readexactly(int(named.get("content-length", 0)))
    if "upgrade" in named and wire.line is not None:
        with suppress(ConnectionError):
            await wire.line.serve(wire.fake, http, named, reader, writer)
        return
    if "upgrade" in named:  # no sockets here: they are asked for again as requests
        writer.write(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        return
    for name in list(fields):
        if name.lower() in {"host", "content-length", "connection"}:
            del fields[name]
    async with http.request(method, wire.fake + path, headers=fields, data=body) as answer:
        kind = answer.headers.get("content-type", "")
        out = Out(writer, answer.status, kind, await answer.read())
    if path not in MODELS:
        await out.put(out.sized(out.body).replace(b"200 OK", b"%d X" % out.status, 1))
        return
    assert out.status == 200, out.body
    wire.seen.append(path)
    with suppress(ConnectionError):
        await wire.damage(out)


def events(body: bytes) -> list[bytes]:
    """The events of a stream, each with its blank line."""
    return [piece + b"\n\n" for piece in body.split(b"\n\n") if piece]


def padded(body: bytes, size: int) -> bytes:
    """The same answer with `size` bytes more in a field that nobody knows."""
    spare = json.dumps({"x_padding": "p" * size}).encode()[:-1] + b","
    first = body.index(b"{")
    return body[:first] + spare + body[first + 1 :]
