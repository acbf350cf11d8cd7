"""What Copilot refuses, endpoint by endpoint: each row is one 400 of `upstream.md` 6 to 8.

Every case changes one thing in a request that is otherwise answered.
"""

from __future__ import annotations

import base64

import pytest

USER = {"role": "user", "content": "Hello"}
FIELDS = {"type": "object", "properties": {"a": {"type": "string"}}}
CHAT_TOOL = {"type": "function", "function": {"name": "read", "parameters": FIELDS}}
FLAT_TOOL = {"type": "function", "name": "read", "parameters": FIELDS}
TOOL = {"name": "read", "input_schema": FIELDS}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
EPHEMERAL = {"cache_control": {"type": "ephemeral"}}


def call(name="read", claim="call_1", arguments="{}"):
    return {"id": claim, "type": "function", "function": {"name": name, "arguments": arguments}}


def calls(*made):
    return {"role": "assistant", "content": None, "tool_calls": list(made)}


def result(claim="call_1"):
    return {"role": "tool", "tool_call_id": claim, "content": "text"}


def picture(url=f"data:image/png;base64,{PNG}"):
    return {"type": "image_url", "image_url": {"url": url}}


def tools(number):
    return [{"type": "function", "function": {"name": f"t{n}"}} for n in range(number)]


def taking(schema):
    """A tool whose one argument has this schema."""
    parameters = {"type": "object", "properties": {"a": schema}}
    return {"type": "function", "function": {"name": "read", "parameters": parameters}}


VISION = {"Copilot-Vision-Request": "true"}
GPT, MINI, CLAUDE = "gpt-4.1", "gpt-5-mini", "claude-sonnet-4.6"
GEMINI = "gemini-3.1-pro-preview"

