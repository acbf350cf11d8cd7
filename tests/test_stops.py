"""Stop sequences that Copilot does not know, however the text is cut."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockEnd,
    BlockStart,
    End,
    Event,
    Message,
    Reply,
    Request,
    StopReason,
    Text,
    Thinking,
    ToolUse,
    Usage,
    fold,
    unfold,
)
from copilot_desktop.stops import StopFilter

SIZES = pytest.mark.parametrize("size", [1, 7, 4096])
COUNTED = Usage(input=9, output=99)


def asked(*stops: str) -> Request:
    return Request("m", (Message("user", (Text("Count to a hundred."),)),), stop=stops)


def cut(events: Iterable[Event], size: int) -> Iterable[Event]:
    for event in events:
        if isinstance(event, BlockDelta) and event.text and not event.signature:
            for start in range(0, len(event.text), size):
                yield BlockDelta(event.index, event.text[start : start + size])
        else:
            yield event


def filtered(reply: Reply, *stops: str, size: int = 4096) -> tuple[Reply, list[Event]]:
    stop = StopFilter(asked(*stops))
    out = [told for event in cut(unfold(reply), size) for told in stop.feed(event)]
    return fold(out), out


def saying(*texts: str) -> Reply:
    return Reply("r", tuple(Text(text) for text in texts), StopReason.END, COUNTED)


@SIZES
@pytest.mark.parametrize(
    ("said", "stops", "left", "met"),
    [
        ("one END two", ["END"], "one ", "END"),
        ("one EN two END three", ["END"], "one EN two ", "END"),
        ("EENENDD", ["END"], "EEN", "END"),
        ("aaab", ["aab"], "a", "aab"),
        ("abcd", ["abcd", "bc"], "a", "bc"),  # complete first, though it began later
        ("abc", ["c", "abc"], "", "abc"),  # complete at once: the one that began first
        ("Grüße ✓ fertig", ["✓ f"], "Grüße ", "✓ f"),
        ("x\n\nHuman: y", ["\n\nHuman:"], "x", "\n\nHuman:"),
    ],
)
def test_the_reply_ends_before_the_sequence_and_names_it(
    said: str, stops: list[str], left: str, met: str, size: int
):
    reply, _ = filtered(saying(said), *stops, size=size)
    assert reply.text == left
    assert (reply.reason, reply.stop_sequence) == (StopReason.STOP_SEQUENCE, met)


@SIZES
@pytest.mark.parametrize("said", ["one EN", "E", "", "no such thing", "ENENEN"])
def test_a_reply_without_the_sequence_is_the_same(said: str, size: int):
    reply, _ = filtered(saying(said), "END", size=size)
    assert reply == saying(said)


@SIZES
def test_a_sequence_does_not_reach_over_the_end_of_a_block(size: int):
    reply, _ = filtered(saying("one E", "ND two"), "END", size=size)
    assert reply == saying("one E", "ND two")


@SIZES
def test_arguments_and_reasoning_may_say_it(size: int):
    blocks = (Thinking("END", "seal"), ToolUse("c", "f", '{"a":"END"}'), Text("Done."))
    told = Reply("r", blocks, StopReason.TOOL_USE, COUNTED)
    reply, _ = filtered(told, "END", size=size)
    assert reply == told


def test_nothing_follows_the_end():
    told = Reply("r", (Text("a END b"), ToolUse("c", "f", "{}")), StopReason.TOOL_USE, COUNTED)
    reply, out = filtered(told, "END")
    assert reply.blocks == (Text("a "),)
    assert isinstance(out[-1], End)
    assert [type(event) for event in out[-3:]] == [BlockDelta, BlockEnd, End]


def test_a_block_that_says_nothing_is_not_begun():
    reply, out = filtered(saying("END"), "END")
    assert reply.blocks == ()
    assert [type(event) for event in out] == [Begin, End]


def test_the_usage_is_estimated_from_what_was_said():
    reply, _ = filtered(saying("x" * 400 + "END"), "END")
    assert reply.usage is not None
    assert reply.usage.output == 100
    assert reply.usage.input == asked().estimated_tokens()


def test_a_count_that_upstream_gave_ahead_is_kept():
    stop = StopFilter(asked("END"))
    events = (
        Begin("r", Usage(input=7, cache_read=3)),
        BlockStart(0, Text("")),
        BlockDelta(0, "END"),
    )
    out = [told for event in events for told in stop.feed(event)]
    assert out[-1] == End(StopReason.STOP_SEQUENCE, Usage(input=7, cache_read=3, output=1), "END")


def test_text_that_cannot_begin_a_sequence_is_not_held_back():
    stop = StopFilter(asked("END"))
    list(stop.feed(BlockStart(0, Text(""))))
    assert list(stop.feed(BlockDelta(0, "one two")))[-1] == BlockDelta(0, "one two")
    assert list(stop.feed(BlockDelta(0, " E"))) == [BlockDelta(0, " ")]
    assert list(stop.rest()) == [BlockDelta(0, "E")], "what a reply that broke off still owes"
    assert list(stop.rest()) == []


@given(
    said=st.text("ab", max_size=40),
    stops=st.lists(st.text("ab", min_size=1, max_size=4), max_size=4),
)
def test_how_the_text_was_cut_does_not_matter(said: str, stops: list[str]):
    whole, _ = filtered(saying(said), *stops)
    for size in (1, 2, 3, 7):
        assert filtered(saying(said), *stops, size=size)[0] == whole
    if stops and (met := whole.stop_sequence) is not None:
        assert said.startswith(whole.text + met)
        assert not any(stop in whole.text for stop in stops)
    else:
        assert whole == saying(said)
