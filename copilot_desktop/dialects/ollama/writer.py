"""Answers for Ollama's clients: JSON lines and whole objects (`translation.md` §7.4, §11, A10).

A line carries a piece of text or reasoning, or one whole tool call; the last one has `done`, the
reason and the counts. A call is held until the next event: whether it may be trusted is known only
then, since an answer that was cut short may end with half a call, which nobody should run. Times
are in nanoseconds; nought means that nobody has measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, assert_never

from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockEnd,
    BlockStart,
    Effort,
    End,
    Reply,
    ReplyBlock,
    Request,
    StopReason,
    Text,
    Thinking,
    ToolUse,
    Usage,
    grown,
)
from copilot_desktop.dialects.ollama.lines import line, now
from copilot_desktop.dialects.ollama.problems import fault_line
from copilot_desktop.errors import Problem
from copilot_desktop.runs import HERE, BlockDeltas, Told, around, framed
from copilot_desktop.spelling import read_json

Json = dict[str, Any]
Shape = Callable[[Json], Json]


def as_message(piece: Json) -> Json:
    """Chat: `piece` may hold content, thinking and tool_calls."""
    return {"message": {"role": "assistant", "content": "", **piece}}


def as_response(piece: Json) -> Json:
    """Generate: the text stands alone."""
    rest = {key: value for key, value in piece.items() if key != "content"}
    return {"response": piece.get("content", ""), **rest}


class LineWriter:
    """One per stream."""

    content_type = "application/x-ndjson"

    __slots__ = (
        "_begun",
        "_block",
        "_calls",
        "_characters",
        "_held",
        "_request",
        "_shape",
        "_since",
    )

    def __init__(self, request: Request, shape: Shape) -> None:
        self._request = request
        self._shape = shape
        self._since = self._begun = time.monotonic_ns()
        self._block: ReplyBlock | None = None
        self._held: ToolUse | None = None
        self._calls = 0
        self._characters = 0

    def feed(self, event: Told) -> bytes:
        match event:
            case Begin():
                self._begun = time.monotonic_ns()
            case BlockStart():
                self._block = event.block
                return self._flush()
            case BlockDeltas():
                return self._texts(event)
            case BlockDelta():
                return self._delta(event)
            case BlockEnd():
                if isinstance(self._block, ToolUse):
                    self._held = self._block
                self._block = None
            case End():
                return self._end(event)
            case _:
                assert_never(event)
        return b""

    def ping(self) -> bytes:
        """Nothing: clients take every line for a part of the answer."""
        return b""

    def fail(self, problem: Problem) -> bytes:
        return fault_line(problem)  # a call that is held may not be the whole of it

    def _delta(self, delta: BlockDelta) -> bytes:
        self._characters += len(delta.text)
        match self._block:
            case Text() if delta.text:
                return self._line({"content": delta.text})
            case Thinking(redacted="") if delta.text and shows_thinking(self._request):
                return self._line({"thinking": delta.text})
            case ToolUse() as call:
                self._block = grown(call, delta)
        return b""

    def _texts(self, deltas: BlockDeltas) -> bytes:
        """Lines that leave together bear the same time."""
        self._characters += sum(map(len, deltas.texts))
        before, after = around(self._line({"content": HERE}))
        return framed(before, deltas, after)

    def _flush(self, reason: StopReason | None = None) -> bytes:
        call, self._held = self._held, None
        told = whole_calls([call] if call else [], self._request, reason, first=self._calls)
        self._calls += len(told)
        return self._line({"tool_calls": told}) if told else b""

    def _end(self, end: End) -> bytes:
        ended = time.monotonic_ns()
        usage = end.usage or _estimated(self._request, self._characters)
        times = (ended - self._since, self._begun - self._since, max(1, ended - self._begun))
        closing = {**self._shape({}), "done": True, **_closing(end.reason, usage, times)}
        return self._flush(end.reason) + line({**self._head(), **closing})

    def _line(self, piece: Json) -> bytes:
        return line({**self._head(), **self._shape(piece), "done": False})

    def _head(self) -> Json:
        return {"model": self._request.model, "created_at": now()}


def render_reply(reply: Reply, request: Request, shape: Shape) -> Json:
    """The whole answer: all pieces in one object, with the counts."""
    text = "".join(block.text for block in reply.blocks if isinstance(block, Text))
    thoughts = [block for block in reply.blocks if isinstance(block, Thinking)]
    thought = "".join(block.text for block in thoughts if not block.redacted)
    calls = [block for block in reply.blocks if isinstance(block, ToolUse)]
    piece: Json = {"content": text}
    if thought and shows_thinking(request):
        piece["thinking"] = thought
    if told := whole_calls(calls, request, reply.reason):
        piece["tool_calls"] = told
    written = len(text) + len(thought) + sum(len(call.arguments) for call in calls)
    usage = reply.usage or _estimated(request, written)
    return {
        "model": request.model,
        "created_at": now(),
        **shape(piece),
        "done": True,
        **_closing(reply.reason, usage, (0, 0, 0)),
    }


def shows_thinking(request: Request) -> bool:
    """Some models think whether or not they are asked to; `think: false` hides it."""
    return request.effort is not Effort.NONE


def whole_calls(
    calls: list[ToolUse], request: Request, reason: StopReason | None, *, first: int = 0
) -> list[Json]:
    """`calls` as clients get them, with arguments as objects; without those that were cut."""
    told: list[Json] = []
    for place, call in enumerate(calls):
        cut = reason is StopReason.LENGTH and place == len(calls) - 1
        arguments = _arguments(call.arguments, cut=cut)
        if arguments is not None:
            tool = request.tool(call.name)
            name = call.name if tool is None else tool.original or tool.name
            function = {"index": first + len(told), "name": name, "arguments": arguments}
            told.append({"id": call.id, "function": function})
    return told


def _arguments(text: str, *, cut: bool) -> Json | None:
    if not text.strip():
        return None if cut else {}
    try:
        value = read_json(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _closing(reason: StopReason, usage: Usage, times: tuple[int, int, int]) -> Json:
    total, before, after = times
    return {
        "done_reason": "length" if reason is StopReason.LENGTH else "stop",
        "total_duration": total,
        "load_duration": 0,
        "prompt_eval_count": usage.total_input,
        "prompt_eval_duration": before,
        "eval_count": usage.output,
        "eval_duration": after,
    }


def _estimated(request: Request, characters: int) -> Usage:
    """By rule of thumb, where upstream never said."""
    return Usage(request.estimated_tokens(), characters // 4)
