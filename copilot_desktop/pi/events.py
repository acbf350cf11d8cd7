"""Canonical events, told as pi-ai's `AssistantMessageEvent`s with a `partial` for each.

pi tells twelve kinds of event (`start`, three kinds each for text, thinking and tool calls, `done`,
`error`); each carries the message as it stood then. In pi that is one object which goes on
changing. Here each event has a moment of its own, and a moment costs next to nothing: it notes how
long the growing lists were, and the message is put together when somebody looks. So an event costs
O(1), reading `partial` costs O(length of the reply so far) each time, and what is read belongs to
the reader, who may change it. An event keeps the reply alive that it is part of.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockEnd,
    BlockStart,
    End,
    Event,
    ReplyBlock,
    StopReason,
    Text,
    Thinking,
    ToolUse,
    Usage,
)
from copilot_desktop.errors import Problem
from copilot_desktop.model import CHAT, MESSAGES, RESPONSES
from copilot_desktop.pi.prefix import object_of
from copilot_desktop.pi.shapes import (
    AssistantMessage,
    PiStopReason,
    PiUsage,
    TextContent,
    ThinkingContent,
    ToolCall,
)

PROVIDER = "copilot-desktop"
"""Not pi's `github-copilot`: our reasoning is sealed, and only we can send it back."""

_APIS = {
    CHAT: "openai-completions",
    RESPONSES: "openai-responses",
    MESSAGES: "anthropic-messages",
}
_STOPS: dict[StopReason, PiStopReason] = {
    StopReason.END: "stop",
    StopReason.STOP_SEQUENCE: "stop",
    StopReason.PAUSE: "stop",
    StopReason.TOOL_USE: "toolUse",
    StopReason.LENGTH: "length",
    StopReason.REFUSAL: "error",
}


@dataclass(frozen=True, slots=True)
class _Part:
    """One block and what was added to it. `deltas` only grows, and not after the next block."""

    start: ReplyBlock
    deltas: list[BlockDelta] = field(default_factory=list)

    def content(self, upto: int | None = None) -> TextContent | ThinkingContent | ToolCall:
        deltas = self.deltas[:upto]
        text = self.start_text + "".join(delta.text for delta in deltas)
        match self.start:
            case Text():
                return {"type": "text", "text": text}
            case Thinking(redacted=opaque) if opaque:
                return {
                    "type": "thinking",
                    "thinking": text,
                    "thinkingSignature": opaque,
                    "redacted": True,
                }
            case Thinking(signature=signature):
                signature += "".join(delta.signature for delta in deltas)
                thought: ThinkingContent = {"type": "thinking", "thinking": text}
                return {**thought, "thinkingSignature": signature} if signature else thought
            case ToolUse(id=call_id, name=name):
                arguments = object_of(text)
                return {"type": "toolCall", "id": call_id, "name": name, "arguments": arguments}

    @property
    def start_text(self) -> str:
        return self.start.arguments if isinstance(self.start, ToolUse) else self.start.text

    @property
    def kind(self) -> str:
        match self.start:
            case Text():
                return "text"
            case Thinking():
                return "thinking"
            case ToolUse():
                return "toolcall"


@dataclass(frozen=True, slots=True)
class _Moment:
    """The reply after one event: the first `count` parts, and `deltas` of the last of them."""

    parts: list[_Part]
    model: str
    endpoint: str
    timestamp: int
    count: int = 0
    deltas: int = 0
    reply_id: str = ""
    usage: Usage | None = None
    stop: PiStopReason = "stop"
    trouble: str = ""

    def message(self) -> AssistantMessage:
        """A fresh value each time."""
        content = [part.content() for part in self.parts[: max(0, self.count - 1)]]
        if self.count:
            content.append(self.parts[self.count - 1].content(self.deltas))
        message: AssistantMessage = {
            "role": "assistant",
            "content": content,
            "api": _APIS.get(self.endpoint, "unknown"),
            "provider": PROVIDER,
            "model": self.model,
            "usage": _usage(self.usage or Usage()),
            "stopReason": self.stop,
            "timestamp": self.timestamp,
        }
        if self.reply_id:
            message["responseId"] = self.reply_id
        if self.trouble:
            message["errorMessage"] = self.trouble
        return message


