"""`/responses` as Copilot writes it (`upstream.md` 7.4).

Every event names its item by another id, and the response too; `output_index` is what holds. No
`[DONE]`. Deltas carry `obfuscation`. What was encrypted belongs to the id it stands with.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from copilot_desktop.demo import opaque
from copilot_desktop.demo.voice import Call, Fail, Say, Think, Wait
from copilot_desktop.demo.wire import Frames, Reply, fragments, frame

_INCOMPLETE = {"length": "max_output_tokens", "filter": "content_filter"}


class Responses:
    """One reply in this format. `request` is the body it answers."""

    def __init__(self, reply: Reply, request: dict[str, Any]) -> None:
        self._reply = reply
        self._request = request
        self._events = 0
        self._ids = 0
        reasoning = request.get("reasoning") or {}
        self._summary = bool(reasoning.get("summary"))
        self._encrypted = "reasoning.encrypted_content" in (request.get("include") or ())

    # Parts.

    def _label(self) -> str:
        """A new label: every id is used once."""
        self._ids += 1
        return f"{self._reply.label}/id{self._ids}"

    def _id(self) -> str:
        return opaque.item_id(self._label())

    def _envelope(self, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
        reply, request = self._reply, self._request
        reasoning = request.get("reasoning") or {}
        limit = _INCOMPLETE.get(reply.stop.reason) if status == "incomplete" else None
        failure = reply.failure if status == "failed" else None
        error = failure and {"code": "server_error", "message": failure.message}
        ended = status in {"completed", "incomplete"}
        return {
            "id": self._id()[:120],
            "object": "response",
            "created_at": reply.created,
            "status": status,
            "error": error,
            "incomplete_details": {"reason": limit} if limit else None,
            "instructions": request.get("instructions"),
            "max_output_tokens": request.get("max_output_tokens"),
            "model": reply.facts.id,
            "output": output,
            "parallel_tool_calls": request.get("parallel_tool_calls", True),
            "previous_response_id": None,
            "reasoning": {
                "effort": reasoning.get("effort", "medium" if reply.facts.efforts else None),
                "summary": reasoning.get("summary"),
            },
            "store": False,
            "temperature": 1.0,
            "text": request.get("text") or {"format": {"type": "text"}, "verbosity": "medium"},
            "tool_choice": request.get("tool_choice", "auto"),
            "tools": request.get("tools") or [],
            "top_p": 0.98,
            "truncation": request.get("truncation", "disabled"),
            "usage": self._usage() if ended else None,
            "user": None,
            "metadata": request.get("metadata") or {},
        }

    def _usage(self) -> dict[str, Any]:
        reply = self._reply
        return {
            "input_tokens": reply.prompt,
            "input_tokens_details": {"cached_tokens": reply.cached},
            "output_tokens": reply.output,
            "output_tokens_details": {"reasoning_tokens": reply.thinking},
            "total_tokens": reply.prompt + reply.output,
        }

    def _status(self) -> str:
        return "incomplete" if self._reply.stop.reason in _INCOMPLETE else "completed"

    def _reasoning(self, thought: Think | None) -> dict[str, Any]:
        label = self._label()
        item: dict[str, Any] = {"id": opaque.item_id(label), "type": "reasoning", "summary": []}
        if thought is not None and self._summary and not thought.hidden:
            item["summary"] = [{"type": "summary_text", "text": thought.text}]
        if self._encrypted:
            item["encrypted_content"] = opaque.encrypted(label)
        return item

    def _message(self, text: str | None, status: str) -> dict[str, Any]:
        content = [] if text is None else [_text(text)]
        return {
            "id": self._id(),
            "type": "message",
            "status": status,
            "role": "assistant",
            "phase": "commentary" if self._reply.calls else "final_answer",
            "content": content,
        }

    def _call(self, number: int, call: Call, status: str, text: str) -> dict[str, Any]:
        kind, field = ("custom_tool_call", "input") if call.free else ("function_call", "arguments")
        return {
            "id": self._id(),
            "type": kind,
            "status": status,
            field: text,
            "call_id": self._reply.call_id(number),
            "name": call.name,
        }

    def _output(self) -> list[dict[str, Any]]:
        """All items, complete, each with an id of its own."""
        status = self._status()
        output = []
        number = 0
        for beat in self._reply.beats:
            if isinstance(beat, Think):
                output.append(self._reasoning(beat))
            elif isinstance(beat, Say):
                output.append(self._message(beat.text, status))
            elif isinstance(beat, Call):
                output.append(self._call(number, beat, status, beat.text))
                number += 1
        return output

    # Answers.

    def whole(self) -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        return {**self._envelope(self._status(), self._output()), **self._reply.billing()}

    def stream(self) -> Frames:
        """The frames of a streamed answer."""
        for kind in ("response.created", "response.in_progress"):
            yield self._event(kind, response=self._envelope("in_progress", []))
        place = number = 0
        for beat in self._reply.beats:
            if isinstance(beat, Wait):
                yield beat
                continue
            if isinstance(beat, Fail):
                yield self._event("response.failed", response=self._envelope("failed", []))
                return
            if isinstance(beat, Think):
                yield from self._think(place, beat)
            elif isinstance(beat, Say):
                yield from self._say(place, beat.text)
            elif isinstance(beat, Call):
                yield from self._do(place, number, beat)
                number += 1
            else:
                continue
            place += 1
        status = self._status()
        yield self._event(
            f"response.{status}",
            response=self._envelope(status, self._output()),
            **self._reply.billing(),
        )

    def _think(self, place: int, thought: Think) -> Iterator[bytes]:
        yield self._event(
            "response.output_item.added", output_index=place, item=self._reasoning(None)
        )
        if self._summary and not thought.hidden:
            part = "response.reasoning_summary_part"
            text = "response.reasoning_summary_text"
            where = {"output_index": place, "summary_index": 0}
            empty = {"type": "summary_text", "text": ""}
            yield self._about(f"{part}.added", **where, part=empty)
            for piece in fragments(thought.text):
                yield self._about(f"{text}.delta", **where, delta=piece)
            yield self._about(f"{text}.done", **where, text=thought.text)
            yield self._about(f"{part}.done", **where, part={**empty, "text": thought.text})
        yield self._event(
            "response.output_item.done", output_index=place, item=self._reasoning(thought)
        )

    def _say(self, place: int, text: str) -> Iterator[bytes]:
        where = {"output_index": place, "content_index": 0}
        yield self._event(
            "response.output_item.added",
            output_index=place,
            item=self._message(None, "in_progress"),
        )
        yield self._about("response.content_part.added", **where, part=_text(""))
        for piece in fragments(text):
            yield self._about(
                "response.output_text.delta",
                **where,
                delta=piece,
                logprobs=[],
                obfuscation=self._padding(),
            )
        yield self._about("response.output_text.done", **where, text=text, logprobs=[])
        yield self._about("response.content_part.done", **where, part=_text(text))
        yield self._event(
            "response.output_item.done",
            output_index=place,
            item=self._message(text, self._status()),
        )

    def _do(self, place: int, number: int, call: Call) -> Iterator[bytes]:
        field = "input" if call.free else "arguments"
        kind = f"response.{'custom_tool_call' if call.free else 'function_call'}_{field}"
        yield self._event(
            "response.output_item.added",
            output_index=place,
            item=self._call(number, call, "in_progress", ""),
        )
        sealed = self._reply.sealed and not call.free
        shown = opaque.word(f"sealed{call.text}", len(call.text)) if sealed else call.text
        for piece in fragments(shown):
            yield self._about(
                f"{kind}.delta", output_index=place, delta=piece, obfuscation=self._padding()
            )
        yield self._about(f"{kind}.done", output_index=place, **{field: call.text})
        yield self._event(
            "response.output_item.done",
            output_index=place,
            item=self._call(number, call, self._status(), call.text),
        )

    def _padding(self) -> str:
        return opaque.word(f"{self._reply.label}/pad{self._events}", 1 + self._events % 7)

    def _about(self, kind: str, **fields: Any) -> bytes:
        """An event about an item, which it names by yet another id."""
        return self._event(kind, item_id=self._id(), **fields)

    def _event(self, kind: str, **fields: Any) -> bytes:
        number, self._events = self._events, self._events + 1
        return frame({"type": kind, "sequence_number": number, **fields}, kind)


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
