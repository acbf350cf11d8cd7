"""Chat Completions answers for clients, streamed and whole (`translation.md` §7.2, §8).

Every chunk carries the same id and creation time and the model's name as the client spelled it.
Ids and names of calls are sent once, since clients join repeated pieces. A tool call that the
client declared as free text (`custom`) is written back as such once it is complete. Must not know
where the events come from.
"""

from __future__ import annotations

import json
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
    Thinking,
    ToolUse,
    Usage,
)
from copilot_desktop.dialects.openai_chat.reasoning import opaque_piece
from copilot_desktop.dialects.openai_words import (
    FINISH_REASONS,
    mint,
    render_problem,
    write_usage,
)
from copilot_desktop.errors import Problem
from copilot_desktop.runs import BlockDeltas, Told, framed
from copilot_desktop.spelling import legal_id
from copilot_desktop.sse import encode, encode_json

Json = dict[str, Any]

LONGEST_ID = 40  # characters of a call's id (§2.1)
_AFTER = ',"logprobs":null,"finish_reason":%s}]}\n\n'
_AFTER_TEXT = "}" + _AFTER % "null"
_compact = json.JSONEncoder(separators=(",", ":")).encode


class ChatWriter:
    """One per stream. The envelope is rendered once; a delta only adds its own few bytes."""

    content_type = "text/event-stream; charset=utf-8"

    __slots__ = (
        "_before_delta",
        "_before_text",
        "_block",
        "_calls",
        "_characters",
        "_head",
        "_held",
        "_request",
        "_seals",
        "_thought",
    )

    def __init__(self, request: Request) -> None:
        self._request = request
        envelope = {
            "id": mint("chatcmpl-"),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": request.model,
        }
        self._head = _compact(envelope)[:-1]
        self._before_delta = f'data: {self._head},"choices":[{{"index":0,"delta":'
        self._before_text = ""  # of the open block
        self._block: ReplyBlock | None = None
        self._calls = 0
        self._held = ""
        self._seals = 0
        self._thought = 0
        self._characters = 0

    def feed(self, event: Told) -> bytes:
        match event:
            case BlockDeltas():
                return self._texts(event)
            case Begin():
                return self._chunk('{"role":"assistant","content":""}')
            case BlockStart():
                return self._start(event.block)
            case BlockDelta():
                return self._delta(event)
            case BlockEnd():
                return self._end_block()
            case End():
                return self._end(event)
            case _:
                assert_never(event)

    def ping(self) -> bytes:
        return b": keep-alive\n\n"

    def fail(self, problem: Problem) -> bytes:
        return encode_json(render_problem(problem))

    def _start(self, block: ReplyBlock) -> bytes:
        self._block, self._held, self._thought = block, "", 0
        key = "refusal" if isinstance(block, Text) and block.refusal else "content"
        self._before_text = f'{self._before_delta}{{"{key}":'
        if not isinstance(block, ToolUse):
            return b""
        name, custom = shown_tool(self._request, block.name)
        call: Json = {"index": self._calls, "id": legal_id(block.id, LONGEST_ID)}
        self._calls += 1
        if self._request.echo_functions:
            return self._function({"name": name, "arguments": ""})
        if custom:
            call |= {"type": "custom", "custom": {"name": name, "input": ""}}
        else:
            call |= {"type": "function", "function": {"name": name, "arguments": ""}}
        return self._chunk(_compact({"tool_calls": [call]}))

    def _texts(self, deltas: BlockDeltas) -> bytes:
        self._characters += sum(map(len, deltas.texts))
        return framed(self._before_text, deltas, _AFTER_TEXT)

    def _delta(self, delta: BlockDelta) -> bytes:
        if delta.text and isinstance(self._block, Text):
            return self._texts(BlockDeltas(delta.index, [delta.text]))
        self._characters += len(delta.text)
        match self._block:
            case Thinking(redacted=""):
                return self._think(delta)
            case ToolUse(name=name) if delta.text:
                self._held += delta.text
                if shown_tool(self._request, name)[1]:
                    return b""
                return self._arguments({"function": {"arguments": delta.text}})
        return b""

    def _function(self, piece: Json) -> bytes:
        """For clients of before tools: they know one call, without an id."""
        return self._chunk(_compact({"function_call": piece})) if self._calls == 1 else b""

    def _think(self, delta: BlockDelta) -> bytes:
        out = b""
        if delta.text:
            self._thought += len(delta.text)
            out += self._chunk(f'{{"reasoning_content":{json.dumps(delta.text)}}}')
        if delta.signature:
            piece = opaque_piece(delta.signature, self._thought, first=self._seals == 0)
            self._seals += 1
            out += self._chunk(f'{{"reasoning_opaque":{json.dumps(piece)}}}')
        return out

    def _end_block(self) -> bytes:
        block, self._block = self._block, None
        if not isinstance(block, ToolUse):
            return b""
        if shown_tool(self._request, block.name)[1]:
            return self._arguments({"custom": {"input": free_text(self._held)}})
        # Clients parse the arguments as they are: nothing at all would not be JSON.
        return b"" if self._held else self._arguments({"function": {"arguments": "{}"}})

    def _arguments(self, piece: Json) -> bytes:
        if self._request.echo_functions:
            return self._function(piece["function"])
        return self._chunk(_compact({"tool_calls": [{"index": self._calls - 1, **piece}]}))

    def _end(self, end: End) -> bytes:
        out = self._chunk("{}", f'"{_finish_reason(end.reason, self._request)}"')
        if self._request.echo_usage:
            usage = end.usage or _estimated(self._request, self._characters)
            tail = f',"choices":[],"usage":{_compact(write_usage(usage))}}}'
            out += encode((self._head + tail).encode())
        return out + b"data: [DONE]\n\n"

    def _chunk(self, delta: str, finish: str = "null") -> bytes:
        return (self._before_delta + delta + _AFTER % finish).encode()


