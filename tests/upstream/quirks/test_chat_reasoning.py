"""Opaque reasoning that clients drop: overheard in every kind of answer, put back when wanted."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from copilot_desktop.canonical import BlockDelta, BlockEnd, BlockStart, End, StopReason, Text
from copilot_desktop.dialects.openai_chat import OpenAIChat
from copilot_desktop.errors import CutShort
from copilot_desktop.model import Model
from copilot_desktop.sse import FrameDecoder
from copilot_desktop.upstream.quirks.chat import ChatQuirks
from copilot_desktop.upstream.quirks.chat_reasoning import OverheardEvents, put_back
from copilot_desktop.upstream.quirks.memory import Spoken, Thought, Thoughts
from tests.upstream.quirks.test_chat import USER, called, function, result
from tests.upstream.quirks.test_chat_answers import chunk, example, sse

GEMINI = Model("gemini-x", vendor="Google")
SIZES = pytest.mark.parametrize("size", [1, 7, 4096])
ASKED = {"model": "gemini-x", "messages": [USER], "stream": True, "tools": [function("ls")]}


def call(number: int = 0, **more: Any) -> dict[str, Any]:
    made = {"name": "ls", "arguments": "{}"}
    return {"index": number, "id": f"call_{number}", "type": "function", "function": made, **more}


def streamed(raw: bytes, thoughts: Thoughts, size: int = 4096) -> None:
    quirks, decoder = ChatQuirks(thoughts), FrameDecoder()
    quirks.fix_request(ASKED, GEMINI, ())
    stream = quirks.stream(ASKED, "mine")
    for start in range(0, len(raw), size):
        for frame in decoder.feed(raw[start : start + size]):
            stream.feed(frame)


def read(raw: bytes, thoughts: Thoughts, size: int = 4096) -> None:
    """The same through the translated path."""
    reader, decoder = OpenAIChat().reader(GEMINI), FrameDecoder()
    overheard = OverheardEvents(thoughts, GEMINI.id)
    for start in range(0, len(raw), size):
        for frame in decoder.feed(raw[start : start + size]):
            for event in reader.feed(frame):
                overheard.hear(event)
    for event in reader.close():
        overheard.hear(event)


WAYS = pytest.mark.parametrize("hear", [streamed, read], ids=["passed through", "translated"])
THINKING = sse(
    chunk({"role": "assistant", "content": None, "reasoning_text": "I "}),
    chunk({"content": None, "reasoning_text": "look. "}),
    chunk({"content": None, "reasoning_text": "Once."}),
    chunk({"content": None, "reasoning_opaque": "OPA", "tool_calls": [call(0)]}),
    chunk({"content": None, "tool_calls": [call(1)]}, "stop"),
    "[DONE]",
)


@SIZES
@WAYS
def test_each_call_of_an_answer_knows_its_reasoning(hear: Any, size: int):
    thoughts = Thoughts()
    hear(THINKING, thoughts, size)
    expected = Thought("I look. Once.", "OPA")
    assert thoughts.of("gemini-x", [Spoken("call_0", "", "")]) == expected
    assert thoughts.of("gemini-x", [Spoken("call_1", "", "")]) == expected


@SIZES
@WAYS
def test_the_documents_own_example_is_remembered(hear: Any, size: int):
    thoughts = Thoughts()
    hear(example("25"), thoughts, size)
    found = thoughts.of("gemini-x", [Spoken("call_gem1", "", "")])
    assert found is not None
    assert found.text == "**Planning**\n\n"
    assert found.opaque.startswith("0kOxD0")
    assert thoughts.of("gemini-x", [Spoken("", "search", '{"q": "x"}')]) == found


@WAYS
def test_an_opaque_part_that_comes_in_pieces_of_its_own_is_joined(hear: Any):
    thoughts = Thoughts()
    raw = sse(
        chunk({"role": "assistant", "content": "", "reasoning_text": "Hm."}),
        chunk({"content": "", "reasoning_opaque": "ONE"}),
        chunk({"content": "", "reasoning_opaque": "TWO"}),
        chunk({"content": None, "tool_calls": [call()]}),
        chunk({}, "tool_calls"),
        "[DONE]",
    )
    hear(raw, thoughts)
    assert thoughts.of("gemini-x", [Spoken("call_0", "", "")]) == Thought("Hm.", "ONETWO")


@WAYS
def test_an_opaque_part_after_the_end_is_not_too_late(hear: Any):
    """GitHub's own client reads it there; without it the next request was refused."""
    thoughts = Thoughts()
    raw = sse(
        chunk({"role": "assistant", "content": "", "reasoning_text": "Hm."}),
        chunk({"content": None, "tool_calls": [call()]}, "tool_calls"),
        chunk({"content": "", "reasoning_opaque": "OPA"}),
        "[DONE]",
    )
    hear(raw, thoughts)
    assert thoughts.of("gemini-x", [Spoken("call_0", "", "")]) == Thought("Hm.", "OPA")


