"""A tape between a client and the fake Copilot: what was answered once is answered again.

So that two readers get the very same bytes, although they ask in different words.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

ENDPOINTS = ("/chat/completions", "/responses", "/v1/messages")
_OURS = {"host", "content-length", "accept-encoding", "connection", "transfer-encoding"}


@dataclass
class Answer:
    """`whole` is false if the connection died."""

    status: int
    kind: str
    chunks: list[bytes] = field(default_factory=list)
    whole: bool = True


@dataclass
class Tape:
    """Records while `answer` is None; then plays. `asked` holds the bodies of conversations."""

    upstream: str
    http: aiohttp.ClientSession
    url: str = ""
    answer: Answer | None = None
    asked: list[Any] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        conversation = request.path in ENDPOINTS
        if conversation:
            self.asked.append(json.loads(body))
        answer = self.answer if conversation else None
        if answer is None:
            answer = await self._fetched(request, body)
            if conversation:
                self.answer = answer
        response = web.StreamResponse(status=answer.status, headers={"content-type": answer.kind})
        await response.prepare(request)
        for chunk in answer.chunks:
            await response.write(chunk)
        if answer.whole:
            await response.write_eof()
        elif request.transport is not None:
            await asyncio.sleep(0.05)  # what was written must leave before the end
            request.transport.close()
        return response

    async def _fetched(self, request: web.Request, body: bytes) -> Answer:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _OURS}
        url = self.upstream + request.path_qs
        async with self.http.request(request.method, url, headers=headers, data=body) as reply:
            answer = Answer(reply.status, reply.headers["content-type"])
            try:
                async for chunk in reply.content.iter_any():
                    answer.chunks.append(chunk)
            except aiohttp.ClientError:
                answer.whole = False
            return answer


@asynccontextmanager
async def recording(upstream: str) -> AsyncIterator[Tape]:
    """A tape in front of `upstream`, listening on loopback."""
    async with aiohttp.ClientSession() as http:
        tape = Tape(upstream, http)
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", tape.serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        tape.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield tape
        finally:
            await runner.cleanup()