CHAT = {
    "no messages": (GPT, {"messages": []}, "messages"),
    "a strange role": (
        GPT,
        {"messages": [{"role": "bot", "content": "x"}]},
        "Invalid value: 'bot'",
    ),
    "developer for Claude": (
        CLAUDE,
        {"messages": [{"role": "developer", "content": "x"}, USER]},
        "developer",
    ),
    "developer for Gemini": (
        GEMINI,
        {"messages": [{"role": "developer", "content": "x"}, USER]},
        "developer",
    ),
    "only a system message": (GPT, {"messages": [{"role": "system", "content": "x"}]}, "at least"),
    "null from a person": (GPT, {"messages": [{"role": "user", "content": None}]}, "null"),
    "audio": (
        GPT,
        {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
        "input_audio",
    ),
    "an image from a tool": (
        GPT,
        {
            "messages": [USER, calls(call()), {**result(), "content": [picture()]}],
            "tools": [CHAT_TOOL],
        },
        "image_url",
    ),
    "too many images": (
        GPT,
        {"messages": [{"role": "user", "content": [picture(), picture()]}]},
        "too many images",
    ),
    "a kind of image": (
        GPT,
        {"messages": [{"role": "user", "content": [picture(f"data:image/bmp;base64,{PNG}")]}]},
        "media type",
    ),
    "a blind model": (
        "grok-code-fast-1",
        {"messages": [{"role": "user", "content": [picture()]}]},
        "does not support image",
    ),
    "129 tools": (GPT, {"tools": tools(129)}, "128"),
    "a tool name with a dot": (
        GPT,
        {"tools": [{"type": "function", "function": {"name": "a.b"}}]},
        "pattern",
    ),
    "a long tool name": (
        GPT,
        {"tools": [{"type": "function", "function": {"name": "a" * 65}}]},
        "pattern",
    ),
    "a schema without properties": (
        GPT,
        {
            "tools": [
                {"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}}
            ]
        },
        "missing properties",
    ),
    "an array of nothing in particular": (
        GPT,
        {"tools": [taking({"anyOf": [{"type": ["array", "null"]}, {"type": "null"}]})]},
        "array schema missing items",
    ),
    "an array as older drafts have it": (
        GPT,
        {"tools": [taking({"type": "array", "items": [{"type": "string"}]})]},
        "is not of type 'object'",
    ),
    "two types for Gemini": (
        GEMINI,
        {"tools": [taking({"type": "array", "items": {"type": ["object", "null"]}})]},
        "invalid request body",
    ),
    "an array of nothing in particular for Gemini": (
        GEMINI,
        {"tools": [taking({"type": "array"})]},
        "invalid request body",
    ),
    "a choice of numbers for Gemini": (
        GEMINI,
        {"tools": [taking({"type": "integer", "enum": [1, 2]})]},
        "invalid request body",
    ),
    "arguments of Gemini that are no object": (
        GEMINI,
        {"messages": [USER, calls(call(arguments='{"a":')), result()], "tools": [CHAT_TOOL]},
        "valid JSON object",
    ),
    "a strict schema that is open": (
        GPT,
        {"tools": [{"type": "function", "function": {**CHAT_TOOL["function"], "strict": True}}]},
        "additionalProperties",
    ),
    "an empty list of tools": (GPT, {"tools": []}, "empty array"),
    "a choice without tools": (GPT, {"tool_choice": "auto"}, "tool_choice"),
    "a choice of another tool": (
        GPT,
        {
            "tools": [CHAT_TOOL],
            "tool_choice": {"type": "function", "function": {"name": "other"}},
        },
        "other",
    ),
    "a call without a result": (
        GPT,
        {"messages": [USER, calls(call()), USER], "tools": [CHAT_TOOL]},
        "call_1",
    ),
    "one of two results": (
        GPT,
        {
            "messages": [USER, calls(call(), call(claim="call_2")), result()],
            "tools": [CHAT_TOOL],
        },
        "call_2",
    ),
    "a result without a call": (GPT, {"messages": [USER, result()]}, "preceding message"),
    "a result too late": (
        GPT,
        {"messages": [USER, calls(call()), result(), USER, result()], "tools": [CHAT_TOOL]},
        "preceding message",
    ),
    "a long call id": (
        GPT,
        {
            "messages": [USER, calls(call(claim="c" * 41)), result("c" * 41)],
            "tools": [CHAT_TOOL],
        },
        "maximum length 40",
    ),
    "broken arguments for Claude": (
        CLAUDE,
        {"messages": [USER, calls(call(arguments="{")), result()], "tools": [CHAT_TOOL]},
        "JSON object",
    ),
    "tool history without tools for Claude": (
        CLAUDE,
        {"messages": [USER, calls(call()), result()]},
        "must define tools",
    ),
    "prefill for Claude": (
        CLAUDE,
        {"messages": [USER, {"role": "assistant", "content": "I"}]},
        "prefill",
    ),
    "an empty text for Claude": (
        CLAUDE,
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
        "non-empty",
    ),
    "max_tokens for gpt-5.4": ("gpt-5.4", {"max_tokens": 100}, "max_completion_tokens"),
    "too many tokens": (GPT, {"max_tokens": 20000}, "at most 16384"),
    "no tokens": (GPT, {"max_tokens": 0}, "below minimum"),
    "several choices": (GPT, {"n": 2}, "'n'"),
    "five stops": (GPT, {"stop": list("abcde")}, "stop"),
    "stream options without a stream": (GPT, {"stream_options": {"include_usage": True}}, "stream"),
    "effort for a model without": (GPT, {"reasoning_effort": "low"}, "reasoning_effort"),
    "effort that is not in the list": (MINI, {"reasoning_effort": "max"}, "supported values: [low"),
    "temperature for a reasoning model": (MINI, {"temperature": 0.2}, "temperature"),
    "penalties for a reasoning model": (MINI, {"presence_penalty": 1}, "presence_penalty"),
    "logprobs for a reasoning model": (MINI, {"logprobs": True}, "logprobs"),
    "a hot Claude": (CLAUDE, {"temperature": 1.5}, "temperature"),
    "two kinds of sampling for Claude": (CLAUDE, {"temperature": 0.5, "top_p": 0.5}, "both"),
    "a budget for GPT": (MINI, {"thinking_budget": 2000}, "thinking_budget"),
    "a small budget": (CLAUDE, {"thinking_budget": 10}, "between 1024"),
    "a service tier": (GPT, {"service_tier": "auto"}, "service_tier"),
    "storing": (GPT, {"store": True}, "store"),
    "JSON without the word": (GPT, {"response_format": {"type": "json_object"}}, "'json'"),
    "a schema for a model without": (
        "gpt-4o",
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a", "schema": FIELDS},
            }
        },
        "not supported",
    ),
}