def render_reply(reply: Reply, request: Request) -> Json:
    """The whole answer: one choice, a finish reason and the usage, always."""
    text = "".join(b.text for b in reply.blocks if isinstance(b, Text) and not b.refusal)
    refusal = "".join(b.text for b in reply.blocks if isinstance(b, Text) and b.refusal)
    calls = [_whole_call(b, request) for b in reply.blocks if isinstance(b, ToolUse)]
    message: Json = {
        "role": "assistant",
        "content": text if text or not (calls or refusal) else None,
        "refusal": refusal or None,
    }
    message |= _whole_reasoning(reply)
    if calls and request.echo_functions:
        message["function_call"] = calls[0]["function"]
    elif calls:
        message["tool_calls"] = calls
    usage = reply.usage or _estimated(request, sum(_length(block) for block in reply.blocks))
    return {
        "id": reply.id if reply.id.startswith("chatcmpl-") else mint("chatcmpl-"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": _finish_reason(reply.reason, request),
            }
        ],
        "usage": write_usage(usage),
    }


def _finish_reason(reason: StopReason, request: Request) -> str:
    if reason is StopReason.TOOL_USE and request.echo_functions:
        return "function_call"
    return FINISH_REASONS[reason]


def _whole_reasoning(reply: Reply) -> Json:
    thoughts = [b for b in reply.blocks if isinstance(b, Thinking) and not b.redacted]
    sealed = [block for block in thoughts if block.signature]
    text = "".join(block.text for block in thoughts)
    opaque = "".join(
        opaque_piece(block.signature, len(block.text), first=place == 0)
        for place, block in enumerate(sealed)
    )
    out: Json = {"reasoning_content": text} if text else {}
    return out | ({"reasoning_opaque": opaque} if opaque else {})


def _whole_call(block: ToolUse, request: Request) -> Json:
    name, custom = shown_tool(request, block.name)
    identifier = legal_id(block.id, LONGEST_ID)
    if custom:
        said = {"name": name, "input": free_text(block.arguments)}
        return {"id": identifier, "type": "custom", "custom": said}
    said = {"name": name, "arguments": block.arguments or "{}"}
    return {"id": identifier, "type": "function", "function": said}


def shown_tool(request: Request, name: str) -> tuple[str, bool]:
    """The tool's name as the client declared it, and whether it takes free text."""
    tool = request.tool(name)
    return (name, False) if tool is None else (tool.original or tool.name, tool.custom)


def free_text(arguments: str) -> str:
    """The text inside `{"input": text}`; what the model wrote otherwise is given as it is."""
    try:
        value = json.loads(arguments) if arguments.strip() else {"input": ""}
    except (ValueError, RecursionError):
        return arguments
    text = value.get("input") if isinstance(value, dict) else None
    return text if isinstance(text, str) else arguments


def _estimated(request: Request, characters: int) -> Usage:
    """By rule of thumb, where upstream never said and the client wants a number."""
    return Usage(request.estimated_tokens(), characters // 4)


def _length(block: ReplyBlock) -> int:
    return len(block.arguments) if isinstance(block, ToolUse) else len(block.text)
