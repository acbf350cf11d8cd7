"""Copilot's accent on `/v1/messages`, mended where Anthropic's own format is passed through.

Requests lose what Copilot refuses (`messages_request`, `messages_turns`, `messages_thinking`,
`messages_caching` know the rules, `messages_glance` which histories need none). Answers lose
Copilot's additions: its bill, Bedrock's counters, a `[DONE]` that belongs to OpenAI. They get the
model name that the client used and, where one is missing, the `event:` line without which
Anthropic's SDKs see nothing. Signatures pass untouched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from copilot_desktop.errors import UpstreamFault
from copilot_desktop.model import Model
from copilot_desktop.redaction import redact
from copilot_desktop.runaway import STUCK, Runaway
from copilot_desktop.sse import Frame, encode, encode_json
from copilot_desktop.upstream.quirks import DAMAGED, Fixed, Json, nano_credits
from copilot_desktop.upstream.quirks.messages_caching import settle_marks
from copilot_desktop.upstream.quirks.messages_draft import Draft
from copilot_desktop.upstream.quirks.messages_glance import is_plain
from copilot_desktop.upstream.quirks.messages_history import (
    mend_names,
    mend_names_of_calls,
    mend_pairs,
    mend_pictures,
    mend_references,
    recall_tools,
)
from copilot_desktop.upstream.quirks.messages_request import (
    allowed_betas,
    mend_context,
    mend_fields,
    mend_tools,
)
from copilot_desktop.upstream.quirks.messages_thinking import settle_thinking
from copilot_desktop.upstream.quirks.messages_turns import mend_ends, mend_turns
from copilot_desktop.upstream.quirks.runs import Run, Runs
from copilot_desktop.upstream.quirks.tool_names import ToolNames

_FOREIGN = ("copilot_", "amazon-bedrock-")
# Most members there are; a look at these few is not needed.
_NATIVE = frozenset({
    "type", "index", "delta", "content_block", "message", "usage", "id", "role", "model", "content",
    "stop_reason", "stop_sequence", "stop_details", "container", "context_management", "error",
})  # fmt: skip
_FOREIGN_BYTES = (b"copilot_", b"amazon-bedrock-")
_FRAME_ENDS = (b"\n\n", b"\r\r", b"\n\r\n", b"\n\r")
_PLAIN = ("content_block_start", "content_block_delta", "content_block_stop", "ping")
# Anthropic's own kinds of errors. Claude Code gives up on any other in mid-answer.
_ERRORS = frozenset({
    "invalid_request_error", "authentication_error", "billing_error", "permission_error",
    "not_found_error", "conflict_error", "request_too_large", "rate_limit_error", "api_error",
    "timeout_error", "overloaded_error",
})  # fmt: skip
_CONTEXT_FULL, _NEW_VERSION = "model_context_window_exceeded", "2026-10-21"
_TOOL, _ARGUMENTS = b'"tool_use"', b'"input_json_delta"'
_PIECE = re.compile(rb'"partial_json"\s*:\s*("(?:[^"\\]|\\.)*")')


class MessagesQuirks:
    """The accent of `/v1/messages`. Take one per exchange."""

    def __init__(self) -> None:
        self._names = ToolNames()
        self._version = ""

    def fix_request(
        self, body: Mapping[str, Any], model: Model, betas: tuple[str, ...], version: str = ""
    ) -> Fixed:
        """Raises InvalidRequest for pictures behind addresses and for what only Anthropic runs."""
        self._version = version
        if body.get("stream") is not True:  # a stream is told by the request itself
            self._names = ToolNames.of(body)
        draft = Draft.of(body)
        draft.betas = allowed_betas(betas, body.get("tools"))
        mend_fields(draft, model)
        mend_tools(draft, model)
        mend_names(draft)
        unsealed = False
        if not (plain := is_plain(body.get("messages"))):
            mend_names_of_calls(draft)
            unsealed = mend_turns(draft)
            mend_pairs(draft)
            mend_ends(draft)
            mend_pictures(draft, model)
        recall_tools(draft)
        if not plain:
            mend_references(draft)
        settle_thinking(draft, model, unsealed=unsealed)
        thinking = draft.body.get("thinking")
        kind = thinking.get("type") if isinstance(thinking, dict) else None
        mend_context(draft, thinks=kind in ("enabled", "adaptive"))
        settle_marks(draft)
        return Fixed(
            draft.body if draft.changed else None,
            tuple(draft.betas),
            tuple(draft.notes),
            tuple(draft.marked),
        )

    def stream(self, body: Mapping[str, Any], shown_model: str) -> MessagesStream:
        return MessagesStream(shown_model, ToolNames.of(body), self._version)

    def fix_reply(self, reply: Json, shown_model: str) -> Json:
        fixed = _native(reply)
        if "model" in fixed:
            fixed["model"] = shown_model
        if isinstance(content := fixed.get("content"), list):
            fixed["content"] = [_named(block, self._names) for block in content]
        fixed = _with_known_reason(fixed, self._version)
        if fixed.get("stop_details", ...) is None:
            del fixed["stop_details"]
        return fixed


class MessagesStream:
    """Mends one streamed answer and reads along."""

    def __init__(self, shown_model: str, names: ToolNames, version: str = "") -> None:
        self.complete = False
        self.failed = False
        self.usage: Mapping[str, Any] | None = None
        self.nano_credits: int | None = None
        self._shown_model = shown_model
        self._names = names
        self._version = version
        self._ended = False
        self._watch = Runaway()
        self._runs = Runs(b'"delta":{"type":"text_delta","text":"')

    @property
    def run(self) -> Run | None:
        return None if self.failed else self._runs.run

    def feed(self, frame: Frame) -> bytes:
        data = frame.data
        if self.failed:
            return b""  # the error was the last word
        whole = frame.raw.endswith(_FRAME_ENDS) or not frame.raw
        if not data:
            return frame.raw if whole else b""  # half a frame would swallow the next one
        if data.strip() == b"[DONE]":
            return b""
        if _ARGUMENTS in data and self._is_stuck(data):
            return self._fail({"error": STUCK})
        plain = frame.event in _PLAIN and whole and data.endswith(b"}")
        if plain and not (_TOOL in data or any(key in data for key in _FOREIGN_BYTES)):
            self._runs.look(frame.raw, frame.raw)
            return frame.encode()
        try:
            payload = frame.json()
        except (ValueError, RecursionError):
            if whole:
                return self._fail({"error": DAMAGED})
            return b""  # cut in the middle: the missing end is reported as such
        if not isinstance(payload, dict):
            return b""
        return self._mended(frame, payload, whole=whole)

    def _mended(self, frame: Frame, payload: Json, *, whole: bool) -> bytes:
        kind = str(payload.get("type") or frame.event)
        cost = nano_credits(payload)
        self.nano_credits = cost if cost is not None else self.nano_credits
        mended = payload
        match kind:
            case "message_start":
                mended = self._start(payload)
            case "content_block_start":
                block = _named(payload.get("content_block"), self._names)
                mended = {**payload, "content_block": block}
                self._watch = Runaway()
            case "message_delta":
                mended = self._delta(payload)
            case "message_stop" if not self._ended:
                return b""  # no reason was given: this is no end, and the caller says so
            case "message_stop":
                self.complete = True
            case _ if "error" in payload or kind == "error":
                self.failed = True
                kind, mended = "error", _error(payload)
        mended = _native(mended)
        if mended != payload:
            return encode_json(mended, kind)
        if frame.event == kind and whole:
            return frame.encode()
        return encode_json(payload, kind) if b"\n" in frame.data else encode(frame.data, kind)

    def _start(self, payload: Json) -> Json:
        message = payload.get("message")
        if not isinstance(message, dict):
            return payload
        self._note(message.get("usage"))
        shown = _native({**message, "model": self._shown_model})
        if not isinstance(message.get("usage"), dict):
            shown["usage"] = {"input_tokens": 0, "output_tokens": 0}
        return {**payload, "message": shown}

    def _delta(self, payload: Json) -> Json:
        self._note(payload.get("usage"))
        delta = payload.get("delta")
        if isinstance(delta, dict) and delta.get("stop_reason"):
            self._ended = self.complete = True
            payload = {**payload, "delta": _with_known_reason(delta, self._version)}
        if isinstance(payload.get("usage"), dict):
            return payload
        return {**payload, "usage": self.usage or {"output_tokens": 0}}

    def _is_stuck(self, data: bytes) -> bool:
        """Blocks do not overlap here, so one watch at a time is enough."""
        found = _PIECE.search(data)
        if found is None:
            return False
        try:
            piece = json.loads(found[1])
        except ValueError:
            return False  # damaged; that is noticed by others
        return self._watch.stuck(piece)

    def _fail(self, payload: Json) -> bytes:
        self.failed = True
        return encode_json(_error(payload), "error")

    def _note(self, usage: Any) -> None:
        """Counts are cumulative; null says nothing."""
        if isinstance(usage, dict):
            news = {key: value for key, value in usage.items() if value is not None}
            self.usage = {**(self.usage or {}), **news}


def _with_known_reason(holder: Mapping[str, Any], version: str) -> Json:
    """A full context is a reason of its own only since 2026 (`translation.md` §9.1)."""
    if holder.get("stop_reason") == _CONTEXT_FULL and version < _NEW_VERSION:
        return {**holder, "stop_reason": "max_tokens"}
    return dict(holder)


def _named(block: Any, names: ToolNames) -> Any:
    """A call under the name that the client declared; the block itself if it has that."""
    if isinstance(block, dict) and block.get("type") == "tool_use":
        name = block.get("name")
        if isinstance(name, str) and (shown := names.shown(name)) != name:
            return {**block, "name": shown}
    return block


def _native(payload: Mapping[str, Any]) -> Json:
    """Without what Copilot and Bedrock add."""
    kept = dict(payload)
    for key in kept.keys() - _NATIVE:
        if key.startswith(_FOREIGN):
            del kept[key]
    return kept


def _error(payload: Json) -> Json:
    """An error as Anthropic's SDKs recognise it, without secrets."""
    given = payload.get("error")
    error = given if isinstance(given, dict) else {"message": given}
    said = error.get("message")
    message = redact(said) if isinstance(said, str) else UpstreamFault.sentence
    kind = error.get("type")
    if payload.get("type") == "error" and isinstance(kind, str) and kind in _ERRORS:
        return {**payload, "error": {**error, "message": message}}
    return {"type": "error", "error": {"type": "api_error", "message": message}}
