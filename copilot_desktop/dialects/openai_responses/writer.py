"""Events as the stream of a Responses API client.

The official SDKs are strict here: `response.created` first, each item added before its deltas, one
id per item from `added` to the final output, running sequence numbers (`translation.md` §7.3, §16).

Clients run a call as soon as its item is done. What a length limit may have cut is therefore
announced as done only when the next event has told whether it was (§9.1: length beats tool use).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockEnd,
    BlockStart,
    End,
    ReplyBlock,
    Request,
    StopReason,
    Text,
    Thinking,
    ToolUse,
    Usage,
)
from copilot_desktop.dialects.openai_responses.problems import error_of, failure_of
from copilot_desktop.dialects.openai_responses.render import free_text
from copilot_desktop.dialects.openai_responses.response import (
    called,
    mint,
    render_usage,
    skeleton,
    text_item,
    text_part,
)
from copilot_desktop.errors import Problem
from copilot_desktop.runs import BlockDeltas, Told
from copilot_desktop.spelling import legal_id
from copilot_desktop.sse import encode_json

Json = dict[str, Any]

LONGEST_ID = 64  # characters of a call's id (§2.1)
_INCOMPLETE = {
    StopReason.LENGTH: {"reason": "max_output_tokens"},
    StopReason.REFUSAL: {"reason": "content_filter"},
    StopReason.PAUSE: None,
}


@dataclass(slots=True)
class _Open:
    """The item that is being written. `parts` are the pieces of its text or arguments, `around`
    what stands before, between and behind the number of a frame and its text."""

    block: ReplyBlock
    id: str
    spelling: Json = field(default_factory=dict)
    custom: bool = False
    shown: bool = False
    parts: list[str] = field(default_factory=list)
    signature: str = ""
    around: tuple[str, str, str] | None = None

    @property
    def text(self) -> str:
        return "".join(self.parts)


class ResponsesWriter:
    """One per stream."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, request: Request) -> None:
        self._request = request
        self._sequence = 0
        self._out: list[bytes] = []
        self._open: _Open | None = None
        self._finished = False
        self._written = 0  # characters
        self.response: Json | None = None

    def feed(self, event: Told) -> bytes:
        match event:
            case BlockDeltas():
                if self._open is not None:
                    self._say(self._open, event)
            case Begin():
                self._begin(event)
            case BlockStart():
                self._settle(cut=False)
                self._start(event.block)
            case BlockDelta():
                self._continue(event)
            case BlockEnd():
                if self._open is not None and not _may_be_cut(self._open):
                    self._settle(cut=False)
            case End():
                self._end(event)
        return self._take()

    def ping(self) -> bytes:
        """A comment."""
        return b": keep-alive\n\n"

    def fail(self, problem: Problem) -> bytes:
        """A failed response, or a bare error if the response never began.

        `error` stands at the top level, too: that is what the SDKs raise on. An open call is not
        finished.
        """
        if self._finished:
            return b""
        self._finished = True
        if self.response is None:
            return fault_event(problem)
        self._open = None
        self.response |= {"status": "failed", "error": failure_of(problem)}
        self._emit("response.failed", response=self.response, error=error_of(problem))
        return self._take()

    # ------------------------------------------------------------------------------- lifecycle

    def _begin(self, event: Begin) -> None:
        if self.response is None:
            self.response = skeleton(self._request, event.id)
            self._emit("response.created", response=self.response)
            self._emit("response.in_progress", response=self.response)

    def _end(self, event: End) -> None:
        self._begin(Begin())
        assert self.response is not None
        self._settle(cut=event.reason is StopReason.LENGTH)
        incomplete = event.reason in _INCOMPLETE
        status = "incomplete" if incomplete else "completed"
        self.response |= {
            "status": status,
            "incomplete_details": _INCOMPLETE.get(event.reason),
            "usage": render_usage(event.usage or self._estimate()),
        }
        self._finished = True
        self._emit(f"response.{status}", response=self.response)

    def _estimate(self) -> Usage:
        """By rule of thumb, where upstream never said: clients reckon their context with it."""
        return Usage(self._request.estimated_tokens(), max(1, self._written // 4))

    # ------------------------------------------------------------------------------------ items

    @property
    def _place(self) -> int:
        assert self.response is not None
        return len(self.response["output"])

    def _start(self, block: ReplyBlock) -> None:
        """Text and reasoning are shown from their first character on: empty ones never are."""
        self._begin(Begin())
        match block:
            case Text():
                self._open = _Open(block, mint("msg_"))
            case Thinking():
                self._open = _Open(block, mint("rs_"))
            case ToolUse():
                spelling, custom = called(self._request, block.name)
                self._open = _Open(block, mint("ctc_" if custom else "fc_"), spelling, custom)
                self._show(self._open, self._call(self._open, "", "in_progress"))

    def _show(self, item: _Open, shape: Json) -> None:
        item.shown = True
        self._emit("response.output_item.added", output_index=self._place, item=shape)

    def _continue(self, event: BlockDelta) -> None:
        item = self._open
        if item is None:
            return
        item.signature += event.signature
        if not event.text:
            return
        if isinstance(item.block, Text):
            self._say(item, BlockDeltas(event.index, [event.text]))
            return
        self._written += len(event.text)
        match item.block:
            case Thinking():
                self._show_thought(item)
                kind = "response.reasoning_summary_text.delta"
                self._tell(kind, item, summary_index=0, delta=event.text)
            case ToolUse() if not item.custom:
                self._tell("response.function_call_arguments.delta", item, delta=event.text)
        item.parts.append(event.text)

    def _say(self, item: _Open, deltas: BlockDeltas) -> None:
        """Visible text. By far the most frames are these, so they are put together by hand."""
        if (around := item.around) is None:
            around = self._show_text(item)
        before, middle, after = around
        frames = [
            f"{before}{number}{middle}{text}{after}"
            for number, text in enumerate(deltas.quoted(), self._sequence)
        ]
        self._out.append("".join(frames).encode())
        self._sequence += len(frames)
        self._written += sum(map(len, deltas.texts))
        item.parts += deltas.texts

    def _show_text(self, item: _Open) -> tuple[str, str, str]:
        refusal = isinstance(item.block, Text) and item.block.refusal
        shape = text_item(item.id, "", refusal=refusal) | {"status": "in_progress"}
        self._show(item, shape | {"content": []})
        part = text_part("", refusal=refusal)
        self._tell("response.content_part.added", item, content_index=0, part=part)
        kind = "response.refusal.delta" if refusal else "response.output_text.delta"
        item.around = (
            f'event: {kind}\ndata: {{"type":"{kind}","sequence_number":',
            f',"item_id":"{item.id}","output_index":{self._place},"content_index":0,"delta":',
            "}\n\n" if refusal else ',"logprobs":[]}\n\n',
        )
        return item.around

    def _show_thought(self, item: _Open) -> None:
        if not item.shown:
            self._show(item, {"id": item.id, "type": "reasoning", "summary": []})
        if not item.parts:
            part = {"type": "summary_text", "text": ""}
            self._tell("response.reasoning_summary_part.added", item, summary_index=0, part=part)

    def _settle(self, *, cut: bool) -> None:
        """Write what completes the open item. `cut`: the length limit ended it."""
        item, self._open = self._open, None
        if item is None:
            return
        status = "incomplete" if cut else "completed"
        match item.block:
            case Text(refusal=refusal):
                self._settle_text(item, status, refusal=refusal)
            case Thinking():
                self._settle_thought(item)
            case ToolUse():
                self._settle_call(item, status)

    def _settle_text(self, item: _Open, status: str, *, refusal: bool) -> None:
        if not item.shown:
            return
        text = item.text
        if refusal:
            self._tell("response.refusal.done", item, content_index=0, refusal=text)
        else:
            self._tell("response.output_text.done", item, content_index=0, text=text, logprobs=[])
        part = text_part(text, refusal=refusal)
        self._tell("response.content_part.done", item, content_index=0, part=part)
        self._done(text_item(item.id, text, refusal=refusal) | {"status": status})

    def _settle_thought(self, item: _Open) -> None:
        seal = item.signature if self._request.echo_reasoning else ""
        if not item.shown and not seal:
            return
        shape: Json = {"id": item.id, "type": "reasoning", "summary": []}
        if not item.shown:
            self._show(item, dict(shape))
        if text := item.text:
            part = {"type": "summary_text", "text": text}
            self._tell("response.reasoning_summary_text.done", item, summary_index=0, text=text)
            self._tell("response.reasoning_summary_part.done", item, summary_index=0, part=part)
            shape["summary"] = [part]
        self._done(shape | ({"encrypted_content": seal} if seal else {}))

    def _settle_call(self, item: _Open, status: str) -> None:
        text = item.text
        if item.custom:
            text = free_text(text)
            if text:
                self._tell("response.custom_tool_call_input.delta", item, delta=text)
            self._tell("response.custom_tool_call_input.done", item, input=text)
        else:
            if not text and status == "completed":
                text = "{}"
            name = item.spelling["name"]
            kind = "response.function_call_arguments.done"
            self._tell(kind, item, name=name, arguments=text)
        self._done(self._call(item, text, status))

    def _call(self, item: _Open, text: str, status: str) -> Json:
        assert isinstance(item.block, ToolUse)
        return {
            "id": item.id,
            "type": "custom_tool_call" if item.custom else "function_call",
            "status": status,
            "call_id": legal_id(item.block.id, LONGEST_ID),
            **item.spelling,
            ("input" if item.custom else "arguments"): text,
        }

    def _done(self, shape: Json) -> None:
        assert self.response is not None
        self._emit("response.output_item.done", output_index=self._place, item=shape)
        self.response["output"].append(shape)

    # ------------------------------------------------------------------------------------- wire

    def _tell(self, kind: str, item: _Open, **fields: Any) -> None:
        self._emit(kind, item_id=item.id, output_index=self._place, **fields)

    def _emit(self, kind: str, **fields: Any) -> None:
        payload = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        self._out.append(encode_json(payload, kind))

    def _take(self) -> bytes:
        out, self._out = b"".join(self._out), []
        return out


def fault_event(problem: Problem) -> bytes:
    """An error outside of any response: in OpenAI's flat form, which the documents show, and in
    the nested one, which is the only one that the SDKs raise on (§16)."""
    error = error_of(problem)
    flat = {key: error[key] for key in ("code", "message", "param")}
    return encode_json({"type": "error", "sequence_number": 0, **flat, "error": error}, "error")


def _may_be_cut(item: _Open) -> bool:
    """Only a call whose arguments are a whole object is surely complete."""
    if not isinstance(item.block, ToolUse):
        return True
    try:
        return not isinstance(json.loads(item.text), dict)
    except (ValueError, RecursionError):
        return True
