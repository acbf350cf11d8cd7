"""Words of an answer, however its bytes are cut."""

from __future__ import annotations

import json
from typing import Any

import pytest

from copilot_desktop.core.answer_text import AnswerText, Speech


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


STREAMS: dict[Speech, bytes] = {
    "chat": sse(
        {"choices": [{"delta": {"reasoning_text": "hm"}}]},
        {"choices": [{"delta": {"content": "Grüß "}}]},
        {"choices": [{"delta": {"content": "dich"}}]},
        {"choices": [], "usage": {}},
    )
    + b"data: [DONE]\n\n",
    "responses": sse(
        {"type": "response.reasoning_summary_text.delta", "delta": "hm"},
        {"type": "response.output_text.delta", "delta": "Grüß "},
        {"type": "response.output_text.delta", "delta": "dich"},
        {"type": "response.completed", "response": {"output": [{"content": [{"text": "no"}]}]}},
    ),
    "messages": sse(
        {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Grüß "}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "dich"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    ),
    "ollama": b"".join(
        json.dumps({"message": piece}, ensure_ascii=False).encode() + b"\n"
        for piece in ({"thinking": "hm"}, {"content": "Grüß "}, {"content": "dich"})
    ),
}
WHOLE: dict[Speech, Any] = {
    "chat": {"choices": [{"message": {"reasoning_text": "hm", "content": "Grüß dich"}}]},
    "responses": {
        "output": [
            {"type": "reasoning", "summary": [{"text": "hm"}]},
            {"type": "message", "content": [{"text": "Grüß dich"}]},
        ]
    },
    "messages": {
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Grüß dich"}]
    },
    "ollama": {"message": {"thinking": "hm", "content": "Grüß dich"}},
}


def read(speech: Speech, content: bytes, size: int, *, stream: bool) -> tuple[str, str]:
    answer = AnswerText(speech, stream=stream)
    pieces = [
        piece
        for start in range(0, len(content), size)
        for piece in answer.feed(content[start : start + size])
    ] + answer.close()
    return tuple("".join(t for k, t in pieces if k == kind) for kind in ("thinking", "text"))  # type: ignore[return-value]


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize("speech", STREAMS)
def test_the_words_of_a_stream(speech: Speech, size: int) -> None:
    assert read(speech, STREAMS[speech], size, stream=True) == ("hm", "Grüß dich")


@pytest.mark.parametrize("speech", WHOLE)
def test_the_words_of_a_whole_answer(speech: Speech) -> None:
    content = json.dumps(WHOLE[speech]).encode()
    assert read(speech, content, 7, stream=False) == ("hm", "Grüß dich")


@pytest.mark.parametrize("place", ["delta", "message"])
def test_a_refusal_that_chat_keeps_apart_is_shown(place: str) -> None:
    said = {"choices": [{place: {"content": None, "refusal": "Not that."}}]}
    stream = place == "delta"
    content = sse(said) if stream else json.dumps(said).encode()
    assert read("chat", content, 9, stream=stream) == ("", "Not that.")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("speech", STREAMS)
@pytest.mark.parametrize(
    "odd", [b"{", b"[]", b'{"choices":7,"output":{},"content":"x","message":[],"delta":3}', b"\xff"]
)
def test_what_is_not_known_is_passed_over(speech: Speech, stream: bool, odd: bytes) -> None:
    content = odd if not stream or speech == "ollama" else b"data: " + odd + b"\n\n"
    assert read(speech, content + b"\n", 3, stream=stream) == ("", "")
