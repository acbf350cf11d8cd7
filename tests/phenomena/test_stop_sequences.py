"""Stop sequences over `/responses`, which knows none: the proxy stops by itself and says where."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import anthropic
import ollama
import openai
import pytest
from proxy.raw import until
from proxy.scripted import pieces, scripted_rig
from rig import Rig, running_rig

MODEL = "gpt-5.3-codex"
STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
SIZES = pytest.mark.parametrize("size", [1, 7, 4096])
USER = {"role": "user", "content": "hello"}
SAID = ["one E", "N", "D two", " END three"]


def speech(*texts: str) -> bytes:
    """A Responses stream up to the last piece of text: it is not over."""
    item = {"type": "message", "id": "m1", "role": "assistant", "status": "in_progress"}
    part = {"type": "output_text", "text": "", "annotations": []}
    at = {"item_id": "m1", "output_index": 0, "content_index": 0}
    response = {"id": "r1", "object": "response", "status": "in_progress", "output": []}
    told = [
        {"type": "response.created", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": item | {"content": []}},
        {"type": "response.content_part.added", **at, "part": part},
        *({"type": "response.output_text.delta", **at, "delta": text} for text in texts),
    ]
    frames = (f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in told)
    return "".join(frames).encode()


def cut(raw: bytes, size: int) -> list[bytes]:
    """Reads of `size` bytes, from shortly before the sequence on."""
    head = raw.index(b'"delta": "N"')
    return [raw[:head], *(raw[start : start + size] for start in range(head, len(raw), size))]


async def by_anthropic(rig: Rig, *, stream: bool, **more: Any) -> Any:
    async with anthropic.AsyncAnthropic(
        base_url=rig.url, api_key="any", max_retries=0, timeout=60
    ) as sdk:
        asked: dict[str, Any] = {"model": MODEL, "messages": [USER], "max_tokens": 900, **more}
        if not stream:
            return await sdk.messages.create(**asked)
        async with sdk.messages.stream(**asked) as events:
            return await events.get_final_message()


async def by_openai(rig: Rig, *, stream: bool, **more: Any) -> Any:
    url = f"{rig.url}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key="any", max_retries=0, timeout=60) as sdk:
        asked: dict[str, Any] = {"model": MODEL, "messages": [USER], **more}
        if not stream:
            return await sdk.chat.completions.create(**asked)
        async with sdk.chat.completions.stream(
            **asked, stream_options={"include_usage": True}
        ) as events:
            return await events.get_final_completion()


@SIZES
@STREAM
async def test_an_anthropic_client_is_told_which_sequence_was_met(size: int, stream: bool) -> None:
    endless = pieces(*cut(speech(*SAID), size), hang=True)
    async with scripted_rig(endless) as (rig, script):
        message = await by_anthropic(rig, stream=stream, stop_sequences=["###", "END"])
        await until(lambda: not script.open, "upstream is let go, though it would go on")
        sent = script.bodies[0]
        (exchange,) = rig.traffic.recent
    assert [block.text for block in message.content] == ["one "]
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")
    assert message.usage.output_tokens >= 1
    assert not {"stop", "stop_sequences"} & set(sent)
    assert (exchange.outcome, exchange.usage.output) == ("ok", message.usage.output_tokens)
    assert "usage=estimate" in exchange.notes


@SIZES
@STREAM
async def test_a_chat_client_gets_the_text_before_the_sequence(size: int, stream: bool) -> None:
    endless = pieces(*cut(speech(*SAID), size), hang=True)
    async with scripted_rig(endless) as (rig, script):
        done = await by_openai(rig, stream=stream, stop="END")
        await until(lambda: not script.open, "upstream is let go, though it would go on")
    assert done.choices[0].message.content == "one "
    assert done.choices[0].finish_reason == "stop"
    assert done.usage.completion_tokens >= 1


@STREAM
async def test_ollamas_client_as_well(stream: bool) -> None:
    async with scripted_rig(pieces(speech(*SAID), hang=True)) as (rig, _):
        client = ollama.AsyncClient(host=rig.url, trust_env=False)
        asked = await client.chat(MODEL, [USER], stream=stream, options={"stop": ["END"]})
        parts = [part async for part in asked] if stream else [asked]
        await client.close()
    assert "".join(part.message.content or "" for part in parts) == "one "
    assert parts[-1].done_reason == "stop"


@STREAM
async def test_a_sequence_that_never_comes_changes_nothing(stream: bool) -> None:
    async with running_rig() as rig:
        plain = await by_anthropic(rig, stream=stream)
        asked = await by_anthropic(rig, stream=stream, stop_sequences=["###"])
        notes = rig.traffic.recent[0].notes
    assert asked.content[-1].text == plain.content[-1].text
    assert (asked.stop_reason, asked.stop_sequence) == ("end_turn", None)
    assert "usage=estimate" not in notes


async def test_what_was_held_back_is_told_when_the_answer_breaks_off() -> None:
    raw = speech("one E", "N") + b'event: error\ndata: {"type":"error","message":"gone"}\n\n'
    heard = StringIO()

    async def listen(rig: Rig) -> None:
        async with anthropic.AsyncAnthropic(
            base_url=rig.url, api_key="x", max_retries=0, timeout=60
        ) as sdk:
            asked = {"model": MODEL, "messages": [USER], "max_tokens": 900}
            async with sdk.messages.stream(**asked, stop_sequences=["END"]) as events:
                async for piece in events.text_stream:
                    heard.write(piece)

    async with scripted_rig(pieces(raw)) as (rig, _):
        with pytest.raises(anthropic.APIError):
            await listen(rig)
    assert heard.getvalue() == "one EN"
