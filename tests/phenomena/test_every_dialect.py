"""What others show for some dialects holds in all five, over each endpoint, streamed and not."""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import Any

import aiohttp
import pytest
from phenomena.outcomes import ASKS, PATHS, TEXT, Ask, asked, read
from phenomena.routes import MODELS
from phenomena.test_account_states import APPROVED_AT_ONCE, sign_in
from phenomena.wire import Out, wired_rig
from proxy.raw import request, send, until
from proxy.talking import talking, user
from proxy.test_relay import NOT_AN_OBJECT
from rig import Rig, running_rig

from copilot_desktop.demo import Slow, Stall, Status
from copilot_desktop.proxy.config import ProxyConfig
from tests.fuzz.twisting import twists

JSON = ("Content-Type", "application/json")
STREAMED = [ask for ask in ASKS if ask.stream]
FOREVER = 3600.0  # seconds
ANY = Ask("chat", "/chat/completions", stream=False)


def refused(dialect: str, status: int, raw: bytes) -> str:
    """The sentence, if this is an error of `dialect`."""
    outcome = read(Ask(dialect, ANY.endpoint, stream=False), status, raw)
    assert outcome.says
    return outcome.says


def conversations(rig: Rig) -> list:
    return [call for path in MODELS for call in rig.fake.ledger.to(path)]


async def test_who_is_signed_out_is_told_so_and_nobody_is_asked() -> None:
    async with (
        running_rig(APPROVED_AT_ONCE, signed_in=False) as rig, aiohttp.ClientSession() as http,
    ):  # fmt: skip
        found = await asyncio.gather(*(asked(http, rig.url, ask) for ask in ASKS))
        assert {each.status for each in found} == {401}
        assert all("Sign in" in str(each.says) for each in found)
        assert not rig.fake.ledger
        await sign_in(rig)
        found = await asyncio.gather(*(asked(http, rig.url, ask) for ask in ASKS))
        assert all(each.whole and each.text.strip() == TEXT for each in found)


async def test_who_leaves_before_the_first_byte_takes_the_call_along() -> None:
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        for path in MODELS:
            rig.fake.add_fault(Slow(path, seconds=FOREVER, times=-1))
        asking = [
            asyncio.create_task(http.post(rig.url + ask.path, json=ask.body())) for ask in ASKS
        ]
        await until(lambda: len(conversations(rig)) == len(ASKS))
        for task in asking:
            task.cancel()
        await gone(rig)


async def test_who_leaves_in_the_middle_of_a_stream_takes_the_call_along() -> None:
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        for path in MODELS:
            rig.fake.add_fault(Stall(path, after_frames=8, times=-1))

        async def leave(ask: Ask) -> None:
            response = await http.post(rig.url + ask.path, json=ask.body("tell me more"))
            assert await response.content.readany()
            response.close()

        await asyncio.gather(*(leave(ask) for ask in STREAMED))
        await gone(rig)
        assert len(conversations(rig)) == len(STREAMED)


async def gone(rig: Rig) -> None:
    await until(lambda: all(call.aborted for call in conversations(rig)), "upstream is told")
    await until(lambda: rig.traffic.in_flight == 0, "the exchanges are closed")
    assert {each.outcome for each in rig.traffic.recent} == {"cancelled"}


async def test_an_upstream_that_never_hangs_up_is_let_go_after_the_last_event() -> None:
    async def stays(out: Out) -> None:
        await out.put_chunked(out.body, end=b"")
        await out.hang()

    limits = {"idle_timeout": FOREVER, "headers_timeout": FOREVER}
    async with wired_rig(stays, **limits) as (rig, _), aiohttp.ClientSession() as http:
        found = await asyncio.gather(*(asked(http, rig.url, ask, 20.0) for ask in STREAMED))
        assert all(each.whole and each.text.strip() == TEXT for each in found)


async def test_a_limit_keeps_its_wait() -> None:
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        for path in MODELS:
            headers = {"Retry-After": "7"}
            rig.fake.add_fault(Status(path, 429, "slow down\n", headers=headers, times=-1))
        for ask in ASKS:
            async with http.post(rig.url + ask.path, json=ask.body()) as answer:
                assert answer.status == 429, ask
                assert 1 <= int(answer.headers["Retry-After"]) <= 7
                refused(ask.dialect, 429, await answer.read())


