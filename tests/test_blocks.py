"""From what readers see to well-formed events (`translation.md` §6.1, §6.2, §6.4)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.blocks import MAX_ARGUMENTS, MAX_CALLS, BlockSequencer
from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockEnd,
    BlockStart,
    End,
    Event,
    Reply,
    StopReason,
    Text,
    Thinking,
    ToolUse,
    Usage,
    fold,
)
from copilot_desktop.errors import UpstreamFault


def told(*steps: Iterable[Event]) -> list[Event]:
    return list(chain.from_iterable(steps))


def well_formed(events: list[Event]) -> None:
    """Begin (BlockStart BlockDelta* BlockEnd)* End, blocks counted from 0."""
    assert isinstance(events[0], Begin)
    assert isinstance(events[-1], End)
    opened: int | None = None
    count = 0
    for event in events[1:-1]:
        match event:
            case BlockStart(index=index):
                assert opened is None
                assert index == count
                opened, count = index, count + 1
            case BlockDelta(index=index):
                assert index == opened
            case BlockEnd(index=index):
                assert index == opened
                opened = None
            case _:
                pytest.fail(f"{event} in the middle")
    assert opened is None


def reply(sequence: BlockSequencer, *steps: Iterator[Event], end: Any = StopReason.END) -> Reply:
    """What all steps and the end tell, checked for form."""
    events = told(*steps, sequence.finish(end))
    well_formed(events)
    return fold(events)


# ------------------------------------------------------------------------------------ text


def test_neighbouring_text_is_one_block_and_reasoning_another() -> None:
    s = BlockSequencer()
    answer = reply(s, s.think("h"), s.think("m"), s.text("a"), s.text("b"), s.think("c"))
    assert answer.blocks == (Thinking("hm"), Text("ab"), Thinking("c"))


def test_a_seal_closes_the_reasoning_before_it() -> None:
    s = BlockSequencer()
    answer = reply(s, s.think("a"), s.think("", "S"), s.think("b"), s.think("", "T"))
    assert answer.blocks == (Thinking("a", "S"), Thinking("b", "T"))


def test_a_seal_alone_is_a_block() -> None:
    s = BlockSequencer()
    assert reply(s, s.text("a"), s.think("", "S")).blocks == (Text("a"), Thinking("", "S"))


def test_reasoning_only_its_issuer_can_read_is_a_block_of_its_own() -> None:
    s = BlockSequencer()
    answer = reply(s, s.think("a"), s.redacted("X"), s.redacted("X"), s.think("b"))
    hidden = Thinking("", redacted="X")
    assert answer.blocks == (Thinking("a"), hidden, hidden, Thinking("b"))


def test_a_format_that_ends_blocks_keeps_them_apart() -> None:
    s = BlockSequencer()
    assert reply(s, s.text("a"), s.end_block(), s.text("b")).blocks == (Text("a"), Text("b"))


def test_nothing_said_makes_no_block() -> None:
    s = BlockSequencer()
    assert reply(s, s.text(""), s.think(""), s.end_block()).blocks == ()


def test_a_refusal_is_kept_apart_and_ends_as_one_if_nothing_else_was_said() -> None:
    s = BlockSequencer()
    answer = reply(s, s.text("I "), s.text("no", refusal=True))
    assert answer.blocks == (Text("I "), Text("no", refusal=True))
    assert answer.reason is StopReason.END
    s = BlockSequencer()
    assert reply(s, s.text("no", refusal=True)).reason is StopReason.REFUSAL


def test_white_space_waits_for_a_word() -> None:
    s = BlockSequencer()
    assert told(s.text("\n"), s.text(" ")) == []
    assert reply(s, s.text("a")).text == "\n a"
    s = BlockSequencer()
    assert reply(s, s.text("\n"), s.call(0, call_id="c", name="f")).blocks == (
        ToolUse("c", "f", ""),
    )
    s = BlockSequencer()
    assert reply(s, s.text("\n")).text == "\n"


# ------------------------------------------------------------------------------------ calls


def test_a_call_opens_when_id_and_name_are_known() -> None:
    s = BlockSequencer()
    assert told(s.call(0, call_id="c"), s.arguments(0, '{"a"')) == []
    opened = told(s.call(0, name="f"))
    assert opened[1] == BlockStart(0, ToolUse("c", "f", ""))
    assert opened[2] == BlockDelta(0, '{"a"')


def test_the_first_id_and_name_count() -> None:
    s = BlockSequencer()
    answer = reply(s, s.call(0, call_id="c", name="f"), s.call(0, call_id="d", name="g"))
    assert answer.blocks == (ToolUse("c", "f", ""),)


def test_an_id_that_never_comes_is_made_up_and_a_name_is_not() -> None:
    s = BlockSequencer()
    answer = reply(s, s.call(0, name="f"), s.call(1, call_id="x"), s.arguments(1, "{}"))
    (call,) = answer.blocks
    assert isinstance(call, ToolUse)
    assert call.id.startswith("call_")
    assert answer.reason is StopReason.TOOL_USE


def test_interleaved_calls_come_one_after_the_other() -> None:
    s = BlockSequencer()
    answer = reply(
        s,
        s.call("a", call_id="1", name="f"),
        s.arguments("a", '{"x":'),
        s.call("b", call_id="2", name="g"),
        s.arguments("b", "{}"),
        s.call("c", call_id="3", name="h"),
        s.arguments("a", "1}"),
        s.arguments("c", '{"z":3}'),
    )
    assert answer.blocks == (
        ToolUse("1", "f", '{"x":1}'),
        ToolUse("2", "g", "{}"),
        ToolUse("3", "h", '{"z":3}'),
    )


def test_arguments_stream_while_only_one_call_is_open() -> None:
    s = BlockSequencer()
    told(s.call(0, call_id="c", name="f"))
    assert told(s.arguments(0, '{"a":')) == [BlockDelta(0, '{"a":')]
    assert told(s.arguments(0, "1}")) == [BlockDelta(0, "1}")]


def test_text_during_a_call_comes_after_all_calls_in_its_order() -> None:
    s = BlockSequencer()
    answer = reply(
        s,
        s.call(0, call_id="c", name="f"),
        s.text("one "),
        s.think("hm"),
        s.arguments(0, "{}"),
        s.text("two"),
    )
    assert answer.blocks == (ToolUse("c", "f", "{}"), Text("one "), Thinking("hm"), Text("two"))


def test_text_that_waited_comes_before_text_that_did_not() -> None:
    s = BlockSequencer()
    answer = reply(
        s,
        s.call(0, call_id="c", name="f"),
        s.text("one "),
        s.arguments(0, "{}"),
        s.end_call(0),
        s.text("two"),
    )
    assert answer.blocks == (ToolUse("c", "f", "{}"), Text("one two"))


def test_text_that_waited_comes_first_even_if_a_nameless_call_has_begun() -> None:
    s = BlockSequencer()
    answer = reply(
        s,
        s.call(0, call_id="c", name="f"),
        s.text("one "),
        s.arguments(0, "{}"),
        s.arguments(1, "{"),
        s.text("two"),
    )
    assert answer.blocks == (ToolUse("c", "f", "{}"), Text("one two"))


def test_a_closed_call_takes_nothing_more() -> None:
    s = BlockSequencer()
    answer = reply(
        s,
        s.call(0, call_id="c", name="f"),
        s.arguments(0, "{}"),
        s.end_call(0),
        s.arguments(0, "junk"),
        s.settle(0, "junk"),
        s.end_call(0),
    )
    assert answer.blocks == (ToolUse("c", "f", "{}"),)


def test_ending_a_call_that_is_not_open_changes_nothing() -> None:
    s = BlockSequencer()
    assert told(s.end_call("unknown"), s.call(0, name="f"), s.end_call(0)) == []


def test_a_call_that_ends_before_its_turn_holds_up_nothing() -> None:
    """Calls that were told at once may end in any order; what follows them waited for the end."""
    s = BlockSequencer()
    begun = told(*(s.call(key, call_id=f"c{key}", name="f") for key in (0, 1, 2)))
    begun += told(s.arguments(2, "{}"), s.end_call(2), s.end_call(1), s.arguments(0, '{"a":1}'))
    begun += told(s.end_call(0), s.text("then"))
    assert begun[-2:] == [BlockStart(3, Text("")), BlockDelta(3, "then")]
    calls = [ToolUse("c0", "f", '{"a":1}'), ToolUse("c1", "f", ""), ToolUse("c2", "f", "{}")]
    assert fold([*begun, *s.finish(StopReason.END)]).blocks == (*calls, Text("then"))


# ------------------------------------------------------------------------------------ the gate


def held(text: str, end: StopReason = StopReason.TOOL_USE) -> Reply:
    s = BlockSequencer()
    return reply(s, s.call(0, call_id="c", name="f"), s.arguments(0, text), end=end)


def arguments(text: str) -> str:
    (call,) = held(text).blocks
    assert isinstance(call, ToolUse)
    return call.arguments


@pytest.mark.parametrize(
    ("written", "given_on"),
    [
        ("", ""),
        ("{}", "{}"),
        (' {"a": 1} ', ' {"a": 1} '),
        ('{"n":12345678901234567890}', '{"n":12345678901234567890}'),
        ('"{\\"a\\":1}"', '{"a":1}'),
        ('""', "{}"),
        ("null", ""),
        ('{"p":"a', '{"p":"a"}'),
        ('{"p":["a"', '{"p":["a"]}'),
    ],
)
def test_what_becomes_of_arguments(written: str, given_on: str) -> None:
    assert arguments(written) == given_on


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('{"a": "x\n\ty"}', "x\n\ty"),
        ('{\n\t"a": "\x00\\n\n"\n}', "\x00\n\n"),
        ('{"a": "cd x && \\\nmake"}', "cd x && \\\nmake"),  # a shell's line that goes on
        ('{"a": "\\\\\n\\"\n"}', '\\\n"\n'),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_line_ends_that_a_model_writes_into_a_string_as_they_are_do_not_break_the_call(
    written: str, meant: str, size: int
) -> None:
    s = BlockSequencer()
    pieces = [written[start : start + size] for start in range(0, len(written), size)]
    steps = [s.arguments(0, piece) for piece in pieces]
    (call,) = reply(
        s, s.call(0, call_id="c", name="f"), *steps, s.settle(0, written), s.end_call(0)
    ).blocks
    assert isinstance(call, ToolUse)
    assert json.loads(call.arguments) == {"a": meant}


@pytest.mark.parametrize("written", ["[1]", "3", "words", '{"a":}', '{"a":1}}', "4aGVsbG8="])
def test_arguments_that_are_no_object_are_an_error(written: str) -> None:
    with pytest.raises(UpstreamFault, match="malformed"):
        held(written)


def test_nothing_is_shown_of_arguments_that_do_not_look_like_an_object() -> None:
    s = BlockSequencer()
    told(s.call(0, call_id="c", name="f"))
    assert told(s.arguments(0, "ciphertext")) == []
    assert told(s.settle(0, '{"a":1}')) == [BlockDelta(0, '{"a":1}')]


def test_the_final_arguments_complete_what_was_sent() -> None:
    s = BlockSequencer()
    told(s.call(0, call_id="c", name="f"), s.arguments(0, '{"a"'))
    assert told(s.settle(0, '{"a":1}')) == [BlockDelta(0, ":1}")]
    with pytest.raises(UpstreamFault, match="changed"):
        told(s.settle(0, '{"b":2}'))


def test_a_call_cut_by_the_limit_stays_as_it_is() -> None:
    answer = held('{"p":', StopReason.LENGTH)
    assert answer.blocks == (ToolUse("c", "f", '{"p":'),)
    assert answer.reason is StopReason.LENGTH


def test_a_cut_call_that_upstream_closes_before_it_says_why_stays_as_it_is() -> None:
    s = BlockSequencer()
    answer = reply(
        s,
        s.call(0, call_id="c", name="f"),
        s.arguments(0, '{"p":'),
        s.end_call(0),
        end=StopReason.LENGTH,
    )
    assert answer.blocks == (ToolUse("c", "f", '{"p":'),)


@pytest.mark.parametrize("blank", ["\n" * 21, " " * 201])
def test_endless_white_space_is_an_error_but_not_within_a_string(blank: str) -> None:
    s = BlockSequencer()
    told(s.call(0, call_id="c", name="f"), s.arguments(0, '{"a":1'))
    with pytest.raises(UpstreamFault, match="stuck"):
        told(s.arguments(0, blank))
    s = BlockSequencer()
    told(s.call(0, call_id="c", name="f"), s.arguments(0, '{"a":"'), s.arguments(0, " " * 201))


def test_too_many_and_too_large_calls_are_errors() -> None:
    s = BlockSequencer()
    for number in range(MAX_CALLS):
        told(s.call(number, call_id=str(number), name="f"))
    with pytest.raises(UpstreamFault, match="128"):
        told(s.call(MAX_CALLS, name="f"))
    with pytest.raises(UpstreamFault, match="128"):
        told(s.arguments("new", "{}"))
    s = BlockSequencer()
    with pytest.raises(UpstreamFault, match="too large"):
        told(s.arguments(0, "x" * (MAX_ARGUMENTS + 1)))


# ------------------------------------------------------------------------------------ endings


@pytest.mark.parametrize(
    ("given_reason", "with_call", "without"),
    [
        (StopReason.END, StopReason.TOOL_USE, StopReason.END),
        (StopReason.TOOL_USE, StopReason.TOOL_USE, StopReason.END),
        (StopReason.LENGTH, StopReason.LENGTH, StopReason.LENGTH),
        (StopReason.REFUSAL, StopReason.REFUSAL, StopReason.REFUSAL),
        (StopReason.PAUSE, StopReason.PAUSE, StopReason.PAUSE),
        (StopReason.STOP_SEQUENCE, StopReason.STOP_SEQUENCE, StopReason.STOP_SEQUENCE),
    ],
)
def test_the_reason_agrees_with_the_calls(
    given_reason: StopReason, with_call: StopReason, without: StopReason
) -> None:
    s = BlockSequencer()
    assert reply(s, s.call(0, call_id="c", name="f"), end=given_reason).reason is with_call
    s = BlockSequencer()
    assert reply(s, s.text("a"), end=given_reason).reason is without


def test_an_answer_of_nothing_still_begins_and_ends() -> None:
    assert told(BlockSequencer().finish(StopReason.END)) == [Begin(), End(StopReason.END)]


def test_the_start_is_told_once_and_the_last_usage_counts() -> None:
    s = BlockSequencer()
    assert told(s.begin("r", Usage(1)), s.begin("other")) == [Begin("r", Usage(1))]
    s.usage(Usage(1, 1))
    s.usage(Usage(5, 2))
    (end,) = told(s.finish(StopReason.STOP_SEQUENCE, "END", "why"))
    assert end == End(StopReason.STOP_SEQUENCE, Usage(5, 2), "END", "why")


# ------------------------------------------------------------------------------------ the law

keys = st.integers(0, 3)
steps = st.one_of(
    st.tuples(st.just("text"), st.text(max_size=4)),
    st.tuples(st.just("think"), st.text(max_size=4), st.sampled_from(["", "", "S"])),
    st.tuples(st.just("redacted"), st.just("X")),
    st.tuples(st.just("call"), keys, st.sampled_from(["", "id"]), st.sampled_from(["", "f"])),
    st.tuples(st.just("arguments"), keys, st.sampled_from(["{", "}", '"a":1', '"', "[", " ", "x"])),
    st.tuples(st.just("settle"), keys, st.sampled_from(["{}", '{"a":1}', ""])),
    st.tuples(st.just("end_call"), keys),
    st.tuples(st.just("end_block")),
)


def run(sequence: BlockSequencer, step: tuple[Any, ...]) -> Iterator[Event]:
    match step:
        case ("call", key, call_id, name):
            return sequence.call(key, call_id=call_id and f"{call_id}{key}", name=name)
        case (method, *arguments_of_step):
            made: Iterator[Event] = getattr(sequence, method)(*arguments_of_step)
            return made
    raise AssertionError(step)


@given(st.lists(steps, max_size=25), st.sampled_from(StopReason))
def test_whatever_comes_in_what_goes_out_is_well_formed(
    script: list[tuple[Any, ...]], reason: StopReason
) -> None:
    sequence = BlockSequencer()
    events: list[Event] = []
    try:
        for step in script:
            events += run(sequence, step)
        events += sequence.finish(reason)
    except UpstreamFault:
        assert not any(isinstance(event, End) for event in events)
        return
    well_formed(events)
    answer = fold(events)
    for block in answer.blocks:
        if isinstance(block, ToolUse):
            assert block.id
            assert block.name
            if block.arguments and reason is not StopReason.LENGTH:
                assert isinstance(json.loads(block.arguments), dict)
    spoken = "".join(step[1] for step in script if step[0] == "text")
    assert answer.text.strip() == spoken.strip()
