"""Laws of the pass-through path, for all three endpoints alike."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.canonical import Effort
from copilot_desktop.errors import InvalidRequest, Problem
from copilot_desktop.model import CHAT, MESSAGES, RESPONSES, Model
from copilot_desktop.sse import FrameDecoder, encode_json
from copilot_desktop.upstream.quirks import quirks_for
from tests.laws import junk

MODELS = (
    Model("m", vendor="OpenAI", vision=True, structured=True, efforts=(Effort.LOW,)),
    Model("m", vendor="Anthropic", thinking="budget"),
    Model("m", vendor="Anthropic", vision=True, thinking="required", efforts=(Effort.LOW,)),
)
EVENTS = {
    CHAT: ("",),
    RESPONSES: ("response.created", "response.output_item.added", "response.output_item.done",
                "response.output_text.delta", "response.function_call_arguments.delta",
                "response.completed", "response.failed", "error"),
    MESSAGES: ("message_start", "content_block_start", "content_block_delta", "content_block_stop",
               "message_delta", "message_stop", "error", "ping"),
}  # fmt: skip
each_endpoint = pytest.mark.parametrize("endpoint", sorted(EVENTS))


@each_endpoint
@given(body=junk.bodies, model=st.sampled_from(MODELS))
def test_no_request_breaks_them_or_is_changed_in_place(
    endpoint: str, body: dict[str, Any], model: Model
) -> None:
    before = copy.deepcopy(body)
    try:
        fixed = quirks_for(endpoint).fix_request(body, model, ("some-beta-1",))
    except InvalidRequest:
        fixed = None
    assert body == before
    json.dumps(fixed.body if fixed else None)


@each_endpoint
@given(body=junk.bodies, data=st.data())
def test_no_stream_breaks_them(endpoint: str, body: dict[str, Any], data: st.DataObject) -> None:
    stream = quirks_for(endpoint).stream(body, "mine")
    for _ in range(data.draw(st.integers(0, 5))):
        event = data.draw(st.sampled_from(EVENTS[endpoint]))
        payload = data.draw(junk.payloads) | ({"type": event} if event else {})
        for frame in FrameDecoder().feed(encode_json(payload, event)):
            out = stream.feed(frame)
            assert out == b"" or out.endswith(b"\n")


@each_endpoint
@given(reply=junk.payloads)
def test_no_answer_breaks_them(endpoint: str, reply: dict[str, Any]) -> None:
    try:
        json.dumps(quirks_for(endpoint).fix_reply(reply, "mine"))
    except Problem:
        return


@each_endpoint
@given(pieces=st.lists(st.binary(max_size=20), max_size=4))
def test_bytes_that_are_no_json_never_become_an_end(endpoint: str, pieces: list[bytes]) -> None:
    stream, decoder = quirks_for(endpoint).stream({"model": "m"}, "mine"), FrameDecoder()
    frames = [frame for piece in pieces for frame in decoder.feed(b"data: " + piece + b"\n\n")]
    for frame in [*frames, *decoder.close()]:
        stream.feed(frame)
    assert not stream.complete
