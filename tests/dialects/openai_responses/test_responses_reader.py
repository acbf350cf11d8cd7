"""Copilot's stream, read: the examples, and each way in which upstream deviates."""

from __future__ import annotations

import json

import pytest

from copilot_desktop.canonical import BlockDelta, StopReason, Text, Thinking, ToolUse, Usage
from copilot_desktop.errors import (
    CutShort,
    InputTooLarge,
    Overloaded,
    QuotaExhausted,
    RateLimited,
    UpstreamFault,
)
from copilot_desktop.sealing import unseal
from copilot_desktop.sse import Frame, FrameDecoder

from .responses_samples import DIALECT, EXAMPLES, MODEL, events_of, final, reply_of, stream

SIZES = [1, 7, 4096]
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "status": "completed"}


def added(index: int, **item: object) -> dict:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, **item: object) -> dict:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def delta(kind: str, text: str, index: int = 0, **extra: object) -> dict:
    return {"type": f"response.{kind}.delta", "output_index": index, "delta": text, **extra}


def example(name: str) -> bytes:
    return (EXAMPLES / name).read_bytes()


# ------------------------------------------------------------------------------------ examples


@pytest.mark.parametrize("size", SIZES)
def test_churning_ids(size):
    reply = reply_of(example("31-responses-stream-churning-ids.sse"), size)
    thought, text, call = reply.blocks
    assert thought.text == "Checking the weather tool."
    assert text == Text("Let me check.")
    assert call == ToolUse("call_Zx9", "get_weather", '{"city":"Oslo"}')
    assert reply.reason is StopReason.TOOL_USE
    assert reply.usage == Usage(input=64, output=71, cache_read=256, reasoning=32)
    sealed = unseal(thought.signature, "gr1.", MODEL.id)
    assert sealed is not None
    # Both of the `done` event: another event's id would not fit this reasoning.
    assert sealed["i"].startswith("yivEdOPJnrfs")
    assert sealed["e"].startswith("07r8M8tqO/b5")


@pytest.mark.parametrize("size", SIZES)
def test_incomplete(size):
    reply = reply_of(example("32-responses-stream-incomplete.sse"), size)
    assert (reply.text, reply.reason) == ("Once upon", StopReason.LENGTH)
    assert reply.usage == Usage(input=12, output=16)


@pytest.mark.parametrize("size", SIZES)
def test_failed(size):
    with pytest.raises(UpstreamFault, match="The model produced an error"):
        events_of(example("33-responses-stream-failed.sse"), size)


@pytest.mark.parametrize("size", SIZES)
def test_the_unstreamed_answer_as_a_final_event_alone(size):
    response = json.loads(example("30-responses-nonstream.json"))
    data = stream({"type": "response.completed", "response": response})
    reply = reply_of(data, size)
    assert [type(block) for block in reply.blocks] == [Thinking, Text]
    assert reply.text == "It is sunny."
    assert reply.blocks[0].signature
    assert reply.usage == Usage(input=50, output=40, reasoning=24)


def test_the_websocket_turn_and_its_error_frame():
    received = [
        line["frame"]
        for line in map(json.loads, example("34-responses-websocket.jsonl").splitlines())
        if line["dir"] == "recv"
    ]
    good, bad = received[:4], received[4:]
    assert reply_of(stream(*good)).text == "Hi!"
    with pytest.raises(RateLimited) as limited:
        events_of(stream(*bad))
    assert limited.value.code == "user_weekly_rate_limited:pro"


# ------------------------------------------------------------------------------------- endings


@pytest.mark.parametrize("cut", [1, 400, 5000, 9000, 16000])
def test_a_cut_stream_is_never_a_complete_answer(cut):
    with pytest.raises(CutShort):
        events_of(example("31-responses-stream-churning-ids.sse")[:cut])


def test_a_stream_without_anything_is_cut():
    with pytest.raises(CutShort):
        events_of(b"")


