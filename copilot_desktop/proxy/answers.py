"""The client's side of one exchange: status line, stream, errors, signs of life.

`Downstream` is what the relay needs of it; `HttpDownstream` is the one for HTTP (the one for a
WebSocket is in `socket_answers`).

Nothing is sent before there is something to say, so that an early refusal keeps its HTTP status.
Only after 20 silent seconds of a streaming request is the status line sent ahead, since many
clients give up on a silent server; from then on trouble is told in the stream.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Protocol

from aiohttp import HttpVersion11, hdrs, web
from multidict import istr

from copilot_desktop import __version__, json_bytes
from copilot_desktop.dialects import Dialect, Writer
from copilot_desktop.errors import InvalidRequest, Problem, QuotaExhausted, UpstreamTimeout
from copilot_desktop.model import MESSAGES, RESPONSES
from copilot_desktop.proxy import codex, packets
from copilot_desktop.proxy.exchange import Exchange, Outcome
from copilot_desktop.upstream.client import UpstreamReply

log = logging.getLogger(__name__)

SILENCE_BEFORE_HEADERS = 20.0  # seconds until the status line is sent ahead
SILENCE_IN_STREAM = 10.0  # seconds until a ping
MOST_UNSENT = 64 * 1024  # bytes that wait for one client before upstream is not read any more
# What takes longer is not repeated by the official SDKs on their own: a longer `retry-after` would
# freeze them, a longer attempt would triple the wait (`translation.md` §13.1, §13.2).
LONGEST_RETRY = 60.0

_GITHUB_ID = "x-github-request-id"
_PLAIN_ID = re.compile(r"[!-~]{1,200}").fullmatch  # what else an upstream may send stays here

FIXED_HEADERS: Mapping[str, str] = {
    istr("X-Content-Type-Options"): "nosniff",
    hdrs.CACHE_CONTROL: "no-store",
    hdrs.SERVER: f"copilot-desktop/{__version__}",
}
EVENTS = "text/event-stream; charset=utf-8"
STREAM_HEADERS: Mapping[str, str] = {**FIXED_HEADERS, istr("X-Accel-Buffering"): "no"}
JSON_HEADERS: Mapping[str, str] = {**FIXED_HEADERS, hdrs.CONTENT_TYPE: "application/json"}
_JSON_HEAD = packets.head(JSON_HEADERS)


def json_answer(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A JSON response with the fixed headers (`security-rules.md` 7)."""
    return web.Response(
        body=json_bytes.written(body), status=status, headers={**JSON_HEADERS, **(headers or {})}
    )


def problem_answer(
    problem: Problem, dialect: Dialect, *, took: float = 0.0, client: str = ""
) -> web.Response:
    """The error body of `dialect`, with the headers that keep SDKs from retrying in vain.

    `took`: seconds that the client has waited for it; `client` is its `User-Agent`.
    """
    headers: dict[str, str] = {}
    if problem.retry_after is not None:
        headers[hdrs.RETRY_AFTER] = str(max(1, round(problem.retry_after)))
    hopeless = isinstance(problem, QuotaExhausted) or (problem.retry_after or 0) > LONGEST_RETRY
    endless = isinstance(problem, UpstreamTimeout) and took > LONGEST_RETRY
    if hopeless or endless or (problem.status >= 500 and not problem.retryable):
        headers["x-should-retry"] = "false"
    if problem.request_id:
        headers |= _named_request(problem.request_id, dialect)
    status, body = dialect.problem_status(problem), dialect.render_problem(problem)
    if dialect.endpoint == RESPONSES and codex.is_codex(client):
        own = codex.limit_answer(problem, body)
        if own is not None:
            status, body = own[:2]
            headers |= own[2]
    return json_answer(body, status, headers)


def unexpected(error: Exception) -> Problem:
    """For an error that nobody thought of. The client gets a number, the log what it stands for."""
    if isinstance(error, RecursionError):
        return InvalidRequest("The body is nested too deeply.")
    number = secrets.token_hex(6)
    log.error("unexpected error %s", number, exc_info=error)
    return Problem(f"Error id {number}.", request_id=number)


def _named_request(request_id: str, dialect: Dialect) -> dict[str, str]:
    """Each vendor's SDK looks for the id under its own name; GitHub's is known by its colons."""
    if not _PLAIN_ID(request_id):
        return {}
    names = ["x-request-id"] + (["request-id"] if dialect.endpoint == MESSAGES else [])
    if ":" in request_id:
        names.append(_GITHUB_ID)
    return dict.fromkeys(names, request_id)


