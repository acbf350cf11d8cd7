"""Clients that drop reasoning, on the model that insists on it: the tool loop goes on all the same.

The fake's Gemini refuses a history with tool calls whose opaque reasoning is missing or not its own
(`upstream.md` §6.4). Each client here sends back nothing but what the public format knows.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ollama
import pytest
from conformance.speakers import (
    TOOL,
    ChatSpeaker,
    Heard,
    MessagesSpeaker,
    ResponsesSpeaker,
)
from conformance.test_ollama import TOOLS
from proxy.scripted import post
from rig import Rig, running_rig

from copilot_desktop.canonical import Message, Request, Text, Thinking, Tool, ToolResult
from copilot_desktop.proxy.config import ProxyConfig

GEMINI = "gemini-3.1-pro-preview"
TASK = "demo: write a.txt Alpha\ndemo: write b.txt Beta"
STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
SPEAKERS = pytest.mark.parametrize(
    "speaks", [ChatSpeaker, ResponsesSpeaker, MessagesSpeaker], ids=lambda speaks: speaks.name
)


def plain(turn: Any) -> Any:
    """What a client that knows the public format, and no reasoning, keeps of an answer."""
    if isinstance(turn, list):
        kept = (part for part in turn if part.get("type") not in ("reasoning", "thinking"))
        return [plain(part) for part in kept]
    fields = {key: value for key, value in turn.items() if not key.startswith("reasoning")}
    if isinstance(fields.get("content"), list):
        fields["content"] = plain(fields["content"])
    return fields


@asynccontextmanager
async def speaking(speaks: Any, rig: Rig) -> AsyncIterator[Any]:
    speaker = speaks(rig.url)
    try:
        yield speaker
    finally:
        await speaker.close()


async def worked(speaker: Any, stream: bool, turns: list[Any]) -> tuple[Heard, list[Any]]:
    """The task done; every answer goes back without reasoning. Also all that was said."""
    for _ in range(4):
        heard = await speaker.ask(GEMINI, turns, stream=stream, tools=True)
        if not heard.calls:
            break
        heard.turn = plain(heard.turn)
        turns = [*turns, *speaker.answered(heard, "written")]
    return heard, turns


@STREAM
@SPEAKERS
async def test_a_client_that_drops_reasoning_finishes_its_task(speaks: Any, stream: bool) -> None:
    async with running_rig() as rig, speaking(speaks, rig) as speaker:
        heard, turns = await worked(speaker, stream, [speaker.user(TASK)])
        received = rig.fake.ledger.to("/chat/completions")
        notes = [list(exchange.notes) for exchange in rig.traffic.recent]
    assert "reasoning" not in json.dumps(turns)
    assert heard.text
    assert [call.status for call in received] == [200, 200, 200]
    seals = [
        message.get("reasoning_opaque")
        for message in received[-1].body["messages"]
        if message["role"] == "assistant"
    ]
    assert len(seals) == 2
    assert all(seals)
    assert "restored=reasoning_opaque" in notes[0], "the newest request says what was put back"
    assert "restored=reasoning_opaque" not in notes[-1], "in the first there was nothing to do"


@STREAM
async def test_ollamas_client_finishes_its_task_though_it_has_no_ids_either(stream: bool) -> None:
    async with running_rig() as rig:
        client = ollama.AsyncClient(host=rig.url, trust_env=False)
        messages: list[Any] = [{"role": "user", "content": TASK}]
        for _ in range(4):
            calls, text = [], ""
            asked = await client.chat(GEMINI, messages, tools=TOOLS, stream=stream)
            async for part in asked if stream else _alone(asked):
                calls += part.message.tool_calls or []
                text += part.message.content or ""
            if not calls:
                break
            messages.append(ollama.Message(role="assistant", content=text, tool_calls=calls))
            for call in calls:
                name = call.function.name
                messages.append({"role": "tool", "tool_name": name, "content": "written"})
        await client.close()
        statuses = [call.status for call in rig.fake.ledger.to("/chat/completions")]
    assert text
    assert statuses == [200, 200, 200]


async def _alone(part: Any) -> AsyncIterator[Any]:
    yield part


async def test_a_python_program_may_drop_reasoning_as_well() -> None:
    tool = Tool(TOOL, schema=TOOLS[0]["function"]["parameters"])
    messages = [Message("user", (Text(TASK),))]
    async with running_rig() as rig:
        for _ in range(4):
            reply = await rig.provider.complete(Request(GEMINI, tuple(messages), tools=(tool,)))
            kept = tuple(block for block in reply.blocks if not isinstance(block, Thinking))
            assert kept != reply.blocks, "Gemini thought nothing, so this proves nothing"
            calls = [block for block in kept if hasattr(block, "arguments")]
            if not calls:
                break
            results = tuple(ToolResult(call.id, (Text("written"),)) for call in calls)
            messages += [Message("assistant", kept), Message("user", results)]
    assert reply.text


async def test_another_model_does_not_get_it() -> None:
    async with running_rig() as rig, speaking(ChatSpeaker, rig) as speaker:
        _, turns = await worked(speaker, True, [speaker.user(TASK)])
        await speaker.ask("gpt-4.1", [*turns, speaker.user("Thanks")], stream=True, tools=True)
        (received,) = (
            call for call in rig.fake.ledger.to("/chat/completions") if call.body["model"] != GEMINI
        )
    assert b"reasoning" not in received.raw


async def test_reasoning_never_reaches_another_accounts_conversation() -> None:
    passing = ProxyConfig(auth_mode="passthrough")
    async with running_rig(config=passing, signed_in=False) as rig:
        first, second = (
            {"Authorization": f"Bearer {rig.fake.tokens.give('ghu_')}"} for _ in range(2)
        )
        messages: list[Any] = [{"role": "user", "content": TASK}]
        body = {"model": GEMINI, "messages": messages, "tools": TOOLS}
        _, answer, _ = await post(rig, "/v1/chat/completions", body, headers=first)
        message = json.loads(answer)["choices"][0]["message"]
        result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "ok"}
        body = {**body, "messages": [*messages, plain(message), result]}
        await post(rig, "/v1/chat/completions", body, headers=second)
        await post(rig, "/v1/chat/completions", body, headers=first)
        theirs, own = rig.fake.ledger.to("/chat/completions")[-2:]
    assert b"reasoning_opaque" not in theirs.raw
    assert b"reasoning_opaque" in own.raw


async def test_nothing_is_remembered_after_signing_out() -> None:
    async with running_rig() as rig, speaking(ChatSpeaker, rig) as speaker:
        heard = await speaker.ask(GEMINI, [speaker.user(TASK)], stream=True, tools=True)
        heard.turn = plain(heard.turn)
        rig.provider.forget()
        body = {
            "model": GEMINI,
            "messages": [speaker.user(TASK), *speaker.answered(heard, "written")],
            "tools": TOOLS,
        }
        await post(rig, "/v1/chat/completions", body)
        sent = rig.fake.ledger.to("/chat/completions")[1]
    assert b"reasoning_opaque" not in sent.raw