def test_text_before_an_error_is_told_first():
    data = stream(
        delta("output_text", "Partial"), {"type": "error", "code": "server_error", "message": "x"}
    )
    reader = DIALECT.reader(MODEL)
    frames = list(FrameDecoder().feed(data))
    assert BlockDelta(0, "Partial") in list(reader.feed(frames[0]))
    with pytest.raises(UpstreamFault):
        list(reader.feed(frames[1]))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "rate_limit_exceeded", "message": "slow"}, RateLimited),
        ({"error": {"code": "model_overloaded", "message": "busy"}}, Overloaded),
        ({"error": {"code": "quota_exceeded", "message": "none left"}}, QuotaExhausted),
        ({"error": "plain words"}, UpstreamFault),
        ({}, UpstreamFault),
    ],
)
def test_both_forms_of_the_error_event(error, kind):
    with pytest.raises(kind):
        events_of(stream({"type": "error", **error}))


def test_an_error_without_any_type():
    with pytest.raises(UpstreamFault, match="words"):
        list(DIALECT.reader(MODEL).feed(Frame(b'{"error":{"message":"words"}}')))


def test_overflow_in_the_stream_keeps_its_numbers():
    message = "prompt token count of 140211 exceeds the limit of 128000"
    failed = final([], "failed", error={"code": "context_length_exceeded", "message": message})
    with pytest.raises(InputTooLarge) as problem:
        events_of(stream(failed))
    assert problem.value.fields == {"tokens": "140211", "limit": "128000"}


def test_a_cancelled_response_is_no_answer():
    with pytest.raises(UpstreamFault):
        events_of(stream(final([], "cancelled")))


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"reason": "max_output_tokens"}, StopReason.LENGTH),
        ({"reason": "content_filter"}, StopReason.REFUSAL),
        ({"reason": "steered"}, StopReason.PAUSE),
        (None, StopReason.PAUSE),
    ],
)
def test_reasons_of_incompleteness(details, reason):
    data = stream(delta("output_text", "x"), final([], "incomplete", incomplete_details=details))
    assert reply_of(data).reason is reason


def test_an_event_that_is_not_json_is_a_fault():
    with pytest.raises(UpstreamFault):
        events_of(b"data: {broken\n\n" + stream(final([])))


def test_noise_is_ignored():
    noise = b": comment\n\nevent: ping\ndata: {}\n\ndata: []\n\ndata: [DONE]\n\n"
    unknown = {"type": "response.web_search_call.searching", "output_index": 0}
    data = noise + stream(unknown, delta("output_text", "x"), final([])) + noise
    assert reply_of(data).text == "x"


# ---------------------------------------------------------------------------------- only at the end


def test_texts_that_came_in_no_delta():
    parts = [{"type": "output_text", "text": "b"}, {"type": "refusal", "refusal": "c"}]
    data = stream(
        {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "a"},
        done(0, type="message", content=[{"type": "output_text", "text": "a"}]),
        done(1, type="message", content=parts),
        final(
            [
                {"type": "message", "content": [{"type": "output_text", "text": "a"}]},
                {"type": "message", "content": parts},
                {"type": "message", "content": [{"type": "output_text", "text": "d"}]},
            ]
        ),
    )
    assert reply_of(data).blocks == (Text("a"), Text("b"), Text("c", True), Text("d"))


def test_the_answer_proper_is_a_paragraph_of_its_own():
    """Most formats have room for one text: what was said on the way ran into the answer."""

    def message(phase: str, text: str) -> dict:
        content = [{"type": "output_text", "text": text}, {"type": "output_text", "text": "."}]
        return {"type": "message", "phase": phase, "content": content}

    way, answer = message("commentary", "I look"), message("final_answer", "Sunny")
    whole = final([way, answer])
    deltas = (
        added(0, **way | {"content": []}),
        delta("output_text", "I look"),
        done(0, **way),
        added(1, **answer | {"content": []}),
        delta("output_text", "Sun", 1),
        delta("output_text", "ny", 1),
    )
    for payloads in ((*deltas, whole), (done(0, **way), done(1, **answer), whole), (whole,)):
        assert reply_of(stream(*payloads)).text == "I look.\n\nSunny."


def test_a_call_known_only_from_its_finished_item():
    data = stream(done(0, **CALL, arguments='{"a":1}'), final([]))
    reply = reply_of(data)
    assert reply.blocks == (ToolUse("c1", "f", '{"a":1}'),)
    assert reply.reason is StopReason.TOOL_USE


def test_a_call_named_late_and_argument_deltas_that_are_no_json():
    data = stream(
        added(0, type="function_call", arguments=""),
        delta("function_call_arguments", "gAAAAxyz"),
        {
            "type": "response.function_call_arguments.done",
            "output_index": 0,
            "arguments": '{"a":1}',
        },
        done(0, **CALL, arguments='{"a":1}'),
        final([]),
    )
    assert reply_of(data).blocks == (ToolUse("c1", "f", '{"a":1}'),)


