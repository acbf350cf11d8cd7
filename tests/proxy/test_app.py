"""Routes with and without `/v1`, and trouble told in the dialect of whoever asked."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from phenomena.routes import WAYS
from proxy.raw import PATIENCE, hang_up, read_answer, request, send
from proxy.scripted import post
from rig import running_rig

from copilot_desktop.proxy.side_routes import SideRoutes

JSON = ("Content-Type", "application/json")


async def test_every_conversation_answers_with_and_without_the_prefix():
    async with running_rig() as rig:
        for way in WAYS:
            if way.same:
                for path in (way.path, way.path.removeprefix("/v1")):
                    status, body, _ = await post(rig, path, way.body(stream=False))
                    assert status == 200, (path, body)
        for path in ("/models", "/v1/models", "/v1/models/gpt-4.1", "/models/gpt-4.1"):
            assert (await send(rig.port, request("GET", path))).status == 200


async def test_a_conversation_is_found_by_whatever_names_its_path():
    body = json.dumps({"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hi"}]})
    paths = ("/v1/chat/completions", "/v1/chat/completions?beta=true", "/v1/chat/completion%73")
    async with running_rig() as rig:
        for path in paths:
            sent = request("POST", path, JSON, ("Expect", "x"), body=body.encode())
            assert (await send(rig.port, sent)).json()["object"] == "chat.completion", path
            foreign = request("POST", path, JSON, ("Origin", "http://a.b"), body=body.encode())
            assert (await send(rig.port, foreign)).status == 403, path


async def test_head_is_answered_without_a_body():
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        for path in ("/", "/health", "/v1/models"):
            async with http.head(rig.url + path) as answer:
                assert answer.status == 200
                assert await answer.read() == b""


@pytest.mark.parametrize(
    ("path", "headers", "anthropic"),
    [
        ("/v1/messages/nowhere", (), True), ("/messages", (), True), ("/v1/nowhere", (), False),
        ("/v1/nowhere", (("anthropic-version", "2023-06-01"),), True), ("/", (), False),
        ("/v1/responses", (), False), ("/%2e%2e/v1/messages", (), None), ("/v1/%00", (), None),
        ("/v1/models/%F0%9F%91%8B/..%2f", (), None), ("/v1//models", (), None),
        ("/v1/models/" + "a" * 6000, (), None), ("/<script>", (), None),
    ],
)  # fmt: skip
async def test_any_path_gets_json_in_a_shape_its_client_knows(path, headers, anthropic):
    async with running_rig() as rig:
        answer = await send(rig.port, request("DELETE", path, *headers))
        read = await send(rig.port, request("GET", path, *headers))
    for each in (answer, read):
        assert each.status in {200, 400, 404, 405}
        assert each.one("content-type").startswith("application/json")
        assert len(each.body) < 9000
    assert answer.json()["error"]["message"]
    if anthropic is not None:
        assert (answer.json().get("type") == "error") is anthropic


async def test_an_error_nobody_thought_of_is_a_number_for_the_client(monkeypatch, caplog):
    async def broken(self, request):
        raise LookupError("canary")

    monkeypatch.setattr(SideRoutes, "health", broken)
    async with running_rig() as rig:
        answer = await send(rig.port, request("GET", "/health"))
        assert (await send(rig.port, request("GET", "/"))).status == 200, "it lives on"
    assert answer.status == 500
    assert b"canary" not in answer.body
    assert answer.one("x-request-id") in caplog.text
    assert answer.one("x-should-retry") == "false"


@pytest.mark.parametrize("stream", [True, False])
async def test_an_error_after_the_answer_is_never_told_as_another_one(stream, caplog):
    """It would be taken for the answer to the next request on the same connection."""
    way = WAYS[0]
    asked = request("POST", way.path, JSON, body=json.dumps(way.body(stream=stream)).encode())

    def broken(_: object) -> None:
        raise KeyError("nobody thought of this")

    async with running_rig() as rig:
        rig.traffic.on_finished = broken
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(asked * 2)
                assert (await read_answer(reader)).status == 200
                assert await reader.read() == b""
        finally:
            await hang_up(writer)
    assert "KeyError" in caplog.text
