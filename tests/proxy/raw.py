"""Requests as bytes on a socket, for what an HTTP client would put right or refuse to send."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

MEGABYTE = 1024 * 1024
PATIENCE = 20.0  # seconds; a deadline, never a measurement


@dataclass(frozen=True)
class Answer:
    """`headers` keep their order and doubles, names in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value

    def json(self) -> Any:
        return json.loads(self.body)


def request(
    method: str = "GET",
    target: str = "/v1/models",
    *headers: tuple[str, str],
    host: str | None = "localhost",
    body: bytes | None = None,
) -> bytes:
    """The bytes of one request. `host` None leaves that header out."""
    lines = [f"{method} {target} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


async def send(port: int, data: bytes, *, closed: bool = False) -> Answer:
    """Send bytes on a connection of their own and read one answer.

    `closed`: nothing may follow it but the end of the connection.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(data)
            await writer.drain()
            answer = await read_answer(reader)
            if closed:
                assert await reader.read() == b"", "the connection goes on"
            return answer
    finally:
        await hang_up(writer)


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """One answer: by length, by chunks, or until the connection ends."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ")[1])
    pairs = [line.partition(":") for line in head[1:] if line]
    headers = [(name.strip().lower(), value.strip()) for name, _, value in pairs]
    named = dict(headers)
    if status < 200:
        return Answer(status, headers, b"")
    if named.get("transfer-encoding") == "chunked":
        return Answer(status, headers, await _chunks(reader))
    if "content-length" in named:
        return Answer(status, headers, await reader.readexactly(int(named["content-length"])))
    return Answer(status, headers, await reader.read())


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    whole = b""
    while size := int(await reader.readline(), 16):
        whole += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return whole


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def read_late(port: int, asking: bytes, sent: Callable[[], int]) -> bytes:
    """All that comes back to a client that takes nothing at first. Upstream, which tells how many
    bytes it has `sent`, must stop meanwhile."""
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", port))
        await loop.sock_sendall(client, asking)
        await until(lambda: sent() > 0, "the stream has begun")
        before = -1
        while before != sent():  # until nothing moves any more
            before = sent()
            await asyncio.sleep(0.4)
        assert sent() < 14 * MEGABYTE, "upstream is read for a client that takes nothing"
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * MEGABYTE)
        whole = bytearray()
        async with asyncio.timeout(60):
            while not whole.endswith(b"0\r\n\r\n"):
                whole += await loop.sock_recv(client, MEGABYTE)
    return bytes(whole)


async def until(condition: Any, what: str = "", patience: float = PATIENCE) -> None:
    """Wait for `condition()` to hold."""
    deadline = asyncio.get_running_loop().time() + patience
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(0.005)