def test_arguments_that_change_afterwards_are_a_fault():
    data = stream(
        added(0, **CALL, arguments=""),
        delta("function_call_arguments", '{"a":1'),
        done(0, **CALL, arguments='{"b":2}'),
    )
    with pytest.raises(UpstreamFault):
        events_of(data)


def test_a_call_cut_by_the_limit_is_not_mended_into_a_whole_one():
    cut = CALL | {"status": "incomplete", "arguments": '{"p":"a'}
    data = stream(
        added(0, **CALL, arguments=""),
        delta("function_call_arguments", '{"p":"a'),
        done(0, **cut),
        final([cut], "incomplete", incomplete_details={"reason": "max_output_tokens"}),
    )
    reply = reply_of(data)
    assert reply.reason is StopReason.LENGTH
    assert reply.blocks == (ToolUse("c1", "f", '{"p":"a'),)


def test_free_text_of_custom_tools_becomes_a_field():
    text = 'line "one"\n\tü \\ end'
    call = {"type": "custom_tool_call", "call_id": "c1", "name": "patch"}
    data = stream(
        added(0, **call, input=""),
        *[delta("custom_tool_call_input", character) for character in text],
        {"type": "response.custom_tool_call_input.done", "output_index": 0, "input": text},
        done(0, **call, input=text),
        final([]),
    )
    (block,) = reply_of(data).blocks
    assert json.loads(block.arguments) == {"input": text}


def test_two_calls_and_text_after_them_in_order():
    data = stream(
        added(0, **CALL, arguments=""),
        delta("function_call_arguments", "{}"),
        done(0, **CALL, arguments="{}"),
        added(1, **CALL | {"call_id": "c2", "name": "g"}, arguments=""),
        done(1, **CALL | {"call_id": "c2", "name": "g"}, arguments=""),
        delta("output_text", "after", 2),
        final([]),
    )
    assert reply_of(data).blocks == (
        ToolUse("c1", "f", "{}"),
        ToolUse("c2", "g", ""),
        Text("after"),
    )


# ----------------------------------------------------------------------------------- reasoning


def test_summary_parts_are_paragraphs_of_one_thought():
    part = {"type": "response.reasoning_summary_part.added", "output_index": 0}
    data = stream(
        part | {"summary_index": 0},
        delta("reasoning_summary_text", "Check A.", summary_index=0),
        part | {"summary_index": 1},
        delta("reasoning_summary_text", "Then B.", summary_index=1),
        done(0, type="reasoning", id="rs_UP", encrypted_content="ENC", summary=[]),
        final([]),
    )
    (thought,) = reply_of(data).blocks
    assert thought.text == "Check A.\n\nThen B."
    assert unseal(thought.signature, "gr1.", MODEL.id) == {"i": "rs_UP", "e": "ENC"}


def test_reasoning_without_summary_keeps_its_seal_and_without_either_is_nothing():
    item = {"type": "reasoning", "id": "rs_1", "summary": []}
    (thought,) = reply_of(stream(done(0, **item, encrypted_content="E"), final([]))).blocks
    assert (thought.text, bool(thought.signature)) == ("", True)
    assert reply_of(stream(done(0, **item), final([]))).blocks == ()


# --------------------------------------------------------------------------------------- usage


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input_tokens": 17, "output_tokens": 9}, Usage(17, 9)),
        (
            {
                "input_tokens": 17,
                "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2},
                "output_tokens": 9,
                "output_tokens_details": {"reasoning_tokens": 6},
                "total_tokens": 26,
            },
            Usage(10, 9, 5, 2, 6),
        ),
        (
            {
                "input_tokens": 10,
                "output_tokens": 4,
                "output_tokens_details": {"reasoning_tokens": 6},
                "total_tokens": 20,
            },
            Usage(10, 10, reasoning=6),
        ),
        ({"input_tokens": None, "input_tokens_details": None, "output_tokens": "x"}, Usage()),
        ({"input_tokens": 3, "input_tokens_details": {"cached_tokens": 5}}, Usage(0, 0, 5)),
    ],
)
def test_usage(usage, expected):
    assert DIALECT.read_usage(usage) == expected
