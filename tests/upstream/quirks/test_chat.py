"""Chat Completions requests on their way to Copilot without translation."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from copilot_desktop.canonical import Effort
from copilot_desktop.errors import InvalidRequest, NotExpressible
from copilot_desktop.model import Model
from copilot_desktop.sealing import seal
from copilot_desktop.upstream.quirks import Fixed
from copilot_desktop.upstream.quirks.chat import ChatQuirks
from copilot_desktop.upstream.quirks.chat_history import (
    is_plain,
    pictures_apart,
    repaired,
    with_parts,
)
from copilot_desktop.upstream.quirks.chat_marks import settled_marks
from tests.dialects.openai_chat.test_laws import odd_bodies

GPT = Model("gpt-x", vendor="OpenAI", vision=True, max_output=1000)
THINKER = replace(GPT, efforts=(Effort.LOW, Effort.MEDIUM))
CLAUDE = Model("claude-x", vendor="Anthropic", vision=True)
PIXEL = "data:image/png;base64,iVBORw0KGgo="
USER = {"role": "user", "content": "hi"}


def fix(model: Model = GPT, *messages: Any, **fields: Any) -> Fixed:
    body = {"model": model.id, "messages": list(messages) or [USER], **fields}
    before = copy.deepcopy(body)
    fixed = ChatQuirks().fix_request(body, model, ())
    assert body == before, "the client's body was changed"
    return fixed


def sent(model: Model = GPT, *messages: Any, **fields: Any) -> dict[str, Any]:
    body = fix(model, *messages, **fields).body
    assert body is not None
    return body


def called(*ids: str, name: str = "f") -> dict[str, Any]:
    function = {"name": name, "arguments": "{}"}
    functions = [{"id": i, "type": "function", "function": function} for i in ids]
    return {"role": "assistant", "content": None, "tool_calls": functions}


def result(call_id: str, content: Any = "r") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def function(name: str = "f", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


def picture(url: str = PIXEL) -> dict[str, Any]:
    part = {"type": "image_url", "image_url": {"url": url}}
    return {"role": "user", "content": [part, {"type": "text", "text": "see"}]}


BLANK = {"type": "text", "text": "\n"}


def broken(call_id: str, arguments: Any = '{"a":') -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    return {**called(), "tool_calls": [{"id": call_id, "type": "function", "function": function}]}


def shown(call_id: str) -> dict[str, Any]:
    return result(call_id, [{"type": "text", "text": "shot"}, picture()["content"][0]])


# ------------------------------------------------------------------------------------ at a glance

LOOP = [
    {"role": "system", "content": "You are"},
    {"role": "user", "content": [{"type": "text", "text": "do"}]},
    called("a", "b", name="mcp__browser__" + "x" * 30),
    result("b"),
    result("a", [{"type": "text", "text": "r"}]),
    called("c"),
    result("c", ""),
    {"role": "assistant", "content": "done", "refusal": None},
]
MARKED = {"cache_control": {"type": "ephemeral"}}
PIECES: list[Any] = [
    *LOOP, called("c d"), called("c|d", "e"), called("a", "a"), called("a", name="x.y"), called(),
    called(""), {"role": "assistant", "content": ""}, {"role": "assistant", "content": []},
    {"role": "developer", "content": "x"}, {"role": "assistant", "content": "x", "tool_calls": []},
    {"role": "assistant", "content": [{"type": "text", "text": "x"}]}, {**USER, **MARKED},
    {"role": "user", "content": [{"type": "text", "text": "x", **MARKED}]}, picture(), USER, 5, {},
    {"role": "assistant", "content": "x", "reasoning_opaque": seal("gm1.", "claude", s="S")},
    {"role": "tool", "tool_call_id": [], "content": "x"}, {**called("a"), "function_call": {}},
    {"role": "assistant", "tool_calls": [{"id": "a"}]}, {"role": "user", "tool_calls": []},
    {"role": "user", "content": ""}, {"role": "user", "content": [BLANK, picture()["content"][0]]},
    result("a", [BLANK]), {"role": "system", "content": [BLANK]}, shown("a"), broken("a"),
    result("a", None), {"role": "assistant", "content": None, "refusal": "no"},
]  # fmt: skip
ODD_LOOPS = [
    [called("a", "a"), result("a")], [called("c d"), result("c d")], [called("", "a"), result("a")],
    [called("x" * 41), result("x" * 41)], [called("a", name="x" * 65), result("a")],
    [called("a", name="x.y"), result("a")], [called("a"), {**result("a"), "tool_calls": []}],
    [called("a"), result("a", [{"type": "text", "text": "x", **MARKED}])],
    [broken("a"), result("a")], [broken("a", {}), result("a")], [broken("a", ""), result("a")],
    [called("a"), shown("a")], [called("a"), result("a", [BLANK])],
]  # fmt: skip


def histories() -> Iterator[list[Any]]:
    """Each odd piece in each place of a plain history, and instead of what is there."""
    yield from ODD_LOOPS
    for place in range(len(LOOP) + 1):
        for piece in PIECES:
            for end in (place, place + 1):
                yield [*LOOP[:place], piece, *LOOP[end:]]
                yield [*LOOP[:place], piece]


@pytest.mark.parametrize("model", [GPT, CLAUDE, replace(GPT, vendor="Google")])
def test_what_is_plain_at_a_glance_needs_no_repair(model: Model) -> None:
    vendor = {"is_openai": model.is_openai, "is_claude": model.is_claude}
    count = 0
    for messages in histories():
        if not is_plain(messages, **vendor):
            continue
        count += 1
        kinds: list[str] = []
        assert repaired(messages, **vendor) is None
        assert settled_marks({"messages": messages}, is_claude=model.is_claude) == {}
        with_parts(messages, lambda part, _, kinds=kinds: kinds.append(part["type"]) or part)
        assert set(kinds) <= {"text"}
        assert not any("reasoning_opaque" in message for message in messages)
    assert count > 20


def test_an_agents_loop_is_plain_at_a_glance() -> None:
    for is_claude in (False, True):
        assert is_plain(LOOP, is_openai=False, is_claude=is_claude)


# ------------------------------------------------------------------------------------ untouched


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"temperature": 0.2, "max_tokens": 5, "seed": 1, "n": 2, "logprobs": True},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"tools": [function(parameters={"type": "object", "properties": {}})]},
        {"some_new_thing": 1},
    ],
)
def test_a_request_that_copilot_takes_goes_out_as_it_came(fields: Any) -> None:
    assert fix(GPT, USER, **fields) == Fixed()


def test_a_tool_round_in_good_order_goes_out_as_it_came() -> None:
    assert fix(GPT, USER, called("a", "b"), result("a"), result("b"), USER).body is None


# ------------------------------------------------------------------------------------ fields


def test_the_model_gets_its_real_name() -> None:
    body = {"model": "gpt-4", "messages": [USER]}
    fixed = ChatQuirks().fix_request(body, GPT, ())
    assert fixed.body is not None
    assert fixed.body["model"] == "gpt-x"


def test_fields_that_copilot_refuses_are_taken_out_and_named() -> None:
    fixed = fix(GPT, USER, store=True, metadata={"a": "b"}, service_tier="auto")
    assert fixed.body == {"model": "gpt-x", "messages": [USER]}
    assert set(fixed.notes) == {"dropped=store", "dropped=metadata", "dropped=service_tier"}


@pytest.mark.parametrize(
    ("key", "given_fields", "expected"),
    [
        ("max_completion_tokens", {"max_tokens": 5}, {"max_completion_tokens": 5}),
        ("max_tokens", {"max_completion_tokens": 5, "max_tokens": 9}, {"max_tokens": 5}),
        ("max_tokens", {"max_tokens": 99_999}, {"max_tokens": 1000}),
    ],
)
def test_the_limit(key: Any, given_fields: Any, expected: dict[str, int]) -> None:
    body = sent(replace(GPT, max_tokens_key=key), USER, **given_fields)
    assert {name: body[name] for name in body if name.startswith("max_")} == expected


def test_the_effort_is_one_the_model_has() -> None:
    fixed = fix(THINKER, USER, reasoning_effort="high")
    assert fixed.body is not None
    assert fixed.body["reasoning_effort"] == "medium"
    assert fixed.notes == ("mapped=reasoning_effort.high>medium",)
    assert "reasoning_effort" not in sent(GPT, USER, reasoning_effort="high")


def test_reasoning_models_take_no_sampling_but_its_defaults() -> None:
    body = sent(THINKER, USER, temperature=0.2, presence_penalty=1)
    assert not {"temperature", "presence_penalty"} & set(body)
    assert fix(THINKER, USER, temperature=1).body is None
    assert fix(GPT, USER, temperature=0.2).body is None


def test_claude_takes_one_kind_of_sampling() -> None:
    body = sent(CLAUDE, USER, temperature=0.2, top_p=0.5)
    assert (body["temperature"], "top_p" in body) == (0.2, False)


def test_usage_is_asked_for_in_streams() -> None:
    assert sent(GPT, USER, stream=True)["stream_options"] == {"include_usage": True}


def test_json_object_is_said_in_words_to_claude() -> None:
    fixed = fix(CLAUDE, USER, response_format={"type": "json_object"})
    assert fixed.body is not None
    assert "response_format" not in fixed.body
    assert "JSON" in fixed.body["messages"][0]["content"]
    assert fix(GPT, USER, response_format={"type": "json_object"}).body is None


def test_claude_takes_half_of_openais_temperatures() -> None:
    fixed = fix(CLAUDE, temperature=1.3)
    assert (fixed.body or {})["temperature"] == 1
    assert fixed.notes == ("mapped=temperature>1",)
    assert fix(CLAUDE, temperature=1).body is None
    assert fix(GPT, temperature=1.3).body is None


# ------------------------------------------------------------------------------------ tools


def test_schemas_and_names_become_legal() -> None:
    name = "mcp/" + "x" * 80
    body = sent(
        GPT,
        USER,
        called("a", name=name),
        result("a"),
        tools=[function(name, parameters={"type": "object"}), function("g")],
        tool_choice={"type": "function", "function": {"name": name}},
    )
    first, second = (tool["function"] for tool in body["tools"])
    assert first["parameters"] == {"type": "object", "properties": {}}
    assert second["parameters"] == {"type": "object", "properties": {}}
    assert len(first["name"]) <= 64
    assert first["name"] == body["tool_choice"]["function"]["name"]
    assert first["name"] == body["messages"][1]["tool_calls"][0]["function"]["name"]


def test_a_choice_without_tools_is_taken_out() -> None:
    body = sent(GPT, USER, tools=[], tool_choice="auto", parallel_tool_calls=True)
    assert body == {"model": "gpt-x", "messages": [USER]}


def test_claude_gets_the_tools_of_its_history_declared() -> None:
    body = sent(CLAUDE, USER, called("a"), result("a"))
    assert [tool["function"]["name"] for tool in body["tools"]] == ["f"]
    assert body["tool_choice"] == "none"
    assert fix(GPT, USER, called("a"), result("a")).body is None


def test_twins_among_tools_are_told_once() -> None:
    tools = [function("f", description="one"), function("g"), function("f", description="two")]
    fixed = fix(tools=tools)
    assert [t["function"].get("description") for t in (fixed.body or {})["tools"]] == ["one", None]
    assert fixed.notes == fixed.marked == ("dropped=tools.f (declared twice)",)


# ------------------------------------------------------------------------------------ history


def test_developer_is_system_for_other_vendors() -> None:
    developer = {"role": "developer", "content": "d"}
    assert sent(CLAUDE, developer, USER)["messages"][0]["role"] == "system"
    assert fix(GPT, developer, USER).body is None


def test_empty_assistant_turns_and_empty_call_lists_go() -> None:
    empty = {"role": "assistant", "content": None, "tool_calls": []}
    said = {"role": "assistant", "content": "ok", "tool_calls": []}
    messages = sent(GPT, USER, empty, USER, said, USER)["messages"]
    assert messages == [USER, USER, {"role": "assistant", "content": "ok"}, USER]


def test_claude_gets_its_own_words_as_one_string() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    turn = {"role": "assistant", "content": parts}
    assert sent(CLAUDE, USER, turn, USER)["messages"][1]["content"] == "ab"
    assert fix(GPT, USER, turn, USER).body is None


def test_ids_become_legal_and_still_meet() -> None:
    for odd in ("call_1|fc_2", "ünïcode", "x" * 70):
        messages = sent(GPT, USER, called(odd), result(odd))["messages"]
        call_id = messages[1]["tool_calls"][0]["id"]
        assert call_id == messages[2]["tool_call_id"]
        assert len(call_id) <= 40
        assert call_id.isascii()
    assert sent(GPT, USER, called("call_1|fc_2"), result("call_1|fc_2"))["messages"][2] == result(
        "call_1"
    )


def test_a_call_without_a_result_gets_one_that_says_so() -> None:
    messages = sent(GPT, USER, called("a", "b"), result("b"), USER)["messages"]
    assert [message["role"] for message in messages] == [
        "user", "assistant", "tool", "tool", "user"
    ]  # fmt: skip
    assert messages[2]["tool_call_id"] == "a"
    assert "No result was recorded" in messages[2]["content"]


def test_a_result_without_a_call_becomes_words() -> None:
    messages = sent(GPT, USER, result("gone", "text"), result("empty", ""))["messages"]
    words = "[Result of an earlier tool call gone]\ntext"
    assert messages == [USER, {"role": "user", "content": words}]


def test_the_last_of_two_results_counts() -> None:
    messages = sent(GPT, USER, called("a"), result("a", "old"), result("a", "new"))["messages"]
    assert messages[2:] == [result("a", "new")]


def test_two_calls_under_one_id_keep_their_results() -> None:
    messages = sent(GPT, USER, called("a", "a"), result("a", "1"), result("a", "2"))["messages"]
    assert [call["id"] for call in messages[1]["tool_calls"]] == ["a", "a_2"]
    assert messages[2:] == [result("a", "1"), result("a_2", "2")]


def test_a_stray_seal_of_ours_is_taken_out_and_copilots_own_stays() -> None:
    own = {"role": "assistant", "content": "4", "reasoning_opaque": "Ey+u=="}
    assert fix(GPT, USER, own, USER).body is None
    stray = own | {"reasoning_opaque": seal("gm1.", "claude", s="S")}
    assert "reasoning_opaque" not in sent(GPT, USER, stray, USER)["messages"][1]


def test_a_picture_without_a_word_beside_it_goes_alone() -> None:
    part = picture()["content"][0]
    for model in (GPT, CLAUDE):
        assert sent(model, {"role": "user", "content": [BLANK, part]})["messages"] == [
            {"role": "user", "content": [part]}
        ]


def test_what_says_nothing_is_left_out() -> None:
    nothing = [{"role": role, "content": [BLANK]} for role in ("system", "user", "assistant")]
    assert sent(GPT, *nothing, USER)["messages"] == [USER]
    assert sent(GPT, called("a"), result("a", [BLANK]), USER)["messages"] == [
        called("a"),
        result("a", "(no output)"),
        USER,
    ]
    spoke = {**called("a"), "content": [BLANK]}
    assert sent(GPT, spoke, result("a"), USER)["messages"][0] == called("a")


def test_nobody_takes_a_list_of_no_parts() -> None:
    spoke = {**called("a"), "content": []}
    told = sent(GPT, USER, {"role": "user", "content": []}, spoke, result("a", []), USER)
    assert told["messages"] == [USER, called("a"), result("a", "(no output)"), USER]


def test_claude_takes_no_empty_text() -> None:
    empty = [{"role": "system", "content": ""}, {"role": "user", "content": " "}]
    blank = {"role": "assistant", "content": "\n\n"}
    assert sent(CLAUDE, *empty, blank, USER)["messages"] == [USER]
    assert fix(GPT, *empty, blank, USER).body is None
    acted = {**called("a"), "content": " "}
    assert sent(CLAUDE, USER, acted, result("a"))["messages"] == [USER, called("a"), result("a")]


@pytest.mark.parametrize("arguments", ["", '{"a":', "[1]", 'say "x"', None])
def test_broken_arguments_of_the_past_do_not_end_a_conversation_with_claude(arguments) -> None:
    history = [broken("a", arguments), result("a", "not valid JSON"), USER]
    call = sent(CLAUDE, *history)["messages"][0]["tool_calls"][0]
    assert call["function"] == {"name": "f", "arguments": "{}"}
    if isinstance(arguments, str):
        assert fix(GPT, *history).body is None, "OpenAI takes any text"
    assert sent(CLAUDE, broken("a", {"b": 1}), result("a"), USER)["messages"][0] == broken(
        "a", '{"b":1}'
    )


def test_line_ends_that_a_model_wrote_as_they_are_do_not_cost_claude_what_it_said() -> None:
    history = [broken("a", '{"a": "x\ny"}'), result("a", "done"), USER]
    assert sent(CLAUDE, *history)["messages"][0] == broken("a", '{"a": "x\\ny"}')
    odd = broken("a", '{"a": NaN, "b": 1e999}')
    told = sent(CLAUDE, odd, result("a", "done"), USER)["messages"]
    assert told[0] == broken("a", '{"a":null,"b":null}'), "it is no number to anybody else"
    spaced = broken("a", '{\n"a": 1\n}')
    assert sent(CLAUDE, spaced, result("a", "done"), USER)["messages"][0] == spaced


@pytest.mark.parametrize(("kept", "text"), [({"b": [1]}, '{"b":[1]}'), (None, "{}"), ([], "{}")])
def test_arguments_are_text_and_results_say_something(kept: Any, text: str) -> None:
    assert sent(GPT, broken("a", kept), result("a", "x"))["messages"][0] == broken("a", text)
    history = [broken("a", kept), result("a", None), USER]
    assert sent(GPT, *history)["messages"] == [
        broken("a", text),
        result("a", "(no output)"),
        USER,
    ]


def test_an_id_that_comes_again_in_a_later_turn_is_another_one() -> None:
    rounds = [called("a"), result("a", "one"), called("a"), result("a", "two")]
    assert sent(CLAUDE, *rounds, USER, tools=[function()])["messages"] == [
        *rounds[:2],
        called("a_2"),
        result("a_2", "two"),
        USER,
    ]


@pytest.mark.parametrize("role", ["system", "user"])
def test_what_is_said_among_results_comes_behind_them(role: str) -> None:
    aside = {"role": role, "content": "hurry"}
    history = [called("a", "b"), result("a", "one"), aside, result("b", "two")]
    assert sent(GPT, *history)["messages"] == [called("a", "b"), history[1], history[3], aside]


def test_the_words_of_a_result_without_a_call_are_kept() -> None:
    told = sent(GPT, USER, shown("z"), USER)["messages"]
    assert told[1] == {"role": "user", "content": "[Result of an earlier tool call z]\nshot"}


def test_a_refusal_stays_in_the_history() -> None:
    declined = {"role": "assistant", "content": None, "refusal": "No.", "tool_calls": []}
    told = sent(CLAUDE, USER, declined, USER)["messages"][1]
    assert told == {"role": "assistant", "content": "No.", "refusal": "No."}


def test_a_picture_given_by_its_bare_address_is_put_in_form() -> None:
    bare = {"role": "user", "content": [{"type": "image_url", "image_url": PIXEL}]}
    url = {"type": "image_url", "image_url": {"url": PIXEL}}
    assert sent(GPT, bare)["messages"] == [{"role": "user", "content": [url]}]


def test_pictures_of_tools_follow_in_a_turn_of_the_user() -> None:
    part, see = picture()["content"][0], {"type": "text", "text": "(see attached image)"}
    about = [{"type": "text", "text": f"Image(s) returned by tool call {i}:"} for i in "ab"]
    told = [result(i, [{"type": "text", "text": "shot"}, see]) for i in "ab"]
    seen = [about[0], part, about[1], part]
    calls = [called("a", "b"), shown("a"), shown("b")]
    for end, last in (
        ([], [{"role": "user", "content": seen}]),
        ([USER], [{"role": "user", "content": [*seen, {"type": "text", "text": "hi"}]}]),
        ([called("c"), result("c")], [{"role": "user", "content": seen}, called("c"), result("c")]),
    ):
        body = sent(CLAUDE, *calls, *end, tools=[function()])
        assert body["messages"] == [called("a", "b"), *told, *last]


def test_many_pictures_of_a_tool_are_looked_through_once() -> None:
    """Each compared with all the others, these would take minutes, and the app with them."""
    part = picture()["content"][0]
    parts = [{**part, "image_url": {"url": str(number)}} for number in range(80_000)]
    apart = pictures_apart([called("a"), result("a", parts)])
    assert apart is not None
    assert apart[-1]["content"][1:] == parts


def test_pictures_of_tools_become_words_for_a_blind_model() -> None:
    blind = replace(GPT, vision=False)
    words = {"type": "text", "text": "[image omitted: gpt-x cannot read images]"}
    assert sent(blind, called("a"), shown("a"), USER)["messages"] == [
        called("a"),
        result("a", [{"type": "text", "text": "shot"}, words]),
        USER,
    ]


# ------------------------------------------------------------------------------------ pictures


def test_a_picture_goes_out_as_it_came() -> None:
    assert fix(GPT, picture()).body is None


def test_the_media_type_is_the_real_one() -> None:
    for declared in ("image/jpg", "image/png"):
        body = sent(GPT, picture(f"data:{declared};base64,/9j/AAAA"))
        url = body["messages"][0]["content"][0]["image_url"]["url"]
        assert url == "data:image/jpeg;base64,/9j/AAAA"


def test_a_blind_model_is_told_of_old_pictures_and_refuses_new_ones() -> None:
    blind = replace(GPT, vision=False)
    old = sent(blind, picture(), {"role": "assistant", "content": "a"}, USER)["messages"][0]
    assert old["content"][0] == {
        "type": "text", "text": "[image omitted: gpt-x cannot read images]"
    }  # fmt: skip
    with pytest.raises(InvalidRequest, match="cannot read images"):
        fix(blind, USER, {"role": "assistant", "content": "a"}, picture())


def test_the_newest_pictures_stay_within_the_limit() -> None:
    body = sent(replace(GPT, max_images=1), picture(), picture())
    kinds = [message["content"][0]["type"] for message in body["messages"]]
    assert kinds == ["text", "image_url"]


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    "message",
    [
        picture("https://example.com/a.png"),
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]},
    ],
)
def test_content_that_copilot_cannot_take_is_refused(message: Any) -> None:
    with pytest.raises(NotExpressible):
        fix(GPT, message)


def test_what_claude_would_ignore_in_silence_is_refused() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}
    with pytest.raises(NotExpressible, match="JSON schema"):
        fix(CLAUDE, USER, response_format=wanted)


def test_too_many_tools_and_no_room_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="128"):
        fix(GPT, USER, tools=[function(f"f{n}") for n in range(129)])
    with pytest.raises(InvalidRequest):
        fix(GPT, USER, max_tokens=0)


@given(odd_bodies)
def test_no_request_breaks_the_quirks(body: dict[str, Any]) -> None:
    quirks = ChatQuirks()
    try:
        fixed = quirks.fix_request(body, CLAUDE, ())
    except InvalidRequest:
        return
    json.dumps(fixed.body)
    quirks.stream(body, "m")
