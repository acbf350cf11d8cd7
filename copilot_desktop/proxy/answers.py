"""The client's side of one exchange: status line, stream, errors, signs of life.

Nothing is sent before there is something to say, so that an early refusal keeps its HTTP status.
Only after 20 silent seconds of a streaming request is the status line sent ahead, since many
clients give up on a silent server; from then on trouble is told in the stream.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import hdrs, web

from copilot_desktop import __version__
from copilot_desktop.dialects import Dialect, Writer
from copilot_desktop.errors import Problem, QuotaExhausted
from copilot_desktop.proxy.exchange import Exchange, Outcome
from copilot_desktop.upstream.client import UpstreamReply

SILENCE_BEFORE_HEADERS = 20.0  # seconds until the status line is sent ahead
SILENCE_IN_STREAM = 10.0  # seconds until a ping
STUCK_CLIENT = 120.0  # seconds without taking a byte until the client is dropped
LONGEST_RETRY = (
    60.0  # a longer `retry-after` would freeze the official SDKs (`translation.md` §13.2)
)

_PASSED_ON = ("x-request-id", "x-github-request-id")

FIXED_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    hdrs.CACHE_CONTROL: "no-store",
    hdrs.SERVER: f"copilot-desktop/{__version__}",
}
STREAM_HEADERS: Mapping[str, str] = {**FIXED_HEADERS, "X-Accel-Buffering": "no"}


def json_answer(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A JSON response with the fixed headers (`security-rules.md` 7)."""
    return web.Response(
        body=json.dumps(body, separators=(",", ":")).encode(),
        status=status,
        headers={**FIXED_HEADERS, **(headers or {})},
        content_type="application/json",
    )


def problem_answer(problem: Problem, dialect: Dialect) -> web.Response:
    """The error body of `dialect`, with the headers that keep SDKs from retrying in vain."""
    headers: dict[str, str] = {}
    if problem.retry_after is not None:
        headers[hdrs.RETRY_AFTER] = str(max(1, round(problem.retry_after)))
    hopeless = isinstance(problem, QuotaExhausted) or (problem.retry_after or 0) > LONGEST_RETRY
    if hopeless or (problem.status >= 500 and not problem.retryable):
        headers["x-should-retry"] = "false"
    if problem.request_id:
        headers["x-request-id"] = problem.request_id
    return json_answer(dialect.render_problem(problem), dialect.problem_status(problem), headers)


class Downstream:
    """Writes the answer to one client. `writer` is set on translated routes only."""

    def __init__(self, request: web.Request, dialect: Dialect, exchange: Exchange) -> None:
        self.dialect = dialect
        self.exchange = exchange
        self.writer: Writer | None = None
        self._request = request
        self._response: web.StreamResponse | None = None
        self._preparing = asyncio.Lock()
        self._last_sent = time.monotonic()
        self._writing_since: float | None = None
        self._pulse: asyncio.Task[None] | None = None

    def expect_stream(self) -> None:
        """Give signs of life from now on."""
        self._pulse = asyncio.create_task(self._keep_alive())

    async def write(self, out: bytes, reply: UpstreamReply | None = None) -> None:
        """Send bytes of the stream and wait until the client has room for more."""
        response = await self._open(reply)
        self.exchange.first_byte()
        await self._send(response, out)

    async def end(self, outcome: Outcome) -> web.StreamResponse:
        """The stream is complete."""
        response = await self._open(None)
        self._stop_pulse()
        await response.write_eof()
        self.exchange.finish(outcome)
        return response

    def whole(self, body: Any, reply: UpstreamReply) -> web.StreamResponse:
        """An unstreamed answer."""
        self.exchange.first_byte()
        self.exchange.status = 200
        self.exchange.finish("ok")
        return json_answer(body, headers=self._headers(reply))

    async def fail(self, problem: Problem) -> web.StreamResponse:
        """Tell the client, in its dialect: as a status if that is still possible."""
        self._stop_pulse()
        self.exchange.error = problem.message
        self.exchange.finish("failed")
        if self._response is None:
            answer = problem_answer(problem, self.dialect)
            self.exchange.status = answer.status
            return answer
        fault = self.writer.fail(problem) if self.writer else self.dialect.fault(problem)
        await self._send(self._response, fault)
        await self._response.write_eof()
        return self._response

    def close(self) -> None:
        """Stop the signs of life, however the exchange ended."""
        self._stop_pulse()

    # ------------------------------------------------------------------------ inner workings

    async def _open(self, reply: UpstreamReply | None) -> web.StreamResponse:
        if self._response is not None:
            return self._response
        async with self._preparing:
            if self._response is None:
                response = web.StreamResponse(headers={**STREAM_HEADERS, **self._headers(reply)})
                kind = self.writer.content_type if self.writer else "text/event-stream"
                response.headers[hdrs.CONTENT_TYPE] = f"{kind}; charset=utf-8"
                await response.prepare(self._request)
                self.exchange.status = 200
                self._response = response
        return self._response

    def _headers(self, reply: UpstreamReply | None) -> dict[str, str]:
        headers = {"x-copilot-desktop-notes": self.exchange.note_line()}
        if reply is not None:
            for name in _PASSED_ON:
                if value := reply.headers.get(name):
                    headers[name] = value
        return headers

    async def _send(self, response: web.StreamResponse, out: bytes) -> None:
        self._writing_since = time.monotonic()
        await response.write(out)
        self._last_sent = time.monotonic()
        self._writing_since = None

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(SILENCE_IN_STREAM / 2)
            now = time.monotonic()
            if self._writing_since is not None:
                if now - self._writing_since > STUCK_CLIENT and self._request.transport:
                    self._request.transport.abort()
                continue
            patience = SILENCE_BEFORE_HEADERS if self._response is None else SILENCE_IN_STREAM
            if now - self._last_sent >= patience:
                ping = self.writer.ping() if self.writer else b": keep-alive\n\n"
                try:
                    await self._send(await self._open(None), ping)
                except ConnectionResetError:
                    return

    def _stop_pulse(self) -> None:
        if self._pulse is not None:
            self._pulse.cancel()
            self._pulse = None
