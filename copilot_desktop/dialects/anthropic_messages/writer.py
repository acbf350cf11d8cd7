"""Writes canonical replies as Anthropic does: a stream of named events, or one message.

Knows what Anthropic's own SDKs need (`translation.md` §7.1, §16): an `event:` line on every frame,
`usage` in the first and the last event, indices without gaps, text that starts as "" and never as
null. Tools get the name back that the client gave them, models the client's spelling.
"""

from __future__ import annotations

import secrets

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
    Thinking,
    ToolUse,
    Usage,
)
from copilot_desktop.dialects import Json
from copilot_desktop.dialects.anthropic_messages.failures import fault
from copilot_desktop.dialects.anthropic_messages.usage import write_usage
from copilot_desktop.errors import Problem
from copilot_desktop.runs import BlockDeltas, Told, framed
from copilot_desktop.spelling import legal_id, object_of
from copilot_desktop.sse import encode, encode_json

_REASONS = {
    StopReason.END: "end_turn",
    StopReason.STOP_SEQUENCE: "stop_sequence",
    StopReason.TOOL_USE: "tool_use",
    StopReason.LENGTH: "max_tokens",
    StopReason.REFUSAL: "refusal",
    StopReason.PAUSE: "pause_turn",
}
LONGEST_ID = 64  # characters of a call's id (§2.1)
_PING = encode_json({"type": "ping"}, "ping")
_MESSAGE_STOP = encode_json({"type": "message_stop"}, "message_stop")
_BLOCK_STOP = encode(b'{"type":"content_block_stop","index":%d}', "content_block_stop")
_TEXT_START = encode(
    b'{"type":"content_block_start","index":%d,"content_block":{"type":"text","text":""}}',
    "content_block_start",
)


class MessagesWriter:
    """One per stream."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, request: Request) -> None:
        self._request = request
        self._before = ""  # a text of the open block
        self._written = 0  # characters, for replies whose size upstream never tells

    def feed(self, event: Told) -> bytes:
        """The frames of one event."""
        match event:
            case BlockDeltas():
                return self._texts(event)
            case BlockDelta():
                return self._delta(event)
            case Begin():
                return self._begin(event)
            case BlockStart():
                return self._start(event.index, event.block)
            case BlockEnd():
                return _BLOCK_STOP % event.index
            case End():
                return self._end(event)

    def ping(self) -> bytes:
        return _PING

    def fail(self, problem: Problem) -> bytes:
        return fault(problem)

    # -------------------------------------------------------------------------- one event each

    def _begin(self, begin: Begin) -> bytes:
        """The input count is an estimate unless upstream told it at once."""
        if begin.usage is not None:
            usage = {**write_usage(begin.usage), "output_tokens": 0}
        else:
            usage = {"input_tokens": self._request.estimated_tokens(), "output_tokens": 0}
        message: Json = {
            "id": message_id(begin.id),
            "type": "message",
            "role": "assistant",
            "model": self._request.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        return _frame("message_start", message=message)

    def _start(self, index: int, block: ReplyBlock) -> bytes:
        self._before = _before_text(index, block)
        if isinstance(block, Text):
            return _TEXT_START % index
        return _frame("content_block_start", index=index, content_block=self._empty(block))

    def _empty(self, block: Thinking | ToolUse) -> Json:
        match block:
            case Thinking(redacted=redacted) if redacted:
                return {"type": "redacted_thinking", "data": redacted}
            case Thinking():
                return {"type": "thinking", "thinking": "", "signature": ""}
            case ToolUse():
                name = given_name(self._request, block.name)
                identifier = legal_id(block.id, LONGEST_ID)
                return {"type": "tool_use", "id": identifier, "name": name, "input": {}}

    def _delta(self, delta: BlockDelta) -> bytes:
        written = b""
        if delta.text:
            written += self._texts(BlockDeltas(delta.index, [delta.text]))
        if delta.signature:
            change = {"type": "signature_delta", "signature": delta.signature}
            written += _frame("content_block_delta", index=delta.index, delta=change)
        return written

    def _texts(self, deltas: BlockDeltas) -> bytes:
        self._written += sum(map(len, deltas.texts))
        return framed(self._before, deltas, "}}\n\n")

    def _end(self, end: End) -> bytes:
        usage = end.usage if end.usage is not None else self._estimate()
        delta = ending(end.reason, end.stop_sequence, end.explanation)
        return _frame("message_delta", delta=delta, usage=write_usage(usage)) + _MESSAGE_STOP

    def _estimate(self) -> Usage:
        return estimated(self._request, self._written)


def render_reply(reply: Reply, request: Request) -> Json:
    """The unstreamed answer; says the same as the stream of the same reply."""
    usage = reply.usage
    if usage is None:
        usage = estimated(request, sum(_length(block) for block in reply.blocks))
    return {
        "id": message_id(reply.id),
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [
            _whole(block, request)
            for block in reply.blocks
            if not isinstance(block, Text) or block.text
        ],
        **ending(reply.reason, reply.stop_sequence, reply.explanation),
        "usage": write_usage(usage),
    }


def ending(reason: StopReason, stop_sequence: str | None, explanation: str) -> Json:
    """Why it stopped. `stop_sequence` is claimed only where it is known which one."""
    if reason is StopReason.STOP_SEQUENCE and stop_sequence is None:
        reason = StopReason.END
    known = stop_sequence if reason is StopReason.STOP_SEQUENCE else None
    written: Json = {"stop_reason": _REASONS[reason], "stop_sequence": known}
    if reason is StopReason.REFUSAL:
        details = {"type": "refusal", "category": None, "explanation": explanation or None}
        written["stop_details"] = details
    return written


def message_id(upstream: str) -> str:
    """Upstream's id where it looks like Anthropic's, else a new one."""
    if upstream.startswith("msg_"):
        return upstream
    return f"msg_{secrets.token_hex(12)}"


def given_name(request: Request, name: str) -> str:
    """The name under which the client declared this tool."""
    tool = request.tool(name)
    return name if tool is None else tool.original or tool.name


def estimated(request: Request, characters: int) -> Usage:
    """Counts by rule of thumb, for a reply whose upstream never told them."""
    return Usage(input=request.estimated_tokens(), output=max(1, characters // 4))


def _whole(block: ReplyBlock, request: Request) -> Json:
    match block:
        case Text():
            return {"type": "text", "text": block.text}
        case Thinking(redacted=redacted) if redacted:
            return {"type": "redacted_thinking", "data": redacted}
        case Thinking():
            return {"type": "thinking", "thinking": block.text, "signature": block.signature}
        case ToolUse():
            return {
                "type": "tool_use",
                "id": legal_id(block.id, LONGEST_ID),
                "name": given_name(request, block.name),
                "input": object_of(block.arguments),
            }


def _length(block: ReplyBlock) -> int:
    return len(block.arguments) if isinstance(block, ToolUse) else len(block.text)


def _before_text(index: int, block: ReplyBlock) -> str:
    """What stands in front of a text of this block, in a frame of its own."""
    match block:
        case Text():
            kind, key = "text_delta", "text"
        case ToolUse():
            kind, key = "input_json_delta", "partial_json"
        case _:
            kind, key = "thinking_delta", "thinking"
    return (
        'event: content_block_delta\ndata: {"type":"content_block_delta",'
        f'"index":{index},"delta":{{"type":"{kind}","{key}":'
    )


def _frame(kind: str, **fields: object) -> bytes:
    return encode_json({"type": kind, **fields}, kind)
