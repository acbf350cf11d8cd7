"""A client that only counts: requests as bytes, answers as times and event ends."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field

LIMIT = 120.0  # seconds for one stream


@dataclass
class Heard:
    """One stream, in seconds since its request was sent."""

    first: float = 0.0
    took: float = 0.0
    events: int = 0
    received: int = 0


@dataclass
class _Listener(asyncio.Protocol):
    request: bytes
    mark: bytes
    done: asyncio.Future[None]
    heard: Heard = field(default_factory=Heard)
    tail: bytes = b""
    sent: float = 0.0
    transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.sent = time.perf_counter()
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        heard = self.heard
        heard.received += len(data)
        heard.events += (self.tail[-1:] + data).count(b"\n\n")
        if not heard.first and self.mark in self.tail + data:
            heard.first = time.perf_counter() - self.sent
        self.tail = data[-64:] if len(data) >= 64 else (self.tail + data)[-64:]
        if self.tail.endswith(b"0\r\n\r\n") and not self.done.done():
            heard.took = time.perf_counter() - self.sent
            self.done.set_result(None)
            assert self.transport is not None
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the stream ended early"))


def request(port: int, path: str, body: dict[str, object]) -> bytes:
    payload = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer tid=bench;exp=1\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


async def stream(port: int, path: str, body: dict[str, object], mark: bytes) -> Heard:
    """One streamed request; `mark` is what the first content event contains."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    raw = request(port, path, body)
    _, listener = await loop.create_connection(
        lambda: _Listener(raw, mark, done), "127.0.0.1", port
    )
    async with asyncio.timeout(LIMIT):
        await done
    return listener.heard


async def streams(
    count: int, port: int, path: str, body: dict[str, object], mark: bytes
) -> list[Heard]:
    return list(await asyncio.gather(*(stream(port, path, body, mark) for _ in range(count))))
