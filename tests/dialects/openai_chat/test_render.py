"""The canonical request, written for Copilot's `/chat/completions`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from copilot_desktop.canonical import (
    Block,
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
from copilot_desktop.dialects.openai_chat import OpenAIChat
from copilot_desktop.model import Model
from copilot_desktop.sealing import seal

GPT = Model("gpt-x", vendor="OpenAI", structured=True, efforts=(Effort.LOW, Effort.MEDIUM))
CLAUDE = Model("claude-x", vendor="Anthropic", thinking="budget", budget_max=20_000)
READ_SCHEMA = {"type": "object", "properties": {"p": {"type": "string"}}, "required": ["p"]}
READ = Tool("read", "Read a file", READ_SCHEMA)


def user(*blocks: Block) -> Message:
    return Message("user", blocks or (Text("hi"),))


def assistant(*blocks: Block) -> Message:
    return Message("assistant", blocks)


def request(*messages: Message, **fields: Any) -> Request:
    return Request("asked", messages or (user(),), **fields)


def render(asked: Request, model: Model = GPT) -> dict[str, Any]:
    return OpenAIChat().render_request(asked, model)


def lost(asked: Request, model: Model) -> dict[str, bool]:
    return {loss.what: loss.semantic for loss in OpenAIChat().cannot(asked, model)}


def test_the_worked_example() -> None:
    asked = request(
        user(Text("open a.txt")),
        assistant(Text("Sure."), ToolUse("toolu_01", "read", '{"p":"a.txt"}')),
        user(
            Text("now what?"),
            ToolResult("toolu_01", (Text("no such file"),), is_error=True),
        ),
        system=(Text("Be brief."),),
        tools=(READ,),
        tool_choice=ToolChoice("auto"),
        parallel_tools=False,
        max_tokens=900,
        stop=("END",),
    )
    function = {"name": "read", "description": "Read a file", "parameters": READ_SCHEMA}
    call = {"name": "read", "arguments": '{"p":"a.txt"}'}
    assert render(asked) == {
        "model": "gpt-x",
        "max_tokens": 900,
        "stop": ["END"],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "open a.txt"},
            {
                "role": "assistant",
                "content": "Sure.",
                "tool_calls": [{"id": "toolu_01", "type": "function", "function": call}],
            },
            {
                "role": "tool",
                "tool_call_id": "toolu_01",
                "content": "[tool error] no such file",
            },
            {"role": "user", "content": "now what?"},
        ],
        "tools": [{"type": "function", "function": function}],
    }


def test_two_results_one_with_a_picture() -> None:
    shot = (Text("shot"), Image("image/png", "iVBO"))
    asked = request(user(Text("compare"), ToolResult("t1", shot), ToolResult("t2", ())))
    assert render(asked)["messages"] == [
        {"role": "tool", "tool_call_id": "t1", "content": "shot\n(see attached image)"},
        {"role": "tool", "tool_call_id": "t2", "content": "(no output)"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Image(s) returned by tool call t1:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
                {"type": "text", "text": "compare"},
            ],
        },
    ]


def test_paragraphs_of_a_user_are_parted_and_those_of_an_assistant_are_not() -> None:
    asked = request(
        user(Text("one"), Text("two")), assistant(Text("a"), Text("b")), user(Text("three"))
    )
    contents = [message["content"] for message in render(asked)["messages"]]
    assert contents == ["one\n\ntwo", "ab", "three"]


def test_an_error_that_says_so_itself_is_not_marked_twice() -> None:
    result = ToolResult("t", (Text("Error: gone"),), is_error=True)
    assert render(request(user(result)))["messages"][0]["content"] == "Error: gone"


def test_an_instruction_in_the_middle() -> None:
    asked = request(user(), Message("system", (Text("In French."),)), user())
    assert render(asked)["messages"][1] == {"role": "system", "content": "In French."}
    assert render(asked, CLAUDE)["messages"][1] == {
        "role": "user",
        "content": "<system-reminder>In French.</system-reminder>",
    }


def test_nothing_comes_between_a_call_and_its_result() -> None:
    asked = request(
        user(),
        assistant(ToolUse("c", "read", "{}")),
        Message("system", (Text("Quick."),)),
        user(ToolResult("c", (Text("r"),)), Text("and?")),
    )
    roles = [message["role"] for message in render(asked)["messages"]]
    assert roles == ["user", "assistant", "tool", "system", "user"]


def test_a_turn_of_calls_alone_has_null_content_and_empty_arguments_are_an_object() -> None:
    asked = request(user(), assistant(ToolUse("c", "ls", "")), user(ToolResult("c", ())))
    turn = render(asked)["messages"][1]
    assert turn["content"] is None
    assert turn["tool_calls"][0]["function"]["arguments"] == "{}"


def test_prefill_becomes_a_wish_to_go_on() -> None:
    asked = request(user(), assistant(Text("Once upon ")))
    assert render(asked)["messages"][1:] == [
        {"role": "assistant", "content": "Once upon"},
        {"role": "user", "content": "Continue exactly from where the last message stopped."},
    ]
    assert lost(asked, GPT) == {"prefill": False}


# ------------------------------------------------------------------------------------ reasoning


def test_own_reasoning_is_replayed_and_foreign_reasoning_is_not() -> None:
    own = seal("gc1.", "claude-x", o="OPAQUE")
    asked = request(user(), assistant(Thinking("hm", own), Text("4")), user())
    turn = render(asked, CLAUDE)["messages"][1]
    assert (turn["reasoning_text"], turn["reasoning_opaque"]) == ("hm", "OPAQUE")
    for foreign in (seal("gc1.", "other", o="O"), seal("gm1.", "claude-x", s="S"), "raw", ""):
        asked = request(user(), assistant(Thinking("hm", foreign), Text("4")), user())
        assert render(asked, CLAUDE)["messages"][1] == {"role": "assistant", "content": "4"}
        assert lost(asked, CLAUDE) == {"thinking (history)": False}


def test_reasoning_text_before_a_late_seal_belongs_to_it() -> None:
    own = seal("gc1.", "gemini-x", o="O")
    blocks = (Thinking("plan"), Text("ok"), Thinking("", own), ToolUse("c", "f", "{}"))
    asked = request(user(), assistant(*blocks), user(ToolResult("c", ())))
    turn = render(asked, Model("gemini-x", vendor="Google"))["messages"][1]
    assert (turn["reasoning_text"], turn["reasoning_opaque"]) == ("plan", "O")


def test_a_turn_of_foreign_reasoning_alone_vanishes() -> None:
    asked = request(user(Text("a")), assistant(Thinking("hm", "raw")), user(Text("b")))
    assert [message["role"] for message in render(asked)["messages"]] == ["user", "user"]


@pytest.mark.parametrize(
    ("fields", "model", "sent"),
    [
        ({}, GPT, {}),
        ({"effort": Effort.HIGH}, GPT, {"reasoning_effort": "medium"}),
        ({"effort": Effort.NONE}, GPT, {"reasoning_effort": "low"}),
        ({"thinking_budget": 3000}, GPT, {"reasoning_effort": "low"}),
        ({"thinking_budget": 30_000}, GPT, {"reasoning_effort": "medium"}),
        ({"effort": Effort.HIGH}, replace(GPT, efforts=()), {}),
        ({"thinking_budget": 9000}, CLAUDE, {"thinking_budget": 9000}),
        ({"thinking_budget": 90_000}, CLAUDE, {"thinking_budget": 20_000}),
        ({"thinking_budget": 9000, "max_tokens": 4000}, CLAUDE, {"thinking_budget": 3999}),
        ({"thinking_budget": 9000, "max_tokens": 500}, CLAUDE, {}),
        ({"effort": Effort.MEDIUM}, CLAUDE, {"thinking_budget": 12_288}),
        ({"effort": Effort.NONE}, CLAUDE, {}),
        (
            {"effort": Effort.HIGH},
            replace(CLAUDE, thinking="optional", efforts=(Effort.LOW,)),
            {"reasoning_effort": "low"},
        ),
        ({"effort": Effort.HIGH}, replace(CLAUDE, thinking="none"), {}),
    ],
)
def test_reasoning_wishes(fields: Any, model: Model, sent: Any) -> None:
    body = render(request(**fields), model)
    keys = ("reasoning_effort", "thinking_budget")
    assert {key: body[key] for key in keys if key in body} == sent


# ------------------------------------------------------------------------------------ tools


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice("auto"), "auto"),
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (ToolChoice("tool", "read"), {"type": "function", "function": {"name": "read"}}),
    ],
)
def test_tool_choice(choice: ToolChoice, sent: object) -> None:
    assert render(request(tools=(READ,), tool_choice=choice))["tool_choice"] == sent


def test_a_choice_without_tools_is_not_sent() -> None:
    body = render(request(tool_choice=ToolChoice("auto"), parallel_tools=False))
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body)


def test_claude_gets_the_tools_of_its_history_declared() -> None:
    asked = request(
        user(), assistant(ToolUse("c", "ls", "{}")), user(ToolResult("c", (Text("r"),)))
    )
    body = render(asked, CLAUDE)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["ls"]
    assert body["tool_choice"] == "none"
    assert "tools" not in render(asked, GPT)


def test_a_free_text_tool_becomes_a_function_with_one_string() -> None:
    body = render(request(tools=(Tool("patch", custom=True),)))
    parameters = body["tools"][0]["function"]["parameters"]
    assert parameters["properties"] == {"input": {"type": "string"}}


def test_strict_is_passed_only_where_it_is_kept() -> None:
    schema = {"type": "object", "properties": {"a": {}}, "additionalProperties": False}
    tool = replace(READ, strict=True, schema={**schema, "required": ["a"]})
    assert render(request(tools=(tool,)))["tools"][0]["function"]["strict"] is True
    assert "strict" not in render(request(tools=(tool,)), CLAUDE)["tools"][0]["function"]


def test_a_strict_tool_with_an_optional_field_is_not_strict_for_openai() -> None:
    schema = {"type": "object", "properties": {"a": {}}, "additionalProperties": False}
    asked = request(tools=(replace(READ, strict=True, schema=schema),))
    assert "strict" not in render(asked)["tools"][0]["function"]
    assert lost(asked, GPT) == {"tools.strict": False}


# ------------------------------------------------------------------------------------ options


def test_the_limit_has_the_name_that_the_model_knows() -> None:
    newer = replace(GPT, max_tokens_key="max_completion_tokens")
    assert render(request(max_tokens=7), newer)["max_completion_tokens"] == 7
    assert "max_tokens" not in render(request())


def test_four_stop_sequences_are_kept() -> None:
    asked = request(stop=tuple("abcde"), temperature=0.3, top_p=0.9)
    body = render(asked)
    assert body["stop"] == ["a", "b", "c", "d"]
    assert (body["temperature"], body["top_p"]) == (0.3, 0.9)
    assert lost(asked, GPT) == {"stop": False}


def test_a_schema_is_strict_only_if_it_keeps_openais_rules() -> None:
    closed = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    for schema, strict in ((closed, True), (READ_SCHEMA, False)):
        body = render(request(response_format=ResponseFormat(schema, "answer")))
        assert body["response_format"] == {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": strict},
        }


def test_json_is_asked_for_in_words_where_the_field_is_not_enough() -> None:
    asked = request(response_format=ResponseFormat())
    body = render(asked)
    assert body["response_format"] == {"type": "json_object"}
    assert "JSON" in body["messages"][0]["content"]
    said = render(request(user(Text("as JSON")), response_format=ResponseFormat()))
    assert said["messages"][0]["role"] == "user"
    claude = render(asked, CLAUDE)
    assert "response_format" not in claude
    assert "JSON" in claude["messages"][0]["content"]


def test_what_cannot_be_said_and_matters_is_declared_so() -> None:
    schema = request(response_format=ResponseFormat(READ_SCHEMA))
    assert lost(schema, CLAUDE) == {"A JSON schema for the answer": True}
    assert lost(schema, replace(GPT, structured=False)) == {"A JSON schema for the answer": True}
    assert lost(schema, GPT) == {}
    pdf = request(user(Document("application/pdf", "JVBE")))
    assert lost(pdf, GPT) == {"A PDF document": True}
    inner = request(user(ToolResult("c", (Document("application/pdf", "JVBE"),))))
    assert lost(inner, GPT) == {"A PDF document": True}
    assert lost(request(tools=(READ,)), replace(GPT, tools=False)) == {"Calling tools": True}


def test_advice_that_gets_lost_is_declared_as_advice() -> None:
    assert lost(request(effort=Effort.LOW), replace(GPT, efforts=())) == {"effort": False}
    assert lost(request(tools=(Tool("p", custom=True),)), GPT) == {"tools.custom": False}
