"""Copilot's Chat Completions stream, read: the example streams and the oddities of §6.3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.canonical import (
    Begin,
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
from copilot_desktop.dialects.openai_chat import OpenAIChat
from copilot_desktop.errors import (
    ContentFiltered,
    CutShort,
    InputTooLarge,
    Overloaded,
    Problem,
    QuotaExhausted,
    RateLimited,
    UpstreamFault,
)
from copilot_desktop.model import Model
from copilot_desktop.sealing import unseal
from copilot_desktop.sse import Frame, FrameDecoder

EXAMPLES = Path(__file__).parents[2] / "examples"
MODEL = Model("claude-x", vendor="Anthropic")
SIZES = pytest.mark.parametrize("size", [1, 7, 4096])


def read(stream: bytes, size: int = 4096) -> tuple[list[Event], Problem | None]:
    decoder, reader, events = FrameDecoder(), OpenAIChat().reader(MODEL), list[Event]()
    try:
        for start in range(0, len(stream), size):
            for frame in decoder.feed(stream[start : start + size]):
                events += reader.feed(frame)
        for frame in decoder.close():
            events += reader.feed(frame)
        events += reader.close()
    except Problem as problem:
        # A generator that raises has already given its events to whoever iterates.
        return events, problem
    return events, None


def example(name: str, size: int) -> tuple[list[Event], Problem | None]:
    return read(next(EXAMPLES.glob(f"{name}-*.sse")).read_bytes(), size)


def whole(name: str, size: int) -> Reply:
    events, problem = example(name, size)
    assert problem is None
    return fold(events)


def chunks(*deltas: dict[str, Any] | None, finish: str | None = "stop", **last: Any) -> bytes:
    """A stream of these deltas, then a finish and `[DONE]`."""
    payloads = [{"id": "c1", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    if finish:
        payloads.append(
            {"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
        )
    return stream(*payloads, *([last] if last else []), "[DONE]")


def stream(*payloads: Any) -> bytes:
    texts = [item if isinstance(item, str) else json.dumps(item) for item in payloads]
    return "".join(f"data: {text}\n\n" for text in texts).encode()


def reply(stream_bytes: bytes) -> Reply:
    events, problem = read(stream_bytes)
    assert problem is None
    return fold(events)


def call(index: Any = None, **more: Any) -> dict[str, Any]:
    function = {key: more.pop(key) for key in ("name", "arguments") if key in more}
    numbered = {} if index is None else {"index": index}
    return {"tool_calls": [numbered | more | {"function": function}]}


# ------------------------------------------------------------------------------------ examples


@SIZES
def test_gpt_text(size: int) -> None:
    assert whole("22", size) == Reply(
        "chatcmpl-EXs1", (Text("Hello, world ✓"),), StopReason.END, Usage(19, 6)
    )


@SIZES
def test_gpt_parallel_tools(size: int) -> None:
    answer = whole("23", size)
    assert answer.blocks == (
        ToolUse("call_aaa", "get_weather", '{"city":"Oslo"}'),
        ToolUse("call_bbb", "get_weather", '{"city":"Rome"}'),
    )
    assert (answer.reason, answer.usage) == (StopReason.TOOL_USE, Usage(88, 34))


@SIZES
def test_claude_reasoning_and_tool(size: int) -> None:
    answer = whole("24", size)
    thinking, text, tool = answer.blocks
    assert isinstance(thinking, Thinking)
    assert thinking.text == "The user wants the file list; call ls."
    opened = unseal(thinking.signature, "gc1.", "claude-x")
    assert opened is not None
    assert opened["o"].startswith("Ey+uRcMA7hui2iYw")
    assert text == Text("Listing the folder.")
    assert tool == ToolUse("toolu_01C", "ls", '{"path":"."}')
    assert answer.reason is StopReason.TOOL_USE
    assert answer.usage == Usage(378, 77, cache_read=1024)


@SIZES
def test_gemini_stop_with_tool(size: int) -> None:
    answer = whole("25", size)
    assert answer.text == "One moment."
    assert ToolUse("call_gem1", "search", '{"q":"x"}') in answer.blocks
    assert (answer.reason, answer.usage) == (StopReason.TOOL_USE, Usage(300, 41, reasoning=22))


@SIZES
def test_error_midway_comes_after_the_text(size: int) -> None:
    events, problem = example("26", size)
    assert [event.text for event in events if hasattr(event, "text")] == ["Partial ans"]
    assert isinstance(problem, UpstreamFault)
    assert "upstream connection was reset" in str(problem)
    assert not any(isinstance(event, End) for event in events)


@SIZES
@pytest.mark.parametrize(
    ("name", "text", "cause", "usage"),
    [("27", "Here is", "copyright", Usage(40, 5)), ("28", "No", "violence", None)],
)
def test_content_filter(name: str, text: str, cause: str, usage: Usage | None, size: int) -> None:
    answer = whole(name, size)
    assert (answer.text, answer.reason, answer.usage) == (text, StopReason.REFUSAL, usage)
    assert cause in answer.explanation


@SIZES
def test_a_cut_stream_is_an_error(size: int) -> None:
    events, problem = example("29", size)
    assert [event.text for event in events if hasattr(event, "text")] == ["Half a sen"]
    assert isinstance(problem, CutShort)


def test_the_stream_of_the_worked_example() -> None:
    """Interleaved calls over split choices, usage after the finish."""
    opening = call(0, id="call_1", type="function", name="read", arguments='{"p":"a')
    second = call(1, id="call_2", name="ls", arguments="")
    answer = reply(
        stream(
            {"choices": [], "prompt_filter_results": []},
            {
                "id": "c1",
                "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hm."}}],
            },
            {"id": "c1", "choices": [{"index": 1, "delta": opening}]},
            {"id": "c1", "choices": [{"index": 1, "delta": second}]},
            {"id": "c1", "choices": [{"index": 1, "delta": call(0, arguments='.txt"}')}]},
            {
                "id": "c1",
                "choices": [
                    {"index": 0, "delta": {}, "finish_reason": "stop"},
                    {"index": 1, "delta": {}, "finish_reason": "tool_calls"},
                ],
            },
            {
                "id": "c1",
                "choices": [],
                "usage": {
                    "prompt_tokens": 120,
                    "completion_tokens": 21,
                    "prompt_tokens_details": {"cached_tokens": 80},
                },
            },
            "[DONE]",
        )
    )
    assert answer == Reply(
        "c1",
        (Text("Hm."), ToolUse("call_1", "read", '{"p":"a.txt"}'), ToolUse("call_2", "ls", "")),
        StopReason.TOOL_USE,
        Usage(40, 21, cache_read=80),
    )


# ------------------------------------------------------------------------------------ calls


def test_calls_without_numbers_are_told_apart_by_id_or_by_order() -> None:
    by_id = reply(
        chunks(
            call(id="a", name="f", arguments='{"x"'),
            call(id="b", name="g", arguments='{"y"'),
            call(id="a", arguments=":1}"),
            call(id="b", arguments=":2}"),
        )
    )
    assert by_id.blocks == (ToolUse("a", "f", '{"x":1}'), ToolUse("b", "g", '{"y":2}'))
    in_order = reply(chunks(call(id="a", name="f", arguments='{"x"'), call(arguments=":1}")))
    assert in_order.blocks == (ToolUse("a", "f", '{"x":1}'),)


def test_every_call_numbered_nought_is_still_its_own_call() -> None:
    answer = reply(
        chunks(
            call(0, id="a", name="f", arguments="{}"),
            call(0, id="b", name="g", arguments='{"y":1}'),
        )
    )
    assert answer.blocks == (ToolUse("a", "f", "{}"), ToolUse("b", "g", '{"y":1}'))


def test_calls_under_one_id_are_told_apart_by_their_numbers() -> None:
    answer = reply(
        chunks(
            call(0, id="a", name="f", arguments='{"x"'),
            call(0, id="a", arguments=":1}"),
            call(1, id="a", name="f", arguments='{"y"'),
            call(1, id="a", arguments=":2}"),
        )
    )
    assert answer.blocks == (ToolUse("a", "f", '{"x":1}'), ToolUse("a_2", "f", '{"y":2}'))


def test_calls_of_different_choices_may_have_the_same_number() -> None:
    first = call(0, id="a", name="f", arguments="{}")
    second = call(0, id="b", name="g", arguments="{}")
    answer = reply(
        stream(
            {"choices": [{"index": 1, "delta": first}]},
            {"choices": [{"index": 2, "delta": second}]},
            {"choices": [{"index": 1, "finish_reason": "tool_calls"}]},
            "[DONE]",
        )
    )
    assert [block.id for block in answer.blocks if isinstance(block, ToolUse)] == ["a", "b"]


@pytest.mark.parametrize("noise", [None, 7, "", "again"])
def test_the_first_real_name_counts(noise: Any) -> None:
    answer = reply(
        chunks(
            call(0, id="a", name="f", arguments=""),
            call(0, name=noise, arguments="{}"),
        )
    )
    assert answer.blocks == (ToolUse("a", "f", "{}"),)


def test_a_name_after_its_arguments_and_an_id_that_never_comes() -> None:
    answer = reply(chunks(call(0, arguments='{"a":'), call(0, name="f", arguments="1}")))
    (block,) = answer.blocks
    assert isinstance(block, ToolUse)
    assert (block.name, block.arguments) == ("f", '{"a":1}')
    assert block.id.startswith("call_")


def test_a_call_that_never_gets_a_name_is_no_call() -> None:
    answer = reply(chunks(call(0, id="a", arguments="{}"), finish="tool_calls"))
    assert (answer.blocks, answer.reason) == ((), StopReason.END)


def test_the_legacy_function_call() -> None:
    legacy = [{"function_call": {"name": "f", "arguments": '{"a"'}}]
    legacy.append({"function_call": {"arguments": ":1}"}})
    answer = reply(chunks(*legacy, finish="function_call"))
    (block,) = answer.blocks
    assert isinstance(block, ToolUse)
    assert (block.name, block.arguments) == ("f", '{"a":1}')
    assert answer.reason is StopReason.TOOL_USE


def test_arguments_as_an_object() -> None:
    answer = reply(chunks(call(0, id="a", name="f", arguments={"x": [1]})))
    assert answer.blocks == (ToolUse("a", "f", '{"x":[1]}'),)


def test_a_call_cut_by_the_limit_is_not_a_call_to_run() -> None:
    answer = reply(chunks(call(0, id="a", name="f", arguments='{"p":"a'), finish="length"))
    assert answer.reason is StopReason.LENGTH
    assert answer.blocks == (ToolUse("a", "f", '{"p":"a'),)


# ------------------------------------------------------------------------------------ text


def test_white_space_before_a_call_is_dropped_and_before_words_kept() -> None:
    space = {"content": "\n\n"}
    called = reply(chunks(space, call(0, id="a", name="f", arguments="{}")))
    assert [type(block) for block in called.blocks] == [ToolUse]
    assert reply(chunks(space, {"content": "Hi"})).text == "\n\nHi"
    assert reply(chunks(space)).text == "\n\n"


def test_text_after_a_call_comes_after_it() -> None:
    answer = reply(
        chunks(
            call(0, id="a", name="f", arguments='{"x":'),
            {"content": "Meanwhile."},
            call(0, arguments="1}"),
        )
    )
    assert answer.blocks == (ToolUse("a", "f", '{"x":1}'), Text("Meanwhile."))


def test_content_parts_a_message_in_place_of_a_delta_and_a_refusal() -> None:
    parts = {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    assert reply(chunks(parts)).text == "ab"
    spoken = {"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}
    assert reply(stream(spoken, "[DONE]")).text == "whole"
    refused = reply(chunks({"refusal": "I "}, {"refusal": "won't."}))
    assert refused.blocks == (Text("I won't.", refusal=True),)
    assert refused.reason is StopReason.REFUSAL


@pytest.mark.parametrize("field", ["reasoning_text", "reasoning_content", "reasoning", "thinking"])
def test_reasoning_under_its_many_names(field: str) -> None:
    answer = reply(chunks({field: "hm"}, {"content": "4"}))
    assert answer.blocks == (Thinking("hm"), Text("4"))


def test_a_seal_in_pieces_or_alone() -> None:
    answer = reply(chunks({"reasoning_opaque": "AB"}, {"reasoning_opaque": "CD"}, {"content": "4"}))
    thinking, _ = answer.blocks
    assert isinstance(thinking, Thinking)
    assert unseal(thinking.signature, "gc1.", "claude-x") == {"o": "ABCD"}


def test_a_seal_that_is_repeated_is_one_seal() -> None:
    again = {"reasoning_opaque": "AB"}
    answer = reply(chunks(again, again, {"content": "4"}, again))
    assert [type(block) for block in answer.blocks] == [Thinking, Text]


# ------------------------------------------------------------------------------------ endings


@pytest.mark.parametrize("reasons", [("length", "tool_calls"), ("tool_calls", "length")])
def test_a_cut_choice_makes_the_whole_answer_cut(reasons: tuple[str, str]) -> None:
    ends = [
        {"index": place, "delta": {}, "finish_reason": reason}
        for place, reason in enumerate(reasons)
    ]
    opening = {"choices": [{"index": 1, "delta": call(0, id="a", name="f", arguments="{}")}]}
    assert reply(stream(opening, {"choices": ends}, "[DONE]")).reason is StopReason.LENGTH


def test_a_null_never_overwrites_a_count() -> None:
    first = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
    second = {"choices": [], "usage": {"prompt_tokens": None, "completion_tokens": 3}}
    finish = {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}
    assert reply(stream(first, finish, second, "[DONE]")).usage == Usage(5, 3)


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        ("stop", StopReason.END),
        ("length", StopReason.LENGTH),
        ("content_filter", StopReason.REFUSAL),
        ("tool_calls", StopReason.END),
        ("eos", StopReason.END),
    ],
)
def test_reasons_to_finish_without_calls(reason: str, meant: StopReason) -> None:
    assert reply(chunks({"content": "a"}, finish=reason)).reason is meant


@pytest.mark.parametrize(
    "usage_place", ["before", "with", "after"], ids=lambda place: f"usage {place} the finish"
)
def test_usage_is_told_with_the_end(usage_place: str) -> None:
    usage = {"usage": {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": None}}
    text = {"choices": [{"index": 0, "delta": {"content": "a"}}]}
    finish: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    early = {"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}}
    order = {
        "before": [early, text, {"choices": [], **usage}, finish],
        "with": [early, text, finish | usage],
        "after": [early, text, finish, {"choices": [], **usage}],
    }[usage_place]
    assert reply(stream(*order, "[DONE]")).usage == Usage(5, 2)


def test_only_usage_is_read_after_the_finish() -> None:
    tail = {"choices": [{"index": 0, "delta": {"content": "late"}}]}
    finish = {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}
    assert reply(stream(finish, tail, "[DONE]")).text == "a"


def test_an_end_without_done_is_an_end_if_a_reason_was_given() -> None:
    complete = chunks({"content": "a"}).removesuffix(b"data: [DONE]\n\n")
    assert reply(complete).text == "a"


@pytest.mark.parametrize(
    "given", [b"", b": only a comment\n\n", chunks({"content": "a"}, finish=None)]
)
def test_no_reason_no_end(given: bytes) -> None:
    events, problem = read(given)
    assert isinstance(problem, CutShort)
    assert not any(isinstance(event, End) for event in events)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 429, "message": "slow down"}, RateLimited),
        ({"code": "user_weekly_rate_limited:pro", "message": "m"}, RateLimited),
        ({"code": "model_overloaded", "message": "m"}, Overloaded),
        ({"code": "quota_exceeded", "message": "m"}, QuotaExhausted),
        ({"code": "content_filter", "message": "m"}, ContentFiltered),
        ({"message": "prompt token count of 9 exceeds the limit of 8"}, InputTooLarge),
        ({"type": "weird"}, UpstreamFault),
        ("just words", UpstreamFault),
    ],
)
def test_errors_in_the_stream_keep_their_meaning(error: Any, kind: type[Problem]) -> None:
    _, problem = read(stream({"error": error}))
    assert type(problem) is kind


def test_an_error_as_bare_json_at_the_end() -> None:
    events, problem = read(
        chunks({"content": "a"}, finish=None)[:-14] + b'{"error":{"message":"x"}}'
    )
    assert type(problem) is UpstreamFault
    assert any(isinstance(event, BlockStart) for event in events)


def test_a_damaged_event_in_the_middle_is_an_error() -> None:
    _, problem = read(stream('{"choices":[{', "[DONE]"))
    assert isinstance(problem, UpstreamFault)


def test_finish_reason_error_is_an_error() -> None:
    _, problem = read(chunks({"content": "a"}, finish="error"))
    assert isinstance(problem, UpstreamFault)


@pytest.mark.parametrize("junk", ["[]", "3", '{"choices":null}', '{"choices":[3]}', '{"x":1}', ""])
def test_what_is_no_chunk_is_ignored(junk: str) -> None:
    assert reply(stream(junk) + chunks({"content": "a"})).text == "a"


def test_the_start_is_told_once_with_the_first_real_id() -> None:
    filtered = {"choices": [], "id": "", "created": 0}
    events, _ = read(stream(filtered) + chunks({"content": "a"}, {"content": "b"}))
    assert [event for event in events if isinstance(event, Begin)] == [Begin("c1")]


def test_nothing_is_read_after_done() -> None:
    reader = OpenAIChat().reader(MODEL)
    list(reader.feed(Frame(b'{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}')))
    assert any(isinstance(event, End) for event in reader.feed(Frame(b"[DONE]")))
    assert list(reader.feed(Frame(b"[DONE]"))) == []
    assert list(reader.close()) == []
