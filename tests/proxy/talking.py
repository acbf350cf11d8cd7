"""A client on a WebSocket that speaks Responses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from rig import Rig

PATIENCE = 20.0  # seconds; a deadline, never a measurement
ENDS = ("response.completed", "response.failed", "response.incomplete", "error")

Json = dict[str, Any]


def user(text: str) -> Json:
    return {"type": "message", "role": "user", "content": text}


class Talk:
    """`wire` is the socket. What it asks for goes on from `last`, the last response, if any."""

    def __init__(self, wire: aiohttp.ClientWebSocketResponse, model: str) -> None:
        self.wire = wire
        self.model = model
        self.last: str | None = None

    async def send(self, *items: Json, **more: Any) -> None:
        """A request of these new items."""
        frame: Json = {"type": "response.create", "model": self.model, "input": list(items)}
        if self.last is not None:
            frame["previous_response_id"] = self.last
        await self.wire.send_json({**frame, **more})

    async def event(self) -> Json:
        message = await self.wire.receive(timeout=PATIENCE)
        assert message.type is aiohttp.WSMsgType.TEXT, (message, self.wire.close_code)
        event: Json = json.loads(message.data)
        return event

    async def answer(self) -> list[Json]:
        """The events of one answer, the last one included."""
        events = [await self.event()]
        while events[-1]["type"] not in ENDS:
            events.append(await self.event())
        if events[-1]["type"] == "response.completed":
            self.last = events[-1]["response"]["id"]
        return events

    async def ask(self, *items: Json, **more: Any) -> Json:
        """The last event of the answer."""
        await self.send(*items, **more)
        return (await self.answer())[-1]

    async def say(self, text: str, **more: Any) -> str:
        """The words of the answer to `text`."""
        return words_of(await self.ask(user(text), **more))

    async def closed(self) -> int | None:
        """Wait for the end; the close code."""
        while (message := await self.wire.receive(timeout=PATIENCE)).type not in (
            aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.ERROR,
        ):  # fmt: skip
            pass
        return self.wire.close_code if message.data is None else int(message.data)


def words_of(event: Json) -> str:
    assert event["type"] == "response.completed", event
    return "".join(
        part["text"]
        for item in event["response"]["output"]
        if item["type"] == "message"
        for part in item["content"]
    )


@asynccontextmanager
async def talking(rig: Rig, model: str = "gpt-5.3-codex", **options: Any) -> AsyncIterator[Talk]:
    """A socket to the proxy. `options` are those of aiohttp."""
    path = options.pop("path", "/v1/responses")
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(rig.url + path, max_msg_size=2**26, **options) as wire,
    ):
        yield Talk(wire, model)
