"""A Copilot that costs almost nothing: a raw asyncio protocol with pre-rendered chunks.

It must be several times faster than what is measured, so it parses as little as it can, keeps
nothing of a request's body but its two ends, and writes an answer that is not paced in large
pieces. It listens on a plain port and, given a certificate, on a TLS port as well. A paced chunk
carries the moment it was sent, in nanoseconds of the monotonic clock, inside the text of the model,
so it survives every translation on its way.

Three routes are for the benchmark: `POST /__plan` sets what the next conversations get, `GET
/__stats` tells what happened, see `Plan` and `Stats`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import ssl
import sys
import time
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar, cast

T = TypeVar("T")

CHUNK_BYTES = 520
BATCH = 64  # chunks written at once at full speed
KEPT = 4096  # bytes of each end of a body

_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_STREAMED = re.compile(rb'"stream":\s*true')
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    b"x-request-id: bench\r\nx-github-request-id: bench\r\n\r\n"
)


@dataclass
class Plan:
    """`gap` seconds between chunks (0: as fast as the socket takes them). `hold`: seconds that a
    new connection is not answered, as on a long way with a handshake. `edition` counts plans: a
    paced stream of an older one ends with its next chunk."""

    chunks: int = 10
    gap: float = 0.0
    hold: float = 0.0
    edition: int = 0


@dataclass
class Stats:
    """`opened`: connections (with TLS: handshakes). Of the present plan's streams, `ended`: how
    many were sent to their end; `left_at`: when others lost their listener, in nanoseconds.
    `chunks`: paced ones that were sent."""

    opened: int = 0
    ended: int = 0
    streaming: int = 0
    chunks: int = 0
    left_at: list[int] = field(default_factory=list)


plan, stats = Plan(), Stats()


def chat_chunk() -> bytes:
    """A template of exactly `CHUNK_BYTES` once the time is in."""

    def rendered(content: str) -> bytes:
        body = {
            "choices": [{"index": 0, "delta": {"content": content}}],
            "created": 1, "id": "bench", "model": "gpt-bench",
        }  # fmt: skip
        return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"

    stamp = "t=%018d;"
    return rendered(stamp + "x" * (CHUNK_BYTES - len(rendered("")) - len(stamp % 0)))


def http_chunk(data: bytes, size: int | None = None) -> bytes:
    return b"%x\r\n%s\r\n" % (size or len(data), data)


LAST = (
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"created":1,"id":"bench",'
    b'"model":"gpt-bench","usage":{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18}}\n\n'
    b"data: [DONE]\n\n"
)
PACED = http_chunk(chat_chunk(), CHUNK_BYTES)
ONE, MANY = http_chunk(chat_chunk() % 0), http_chunk(chat_chunk() % 0 * BATCH)
END = http_chunk(LAST) + b"0\r\n\r\n"


def plain_answer(value: object) -> bytes:
    payload = json.dumps(value).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(payload) + payload


MODELS = {
    "data": [
        {
            "id": "gpt-bench", "name": "Bench", "vendor": "OpenAI", "object": "model",
            "version": "1", "preview": False, "model_picker_enabled": True,
            "supported_endpoints": ["/chat/completions"],
            "capabilities": {
                "type": "chat", "family": "gpt-bench", "object": "model_capabilities",
                "tokenizer": "o200k_base",
                "limits": {
                    "max_context_window_tokens": 100_000_000,
                    "max_prompt_tokens": 100_000_000, "max_output_tokens": 4096,
                },
                "supports": {"streaming": True, "tool_calls": True},
            },
        }
    ],
    "object": "list",
}  # fmt: skip
SMALL = plain_answer(
    {
        "id": "bench", "created": 1, "model": "gpt-bench",
        "choices": [{"index": 0, "finish_reason": "stop",
                     "message": {"role": "assistant", "content": "ok"}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
    }
)  # fmt: skip
ELSEWHERE = plain_answer({"login": "bench", "id": 1})
FIXED = {
    b"/models": plain_answer(MODELS),
    b"/copilot_internal/v2/token": plain_answer(
        {"token": "tid=bench;exp=1", "expires_at": 4_102_444_800, "refresh_in": 1500}
    ),
}


class Upstream(asyncio.Protocol):
    """One connection. A request is its head, then a body of which only the ends are kept."""

    def __init__(self) -> None:
        self.buffer = bytearray()  # of a head that is not complete, or of what is on hold
        self.target = b""  # of the request whose body is being read
        self.left_of_body = 0  # -1: until the last chunk
        self.first = self.last = b""  # what is kept of the body
        self.chunks_left = 0
        self.writable = True
        self.streaming = False
        self.timer: asyncio.TimerHandle | None = None
        self.edition = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self.loop = asyncio.get_running_loop()
        self.not_before = self.loop.time() + plan.hold
        stats.opened += 1

    def connection_lost(self, _error: Exception | None) -> None:
        if self.streaming:
            stats.streaming -= 1
            if self.edition == plan.edition:
                stats.left_at.append(time.monotonic_ns())
        self.streaming = False
        if self.timer is not None:
            self.timer.cancel()

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        if self.streaming and not plan.gap:
            self.pour()

    # ------------------------------------------------------------------------------ requests

    def data_received(self, data: bytes) -> None:
        if plan.hold and self.loop.time() < self.not_before:
            self.buffer += data
            self.loop.call_at(self.not_before, self.data_received, b"")
            return
        while True:
            if not self.target:
                self.buffer += data
                end = self.buffer.find(b"\r\n\r\n") + 4
                if end < 4:
                    return
                self.begin(bytes(self.buffer[:end]))
                data = bytes(self.buffer[end:])
                self.buffer.clear()
            data = self.read_body(data)
            if not data:
                return

    def begin(self, head: bytes) -> None:
        self.target = head.split(b" ", 2)[1].removeprefix(b"/v1")
        found = _LENGTH.search(head)
        chunked = found is None and b"chunked" in head.lower()
        self.left_of_body = -1 if chunked else int(found[1]) if found else 0
        self.first = self.last = b""

    def read_body(self, data: bytes) -> bytes:
        """What follows the body; it is answered once it is here."""
        size = self.left_of_body
        part = data if size < 0 else data[:size]
        if len(self.first) < KEPT:
            self.first = (self.first + part[:KEPT])[:KEPT]
        self.last = (self.last + part[-KEPT:])[-KEPT:]
        if size < 0:
            if not self.last.endswith(b"0\r\n\r\n"):
                return b""
        else:
            self.left_of_body -= len(part)
            if self.left_of_body:
                return b""
        target, self.target = self.target, b""
        self.answer(target)
        return b"" if size < 0 else data[size:]

    # ------------------------------------------------------------------------------- answers

    def answer(self, target: bytes) -> None:
        if target == b"/chat/completions":
            if not (_STREAMED.search(self.first) or _STREAMED.search(self.last)):
                self.transport.write(SMALL)
                return
            self.chunks_left, self.streaming, self.edition = plan.chunks, True, plan.edition
            stats.streaming += 1
            if plan.gap:
                self.due = self.loop.time()
                self.step(_HEAD)
            else:
                self.transport.write(_HEAD)
                self.pour()
        elif target.startswith(b"/__"):
            self.control(target)
        else:
            self.transport.write(FIXED.get(target, ELSEWHERE))

    def control(self, target: bytes) -> None:
        stats.opened -= 1  # its own connection, which is used for this only
        if target == b"/__plan":
            for name, value in json.loads(self.first).items():
                setattr(plan, name, value)
            plan.edition += 1
            stats.left_at, stats.ended = [], 0
        self.transport.write(plain_answer(asdict(stats)))

    def step(self, head: bytes = b"") -> None:
        """One chunk with its time, and the next one `gap` later."""
        if self.chunks_left <= 0 or self.edition != plan.edition:
            self.finish()
            return
        self.chunks_left -= 1
        stats.chunks += 1
        self.transport.write(head + PACED % time.monotonic_ns())
        self.due += plan.gap
        self.timer = self.loop.call_at(self.due, self.step)

    def pour(self) -> None:
        while self.chunks_left >= BATCH and self.writable:
            self.transport.write(MANY)
            self.chunks_left -= BATCH
        if not self.writable:
            return
        self.transport.write(ONE * self.chunks_left)
        self.chunks_left = 0
        self.finish()

    def finish(self) -> None:
        self.streaming = False
        stats.streaming -= 1
        stats.ended += self.edition == plan.edition
        self.transport.write(END)


async def main(certificate: str | None) -> None:
    loop = asyncio.get_running_loop()
    ports = {}
    plain = await loop.create_server(Upstream, "127.0.0.1", 0, backlog=1024)
    ports["plain"] = plain.sockets[0].getsockname()[1]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        secure = await loop.create_server(Upstream, "127.0.0.1", 0, ssl=context, backlog=1024)
        ports["tls"] = secure.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    # Ends with the benchmark that started it: its standard input closes.
    await loop.run_in_executor(None, sys.stdin.read)


def run(start: Coroutine[Any, Any, T]) -> T:
    """With uvloop where it is installed: fake and client should be fast, not typical."""
    try:
        import uvloop  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
    except ImportError:
        return asyncio.run(start)
    found: T = uvloop.run(start)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", help="a PEM file with key and certificate")
    run(main(parser.parse_args().certificate))