@pytest.mark.parametrize("case", CHAT)
async def test_chat_refuses(caller, case):
    model, change, words = CHAT[case]
    plain = await caller.chat(model=model)
    assert plain.status == 200, plain.text
    body = {"model": model, "messages": [USER], **change}
    answer = await caller.post("/chat/completions", body, **VISION)
    assert answer.status == 400, answer.text
    assert words in answer.error["message"]


CODEX = "gpt-5.3-codex"
F_CALL = {"type": "function_call", "call_id": "c1", "name": "read", "arguments": "{}"}
F_OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "text"}

RESPONSES = {
    "no input": ({"input": []}, "input"),
    "an unknown field": ({"stop": ["x"]}, "Unknown parameter: 'stop'"),
    "storing": ({"store": True}, "store"),
    "the response before": ({"previous_response_id": "resp_1"}, "not found"),
    "background": ({"background": True}, "background"),
    "a conversation": ({"conversation": "c"}, "conversation"),
    "a prompt": ({"prompt": {"id": "p"}}, "prompt"),
    "a service tier": ({"service_tier": "auto"}, "service_tier"),
    "few tokens": ({"max_output_tokens": 15}, ">= 16"),
    "too many tokens": ({"max_output_tokens": 200_000}, "at most 128000"),
    "an interpreter": ({"tools": [{"type": "code_interpreter"}]}, "code_interpreter"),
    "an MCP server": ({"tools": [{"type": "mcp"}]}, "mcp"),
    "file search": ({"tools": [{"type": "file_search"}]}, "file_search"),
    "a namespace": ({"tools": [{"type": "namespace", "name": "a"}]}, "namespace"),
    "a nested function": ({"tools": [CHAT_TOOL]}, "tools[0].name"),
    "129 tools": ({"tools": [{**FLAT_TOOL, "name": f"t{n}"} for n in range(129)]}, "128"),
    "a tool name": ({"tools": [{**FLAT_TOOL, "name": "a b"}]}, "pattern"),
    "an open strict schema": ({"tools": [{**FLAT_TOOL, "strict": True}]}, "additionalProperties"),
    "an array of nothing in particular": (
        {"tools": [{"type": "function", **taking({"type": "array"})["function"]}]},
        "array schema missing items",
    ),
    "a schema without properties": (
        {"tools": [{**FLAT_TOOL, "parameters": {"type": "object"}}]},
        "missing properties",
    ),
    "minimal effort": ({"reasoning": {"effort": "minimal"}}, "supported values"),
    "temperature": ({"temperature": 0.3}, "temperature"),
    "top_p": ({"top_p": 0.5}, "top_p"),
    "an unknown include": ({"include": ["everything"]}, "everything"),
    "a remote file": (
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://x"}]}]},
        "external file",
    ),
    "a person's words as output": (
        {"input": [{"role": "user", "content": [{"type": "output_text", "text": "x"}]}]},
        "input_text",
    ),
    "the assistant's words as input": (
        {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}, USER]},
        "output_text",
    ),
    "a call without output": ({"input": [USER, F_CALL]}, "No tool output"),
    "an output without a call": ({"input": [USER, F_OUTPUT]}, "No tool call found"),
    "a long call id": (
        {"input": [USER, {**F_CALL, "call_id": "c" * 65}, {**F_OUTPUT, "call_id": "c" * 65}]},
        "too long",
    ),
    "a call id as item id": ({"input": [USER, {**F_CALL, "id": "toolu_1"}, F_OUTPUT]}, "'fc'"),
    "a stored item": ({"input": [USER, {"type": "reasoning", "id": "rs_1", "summary": []}]}, ""),
    "an id that two items have": (
        {"input": [{**USER, "type": "message", "id": "msg_1"}] * 2},
        "Duplicate item found with id msg_1",
    ),
    "a search without an id": (
        {"input": [USER, {"type": "web_search_call", "status": "completed"}]},
        "Missing required parameter: 'input[1].id'",
    ),
    "a field that an item has not": (
        {"input": [{**USER, "notes": {"a": 1}}]},
        "Unknown parameter: 'input[0].notes'",
    ),
    "an unknown item": ({"input": [USER, {"type": "local_shell_call"}]}, "local_shell_call"),
    "JSON without the word": ({"text": {"format": {"type": "json_object"}}}, "'json'"),
    "a nested form": (
        {"text": {"format": {"type": "json_schema", "json_schema": {"name": "a"}}}},
        "json_schema",
    ),
}


