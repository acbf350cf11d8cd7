"""Legacy completions for clients, streamed and whole (`translation.md` §12.4).

There is one object, `text_completion`, for both; only text has a place in it. Thoughts are left
out, a refusal is text like any other. Must not know where the events come from.
"""

from __future__ import annotations

import time
from typing import Any, assert_never

from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockEnd,
    BlockStart,
    End,
    Reply,
    ReplyBlock,
    Request,
    StopReason,
    Text,
    Usage,
)
from copilot_desktop.dialects.openai_words import (
    FINISH_REASONS,
    mint,
    render_problem,
    write_usage,
)
from copilot_desktop.errors import Problem
from copilot_desktop.runs import HERE, BlockDeltas, Told, around, framed
from copilot_desktop.sse import encode_json

Json = dict[str, Any]


class CompletionWriter:
    """One per stream."""

    content_type = "text/event-stream; charset=utf-8"

    __slots__ = ("_around", "_block", "_characters", "_head", "_request")

    def __init__(self, request: Request) -> None:
        self._request = request
        self._head = _head(request)
        self._around = around(self._piece(HERE, None))
        self._block: ReplyBlock | None = None
        self._characters = 0

    def feed(self, event: Told) -> bytes:
        match event:
            case Begin():
                return b""
            case BlockStart():
                self._block = event.block
            case BlockDeltas():
                return self._texts(event)
            case BlockDelta():
                return self._texts(BlockDeltas(event.index, [event.text]))
            case BlockEnd():
                self._block = None
            case End():
                return self._end(event)
            case _:
                assert_never(event)
        return b""

    def ping(self) -> bytes:
        return b": keep-alive\n\n"

    def fail(self, problem: Problem) -> bytes:
        return encode_json(render_problem(problem))

    def _texts(self, deltas: BlockDeltas) -> bytes:
        self._characters += sum(map(len, deltas.texts))
        if not isinstance(self._block, Text) or not all(deltas.texts):
            return b""
        return framed(self._around[0], deltas, self._around[1])

    def _piece(self, text: str, reason: StopReason | None) -> bytes:
        return encode_json({**self._head, "choices": [_choice(text, reason)]})

    def _end(self, end: End) -> bytes:
        out = self._piece("", end.reason)
        if self._request.echo_usage:
            usage = end.usage or _estimated(self._request, self._characters)
            out += encode_json({**self._head, "choices": [], "usage": write_usage(usage)})
        return out + b"data: [DONE]\n\n"


def render_reply(reply: Reply, request: Request) -> Json:
    """The whole answer: one choice and the usage, always."""
    usage = reply.usage or _estimated(request, len(reply.text))
    choices = [_choice(reply.text, reply.reason)]
    return {**_head(request), "choices": choices, "usage": write_usage(usage)}


def _head(request: Request) -> Json:
    return {
        "id": mint("cmpl-"),
        "object": "text_completion",
        "created": int(time.time()),
        "model": request.model,
    }


def _choice(text: str, reason: StopReason | None) -> Json:
    """`reason` is None until the last piece. No tools are offered, so none can be the reason."""
    told = None if reason is None else FINISH_REASONS[reason]
    told = "stop" if told == "tool_calls" else told
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": told}


def _estimated(request: Request, characters: int) -> Usage:
    """By rule of thumb, where upstream never said and the client wants a number."""
    return Usage(request.estimated_tokens(), characters // 4)
