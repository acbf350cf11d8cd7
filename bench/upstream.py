"""A Copilot that costs almost nothing: a raw asyncio protocol with pre-rendered chunks.

It must be several times faster than what is measured, so it parses as little as it can. `POST
/__plan` with `{"chunks": n, "gap_ms": g}` sets what the next conversations get: n chunks of 520
bytes, g milliseconds apart (0: as fast as the socket takes them).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys

CHUNK_BYTES = 520
BATCH = 64  # chunks written at once at full speed

_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    b"x-request-id: bench\r\nx-github-request-id: bench\r\n\r\n"
)


def chat_chunk() -> bytes:
    def rendered(content: str) -> bytes:
        body = {
            "choices": [{"index": 0, "delta": {"content": content}}],
            "created": 1, "id": "bench", "model": "gpt-bench",
        }  # fmt: skip
        return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"

    return rendered("x" * (CHUNK_BYTES - len(rendered(""))))


CHUNK = chat_chunk()
LAST = (
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"created":1,"id":"bench",'
    b'"model":"gpt-bench","usage":{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18}}\n\n'
    b"data: [DONE]\n\n"
)
MODELS = {
    "data": [
        {
            "id": "gpt-bench", "name": "Bench", "vendor": "OpenAI", "object": "model",
            "model_picker_enabled": True, "supported_endpoints": ["/chat/completions"],
            "capabilities": {
                "type": "chat", "family": "gpt-bench",
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


def http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


ONE, MANY = http_chunk(CHUNK), http_chunk(CHUNK * BATCH)
END = http_chunk(LAST) + b"0\r\n\r\n"


class Plan:
    chunks = 10
    gap = 0.0


class Upstream(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.left = 0
        self.writable = True
        self.streaming = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self.left = 0
        self.streaming = False

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        if self.streaming and not Plan.gap:
            self.pump()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        found = _LENGTH.search(self.buffer, 0, end)
        size = end + 4 + (int(found[1]) if found else 0)
        if len(self.buffer) < size:
            return
        target = bytes(self.buffer[: self.buffer.find(b"\r\n")]).split(b" ")[1]
        body = bytes(self.buffer[end + 4 : size])
        del self.buffer[:size]
        self.answer(target, body)

    def answer(self, target: bytes, body: bytes) -> None:
        if target == b"/chat/completions":
            if b'"stream":true' in body or b'"stream": true' in body:
                self.transport.write(_HEAD)
                self.left, self.streaming = Plan.chunks, True
                self.pump()
                return
            answer = {
                "id": "bench", "created": 1, "model": "gpt-bench",
                "choices": [{"index": 0, "finish_reason": "stop",
                             "message": {"role": "assistant", "content": "ok"}}],
                "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
            }  # fmt: skip
        elif target == b"/__plan":
            plan = json.loads(body)
            Plan.chunks, Plan.gap = plan["chunks"], plan["gap_ms"] / 1000
            answer = {}
        elif target == b"/models":
            answer = MODELS
        elif target == b"/copilot_internal/v2/token":
            answer = {"token": "tid=bench;exp=1", "expires_at": 4_102_444_800, "refresh_in": 1500}
        else:
            answer = {"login": "bench", "id": 1}
        payload = json.dumps(answer).encode()
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.transport.write((head % len(payload)).encode() + payload)

    def pump(self) -> None:
        if not self.streaming:
            return
        if Plan.gap:
            if self.left > 0:
                self.transport.write(ONE)
                self.left -= 1
                asyncio.get_running_loop().call_later(Plan.gap, self.pump)
                return
        else:
            while self.left >= BATCH and self.writable:
                self.transport.write(MANY)
                self.left -= BATCH
            if not self.writable:
                return
            while self.left > 0:
                self.transport.write(ONE)
                self.left -= 1
        self.streaming = False
        self.transport.write(END)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", parser.parse_args().port)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    # Ends with the benchmark that started it: its standard input closes.
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
