"""A conversation that a client may send becomes one that Copilot takes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from copilot_desktop.canonical import (
    Effort,
    Image,
    Message,
    Request,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.model import CHAT, MESSAGES, Model
from copilot_desktop.preparation import prepared

GPT = Model("gpt-x", vendor="OpenAI", vision=True)
PICTURE = Image("image/png", "iVBO")


def request(*messages: Message, **fields) -> Request:
    return Request("gpt-x", messages, **fields)


def user(*blocks) -> Message:
    return Message("user", tuple(Text(b) if isinstance(b, str) else b for b in blocks))


def assistant(*blocks) -> Message:
    return Message("assistant", tuple(Text(b) if isinstance(b, str) else b for b in blocks))


def test_neighbours_of_one_role_become_one_turn_and_empty_text_goes():
    ready = prepared(request(user("a", " "), user("b"), assistant(""), user("c")), GPT, CHAT)
    assert ready.messages == (user("a", "b", "c"),)


def test_a_conversation_without_a_user_turn_is_refused():
    with pytest.raises(InvalidRequest, match="at least one non-empty message"):
        prepared(request(Message("system", (Text("be brief"),))), GPT, CHAT)


def test_a_lone_blank_prompt_is_kept_since_it_is_what_the_user_sent():
    assert prepared(request(user(" ")), GPT, CHAT).messages == (user(" "),)


@pytest.mark.parametrize(("endpoint", "limit"), [(CHAT, 40), (MESSAGES, 64)])
def test_odd_ids_become_legal_and_call_and_result_still_meet(endpoint, limit):
    odd = "toolu|" + "ü" * 70
    history = request(
        user("go"), assistant(ToolUse(odd, "f", "{}")), user(ToolResult(odd, (Text("ok"),)))
    )
    messages = prepared(history, GPT, endpoint).messages
    call, result = messages[1].blocks[0], messages[2].blocks[0]
    assert call.id == result.tool_use_id
    assert re.fullmatch(rf"[A-Za-z0-9_-]{{1,{limit}}}", call.id)


@pytest.mark.parametrize("apart", [True, False])
def test_calls_of_one_id_are_told_apart_with_their_results(apart):
    """Some models count their calls anew in each turn."""
    calls = [ToolUse("ls:0", "ls", "{}"), ToolUse("ls:0", "ls", "{}")]
    results = [ToolResult("ls:0", (Text(words),)) for words in ("one", "two")]
    pairs = (
        [([c], [r]) for c, r in zip(calls, results, strict=True)] if apart else [(calls, results)]
    )
    history = [user("go")]
    for made, answers in pairs:
        history += [assistant(*made), user(*answers)]
    ready = prepared(request(*history), GPT, MESSAGES).messages
    blocks = [block for message in ready for block in message.blocks]
    told = {b.tool_use_id: b.content[0].text for b in blocks if isinstance(b, ToolResult)}
    first, second = (block.id for block in blocks if isinstance(block, ToolUse))
    assert told == {first: "one", second: "two"}
    assert second == f"{first}_2"


def test_arguments_with_line_ends_as_they_are_become_json():
    """A client keeps what a model has written, and sends it with each request of the session."""
    spaced = '{\n  "path": "a.py"\n}'
    calls = (ToolUse("a", "f", '{"t": "1\n\t2"}'), ToolUse("b", "f", spaced))
    results = (ToolResult("a", (Text("x"),)), ToolResult("b", (Text("y"),)))
    given = request(user("go"), assistant(*calls), user(*results))
    calls = prepared(given, GPT, CHAT).messages[1].blocks
    assert [call.arguments for call in calls] == ['{"t": "1\\n\\t2"}', spaced]


def test_long_tool_names_are_shortened_everywhere_and_remember_the_original():
    long = "mcp__" + "server" * 12 + "__tool"
    ready = prepared(
        request(
            user("go"),
            assistant(ToolUse("c1", long, "{}")),
            user(ToolResult("c1", ())),
            tools=(Tool(long),),
            tool_choice=ToolChoice("tool", long),
        ),
        GPT,
        CHAT,
    )
    tool = ready.tools[0]
    assert len(tool.name) <= 64
    assert tool.original == long
    assert ready.messages[1].blocks[0].name == tool.name
    assert ready.tool_choice == ToolChoice("tool", tool.name)


def test_names_that_only_differ_in_odd_characters_stay_apart():
    names = [tool.name for tool in prepared(
        request(user("go"), tools=(Tool("a.b"), Tool("a/b"))), GPT, CHAT).tools]  # fmt: skip
    assert len(set(names)) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)


def test_a_tool_declared_twice_counts_once_and_is_noted():
    ready = prepared(request(user("go"), tools=(Tool("f", "one"), Tool("f", "two"))), GPT, CHAT)
    assert [tool.description for tool in ready.tools] == ["one"]
    assert "declared twice" in ready.losses[0].what


def test_more_tools_than_copilot_takes_are_refused_with_the_limit():
    with pytest.raises(InvalidRequest, match="129 tools were sent, the limit is 128"):
        prepared(request(user("go"), tools=tuple(Tool(f"t{n}") for n in range(129))), GPT, CHAT)


def test_schemas_become_objects_with_properties():
    union = {"$schema": "x", "anyOf": [
        {"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]},
    ]}  # fmt: skip
    ready = prepared(request(user("go"), tools=(Tool("f"), Tool("g", schema=union))), GPT, CHAT)
    assert ready.tools[0].schema == {"type": "object", "properties": {}}
    assert ready.tools[1].schema == {"type": "object", "properties": {"a": {}, "b": {}}}


def test_a_model_without_eyes_refuses_a_new_picture_and_forgets_old_ones():
    blind = Model("gpt-b", vision=False)
    with pytest.raises(InvalidRequest, match="gpt-b cannot read images"):
        prepared(request(user("look", PICTURE)), blind, CHAT)
    ready = prepared(request(user("look", PICTURE), assistant("hm"), user("and?")), blind, CHAT)
    assert ready.messages[0].blocks[1] == Text("[image omitted: gpt-b cannot read images]")


def test_pictures_in_tool_results_do_not_break_a_session_with_a_blind_model():
    blind = Model("gpt-b", vision=False)
    history = request(
        user("go"), assistant(ToolUse("c", "shot", "{}")), user(ToolResult("c", (PICTURE,)))
    )
    result = prepared(history, blind, CHAT).messages[2].blocks[0]
    assert result.content == (Text("[image omitted: gpt-b cannot read images]"),)


def test_of_too_many_pictures_the_newest_stay():
    one = Model("gpt-1", vision=True, max_images=1)
    ready = prepared(request(user("a", PICTURE), assistant("b"), user("c", PICTURE)), one, CHAT)
    assert [PICTURE in message.blocks for message in ready.messages] == [False, False, True]


def test_sampling_is_dropped_beside_reasoning_and_noted():
    model = replace(GPT, efforts=(Effort.HIGH,))
    asked = request(user("go"), temperature=0.3, top_p=0.9, effort=Effort.HIGH)
    ready = prepared(asked, model, CHAT)
    assert (ready.temperature, ready.top_p) == (None, None)
    assert {loss.what for loss in ready.losses} == {"temperature", "top_p"}


def test_claude_gets_one_sampling_parameter_within_its_range():
    claude = Model("claude-x", vendor="Anthropic")
    ready = prepared(request(user("go"), temperature=1.7, top_p=0.9), claude, MESSAGES)
    assert (ready.temperature, ready.top_p) == (1.0, None)


def test_the_output_limit_is_clamped_to_what_the_model_can_write():
    small = Model("gpt-s", max_output=100)
    assert prepared(request(user("go"), max_tokens=900), small, CHAT).max_tokens == 100
    assert prepared(request(user("go"), max_tokens=1), small, CHAT).max_tokens == 1
    with pytest.raises(InvalidRequest, match="max_tokens"):
        prepared(request(user("go"), max_tokens=0), small, CHAT)


def test_what_is_legal_is_handed_on_as_it_is_in_a_request_of_its_own():
    closed = {"type": "object", "properties": {}}
    asked = request(
        user("go"),
        assistant("looking", ToolUse("c1", "f", "{}")),
        user(ToolResult("c1", (Text("ok"),)), "and?"),
        tools=(Tool("f", schema=closed),),
        temperature=0.5,
        max_tokens=100,
    )
    ready = prepared(asked, GPT, CHAT)
    assert ready is not asked
    assert ready == asked
    assert all(new is old for new, old in zip(ready.messages, asked.messages, strict=True))
    assert ready.tools[0] is asked.tools[0]


def test_the_request_that_was_given_stays_as_it_was():
    def asked() -> Request:
        return request(
            user("go", " "),
            assistant(ToolUse("", "a.b", "{}")),
            user(ToolResult("", ())),
            tools=(Tool("a.b"), Tool("a.b")),
            tool_choice=ToolChoice("tool", "a.b"),
            temperature=2.0,
            top_p=0.1,
            max_tokens=10**9,
        )

    given = asked()
    ready = prepared(given, Model("claude-x", vendor="Anthropic"), CHAT)
    assert given == asked()
    assert ready.losses
    assert ready.max_tokens != given.max_tokens
