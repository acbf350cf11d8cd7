"""pi-ai's shape: what a program that speaks pi sees of Copilot, and what Copilot sees of it.

`tests/clients/pi` compares with the real pi-ai; here is what it cannot show.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable
from typing import Any

import pytest
from rig import running_rig

from copilot_desktop import pi
from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockEnd,
    BlockStart,
    End,
    Event,
    Request,
    StopReason,
    Text,
    Thinking,
    ToolUse,
    Usage,
)
from copilot_desktop.demo import ErrorInStream, Stall, Status
from copilot_desktop.errors import InputTooLarge, Overloaded

MODELS = {
    "gpt-4.1": "/chat/completions",
    "gpt-5.3-codex": "/responses",
    "claude-sonnet-5": "/v1/messages",
}
APIS = {
    "/chat/completions": "openai-completions",
    "/responses": "openai-responses",
    "/v1/messages": "anthropic-messages",
}
LOOK = {
    "name": "look",
    "description": "Look out of the window.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
# The keys of each event beside its type, as pi-ai's own types have them.
KEYS = {
    "start": {"partial"},
    "text_start": {"contentIndex", "partial"},
    "text_delta": {"contentIndex", "delta", "partial"},
    "text_end": {"contentIndex", "content", "partial"},
    "thinking_start": {"contentIndex", "partial"},
    "thinking_delta": {"contentIndex", "delta", "partial"},
    "thinking_end": {"contentIndex", "content", "partial"},
    "toolcall_start": {"contentIndex", "partial"},
    "toolcall_delta": {"contentIndex", "delta", "partial"},
    "toolcall_end": {"contentIndex", "toolCall", "partial"},
    "done": {"reason", "message"},
    "error": {"reason", "error"},
}
MESSAGE_KEYS = {
    "role", "content", "api", "provider", "model", "usage", "stopReason", "timestamp",
}  # fmt: skip
SAID: tuple[Event, ...] = (
    Begin("r1", Usage(7)),
    BlockStart(0, Thinking("")),
    BlockDelta(0, "Hm"),
    BlockDelta(0, "", "sealed"),
    BlockEnd(0),
    BlockStart(1, Text("")),
    BlockDelta(1, "Hel"),
    BlockDelta(1, "lo"),
    BlockEnd(1),
    BlockStart(2, ToolUse("c1", "look", "")),
    BlockDelta(2, '{"city": "K'),
    BlockDelta(2, 'öln"}'),
    BlockEnd(2),
    End(StopReason.TOOL_USE, Usage(7, 5, 3, 2, 1)),
)


def asking(*lines: str) -> dict[str, Any]:
    words = "Do this.\n" + "\n".join(lines)
    return {
        "messages": [{"role": "user", "content": words, "timestamp": 1}],
        "tools": [LOOK],
    }


async def told(events: Iterable[Event], trouble: Exception | None = None) -> list[Any]:
    """`events`, and then trouble, as pi's."""

    async def ask(request: Request, routed: pi.Routed) -> AsyncGenerator[Event, None]:
        routed("gpt-4.1", "/chat/completions")
        for event in events:
            yield event
        if trouble is not None:
            raise trouble

    return [event async for event in pi.told(Request("gpt", ()), ask)]


# --------------------------------------------------------------------------------------- events


async def test_every_event_keeps_the_message_as_it_was_then() -> None:
    events = await told(SAID)  # looked at only now, when all is said

    thought = {"type": "thinking", "thinking": "Hm", "thinkingSignature": "sealed"}
    hello, call = {"type": "text", "text": "Hello"}, {"type": "toolCall", "id": "c1"}
    half, whole = ({"name": "look", "arguments": {"city": city}} for city in ("K", "Köln"))
    seen = [(event["type"], event["partial"]["content"]) for event in events[:-1]]
    assert seen == [
        ("start", []),
        ("thinking_start", [{"type": "thinking", "thinking": ""}]),
        ("thinking_delta", [{"type": "thinking", "thinking": "Hm"}]),
        ("thinking_end", [thought]),
        ("text_start", [thought, {"type": "text", "text": ""}]),
        ("text_delta", [thought, {"type": "text", "text": "Hel"}]),
        ("text_delta", [thought, hello]),
        ("text_end", [thought, hello]),
        ("toolcall_start", [thought, hello, call | {"name": "look", "arguments": {}}]),
        ("toolcall_delta", [thought, hello, call | half]),
        ("toolcall_delta", [thought, hello, call | whole]),
        ("toolcall_end", [thought, hello, call | whole]),
    ]  # fmt: skip
    assert events[0]["partial"]["usage"]["input"] == 7
    assert events[3]["content"] == "Hm"
    assert events[-2]["toolCall"]["arguments"] == {"city": "Köln"}
    done = events[-1]
    assert done["reason"] == done["message"]["stopReason"] == "toolUse"
    assert done["message"]["usage"] == {
        "input": 7, "output": 5, "cacheRead": 3, "cacheWrite": 2, "totalTokens": 17,
        "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": 0},
    }  # fmt: skip


