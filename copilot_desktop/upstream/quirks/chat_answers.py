"""Copilot's Chat Completions answers, mended for strict clients (`upstream.md` §6.2, §6.3).

Most frames of a stream lack only `object`, `logprobs` and the client's name for the model. Such a
plain frame is never parsed: after the first chunk the bytes that hold id, time and model are known,
and the missing pieces are set in beside them. Inside a JSON string a quote is always escaped, so
these byte sequences can only stand where JSON has a key. Everything else is parsed and mended:
split choices, calls, endings, usage, errors, the prompt filter's first chunk. Nothing is ever added
that upstream did not say: a stream without a finish reason gets no `[DONE]` (`security-rules` 20).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from copilot_desktop.errors import DETAIL_LIMIT, UpstreamFault
from copilot_desktop.redaction import redact
from copilot_desktop.sse import Frame, encode, encode_json
from copilot_desktop.upstream.quirks import nano_credits
from copilot_desktop.upstream.quirks.chat_choices import (
    Calls,
    corrected,
    merged,
    spoken,
    without_filters,
)

Json = dict[str, Any]

DONE = b"[DONE]"
_CHUNK = b'"object":"chat.completion.chunk"'
_FIRST = b'"choices":[{"index":0,'
_ROLE = b'"role":"assistant"'
# A frame with one of these is looked at; all others only carry text on.
_SPECIAL = (
    b'"finish_reason":"',
    b'"tool_calls":',
    b'"usage":{',
    b'"error":',
    b'"function_call":',
    b'"message":',
    b'"copilot_',
)
_DROPPED = frozenset({"usage", "prompt_filter_results", "padding", "obfuscation"})


class ChatStream:
    """See `copilot_desktop.upstream.quirks.Stream`."""

    def __init__(
        self,
        shown_model: str,
        *,
        wants_usage: bool,
        renamed: Mapping[str, str],
        keep_choices: bool = False,
    ) -> None:
        self.complete = False
        self.failed = False
        self.usage: Mapping[str, Any] | None = None
        self.nano_credits: int | None = None
        self._shown = shown_model
        self._wants_usage = wants_usage
        self._keep_choices = keep_choices
        self._calls = Calls(renamed)
        self._id = ""
        self._created = 0
        self._marks: tuple[bytes, ...] = ()
        self._new_mark = b""
        self._spoken_to: set[int] = set()
        self._usage_due = False
        self._over = False

    def feed(self, frame: Frame) -> bytes:
        if self.failed or self._over:
            return b""
        if self._is_plain(frame) and (spliced := self._spliced(frame)):
            return spliced
        data = frame.data.strip()
        if data == DONE:
            self._over = True
            return encode(DONE) if self.complete else b""
        if not data:
            data = frame.raw.strip()
            if not data.startswith(b"{"):  # a comment; half of one would swallow what follows
                return frame.raw if frame.raw.endswith((b"\n", b"\r")) else b""
        try:
            payload = json.loads(data)
        except (ValueError, RecursionError):
            if frame.raw.endswith((b"\n", b"\r")):
                return self._fail({"message": "GitHub Copilot sent a damaged event."})
            return b""  # cut in the middle: the caller sees that it is not complete
        return self._mended(payload, frame) if isinstance(payload, dict) else b""

    # -------------------------------------------------------------------------- plain frames

    def _is_plain(self, frame: Frame) -> bool:
        """Whether this frame only carries text on, in the envelope that is known."""
        data = frame.data
        if not self._marks or any(word in data for word in _SPECIAL):
            return False
        return self._is_known(frame)

    def _is_known(self, frame: Frame) -> bool:
        data = frame.data
        return (
            bool(self._marks)
            and all(mark in data for mark in self._marks)
            and _FIRST in data
            and data.count(b'"delta":{') == 1
            and data.startswith(b"{")
            and frame.raw.endswith((b"\n", b"\r"))
            and (_CHUNK in data or b'"object":' not in data)
        )

    def _spliced(self, frame: Frame, *, keep_role: bool = False) -> bytes:
        """The frame with what is missing set in; empty if that takes more than bytes."""
        data = frame.data
        if _ROLE in data and not keep_role:
            # Clients join repeated strings: the role is told once.
            for spelled in (b"," + _ROLE, _ROLE + b","):
                if spelled in data:
                    data = data.replace(spelled, b"", 1)
                    break
            else:
                return b""
        if self._new_mark:
            data = data.replace(self._marks[-1], self._new_mark, 1)
        missing = b"" if b'"logprobs":' in data else b'"logprobs":null,'
        missing += b"" if b'"finish_reason":' in data else b'"finish_reason":null,'
        if missing:
            data = data.replace(_FIRST, _FIRST + missing, 1)
        if _CHUNK not in data:
            data = b"{" + _CHUNK + b"," + data[1:]
        return frame.raw if data is frame.data else encode(data)

    def _learn(self, payload: Json, data: bytes) -> None:
        """The bytes by which the frames to come will be known."""
        reply_id, created, model = (payload.get(key) for key in ("id", "created", "model"))
        if not self._id:
            self._id = reply_id if isinstance(reply_id, str) and reply_id else _mint()
        if not self._created:
            known = isinstance(created, int) and created > 0
            self._created = int(created) if known else int(time.time())  # type: ignore[arg-type]
        marks = tuple(
            f'"{key}":{json.dumps(value)}'.encode()
            for key, value in (("id", self._id), ("created", self._created), ("model", model))
        )
        if all(mark in data for mark in marks):
            self._marks = marks
            new = f'"model":{json.dumps(self._shown)}'.encode()
            self._new_mark = new if new != marks[-1] else b""

    # -------------------------------------------------------------------------- other frames

    def _mended(self, payload: Json, frame: Frame) -> bytes:
        if error := payload.get("error"):
            return self._fail(error)
        if isinstance(payload.get("usage"), dict):
            self.usage = payload["usage"]
            self._usage_due = self._wants_usage
        if (cost := nano_credits(payload)) is not None:
            self.nano_credits = cost
        choices = payload.get("choices")
        if not isinstance(choices, list) or not choices:
            return self._told_usage()
        if not self._marks:
            self._learn(payload, frame.data)
        mended = self._choices(choices)
        if self.failed:
            return b""
        if any(choice.get("finish_reason") == "error" for choice in mended):
            return self._fail({"message": "The model stopped with an error."})
        if self._calls.is_stuck:
            return self._fail({"message": "The model got stuck while writing a tool call."})
        same = len(mended) == len(choices) and all(
            new is old for new, old in zip(mended, choices, strict=True)
        )
        extra = "usage" in payload or any(key.startswith("copilot_") for key in payload)
        if same and not extra and self._is_known(frame):
            return self._spliced(frame, keep_role=True)
        kept = {
            key: value
            for key, value in payload.items()
            if key not in _DROPPED and not key.startswith("copilot_")
        }
        filled = [_filled(choice) for choice in mended]
        return encode_json(kept | self._envelope() | {"choices": filled}) + self._told_usage()

    def _choices(self, choices: list[Any]) -> list[Json]:
        whole = [choice for choice in choices if isinstance(choice, dict)]
        if not self._keep_choices and (len(whole) != 1 or whole[0].get("index") != 0):
            one = merged(whole, "delta")
            calls = [self._calls.mended(call, place) for call, place in one.pop("calls")]
            if calls:
                one["delta"]["tool_calls"] = calls
            whole = [one]
            return [self._choice(choice, numbered=True) for choice in whole]
        return [self._choice(choice) for choice in whole]

    def _choice(self, choice: Json, *, numbered: bool = False) -> Json:
        """The choice itself if it is fine, or a mended copy."""
        place = choice.get("index")
        place = place if isinstance(place, int) else 0
        delta = spoken(choice, "delta")
        calls = delta.get("tool_calls")
        if isinstance(calls, list) and not numbered:
            delta["tool_calls"] = [
                self._calls.mended(call, place) if isinstance(call, dict) else call
                for call in calls
            ]
        if place in self._spoken_to:
            delta.pop("role", None)
        else:
            delta["role"] = "assistant"
            self._spoken_to.add(place)
        reason = choice.get("finish_reason")
        spoke = bool(self._calls.count or delta.get("function_call"))
        right = corrected(reason, spoke) if isinstance(reason, str) and reason else None
        if right == "stop" and reason == "function_call":
            right = reason
        if right is not None and right != "error":
            self.complete = True
        if delta == choice.get("delta") and right == reason:
            return choice
        return choice | {"delta": delta, "finish_reason": right}

    def _told_usage(self) -> bytes:
        """The count as its own last chunk, for a client that asked, once the answer has ended."""
        if not (self._usage_due and self.complete):
            return b""
        self._usage_due = False
        return encode_json(self._envelope() | {"choices": [], "usage": self.usage})

    def _envelope(self) -> Json:
        return {
            "id": self._id or _mint(),
            "object": "chat.completion.chunk",
            "created": self._created or int(time.time()),
            "model": self._shown,
        }

    def _fail(self, error: Any) -> bytes:
        """An error in OpenAI's shape, without secrets."""
        self.failed = True
        error = error if isinstance(error, Mapping) else {"message": str(error)}
        message, kind, code = (error.get(key) for key in ("message", "type", "code"))
        message = message if isinstance(message, str) and message else UpstreamFault.sentence
        told = {
            "message": redact(message)[:DETAIL_LIMIT],
            "type": kind if isinstance(kind, str) and kind else "api_error",
            "param": None,
            "code": None if code is None else str(code),
        }
        return encode_json({"error": told})


