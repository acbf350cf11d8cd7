"""Copilot's Chat Completions stream, read into events (`translation.md` §6.3, `upstream.md` §6.3).

Reads what Copilot really sends: several choices that are one message, chunks without choices,
calls without index, `stop` after a tool call, usage anywhere, an error object in place of a chunk.
Order and grammar are the business of `BlockSequencer`. Reasoning is sealed for the model it came
from. A stream that ends without a finish reason is an error, never a made-up end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from copilot_desktop import json_bytes
from copilot_desktop.blocks import BlockSequencer
from copilot_desktop.canonical import Event, StopReason
from copilot_desktop.dialects.openai_chat.problems import problem_of
from copilot_desktop.dialects.openai_chat.usage import merged, read_usage
from copilot_desktop.errors import CutShort, UpstreamFault
from copilot_desktop.fragments import CallKeys
from copilot_desktop.model import Model
from copilot_desktop.runs import Runs, TextRun
from copilot_desktop.sealing import seal
from copilot_desktop.sse import Frame

DONE = b"[DONE]"

_MARK = re.compile(rb'"content"\s*:\s*"')
_THOUGHTS = ("reasoning_text", "reasoning_content", "reasoning", "thinking", "cot_summary")
_OPAQUES = ("reasoning_opaque", "encrypted", "cot_id", "signature")
_BESIDE_TEXT = frozenset({
    *_THOUGHTS, *_OPAQUES, "refusal", "tool_calls", "toolCalls", "function_call",
})  # fmt: skip
_REASONS = {
    "length": StopReason.LENGTH,
    "content_filter": StopReason.REFUSAL,
    "tool_calls": StopReason.TOOL_USE,
    "function_call": StopReason.TOOL_USE,
}
# Split choices may end for different reasons: a cut call must not look complete.
_RANK = (StopReason.END, StopReason.TOOL_USE, StopReason.REFUSAL, StopReason.LENGTH)
_CAUSES = {
    "TextCopyright": "copyright",
    "Sexual": "sexual",
    "SexualPattern": "sexual",
    "Violence": "violence",
    "HateSpeech": "hate",
    "HateSpeechPattern": "hate",
    "SelfHarm": "self_harm",
    "PromptPromBlockList": "blocked prompt",
}


class ChatReader:
    """One per stream. `feed` may raise a Problem; after that nothing more is read."""

    __slots__ = (
        "_calls",
        "_cause",
        "_done",
        "_finished",
        "_model",
        "_opaque",
        "_reason",
        "_runs",
        "_sequence",
        "_signed",
        "_usage",
    )

    def __init__(self, model: Model) -> None:
        self._model = model
        self._sequence = BlockSequencer()
        self._calls = CallKeys()
        self._opaque = ""
        self._signed = ""
        self._finished: set[int] = set()
        self._usage: dict[str, Any] = {}
        self._reason: StopReason | None = None
        self._cause = ""
        self._done = False
        self._runs = Runs(_MARK)

    @property
    def run(self) -> TextRun | None:
        return self._runs.run

    def feed(self, frame: Frame) -> Iterator[Event]:
        self._runs.run = None
        if self._done:
            return
        data = frame.data.strip()
        if data == DONE:
            yield from self.close()
            return
        payload = _payload(frame, data)
        if payload is None:
            return
        if error := payload.get("error"):
            self._done = True
            raise problem_of(error)
        if isinstance(usage := payload.get("usage"), dict):
            self._usage = merged(self._usage, usage)
        choices = payload.get("choices")
        if not isinstance(choices, list) or not choices:
            return
        reply_id = payload.get("id")
        yield from self._sequence.begin(reply_id if isinstance(reply_id, str) else "")
        for place, choice in enumerate(choices):
            if isinstance(choice, dict):
                yield from self._choice(choice, place)
        self._look(frame.raw, choices[0] if len(choices) == 1 else None)

    def close(self) -> Iterator[Event]:
        if self._done:
            return
        self._done = True
        if self._reason is None:
            raise CutShort
        yield from self._sign()
        if self._usage:
            self._sequence.usage(read_usage(self._usage))
        explanation = f"Stopped by GitHub's content filter: {self._cause}." if self._cause else ""
        refused = self._reason is StopReason.REFUSAL
        yield from self._sequence.finish(self._reason, None, explanation if refused else "")

    def _look(self, raw: bytes, choice: Any) -> None:
        """Was this frame text and nothing else, and would another text be the same?"""
        delta = choice.get("delta") if isinstance(choice, dict) else None
        block = self._sequence.open_text
        if block is None or self._opaque or self._finished or not isinstance(delta, dict):
            return
        text = delta.get("content")
        if text and isinstance(text, str) and _is_text(delta):
            self._runs.look(raw, block)

    # -------------------------------------------------------------------------- one choice

    def _choice(self, choice: Mapping[str, Any], place: int) -> Iterator[Event]:
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = choice.get("message")
        index = choice.get("index")
        number = index if isinstance(index, int) else place
        if number in self._finished:
            if isinstance(delta, dict):  # the seal may come last
                self._keep_opaque(delta)
            return
        if isinstance(delta, dict):
            if _is_text(delta):
                yield from self._say(_text(delta.get("content")))
            else:
                yield from self._delta(delta, number)
        self._note_cause(choice, delta)
        reason = choice.get("finish_reason")
        if reason == "error":
            self._done = True
            raise UpstreamFault("The model stopped with an error.")
        if isinstance(reason, str) and reason:
            found = _REASONS.get(reason, StopReason.END)
            known = self._reason or StopReason.END
            self._reason = max(found, known, key=_RANK.index)
            self._finished.add(number)

    def _say(self, content: str) -> Iterator[Event]:
        if self._opaque and content.strip():
            yield from self._sign()
        yield from self._sequence.text(content)

    def _delta(self, delta: Mapping[str, Any], number: int) -> Iterator[Event]:
        thought = _first(delta, _THOUGHTS)
        if thought:
            yield from self._sequence.think(thought)
        self._keep_opaque(delta)
        refusal = _text(delta.get("refusal"))
        calls = delta.get("tool_calls") or delta.get("toolCalls")
        legacy = delta.get("function_call")
        if refusal or calls or legacy:
            yield from self._sign()
        yield from self._say(_text(delta.get("content")))
        yield from self._sequence.text(refusal, refusal=True)
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                yield from self._call(call, number)
        if isinstance(legacy, dict):
            yield from self._call({"index": 0, "function": legacy}, number)

    def _call(self, call: Mapping[str, Any], choice: int) -> Iterator[Event]:
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        name, arguments = function.get("name"), function.get("arguments")
        name = name if isinstance(name, str) else ""
        call_id = call.get("id")
        call_id = call_id if isinstance(call_id, str) else ""
        key = self._calls.key(choice, call.get("index"), call_id, name)
        yield from self._sequence.call(key, call_id=call_id, name=name)
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments, separators=(",", ":"), ensure_ascii=False)
        if isinstance(arguments, str) and arguments:
            yield from self._sequence.arguments(key, arguments)

    def _keep_opaque(self, delta: Mapping[str, Any]) -> None:
        opaque = _first(delta, _OPAQUES)
        if opaque and opaque not in {self._opaque, self._signed}:
            self._opaque += opaque

    def _sign(self) -> Iterator[Event]:
        """The seal of the reasoning so far. It may come in pieces, so it waits for what follows."""
        if self._opaque:
            self._signed, self._opaque = self._opaque, ""
            yield from self._sequence.think("", seal("gc1.", self._model.id, o=self._signed))

    def _note_cause(self, choice: Mapping[str, Any], delta: Any) -> None:
        notes = delta.get("copilot_annotations") if isinstance(delta, dict) else None
        if isinstance(notes, dict):
            for word in notes:
                if word in _CAUSES and notes[word]:
                    self._cause = _CAUSES[word]
        results = choice.get("content_filter_results")
        if isinstance(results, dict):
            for word, result in results.items():
                if isinstance(result, dict) and result.get("filtered") is True:
                    self._cause = str(word)


def _payload(frame: Frame, data: bytes) -> Mapping[str, Any] | None:
    """The chunk, or None for what is none. Raises UpstreamFault for a damaged one."""
    if not data:
        # An error body may follow the stream as bare JSON, without "data:".
        data = frame.raw.strip()
        if not data.startswith(b"{"):
            return None
    try:
        payload = json_bytes.read(data)
    except (ValueError, RecursionError):
        if frame.raw and not frame.raw.endswith((b"\n", b"\r")):
            return None  # cut in the middle: `close` says so
        raise UpstreamFault("A part of the answer could not be read.") from None
    return payload if isinstance(payload, dict) else None


def _is_text(delta: Mapping[str, Any]) -> bool:
    """Whether there is nothing beside the text, if that."""
    if _BESIDE_TEXT.isdisjoint(delta):
        return True
    return not any(map(delta.get, _BESIDE_TEXT)) and delta.get("function_call") is None


def _first(delta: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        if (value := delta.get(key)) and (text := _text(value)):
            return text
    return ""


def _text(value: Any) -> str:
    """A string, or a list of strings or text parts, as one string."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    pieces = (part.get("text") if isinstance(part, dict) else part for part in value)
    return "".join(piece for piece in pieces if isinstance(piece, str))
