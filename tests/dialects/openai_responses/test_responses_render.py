"""What Copilot's `/responses` gets for a conversation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from copilot_desktop.canonical import (
    Document,
    Effort,
    Image,
    Message,
    Request,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from copilot_desktop.sealing import seal

from .responses_samples import DIALECT, HELLO, MODEL

CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
READ = Tool(
    "read",
    "Read a file",
    {"type": "object", "properties": {"p": {"type": "string"}}, "required": ["p"]},
)


def render(request: Request, model=MODEL):
    return DIALECT.render_request(request, model)


def test_the_worked_example():
    request = Request(
        "claude-sonnet-x",
        (
            Message("user", (Text("open a.txt"),)),
            Message("assistant", (Text("Sure."), ToolUse("toolu_01", "read", '{"p":"a.txt"}'))),
            Message(
                "user",
                (
                    Text("now what?"),
                    ToolResult("toolu_01", (Text("no such file"),), is_error=True),
                ),
            ),
        ),
        system=(Text("Be brief."),),
        tools=(READ,),
        tool_choice=ToolChoice("auto"),
        parallel_tools=False,
        max_tokens=900,
        stop=("END",),
    )
    assert render(request) == {
        "model": "gpt-x",
        "max_output_tokens": 900,
        "instructions": "Be brief.",
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "truncation": "disabled",
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "open a.txt"}],
            },
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Sure."}],
            },
            {
                "type": "function_call",
                "call_id": "toolu_01",
                "name": "read",
                "arguments": '{"p":"a.txt"}',
            },
            {
                "type": "function_call_output",
                "call_id": "toolu_01",
                "output": "[tool error] no such file",
            },
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "now what?"}],
            },
        ],
        "tools": [
            {
                "type": "function",
                "name": "read",
                "description": "Read a file",
                "strict": False,
                "parameters": READ.schema,
            }
        ],
    }
    assert [loss.what for loss in DIALECT.cannot(request, MODEL)] == ["stop"]


def test_a_small_request_says_only_what_was_asked():
    assert set(render(HELLO)) == {
        "model", "input", "stream", "store", "include", "truncation",
    }  # fmt: skip


def test_one_token_is_lifted_to_the_smallest_limit():
    assert render(replace(HELLO, max_tokens=1))["max_output_tokens"] == 16


def test_reasoning_goes_back_to_the_model_that_wrote_it_and_to_no_other():
    turn = Message(
        "assistant",
        (
            Thinking("Check A.\n\nThen B.", seal("gr1.", "gpt-x", i="rs_UP", e="ENC")),
            Thinking("other model", seal("gr1.", "gpt-y", i="rs_1", e="E")),
            Thinking("other endpoint", seal("gm1.", "gpt-x", s="S")),
            Thinking("unsealed"),
            Text("ok"),
        ),
    )
    items = render(replace(HELLO, messages=(*HELLO.messages, turn, *HELLO.messages)))["input"]
    assert items[1] == {
        "type": "reasoning",
        "id": "rs_UP",
        "summary": [{"type": "summary_text", "text": "Check A.\n\nThen B."}],
        "encrypted_content": "ENC",
    }
    assert [item["type"] for item in items] == ["message", "reasoning", "message", "message"]


def test_text_runs_between_calls_stay_in_their_place():
    turn = Message(
        "assistant",
        (Text("a"), Text("b"), ToolUse("c1", "f", ""), Text("no", refusal=True)),
    )
    items = render(replace(HELLO, messages=(*HELLO.messages, turn, *HELLO.messages)))["input"]
    assert [part.get("text") for part in items[1]["content"]] == ["a", "b"]
    assert items[2] == {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    assert items[3]["content"] == [{"type": "refusal", "refusal": "no"}]


def test_instructions_in_mid_conversation_keep_their_place():
    request = replace(HELLO, messages=(*HELLO.messages, Message("system", (Text("French"),))))
    assert render(request)["input"][1] == {
        "type": "message",
        "role": "developer",
        "content": [{"type": "input_text", "text": "French"}],
    }


@pytest.mark.parametrize(
    ("content", "is_error", "output"),
    [
        ((Text("a"), Text("b")), False, "a\nb"),
        ((), False, ""),
        ((), True, "[tool error] "),
        ((Text("Error: no"),), True, "Error: no"),
        (
            (Text("shot"), Image("image/png", "iVBO")),
            False,
            [
                {"type": "input_text", "text": "shot"},
                {
                    "type": "input_image",
                    "image_url": "data:image/png;base64,iVBO",
                    "detail": "auto",
                },
            ],
        ),
    ],
)
def test_tool_results(content, is_error, output):
    turn = Message("user", (ToolResult("c", content, is_error),))
    assert render(replace(HELLO, messages=(turn,)))["input"] == [
        {"type": "function_call_output", "call_id": "c", "output": output}
    ]


def test_custom_tools_stay_custom():
    tool = Tool("patch", "Patch", {"type": "object"}, custom=True)
    request = replace(
        HELLO,
        tools=(tool,),
        tool_choice=ToolChoice("tool", "patch"),
        messages=(
            *HELLO.messages,
            Message("assistant", (ToolUse("c1", "patch", '{"input":"*** a\\n"}'),)),
            Message("user", (ToolResult("c1", (Text("Done"),)),)),
        ),
    )
    body = render(request)
    assert body["tools"] == [{"type": "custom", "name": "patch", "description": "Patch"}]
    assert body["tool_choice"] == {"type": "custom", "name": "patch"}
    assert body["input"][1:] == [
        {"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": "*** a\n"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "Done"},
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (ToolChoice("tool", "READ"), {"type": "function", "name": "read"}),
    ],
)
def test_tool_choice(choice, expected):
    assert render(replace(HELLO, tools=(READ,), tool_choice=choice))["tool_choice"] == expected
    assert "tool_choice" not in render(replace(HELLO, tool_choice=choice))


@pytest.mark.parametrize(("structured", "strict"), [(True, True), (False, False)])
def test_strict_tools_only_where_the_model_knows_them(structured, strict):
    closed = {"type": "object", "properties": {}, "additionalProperties": False}
    request = replace(HELLO, tools=(replace(READ, strict=True, schema=closed),))
    assert render(request, replace(MODEL, structured=structured))["tools"][0]["strict"] is strict


def test_a_strict_tool_with_an_optional_field_is_not_strict_for_openai():
    schema = {"type": "object", "properties": {"a": {}}, "additionalProperties": False}
    request = replace(HELLO, tools=(replace(READ, strict=True, schema=schema),))
    assert render(request, MODEL)["tools"][0]["strict"] is False
    assert [loss.what for loss in DIALECT.cannot(request, MODEL)] == ["tools.strict"]


@pytest.mark.parametrize(
    ("wish", "efforts", "expected"),
    [
        ({}, MODEL.efforts, None),
        ({"effort": Effort.MAX}, MODEL.efforts, {"effort": "high", "summary": "auto"}),
        ({"effort": Effort.HIGH}, (Effort.MEDIUM,), {"effort": "medium", "summary": "auto"}),
        ({"effort": Effort.HIGH}, (), None),
        ({"effort": Effort.NONE}, MODEL.efforts, {"effort": "low"}),
        ({"effort": Effort.NONE}, (Effort.NONE, Effort.LOW), {"effort": "none"}),
        ({"thinking_budget": 20_000}, MODEL.efforts, {"effort": "high", "summary": "auto"}),
        ({"thinking_budget": 0}, (Effort.NONE,), {"effort": "none"}),
    ],
)
def test_reasoning_effort(wish, efforts, expected):
    body = render(replace(HELLO, **wish), replace(MODEL, efforts=efforts))
    assert body.get("reasoning") == expected


@pytest.mark.parametrize(
    ("schema", "asked", "strict"),
    [
        (CLOSED, None, True),
        (CLOSED, False, False),
        ({**CLOSED, "required": []}, True, False),
        ({**CLOSED, "properties": {"a": {"type": "object"}}}, None, False),
        ({"type": "object"}, True, False),
    ],
)
def test_schemas_are_strict_only_if_they_can_be(schema, asked, strict):
    form = ResponseFormat(schema, "answer", asked)
    assert render(replace(HELLO, response_format=form))["text"] == {
        "format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": strict}
    }


def test_json_mode_speaks_of_json():
    body = render(replace(HELLO, response_format=ResponseFormat()))
    assert body["text"] == {"format": {"type": "json_object"}}
    assert "JSON" in body["instructions"]
    asked = replace(HELLO, messages=(Message("user", (Text("as json"),)),))
    assert "instructions" not in render(replace(asked, response_format=ResponseFormat()))


def test_the_user_stays_here_and_the_cache_still_finds_together():
    key = render(replace(HELLO, user="jo@example.org"))["prompt_cache_key"]
    assert len(key) == 32
    assert "jo" not in str(render(replace(HELLO, user="jo@example.org")))
    assert key == render(replace(HELLO, user="jo@example.org"))["prompt_cache_key"]


def test_a_started_answer_is_asked_to_go_on():
    request = replace(HELLO, messages=(*HELLO.messages, Message("assistant", (Text("One \n"),))))
    items = render(request)["input"]
    assert items[1]["content"] == [{"type": "output_text", "text": "One"}]
    assert items[2]["role"] == "user"
    assert [loss.what for loss in DIALECT.cannot(request, MODEL)] == ["prefill"]


def test_what_would_change_the_answer_is_a_semantic_loss():
    pdf = ToolResult("c", (Document("application/pdf", "JVBERi0"),))
    request = replace(HELLO, messages=(Message("user", (pdf,)),), tools=(READ,))
    losses = DIALECT.cannot(request, replace(MODEL, tools=False))
    assert all(loss.semantic for loss in losses)
    assert len(losses) == 2
