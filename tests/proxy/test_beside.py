"""A large request holds up nobody: while it is read, mended or translated, others are answered."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from phenomena.routes import WAYS, Way, each_way
from proxy.raw import until
from proxy.scripted import pieces, post, scripted_rig
from proxy.talking import talking, user
from proxy.test_forwarding import STREAMS
from rig import running_rig

from copilot_desktop.json_bytes import LARGE
from copilot_desktop.proxy import bodies, counting, forwarding, relay, translation, websocket

PADDING = " " * LARGE  # JSON takes it, and no model has to
PATIENCE = 20.0  # seconds


class Gate:
    """Work on the first request stops in it until `open` is set."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self._work = work
        self._passed = False
        self.reached, self.open, self.done = (threading.Event() for _ in range(3))

    def __call__(self, *given: Any, **named: Any) -> Any:
        if not self._passed:
            self._passed = True
            self.reached.set()
            assert self.open.wait(PATIENCE), "nobody else was answered"
        try:
            return self._work(*given, **named)
        finally:
            self.done.set()


async def send(url: str, raw: bytes) -> tuple[int, str]:
    """A request as it is; aiohttp wants a large one as a file."""
    kind = {"content-type": "application/json"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=io.BytesIO(raw), headers=kind) as response,
    ):
        return response.status, await response.text()


def padded(body: dict[str, Any]) -> bytes:
    return (json.dumps(body) + PADDING).encode()


def step(way: Way, kind: str) -> tuple[Any, str]:
    """Where that work is done."""
    if kind == "reading":
        return relay, "read_object"
    return (forwarding, "_prepared") if way.same else (translation, "_planned")


@pytest.mark.parametrize("kind", ["reading", "preparing"])
@each_way
async def test_others_are_answered_meanwhile(way: Way, kind: str, monkeypatch) -> None:
    module, name = step(way, kind)
    gate = Gate(getattr(module, name))
    monkeypatch.setattr(module, name, gate)
    async with scripted_rig(pieces(STREAMS[way.endpoint])) as (rig, script):
        large = asyncio.create_task(send(rig.url + way.path, padded(way.body("large"))))
        await until(gate.reached.is_set, "the large one is worked on")
        status, _, _ = await post(rig, way.path, way.body("small"))
        assert not large.done()
        gate.open.set()
        assert (await large)[0] == status == 200
        assert [each.outcome for each in rig.traffic.recent] == ["ok", "ok"]
    first, second = map(json.dumps, script.bodies)
    assert first.replace("small", "large") == second


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/responses/input_tokens"])
async def test_counting_holds_up_nobody_either(path: str, monkeypatch) -> None:
    gate = Gate(counting.weigh)
    monkeypatch.setattr(counting, "weigh", gate)
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}], "input": "hi"}
    async with running_rig() as rig:
        large = asyncio.create_task(send(rig.url + path, padded(body)))
        await until(gate.reached.is_set, "it is counted")
        status, _, _ = await post(rig, WAYS[0].path, WAYS[0].body("small"))
        assert status == 200
        gate.open.set()
        status, counted = await large
    assert (status, json.loads(counted)["input_tokens"] > 0) == (200, True)


async def test_a_large_frame_of_a_socket_holds_up_nobody(monkeypatch) -> None:
    gate = Gate(bodies.parse_object)
    monkeypatch.setattr(websocket, "parse_object", gate)
    async with running_rig() as rig, talking(rig) as talk:
        await talk.send(user("I say apple"), metadata={"padding": PADDING})
        await until(gate.reached.is_set, "it is read")
        status, _, _ = await post(rig, WAYS[0].path, WAYS[0].body("small"))
        assert status == 200
        gate.open.set()
        events = await talk.answer()
    assert events[-1]["type"] == "response.completed"


async def test_a_client_that_leaves_meanwhile_costs_nothing(monkeypatch) -> None:
    way = Way("/v1/messages", "/chat/completions")
    gate = Gate(translation._planned)
    monkeypatch.setattr(translation, "_planned", gate)
    async with scripted_rig(pieces(STREAMS[way.endpoint])) as (rig, script):
        large = asyncio.create_task(send(rig.url + way.path, padded(way.body("large"))))
        await until(gate.reached.is_set, "the large one is worked on")
        large.cancel()
        await until(lambda: rig.traffic.recent[0].outcome == "cancelled", "it is over")
        gate.open.set()
        status, _, _ = await post(rig, way.path, way.body("small"))
        assert (status, len(script.seen)) == (200, 1)


@pytest.mark.parametrize("endpoint", ["/v1/messages", "/chat/completions"])
async def test_what_is_over_does_not_change_any_more(endpoint: str, monkeypatch) -> None:
    way = Way("/v1/messages", endpoint)
    module, name = step(way, "preparing")
    gate = Gate(getattr(module, name))
    monkeypatch.setattr(module, name, gate)
    async with scripted_rig(pieces(STREAMS[way.endpoint])) as (rig, _):
        body = way.body("hello") | {"service_tier": "auto"}
        large = asyncio.create_task(send(rig.url + way.path, padded(body)))
        await until(gate.reached.is_set, "the large one is worked on")
        large.cancel()
        await until(lambda: rig.traffic.recent[0].settled, "it is over")
        gate.open.set()
        await until(gate.done.is_set, "its work is done as well")
        assert (await post(rig, way.path, body))[0] == 200
        noted = [each.notes for each in rig.traffic.recent]
        assert noted == [["dropped=service_tier"], []]


async def test_what_is_wrong_with_a_large_request_is_told() -> None:
    async with running_rig() as rig:
        raw = padded({"model": "claude-sonnet-5"})
        status, told = await send(rig.url + "/v1/messages", raw)
        assert (status, json.loads(told)["error"]["type"]) == (400, "invalid_request_error")
        raw = b'{"model": "gpt-4.1", "messages": [{"role": ' + PADDING.encode() + b"}]}"
        status, told = await send(rig.url + "/v1/chat/completions", raw)
        assert status == 400
        assert "not valid JSON" in json.loads(told)["error"]["message"]
