"""A client's Chat Completions request, read: every field of `translation.md` §4 once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from copilot_desktop.canonical import (
    Document,
    Effort,
    Image,
    Loss,
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
from copilot_desktop.errors import InvalidRequest, NotExpressible
from copilot_desktop.sealing import seal

PIXEL = "data:image/png;base64,iVBORw0KGgo="
USER = {"role": "user", "content": "hi"}


def parse(*messages: dict[str, Any], **fields: Any) -> Request:
    return OpenAIChat().parse_request(
        {"model": "m", "messages": list(messages) or [USER], **fields}
    )


def picture(role: str) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}


def lost(request: Request) -> set[str]:
    return {loss.what for loss in request.losses}


# ------------------------------------------------------------------------------------ messages


def test_leading_instructions_of_both_roles_become_the_system_prompt() -> None:
    request = parse(
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "No jokes."}]},
        USER,
    )
    assert request.system == (Text("Be brief."), Text("No jokes."))
    assert request.messages == (Message("user", (Text("hi"),)),)


def test_a_later_instruction_stays_in_its_place() -> None:
    request = parse(USER, {"role": "developer", "content": "Now in French."}, USER)
    assert [message.role for message in request.messages] == ["user", "system", "user"]
    assert request.system == ()


def test_parts_keep_their_order_and_pictures_their_bytes() -> None:
    request = parse(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what is"},
                {"type": "image_url", "image_url": {"url": PIXEL, "detail": "high"}},
                {"type": "text", "text": "this?"},
            ],
        }
    )
    assert request.messages[0].blocks == (
        Text("what is"),
        Image("image/png", "iVBORw0KGgo="),
        Text("this?"),
    )


def test_a_pdf_becomes_a_document() -> None:
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}
    request = parse({"role": "user", "content": [{"type": "file", "file": file}]})
    assert request.messages[0].blocks == (Document("application/pdf", "JVBE", "a.pdf"),)


def test_consecutive_tool_results_and_the_words_after_them_are_one_turn() -> None:
    request = parse(
        USER,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}},
                {
                    "id": "c|2",
                    "type": "function",
                    "function": {"name": "g", "arguments": '{"a":1}'},
                },
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c|2", "content": [{"type": "text", "text": "two"}]},
        {"role": "user", "content": "go on"},
    )
    assert request.messages[1:] == (
        Message("assistant", (ToolUse("c1", "f", ""), ToolUse("c|2", "g", '{"a":1}'))),
        Message(
            "user",
            (
                ToolResult("c1", (Text("one"),)),
                ToolResult("c|2", (Text("two"),)),
                Text("go on"),
            ),
        ),
    )


def test_a_picture_in_a_tool_result_stays_in_it() -> None:
    content = [{"type": "image_url", "image_url": {"url": PIXEL}}]
    request = parse(USER, {"role": "tool", "tool_call_id": "c", "content": content})
    assert request.messages[-1].blocks == (ToolResult("c", (Image("image/png", "iVBORw0KGgo="),)),)


def test_an_assistant_turn_in_all_its_slots() -> None:
    request = parse(
        USER,
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Sure."},
                {"type": "refusal", "refusal": "But no."},
            ],
            "tool_calls": [
                {"id": "c1", "type": "custom", "custom": {"name": "patch", "input": "*** a"}}
            ],
        },
        USER,
    )
    assert request.messages[1].blocks == (
        Text("Sure."),
        Text("But no.", refusal=True),
        ToolUse("c1", "patch", '{"input":"*** a"}'),
    )


def test_legacy_function_calls_find_their_results() -> None:
    request = parse(
        USER,
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "done"},
        functions=[{"name": "f", "parameters": {"type": "object"}}],
        function_call={"name": "f"},
    )
    (call,) = request.messages[1].blocks
    (result,) = request.messages[2].blocks
    assert isinstance(call, ToolUse)
    assert isinstance(result, ToolResult)
    assert call.id == result.tool_use_id != ""
    assert request.tools == (Tool("f", schema={"type": "object"}),)
    assert request.tool_choice == ToolChoice("tool", "f")


def test_sealed_reasoning_comes_back_and_foreign_reasoning_has_no_seal() -> None:
    sealed = seal("gm1.", "claude", s="SIG")
    request = parse(
        USER,
        {
            "role": "assistant",
            "content": "4",
            "reasoning_content": "hm",
            "reasoning_opaque": sealed,
        },
        USER,
        {"role": "assistant", "content": "5", "reasoning_text": "so", "reasoning_opaque": "b64=="},
        USER,
    )
    assert request.messages[1].blocks[0] == Thinking("hm", sealed)
    assert request.messages[3].blocks[0] == Thinking("so", "")


# ------------------------------------------------------------------------------------ tools


def test_tools_in_the_nested_the_flat_and_the_free_text_form() -> None:
    schema = {"type": "object", "properties": {"p": {"type": "string"}}}
    request = parse(
        tools=[
            {
                "type": "function",
                "function": {
                    "name": "read",
                    "description": "Read",
                    "parameters": schema,
                    "strict": True,
                },
            },
            {"type": "function", "name": "ls"},
            {
                "type": "custom",
                "custom": {
                    "name": "patch",
                    "format": {
                        "type": "grammar",
                        "grammar": {"syntax": "lark", "definition": "start: P"},
                    },
                },
            },
        ]
    )
    assert request.tools[0] == Tool("read", "Read", schema, strict=True)
    assert request.tools[1] == Tool("ls")
    assert request.tools[2] == Tool("patch", custom=True, grammar=("lark", "start: P"))
    assert lost(request) == set()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (None, None),
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("tool", "f")),
        ({"type": "custom", "custom": {"name": "f"}}, ToolChoice("tool", "f")),
    ],
)
def test_tool_choice(said: object, meant: ToolChoice | None) -> None:
    assert parse(tool_choice=said).tool_choice == meant


def test_allowed_tools_offers_only_those() -> None:
    function = {"type": "function", "function": {"name": "b"}}
    request = parse(
        tools=[{"type": "function", "function": {"name": name}} for name in "abc"],
        tool_choice={
            "type": "allowed_tools",
            "allowed_tools": {"mode": "required", "tools": [function]},
        },
    )
    assert [tool.name for tool in request.tools] == ["b"]
    assert request.tool_choice == ToolChoice("required")


# ------------------------------------------------------------------------------------ options


def test_options_of_every_kind() -> None:
    request = parse(
        max_completion_tokens=5,
        max_tokens=9,
        temperature=0,
        top_p=0.5,
        stop=["", "END"],
        parallel_tool_calls=False,
        user="me",
        stream=True,
        stream_options={"include_usage": True},
    )
    assert (request.max_tokens, request.temperature, request.top_p) == (5, 0, 0.5)
    assert (request.stop, request.parallel_tools, request.user) == (("END",), False, "me")
    assert request.stream
    assert request.echo_usage


@pytest.mark.parametrize(
    ("fields", "effort", "budget"),
    [
        ({}, None, None),
        ({"reasoning_effort": "xhigh"}, Effort.XHIGH, None),
        ({"reasoning": {"effort": "low"}}, Effort.LOW, None),
        ({"reasoning": {"max_tokens": 700}}, None, 700),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, None, 2000),
        ({"thinking": {"type": "disabled"}}, Effort.NONE, None),
        ({"thinking_budget": 3000}, None, 3000),
    ],
)
def test_reasoning_wishes(fields: Any, effort: Effort | None, budget: int | None) -> None:
    request = parse(**fields)
    assert (request.effort, request.thinking_budget) == (effort, budget)


def test_response_formats() -> None:
    schema = {"type": "object"}
    wrapped = {"name": "answer", "schema": schema, "strict": True}
    assert parse(response_format={"type": "text"}).response_format is None
    assert parse(response_format={"type": "json_object"}).response_format == ResponseFormat()
    request = parse(response_format={"type": "json_schema", "json_schema": wrapped})
    assert request.response_format == ResponseFormat(schema, "answer", strict=True)


def test_advice_is_lost_and_said_so_but_defaults_are_no_advice() -> None:
    request = parse(
        seed=7, presence_penalty=0.5, service_tier="flex", frequency_penalty=0, store=False
    )
    assert set(request.losses) == {Loss("seed"), Loss("presence_penalty"), Loss("service_tier")}


def test_unknown_fields_do_not_matter() -> None:
    assert parse(some_new_thing={"a": 1}) == parse()


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"logprobs": True},
        {"top_logprobs": 3},
        {"logit_bias": {"5": 1}},
        {"modalities": ["text", "audio"]},
        {"audio": {"voice": "a"}},
    ],
)
def test_what_would_silently_change_the_answer_is_refused(fields: Any) -> None:
    with pytest.raises(NotExpressible):
        parse(**fields)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
    ],
)
def test_content_that_copilot_cannot_fetch_or_hear_is_refused(part: Any) -> None:
    with pytest.raises(NotExpressible):
        parse({"role": "user", "content": [part]})


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [USER]},
        {"model": "", "messages": [USER]},
        {"model": 3, "messages": [USER]},
        {"model": "m"},
        {"model": "m", "messages": "hi"},
        {"model": "m", "messages": ["hi"]},
        {"model": "m", "messages": [{"role": "system", "content": "only"}]},
        {"model": "m", "messages": [{"role": "martian", "content": "x"}]},
        {"model": "m", "messages": [{"role": "user", "content": 5}]},
        {"model": "m", "messages": [{"role": "user", "content": [{"type": "hologram"}]}]},
        {"model": "m", "messages": [{"role": "user", "content": [5]}]},
        {"model": "m", "messages": [USER, {"role": "tool", "tool_call_id": 5, "content": "x"}]},
        {"model": "m", "messages": [picture("system"), USER]},
        {"model": "m", "messages": [USER], "max_tokens": 0},
        {"model": "m", "messages": [USER], "max_tokens": "many"},
        {"model": "m", "messages": [USER], "temperature": "hot"},
        {"model": "m", "messages": [USER], "stop": [1]},
        {"model": "m", "messages": [USER], "tools": [{"type": "function", "function": {}}]},
        {"model": "m", "messages": [USER], "tools": [{"type": "warp"}]},
        {"model": "m", "messages": [USER], "tool_choice": 7},
        {"model": "m", "messages": [USER], "parallel_tool_calls": "no"},
        {"model": "m", "messages": [USER], "response_format": {"type": "xml"}},
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(body: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        OpenAIChat().parse_request(body)
    assert len(str(refused.value)) > 10


# ------------------------------------------------------------------------------------ peek

SYSTEM = {"role": "system", "content": "s"}
ANSWER = {"role": "assistant", "content": "a"}
RESULT = {"role": "tool", "tool_call_id": "c", "content": "r"}


def attached(words: str) -> dict[str, Any]:
    """A picture that a tool has read, as opencode and pi send it."""
    picture = {"type": "image_url", "image_url": {"url": PIXEL}}
    return {"role": "user", "content": [{"type": "text", "text": words}, picture]}


@pytest.mark.parametrize(
    ("messages", "initiator"),
    [
        ([USER], "user"),
        ([SYSTEM, USER], "user"),
        ([USER, ANSWER, USER], "user"),
        ([USER, ANSWER, USER, SYSTEM], "user"),
        ([USER, ANSWER, RESULT], "agent"),
        ([USER, ANSWER, RESULT, {"role": "developer", "content": "d"}], "agent"),
        ([USER, ANSWER, {"role": "function", "name": "f", "content": "r"}], "agent"),
        ([USER, ANSWER], "agent"),
        ([USER, ANSWER, RESULT, USER], "user"),
        ([USER, ANSWER, RESULT, attached("Attached media from tool result:")], "agent"),
        ([USER, ANSWER, RESULT, attached("Attached image(s) from tool result:"), SYSTEM], "agent"),
        ([USER, ANSWER, RESULT, attached("Attached media from tool result:"), USER], "user"),
        ([USER, ANSWER, RESULT, attached("Look:")], "user"),
        ([USER, ANSWER, attached("Attached media from tool result:")], "user"),
    ],
)
def test_who_started_the_call(messages: Any, initiator: str) -> None:
    assert OpenAIChat().peek({"model": "m", "messages": messages}).initiator == initiator


def test_peek_sees_a_picture_anywhere_in_the_history() -> None:
    old = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}
    seen = OpenAIChat().peek({"model": "m", "stream": True, "messages": [old, ANSWER, USER]})
    assert (seen.model, seen.stream, seen.has_image) == ("m", True, True)
    assert not OpenAIChat().peek({"model": "m", "messages": [USER]}).has_image


def test_peek_forgives_everything_but_a_missing_model() -> None:
    assert OpenAIChat().peek({"model": "m", "messages": [3, {"role": []}]}).initiator == "agent"
    assert OpenAIChat().peek({"model": "m"}).initiator == "user"
    with pytest.raises(InvalidRequest):
        OpenAIChat().peek({"messages": [USER]})


def test_big_numbers_in_arguments_survive_as_text() -> None:
    arguments = json.dumps({"n": 12345678901234567890123})
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    request = parse(USER, {"role": "assistant", "tool_calls": [call]}, RESULT)
    assert request.messages[1].blocks == (ToolUse("c", "f", arguments),)
