"""The conversation's own arithmetic: folding, finding tools, estimating."""

from __future__ import annotations

import pytest
from hypothesis import given

from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockEnd,
    BlockStart,
    End,
    Image,
    Message,
    Reply,
    Request,
    StopReason,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
    Usage,
    fold,
    grown,
    unfold,
)
from tests.laws import strategies


@given(strategies.any_replies)
def test_folding_undoes_unfolding(reply: Reply) -> None:
    assert fold(unfold(reply)) == reply


def test_folding_joins_pieces() -> None:
    events = [
        Begin("r", Usage(5, 0)),
        BlockStart(0, Thinking("")),
        BlockDelta(0, "h"),
        BlockDelta(0, "m"),
        BlockDelta(0, signature="S"),
        BlockEnd(0),
        BlockStart(1, ToolUse("c", "f", "")),
        BlockDelta(1, '{"a"'),
        BlockDelta(1, ":1}"),
        BlockEnd(1),
        End(StopReason.TOOL_USE),
    ]
    blocks = (Thinking("hm", "S"), ToolUse("c", "f", '{"a":1}'))
    assert fold(events) == Reply("r", blocks, StopReason.TOOL_USE, Usage(5, 0))


def test_a_reply_without_an_end_is_none() -> None:
    with pytest.raises(ValueError, match="no end"):
        fold([Begin(), BlockStart(0, Text("")), BlockDelta(0, "half"), BlockEnd(0)])


def test_growing_each_kind() -> None:
    assert grown(Text("a"), BlockDelta(0, "b")) == Text("ab")
    assert grown(Thinking("a", "s"), BlockDelta(0, "b", "t")) == Thinking("ab", "st")
    assert grown(ToolUse("i", "n", "{"), BlockDelta(0, "}")) == ToolUse("i", "n", "{}")


def test_the_visible_text_is_text_alone() -> None:
    blocks = (Thinking("hm"), Text("a"), ToolUse("i", "n", "{}"), Text("b"))
    assert Reply("", blocks, StopReason.END).text == "ab"


def test_a_tool_is_found_in_spite_of_its_case_but_its_own_spelling_wins() -> None:
    lower, upper = Tool("read"), Tool("Read")
    request = Request("m", (), tools=(lower, upper))
    assert request.tool("Read") is upper
    assert request.tool("READ") is lower
    assert request.tool("write") is None


def test_input_counts_add_up() -> None:
    assert Usage(1, 9, 2, 3).total_input == 6


def test_estimates_grow_with_everything_that_is_sent() -> None:
    empty = Request("m", ())
    assert empty.estimated_tokens() == 1
    text = Text("word " * 100)
    picture = Image("image/png", "x")
    sizes = [
        Request("m", (Message("user", (text,)),)).estimated_tokens(),
        Request("m", (), system=(text,)).estimated_tokens(),
        Request("m", (), tools=(Tool("f", text.text),)).estimated_tokens(),
        Request("m", (Message("user", (ToolResult("c", (text, picture)),)),)).estimated_tokens(),
    ]
    assert all(size >= 100 for size in sizes)
    assert sizes[-1] > 1000
