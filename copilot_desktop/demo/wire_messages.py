"""`/v1/messages` as Copilot writes it (`upstream.md` 8.3): Anthropic's format with additions.

`copilot_usage` on the last delta, a trailing `[DONE]`, ids of three back ends, metrics of one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from copilot_desktop.demo import opaque
from copilot_desktop.demo.voice import Call, Fail, Say, Think, Wait
from copilot_desktop.demo.wire import DONE, Frames, Reply, fragments, frame

THOUGHT = "messages"
HIDDEN_THOUGHT = "messages-redacted"
_REASONS = {
    "end": "end_turn",
    "tool": "tool_use",
    "length": "max_tokens",
    "stop": "stop_sequence",
    "filter": "refusal",
}
_BACK_ENDS = ("01", "bdrk_01", "vrtx_01")


class Messages:
    """One reply in this format."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        place = int(opaque.hexes(reply.label, 2), 16) % len(_BACK_ENDS)
        self._bedrock = _BACK_ENDS[place].startswith("bdrk")
        self._id = f"msg_{_BACK_ENDS[place]}{opaque.word(reply.label, 22)}"

    def _usage(self, output: int, thinking: int) -> dict[str, Any]:
        reply = self._reply
        return {
            "cache_creation": {
                "ephemeral_1h_input_tokens": 0,
                "ephemeral_5m_input_tokens": reply.written,
            },
            "cache_creation_input_tokens": reply.written,
            "cache_read_input_tokens": reply.cached,
            "inference_geo": "global",
            "input_tokens": reply.prompt - reply.cached - reply.written,
            "output_tokens": output,
            "output_tokens_details": {"thinking_tokens": thinking},
        }

    def _ended(self) -> dict[str, Any]:
        stop = self._reply.stop
        return {"stop_reason": _REASONS[stop.reason], "stop_sequence": stop.sequence}

    def _shown(self, thought: Think) -> str:
        return thought.text if self._reply.ask.show_thought else ""

    # One answer.

    def whole(self) -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        reply = self._reply
        return {
            "content": list(self._blocks()),
            **reply.billing(),
            "id": self._id,
            "model": reply.facts.spelled,
            "role": "assistant",
            "stop_details": None,
            **self._ended(),
            "type": "message",
            "usage": self._usage(reply.output, reply.thinking),
        }

    def _blocks(self) -> Iterator[dict[str, Any]]:
        number = 0
        for beat in self._reply.beats:
            if isinstance(beat, Think):
                text = self._shown(beat)
                yield (
                    _hidden(beat)
                    if beat.hidden
                    else {
                        "type": "thinking",
                        "thinking": text,
                        "signature": opaque.signature(THOUGHT, text),
                    }
                )
            elif isinstance(beat, Say) and beat.text:
                yield {"text": beat.text, "type": "text"}
            elif isinstance(beat, Call):
                yield {**self._tool(number, beat), "input": _object(beat.text)}
                number += 1

    def _tool(self, number: int, call: Call) -> dict[str, Any]:
        return {"type": "tool_use", "id": self._reply.call_id(number), "name": call.name}

    # Streams.

    def stream(self) -> Frames:
        """The frames of a streamed answer."""
        reply = self._reply
        message: dict[str, Any] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": reply.facts.spelled,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": self._usage(1, 0),
        }
        yield _event("message_start", message=message)
        index = number = 0
        for beat in reply.beats:
            if isinstance(beat, Wait):
                yield beat
                continue
            if isinstance(beat, Fail):
                error = {"type": "api_error", "message": beat.message}
                yield _event("error", error=error)
                return
            if isinstance(beat, Think):
                yield from self._think(index, beat)
            elif isinstance(beat, Say) and beat.text:
                yield from _block(index, _EMPTY_TEXT, "text_delta", "text", fragments(beat.text))
            elif isinstance(beat, Call):
                start = {**self._tool(number, beat), "input": {}}
                pieces = ("", *fragments(beat.text))
                yield from _block(index, start, "input_json_delta", "partial_json", iter(pieces))
                number += 1
            else:
                continue
            if index == 0:
                yield _event("ping")
            index += 1
        yield from self._ending()

    def _think(self, index: int, thought: Think) -> Iterator[bytes]:
        if thought.hidden:
            yield _event("content_block_start", index=index, content_block=_hidden(thought))
            yield _event("content_block_stop", index=index)
            return
        text = self._shown(thought)
        signature = {"type": "signature_delta", "signature": opaque.signature(THOUGHT, text)}
        start = {"type": "thinking", "thinking": "", "signature": ""}
        *frames, stop = _block(index, start, "thinking_delta", "thinking", fragments(text))
        yield from frames
        yield _event("content_block_delta", index=index, delta=signature)
        yield stop

    def _ending(self) -> Iterator[bytes]:
        reply = self._reply
        yield _event(
            "message_delta",
            **reply.billing(),
            delta=self._ended(),
            usage=self._usage(reply.output, reply.thinking),
        )
        metrics = {
            "inputTokenCount": reply.prompt,
            "outputTokenCount": reply.output,
            "invocationLatency": 4100,
            "firstByteLatency": 900,
        }
        extra = {"amazon-bedrock-invocationMetrics": metrics} if self._bedrock else {}
        yield _event("message_stop", **extra)
        yield DONE


_EMPTY_TEXT = {"type": "text", "text": ""}


def _hidden(thought: Think) -> dict[str, Any]:
    data = opaque.signature(HIDDEN_THOUGHT, "") + opaque.hexes(thought.text, 8)
    return {"type": "redacted_thinking", "data": data}


def hidden_is_ours(data: object) -> bool:
    """True for the data of a thought that was handed over encrypted."""
    return isinstance(data, str) and data.startswith(opaque.signature(HIDDEN_THOUGHT, ""))


def _object(text: str) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _block(
    index: int, start: dict[str, Any], kind: str, field: str, pieces: Iterator[str]
) -> Iterator[bytes]:
    yield _event("content_block_start", index=index, content_block=start)
    for piece in pieces:
        yield _event("content_block_delta", index=index, delta={"type": kind, field: piece})
    yield _event("content_block_stop", index=index)


def _event(kind: str, **fields: Any) -> bytes:
    return frame({"type": kind, **fields}, kind)
