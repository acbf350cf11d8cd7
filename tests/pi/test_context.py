"""What pi's context and options mean, and what is refused with the place of the mistake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from copilot_desktop.canonical import (
    Effort,
    Image,
    Message,
    Request,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.pi import read_context
from copilot_desktop.sealing import seal, unseal

LOOK = {
    "name": "look",
    "description": "Look out of the window.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
REPLY = {"role": "assistant", "provider": "github-copilot", "model": "m", "stopReason": "toolUse"}


def assistant(*content: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return REPLY | {"content": list(content)} | more


def test_a_whole_context() -> None:
    picture = {"type": "image", "data": "aGk=", "mimeType": "image/png"}
    call = {
        "type": "toolCall",
        "id": "c1",
        "name": "look",
        "arguments": {"city": "Köln", "n": 2**70},
    }
    result = {"role": "toolResult", "toolCallId": "c1", "toolName": "look", "isError": True,
              "content": [{"type": "text", "text": "No."}, picture]}  # fmt: skip
    context = {
        "systemPrompt": "Be brief.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Look"}, picture]},
            assistant({"type": "text", "text": "I look."}, call),
            result,
            {"role": "user", "content": "And?"},
        ],
        "tools": [LOOK],
    }

    request = read_context(context, "m")

    assert request == Request(
        model="m",
        system=(Text("Be brief."),),
        messages=(
            Message("user", (Text("Look"), Image("image/png", "aGk="))),
            Message(
                "assistant",
                (Text("I look."), ToolUse("c1", "look", f'{{"city":"Köln","n":{2**70}}}')),
            ),
            Message(
                "user",
                (ToolResult("c1", (Text("No."), Image("image/png", "aGk=")), is_error=True),),
            ),
            Message("user", (Text("And?"),)),
        ),
        tools=(Tool("look", LOOK["description"], LOOK["parameters"]),),
        stream=True,
    )


def test_replies_that_failed_are_left_out() -> None:
    ask = {"role": "user", "content": "Hi"}
    half = assistant({"type": "text", "text": "Hal"})
    context = {"messages": [ask, half | {"stopReason": "error"}, half | {"stopReason": "aborted"}]}

    assert read_context(context, "m").messages == (Message("user", (Text("Hi"),)),)


def thought(signature: str, **more: Any) -> Thinking | None:
    """What is read of a thought with this signature."""
    block = {"type": "thinking", "thinking": "Hm", "thinkingSignature": signature}
    redacted = {"redacted": more.pop("redacted")} if "redacted" in more else {}
    context = {"messages": [assistant(block | redacted, **more)]}
    [message] = read_context(context, "m").messages
    return message.blocks[0] if message.blocks else None  # type: ignore[return-value]


def test_signatures_find_their_way_back() -> None:
    ours = seal("gc1.", "m", o="x")
    assert thought(ours, provider="copilot-desktop") == Thinking("Hm", ours)

    claude = thought("raw", api="anthropic-messages")
    assert unseal(claude.signature, "gm1.", "m") == {"s": "raw"}

    item = json.dumps({"type": "reasoning", "id": "rs_1", "encrypted_content": "blob"})
    gpt = thought(item, api="openai-responses")
    assert unseal(gpt.signature, "gr1.", "m") == {"i": "rs_1", "e": "blob"}


@pytest.mark.parametrize(
    ("signature", "more"),
    [
        ("raw", {"api": "anthropic-messages", "provider": "anthropic"}),
        ("reasoning_text", {"api": "openai-completions"}),
        ("not json", {"api": "openai-responses"}),
        ('{"id": "rs_1"}', {"api": "openai-responses"}),
        ("[]", {"api": "openai-responses"}),
    ],
)
def test_signatures_that_mean_nothing_to_copilot_go(signature: str, more: Any) -> None:
    assert thought(signature, **more) == Thinking("Hm")


def test_hidden_reasoning_goes_back_to_its_own_model_only() -> None:
    assert thought("opaque", redacted=True) == Thinking("", redacted="opaque")
    assert thought("opaque", redacted=True, model="other") is None


def test_options() -> None:
    request = read_context(
        {"messages": []},
        "m",
        {
            "temperature": 1,
            "maxTokens": 99,
            "reasoning": "xhigh",
            "thinkingBudgets": {"low": 1024, "xhigh": 2048},
            "metadata": {"user_id": "me"},
            "toolChoice": {"type": "function", "function": {"name": "look"}},
            "sessionId": "s",
        },
    )

    assert (request.temperature, request.max_tokens, request.user) == (1.0, 99, "me")
    assert (request.effort, request.thinking_budget) == (Effort.XHIGH, 2048)
    assert request.tool_choice == ToolChoice("tool", "look")
    assert [loss.what for loss in request.losses] == ["options.sessionId"]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("auto", ToolChoice()),
        ("any", ToolChoice("required")),
        ("none", ToolChoice("none")),
        ({"type": "any"}, ToolChoice("required")),
        ({"type": "tool", "name": "look"}, ToolChoice("tool", "look")),
    ],
)
def test_tool_choices(given: Any, read: ToolChoice) -> None:
    assert read_context({"messages": []}, "m", {"toolChoice": given}).tool_choice == read


@pytest.mark.parametrize(
    ("context", "options", "place"),
    [
        ({}, {}, "context.messages"),
        ({"messages": [1]}, {}, "messages.0"),
        ({"messages": [{"role": "user", "content": 1}]}, {}, "messages.0.content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "pdf"}]}]},
            {},
            "messages.0.content.0",
        ),
        ({"messages": [{"role": "toolResult", "content": "x"}]}, {}, "messages.0.toolCallId"),
        ({"messages": [assistant({"type": "image"})]}, {}, "messages.0.content.0.type"),
        ({"messages": [assistant({"type": "text"})]}, {}, "messages.0.content.0.text"),
        ({"messages": [], "tools": [{"name": 1}]}, {}, "tools.0.name"),
        ({"messages": [], "systemPrompt": 1}, {}, "context.systemPrompt"),
        ({"messages": []}, {"reasoning": "very"}, "options.reasoning"),
        ({"messages": []}, {"maxTokens": "9"}, "options.maxTokens"),
        ({"messages": []}, {"toolChoice": 5}, "options.toolChoice"),
        ({"messages": []}, {"temperature": True}, "options.temperature"),
    ],
)
def test_a_refusal_names_the_place(context: Any, options: Any, place: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{place}"):
        read_context(context, "m", options)
