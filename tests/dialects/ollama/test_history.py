"""Messages with pictures that have no type and calls that have no names of their own."""

from __future__ import annotations

import base64

import pytest

from copilot_desktop.canonical import Image, Message, Text, ToolResult, ToolUse
from copilot_desktop.dialects.ollama.history import pictures, read_conversation
from copilot_desktop.errors import InvalidRequest

HI = {"role": "user", "content": "hi"}


def call(name, **arguments):
    return {"function": {"name": name, "arguments": arguments}}


def made(*calls):
    return {"role": "assistant", "content": "", "tool_calls": list(calls)}


def result(words, **more):
    return {"role": "tool", "content": words, **more}


def answers(*items):
    """Which call each result belongs to, as (tool's name, arguments, result's words)."""
    calls, pairs = {}, []
    for message in read_conversation([HI, *items]).messages:
        for block in message.blocks:
            if isinstance(block, ToolUse):
                assert block.id not in calls
                calls[block.id] = block
            if isinstance(block, ToolResult):
                of = calls[block.tool_use_id]
                pairs.append((of.name, of.arguments, block.content[0].text))
    return pairs


def test_first_instructions_stand_apart_and_later_ones_in_their_place():
    first, later = {"role": "system", "content": "A"}, {"role": "system", "content": "B"}
    read = read_conversation([first, HI, later])
    assert read.system == [Text("A")]
    assert read.messages == [Message("user", (Text("hi"),)), Message("system", (Text("B"),))]


def test_thoughts_of_earlier_answers_are_left_out():
    said = {"role": "assistant", "content": "ok", "thinking": "hm"}
    assert read_conversation([HI, said]).messages[1] == Message("assistant", (Text("ok"),))


def test_a_result_finds_its_call_by_id_by_name_or_by_place():
    by_id = [{"id": "x", **call("f", a=1)}, {"id": "y", **call("f", a=2)}]
    assert answers(
        made(*by_id), result("two", tool_call_id="y"), result("one", tool_call_id="x")
    ) == [("f", '{"a":2}', "two"), ("f", '{"a":1}', "one")]
    assert answers(
        made(call("f", a=1), call("g", a=2)), result("G", tool_name="g"), result("F", tool_name="f")
    ) == [("g", '{"a":2}', "G"), ("f", '{"a":1}', "F")]
    assert answers(made(call("f", a=1), call("f", a=2)), result("1"), result("2")) == [
        ("f", '{"a":1}', "1"), ("f", '{"a":2}', "2"),
    ]  # fmt: skip


def test_a_result_with_an_id_finds_a_call_that_lost_its_own():
    f, g = call("f", a=1), call("g", a=2)
    first = result("G", tool_call_id="y", tool_name="g")
    items = [made(f, g), first, result("F", tool_call_id="x")]
    assert answers(*items) == [("g", '{"a":2}', "G"), ("f", '{"a":1}', "F")]
    later = [made({"id": "z", **f}), result("3", tool_call_id="z"), made(g, {"id": "w", **f})]
    results = [result("4", tool_call_id="w"), result("5", tool_call_id="v")]
    assert [words for *_, words in answers(*items, *later, *results)] == ["G", "F", "3", "4", "5"]


def test_a_result_of_a_call_that_is_gone_is_not_given_to_another_one():
    read = read_conversation([HI, made({"id": "x", **call("f")}), result("?", tool_call_id="old")])
    (block,) = read.messages[-1].blocks
    assert block.tool_use_id == "old"


def test_two_results_of_one_tool_belong_to_two_calls():
    same = call("f", a=1)
    items = [made(same, same), result("1", tool_name="f"), result("2", tool_name="f")]
    assert [words for *_, words in answers(*items)] == ["1", "2"]


def test_a_later_round_does_not_answer_an_earlier_one():
    items = [made(call("f", a=1)), made(call("f", a=2)), result("2", tool_name="f")]
    assert answers(*items) == [("f", '{"a":2}', "2")]


def test_ids_are_the_same_when_the_conversation_is_sent_again():
    items = [HI, made(call("f", a=1))]
    assert read_conversation(items).messages == read_conversation([*items, HI]).messages[:2]


def test_arguments_may_be_text_or_nothing():
    text = {"function": {"name": "f", "arguments": '{"a": 1}'}}
    nothing = {"function": {"name": "f"}}
    blocks = read_conversation([HI, made(text, nothing)]).messages[1].blocks
    assert [block.arguments for block in blocks] == ['{"a": 1}', "{}"]


@pytest.mark.parametrize(
    ("head", "media_type"),
    [(b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"),
     (b"GIF89a", "image/gif"), (b"RIFF\x01\x02\x03\x04WEBPVP8 ", "image/webp")],
)  # fmt: skip
def test_the_first_bytes_say_what_a_picture_is(head, media_type):
    text = base64.b64encode(head + b"0" * 20).decode()
    assert pictures([text], "images") == (Image(media_type, text),)
    wrapped = "data:image/bmp;base64," + text[:8] + "\n" + text[8:]
    assert pictures([wrapped], "images") == (Image(media_type, text),)


@pytest.mark.parametrize(
    "given",
    ["x", {}, [""], [1], ["hello"], ["ü"], ["UklGRgAAAABXQVZFZm10IA=="], ["https://x/y.png"]],
)
def test_what_is_no_picture_is_refused(given):
    with pytest.raises(InvalidRequest, match="images"):
        pictures(given, "images")


def test_a_tool_can_show_a_picture():
    items = [HI, made(call("f")), result("look", images=["iVBORw0KGgo="])]
    (block,) = read_conversation(items).messages[2].blocks
    assert block.content == (Text("look"), Image("image/png", "iVBORw0KGgo="))


@pytest.mark.parametrize(
    "item",
    ["hi", {"role": "bishop"}, {"role": "user", "content": [{"type": "text"}]},
     {"role": "system", "content": "x", "images": ["iVBORw0KGgo="]},
     {"role": "assistant", "content": "x", "images": ["iVBORw0KGgo="]},
     {"role": "assistant", "tool_calls": {}}, {"role": "assistant", "tool_calls": [{}]},
     {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": [1]}}]}],
)  # fmt: skip
def test_nonsense_is_named_by_its_place(item):
    with pytest.raises(InvalidRequest, match=r"messages\[1\]"):
        read_conversation([HI, item])
