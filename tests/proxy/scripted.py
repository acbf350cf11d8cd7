"""A Copilot that answers exactly what a test says, for streams that the demo does not speak."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from rig import Rig, running_rig

from copilot_desktop.demo import Scenario
from copilot_desktop.demo.catalogue import models

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Script:
    """`seen`: path and raw body of every conversation request."""

    answer: Answer
    url: str = ""
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    open: int = 0  # answers that are being given

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(raw) for _, raw in self.seen]


def pieces(*chunks: bytes, hang: bool = False, kind: str = "text/event-stream") -> Answer:
    """These reads, one after the other; then the end, or (`hang`) nothing at all."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": kind})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(0.002)  # so that they are different reads; nothing depends on it
        if hang:
            await asyncio.Event().wait()
        return response

    return answer


@asynccontextmanager
async def scripted_rig(answer: Answer, **options: Any) -> AsyncIterator[tuple[Rig, Script]]:
    """A proxy whose conversations go to `answer`; sign-in and models are the demo's."""
    script = Script(answer)

    async def models_of(_request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": models(Scenario())})

    async def converse(request: web.Request) -> web.StreamResponse:
        # What the proxy does not take must not be gone in the kernel, whose own limits grow with
        # the time between two reads: to tens of megabytes on a busy machine.
        assert request.transport is not None
        wire: socket.socket = request.transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        script.seen.append((request.path, await request.read()))
        script.open += 1
        try:
            return await script.answer(request)
        finally:
            script.open -= 1

    app = web.Application(client_max_size=2**30)
    app.router.add_get("/models", models_of)
    app.router.add_post("/{path:.*}", converse)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    script.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with running_rig(copilot=script.url, **options) as rig:
            yield rig, script
    finally:
        await runner.cleanup()


async def post(rig: Rig, path: str, body: Any, **options: Any) -> tuple[int, bytes, Any]:
    """Status, body and headers of one request."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(rig.url + path, json=body, **options) as response,
    ):
        return response.status, await response.read(), response.headers


def events(*payloads: tuple[str, Any] | Any) -> bytes:
    """Events on the wire, with a name where a pair is given."""
    out = b""
    for payload in payloads:
        name, data = payload if isinstance(payload, tuple) else ("", payload)
        text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
        out += (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()
    return out


def words(text: str) -> bytes:
    """One event of a Messages stream that says `text`."""
    delta = {"type": "text_delta", "text": text}
    payload = {"type": "content_block_delta", "index": 0, "delta": delta}
    return events(("content_block_delta", payload))


MESSAGES_HEAD = events(
    ("message_start", {"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5",
        "content": [], "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 1}}}),
    ("content_block_start", {"type": "content_block_start", "index": 0,
                             "content_block": {"type": "text", "text": ""}}),
)  # fmt: skip


async def endless(request: web.Request) -> web.StreamResponse:
    """A Messages stream that goes on as long as somebody reads it."""
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    await response.write(MESSAGES_HEAD)
    while True:
        await response.write(words("x" * 4000) * 8)
        await asyncio.sleep(0)