@pytest.mark.parametrize("case", RESPONSES)
async def test_responses_refuses(caller, case):
    change, words = RESPONSES[case]
    answer = await caller.post("/responses", {"model": CODEX, "input": [USER], **change})
    assert answer.status == (404 if case == "a stored item" else 400), answer.text
    assert words in answer.error["message"]


ADAPTIVE, MANUAL, OPUS = "claude-sonnet-5", "claude-haiku-4.5", "claude-opus-4.8"
USE = {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}}
DONE = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "text"}


def turns(*contents):
    """Messages of person and assistant in turn."""
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": content} for n, content in enumerate(contents)]


EMPTY = {"type": "thinking", "thinking": "", "signature": "x"}


def thinking(kind, **more):
    return {"thinking": {"type": kind, **more}}


def effort(value):
    return {"output_config": {"effort": value}}


MARKED = {"type": "text", "text": "x", **EPHEMERAL}

MESSAGES = {
    "an unknown field": ({"service_tier": "auto"}, "service_tier: Extra inputs are not permitted"),
    "a field of the client": ({"inference_geo": "eu"}, "inference_geo: Extra inputs"),
    "context management without its beta": (
        {"context_management": {"edits": []}},
        "context_management: Extra inputs are not permitted",
    ),
    "no max_tokens": ({"max_tokens": None}, "max_tokens"),
    "max_tokens of nothing": ({"max_tokens": 0}, "max_tokens"),
    "too many tokens": ({"max_tokens": 32001}, "32001 > 32000"),
    "no messages": ({"messages": []}, "at least one message"),
    "an empty message": ({"messages": turns("")}, "non-empty"),
    "an empty text": ({"messages": turns([{"type": "text", "text": ""}])}, "non-empty"),
    "a blank text": ({"messages": turns([{"type": "text", "text": " \n"}])}, "non-whitespace"),
    "an empty system text": ({"system": [{"type": "text", "text": ""}]}, "non-empty"),
    "an assistant first": ({"messages": turns("a", "b", "c")[1:]}, "first message"),
    "prefill": ({"messages": turns("a", "b")}, "prefill"),
    "a system turn without its beta": (
        {"messages": [USER, {"role": "system", "content": "x"}]},
        "'user' or 'assistant'",
    ),
    "a field in a message": ({"messages": [{**USER, "name": "me"}]}, "messages.0.name: Extra"),
    "a field in a block": (
        {"messages": turns([{"type": "text", "text": "x", "foo": 1}])},
        "Extra inputs",
    ),
    "a file": (
        {"messages": turns([{"type": "image", "source": {"type": "file", "file_id": "f"}}])},
        "not supported",
    ),
    "a Word document": (
        {
            "messages": turns(
                [{"type": "document", "source": {"type": "base64", "media_type": "x/doc"}}]
            )
        },
        "PDF",
    ),
    "a call without a result": (
        {"messages": turns("a", [USE], "b"), "tools": [TOOL]},
        "`tool_use` ids were found without `tool_result` blocks",
    ),
    "words before the result": (
        {"messages": turns("a", [USE], [{"type": "text", "text": "b"}, DONE]), "tools": [TOOL]},
        "`tool_use` ids were found without `tool_result` blocks",
    ),
    "a result without a call": (
        {"messages": turns("a", "b", [DONE]), "tools": [TOOL]},
        "unexpected `tool_use_id`",
    ),
    "two results": (
        {"messages": turns("a", [USE], [DONE, DONE]), "tools": [TOOL]},
        "single result",
    ),
    "two calls of one id": (
        {"messages": turns("a", [USE, USE], [DONE]), "tools": [TOOL]},
        "unique",
    ),
    "tool history without tools": ({"messages": turns("a", [USE], [DONE])}, "must define tools"),
    "arguments as text": (
        {"messages": turns("a", [{**USE, "input": "{}"}], [DONE]), "tools": [TOOL]},
        "valid dictionary",
    ),
    "a strange call id": (
        {
            "messages": turns("a", [{**USE, "id": "a|b"}], [{**DONE, "tool_use_id": "a|b"}]),
            "tools": [TOOL],
        },
        "pattern",
    ),
    "a made-up thought": (
        {"messages": turns("a", [{"type": "thinking", "thinking": "x", "signature": "y"}], "b")},
        "Invalid `signature` in `thinking` block",
    ),
    "an empty text from a tool": (
        {
            "messages": turns("a", [USE], [{**DONE, "content": [{"type": "text", "text": ""}]}]),
            "tools": [TOOL],
        },
        "non-empty",
    ),
    "an unknown tool reference": (
        {
            "messages": turns(
                "a", [USE], [{**DONE, "content": [{"type": "tool_reference", "tool_name": "z"}]}]
            ),
            "tools": [TOOL],
        },
        "Tool reference 'z' not found in available tools",
    ),
    "129 tools": ({"tools": [{**TOOL, "name": f"t{n}"} for n in range(129)]}, "128"),
    "a tool name": ({"tools": [{**TOOL, "name": "a.b"}]}, "pattern"),
    "two tools of one name": ({"tools": [TOOL, TOOL]}, "unique"),
    "a tool without a schema": ({"tools": [{"name": "a"}]}, "input_schema"),
    "a schema of several": (
        {"tools": [{"name": "a", "input_schema": {"type": "object", "anyOf": [FIELDS]}}]},
        "anyOf",
    ),
    "an array of an older draft": (
        {"tools": [{"name": "a", "input_schema": {**FIELDS, "items": [FIELDS]}}]},
        "must match JSON Schema draft 2020-12",
    ),
    "an extra of a tool": ({"tools": [{**TOOL, "defer_loading": True}]}, "defer_loading: Extra"),
    "web search": (
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        "The use of the web search tool is not supported.",
    ),
    "code execution": ({"tools": [{"type": "code_execution_1", "name": "x"}]}, "not supported"),
    "MCP servers": ({"mcp_servers": []}, "mcp_servers: Extra inputs"),
    "a choice without tools": ({"tool_choice": {"type": "auto"}}, "tool_choice"),
    "a choice of another tool": (
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "z"}},
        "not found",
    ),
    "five marks": ({"system": [MARKED] * 5}, "maximum of 4"),
    "a mark with a scope": (
        {"system": [{**MARKED, "cache_control": {"type": "ephemeral", "scope": "global"}}]},
        "scope: Extra inputs are not permitted",
    ),
    "a mark inside a result": (
        {"messages": turns("a", [USE], [{**DONE, "content": [MARKED]}]), "tools": [TOOL]},
        "cache_control: Extra inputs",
    ),
    "a mark on top": (dict(EPHEMERAL), "cache_control: Extra inputs"),
    "temperature and top_p": ({"temperature": 0.5, "top_p": 0.5}, "both"),
    "a high temperature": ({"temperature": 1.2}, "temperature"),
    "a blank stop sequence": ({"stop_sequences": [" "]}, "non-whitespace"),
    "an effort that is not in the list": (effort("max"), "supported values: [low, medium, high]"),
    "a named form": (
        {"output_config": {"format": {"type": "json_schema", "schema": FIELDS, "strict": True}}},
        "output_config.format.strict: Extra inputs",
    ),
    "a loop that was begun without a thought": (
        {
            **thinking("enabled", budget_tokens=2000),
            "messages": turns("a", [USE], [DONE]),
            "tools": [TOOL],
        },
        "must start with a thinking block",
    ),
    "an adaptive budget": (thinking("adaptive", budget_tokens=2000), "Extra inputs"),
    "a small budget": (thinking("enabled", budget_tokens=100), "1024"),
    "a large budget": ({**thinking("enabled", budget_tokens=32001), "max_tokens": 32000}, "32000"),
    "a budget beyond max_tokens": (thinking("enabled", budget_tokens=4096), "max_tokens"),
    "thinking and temperature": ({**thinking("adaptive"), "temperature": 0.5}, "temperature"),
    "thinking and a forced tool": (
        {**thinking("adaptive"), "tools": [TOOL], "tool_choice": {"type": "any"}},
        "forces tool use",
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
async def test_messages_refuses(caller, case):
    change, words = MESSAGES[case]
    body = {"model": CLAUDE, "messages": [USER], "max_tokens": 4096, **change}
    answer = await caller.post("/v1/messages", body, **VISION)
    assert answer.status == 400, answer.text
    assert words in answer.error["message"]


@pytest.mark.parametrize(
    ("model", "change", "words"),
    [
        (MANUAL, {"text": turns("a", [EMPTY], "b")}, "must contain thinking"),
        (MANUAL, thinking("adaptive"), "adaptive thinking is not supported"),
        (MANUAL, effort("low"), "effort"),
        (OPUS, thinking("enabled", budget_tokens=2000), '"thinking.type.enabled" is not supported'),
        (ADAPTIVE, thinking("enabled", budget_tokens=2000), "thinking.type.adaptive"),
    ],
)
async def test_thinking_goes_by_model(caller, model, change, words):
    answer = await caller.messages(model=model, **change)
    assert (answer.status, words in answer.error["message"]) == (400, True)


async def test_unknown_betas_are_named(caller):
    betas = "interleaved-thinking-2025-05-14, claude-code-20250219,context-1m-2025-08-07"
    answer = await caller.messages(headers={"anthropic-beta": betas})
    assert answer.error == {
        "message": "unsupported beta header(s): claude-code-20250219, context-1m-2025-08-07",
        "code": "invalid_request_body",
    }


async def test_betas_open_doors(caller):
    async def status(beta, **change):
        return (await caller.messages(headers={"anthropic-beta": beta}, **change)).status

    edits = {"edits": [{"type": "clear_thinking_20251015"}]}
    assert await status("context-management-2025-06-27", context_management=edits) == 200
    assert (
        await status("advanced-tool-use-2025-11-20", tools=[{**TOOL, "defer_loading": True}]) == 200
    )
    system = [USER, {"role": "system", "content": "Be brief."}]
    assert await status("mid-conversation-system-2026-04-07", text=system) == 200


async def test_what_is_right_is_answered(caller):
    """The other side of the table: none of these is refused."""
    long = {"system": [MARKED] * 3, "messages": turns([MARKED]), "metadata": {"user_id": "me"}}
    for change in (
        long,
        {"messages": turns("a", [USE], [DONE, {"type": "text", "text": "b"}]), "tools": [TOOL]},
        {**thinking("enabled", budget_tokens=2000), "temperature": 1},
        {**thinking("adaptive", display="summarized"), **effort("high")},
        {"tools": [{"type": "bash_20250124", "name": "bash"}]},
        {"messages": [USER, USER]},
    ):
        body = {"model": CLAUDE, "messages": [USER], "max_tokens": 4096, **change}
        answer = await caller.post("/v1/messages", body)
        assert answer.status == 200, answer.text
    for change in (
        {"messages": [{"role": "developer", "content": "x"}, USER]},
        {"messages": [USER, calls(call()), result()]},
        {"messages": [USER, calls(call()), result()], "tools": [CHAT_TOOL]},
        {"temperature": 0.2, "seed": 1, "user": "me", "stop": "x"},
    ):
        body = {"model": GPT, "messages": [USER], **change}
        answer = await caller.post("/chat/completions", body)
        assert answer.status == 200, answer.text
    body = {"model": CLAUDE, "messages": [USER, calls(call()), result()], "tools": []}
    assert (await caller.post("/chat/completions", body)).status == 200
    body = {"model": CODEX, "input": [USER, F_CALL, F_OUTPUT], "metadata": {}, "store": False}
    assert (await caller.post("/responses", body)).status == 200


async def test_gemini_can_insist_on_its_signatures(calling):
    from copilot_desktop.demo import Scenario

    for strict, status in ((False, 200), (True, 400)):
        async with calling(Scenario(thought_signatures=strict)) as caller:
            await caller.exchange()
            messages = [USER, calls(call()), result()]
            answer = await caller.chat(messages, model=GEMINI, tools=[CHAT_TOOL])
            assert answer.status == status