async def test_what_a_reader_does_to_a_message_stays_with_the_reader() -> None:
    first, *_, last = await told(SAID)

    first["partial"]["content"].append("graffiti")
    last["message"]["content"][1]["text"] = "graffiti"

    assert first["partial"]["content"] == []
    assert last["message"]["content"][1]["text"] == "Hello"


async def test_events_are_json_with_pis_keys() -> None:
    for event in await told(SAID) + await told(SAID[:3], Overloaded()):
        plain = json.loads(json.dumps(dict(event)))
        kind = plain.pop("type")
        assert set(plain) == KEYS[kind]
        message = plain.get("partial") or plain.get("message") or plain["error"]
        assert set(message) - {"responseId", "errorMessage"} == MESSAGE_KEYS
        assert message["api"] == "openai-completions"
        assert message["model"] == "gpt-4.1"
        assert message["responseId"] == "r1"


async def test_hidden_reasoning() -> None:
    block = Thinking("", redacted="opaque")
    events = await told([Begin(), BlockStart(0, block), BlockEnd(0), End(StopReason.END)])

    assert [event["type"] for event in events] == [
        "start",
        "thinking_start",
        "thinking_end",
        "done",
    ]
    assert events[-1]["message"]["content"] == [
        {"type": "thinking", "thinking": "", "thinkingSignature": "opaque", "redacted": True}
    ]


@pytest.mark.parametrize(
    ("reason", "told_as"),
    [
        (StopReason.END, "stop"),
        (StopReason.STOP_SEQUENCE, "stop"),
        (StopReason.PAUSE, "stop"),
        (StopReason.LENGTH, "length"),
        (StopReason.TOOL_USE, "toolUse"),
    ],
)
async def test_stop_reasons(reason: StopReason, told_as: str) -> None:
    *_, last = await told([Begin(), End(reason)])

    assert (last["type"], last["reason"], last["message"]["stopReason"]) == (
        "done",
        told_as,
        told_as,
    )


async def test_a_refusal_is_an_error_unless_it_is_in_words() -> None:
    refused = End(StopReason.REFUSAL, Usage(1, 2), explanation="Stopped by the filter.")
    words = (BlockStart(0, Text("", refusal=True)), BlockDelta(0, "I will not."), BlockEnd(0))

    *_, silent = await told([Begin(), refused])
    *_, spoken = await told([Begin(), *words, refused])

    assert silent["error"]["errorMessage"] == "refusal: Stopped by the filter."
    assert silent["error"]["usage"]["output"] == 2
    assert spoken["reason"] == "stop"
    assert spoken["message"]["content"] == [{"type": "text", "text": "I will not."}]


# ------------------------------------------------------------------------------------- failures


async def test_trouble_is_a_last_event_with_what_was_said() -> None:
    events = await told(SAID[:11], Overloaded())

    assert [event["type"] for event in events].count("error") == 1
    last = events[-1]
    assert (last["type"], last["reason"], last["error"]["stopReason"]) == (
        "error",
        "error",
        "error",
    )
    assert last["error"]["content"][2]["arguments"] == {"city": "K"}
    assert last["error"]["errorMessage"] == "overloaded: The model is overloaded at the moment."


async def test_trouble_after_the_end_is_nobodys_business() -> None:
    events = await told(SAID, Overloaded())

    assert events[-1]["type"] == "done"


async def test_an_error_nobody_thought_of_stays_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    events = await told(SAID[:1], KeyError("secret"))

    number = caplog.records[0].args[0]  # type: ignore[index]
    assert number in events[-1]["error"]["errorMessage"]
    assert "secret" not in events[-1]["error"]["errorMessage"]


async def test_a_conversation_that_is_too_long_is_said_in_a_word_that_pi_knows() -> None:
    [only] = await told([], InputTooLarge(fields={"tokens": "9", "limit": "8"}))

    assert only["error"]["errorMessage"].startswith("context_length_exceeded: ")


async def test_nothing_is_raised_before_the_first_event_either() -> None:
    async with running_rig() as rig:
        lost = rig.provider.stream(asking(), shape="pi", model="no-such-model")
        wrong = rig.provider.stream({"messages": [{"role": "robot"}]}, shape="pi", model="gpt-4.1")  # type: ignore[typeddict-item]
        nameless = rig.provider.stream(asking(), shape="pi")
        found = [[event async for event in stream] for stream in (lost, wrong, nameless)]
    async with running_rig(signed_in=False) as rig:
        found.append([e async for e in rig.provider.stream(asking(), shape="pi", model="gpt-4.1")])

    words = [last["error"]["errorMessage"] for [last] in found]
    assert [word.partition(":")[0] for word in words] == [
        "model_not_found", "invalid_request", "invalid_request", "not_signed_in",
    ]  # fmt: skip
    assert "messages.0.role" in words[1]


# ------------------------------------------------------------------------------- over the fake


