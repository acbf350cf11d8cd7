"""Reads Copilot's streamed `/v1/messages` answer into canonical events (`translation.md` §6.6).

Tolerant of Copilot's accent: vendor extras, server-tool blocks (left out, so that indices stay
without gaps), counts that are null, input given at the start of a call, a trailing `[DONE]`. Strict
in one thing: without a stop reason from upstream there is no end (`security-rules.md` 20).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from copilot_desktop.blocks import BlockSequencer
from copilot_desktop.canonical import Event, StopReason
from copilot_desktop.dialects import Json
from copilot_desktop.dialects.anthropic_messages.failures import read_fault
from copilot_desktop.dialects.anthropic_messages.usage import merged, read_usage
from copilot_desktop.errors import CutShort, UpstreamFault
from copilot_desktop.model import Model
from copilot_desktop.runs import Runs, TextRun
from copilot_desktop.sealing import is_sealed, seal
from copilot_desktop.sse import Frame

_MARK = re.compile(rb'"text"\s*:\s*"')
_REASONS = {
    "end_turn": StopReason.END,
    "stop_sequence": StopReason.STOP_SEQUENCE,
    "tool_use": StopReason.TOOL_USE,
    "max_tokens": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.LENGTH,
    "pause_turn": StopReason.PAUSE,
    "refusal": StopReason.REFUSAL,
    "sensitive": StopReason.REFUSAL,
}


@dataclass(slots=True)
class _Block:
    """One content block on its way.

    `given` is input that stood in its start event and counts only if no other follows.
    """

    kind: str
    given: str = ""
    signature: str = ""


class MessagesReader:
    """One per stream."""

    def __init__(self, model: Model) -> None:
        self._model = model.id
        self._blocks = BlockSequencer()
        self._open: dict[int, _Block] = {}
        self._usage: Json = {}
        self._delta: Json = {}
        self._ended = False
        self._runs = Runs(_MARK)

    @property
    def run(self) -> TextRun | None:
        return self._runs.run

    def feed(self, frame: Frame) -> Iterator[Event]:
        """The events of one frame. Raises the Problem that upstream reports."""
        self._runs.run = None
        data = frame.data.strip()
        if self._ended or not data or data == b"[DONE]":
            return
        payload = _payload(frame)
        match payload.get("type") or frame.event:
            case "message_start":
                yield from self._start(payload.get("message"))
            case "content_block_start":
                yield from self._block_start(payload)
            case "content_block_delta":
                yield from self._block_delta(payload, frame.raw)
            case "content_block_stop":
                yield from self._block_stop(payload)
            case "message_delta":
                self._usage = merged(self._usage, payload.get("usage"))
                self._delta = merged(self._delta, payload.get("delta"))
            case "message_stop":
                yield from self._finish()
            case "error":
                raise read_fault(payload)
            case _ if "error" in payload:
                raise read_fault(payload)

    def close(self) -> Iterator[Event]:
        """The stream has ended. Raises CutShort if upstream never said why."""
        if not self._ended:
            yield from self._finish()

    # -------------------------------------------------------------------------- one event each

    def _start(self, message: Any) -> Iterator[Event]:
        message = message if isinstance(message, dict) else {}
        self._usage = merged(self._usage, message.get("usage"))
        identifier = message.get("id")
        known = read_usage(self._usage) if self._usage else None
        yield from self._blocks.begin(identifier if isinstance(identifier, str) else "", known)

    def _block_start(self, payload: Json) -> Iterator[Event]:
        index, start = _index(payload), payload.get("content_block")
        start = start if isinstance(start, dict) else {}
        block = self._open[index] = _Block(_text(start, "type"))
        match block.kind:
            case "text":
                yield from self._blocks.text(_text(start, "text"))
            case "thinking":
                block.signature = _text(start, "signature")
                if thought := _text(start, "thinking"):
                    yield from self._blocks.think(thought)
            case "redacted_thinking":
                yield from self._blocks.redacted(_text(start, "data"))
            case "tool_use":
                if given := start.get("input"):
                    block.given = json.dumps(given, separators=(",", ":"), ensure_ascii=False)
                call_id, name = _text(start, "id"), _text(start, "name")
                yield from self._blocks.call(index, call_id=call_id, name=name)

    def _block_delta(self, payload: Json, raw: bytes) -> Iterator[Event]:
        index, delta = _index(payload), payload.get("delta")
        block = self._open.get(index)
        if block is None or not isinstance(delta, dict):
            return
        match block.kind, delta.get("type"):
            case "text", "text_delta":
                yield from self._blocks.text(text := _text(delta, "text"))
                if text and (place := self._blocks.open_text) is not None:
                    self._runs.look(raw, place)
            case "thinking", "thinking_delta":
                if thought := _text(delta, "thinking"):
                    yield from self._blocks.think(thought)
            case "thinking", "signature_delta":
                block.signature += _text(delta, "signature")
            case "tool_use", "input_json_delta":
                if piece := _text(delta, "partial_json"):
                    block.given = ""
                    yield from self._blocks.arguments(index, piece)

    def _block_stop(self, payload: Json) -> Iterator[Event]:
        index = _index(payload)
        block = self._open.pop(index, None)
        match block:
            case _Block("text"):
                yield from self._blocks.end_block()
            case _Block("thinking", signature=signature):
                if signature and not is_sealed(signature):
                    signature = seal("gm1.", self._model, s=signature)
                if signature:
                    yield from self._blocks.think("", signature)
                yield from self._blocks.end_block()
            case _Block("tool_use"):
                if block.given:
                    yield from self._blocks.arguments(index, block.given)
                yield from self._blocks.end_call(index)

    def _finish(self) -> Iterator[Event]:
        reason = self._delta.get("stop_reason")
        if not isinstance(reason, str):
            raise CutShort
        self._ended = True
        if self._usage:
            self._blocks.usage(read_usage(self._usage))
        details = self._delta.get("stop_details")
        yield from self._blocks.finish(
            _REASONS.get(reason, StopReason.END),
            _text(self._delta, "stop_sequence") or None,
            _text(details, "explanation") if isinstance(details, dict) else "",
        )


def _payload(frame: Frame) -> Json:
    try:
        payload = frame.json()
    except (ValueError, RecursionError):
        raise UpstreamFault("A part of the answer could not be read.") from None
    return payload if isinstance(payload, dict) else {}


def _index(payload: Json) -> int:
    index = payload.get("index")
    return index if isinstance(index, int) else -1


def _text(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""
