"""Tools that were declared for another vendor: one of them spoils no request.

Servers of tools are tried with one vendor, and used with all. A schema that a vendor does not take
is refused with every request of the session, and Gemini does not even say why.
"""

from __future__ import annotations

from typing import Any

import pytest
from proxy.scripted import post
from rig import running_rig

from copilot_desktop.demo import Scenario

MODELS = ("gpt-4.1", "gpt-5.3-codex", "claude-sonnet-5", "gemini-3.5-flash", "grok-code-fast-1")
SCHEMAS = {
    "an array of nothing in particular": {"type": "array", "description": "Which."},
    "an array of such arrays": {"type": "array", "items": {"anyOf": [{"type": "array"}]}},
    "two types": {"type": "array", "items": {"type": ["object", "null"], "properties": {}}},
    "many of anything": {"type": "array", "items": True},
    "a choice of numbers": {"type": "integer", "enum": [1, 2]},
    "a field that is required, but not declared": {
        "type": "object", "properties": {"b": {"type": "string"}}, "required": ["b", "c"],
    },
    "a choice that may be nothing": {"type": ["string", "null"], "enum": ["x", None]},
}  # fmt: skip


def asked(dialect: str, schema: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Path and body of a request that declares a tool with this argument."""
    said = [{"role": "user", "content": "hello"}]
    whole = {"type": "object", "properties": {"a": schema}}
    named = {"name": "read", "parameters": whole}
    nested = [{"type": "function", "function": named}]
    return {
        "chat": ("/v1/chat/completions", {"messages": said, "tools": nested}),
        "responses": ("/v1/responses", {"input": said, "tools": [{"type": "function", **named}]}),
        "messages": (
            "/v1/messages",
            {
                "messages": said,
                "max_tokens": 100,
                "tools": [{"name": "read", "input_schema": whole}],
            },
        ),
        "ollama": ("/api/chat", {"messages": said, "tools": nested, "stream": False}),
    }[dialect]


@pytest.mark.parametrize("dialect", ["chat", "responses", "messages", "ollama"])
async def test_every_model_takes_them(dialect: str) -> None:
    async with running_rig() as rig:
        for name, schema in SCHEMAS.items():
            for model in MODELS:
                path, body = asked(dialect, schema)
                status, raw, headers = await post(rig, path, {"model": model, **body})
                assert status == 200, f"{name} for {model}: {raw!r}"
                told = "mapped=tools.schema" in headers["x-copilot-desktop-notes"]
                means_other = "array" not in name  # that one only says more of the same
                assert told == (means_other and model.startswith("gemini")), name


@pytest.mark.parametrize("arguments", ["", '{"a": "unfin', "[1]"])
@pytest.mark.parametrize("model", MODELS)
async def test_a_call_that_broke_off_ends_no_conversation(model: str, arguments: str) -> None:
    """The client keeps it and sends it with everything that follows."""
    call = {"id": "call_1", "type": "function", "function": {"name": "read"}}
    call["function"] = {"name": "read", "arguments": arguments}
    said = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "no such file"},
    ]
    _, body = asked("chat", {"type": "string"})
    async with running_rig(Scenario(thought_signatures=False)) as rig:
        body = {"model": model, **body, "messages": said}
        status, raw, _ = await post(rig, "/v1/chat/completions", body)
        assert status == 200, raw


@pytest.mark.parametrize("model", ["claude-sonnet-5", "claude-haiku-4.5", "gpt-5.3-codex"])
async def test_a_tool_that_is_gone_ends_no_conversation(model: str) -> None:
    """Claude Code's search had found it, then its server went: Claude refused all that followed.
    A long name is another one there, also where it was found."""
    long = f"mcp__{'x' * 70}"
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in ("ToolSearch", long)]
    found = [{"type": "tool_reference", "tool_name": name} for name in (long, "gone")]
    turns: list[Any] = [{"role": "user", "content": "hello"}]
    for number, parts in enumerate((found, found[1:])):
        use = {"type": "tool_use", "id": f"t{number}", "name": "ToolSearch", "input": {}}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": parts}
        turns += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    body = {"model": model, "max_tokens": 100, "tools": tools, "messages": turns}
    async with running_rig() as rig:
        status, raw, headers = await post(rig, "/v1/messages", body)
        assert status == 200, raw
        if model.startswith("claude"):
            assert "dropped=tool_reference" in headers["x-copilot-desktop-notes"]
            (sent,) = rig.fake.ledger.bodies("/v1/messages")
            last = sent["messages"][-1]["content"][0]
            assert last["content"] == [{"type": "text", "text": "[no longer available: gone]"}]