@pytest.mark.parametrize("model", MODELS)
async def test_both_shapes_say_the_same(model: str) -> None:
    context = asking("demo: think Hm.", "demo: say Hello", 'demo: call look {"city": "Köln"}')
    async with running_rig() as rig:
        options: pi.Options = {"reasoning": "high"}
        events = [e async for e in rig.provider.stream(
            context, shape="pi", model=model, options=options)]  # fmt: skip
        reply = await rig.provider.complete(pi.read_context(context, model, options))

    message = events[-1]["message"]
    texts = [b["text"] for b in message["content"] if b["type"] == "text"]
    thoughts = [b["thinking"] for b in message["content"] if b["type"] == "thinking"]
    calls = [(b["name"], b["arguments"]) for b in message["content"] if b["type"] == "toolCall"]
    assert texts == [block.text for block in reply.blocks if isinstance(block, Text)] != []
    assert thoughts == [block.text for block in reply.blocks if isinstance(block, Thinking)]
    assert calls == [("look", {"city": "Köln"})]
    assert message["stopReason"] == "toolUse"
    assert message["usage"]["output"] == (reply.usage or Usage()).output > 0
    assert (message["model"], message["api"]) == (model, APIS[MODELS[model]])


@pytest.mark.parametrize("model", MODELS)
async def test_a_conversation_of_two_rounds(model: str) -> None:
    """Appending `done.message` and the result is all that a program has to do."""
    context = asking("demo: think Hm.", 'demo: call look {"city": "Köln"}')
    async with running_rig() as rig:
        options: pi.Options = {"reasoning": "high"}
        first = [e async for e in rig.provider.stream(
            context, shape="pi", model=model, options=options)][-1]["message"]  # fmt: skip
        [call] = [block for block in first["content"] if block["type"] == "toolCall"]
        result = {"role": "toolResult", "toolCallId": call["id"], "toolName": "look",
                  "content": [{"type": "text", "text": "It rains."}], "isError": False}  # fmt: skip
        context["messages"] += [first, result]
        second = [e async for e in rig.provider.stream(
            context, shape="pi", model=model, options=options)][-1]  # fmt: skip
        initiators = [call.headers["X-Initiator"] for call in rig.fake.ledger
                      if call.method == "POST" and "X-Initiator" in call.headers]  # fmt: skip

    assert second["type"] == "done", second["error"]
    assert "It rains." in second["message"]["content"][-1]["text"]
    assert initiators == ["user", "agent"]


@pytest.mark.parametrize("model", MODELS)
async def test_an_error_in_mid_stream(model: str) -> None:
    async with running_rig() as rig:
        rig.fake.add_fault(ErrorInStream(MODELS[model], 9, message="the lights went out"))
        context = asking("demo: say " + "word " * 60)
        events = [e async for e in rig.provider.stream(context, shape="pi", model=model)]

    assert events[-1]["type"] == "error"
    assert "the lights went out" in events[-1]["error"]["errorMessage"]
    assert events[-1]["error"]["content"][-1]["text"].startswith("word word")


async def test_a_refused_request_is_one_event() -> None:
    async with running_rig() as rig:
        rig.fake.add_fault(Status.example("429-weekly", "/chat/completions", times=-1))
        events = [e async for e in rig.provider.stream(asking(), shape="pi", model="gpt-4.1")]

    [only] = events
    assert only["type"] == "error"
    assert only["error"]["errorMessage"].startswith("rate_limited: ")
    assert only["error"]["content"] == []


async def test_closing_the_stream_closes_what_it_reads_at_once() -> None:
    closed = False

    async def ask(request: Request, routed: pi.Routed) -> AsyncGenerator[Event, None]:
        nonlocal closed
        try:
            for event in SAID:
                yield event
        finally:
            closed = True

    stream = pi.told(Request("gpt", ()), ask)
    await anext(stream)
    await stream.aclose()

    assert closed


async def test_closing_the_stream_stops_copilot() -> None:
    async with running_rig() as rig:
        rig.fake.add_fault(Stall("/chat/completions", after_frames=4))
        stream = rig.provider.stream(asking("demo: say A b c d"), shape="pi", model="gpt-4.1")
        async for event in stream:
            if event["type"] == "text_delta":
                break
        await stream.aclose()
        call = rig.fake.ledger[-1]
        async with asyncio.timeout(5):
            while not call.aborted:  # noqa: ASYNC110  (the fake has no event for it)
                await asyncio.sleep(0.01)


async def test_tools_come_back_under_their_own_names() -> None:
    name = "look.out/" + "x" * 80
    context = asking(f'demo: call {name} {{"city": "Köln"}}')
    context["tools"] = [LOOK | {"name": name}]
    context["messages"][0]["content"] = "Call it."
    async with running_rig() as rig:
        stream = rig.provider.stream(
            context, shape="pi", model="gpt-4.1", options={"toolChoice": "required"}
        )
        last = [event async for event in stream][-1]

    assert last["message"]["content"][-1]["name"] == name


async def test_a_context_needs_its_shape() -> None:
    async with running_rig() as rig:
        with pytest.raises(TypeError, match="shape"):
            rig.provider.stream(asking())  # type: ignore[call-overload]
