"""Sixteen mistakes that other proxies made (`translation.md`, appendix B), each made impossible.

The number in a test's name is the row of that table; `MISTAKES` holds the rows in words.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from phenomena.routes import MODELS
from proxy.scripted import post, scripted_rig
from rig import Rig, running_rig

from tests.golden.streams.cases import CASES, Case
from tests.golden.streams.told import STREAMED, events

MISTAKES = {
    1: "message_delta sent at the finish chunk, the later usage lost",
    2: "no end when upstream ends without a reason, or a normal end on an error",
    3: "thinking merged into visible text",
    4: "text after a tool call closes and reopens its block",
    5: "a call started before its name is known, or its name overwritten by null",
    6: "a belated call without a name, or a stop for tools without any call",
    7: "two signatures, or one block for each part of a summary",
    8: "developer messages dropped",
    9: "tools for Responses in the nested shape of chat",
    10: "temperature and max_tokens forced; tool_choice, stop, response_format lost",
    11: "ids of messages or reasoning hashed",
    12: "errors encoded twice, or in OpenAI's shape for Anthropic's clients",
    13: "count_tokens says 1 for a model that it does not know",
    14: "a limit on the whole time of an answer",
    15: "results of tools counted as human turns",
    16: "tool names cut without a way back",
}
PATHS = {"messages": "/v1/messages", "chat": "/v1/chat/completions", "responses": "/v1/responses"}
LONG_NAME = "mcp__" + "a_rather_long_server_name__" * 2 + "and_a_long_tool_name"


def case(name: str) -> Case:
    return next(each for each in CASES if each.name == name)


def body_of(dialect: str, model: str, **more: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": "Go on."}]
    match dialect:
        case "messages":
            return {"model": model, "max_tokens": 3000, "messages": turns, **more}
        case "chat":
            return {"model": model, "messages": turns, **more}
    return {"model": model, "input": "Go on.", **more}


async def streamed(name: str, dialect: str) -> bytes:
    """What the proxy tells a client of `dialect` while upstream sends this golden stream."""
    golden = case(name)

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=golden.raw(), content_type="text/event-stream")

    more = {"stream_options": {"include_usage": True}} if dialect == "chat" else {}
    async with scripted_rig(answer) as (rig, _):
        body = body_of(dialect, MODELS[golden.endpoint], stream=True, **more)
        _, raw, _ = await post(rig, PATHS[dialect], body)
    return raw


def payloads(raw: bytes) -> list[dict[str, Any]]:
    return [json.loads(data) for _, data in events(raw) if data != "[DONE]"]


async def sent(rig: Rig, path: str, body: dict[str, Any], endpoint: str) -> dict[str, Any]:
    """What Copilot gets for `body`."""
    status, raw, _ = await post(rig, path, body)
    assert status == 200, raw
    return dict(json.loads(rig.fake.ledger.to(endpoint)[-1].raw))


# ------------------------------------------------------------------------------------- streams


async def test_01_usage_after_the_finish_is_told() -> None:
    raw = await streamed("58-usage-after-finish.chat", "messages")
    (delta,) = (each for each in payloads(raw) if each["type"] == "message_delta")
    assert delta["usage"]["output_tokens"] == 2
    assert delta["usage"]["cache_read_input_tokens"] == 5


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("name", ["64-end-in-text.chat", "65-error-in-the-middle.messages"])
async def test_02_trouble_is_never_a_normal_end(name: str, dialect: str) -> None:
    told = STREAMED[dialect](await streamed(name, dialect))
    assert told.fails
    assert told.ends is None


@pytest.mark.parametrize("dialect", PATHS)
async def test_03_thinking_is_not_text(dialect: str) -> None:
    told = STREAMED[dialect](await streamed("63-reasoning-and-opaque.chat", dialect))
    assert told.text == "Listing the folder."
    assert told.thinking == "The user wants the file list; call ls."


async def test_04_a_call_is_opened_once() -> None:
    raw = await streamed("62-text-after-tool.chat", "messages")
    starts = [each for each in payloads(raw) if each["type"] == "content_block_start"]
    assert [start["content_block"]["type"] for start in starts] == ["tool_use", "text"]


@pytest.mark.parametrize(
    "name", ["50-name-after-arguments.chat", "52-name-null-number-repeated.chat"]
)
@pytest.mark.parametrize("dialect", PATHS)
async def test_05_a_call_starts_with_its_name(name: str, dialect: str) -> None:
    told = STREAMED[dialect](await streamed(name, dialect))
    assert [call[1] for call in told.calls] == [case(name).golden["heard"]["calls"][0][1]]


@pytest.mark.parametrize(
    "name", ["53-call-that-never-got-a-name.chat", "53-tool-calls-without-calls.chat"]
)
@pytest.mark.parametrize("dialect", PATHS)
async def test_06_no_stop_for_tools_without_a_call(name: str, dialect: str) -> None:
    told = STREAMED[dialect](await streamed(name, dialect))
    assert told.calls == []
    assert told.ends in {"end_turn", "stop", "completed"}


async def test_07_one_block_and_one_signature_for_one_reasoning_item() -> None:
    raw = await streamed("69-several-summary-parts.responses", "messages")
    told = STREAMED["messages"](raw)
    assert told.order.count("think") == 1
    assert raw.count(b"signature_delta") == 1


# ------------------------------------------------------------------------------------- requests


@pytest.mark.parametrize("endpoint", MODELS)
async def test_08_developer_messages_arrive(endpoint: str) -> None:
    messages = [
        {"role": "developer", "content": "Answer in rhymes."},
        {"role": "user", "content": "Go on."},
    ]
    async with running_rig() as rig:
        body = body_of("chat", MODELS[endpoint]) | {"messages": messages}
        upstream = await sent(rig, PATHS["chat"], body, endpoint)
    assert "Answer in rhymes." in json.dumps(upstream)


@pytest.mark.parametrize("dialect", ["chat", "messages"])
async def test_09_tools_for_responses_are_flat(dialect: str) -> None:
    schema = {"type": "object", "properties": {"d": {"type": "string"}}}
    tool: dict[str, Any] = {"name": "ls", "input_schema": schema}
    if dialect == "chat":
        tool = {"type": "function", "function": {"name": "ls", "parameters": schema}}
    async with running_rig() as rig:
        body = body_of(dialect, MODELS["/responses"], tools=[tool])
        upstream = await sent(rig, PATHS[dialect], body, "/responses")
    (found,) = upstream["tools"]
    assert (found["type"], found["name"]) == ("function", "ls")
    assert found["parameters"]["properties"] == schema["properties"]
    assert "function" not in found


@pytest.mark.parametrize("endpoint", MODELS)
async def test_10_nothing_is_forced_and_nothing_lost(endpoint: str) -> None:
    tool = {"type": "function", "function": {"name": "ls", "parameters": {"type": "object"}}}
    async with running_rig() as rig:
        plain = await sent(rig, PATHS["chat"], body_of("chat", MODELS[endpoint]), endpoint)
        body = body_of(
            "chat", MODELS[endpoint], tools=[tool], tool_choice="none", stop=["END"],
            max_tokens=777,
        )  # fmt: skip
        asked = await sent(rig, PATHS["chat"], body, endpoint)
    assert "temperature" not in plain
    assert 4096 not in plain.values()
    assert 777 in asked.values()
    assert "none" in json.dumps(asked["tool_choice"])
    if endpoint != "/responses":  # it knows no stop sequences: they are found here
        assert ["END"] in asked.values()


async def test_10_the_form_of_the_answer_is_not_lost() -> None:
    schema = {
        "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
        "additionalProperties": False,
    }  # fmt: skip
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": schema}}
    async with running_rig() as rig:
        body = body_of("chat", MODELS["/responses"], response_format=wanted)
        upstream = await sent(rig, PATHS["chat"], body, "/responses")
    assert upstream["text"]["format"]["schema"]["properties"] == schema["properties"]


async def test_11_reasoning_is_replayed_under_its_own_id() -> None:
    """Upstream accepts an id only with the blob that it came with; ours is the sum of both ways."""
    seen: list[Any] = []
    raws = [case("69-several-summary-parts.responses").raw(), case("47-plain.responses").raw()]

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(await request.json())
        return web.Response(body=raws[len(seen) - 1], content_type="text/event-stream")

    async with scripted_rig(answer) as (rig, _):
        body = body_of("messages", MODELS["/responses"], stream=True)
        _, raw, _ = await post(rig, PATHS["messages"], body)
        (signature,) = (
            each["delta"]["signature"]
            for each in payloads(raw)
            if each.get("delta", {}).get("type") == "signature_delta"
        )
        thinking = {"type": "thinking", "thinking": "Check A.\n\nThen B.", "signature": signature}
        said = [thinking, {"type": "text", "text": "Done."}]
        body["messages"] += [
            {"role": "assistant", "content": said},
            {"role": "user", "content": "And?"},
        ]
        await post(rig, PATHS["messages"], body)
    (item,) = (each for each in seen[1]["input"] if each.get("type") == "reasoning")
    assert (item["id"], item["encrypted_content"]) == ("rs_1", "ENC")


@pytest.mark.parametrize("dialect", PATHS)
async def test_12_errors_are_sentences_in_the_clients_shape(dialect: str) -> None:
    inner = json.dumps({"error": {"message": "The inner sentence.", "code": "x"}})

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": inner}}, status=400)

    async with scripted_rig(answer) as (rig, _):
        body = body_of(dialect, MODELS["/v1/messages"])
        status, raw, _ = await post(rig, PATHS[dialect], body)
    told = json.loads(raw)
    assert status == 400
    assert told["error"]["message"] == "The inner sentence."
    assert (told.get("type") == "error") is (dialect == "messages")
    assert ("code" in told["error"]) is (dialect != "messages")


async def test_13_an_unknown_model_is_not_counted() -> None:
    async with running_rig() as rig:
        path = "/v1/messages/count_tokens"
        known = await post(rig, path, body_of("messages", MODELS["/v1/messages"]))
        status, raw, _ = await post(rig, path, body_of("messages", "llama-9"))
    assert json.loads(known[1])["input_tokens"] > 1
    assert status == 404
    assert json.loads(raw)["error"]["type"] == "not_found_error"


async def test_14_an_answer_may_take_longer_than_any_limit() -> None:
    idle = 2.0  # seconds; the answer takes longer, but is never as long silent
    golden = case("47-plain.chat")

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        raw = golden.raw()
        for start in range(0, len(raw), len(raw) // 9 + 1):
            await response.write(raw[start : start + len(raw) // 9 + 1])
            await asyncio.sleep(0.3)
        return response

    async with scripted_rig(answer, idle_timeout=idle) as (rig, _):
        body = body_of("chat", MODELS["/chat/completions"], stream=True)
        began = asyncio.get_running_loop().time()
        _, raw, _ = await post(rig, PATHS["chat"], body)
    assert asyncio.get_running_loop().time() - began > idle
    assert STREAMED["chat"](raw).text == "Hello, world ✓"


@pytest.mark.parametrize("endpoint", MODELS)
@pytest.mark.parametrize("dialect", PATHS)
async def test_15_a_tools_result_is_no_human_turn(dialect: str, endpoint: str) -> None:
    body = body_of(dialect, MODELS[endpoint])
    match dialect:
        case "messages":
            call = {"type": "tool_use", "id": "toolu_1", "name": "ls", "input": {}}
            result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "a.txt"}
            body["tools"] = [{"name": "ls", "input_schema": {"type": "object", "properties": {}}}]
            body["messages"] += [
                {"role": "assistant", "content": [call]},
                {"role": "user", "content": [result]},
            ]
        case "chat":
            function = {"name": "ls", "arguments": "{}"}
            call = {"id": "call_1", "type": "function", "function": function}
            body["messages"] += [
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": "a.txt"},
            ]
        case _:
            call = {"type": "function_call", "call_id": "call_1", "name": "ls", "arguments": "{}"}
            result = {"type": "function_call_output", "call_id": "call_1", "output": "a.txt"}
            body["input"] = [{"role": "user", "content": "Go on."}, call, result]
    async with running_rig() as rig:
        await sent(rig, PATHS[dialect], body, endpoint)
        assert rig.fake.ledger.to(endpoint)[-1].headers["X-Initiator"] == "agent"


@pytest.mark.parametrize("endpoint", MODELS)
@pytest.mark.parametrize("dialect", PATHS)
async def test_16_long_tool_names_come_back_whole(dialect: str, endpoint: str) -> None:
    schema = {"type": "object", "properties": {}}
    tool: dict[str, Any] = {"name": LONG_NAME, "input_schema": schema}
    if dialect == "chat":
        tool = {"type": "function", "function": {"name": LONG_NAME, "parameters": schema}}
    elif dialect == "responses":
        tool = {"type": "function", "name": LONG_NAME, "parameters": schema}

    async def answer(request: web.Request) -> web.StreamResponse:
        names = set(re.findall(r'"(mcp__[a-zA-Z0-9_-]+)"', (await request.read()).decode()))
        (name,) = names
        assert len(name) <= 64
        source = {
            "/chat/completions": ("52-name-in-other-case.chat", "write_file"),
            "/responses": ("52-name-in-other-case.responses", "write_file"),
            "/v1/messages": ("52-name-in-other-case.messages", "write_file"),
        }[request.path]
        raw = case(source[0]).raw().replace(source[1].encode(), name.encode())
        return web.Response(body=raw, content_type="text/event-stream")

    async with scripted_rig(answer) as (rig, _):
        body = body_of(dialect, MODELS[endpoint], stream=True, tools=[tool])
        async with (
            aiohttp.ClientSession() as http,
            http.post(rig.url + PATHS[dialect], json=body) as response,
        ):
            raw = await response.read()
    told = STREAMED[dialect](raw)
    assert [call[1] for call in told.calls] == [LONG_NAME]


def test_every_mistake_has_a_test() -> None:
    tested = {int(found[1]) for name in globals() if (found := re.match(r"test_(\d\d)_", name))}
    assert tested == set(MISTAKES) == set(range(1, 17))
