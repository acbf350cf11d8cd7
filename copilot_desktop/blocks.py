"""From what readers see to the events of `canonical`: order, gates and endings in one place.

A wire format may interleave parallel tool calls, name a call late, send arguments that are not
JSON, or report `stop` although it called a tool. `BlockSequencer` takes such calls as they come and
gives well-formed events (`translation.md` §6.1 guarantees G1–G6, §6.2 argument gate, §6.4 order).
It knows nothing of any wire format and does no I/O. Each method returns the events it completes.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from uuid import uuid4

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
from copilot_desktop.errors import UpstreamFault
from copilot_desktop.runaway import STUCK, Runaway
from copilot_desktop.spelling import free_name, legal_arguments

_TEXT, _REFUSAL, _THINKING = Text(""), Text("", refusal=True), Thinking("")
MAX_CALLS = 128
MAX_ARGUMENTS = 1024 * 1024  # characters of one call


@dataclass(slots=True)
class _Call:
    """One tool call on its way. `streaming` is decided by its first visible character; `ended` is
    what upstream says, perhaps before those in front of it are."""

    id: str = ""
    name: str = ""
    text: str = ""
    sent: int = 0
    streaming: bool = False
    opened: bool = False
    ended: bool = False
    closed: bool = False
    watch: Runaway = field(default_factory=Runaway)


@dataclass(slots=True)
class BlockSequencer:
    """One per reply. `finish` must be called exactly once; after it nothing may be called."""

    _index: int = -1
    _open: ReplyBlock | None = None
    _calls: dict[Hashable, _Call] = field(default_factory=dict)
    _held_space: str = ""
    _later: list[tuple[ReplyBlock, str, str]] = field(default_factory=list)
    _begun: bool = False
    _usage: Usage | None = None
    _spoken: bool = False
    _said: bool = False
    _refused: bool = False

    # -------------------------------------------------------------------------- what comes in

    def begin(self, reply_id: str = "", usage: Usage | None = None) -> Iterator[Event]:
        """Tell the start; later calls change nothing."""
        if not self._begun:
            self._begun = True
            yield Begin(reply_id, usage)

    def usage(self, usage: Usage) -> None:
        """Remember the (cumulative) count; the last one wins."""
        self._usage = usage

    def think(self, text: str, signature: str = "") -> Iterator[Event]:
        """Reasoning text, or the seal of the reasoning before it."""
        if text or signature:
            yield from self._visible(_THINKING, text, signature)

    def redacted(self, opaque: str) -> Iterator[Event]:
        """A whole block of reasoning that only its issuer can read."""
        yield from self._visible(Thinking("", redacted=opaque), "", "")

    def text(self, text: str, *, refusal: bool = False) -> Iterator[Event]:
        """Visible text. White space before the first word is held until a word follows."""
        if not text:
            return
        if not self._spoken and not refusal:
            if not text.strip():
                self._held_space += text
                return
            text, self._held_space = self._held_space + text, ""
        self._spoken = True
        self._said = self._said or not refusal
        self._refused = self._refused or refusal
        yield from self._visible(_REFUSAL if refusal else _TEXT, text, "")

    @property
    def open_text(self) -> int | None:
        """The open block, if more `text` would just continue it and nothing else comes first."""
        if self._open is not _TEXT or (self._calls and self._pending_call()):
            return None
        return self._index

    def end_block(self) -> Iterator[Event]:
        """The open text or reasoning is complete (formats that say so)."""
        if not isinstance(self._open, ToolUse):
            yield from self._close_open()

    def call(self, key: Hashable, *, call_id: str = "", name: str = "") -> Iterator[Event]:
        """A tool call is announced, or more of its id or name is known. First values win.

        Of two calls with one id the second gets another: their results must find them.
        """
        call = self._known(key)
        if call_id and not call.id:
            call.id = free_name(call_id, {other.id for other in self._calls.values()})
        call.name = call.name or name
        yield from self._advance()

    def arguments(self, key: Hashable, text: str) -> Iterator[Event]:
        """More argument text of a call; ignored once that call is complete."""
        call = self._known(key)
        if call.closed:
            return
        watch = call.watch
        call.text += legal_arguments(text, in_string=watch.in_string, escaped=watch.escaped)
        if len(call.text) > MAX_ARGUMENTS:
            raise UpstreamFault("The model made a tool call that is too large.")
        if watch.stuck(text):
            raise UpstreamFault(STUCK)
        yield from self._advance()

    def settle(self, key: Hashable, text: str) -> Iterator[Event]:
        """The whole argument text of a call as upstream reports it at the end of the call."""
        call, text = self._known(key), legal_arguments(text)
        if call.closed or not text or text == call.text:
            return
        if call.sent and not text.startswith(call.text):
            raise UpstreamFault("The model's tool call changed while it was sent.")
        call.text = text
        yield from self._advance()

    def end_call(self, key: Hashable) -> Iterator[Event]:
        """Upstream says that this call is complete.

        Arguments that are broken here may have been cut by the output limit, which upstream tells
        only afterwards: they stay open, and `finish` decides.
        """
        call = self._calls.get(key)
        if call is None or call.closed:
            return
        call.ended = True
        yield from self._advance()
        if not self._pending_call():
            yield from self._flush_later()

    @property
    def has_calls(self) -> bool:
        """Whether a usable (named) call was seen."""
        return any(call.name for call in self._calls.values())

    def finish(
        self, reason: StopReason, stop_sequence: str | None = None, explanation: str = ""
    ) -> Iterator[Event]:
        """Close everything and tell the end. Length beats tool use: a cut call must not run."""
        yield from self.begin()
        cut = reason is StopReason.LENGTH
        for call in list(self._calls.values()):
            if call.closed or not call.name:
                continue
            call.id = call.id or f"call_{uuid4().hex[:24]}"
            if not call.opened:
                yield from self._open_call(call)
            yield from self._finish_call(call, cut=cut)
        yield from self._flush_later()
        if self._held_space and not self._spoken and not self.has_calls:
            yield from self._show(_TEXT, self._held_space, "")
        yield from self._close_open()
        if reason in {StopReason.END, StopReason.TOOL_USE}:
            reason = StopReason.TOOL_USE if self.has_calls else StopReason.END
        if reason is StopReason.END and self._refused and not self._said:
            reason = StopReason.REFUSAL
        yield End(reason, self._usage, stop_sequence, explanation)

    # -------------------------------------------------------------------------- inner workings

    def _visible(self, block: ReplyBlock, text: str, signature: str) -> Iterator[Event]:
        if not self._begun:
            yield from self.begin()
        if self._calls and self._pending_call():
            self._later.append((block, text, signature))
            return
        if self._later:
            yield from self._flush_later()
        yield from self._show(block, text, signature)

    def _show(self, block: ReplyBlock, text: str, signature: str) -> Iterator[Event]:
        # An open block is kept as it was started, so equal means: goes on.
        whole = isinstance(block, Thinking) and bool(block.redacted)
        if whole or (self._open is not block and self._open != block):
            yield from self._close_open()
            yield from self._start(block)
        if text or signature:
            yield BlockDelta(self._index, text, signature)
        if signature or whole:
            yield from self._close_open()

    def _known(self, key: Hashable) -> _Call:
        call = self._calls.get(key)
        if call is None:
            if len(self._calls) >= MAX_CALLS:
                raise UpstreamFault("The model made more than 128 tool calls.")
            call = self._calls[key] = _Call()
        return call

    def _pending_call(self) -> bool:
        return any(call.name and not call.closed for call in self._calls.values())

    def _advance(self) -> Iterator[Event]:
        """Open, continue and close calls in the order in which they appeared."""
        for key, call in self._calls.items():
            if call.closed:
                continue
            if not (call.id and call.name):
                return
            if not call.opened:
                yield from self.begin()
                yield from self._open_call(call)
            yield from self._send(call)
            if not self._is_over(key, call):
                return
            yield from self._finish_call(call, cut=False)

    def _is_over(self, key: Hashable, call: _Call) -> bool:
        if call.ended:
            return not call.text.strip() or _is_json(call.text)
        has_successor = next(reversed(self._calls)) != key
        return has_successor and _is_json(call.text)

    def _open_call(self, call: _Call) -> Iterator[Event]:
        yield from self._close_open()
        call.opened = True
        self._held_space = ""
        yield from self._start(ToolUse(call.id, call.name, ""))

    def _send(self, call: _Call) -> Iterator[Event]:
        """Stream arguments only once they look like an object; hold anything else."""
        if not call.streaming:
            if not call.text.lstrip().startswith("{"):
                return
            call.streaming = True
        if call.sent < len(call.text):
            delta = call.text[call.sent :]
            call.sent = len(call.text)
            yield BlockDelta(self._index, delta)

    def _finish_call(self, call: _Call, *, cut: bool) -> Iterator[Event]:
        yield from self._send(call)
        if call.text.strip() and not cut:
            if call.streaming:
                rest = _repair(call.text)
            else:
                call.text, rest = _object_text(call.text), ""
                yield from self._send(call) if call.text.startswith("{") else ()
            if rest:
                yield BlockDelta(self._index, rest)
        call.closed = True
        yield from self._close_open()

    def _flush_later(self) -> Iterator[Event]:
        later, self._later = self._later, []
        for block, text, signature in later:
            yield from self._show(block, text, signature)

    def _start(self, block: ReplyBlock) -> Iterator[Event]:
        self._index += 1
        self._open = block
        yield BlockStart(self._index, block)

    def _close_open(self) -> Iterator[Event]:
        if self._open is not None:
            self._open = None
            yield BlockEnd(self._index)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _object_text(text: str) -> str:
    """Held arguments, checked at the end of the call. A JSON string may wrap the object."""
    try:
        value = json.loads(text)
        if isinstance(value, str):
            value = json.loads(value) if value.strip() else {}
    except (ValueError, RecursionError):
        value = None
    if value is None and text.strip() == "null":
        return ""
    if not isinstance(value, dict):
        raise UpstreamFault("The model produced malformed tool arguments.")
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _repair(text: str) -> str:
    """The characters that complete `text` to an object: an open string, then open brackets."""
    if _is_json(text):
        return ""
    stack: list[str] = []
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "{[":
            stack.append("}" if character == "{" else "]")
        elif character in "}]" and stack:
            stack.pop()
    rest = ('"' if in_string else "") + "".join(reversed(stack))
    if not _is_json(text + rest):
        raise UpstreamFault("The model produced malformed tool arguments.")
    return rest
