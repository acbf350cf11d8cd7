"""The client's side of one exchange on a WebSocket: each event is one text frame.

The relay writes server-sent events, as for HTTP; here their data becomes frames. A socket has no
status line, so trouble is a frame at any time, and the socket goes on. Clients read that frame in
different ways (`clients.md`; Codex' `codex-api/src/endpoint/responses_websocket.rs`; the OpenAI
SDKs' `ResponseErrorEvent`): Codex takes the status and `error`, and passes over an error without a
status as if nothing had come; the SDKs take the flat fields. So there are both. GitHub's own CLI
goes by the code alone; without one it takes a refusal for a fault and asks five times more, so
there is always one. A prompt that is too long is told as a failed response as well as by HTTP
status: Codex compacts on that one.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import hdrs, web

from copilot_desktop.dialects import Dialect, Writer
from copilot_desktop.errors import InputTooLarge, Problem, QuotaExhausted, RateLimited
from copilot_desktop.proxy import codex
from copilot_desktop.proxy.exchange import Exchange, Outcome
from copilot_desktop.sse import Frame, FrameDecoder
from copilot_desktop.upstream.client import UpstreamReply
from copilot_desktop.upstream.socket_reply import object_of
from copilot_desktop.upstream.websocket import code_of, refusal_of

Json = dict[str, Any]

_ENDS = ("response.completed", "response.incomplete")
# What an error that upstream tells in its stream would be as a status (`upstream.md` §7.6, §11.2),
# if it is none of those that have a meaning to clients.
_STATUS = {
    "previous_response_not_found": 400,
    "content_filter": 400,
    "bad_request": 400,
    "invalid_prompt": 400,
    "not_found": 404,
    "request_too_large": 413,
    "session_expired": 401,
    "service_unavailable": 503,
}
_MEANT = (RateLimited, QuotaExhausted, InputTooLarge)
_OTHER_STATUS = 502
_NO_REASON = "bad_request"  # Copilot's own word (`upstream.md` §7.6)


class SocketDownstream:
    """One answer on the `socket` that `request` asked for.

    Once it is complete, `response_id`, `output` and `size` (characters) say what the client got.
    """

    writer: Writer | None

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        dialect: Dialect,
        exchange: Exchange,
    ) -> None:
        self.dialect = dialect
        self.exchange = exchange
        self.writer = None
        self.response_id = ""
        self.output: list[Any] = []
        self.size = 0
        self._request = request
        self._socket = socket
        self._done: list[Any] = []

    @property
    def spoke(self) -> bool:
        return self.exchange.first_ms is not None

    def expect_stream(self) -> None:
        """The socket gives its own signs of life."""

    async def write(self, out: bytes, reply: UpstreamReply | None = None) -> None:
        decoder = FrameDecoder()
        for frame in (*decoder.feed(out), *decoder.close()):
            if frame.data and await self._pass_on(frame) == "error":
                return  # what follows would be taken for the next answer

    @property
    def straight(self) -> bool:
        return False

    def write_now(self, out: bytes, reply: UpstreamReply | None = None) -> bool:
        """A frame is sent by a task, which waits for it."""
        return False

    async def end(self, outcome: Outcome) -> web.StreamResponse:
        self.exchange.finish(outcome)
        return self._socket

    async def whole(self, body: Any, reply: UpstreamReply | None = None) -> web.StreamResponse:
        """A finished response, told as a stream of two events."""
        begun = {**body, "status": "in_progress", "output": []}
        for number, (kind, response) in enumerate(
            (("response.created", begun), ("response.completed", body))
        ):
            event = {"type": kind, "sequence_number": number, "response": response}
            await self._pass_on(Frame(json.dumps(event, separators=(",", ":")).encode(), kind))
        return await self.end("ok")

    async def fail(self, problem: Problem) -> web.StreamResponse:
        if self.exchange.outcome != "open":
            return self._socket  # it would be taken for the next answer
        self.exchange.error = problem.message
        self.exchange.finish("failed")
        if self.writer is not None and self.spoke:
            self._done = []
            await self.write(self.writer.fail(problem))
            return self._socket
        status = self.dialect.problem_status(problem)
        self.exchange.status = self.exchange.status or status
        client = self._request.headers.get(hdrs.USER_AGENT, "")
        await self._send(json.dumps(error_frame(problem, self.dialect, client)))
        return self._socket

    def close(self) -> None:
        """Nothing of an exchange goes on by itself."""

    # ------------------------------------------------------------------------ inner workings

    async def _pass_on(self, frame: Frame) -> str:
        """What kind of event it was."""
        text = frame.data.decode("utf-8", "replace")
        kind = frame.event or _kind(text)
        if kind == "error":
            client = self._request.headers.get(hdrs.USER_AGENT, "")
            text = told_in_stream(text, self.dialect, client)
        elif kind == "response.output_item.done":
            self._done.append(object_of(text).get("item"))
            self.size += len(text)
        elif kind in _ENDS:
            self._note_end(object_of(text))
        self.exchange.first_byte()
        self.exchange.status = self.exchange.status or 200
        await self._send(text)
        return kind

    def _note_end(self, event: Json) -> None:
        """The items are those of their own events, as clients take them; some upstreams leave the
        list in the last event empty."""
        response = event.get("response")
        if isinstance(response, Mapping) and isinstance(response.get("id"), str):
            self.response_id = response["id"]
            listed = response.get("output")
            self.output = self._done or (listed if isinstance(listed, list) else [])
            self.size = self.size or len(str(listed))

    async def _send(self, text: str) -> None:
        """Wait until the client has room for more (not for ever: see `connection`)."""
        if self.exchange.tape is not None:
            self.exchange.tape.told.add(text.encode("utf-8", "replace") + b"\n")
        await self._socket.send_str(text)


def error_frame(problem: Problem, dialect: Dialect, client: str = "") -> Json:
    """What tells `problem` on a socket to a `client` of this `User-Agent`."""
    status, body = dialect.problem_status(problem), dialect.render_problem(problem)
    headers: dict[str, str] = {}
    if codex.is_codex(client) and (own := codex.limit_answer(problem, body)) is not None:
        status, body, headers = own
    error = body["error"]
    if status == 400 and error.get("code") is None:
        error = {**error, "code": _NO_REASON}
    flat = {name: error.get(name) for name in ("code", "message", "param")}
    frame: Json = {"type": "error", "sequence_number": 0, **flat, "error": error}
    if isinstance(problem, InputTooLarge):
        failed = {"code": error["code"], "message": error["message"]}
        response = {"id": f"resp_{secrets.token_hex(12)}", "object": "response",
                    "created_at": int(time.time()), "status": "failed", "error": failed,
                    "output": []}  # fmt: skip
        return {**frame, "type": "response.failed", "response": response}
    if problem.retry_after is not None:
        headers = {**headers, "retry-after": str(max(1, round(problem.retry_after)))}
    return {**frame, "status": status, **({"headers": headers} if headers else {})}


def told_in_stream(text: str, dialect: Dialect, client: str = "") -> str:
    """An error event of the stream: a limit as if it had come first, any other with the status
    without which it would not be heard."""
    event = object_of(text)
    if not event or "status" in event:
        return text
    problem = refusal_of(event, "", "", "")
    if isinstance(problem, _MEANT):
        return json.dumps(error_frame(problem, dialect, client))
    status = _STATUS.get(code_of(event), _OTHER_STATUS)
    return json.dumps({**event, "status": status}, separators=(",", ":"))


def _kind(text: str) -> str:
    return str(object_of(text).get("type") or "")
