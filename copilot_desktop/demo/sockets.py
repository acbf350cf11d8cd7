"""`/responses` over a WebSocket, as strict as Copilot is there (`upstream.md` 7.6).

One socket answers one frame after the other, for models that list `ws:/responses`, and ends within
the hour. It remembers what it answered itself, so `previous_response_id` works on the same socket
and on no other. What HTTP tells with a status is an error frame here. Each frame is in the ledger
as a request of its own with the method WEBSOCKET and the initiator that it declares; faults strike
frames under the path `ws:/responses`, handshakes under `/responses`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiohttp import WSMsgType, web
from multidict import CIMultiDict, CIMultiDictProxy

from copilot_desktop.demo import gate, rules_responses
from copilot_desktop.demo.ask import Ask
from copilot_desktop.demo.catalogue import RESPONSES, Facts
from copilot_desktop.demo.faults import FAULTS, Cut, DropConnection, Slow, Status
from copilot_desktop.demo.ledger import Received
from copilot_desktop.demo.refusals import Refused, compact, gateway, openai
from copilot_desktop.demo.sending import Sender, one
from copilot_desktop.demo.voice import Wait
from copilot_desktop.demo.wire import Reply
from copilot_desktop.demo.wire_responses import Responses
from copilot_desktop.demo.world import World

SOCKET = f"ws:{RESPONSES}"
METHOD = "WEBSOCKET"
LARGEST_FRAME = 16 * 1024 * 1024  # bytes

_CODES = {
    400: "bad_request", 401: "session_expired", 402: "quota_exceeded", 404: "not_found",
    413: "request_too_large", 422: "content_filter", 429: "rate_limited", 500: "internal_error",
}  # fmt: skip
_FRAME_ONLY = ("type", "initiator", "previous_response_id")

Understand = Callable[[dict[str, Any], Facts, web.Request], Ask]
Answer = Callable[[Facts, Ask, int, Mapping[str, Any]], Reply]
Trouble = Callable[[web.Request, Facts], None]


class Sockets:
    """The route. What all conversations have in common is lent by the one that plays Copilot."""

    def __init__(
        self, world: World, understand: Understand, trouble: Trouble, answer: Answer
    ) -> None:
        self.world = world
        self.understand = understand
        self.trouble = trouble
        self.answer = answer

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Shake hands, then answer until one side ends it. Raises Refused."""
        caller = gate.admit(self.world, request)
        if (status := one(request[FAULTS], Status)) is not None:
            raise Refused(status.status, status.body, status.headers)
        wire = web.WebSocketResponse(
            timeout=0.5, compress=False, max_msg_size=LARGEST_FRAME, autoping=True
        )
        if not wire.can_prepare(request).ok:
            raise Refused(404, "404 page not found\n")
        wire.headers.update(self.world.github_headers())
        await wire.prepare(request)
        await _Socket(self, request, wire, caller).run()
        return wire


