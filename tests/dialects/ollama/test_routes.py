"""Ollama's paths in the running proxy: shapes, media types, and the same door as everywhere."""

from __future__ import annotations

import json

import aiohttp
import pytest
from proxy.raw import request, send
from rig import running_rig

from copilot_desktop.proxy.config import ProxyConfig

JSON = ("Content-Type", "application/json")
CHAT = json.dumps({"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}).encode()
POSTS = ["chat", "generate", "show", "embed", "embeddings", "pull", "copy", "blobs/sha256:0"]


def post(path, *headers, body=CHAT, host="localhost"):
    return request("POST", path, *headers, body=body, host=host)


async def test_a_stream_is_lines_and_needs_no_prefix():
    async with running_rig() as rig:
        for path in ("/api/chat", "/v1/api/chat"):
            answer = await send(rig.port, post(path, JSON))
            assert answer.status == 200
            assert answer.one("content-type") == "application/x-ndjson"
            lines = [json.loads(each) for each in answer.body.splitlines()]
            assert lines[-1]["done"] is True
            assert "x-copilot-desktop-notes" in dict(answer.headers)


async def test_programs_that_only_knock_are_answered():
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        for path in ("/", "/api/version", "/api/tags", "/api/ps"):
            for ask in (http.get, http.head):
                async with ask(rig.url + path) as answer:
                    assert answer.status == 200
                    assert answer.content_type == "application/json"


async def test_the_root_greets_whoever_asks_for_plain_text():
    async with running_rig() as rig:
        plain = await send(rig.port, request("GET", "/", ("Accept", "text/plain")))
        other = await send(rig.port, request("GET", "/", ("Accept", "*/*")))
    assert plain.body == b"Ollama is running"
    assert plain.one("content-type").startswith("text/plain")
    assert other.json()["status"] == "ok"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/nowhere", 404), ("GET", "/api/chat", 405), ("PUT", "/api/show", 405),
     ("OPTIONS", "/api/chat", 405), ("OPTIONS", "/api/delete", 405), ("DELETE", "/api/delete", 400),
     ("GET", "/v1/api/nowhere", 404)],
)  # fmt: skip
async def test_whatever_is_not_there_is_told_in_one_sentence(method, path, status):
    async with running_rig() as rig:
        answer = await send(rig.port, request(method, path))
    assert answer.status == status
    assert isinstance(answer.json()["error"], str)


@pytest.mark.parametrize("path", POSTS)
async def test_the_door_is_the_same_as_for_all_others(path):
    async with running_rig() as rig:
        for kind in ((), (("Content-Type", "text/plain"),),
                     (("Content-Type", "application/x-www-form-urlencoded"),)):  # fmt: skip
            answer = await send(rig.port, post(f"/api/{path}", *kind))
            assert answer.status == 415, "a web page can send this without asking"
            assert "application/json" in answer.json()["error"]
        page = await send(rig.port, post(f"/api/{path}", JSON, ("Origin", "https://evil.example")))
        rebound = await send(rig.port, post(f"/api/{path}", JSON, host="evil.example"))
        assert (page.status, rebound.status) == (403, 403)
        assert isinstance(page.json()["error"], str)
        assert not rig.fake.ledger.to("/chat/completions")


async def test_a_key_is_asked_for_here_too():
    async with running_rig(config=ProxyConfig(key="secret", key_required=True)) as rig:
        for data in (post("/api/chat", JSON), request("GET", "/api/tags"),
                     post("/api/pull", JSON)):  # fmt: skip
            answer = await send(rig.port, data)
            assert answer.status == 401
            assert "key" in answer.json()["error"]
        bearer = ("Authorization", "Bearer secret")
        assert (await send(rig.port, post("/api/chat", JSON, bearer))).status == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"{}", b'{"model": 1}', b"[" * 100_000])
async def test_broken_bodies_are_the_client_s_mistake(body):
    async with running_rig() as rig:
        for path in ("chat", "generate", "show", "embed"):
            answer = await send(rig.port, post(f"/api/{path}", JSON, body=body))
            assert answer.status == 400
            assert isinstance(answer.json()["error"], str)
