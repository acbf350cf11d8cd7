"""Laws of this dialect: what is written is what is read, and no junk breaks it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.canonical import (
    Effort,
    Event,
    Reply,
    Request,
    StopReason,
    Text,
    Thinking,
    ToolUse,
    fold,
    unfold,
)
from copilot_desktop.dialects.openai_chat import OpenAIChat
from copilot_desktop.errors import InvalidRequest, Problem
from copilot_desktop.model import Model
from copilot_desktop.sealing import seal, unseal
from copilot_desktop.sse import Frame, FrameDecoder
from tests.laws import strategies

MODEL = Model("gpt-x", vendor="OpenAI", structured=True, efforts=tuple(Effort))
ASKED = Request("m", (), echo_usage=True)

_FIELDS = (
    "messages", "tools", "tool_choice", "stop", "max_tokens", "reasoning", "thinking", "n",
    "response_format", "stream_options", "temperature", "functions", "function_call", "modalities",
)  # fmt: skip
_PART_FIELDS = ("type", "text", "image_url", "file", "role", "content", "tool_calls", "function")
_ROLES = ("user", "assistant", "tool", "system", "function")

odd_messages = st.lists(
    st.dictionaries(
        st.sampled_from((*_PART_FIELDS, "tool_call_id", "name", "reasoning_opaque")),
        strategies.junk | st.sampled_from(_ROLES),
        max_size=5,
    )
    | st.fixed_dictionaries(
        {"role": st.sampled_from(_ROLES)},
        optional={
            "content": strategies.junk
            | st.lists(st.dictionaries(st.sampled_from(_PART_FIELDS), strategies.junk, max_size=3)),
            "tool_calls": strategies.junk,
            "tool_call_id": strategies.junk,
        },
    ),
    max_size=4,
)
odd_bodies = st.fixed_dictionaries(
    {"model": st.just("m"), "messages": odd_messages | strategies.junk},
    optional={name: strategies.junk for name in _FIELDS if name != "messages"},
)


def read_back(raw: bytes, size: int) -> Reply:
    decoder, reader, events = FrameDecoder(), OpenAIChat().reader(MODEL), list[Event]()
    for start in range(0, len(raw), size):
        for frame in decoder.feed(raw[start : start + size]):
            events += reader.feed(frame)
    return fold([*events, *reader.close()])


def write(reply: Reply) -> bytes:
    writer = OpenAIChat().writer(ASKED)
    return b"".join(writer.feed(event) for event in unfold(reply))


@given(strategies.ordered_replies(), st.sampled_from([1, 7, 4096]))
def test_what_the_writer_writes_the_reader_reads(reply: Reply, size: int) -> None:
    assert replace(read_back(write(reply), size), id="") == replace(reply, id="")


@given(st.lists(strategies.texts | strategies.thoughts | strategies.calls, max_size=6))
def test_nothing_is_lost_in_any_order(blocks: list[Any]) -> None:
    numbered = [
        replace(block, id=f"call_{place}") if isinstance(block, ToolUse) else block
        for place, block in enumerate(blocks)
    ]
    back = read_back(write(Reply("", tuple(numbered), StopReason.END)), 4096)
    assert back.text == "".join(block.text for block in numbered if isinstance(block, Text))
    made = [block for block in numbered if isinstance(block, ToolUse)]
    assert [block for block in back.blocks if isinstance(block, ToolUse)] == made
    thought = "".join(block.text for block in numbered if isinstance(block, Thinking))
    assert "".join(b.text for b in back.blocks if isinstance(b, Thinking)) == thought


@given(st.text(min_size=1, max_size=20))
def test_a_seal_survives_the_way_to_the_client(opaque: str) -> None:
    sealed = seal("gm1.", "claude", s=opaque)
    back = read_back(write(Reply("", (Thinking("hm", sealed), Text("4")), StopReason.END)), 7)
    thinking = back.blocks[0]
    assert isinstance(thinking, Thinking)
    opened = unseal(thinking.signature, "gc1.", MODEL.id)
    assert opened == {"o": sealed}


@given(strategies.ordered_replies())
def test_the_whole_answer_says_what_the_streamed_one_says(reply: Reply) -> None:
    whole = OpenAIChat().render_reply(reply, ASKED)
    (choice,) = whole["choices"]
    finish = {"finish_reason": choice["finish_reason"], "index": 0}
    message = {"choices": [{"message": choice["message"], **finish}], "usage": whole["usage"]}
    raw = b"data: " + json.dumps(message).encode() + b"\n\ndata: [DONE]\n\n"
    assert replace(read_back(raw, 4096), id="") == replace(reply, id="")


@given(strategies.requests())
def test_what_is_rendered_is_parsed_back(request: Request) -> None:
    body = OpenAIChat().render_request(request, MODEL)
    assert OpenAIChat().cannot(request, MODEL) == ()
    back = OpenAIChat().parse_request(json.loads(json.dumps(body)))
    assert back == replace(request, model="gpt-x", stream=True, echo_usage=True)


@given(odd_bodies)
def test_no_request_breaks_the_parser(body: dict[str, Any]) -> None:
    OpenAIChat().peek(body)
    try:
        request = OpenAIChat().parse_request(body)
    except InvalidRequest:
        return
    OpenAIChat().cannot(request, MODEL)
    json.dumps(OpenAIChat().render_request(request, MODEL))


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "id": strategies.junk,
                "usage": strategies.junk,
                "error": st.none() | strategies.junk,
                "choices": strategies.junk
                | st.lists(
                    st.dictionaries(
                        st.sampled_from(["index", "delta", "message", "finish_reason"]),
                        strategies.junk
                        | st.dictionaries(
                            st.sampled_from(["content", "tool_calls", "refusal", "function_call"]),
                            strategies.junk,
                        ),
                    ),
                    max_size=3,
                ),
            },
        ),
        max_size=4,
    )
)
def test_no_stream_breaks_the_reader(payloads: list[Any]) -> None:
    reader = OpenAIChat().reader(MODEL)
    events: list[Event] = []
    try:
        for payload in payloads:
            events += reader.feed(Frame(json.dumps(payload).encode()))
        events += reader.close()
    except Problem:
        return
    fold(events)