def mended_reply(
    reply: Json, shown_model: str, *, renamed: Mapping[str, str], keep_choices: bool
) -> Json:
    """The unstreamed answer. Raises UpstreamFault if it holds no message."""
    found = reply.get("choices")
    choices = (
        [choice for choice in found if isinstance(choice, dict)] if isinstance(found, list) else []
    )
    if not choices:
        raise UpstreamFault("The answer holds no message.")
    groups = [[choice] for choice in choices] if keep_choices else [choices]
    whole = [_whole(group, place, renamed) for place, group in enumerate(groups)]
    kept = {
        key: value
        for key, value in reply.items()
        if (key == "usage" or key not in _DROPPED) and not key.startswith("copilot_")
    }
    reply_id, created = reply.get("id"), reply.get("created")
    return kept | {
        "id": reply_id if isinstance(reply_id, str) and reply_id else _mint(),
        "object": "chat.completion",
        "created": created if isinstance(created, int) and created > 0 else int(time.time()),
        "model": shown_model,
        "choices": whole,
    }


def _whole(group: list[Json], place: int, renamed: Mapping[str, str]) -> Json:
    one = merged(group, "message")
    numbers = Calls(renamed)
    calls: list[Json] = [numbers.mended(call, choice) for call, choice in one.pop("calls")]
    reason = corrected(one["finish_reason"] or "stop", len(calls))
    if reason == "error":
        raise UpstreamFault("The model stopped with an error.")
    if one["finish_reason"] == "function_call" and one["message"].get("function_call"):
        reason = "function_call"
    blank: Json = {"role": "assistant", "content": None, "refusal": None}
    message = blank | without_filters(one["message"])
    if calls:
        message["tool_calls"] = [
            {key: value for key, value in call.items() if key != "index"} for call in calls
        ]
    one.pop("delta", None)
    return _filled(one | {"index": place, "message": message, "finish_reason": reason})


def _filled(choice: Json) -> Json:
    """With the members that OpenAI always sends."""
    return {"logprobs": None, "finish_reason": None} | without_filters(choice)


def _mint() -> str:
    return f"chatcmpl-{uuid4().hex[:24]}"