async def test_what_is_no_object_or_too_large_or_does_not_come_is_refused() -> None:
    config = ProxyConfig(max_body=300_000, client_timeout=1.5)
    async with running_rig(config=config) as rig:

        async def attempt(dialect: str, path: str) -> None:
            for name, body in NOT_AN_OBJECT.items():
                answer = await send(rig.port, request("POST", path, JSON, body=body))
                expected = {400, 404} if "model" in name else {400, 413}
                assert answer.status in expected, (name, path)
                refused(dialect, answer.status, answer.body)
            size = ("Content-Length", "300001")
            answer = await send(rig.port, request("POST", path, JSON, size))
            assert answer.status == 413
            refused(dialect, 413, answer.body)
            late = request("POST", path, JSON, ("Content-Length", "9")) + b'{"a'
            answer = await send(rig.port, late)
            assert answer.status == 400
            assert "in time" in refused(dialect, 400, answer.body)

        await asyncio.gather(*(attempt(*each) for each in PATHS.items()))
        assert not conversations(rig)


# Much of what each format knows, in one request.
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
PICTURE = "data:image/png;base64,iVBORw0KGgo="
ANTHROPIC = {
    "max_tokens": 99, "system": [{"type": "text", "text": "s", "cache_control": {}}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "t", "signature": "s"},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": "b"}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "is_error": False,
             "content": [{"type": "text", "text": "r"}]},
            {"type": "image",
             "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        ]},
    ],
    "tools": [{"name": "f", "description": "d", "input_schema": SCHEMA}],
    "tool_choice": {"type": "auto"}, "thinking": {"type": "enabled", "budget_tokens": 1024},
    "stop_sequences": ["x"], "temperature": 1, "metadata": {"user_id": "u"},
}  # fmt: skip
CHAT = {
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [
            {"type": "text", "text": "hi"},
            {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "t1", "content": "r"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}}, "n": 1, "stop": ["x"],
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
    "reasoning_effort": "low", "max_completion_tokens": 99, "logit_bias": {"1": 1}, "seed": 1,
    "stream_options": {"include_usage": True}, "prediction": {"type": "content", "content": "x"},
}  # fmt: skip
RESPONSES = {
    "instructions": "s", "reasoning": {"effort": "low", "summary": "auto"}, "store": False,
    "input": [
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "hi"}, {"type": "input_image", "image_url": PICTURE}]},
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "t"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "r"},
    ],
    "tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": False}],
    "tool_choice": {"type": "function", "name": "f"}, "include": ["reasoning.encrypted_content"],
    "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}, "verbosity": "low"},
    "max_output_tokens": 99, "metadata": {"a": "b"}, "prompt_cache_key": "k",
}  # fmt: skip
OLLAMA = {
    "messages": [{"role": "user", "content": "hi", "images": ["iVBORw0KGgo="]}],
    "tools": CHAT["tools"], "format": SCHEMA, "think": "low", "keep_alive": "5m",
    "options": {"temperature": 1, "num_predict": 9, "stop": ["x"]},
}  # fmt: skip
COMPLETIONS = {
    "prompt": ["hi"], "suffix": "s", "max_tokens": 9, "stop": ["x"], "logprobs": 1, "echo": False,
    "stream_options": {"include_usage": True}, "logit_bias": {"1": 1}, "best_of": 1, "n": 1,
}  # fmt: skip
MUCH = {
    "messages": ANTHROPIC, "chat": CHAT, "responses": RESPONSES, "ollama": OLLAMA,
    "completions": COMPLETIONS,
}  # fmt: skip


async def test_no_value_of_a_wrong_type_is_our_fault(caplog: pytest.LogCaptureFixture) -> None:
    """Each once, over one of the endpoints, streamed or not."""
    wrong: list[tuple[str, Any, str]] = []
    async with running_rig() as rig, aiohttp.ClientSession() as http:

        async def attempt(dialect: str) -> None:
            dice = random.Random(dialect)
            ways = itertools.cycle([ask for ask in ASKS if ask.dialect == dialect])
            for odd in twists(MUCH[dialect], dice, 2, set()):
                ask = next(ways)
                body = ask.body() | (odd if isinstance(odd, dict) else {"messages": odd})
                async with http.post(rig.url + ask.path, json=body) as answer:
                    text = await answer.text()
                    if answer.status >= 500 or "Error id" in text:
                        wrong.append((str(ask), odd, text))

        await asyncio.gather(*(attempt(dialect) for dialect in MUCH))
    assert not wrong
    assert "Traceback" not in caplog.text


async def test_no_frame_of_a_wrong_type_is_our_fault(caplog: pytest.LogCaptureFixture) -> None:
    more = {"previous_response_id": None, "generate": True, "initiator": "user", "stream_id": None}
    async with running_rig() as rig, talking(rig) as talk:
        frame = {"type": "response.create", "model": talk.model, **RESPONSES, **more}
        for odd in twists(frame, random.Random(6), 1, set()):
            await talk.wire.send_json(odd)
            last = (await talk.answer())[-1]
            assert last["type"] != "error" or last["status"] < 500, (odd, last)
        talk.last = None
        assert (await talk.ask(user("hi")))["type"] == "response.completed"
    assert "Traceback" not in caplog.text
