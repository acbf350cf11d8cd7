"""The rows of the heal table, each with a request that Copilot refuses at first (item 81)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

CHAT, RESPONSES, MESSAGES = "/chat/completions", "/responses", "/v1/messages"
GPT, CODEX = "gpt-4.1", "gpt-5.3-codex"
SONNET, HAIKU, GEMINI = "claude-sonnet-4.6", "claude-haiku-4.5", "gemini-3.5-flash"

TOOL_CHAT = {"type": "function", "function": {"name": "ls", "parameters": {"type": "object"}}}
TOOL = {"name": "ls", "input_schema": {"type": "object", "properties": {}}}


@dataclass(frozen=True)
class Row:
    """`client` is the path that is asked, `endpoint` the one of Copilot's that answers.

    `gone` and `come` are what the second body lacks and has, by dotted path; `learned` what is
    known afterwards: then a second request like the first costs one call.
    """

    name: str
    client: str
    endpoint: str
    body: Json
    note: str
    whims: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    come: Json = field(default_factory=dict)
    learned: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    betas: tuple[str, str] | None = None


def said(text: str = "hello", **more: Any) -> Json:
    return {"messages": [{"role": "user", "content": text}], **more}


def messages(text: str = "hello", **more: Any) -> Json:
    return {"model": SONNET, "max_tokens": 8000, **said(text), **more}


THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVkIGJ5IG5vYm9keQ=="}
GEMINI_LOOP = [
    {"role": "user", "content": "go"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "a.txt"},
]
BAD_REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [],
    "encrypted_content": "bm9ib2R5IGtub3dzIHRoaXM=",
}

ROWS = (
    Row(
        "1-messages", "/v1/messages", MESSAGES,
        {**messages(), "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "Done."}]},
            {"role": "user", "content": "more"},
        ]},
        "thinking signature",
        gone=("messages.1.content.1",), come={"messages.1.content.0.type": "text"},
    ),
    Row(
        "1-empty", "/v1/messages", MESSAGES,
        {**messages(), "model": HAIKU, "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [
                {**THOUGHT, "thinking": ""}, {"type": "text", "text": "Done."},
            ]},
            {"role": "user", "content": "more"},
        ]},
        "thinking signature",
        gone=("messages.1.content.1",), come={"messages.1.content.0.type": "text"},
    ),
    Row(
        "1-not-begun", "/v1/messages", MESSAGES,
        {**messages(thinking={"type": "enabled", "budget_tokens": 3000}, tools=[TOOL]),
         "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "c1", "name": "ls", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "a.txt"},
            ]},
        ]},
        "thinking begun", gone=("thinking",), come={"messages.1.content.0.type": "tool_use"},
    ),
    Row(
        "1-chat", "/v1/chat/completions", CHAT,
        {"model": HAIKU, "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": "Done.", "reasoning_text": "Hm.",
             "reasoning_opaque": "c2lnbmVkIGJ5IG5vYm9keQ=="},
            {"role": "user", "content": "more"},
        ]},
        "thinking signature",
        gone=("messages.1.reasoning_opaque", "messages.1.reasoning_text"),
    ),
    Row(
        "2", "/v1/messages", MESSAGES,
        messages(thinking={"type": "enabled", "budget_tokens": 3000}),
        "thinking.enabled", ("thinking enabled",),
        gone=("thinking.budget_tokens",),
        come={"thinking.type": "adaptive", "output_config.effort": "low"}, learned="thinking",
    ),
    Row(
        "2-translated", "/v1/chat/completions", MESSAGES,
        {**said(), "model": "claude-sonnet-5", "max_tokens": 8000, "thinking_budget": 3000},
        "thinking.enabled", ("thinking enabled",),
        come={"thinking.type": "adaptive", "output_config.effort": "low"}, learned="thinking",
    ),
    Row(
        "3", "/v1/messages", MESSAGES, messages(thinking={"type": "disabled"}),
        "thinking.disabled", ("thinking disabled",),
        gone=("thinking",), come={"output_config.effort": "low"}, learned="thinking",
    ),
    Row(
        "4-messages", "/v1/messages", MESSAGES,
        messages(thinking={"type": "adaptive"}, output_config={"effort": "high"}),
        "effort", ("efforts",), come={"output_config.effort": "medium"}, learned="efforts",
    ),
    Row(
        "4-chat", "/v1/chat/completions", CHAT,
        {"model": "gpt-5-mini", **said(), "reasoning_effort": "high"},
        "effort", ("efforts",), come={"reasoning_effort": "medium"}, learned="efforts",
    ),
    Row(
        "4-responses", "/v1/responses", RESPONSES,
        {"model": CODEX, "input": "hello", "reasoning": {"effort": "high"}},
        "effort", ("efforts",), come={"reasoning.effort": "medium"}, learned="efforts",
    ),
    Row(
        "4-translated", "/v1/messages", RESPONSES,
        {"model": CODEX, "max_tokens": 900, **said(), "output_config": {"effort": "high"},
         "thinking": {"type": "adaptive"}},
        "effort", ("efforts",), come={"reasoning.effort": "medium"}, learned="efforts",
    ),
    Row(
        "5", "/v1/messages", MESSAGES,
        messages(tools=[TOOL, {**TOOL, "name": "cat", "cache_control": {"type": "ephemeral"}}]),
        "unknown field", ("cache_control",), gone=("tools.1.cache_control",), learned="bad_path",
    ),
    Row(
        "6-chat", "/v1/chat/completions", CHAT,
        {"model": GPT, "messages": [
            {"role": "user", "content": "go"}, {"role": "assistant", "content": "I am "},
        ]},
        "prefill", ("prefill",),
        come={"messages.1.content": "I am", "messages.2.role": "user"}, learned="no_prefill",
    ),
    Row(
        "6-responses", "/v1/responses", RESPONSES,
        {"model": CODEX, "input": [
            {"role": "user", "content": "go"}, {"role": "assistant", "content": "I am"},
        ]},
        "prefill", ("prefill",), come={"input.2.role": "user"}, learned="no_prefill",
    ),
    Row(
        "7", "/v1/chat/completions", CHAT,
        {"model": GPT, "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": "I am \n"},
            {"role": "user", "content": "more"},
        ]},
        "trailing white space", ("white space",), come={"messages.1.content": "I am"},
    ),
    Row(
        "8", "/v1/chat/completions", CHAT, {"model": GPT, **said(), "max_tokens": 500},
        "output limit", ("max_tokens",),
        gone=("max_tokens",), come={"max_completion_tokens": 500}, learned="max_tokens_key",
    ),
    Row(
        "8-translated", "/v1/messages", CHAT, {"model": GPT, **said(), "max_tokens": 500},
        "output limit", ("max_tokens",),
        gone=("max_tokens",), come={"max_completion_tokens": 500}, learned="max_tokens_key",
    ),
    Row(
        "9-temperature", "/v1/chat/completions", CHAT,
        {"model": GPT, **said(), "temperature": 0.3, "top_p": 0.5},
        "parameter", ("temperature",), gone=("temperature", "top_p"), learned="no_temperature",
    ),
    Row(
        "9-translated", "/v1/messages", CHAT,
        {"model": GPT, "max_tokens": 500, **said(), "temperature": 0.3},
        "parameter", ("temperature",), gone=("temperature",), learned="no_temperature",
    ),
    Row(
        "9-penalty", "/v1/chat/completions", CHAT,
        {"model": GPT, **said(), "presence_penalty": 0.3, "temperature": 0.3},
        "parameter", ("presence_penalty",), gone=("presence_penalty",),
        come={"temperature": 0.3}, learned="bad_path",
    ),
    Row(
        "9-within", "/v1/responses", RESPONSES,
        {"model": CODEX, "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}],
             "internal_chat_message_metadata_passthrough": {"turn_id": "t"}},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "on"}],
             "internal_chat_message_metadata_passthrough": {"create_time": 1}},
        ]},
        "unknown item field",
        gone=("input.0.internal_chat_message_metadata_passthrough",
              "input.1.internal_chat_message_metadata_passthrough"),
        come={"input.1.content.0.text": "on"}, learned="bad_path",
    ),
    Row(
        "13", "/v1/responses", RESPONSES,
        {"model": CODEX, "input": [
            {"role": "user", "content": "go"}, BAD_REASONING, {"role": "user", "content": "more"},
        ]},
        "reasoning items", gone=("input.2",), come={"input.1.role": "user"},
    ),
    Row(
        "14", "/v1/responses", RESPONSES,
        {"model": CODEX, "input": [
            {"role": "user", "content": "go"},
            {"type": "message", "id": "msg_1", "role": "assistant",
             "content": [{"type": "output_text", "text": "Done."}]},
            {"role": "user", "content": "more"},
        ]},
        "item ids", ("item ids",), gone=("input.1.id",), come={"input.1.role": "assistant"},
    ),
    Row(
        "14-twice", "/v1/responses", RESPONSES,
        {"model": CODEX, "input": [
            {"role": "user", "content": "go"},
            {"type": "web_search_call", "id": "ws_1", "status": "completed",
             "action": {"type": "search", "query": "q"}},
            {"type": "message", "id": "msg_1", "role": "assistant", "content": "Well."},
            {"type": "message", "id": "msg_1", "role": "assistant", "content": "Done."},
            {"role": "user", "content": "more"},
        ]},
        "item ids", gone=("input.1.id", "input.2.id", "input.4"),
        come={"input.2.content": "Done."},
    ),
    Row(
        "14-nameless", "/v1/responses", RESPONSES,
        {"model": CODEX, "input": [
            {"role": "user", "content": "go"},
            {"type": "web_search_call", "status": "completed",
             "action": {"type": "search", "query": "q"}},
            {"type": "message", "role": "assistant", "content": "Found."},
            {"role": "user", "content": "more"},
        ]},
        "nameless items", gone=("input.3",), come={"input.1.role": "assistant"},
    ),
    Row(
        "14-connection", "/v1/responses", RESPONSES,
        {"model": CODEX, "input": [
            {"role": "user", "content": "go"},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "ls",
             "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "a.txt"},
        ]},
        "foreign item ids", ("connection",), gone=("input.1.id",), come={"input.1.call_id": "c1"},
    ),
    Row(
        "15-messages", "/v1/messages", MESSAGES,
        messages(tools=[TOOL], tool_choice={"type": "any", "disable_parallel_tool_use": True}),
        "tool_choice", ("forced tool",),
        come={"tool_choice.type": "auto", "tool_choice.disable_parallel_tool_use": True},
        learned="no_forced_tool",
    ),
    Row(
        "15-chat", "/v1/chat/completions", CHAT,
        {"model": GPT, **said(), "tools": [TOOL_CHAT], "tool_choice": "required"},
        "tool_choice", ("forced tool",), come={"tool_choice": "auto"}, learned="no_forced_tool",
    ),
    Row(
        "15-translated", "/v1/messages", RESPONSES,
        {"model": CODEX, "max_tokens": 500, **said(), "tools": [TOOL],
         "tool_choice": {"type": "tool", "name": "ls"}},
        "tool_choice", ("forced tool",), come={"tool_choice": "auto"}, learned="no_forced_tool",
    ),
    Row(
        "16", "/v1/chat/completions", CHAT,
        {"model": GEMINI, "messages": GEMINI_LOOP, "tools": [TOOL_CHAT]},
        "thought signature",
        gone=("messages.1.tool_calls",),
        come={"messages.1.role": "assistant", "messages.2.role": "user"},
    ),
    Row(
        "17", "/v1/messages", MESSAGES,
        messages(system=[{"type": "text", "text": "Hi\nx-anthropic-billing-header: a=1"}]),
        "reserved keyword", come={"system.0.text": "Hi"},
    ),
    Row(
        "18", "/v1/chat/completions", CHAT,
        {"model": GPT, **said(), "stream_options": {"include_usage": True}},
        "stream_options", ("stream_options",), gone=("stream_options",), learned="bad_path",
    ),
    Row(
        "beta", "/v1/messages", MESSAGES,
        messages(tools=[TOOL], thinking={"type": "enabled", "budget_tokens": 3000}),
        "beta header", ("beta",), learned="bad_path",
        betas=("interleaved-thinking-2025-05-14", ""),
    ),
)  # fmt: skip


def at(body: Any, path: str) -> Any:
    """What stands at a dotted path, or `...`."""
    for step in path.split("."):
        if isinstance(body, list):
            body = body[int(step)] if int(step) < len(body) else ...
        else:
            body = body.get(step, ...) if isinstance(body, dict) else ...
    return body
