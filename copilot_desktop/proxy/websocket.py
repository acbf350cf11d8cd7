"""Responses over a WebSocket: one connection of a client, and the requests that come on it.

Each text frame `{"type":"response.create", ...}` is one exchange through the same relay as a POST:
same routes, mending, limits and records; only how it is read and answered differs. One is answered
at a time, in the order in which they came; a few more may wait. The socket is always being read,
also while an answer is written, since that is how a client that hangs up is noticed: its answer is
cancelled, and Copilot's with it.

The socket outlives its requests. What was said on it is kept (`remembered`), so that a client may
send only what is new, and so is the socket to Copilot (`upstream.websocket`), for models that are
offered that way. Trouble with a request is a frame and does not close the socket; when the proxy
stops, the client is told and the socket is closed with 1001.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, hdrs, web

from copilot_desktop.dialects import Dialect, Envelope
from copilot_desktop.errors import InvalidRequest, Overloaded, WrongMethod
from copilot_desktop.model import RESPONSES
from copilot_desktop.proxy.asked import Asked
from copilot_desktop.proxy.beside import beside
from copilot_desktop.proxy.bodies import parse_object, too_large
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.proxy.guard import check
from copilot_desktop.proxy.keys import Caller
from copilot_desktop.proxy.relay import Relay
from copilot_desktop.proxy.remembered import Conversation, Remembered
from copilot_desktop.proxy.socket_answers import SocketDownstream

log = logging.getLogger(__name__)

Json = dict[str, Any]

IDLE = 3600.0  # seconds without a request; also how long OpenAI's own sockets live
PING = 30.0  # seconds between pings
WAITING = 8  # requests behind the one that is answered
_GOODBYE = 1.0  # seconds for the client's half of a close
_STOPPING = b"Copilot Desktop is stopping."
_UNUSED = b"Nothing was asked for a long time."
# Transport, or ours: these never go on to a model.
_NOT_OF_THE_BODY = ("type", "generate", "initiator", "previous_response_id", "stream_id")


async def serve(request: web.Request, *, relay: Relay, dialect: Dialect) -> web.StreamResponse:
    """Answer on a WebSocket until one side ends it. Raises WrongMethod if none is asked for."""
    if "websocket" not in ",".join(request.headers.getall(hdrs.UPGRADE, ())).lower():
        raise WrongMethod(fields={"method": request.method, "path": request.path[:100]})
    limit = relay.config.max_body
    # What is a little too large gets an answer in words, what is far too large the close code 1009.
    # On one machine compressing saves nothing, so the offer of it is passed over.
    socket = web.WebSocketResponse(timeout=_GOODBYE, max_msg_size=2 * limit, compress=False)
    if not socket.can_prepare(request).ok:
        raise InvalidRequest("The WebSocket handshake is not valid.")
    await socket.prepare(request)
    await SocketLine(request, socket, relay, dialect).run()
    return socket


class SocketLine:
    """One client's socket. `relay` answers, `dialect` is how the client speaks."""

    def __init__(
        self, request: web.Request, socket: web.WebSocketResponse, relay: Relay, dialect: Dialect
    ) -> None:
        self._request = request
        self._socket = socket
        self._relay = relay
        self._dialect = dialect
        self._limit = relay.config.max_body
        self._remembered = Remembered(self._limit)
        self._upstream = relay.provider.socket()
        self._waiting: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._held = 0  # characters that wait
        self._busy = False
        self._used = time.monotonic()

    async def run(self) -> None:
        """Until one side ends it."""
        self._relay.lines.add(self)
        if self._relay.closed:
            self.leave()
        tasks = [asyncio.create_task(part) for part in
                 (self._listen(), self._answer_all(), self._watch())]  # fmt: skip
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._relay.lines.discard(self)
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ended, Exception) and not isinstance(ended, ConnectionError):
                    log.error("a socket ended unexpectedly", exc_info=ended)
            await self._upstream.close()

    def leave(self) -> None:
        """End it as soon as nothing is being answered."""
        self._waiting.put_nowait(None)

    # ------------------------------------------------------------------------ the three tasks

    async def _listen(self) -> None:
        """Take frames until the client is gone. Pings are answered by aiohttp."""
        while True:
            message = await self._socket.receive()  # `_watch` sees to it that this ends
            self._used = time.monotonic()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            if self._waiting.qsize() >= WAITING or self._held + len(message.data) > 2 * self._limit:
                await self._refuse_to_queue()
                continue
            self._held += len(message.data)
            self._waiting.put_nowait(message.data)

    async def _answer_all(self) -> None:
        """One after the other."""
        while (data := await self._waiting.get()) is not None:
            self._held -= len(data)
            self._busy = True
            await self._answer(data)
            self._busy, self._used = False, time.monotonic()
            if self._relay.closed:
                break
        await self._socket.close(code=WSCloseCode.GOING_AWAY, message=_STOPPING)

    async def _watch(self) -> None:
        """Signs of life, until nobody has wanted anything for long. No answer to a ping is asked
        for: a client need not read while it waits for nothing."""
        while self._busy or time.monotonic() - self._used < IDLE:
            await asyncio.sleep(PING)
            await self._socket.ping()
        await self._socket.close(code=WSCloseCode.GOING_AWAY, message=_UNUSED)

    # ------------------------------------------------------------------------ one exchange

    def _open(self, caller: Caller) -> SocketDownstream:
        exchange = self._relay.open(self._request, self._dialect.name, caller)
        return SocketDownstream(self._request, self._socket, self._dialect, exchange)

    async def _answer(self, data: str | bytes) -> None:
        caller = self._relay.caller(self._request)
        down = self._open(caller)
        conversation: list[Conversation] = []
        await self._relay.carry(down, partial(self._ask, data, down.exchange, caller, conversation))
        if down.response_id and conversation:
            self._remembered.keep(down.response_id, conversation[0], down.output, down.size)

    async def _refuse_to_queue(self) -> None:
        down = self._open(self._relay.caller(self._request))

        async def ask() -> Asked:
            raise Overloaded("Too many requests wait on this socket.")

        await self._relay.carry(down, ask)

    async def _ask(
        self,
        data: str | bytes,
        exchange: Exchange,
        caller: Caller,
        conversation: list[Conversation],
    ) -> Asked:
        check(self._request, self._relay.config)  # which may have changed since the handshake
        frame = await beside(len(data), partial(self._read, data))
        whole = self._remembered.whole(frame, len(data))
        conversation.append(whole)
        body = {name: value for name, value in frame.items() if name not in _NOT_OF_THE_BODY}
        body |= {"input": list(whole.items), "stream": True}
        declared = frame.get("initiator")
        asked = await self._relay.decide(
            self._request,
            self._dialect,
            exchange,
            caller,
            raw=b"",
            body=body,
            size=whole.size,
            declared=declared if isinstance(declared, str) else "",
        )
        if frame.get("generate") is False:
            exchange.notes.append("answered=here (warm-up)")
            asked.envelope = _answered(asked)
        elif asked.route.endpoint == RESPONSES and asked.route.model.websocket:
            asked.passage.carrier = self._upstream.carrier(asked.passage.notes)
        return asked

    def _read(self, data: str | bytes) -> Json:
        """The request in a frame. Raises InvalidRequest, BodyTooLarge."""
        if isinstance(data, bytes):
            raise InvalidRequest("Requests on this socket are text frames with JSON.")
        if len(data) > self._limit:
            raise too_large(self._limit)
        frame = parse_object(data.encode("utf-8", "surrogatepass"))
        if frame.get("type") != "response.create":
            kind = str(frame.get("type"))[:64]
            raise InvalidRequest(
                f"type: {kind} is not known here, only response.create", fields={"param": "type"}
            )
        if frame.get("stream_id") is not None:
            raise InvalidRequest(
                "stream_id: this socket answers one request after the other",
                fields={"param": "stream_id"},
            )
        return frame


def _answered(asked: Asked) -> Envelope:
    """A warm-up (`generate: false`) wants a response to go on from, and no words.

    Copilot would generate all the same (`upstream.md` §7.6), so it is not asked.
    """
    response = {
        "id": f"resp_{secrets.token_hex(24)}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": asked.envelope.model,
        "output": [],
        "parallel_tool_calls": asked.body.get("parallel_tool_calls", True),
        "tool_choice": asked.body.get("tool_choice", "auto"),
        "tools": asked.body.get("tools") or [],
        "usage": {
            "input_tokens": 0,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 0,
        },
    }
    return replace(asked.envelope, answer=response)