@lru_cache(maxsize=8)
def _stream_head(kind: str) -> packets.Head:
    return packets.head({**STREAM_HEADERS, hdrs.CONTENT_TYPE: kind})


async def deliver(answer: web.StreamResponse, request: web.Request) -> None:
    """Send an answer that is ready as a whole."""
    await answer.prepare(request)
    await answer.write_eof()


class Downstream(Protocol):
    """Writes the answer to one client. `writer` is set on translated routes only."""

    dialect: Dialect
    exchange: Exchange
    writer: Writer | None

    @property
    def spoke(self) -> bool:
        """Has the client got anything of the answer itself (signs of life do not count)?"""

    def expect_stream(self) -> None:
        """Give signs of life from now on."""

    async def write(self, out: bytes, reply: UpstreamReply | None = None) -> None:
        """Send events, as server-sent events, and wait until the client has room for more."""

    @property
    def straight(self) -> bool:
        """Will `write_now` be possible at all?"""

    def write_now(self, out: bytes, reply: UpstreamReply | None = None) -> bool:
        """Send events without waiting. False: not now; `write` them. Raises ConnectionError."""

    async def end(self, outcome: Outcome) -> web.StreamResponse:
        """The stream is complete."""

    async def whole(self, body: Any, reply: UpstreamReply | None = None) -> web.StreamResponse:
        """An unstreamed answer; without `reply` it is ours."""

    async def fail(self, problem: Problem) -> web.StreamResponse:
        """Tell the client, in its dialect."""

    def close(self) -> None:
        """Stop the signs of life, however the exchange ended."""


class Pulse:
    """Asks all open streams now and then whether their clients have waited for too long.

    One timer for all of them: most streams are over long before it matters.
    """

    def __init__(self) -> None:
        self._open: set[HttpDownstream] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, down: HttpDownstream) -> None:
        self._open.add(down)
        if self._timer is None:
            self._wait()

    def end(self, down: HttpDownstream) -> None:
        self._open.discard(down)

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SILENCE_IN_STREAM / 2, self._beat)

    def _beat(self) -> None:
        self._timer = None
        for down in self._open:
            down.beat()
        if self._open:
            self._wait()


