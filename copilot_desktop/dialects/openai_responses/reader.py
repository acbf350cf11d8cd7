"""Copilot's `/responses` stream, read into events.

Everything is keyed by `output_index`: Copilot gives one item another id in every event, and the
response, too (`upstream.md` §7.4, `translation.md` §6.5). A text or argument that came in no delta
is taken from the `done` event, the finished item or the final output, whichever comes first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from copilot_desktop import json_bytes
from copilot_desktop.blocks import BlockSequencer
from copilot_desktop.canonical import Event, StopReason, Usage
from copilot_desktop.dialects.openai_responses.items import flat_name, summary_text, wrapped
from copilot_desktop.dialects.openai_responses.problems import problem_of
from copilot_desktop.errors import CutShort, UpstreamFault
from copilot_desktop.model import Model
from copilot_desktop.runs import Runs, TextRun
from copilot_desktop.sealing import seal
from copilot_desktop.sse import Frame

Payload = Mapping[str, Any]
_MARK = re.compile(rb'"delta"\s*:\s*"')
_UNREAD = re.compile(rb'"(?:sequence_number|item_id|obfuscation)"\s*:\s*([0-9]+|"[^"]*")')
_TEXT_DELTA = "response.output_text.delta"
_CALLS = ("function_call", "custom_tool_call")
_REASONS = {"max_output_tokens": StopReason.LENGTH, "content_filter": StopReason.REFUSAL}


def read_usage(usage: Payload) -> Usage:
    """OpenAI counts cached tokens as input; we do not (`translation.md` §9.2)."""
    spent = _number(usage, "input_tokens")
    output = _number(usage, "output_tokens")
    details = usage.get("input_tokens_details")
    read = _number(details, "cached_tokens")
    write = _number(details, "cache_write_tokens")
    reasoning = _number(usage.get("output_tokens_details"), "reasoning_tokens")
    if reasoning and _number(usage, "total_tokens") == spent + output + reasoning:
        output += reasoning  # this vendor counts reasoning apart
    return Usage(max(0, spent - read - write), output, read, write, reasoning)


def _number(holder: Any, key: str) -> int:
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _text(payload: Payload, key: str) -> str:
    value = payload.get(key)
    return value if isinstance(value, str) else ""


@dataclass(slots=True)
class _Item:
    """What was seen of one output item. `told` holds the parts whose text is known, `early` a
    reasoning item as it was announced, `phase` what a message is in the course of the answer."""

    kind: str = ""
    phase: str = ""
    told: set[object] = field(default_factory=set)
    summaries: int = 0
    opened: bool = False
    done: bool = False
    early: Payload | None = None


class ResponsesReader:
    """One per stream."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._blocks = BlockSequencer()
        self._items: dict[int, _Item] = {}
        self._spoken: _Item | None = None  # the message that said something last
        self._over = False
        self._runs = Runs(_MARK, _UNREAD)
        self._acts: dict[str, Callable[[Payload], Iterator[Event]]] = {
            "response.created": self._begin,
            "response.in_progress": self._begin,
            "response.queued": self._begin,
            "response.output_item.added": self._item_added,
            "response.output_item.done": self._item_done,
            _TEXT_DELTA: self._text_delta,
            "response.output_text.done": self._text_done,
            "response.refusal.delta": self._refusal_delta,
            "response.refusal.done": self._refusal_done,
            "response.reasoning_summary_part.added": self._summary_added,
            "response.reasoning_summary_text.delta": self._thought_delta,
            "response.reasoning_summary_text.done": self._thought_done,
            "response.reasoning_text.delta": self._thought_delta,
            "response.reasoning_text.done": self._thought_done,
            "response.function_call_arguments.delta": self._arguments_delta,
            "response.function_call_arguments.done": self._arguments_done,
            "response.custom_tool_call_input.delta": self._input_delta,
            "response.custom_tool_call_input.done": self._input_done,
            "response.completed": self._finished,
            "response.incomplete": self._finished,
            "response.failed": self._failed,
            "response.cancelled": self._failed,
            "error": self._error,
        }

    @property
    def run(self) -> TextRun | None:
        return self._runs.run

    def feed(self, frame: Frame) -> Iterator[Event]:
        """The events of one frame. Raises a Problem for an error that upstream reports."""
        self._runs.run = None
        data = frame.data.strip()
        if self._over or not data or data == b"[DONE]":
            return
        try:
            payload = json_bytes.read(data)
        except (ValueError, RecursionError):
            if not frame.raw.endswith((b"\n", b"\r")):
                raise CutShort from None
            raise UpstreamFault("An event of the stream could not be read.") from None
        if not isinstance(payload, dict):
            return
        kind = _text(payload, "type") or frame.event
        if not kind and payload.get("error"):
            kind = "error"
        act = self._acts.get(kind)
        if act is not None:
            yield from act(payload)
        if kind == _TEXT_DELTA and _text(payload, "delta"):
            block = self._blocks.open_text
            if block is not None:
                self._runs.look(frame.raw, block)

    def close(self) -> Iterator[Event]:
        """The stream has ended. Raises CutShort if no final event came."""
        if not self._over:
            raise CutShort
        return iter(())

    # ------------------------------------------------------------------------------- lifecycle

    def _begin(self, payload: Payload) -> Iterator[Event]:
        response = payload.get("response")
        yield from self._blocks.begin(_text(response, "id") if isinstance(response, dict) else "")

    def _finished(self, payload: Payload) -> Iterator[Event]:
        response = payload.get("response")
        response = response if isinstance(response, dict) else {}
        yield from self._begin(payload)
        if isinstance(output := response.get("output"), list):
            for index, item in enumerate(output):
                if isinstance(item, dict) and self._is_open(index, item):
                    yield from self._finish_item(index, item)
        if isinstance(usage := response.get("usage"), dict):
            self._blocks.usage(read_usage(usage))
        self._over = True
        yield from self._blocks.finish(_stop_reason(_text(payload, "type"), response))

    def _is_open(self, index: int, item: Payload) -> bool:
        known = self._items.get(index)
        return known is None or (not known.done and known.kind in ("", item.get("type")))

    def _failed(self, payload: Payload) -> Iterator[Event]:
        response = payload.get("response")
        raise problem_of(response.get("error") if isinstance(response, dict) else None)

    def _error(self, payload: Payload) -> Iterator[Event]:
        """Copilot nests the error, OpenAI does not."""
        nested = payload.get("error")
        raise problem_of(nested or payload)

    # ------------------------------------------------------------------------------------ items

    def _item(self, payload: Payload) -> tuple[int, _Item]:
        index = payload.get("output_index")
        index = index if isinstance(index, int) else max(self._items, default=0)
        return index, self._items.setdefault(index, _Item())

    def _item_added(self, payload: Payload) -> Iterator[Event]:
        index, known = self._item(payload)
        item = payload.get("item")
        if not isinstance(item, dict):
            return
        known.kind, known.phase = _text(item, "type"), _text(item, "phase")
        if known.kind in _CALLS:
            yield from self._announce(index, item)
        elif known.kind == "reasoning":
            known.early = item

    def _announce(self, index: int, item: Payload) -> Iterator[Event]:
        name = _text(item, "name")
        name = flat_name(_text(item, "namespace"), name) if name else ""
        yield from self._blocks.call(index, call_id=_text(item, "call_id"), name=name)

    def _item_done(self, payload: Payload) -> Iterator[Event]:
        index, _ = self._item(payload)
        if isinstance(item := payload.get("item"), dict):
            yield from self._finish_item(index, item)

    def _finish_item(self, index: int, item: Payload) -> Iterator[Event]:
        known = self._items.setdefault(index, _Item())
        known.kind, known.done = _text(item, "type"), True
        match known.kind:
            case "message":
                yield from self._finish_message(known, item)
            case "function_call":
                yield from self._finish_call(index, item, _text(item, "arguments"))
            case "custom_tool_call":
                yield from self._finish_call(index, item, wrapped(_text(item, "input")))
            case "reasoning":
                yield from self._finish_reasoning(known, item)

    def _finish_message(self, known: _Item, item: Payload) -> Iterator[Event]:
        known.phase = known.phase or _text(item, "phase")
        content = item.get("content")
        for place, part in enumerate(content if isinstance(content, list) else ()):
            if isinstance(part, dict) and place not in known.told:
                refusal = part.get("type") == "refusal"
                text = _text(part, "refusal" if refusal else "text")
                yield from self._speak(known, text, refusal=refusal)
                yield from self._blocks.end_block()
        yield from self._blocks.end_block()

    def _finish_call(self, index: int, item: Payload, arguments: str) -> Iterator[Event]:
        yield from self._announce(index, item)
        yield from self._blocks.settle(index, arguments)
        yield from self._blocks.end_call(index)

    def _finish_reasoning(self, known: _Item, item: Payload) -> Iterator[Event]:
        """Id and blob must come from the same event: they belong together (§2.6 f).

        The pair from the beginning is older than the content and only better than none.
        """
        if not known.told and (text := summary_text(item)):
            yield from self._blocks.think(text)
        if known.early is not None and not _text(item, "encrypted_content"):
            item = known.early
        identifier, blob = _text(item, "id"), _text(item, "encrypted_content")
        if identifier and blob:
            yield from self._blocks.think("", seal("gr1.", self._model.id, i=identifier, e=blob))
        else:
            yield from self._blocks.end_block()

    # ------------------------------------------------------------------------------------- text

    def _text_delta(self, payload: Payload) -> Iterator[Event]:
        yield from self._say(payload, _text(payload, "delta"), refusal=False)

    def _refusal_delta(self, payload: Payload) -> Iterator[Event]:
        yield from self._say(payload, _text(payload, "delta"), refusal=True)

    def _say(self, payload: Payload, text: str, *, refusal: bool) -> Iterator[Event]:
        if text:
            _, known = self._item(payload)
            known.told.add(_place(payload, "content_index"))
            yield from self._speak(known, text, refusal=refusal)

    def _speak(self, known: _Item, text: str, *, refusal: bool) -> Iterator[Event]:
        """The answer proper is a paragraph of its own after what the model said on its way there:
        most formats have room for one text alone."""
        if text and known is not self._spoken:
            apart = known.phase and self._spoken is not None
            self._spoken = known
            if apart and not refusal:
                text = f"\n\n{text}"
        yield from self._blocks.text(text, refusal=refusal)

    def _text_done(self, payload: Payload) -> Iterator[Event]:
        yield from self._said(payload, _text(payload, "text"), refusal=False)

    def _refusal_done(self, payload: Payload) -> Iterator[Event]:
        yield from self._said(payload, _text(payload, "refusal"), refusal=True)

    def _said(self, payload: Payload, text: str, *, refusal: bool) -> Iterator[Event]:
        if _place(payload, "content_index") not in self._item(payload)[1].told:
            yield from self._say(payload, text, refusal=refusal)
        yield from self._blocks.end_block()

    # -------------------------------------------------------------------------------- reasoning

    def _summary_added(self, payload: Payload) -> Iterator[Event]:
        """Parts of one reasoning item are paragraphs of one thought."""
        _, known = self._item(payload)
        known.summaries += 1
        if known.summaries > 1 and known.told:
            yield from self._blocks.think("\n\n")

    def _thought_delta(self, payload: Payload) -> Iterator[Event]:
        if delta := _text(payload, "delta"):
            self._item(payload)[1].told.add(_thought_place(payload))
            yield from self._blocks.think(delta)

    def _thought_done(self, payload: Payload) -> Iterator[Event]:
        text, (_, known) = _text(payload, "text"), self._item(payload)
        if text and _thought_place(payload) not in known.told:
            known.told.add(_thought_place(payload))
            yield from self._blocks.think(text)

    # ------------------------------------------------------------------------------------ calls

    def _arguments_delta(self, payload: Payload) -> Iterator[Event]:
        yield from self._blocks.arguments(self._item(payload)[0], _text(payload, "delta"))

    def _arguments_done(self, payload: Payload) -> Iterator[Event]:
        yield from self._blocks.settle(self._item(payload)[0], _text(payload, "arguments"))

    def _input_delta(self, payload: Payload) -> Iterator[Event]:
        """Free text becomes the JSON text of `{"input": …}`, piece by piece."""
        index, known = self._item(payload)
        delta = _text(payload, "delta")
        if not delta:
            return
        piece = json.dumps(delta, ensure_ascii=False)[1:-1]
        opening = "" if known.opened else '{"input":"'
        known.opened = True
        yield from self._blocks.arguments(index, opening + piece)

    def _input_done(self, payload: Payload) -> Iterator[Event]:
        yield from self._blocks.settle(self._item(payload)[0], wrapped(_text(payload, "input")))


def _place(payload: Payload, *names: str) -> int:
    """The first of these numbers that is one, else 0."""
    return next((found for name in names if isinstance(found := payload.get(name), int)), 0)


def _thought_place(payload: Payload) -> int:
    return _place(payload, "summary_index", "content_index")


def _stop_reason(kind: str, response: Payload) -> StopReason:
    """The sequencer turns END into tool use or refusal where the blocks say so."""
    if kind == "response.incomplete" or response.get("status") == "incomplete":
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        return _REASONS.get(str(reason), StopReason.PAUSE)
    return StopReason.END
