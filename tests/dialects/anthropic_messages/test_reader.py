"""Copilot's native stream, with all its accent, becomes clean events or an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from copilot_desktop.canonical import (
    Event,
    Reply,
    StopReason,
    Text,
    Thinking,
    ToolUse,
    Usage,
    fold,
)
from copilot_desktop.errors import (
    ContentFiltered,
    CutShort,
    InputTooLarge,
    Overloaded,
    RateLimited,
    UpstreamFault,
)
from copilot_desktop.sealing import unseal

Read = Callable[..., list[Event]]
Example = Callable[[str], bytes]

START = {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 7}}}
STOP = {"type": "message_stop"}


def sse(*payloads: Any) -> bytes:
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (payload["type"].encode(), json.dumps(payload).encode())
        for payload in payloads
    )


def opened(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    block = {"type": kind, **fields}
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def closed(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ended(reason: str, **fields: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason, **fields}, "usage": {}}


def text(index: int, words: str) -> tuple[Any, ...]:
    return opened(index, "text", text=""), delta(index, "text_delta", text=words), closed(index)


def reply(read: Read, *payloads: Any) -> Reply:
    return fold(read(sse(*payloads)))


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_thinking_text_and_tool(read: Read, example: Example, size: int) -> None:
    found = fold(read(example("41-messages-stream-thinking-and-tool.sse"), size))
    thought, words, call = found.blocks
    assert isinstance(thought, Thinking)
    assert thought.text == "Need the file first."
    parts = unseal(thought.signature, "gm1.", "claude-sonnet-x")
    assert parts is not None
    assert parts["s"].startswith("DfjeqSky")
    assert words == Text("Reading it.")
    assert call == ToolUse("toolu_vrtx_01D", "read_file", '{"path": "a.py"}')
    assert found.reason is StopReason.TOOL_USE
    assert found.usage == Usage(3, 256, 18725, 409, 31)


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_an_error_in_the_stream(read: Read, example: Example, size: int) -> None:
    with pytest.raises(Overloaded):
        read(example("42-messages-stream-error.sse"), size)


@pytest.mark.parametrize("cut", range(1, 15))
def test_a_cut_stream_never_ends_normally(read: Read, example: Example, cut: int) -> None:
    frames = example("41-messages-stream-thinking-and-tool.sse").split(b"\n\n")
    with pytest.raises(CutShort):
        read(b"\n\n".join(frames[:cut]))


def test_half_a_frame_is_an_error(read: Read) -> None:
    with pytest.raises(UpstreamFault):
        read(sse(START, *text(0, "a")) + b'event: message_delta\ndata: {"type":"mess')


def test_the_end_may_lack_its_last_event(read: Read) -> None:
    assert reply(read, START, *text(0, "a"), ended("end_turn")).reason is StopReason.END


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", StopReason.END),
        ("stop_sequence", StopReason.STOP_SEQUENCE),
        ("max_tokens", StopReason.LENGTH),
        ("model_context_window_exceeded", StopReason.LENGTH),
        ("refusal", StopReason.REFUSAL),
        ("sensitive", StopReason.REFUSAL),
        ("pause_turn", StopReason.PAUSE),
        ("brand_new", StopReason.END),
    ],
)
def test_why_it_stopped(read: Read, word: str, reason: StopReason) -> None:
    found = reply(read, START, *text(0, "a"), ended(word, stop_sequence="X"), STOP)
    assert (found.reason, found.stop_sequence) == (reason, "X")


def test_a_refusal_says_why(read: Read) -> None:
    details = {"type": "refusal", "explanation": "policy"}
    assert reply(read, START, ended("refusal", stop_details=details), STOP).explanation == "policy"


def test_server_tools_leave_no_gap(read: Read) -> None:
    events = read(
        sse(
            START,
            *text(0, "a"),
            opened(1, "server_tool_use", id="srv_1", name="web_search", input={}),
            delta(1, "input_json_delta", partial_json='{"q":1}'),
            closed(1),
            opened(2, "web_search_tool_result", content=[]),
            closed(2),
            *text(3, "b"),
            ended("end_turn"),
            STOP,
        )
    )
    assert fold(events).blocks == (Text("a"), Text("b"))
    assert [event.index for event in events if hasattr(event, "block")] == [0, 1]


def test_input_that_comes_with_the_start(read: Read) -> None:
    call = opened(0, "tool_use", id="t", name="f", input={"a": 1})
    found = reply(read, START, call, closed(0), ended("tool_use"), STOP)
    assert found.blocks == (ToolUse("t", "f", '{"a":1}'),)
    piece = delta(0, "input_json_delta", partial_json='{"b":2}')
    found = reply(read, START, call, piece, closed(0), ended("tool_use"), STOP)
    assert found.blocks == (ToolUse("t", "f", '{"b":2}'),)


def test_a_call_that_was_cut_is_not_made_whole(read: Read) -> None:
    found = reply(
        read,
        START,
        opened(0, "tool_use", id="t", name="f", input={}),
        delta(0, "input_json_delta", partial_json='{"p":"a'),
        closed(0),
        ended("max_tokens"),
        STOP,
    )
    assert found.reason is StopReason.LENGTH
    assert found.blocks == (ToolUse("t", "f", '{"p":"a'),)


def test_hidden_thinking_keeps_its_signature(read: Read) -> None:
    found = reply(
        read,
        START,
        opened(0, "thinking", thinking="", signature=""),
        delta(0, "signature_delta", signature="SI"),
        delta(0, "signature_delta", signature="G"),
        closed(0),
        opened(1, "redacted_thinking", data="XX"),
        closed(1),
        *text(2, "a"),
        ended("end_turn"),
        STOP,
    )
    hidden, redacted, words = found.blocks
    assert isinstance(hidden, Thinking)
    assert unseal(hidden.signature, "gm1.", "claude-sonnet-x") == {"s": "SIG"}
    assert (redacted, words) == (Thinking("", redacted="XX"), Text("a"))


def test_counts_that_are_null_say_nothing(read: Read) -> None:
    news = {"output_tokens": 5, "input_tokens": None, "cache_read_input_tokens": None}
    last = {**ended("end_turn"), "usage": news}
    found = reply(read, START, *text(0, "a"), last, last, STOP, *text(1, "late"))
    assert found.usage == Usage(input=7, output=5)
    assert found.blocks == (Text("a"),)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        ({"type": "rate_limit_error", "message": "slow"}, RateLimited),
        ({"type": "api_error", "message": "Internal"}, UpstreamFault),
        ({"code": "content_filter", "message": "no"}, ContentFiltered),
        ({"message": "prompt token count of 9 exceeds the limit of 8"}, InputTooLarge),
        ("just words", UpstreamFault),
    ],
)
def test_errors_of_every_shape(read: Read, error: Any, problem: type[Exception]) -> None:
    for payload in ({"type": "error", "error": error}, {"error": error}):
        stream = b"data: " + json.dumps(payload).encode() + b"\n\n"
        with pytest.raises(problem):
            read(sse(START) + stream)