class HttpDownstream:
    """An HTTP response: the status is decided with the first byte."""

    writer: Writer | None

    def __init__(
        self, request: web.Request, dialect: Dialect, exchange: Exchange, pulse: Pulse
    ) -> None:
        self.dialect = dialect
        self.exchange = exchange
        self.writer = None
        self._request = request
        self._response: web.StreamResponse | None = None
        self._transport: asyncio.WriteTransport | None = None  # for chunks, once the head is sent
        self._last_sent = time.monotonic()
        self._waiting = False  # for the client to take what was written
        self._pulse = pulse
        self._expects = False  # may need signs of life
        self._ping: asyncio.Task[None] | None = None
        self._ended = False

    def expect_stream(self) -> None:
        """Give signs of life from now on."""
        self._expects = True
        self._pulse.begin(self)

    @property
    def spoke(self) -> bool:
        """Has the client got anything of the answer itself (signs of life do not count)?"""
        return self.exchange.first_ms is not None

    async def write(self, out: bytes, reply: UpstreamReply | None = None) -> None:
        """Send bytes of the stream and wait until the client has room for more."""
        if (response := self._response) is None:
            response = await self._open(reply)
        self._take_down(out)
        self.exchange.first_byte()
        await self._send(response, out)

    @property
    def straight(self) -> bool:
        """Will `write_now` be possible at all?"""
        return self._request.version >= HttpVersion11 and self.exchange.tape is None

    def write_now(self, out: bytes, reply: UpstreamReply | None = None) -> bool:
        """Send events as one HTTP chunk in one write, without waiting; the head goes before it.

        False if that must not be: a sign of life is on its way, the client is slow, or old.
        """
        if (transport := self._transport) is None:
            return self._begin_now(out, reply)
        if transport.is_closing():
            raise ConnectionResetError("the client is gone")
        if transport.get_write_buffer_size() > MOST_UNSENT:
            return False
        transport.write(b"".join((b"%x\r\n" % len(out), out, b"\r\n")))
        self._last_sent = time.monotonic()
        return True

    async def end(self, outcome: Outcome) -> web.StreamResponse:
        """The stream is complete."""
        if (response := self._response) is None:
            response = await self._open(None)
        self._stop_pulse()
        self._ended = True
        await response.write_eof()
        self.exchange.finish(outcome)
        return response

    async def whole(self, body: Any, reply: UpstreamReply | None = None) -> web.StreamResponse:
        """An unstreamed answer; without `reply` it is ours."""
        out, exchange = json_bytes.written(body), self.exchange
        answer = packets.whole(self._request, _JSON_HEAD, self._headers(reply), out)
        self._take_down(out)
        exchange.first_byte()
        exchange.status = 200
        self._response, self._ended = answer, True
        await answer.prepare(self._request)
        await answer.write_eof()
        exchange.finish("ok")
        return answer

    async def fail(self, problem: Problem) -> web.StreamResponse:
        """Tell the client, in its dialect: as a status if that is still possible."""
        self._stop_pulse()
        if self._ended and self._response is not None:
            return self._response  # it could only be taken for the next answer
        self.exchange.error = problem.message
        self.exchange.finish("failed")
        if self._response is None:
            took = time.monotonic() - self.exchange.started
            client = self._request.headers.get(hdrs.USER_AGENT, "")
            answer = problem_answer(problem, self.dialect, took=took, client=client)
            self._take_down(answer.body)
            self.exchange.status = answer.status
            if self.exchange.route:
                answer.headers.update(self._headers(None))
            return answer
        fault = self.writer.fail(problem) if self.writer else self.dialect.fault(problem)
        self._take_down(fault)
        await self._response.write(fault)
        await self._response.write_eof()
        return self._response

    def close(self) -> None:
        """Stop the signs of life, however the exchange ended."""
        self._stop_pulse()

    @property
    def _stream_type(self) -> str:
        """As long as there is no writer: a request may wait before its answer is thought of."""
        return getattr(self.dialect, "stream_type", EVENTS)

    @property
    def _early_ping(self) -> bytes:
        return b": keep-alive\n\n" if self._stream_type == EVENTS else b""

    # ------------------------------------------------------------------------ inner workings

    def _take_down(self, out: Any) -> None:
        if self.exchange.tape is not None and isinstance(out, bytes):
            self.exchange.tape.told.add(out)

    def _begin_now(self, out: bytes, reply: UpstreamReply | None) -> bool:
        if self._response is not None or not self.straight:
            return False
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client is gone")
        response = self._streamed(reply)
        if not isinstance(response, packets.Packet):
            return False
        response.begin(self._request)
        self._response, self._transport = response, transport
        self.exchange.status = 200
        self.exchange.first_byte()
        first = response.first(out)
        transport.write(first)
        self._request.writer.output_size += len(first)  # who asks, asks whether one has begun
        self._last_sent = time.monotonic()
        return True

    def _streamed(self, reply: UpstreamReply | None) -> web.StreamResponse:
        kind = self.writer.content_type if self.writer else self._stream_type
        return packets.streamed(self._request, _stream_head(kind), self._headers(reply))

    async def _open(self, reply: UpstreamReply | None) -> web.StreamResponse:
        response = self._streamed(reply)
        # From here on the status is decided. (Sending the head does not suspend, so that nobody
        # can find a response that is not prepared yet.)
        self._response = response
        self.exchange.status = 200
        await response.prepare(self._request)
        return response

    def _headers(self, reply: UpstreamReply | None) -> dict[str, str]:
        headers: dict[str, str] = {"x-copilot-desktop-notes": self.exchange.note_line()}
        if reply is not None:
            told = reply.headers
            plain, github = told.get("x-request-id"), told.get(_GITHUB_ID)
            if github and _PLAIN_ID(github):
                headers[_GITHUB_ID] = github
            if named := plain or github:
                headers |= _named_request(named, self.dialect)
        return headers

    async def _send(self, response: web.StreamResponse, out: bytes) -> None:
        self._waiting = True
        await response.write(out)
        if self._transport is not None:
            await self._request.writer.drain()  # aiohttp counts its own writes only
        elif self.straight:
            self._transport = self._request.transport
        self._last_sent = time.monotonic()
        self._waiting = False

    def beat(self) -> None:
        """Has the client waited for too long, and not we for the client? Then give it a sign."""
        if self._ping is None and not self._waiting:
            patience = SILENCE_BEFORE_HEADERS if self._response is None else SILENCE_IN_STREAM
            if time.monotonic() - self._last_sent >= patience:
                self._ping = asyncio.create_task(self._live())

    async def _live(self) -> None:
        """A sign of life."""
        ping = self.writer.ping() if self.writer else self._early_ping
        with suppress(ConnectionResetError):
            if (response := self._response) is None:
                response = await self._open(None)
            await response.write(ping)
        self._last_sent = time.monotonic()
        self._ping = None

    def _stop_pulse(self) -> None:
        if not self._expects:
            return
        self._expects = False
        self._pulse.end(self)
        if self._ping is not None:
            self._ping.cancel()
            self._ping = None