class _Socket:
    """One connection. `_kept`: whole conversations by the id of their last response."""

    def __init__(
        self,
        sockets: Sockets,
        request: web.Request,
        wire: web.WebSocketResponse,
        caller: gate.Caller,
    ) -> None:
        self._sockets = sockets
        self._world = sockets.world
        self._request = request
        self._wire = wire
        self._caller = caller
        self._opened = self._world.now()
        self._kept: dict[str, list[Any]] = {}

    async def run(self) -> None:
        async for message in self._wire:
            if self._world.now() - self._opened > self._world.scenario.socket_life:
                await self._wire.close(code=1001, message=b"connection too old")
                return
            if message.type is not WSMsgType.TEXT:
                await self._refuse(gateway("frames must be text"))
                continue
            if not await self._one(message.data):
                return

    async def _one(self, text: str) -> bool:
        """Answer one frame. False if the connection is no more."""
        received = self._receive(text)
        request = self._request
        request[FAULTS] = faults = self._world.faults.striking(SOCKET)
        try:
            if (slow := one(faults, Slow)) is not None:
                await asyncio.sleep(slow.seconds)
            if one(faults, DropConnection) is not None:
                return self._abort()
            try:
                reply, body, items, initiator = self._understand(received.body)
            except Refused as refused:
                received.status = refused.status
                await self._refuse(refused)
            else:
                received.status = 200
                if not await self._play(reply, body, items):
                    return False
                self._world.account_for(self._request).charge(
                    nano=reply.nano, multiplier=reply.facts.multiplier, initiator=initiator
                )
        except asyncio.CancelledError:
            received.aborted = True
            raise
        received.done = True
        return True

    def _receive(self, text: str) -> Received:
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            body = None
        headers = CIMultiDict(self._request.headers)
        if isinstance(body, dict):
            headers["X-Initiator"] = str(body.get("initiator", self._caller.initiator))
        ledger = self._world.ledger
        received = Received(
            len(ledger) + 1, METHOD, RESPONSES, CIMultiDictProxy(headers), text.encode(), body
        )
        ledger.append(received)
        return received

    def _understand(self, frame: Any) -> tuple[Reply, dict[str, Any], list[Any], str]:
        """The reply, the body it answers, the whole conversation so far, who asks."""
        if not isinstance(frame, dict):
            raise gateway("failed to parse request")
        if frame.get("type") != "response.create":
            raise gateway(f"unknown message type: {frame.get('type')}", "bad_request")
        if "stream" in frame:
            raise gateway("stream is not allowed on a websocket", "bad_request")
        initiator = frame.get("initiator", self._caller.initiator)
        if initiator not in {"user", "agent"}:
            raise gateway("initiator must be user or agent", "bad_request")
        items = self._whole(frame)
        body = {name: value for name, value in frame.items() if name not in _FRAME_ONLY}
        body["input"] = items
        world, request = self._world, self._request
        facts = gate.model(world, body, SOCKET)
        gate.selected(world, request, self._caller, facts)
        gate.images(request, facts, rules_responses.pictures(body))
        prompt = gate.size(facts, body)
        ask = self._sockets.understand(body, facts, request)
        self._sockets.trouble(request, facts)
        body["stream"] = True
        reply = self._sockets.answer(facts, ask, prompt, body)
        items = items if isinstance(items, list) else [{"role": "user", "content": items}]
        return reply, body, items, initiator

    def _whole(self, frame: Mapping[str, Any]) -> Any:
        previous, given = frame.get("previous_response_id"), frame.get("input")
        if previous is None:
            return given
        if previous not in self._kept:
            text = f"Previous response with id '{previous}' not found."
            raise openai(text, param="previous_response_id", code="previous_response_not_found")
        if not isinstance(given, list):
            raise gateway("input must be an array")
        return [*self._kept[previous], *given]

    async def _play(self, reply: Reply, body: dict[str, Any], items: list[Any]) -> bool:
        """Send the events. False if the connection was broken on the way."""
        faults = self._request[FAULTS]
        cut = one(faults, Cut)
        output: list[Any] = []
        frames: Iterable[bytes | Wait] = Responses(reply, body).stream()
        sender = Sender(self._request, faults, 0)
        for place, item in enumerate(sender.disturbed(frames, SOCKET)):
            if cut is not None and place == cut.after_frames:
                await asyncio.sleep(0.01)  # what was written must leave first
                if cut.clean:
                    await self._wire.close()
                return False if cut.clean else self._abort()
            if isinstance(item, Wait):
                await asyncio.sleep(item.seconds)
                continue
            await self._wire.send_str(self._told(item, items, output))
            if self._world.scenario.pace:
                await asyncio.sleep(self._world.scenario.pace)
        return True

    def _told(self, item: bytes, items: list[Any], output: list[Any]) -> str:
        """The text of one frame; what the socket has to remember is taken down."""
        text = item.partition(b"data: ")[2].decode("utf-8", "replace").strip()
        try:
            event = json.loads(text)
        except ValueError:
            return text
        kind = event.get("type")
        if kind == "response.output_item.done":
            output += _replayed(event["item"])
        if kind in {"response.completed", "response.incomplete"}:
            self._kept[event["response"]["id"]] = items + output
        if kind in {"response.completed", "response.incomplete", "error"}:
            event["copilot_quota_snapshots"] = self._world.account_for(self._request).snapshots()
            text = compact(event).decode("utf-8", "replace")
        return text

    async def _refuse(self, refused: Refused) -> None:
        body = refused.body
        error = body.get("error") if isinstance(body, dict) else None
        told = error if isinstance(error, dict) else {"message": str(body or "").strip()}
        code = told.get("code") or _CODES.get(refused.status) or "service_unavailable"
        frame = {
            "type": "error",
            "error": {"code": code, "message": told.get("message", "")},
            "copilot_quota_snapshots": self._world.account_for(self._request).snapshots(),
        }
        await self._wire.send_str(compact(frame).decode("utf-8", "replace"))

    def _abort(self) -> bool:
        if self._request.transport is not None:
            self._request.transport.close()
        return False


def _replayed(item: dict[str, Any]) -> list[dict[str, Any]]:
    """An item of an answer as input. Only reasoning needs the id that it came with; without its
    encrypted form it is remembered on the other side of the rules that hold for clients."""
    if item.get("type") == "reasoning":
        return [item] if "encrypted_content" in item else []
    return [{name: value for name, value in item.items() if name != "id"}]
