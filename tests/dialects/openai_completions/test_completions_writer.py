"""How a legacy completion is told."""

from __future__ import annotations

import json

import pytest

from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockEnd,
    BlockStart,
    Reply,
    Request,
    StopReason,
    Text,
    Thinking,
    ToolUse,
    Usage,
    unfold,
)
from copilot_desktop.dialects.openai_completions import OpenAICompletions
from copilot_desktop.errors import CutShort
from copilot_desktop.sse import FrameDecoder

DIALECT = OpenAICompletions()
REQUEST = Request("spelled/so", (), stream=True)
SOME = Usage(7, 3)
COUNTED = Request("spelled/so", (), stream=True, echo_usage=True)


def told(reply, request=REQUEST):
    writer = DIALECT.writer(request)
    raw = b"".join(writer.feed(event) for event in unfold(reply))
    *frames, last = [frame.data for frame in FrameDecoder().feed(raw)]
    assert last == b"[DONE]"
    return [json.loads(frame) for frame in frames]


def reply(*blocks, reason=StopReason.END, usage=SOME):
    return Reply("r", blocks, reason, usage)


def test_a_stream_has_text_one_reason_and_the_same_head_throughout():
    chunks = told(reply(Thinking("hm"), Text("one "), Text("two")))
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "one two"
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]
    heads = {(c["id"], c["object"], c["created"], c["model"]) for c in chunks}
    ((identifier, kind, _, model),) = heads
    assert identifier.startswith("cmpl-")
    assert (kind, model) == ("text_completion", "spelled/so")
    assert all(chunk["choices"][0]["logprobs"] is None for chunk in chunks)
    assert all("usage" not in chunk for chunk in chunks)


@pytest.mark.parametrize(("usage", "counts"), [(Usage(7, 3, 2), (9, 3)), (None, (1, 2))])
def test_the_counts_come_last_and_only_if_they_were_asked_for(usage, counts):
    last = told(reply(Text("12345678"), usage=usage), COUNTED)[-1]
    assert last["choices"] == []
    assert (last["usage"]["prompt_tokens"], last["usage"]["completion_tokens"]) == counts
    assert last["usage"]["total_tokens"] == sum(counts)


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (StopReason.END, "stop"), (StopReason.STOP_SEQUENCE, "stop"), (StopReason.PAUSE, "stop"),
        (StopReason.LENGTH, "length"), (StopReason.REFUSAL, "content_filter"),
        (StopReason.TOOL_USE, "stop"),
    ],
)  # fmt: skip
def test_every_ending_has_a_word_of_this_format(reason, word):
    whole = DIALECT.render_reply(reply(Text("a"), reason=reason), REQUEST)
    assert whole["choices"][0]["finish_reason"] == word
    assert told(reply(Text("a"), reason=reason))[-1]["choices"][0]["finish_reason"] == word


def test_a_whole_answer_is_the_folded_stream_with_counts():
    said = reply(Thinking("hm"), Text("no", refusal=True), ToolUse("c", "t", "{}"))
    whole = DIALECT.render_reply(said, REQUEST)
    assert whole["object"] == "text_completion"
    assert whole["choices"] == [
        {"text": "no", "index": 0, "logprobs": None, "finish_reason": "stop"}
    ]
    assert whole["usage"]["total_tokens"] == 10
    assert whole["model"] == "spelled/so"


def test_a_broken_stream_ends_with_an_error_and_without_an_end():
    writer = DIALECT.writer(REQUEST)
    raw = writer.feed(Begin()) + writer.feed(BlockStart(0, Text("")))
    raw += writer.feed(BlockDelta(0, "half")) + writer.feed(BlockEnd(0)) + writer.fail(CutShort())
    frames = [json.loads(frame.data) for frame in FrameDecoder().feed(raw)]
    assert frames[-1]["error"]["code"] == "cut_short"
    assert b"[DONE]" not in raw
    assert b'"finish_reason":"' not in raw
