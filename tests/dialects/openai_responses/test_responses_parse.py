"""What clients of the Responses API may send, and what becomes of it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from copilot_desktop.canonical import (
    Document,
    Effort,
    Image,
    Message,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    free_text_schema,
)
from copilot_desktop.errors import InvalidRequest, NotExpressible
from copilot_desktop.sealing import seal

from .responses_samples import DIALECT

PNG = "iVBORw0KGgoAAAANSUhEUg=="


def parse(**fields: Any):
    return DIALECT.parse_request({"model": "gpt-x", "input": "hi", **fields})


def messages(*items: dict[str, Any]) -> tuple[Message, ...]:
    return parse(input=list(items)).messages


def lost(**fields: Any) -> set[str]:
    return {loss.what for loss in parse(**fields).losses}


def test_a_bare_text_is_one_user_message():
    assert parse().messages == (Message("user", (Text("hi"),)),)


def test_easy_messages_need_no_type():
    assert messages({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}) == (
        Message("user", (Text("a"),)),
        Message("assistant", (Text("b"),)),
    )


def test_instructions_and_leading_developer_items_are_the_system_text():
    request = parse(
        instructions="Be brief.",
        input=[
            {"type": "message", "role": "developer", "content": "Use tools."},
            {"role": "user", "content": "go"},
            {"role": "system", "content": [{"type": "input_text", "text": "now in French"}]},
        ],
    )
    assert request.system == (Text("Be brief."), Text("Use tools."))
    assert request.messages[1:] == (Message("system", (Text("now in French"),)),)


def test_acts_of_one_side_become_one_turn():
    turns = messages(
        {"role": "user", "content": "compare"},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Sure."}],
        },
        {"type": "function_call", "call_id": "c1", "name": "read", "arguments": '{"p":1}'},
        {"type": "function_call", "call_id": "c2", "name": "ls", "arguments": ""},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "function_call_output", "call_id": "c2", "output": ""},
        {"role": "user", "content": "go on"},
    )
    assert turns[1:] == (
        Message(
            "assistant", (Text("Sure."), ToolUse("c1", "read", '{"p":1}'), ToolUse("c2", "ls", ""))
        ),
        Message("user", (ToolResult("c1", (Text("one"),)), ToolResult("c2", ()), Text("go on"))),
    )


def test_pictures_and_pdf_travel_as_data_even_in_outputs():
    picture = {"type": "input_image", "image_url": f"data:image/jpg;base64,{PNG}", "detail": "auto"}
    pdf = {
        "type": "input_file",
        "filename": "a.pdf",
        "file_data": "data:application/pdf;base64,JVBERi0x",
    }
    turns = messages(
        {"role": "user", "content": [picture, pdf]},
        {"type": "function_call_output", "call_id": "c", "output": [picture]},
    )
    assert turns[0].blocks == (
        Image("image/png", PNG),  # the bytes say so, whatever the client declared
        Document("application/pdf", "JVBERi0x", "a.pdf"),
        ToolResult("c", (Image("image/png", PNG),)),
    )


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_image", "image_url": "https://example.org/a.png"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_image", "image_url": "data:image/bmp;base64,Qk0="},
        {"type": "input_file", "file_url": "https://example.org/a.pdf"},
        {"type": "input_file", "file_id": "file-1"},
        {"type": "input_file", "file_data": "data:text/csv;base64,YSxi"},
        {"type": "input_audio", "input_audio": {}},
        {"type": "hologram"},
        "text",
    ],
)
def test_content_that_copilot_cannot_take_is_refused_by_its_place(part):
    with pytest.raises(InvalidRequest, match=r"input\[0\]\.content"):
        messages({"role": "user", "content": [part]})


@pytest.mark.parametrize(
    "item",
    [
        {"type": kind}
        for kind in (
            "item_reference",
            "compaction",
            "local_shell_call",
            "shell_call",
            "computer_call",
            "mcp_call",
            "image_generation_call",
            "file_search_call",
        )
    ]
    + [{"role": "wizard", "content": "x"}, {"text": "no type"}, "text", {"type": "function_call"}],
)
def test_items_that_only_openai_could_resolve_are_refused(item):
    with pytest.raises(InvalidRequest, match=r"input\[0\]"):
        parse(input=[item])


@pytest.mark.parametrize(
    "field",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"prompt": {"id": "pmpt_1"}},
        {"background": True},
        {"input": None},
        {"input": [1]},
        {"instructions": ["x"]},
        {"max_output_tokens": "12"},
        {"max_output_tokens": True},
        {"temperature": float("inf")},
        {"parallel_tool_calls": "no"},
        {"reasoning": {"effort": "huge"}},
        {"reasoning": "high"},
        {"text": {"format": {"type": "xml"}}},
        {"tools": {"type": "function"}},
        {"tools": [{"type": "function"}]},
        {"tools": ["read"]},
        {"tool_choice": 1},
        {"tool_choice": {"type": "file_search"}},
        {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}},
        {"model": ""},
    ],
)
def test_what_cannot_be_honoured_names_its_field(field):
    with pytest.raises(InvalidRequest) as refused:
        parse(**field)
    assert refused.value.fields["param"].startswith(next(iter(field)))


def test_chaining_is_refused_with_the_code_that_makes_clients_send_everything():
    with pytest.raises(InvalidRequest) as refused:
        parse(previous_response_id="resp_1")
    body = DIALECT.render_problem(refused.value)["error"]
    assert DIALECT.problem_status(refused.value) == 400
    assert (body["code"], body["param"]) == ("previous_response_not_found", "previous_response_id")
    assert "whole conversation" in body["message"]


def test_reasoning_returns_only_where_we_sealed_it():
    sealed = seal("gm1.", "claude-x", s="SIG")
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}
    assert messages({"role": "user", "content": "a"}, item | {"encrypted_content": sealed})[
        1
    ].blocks == (Thinking("hm", sealed),)
    assert "input.reasoning" in lost(
        input=[{"role": "user", "content": "a"}, item | {"encrypted_content": "gAAAA"}]
    )


# --------------------------------------------------------------------------------------- tools


def test_functions_are_flat():
    schema = {"type": "object", "properties": {"p": {"type": "string"}}}
    tool = {"type": "function", "name": "read", "description": "Read", "parameters": schema}
    assert parse(tools=[tool | {"strict": True}]).tools == (Tool("read", "Read", schema, True),)
    assert parse(tools=[{"type": "function", "name": "ls", "parameters": None}]).tools == (
        Tool("ls"),
    )


def test_codex_request_keeps_its_tools_and_loses_only_the_hosted_search():
    request = parse(
        client_metadata={"x": "y"},
        store=False,
        include=["reasoning.encrypted_content"],
        prompt_cache_key="k",
        tools=[
            {"type": "function", "name": "exec_command", "parameters": {"type": "object"}},
            {"type": "web_search", "external_web_access": False},
            {
                "type": "namespace",
                "name": "multi_agent_v1",
                "description": "Agents",
                "tools": [{"type": "function", "name": "spawn", "parameters": {}}],
            },
        ],
        input=[
            {
                "type": "additional_tools",
                "role": "developer",
                "tools": [
                    {"type": "function", "name": "exec_command", "description": "a later twin"},
                    {"type": "custom", "name": "apply_patch", "description": "Patch"},
                ],
            },
            {"role": "user", "content": "go"},
            {
                "type": "function_call",
                "call_id": "c1",
                "name": "spawn",
                "namespace": "multi_agent_v1",
                "arguments": "{}",
            },
            {
                "type": "custom_tool_call",
                "call_id": "c2",
                "name": "apply_patch",
                "input": 'a "b"\n',
            },
            {"type": "custom_tool_call_output", "call_id": "c2", "output": "Done"},
        ],
    )
    names = [(t.name, t.original, t.namespace, t.custom, t.description) for t in request.tools]
    assert names == [
        ("exec_command", "", "", False, ""),
        ("multi_agent_v1__spawn", "spawn", "multi_agent_v1", False, ""),
        ("apply_patch", "", "", True, "Patch"),
    ]
    assert {loss.what for loss in request.losses} == {"tools.web_search"}
    assert request.cache_key == "k"
    assert not any(loss.semantic for loss in request.losses)
    assert request.echo_reasoning
    spawn, patch = request.messages[1].blocks
    assert spawn == ToolUse("c1", "multi_agent_v1__spawn", "{}")
    assert json.loads(patch.arguments) == {"input": 'a "b"\n'}
    assert request.messages[2].blocks == (ToolResult("c2", (Text("Done"),)),)


def test_only_a_hosted_tool_is_refused_by_name():
    with pytest.raises(NotExpressible, match="web_search"):
        parse(tools=[{"type": "web_search"}])


def test_the_grammar_of_a_custom_tool_is_told_to_the_model():
    form = {"type": "grammar", "syntax": "lark", "definition": "start: PATCH"}
    (tool,) = parse(tools=[{"type": "custom", "name": "p", "format": form}]).tools
    assert tool.grammar == ("lark", "start: PATCH")
    assert "start: PATCH" in free_text_schema(tool)["properties"]["input"]["description"]


TWO = [{"type": "function", "name": "a"}, {"type": "custom", "name": "b"}]
GROUP = [{"type": "namespace", "name": "ns", "tools": [{"type": "function", "name": "f"}]}]


@pytest.mark.parametrize(
    ("tools", "choice", "expected"),
    [
        (TWO, "auto", ToolChoice("auto")),
        (TWO, "none", ToolChoice("none")),
        (TWO, "required", ToolChoice("required")),
        (TWO, {"type": "function", "name": "a"}, ToolChoice("tool", "a")),
        (TWO, {"type": "custom", "name": "b"}, ToolChoice("tool", "b")),
        (GROUP, {"type": "function", "name": "f", "namespace": "ns"}, ToolChoice("tool", "ns__f")),
        (GROUP, {"type": "function", "name": "f"}, ToolChoice("tool", "ns__f")),
        (TWO, None, None),
    ],
)
def test_tool_choice(tools, choice, expected):
    assert parse(tools=tools, tool_choice=choice).tool_choice == expected


def test_allowed_tools_leave_only_those():
    entries = [{"type": "function", "name": "a"}, {"type": "web_search"}]
    choice = {"type": "allowed_tools", "mode": "required", "tools": entries}
    request = parse(tools=TWO, tool_choice=choice)
    assert ([tool.name for tool in request.tools], request.tool_choice) == (
        ["a"],
        ToolChoice("required"),
    )


# -------------------------------------------------------------------------------------- fields


def test_parameters_are_taken_over():
    request = parse(
        max_output_tokens=1,
        temperature=0.5,
        top_p=0.9,
        parallel_tool_calls=False,
        stream=True,
        user="u",
        reasoning={"effort": "high", "summary": "auto"},
    )
    assert (request.max_tokens, request.temperature, request.top_p) == (1, 0.5, 0.9)
    assert (request.parallel_tools, request.stream, request.user) == (False, True, "u")
    assert request.effort is Effort.HIGH


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, ResponseFormat()),
        (
            {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True},
            ResponseFormat({"type": "object"}, "n", True),
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {"a": 1}}},
            ResponseFormat({"a": 1}, "n"),
        ),
    ],
)
def test_text_format(form, expected):
    assert parse(text={"format": form}).response_format == expected


def test_advice_that_is_left_out_is_noted():
    noted = lost(
        store=True,
        truncation="auto",
        service_tier="flex",
        metadata={"a": "b"},
        include=["message.output_text.logprobs"],
        max_tool_calls=3,
        brand_new_field=1,
    )
    assert noted == {
        "store", "truncation", "service_tier", "metadata",
        "include.message.output_text.logprobs", "max_tool_calls", "brand_new_field",
    }  # fmt: skip
    assert lost(store=False, truncation="disabled", service_tier=None) == set()


@pytest.mark.parametrize(
    ("kept", "told"),
    [({"p": "ö"}, '{"p":"ö"}'), ([], "{}"), (None, "{}"), (3, "{}"), ("[", "[")],
)
def test_arguments_are_told_as_text_whatever_a_program_has_kept(kept, told):
    (turn,) = parse(input=[{**CALL, "arguments": kept}]).messages
    assert turn.blocks == (ToolUse("c", "f", told),)


# ---------------------------------------------------------------------------------------- peek

USER = {"role": "user", "content": "a"}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "x"}
# What Codex adds by itself: a subagent of its has finished, and the goal that it works for.
NOTICE = '<subagent_notification>\n{"status":{"completed":"x"}}\n</subagent_notification>'
FINISHED = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": NOTICE}],
}
SUMMARY = {
    "role": "user",
    "content": "Another language model started to solve this problem and produced a summary of its "
    "thinking process. You also have access to the state of the tools.",
}
GOAL = '<codex_internal_context source="goal">\nGo on.\n</codex_internal_context>'


def told(text: str) -> dict[str, str]:
    return {"type": "input_text", "text": text}


@pytest.mark.parametrize(
    ("items", "initiator"),
    [
        ("hi", "user"),
        ([USER], "user"),
        ([USER, {"type": "message", **USER}], "user"),
        ([USER, CALL, OUTPUT, USER], "user"),
        ([USER, {"role": "developer", "content": "x"}], "user"),
        ([USER, {"type": "additional_tools", "role": "developer", "tools": []}], "user"),
        ([USER, CALL, OUTPUT], "agent"),
        ([USER, CALL, OUTPUT, {"role": "system", "content": "x"}], "agent"),
        ([USER, {"type": "custom_tool_call_output", "call_id": "c", "output": "x"}], "agent"),
        ([USER, {"role": "assistant", "content": "x"}], "agent"),
        ([USER, {"type": "compaction_trigger"}], "agent"),
        ([USER, CALL, OUTPUT, FINISHED], "agent"),
        ([USER, CALL, OUTPUT, {"role": "user", "content": GOAL}], "agent"),
        ([USER, {"role": "assistant", "content": "x"}, FINISHED], "agent"),
        ([USER, SUMMARY], "agent"),
        ([USER, SUMMARY, USER], "user"),
        ([USER, {"role": "user", "content": [*map(told, (SUMMARY["content"], "hi"))]}], "user"),
        ([USER, FINISHED], "user"),
        ([USER, CALL, OUTPUT, FINISHED, USER], "user"),
        ([USER, CALL, OUTPUT, {"role": "user", "content": f"What is {GOAL}?"}], "user"),
    ],
)
def test_only_a_human_turn_counts_as_one(items, initiator):
    assert DIALECT.peek({"model": "m", "input": items}).initiator == initiator


@pytest.mark.parametrize(
    ("trigger", "initiator"), [("auto", "agent"), ("manual", "user"), (None, "user")]
)
def test_a_conversation_that_codex_shortens_by_itself_is_the_agents(trigger, initiator):
    told = {"request_kind": "compaction" if trigger else "turn", "sandbox": "none"}
    if trigger:
        told["compaction"] = {"trigger": trigger, "reason": "context_limit", "phase": "mid_turn"}
    metadata = {"x-codex-turn-metadata": json.dumps(told, separators=(",", ":"))}
    body = {"model": "m", "input": [USER, CALL, OUTPUT, USER], "client_metadata": metadata}
    assert DIALECT.peek(body).initiator == initiator
    for strange in (None, "x", {"x-codex-turn-metadata": 3}):
        assert DIALECT.peek({**body, "client_metadata": strange}).initiator == "user"


def test_peek_sees_stream_and_pictures_anywhere_and_needs_only_a_model():
    picture = {"type": "input_image", "image_url": "data:image/png;base64,x"}
    shown = DIALECT.peek({"model": "m", "stream": True, "input": [OUTPUT | {"output": [picture]}]})
    assert (shown.model, shown.stream, shown.has_image) == ("m", True, True)
    odd = DIALECT.peek({"model": "m", "input": [1, {"content": 3}, USER], "stream": "yes"})
    assert (odd.stream, odd.has_image) == (False, False)
    with pytest.raises(InvalidRequest):
        DIALECT.peek({"input": "hi"})


def test_many_fields_that_nobody_knows_hold_nobody_up():
    names = {f"of_{n}" for n in range(20_000)}
    begun = time.perf_counter()
    assert lost(**dict.fromkeys(names, True)) >= names
    assert time.perf_counter() - begun < 3