@dataclass(frozen=True, slots=True, eq=False)
class AssistantMessageEvent(Mapping[str, Any]):
    """One event under pi's keys: `event["type"]`, `event["delta"]`, `event["partial"]` …

    Read like a dict; `json.dumps(dict(event))` is what pi would write. The message (`partial`,
    `message` of `done`, `error` of `error`) is made anew, from this event's moment, at each look.
    """

    _facts: Mapping[str, Any]
    _place: str
    _moment: _Moment = field(repr=False)

    def __getitem__(self, key: str) -> Any:
        return self._moment.message() if key == self._place else self._facts[key]

    def __iter__(self) -> Iterator[str]:
        yield from self._facts
        yield self._place

    def __len__(self) -> int:
        return len(self._facts) + 1


class Teller:
    """One per reply: canonical events in, pi's events out. After `done` or `error`: nothing."""

    def __init__(self, model: str, clock: Callable[[], float] = time.time) -> None:
        self._now = _Moment([], model, "", int(clock() * 1000))
        self.over = False

    def routed(self, model: str, endpoint: str) -> None:
        """Which model answers, and where at Copilot."""
        self._now = replace(self._now, model=model, endpoint=endpoint)

    def feed(self, event: Event) -> Iterator[AssistantMessageEvent]:
        """What `event` is in pi's terms; nothing for a signature alone, as in pi."""
        now = self._now
        match event:
            case Begin():
                self._now = replace(now, reply_id=event.id, usage=event.usage)
                yield self._event("start")
            case BlockStart():
                now.parts.append(_Part(event.block))
                self._now = replace(now, count=now.count + 1, deltas=0)
                yield self._event(f"{now.parts[-1].kind}_start", contentIndex=event.index)
            case BlockDelta():
                part = now.parts[-1]
                part.deltas.append(event)
                self._now = replace(now, deltas=now.deltas + 1)
                if event.text:
                    kind = f"{part.kind}_delta"
                    yield self._event(kind, contentIndex=event.index, delta=event.text)
            case BlockEnd():
                yield self._block_end(now.parts[-1], event.index)
            case End():
                yield from self._end(event)

    def fail(self, problem: Problem) -> Iterator[AssistantMessageEvent]:
        """The last event, with what was said so far. `errorMessage` is `kind: sentence`.

        pi's programs look for certain words in it, and our kinds are among them: for example
        `context_length_exceeded` makes them shorten the conversation.
        """
        yield from self._fail(f"{problem.kind}: {problem.message}")

    def _block_end(self, part: _Part, index: int) -> AssistantMessageEvent:
        content = part.content()
        if content["type"] == "toolCall":
            return self._event("toolcall_end", contentIndex=index, toolCall=content)
        text = content["text"] if content["type"] == "text" else content["thinking"]
        return self._event(f"{part.kind}_end", contentIndex=index, content=text)

    def _end(self, event: End) -> Iterator[AssistantMessageEvent]:
        """pi knows no refusal: one without words is an error, one in words is an answer."""
        stop = _STOPS[event.reason]
        if event.usage is not None:
            self._now = replace(self._now, usage=event.usage)
        if stop == "error":
            if not any(isinstance(p.start, Text) and p.start.refusal for p in self._now.parts):
                yield from self._fail(f"refusal: {event.explanation or 'The model refused.'}")
                return
            stop = "stop"
        self._now = replace(self._now, stop=stop)
        self.over = True
        yield self._event("done", "message", reason=stop)

    def _fail(self, words: str) -> Iterator[AssistantMessageEvent]:
        if not self.over:
            self.over = True
            self._now = replace(self._now, stop="error", trouble=words)
            yield self._event("error", "error", reason="error")

    def _event(self, kind: str, place: str = "partial", **facts: Any) -> AssistantMessageEvent:
        return AssistantMessageEvent({"type": kind, **facts}, place, self._now)


def _usage(usage: Usage) -> PiUsage:
    return {
        "input": usage.input,
        "output": usage.output,
        "cacheRead": usage.cache_read,
        "cacheWrite": usage.cache_write,
        "totalTokens": usage.total_input + usage.output,
        "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": 0},
    }