@WAYS
def test_an_answer_without_calls_or_without_an_end_is_not_kept(hear: Any):
    thoughts = Thoughts()
    hear(sse(chunk({"content": "Hi.", "reasoning_opaque": "OPA"}), chunk({}, "stop")), thoughts)
    assert len(thoughts) == 0
    cut = THINKING[: THINKING.rindex(b"data: {")]
    with suppress(CutShort):
        hear(cut, thoughts)
    assert len(thoughts) == 0


def test_an_unstreamed_answer_is_overheard_as_well():
    thoughts = Thoughts()
    quirks = ChatQuirks(thoughts)
    quirks.fix_request({**ASKED, "stream": False}, GEMINI, ())
    said = {"role": "assistant", "reasoning_text": "Hm.", "reasoning_opaque": "OPA"}
    quirks.fix_reply(
        {  # split, as Copilot does it
            "choices": [
                {"message": {**said, "content": "Now."}, "finish_reason": "stop"},
                {"message": {"role": "assistant", "tool_calls": [call()]}, "finish_reason": "stop"},
            ]
        },
        "mine",
    )
    assert thoughts.of("gemini-x", [Spoken("call_0", "", "")]) == Thought("Hm.", "OPA")


# ------------------------------------------------------------------------------------ put back


@pytest.fixture
def thoughts() -> Thoughts:
    known = Thoughts()
    known.keep("gemini-x", [Spoken("call_0", "f", "")], Thought("Hm.", "OPA"))
    return known


def fixed(thoughts: Thoughts, model: Model, *messages: Any) -> Any:
    body = {"model": model.id, "messages": list(messages), "tools": [function("f")]}
    answer = ChatQuirks(thoughts).fix_request(body, model, ())
    return answer, (answer.body or body)["messages"]


def test_what_the_client_dropped_is_put_back_and_noted(thoughts: Thoughts):
    answer, messages = fixed(thoughts, GEMINI, USER, called("call_0"), result("call_0"))
    assert messages[1] == called("call_0") | {"reasoning_text": "Hm.", "reasoning_opaque": "OPA"}
    assert messages[::2] == [USER, result("call_0")]
    assert answer.notes == ("restored=reasoning_opaque",)


def test_what_the_client_kept_stays_as_it_is(thoughts: Thoughts):
    own = called("call_0") | {"reasoning_text": "Own.", "reasoning_opaque": "OWN"}
    answer, messages = fixed(thoughts, GEMINI, USER, own, result("call_0"))
    assert messages[1] == own
    assert answer.notes == ()


def test_another_model_gets_nothing_of_it(thoughts: Thoughts):
    other = replace(GEMINI, id="gemini-y")
    _, messages = fixed(thoughts, other, USER, called("call_0"), result("call_0"))
    assert messages[1] == called("call_0")


def test_a_stray_seal_of_ours_makes_room_for_the_real_thing(thoughts: Thoughts):
    stray = called("call_0") | {"reasoning_opaque": "gm1.abc"}
    answer, messages = fixed(thoughts, GEMINI, USER, stray, result("call_0"))
    assert messages[1]["reasoning_opaque"] == "OPA"
    assert "restored=reasoning_opaque" in answer.notes


@pytest.mark.parametrize(
    "odd", [None, 7, "x", {"role": "assistant", "tool_calls": [None, 3, {"function": 5}]}]
)
def test_odd_histories_do_not_matter(thoughts: Thoughts, odd: Any):
    assert put_back([odd, USER], thoughts, "gemini-x") is None


def test_text_between_reasoning_and_calls_does_not_matter():
    thoughts = Thoughts()
    overheard = OverheardEvents(thoughts, "gemini-x")
    for event in (
        BlockStart(0, Text("")),
        BlockDelta(0, "Hi."),
        BlockEnd(0),
        End(StopReason.END),
    ):
        overheard.hear(event)
    assert len(thoughts) == 0
    assert json.dumps(put_back([], thoughts, "gemini-x")) == "null"
