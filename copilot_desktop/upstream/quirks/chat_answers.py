"""Copilot's Chat Completions answers, mended for strict clients (`upstream.md` §6.2, §6.3).

Most frames of a stream lack only `object`, `logprobs` and the client's name for the model. Such a
plain frame is never parsed: the first chunk shows the bytes that stand around each choice (id, time
and model), and a frame with the same bytes gets mended ones in their place. Inside a JSON string a
quote is always escaped, so the byte sequences looked for can only stand where JSON has a key.
Everything else is parsed and mended: split choices, calls, endings, usage, errors, the prompt
filter's first chunk. Nothing is ever added that upstream did not say: a stream without a finish
reason gets no `[DONE]` (`security-rules` 20).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from copilot_desktop import json_bytes
from copilot_desktop.errors import DETAIL_LIMIT, UpstreamFault
from copilot_desktop.redaction import redact
from copilot_desktop.runaway import STUCK
from copilot_desktop.sse import Frame, encode, encode_json
from copilot_desktop.upstream.quirks import DAMAGED, nano_credits
from copilot_desktop.upstream.quirks.chat_choices import (
    FILTERS,
    Calls,
    corrected,
    merged,
    spoken,
    without_filters,
)
from copilot_desktop.upstream.quirks.chat_reasoning import Overheard
from copilot_desktop.upstream.quirks.memory import Thoughts
from copilot_desktop.upstream.quirks.runs import Run, Runs
from copilot_desktop.upstream.quirks.tool_names import ToolNames

Json = dict[str, Any]

DONE = b"[DONE]"
_CHUNK = b'"object":"chat.completion.chunk"'
_FIRST = b'"choices":[{"index":0,'
_ROLE = b'"role":"assistant"'
_TEXT = b'"delta":{"content":"'
# Members of an answer or a chunk that are always passed on, and such that never are.
_KEPT = frozenset({
    "id", "object", "created", "model", "choices", "system_fingerprint", "service_tier",
})  # fmt: skip
_DROPPED = frozenset({"prompt_filter_results", "padding", "obfuscation"})
_ENDS = (b"\n\n", b"\r\r", b"\r\n\r\n")  # of an event that is whole
_LF = 0x0A  # a number: a byte is found sooner than bytes are


class ChatStream:
    """See `copilot_desktop.upstream.quirks.Stream`."""

    def __init__(
        self,
        shown_model: str,
        *,
        wants_usage: bool,
        names: ToolNames,
        keep_choices: bool = False,
        overheard: Overheard | None = None,
    ) -> None:
        self.complete = False
        self.failed = False
        self.usage: Mapping[str, Any] | None = None
        self.nano_credits: int | None = None
        self._shown = shown_model
        self._wants_usage = wants_usage
        self._keep_choices = keep_choices
        self._names = names
        self._calls = Calls(names)
        self._further: dict[int, Calls] = {}
        self._overheard = overheard or Overheard(Thoughts(), "")
        self._id = ""
        self._created = 0
        self._around: tuple[bytes, bytes] | None = None
        self._mended_around = (b"", b"")
        self._spoken_to: set[int] = set()
        self._usage_due = False
        self._over = False
        self._runs = Runs(_TEXT)

    @property
    def run(self) -> Run | None:
        return None if self.failed or self._over else self._runs.run

    def feed(self, frame: Frame) -> bytes:
        if self.failed or self._over:
            return b""
        inner = self._inner(frame)
        if inner is not None and _is_plain(inner) and (spliced := self._spliced(frame, inner)):
            if b'"reasoning_' in inner:
                self._overheard.put_aside(inner)
            else:
                self._runs.look(frame.raw, spliced)
            return spliced
        data = frame.data.strip()
        if data == DONE:
            self._over = True
            if self.complete:
                self._overheard.keep()
            return encode(DONE) if self.complete else b""
        if not data:
            data = frame.raw.strip()
            if not data.startswith(b"{"):  # a comment; half of one would swallow what follows
                return frame.raw if frame.raw.endswith((b"\n", b"\r")) else b""
        try:
            payload = json_bytes.read(data)
        except (ValueError, RecursionError):
            if frame.raw.endswith((b"\n", b"\r")):
                return self._fail({"message": DAMAGED})
            return b""  # cut in the middle: the caller sees that it is not complete
        return self._mended(payload, frame) if isinstance(payload, dict) else b""

    # -------------------------------------------------------------------------- plain frames

    def _inner(self, frame: Frame) -> bytes | None:
        """What the only choice of this frame holds, if the frame around it is as expected."""
        if self._around is None:
            return None
        head, tail = self._around
        data = frame.data
        if data.startswith(head) and data.endswith(tail) and frame.raw.endswith(_ENDS):
            if _LF in data:  # it came in several lines, and has to be written as one
                return None
            return data[len(head) : -len(tail)]
        return None

    def _spliced(self, frame: Frame, inner: bytes) -> bytes:
        """The frame without the role, which is told once; empty if that takes more than bytes."""
        if _ROLE not in inner:
            return self._set_in(frame, inner, inner)
        for spelled in (b"," + _ROLE, _ROLE + b","):
            if spelled in inner:
                return self._set_in(frame, inner, inner.replace(spelled, b"", 1))
        return b""

    def _set_in(self, frame: Frame, inner: bytes, mended: bytes) -> bytes:
        """The frame with `mended` in place of its `inner`, and with what is missing."""
        if b'"logprobs":' not in inner:
            mended = b'"logprobs":null,' + mended
        if b'"finish_reason":' not in inner:
            mended = b'"finish_reason":null,' + mended
        if mended is inner and self._around == self._mended_around:
            return frame.raw
        head, tail = self._mended_around
        return b"".join((b"data: ", head, mended, tail, b"\n\n"))

    def _learn(self, payload: Json, data: bytes) -> None:
        """The envelope, and the bytes by which the frames to come will be known."""
        reply_id, created, model = payload.get("id"), payload.get("created"), payload.get("model")
        if not self._id:
            self._id = reply_id if isinstance(reply_id, str) and reply_id else _mint()
        if not self._created:
            known = isinstance(created, int) and created > 0
            self._created = int(created) if known else int(time.time())  # type: ignore[arg-type]
        if (reply_id, created) != (self._id, self._created) or not isinstance(model, str):
            return
        start, end = data.find(_FIRST) + len(_FIRST), data.rfind(b"}]")
        head, tail = data[:start], data[end:]
        told, whole = b'"model":' + json_bytes.written(model), head + b"\n" + tail
        has_object = b'"object":' in whole
        if (
            start < len(_FIRST)
            or end < start
            or not data.startswith(b"{")
            or whole.count(told) != 1
            or whole.count(b'"id":' + json_bytes.written(reply_id)) != 1
            or whole.count(b'"created":%d' % self._created) != 1
            or b'"usage"' in whole
            or b'"copilot_' in whole
            or (has_object and _CHUNK not in whole)
        ):
            return
        shown = b'"model":' + json_bytes.written(self._shown)
        new_head, new_tail = head.replace(told, shown), tail.replace(told, shown)
        if not has_object:
            new_head = b"{" + _CHUNK + b"," + new_head[1:]
        self._around, self._mended_around = (head, tail), (new_head, new_tail)

    def _opening(self, payload: Json, frame: Frame) -> bytes:
        """The frame that has shown the envelope, with the role; empty if it is not plain.

        If it is a text already, those that follow are known by it.
        """
        inner, choices = self._inner(frame), payload["choices"]
        if inner is None or len(choices) != 1 or not _is_plain(inner):
            return b""
        choice = choices[0]
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if not isinstance(delta, dict):
            return b""
        mended, has_role = inner, "role" in delta
        if not has_role and FILTERS.isdisjoint(choice) and _DROPPED.isdisjoint(payload):
            start = b'"delta":{' + _ROLE + (b"," if delta else b"")
            mended = inner.replace(b'"delta":{', start, 1)
        elif delta.get("role") != "assistant":
            return b""
        self._spoken_to.add(0)
        if b'"reasoning_' in inner:
            self._overheard.put_aside(inner)
        elif not has_role:
            self._runs.look(frame.raw, self._spliced(frame, inner))
        return self._set_in(frame, inner, mended)

    # -------------------------------------------------------------------------- other frames

    def _mended(self, payload: Json, frame: Frame) -> bytes:
        if error := payload.get("error"):
            return self._fail(error)
        self._count(payload)
        choices = payload.get("choices")
        if not isinstance(choices, list) or not choices:
            return self._told_usage()
        if self._around is None:
            self._learn(payload, frame.data)
            if not self._spoken_to and (opening := self._opening(payload, frame)):
                return opening
        mended = self._choices(choices)
        if self.failed:
            return b""
        for choice in mended:
            self._overheard.hear(choice.get("delta") or {})
        if self.complete:
            self._overheard.keep()
        if any(choice.get("finish_reason") == "error" for choice in mended):
            return self._fail({"message": "The model stopped with an error."})
        if any(calls.is_stuck for calls in (self._calls, *self._further.values())):
            return self._fail({"message": STUCK})
        same = len(mended) == len(choices) and all(
            new is old for new, old in zip(mended, choices, strict=True)
        )
        extra = "usage" in payload or any(key.startswith("copilot_") for key in payload)
        if same and not extra and (inner := self._inner(frame)) is not None:
            return self._set_in(frame, inner, inner) + self._told_usage()
        public = _public(payload)
        public.pop("usage", None)
        public |= self._envelope()
        public["choices"] = [_filled(choice) for choice in mended]
        return encode_json(public) + self._told_usage()

    def _count(self, payload: Json) -> None:
        if isinstance(payload.get("usage"), dict):
            self.usage = _counted(self.usage, payload["usage"])
            self._usage_due = self._wants_usage
        if (cost := nano_credits(payload)) is not None:
            self.nano_credits = cost

    def _choices(self, choices: list[Any]) -> list[Json]:
        whole = [choice for choice in choices if isinstance(choice, dict)]
        if not self._keep_choices and (len(whole) != 1 or whole[0].get("index") != 0):
            one = merged(whole, "delta")
            found = (self._calls.mended(call, place) for call, place in one.pop("calls"))
            if calls := [call for call in found if call is not None]:
                one["delta"]["tool_calls"] = calls
            whole = [one]
            return [self._choice(choice, numbered=True) for choice in whole]
        return [self._choice(choice) for choice in whole]

    def _choice(self, choice: Json, *, numbered: bool = False) -> Json:
        """The choice itself if it is fine, or a mended copy."""
        place = choice.get("index")
        place = place if isinstance(place, int) else 0
        delta, known = spoken(choice, "delta"), self._calls_of(place)
        calls = delta.get("tool_calls")
        if isinstance(calls, list) and not numbered:
            found = (known.mended(call, place) for call in calls if isinstance(call, dict))
            delta["tool_calls"] = [call for call in found if call is not None]
            if not delta["tool_calls"]:
                del delta["tool_calls"]
        if place in self._spoken_to:
            delta.pop("role", None)
        else:
            delta["role"] = "assistant"
            self._spoken_to.add(place)
        reason = choice.get("finish_reason")
        spoke = bool(known.usable or delta.get("function_call"))
        right = corrected(reason, spoke) if isinstance(reason, str) and reason else None
        if right == "stop" and reason == "function_call":
            right = reason
        if right is not None and right != "error":
            self.complete = True
        if right == "tool_calls" and (rest := known.missing()):
            delta["tool_calls"] = [*(delta.get("tool_calls") or ()), *rest]
        if delta == choice.get("delta") and right == reason:
            return choice
        return choice | {"delta": delta, "finish_reason": right}

    def _calls_of(self, place: int) -> Calls:
        """Where several answers were asked for, each has calls of its own."""
        if not place or not self._keep_choices:
            return self._calls
        return self._further.setdefault(place, Calls(self._names))

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
        error = error if isinstance(error, dict) else {"message": str(error)}
        message, kind, code = (error.get(key) for key in ("message", "type", "code"))
        message = message if isinstance(message, str) and message else UpstreamFault.sentence
        told = {
            "message": redact(message)[:DETAIL_LIMIT],
            "type": kind if isinstance(kind, str) and kind else "api_error",
            "param": None,
            "code": None if code is None else str(code),
        }
        return encode_json({"error": told})


def _is_plain(inner: bytes) -> bool:
    """Whether a choice only carries text on. Spelled out: it runs for every piece of text."""
    return (
        not (
            b'_reason":"' in inner
            or b"_call" in inner
            or b"copilot_" in inner
            or b'"message":' in inner
        )
        and inner.count(b'"delta":{') == 1
    )


def mended_reply(reply: Json, shown_model: str, *, names: ToolNames, keep_choices: bool) -> Json:
    """The unstreamed answer. Raises UpstreamFault if it holds no message."""
    found = reply.get("choices")
    choices = (
        [choice for choice in found if isinstance(choice, dict)] if isinstance(found, list) else []
    )
    if not choices:
        raise UpstreamFault("The answer holds no message.")
    groups = [[choice] for choice in choices] if keep_choices else [choices]
    whole = [_whole(group, place, names) for place, group in enumerate(groups)]
    reply_id, created = reply.get("id"), reply.get("created")
    return _public(reply) | {
        "id": reply_id if isinstance(reply_id, str) and reply_id else _mint(),
        "object": "chat.completion",
        "created": created if isinstance(created, int) and created > 0 else int(time.time()),
        "model": shown_model,
        "choices": whole,
    }


def _whole(group: list[Json], place: int, names: ToolNames) -> Json:
    one = merged(group, "message")
    calls: list[Json] = []
    numbers = None
    if found := one.pop("calls"):
        numbers = Calls(names)
        # Each of them is whole, whatever it is numbered.
        mended = (numbers.mended({**call, "index": n}, 0) for n, (call, _) in enumerate(found))
        calls = [call for call in mended if call is not None]
    usable = 0 if numbers is None else numbers.usable
    reason = corrected(one["finish_reason"] or "stop", usable)
    if reason == "error":
        raise UpstreamFault("The model stopped with an error.")
    if one["finish_reason"] == "function_call" and one["message"].get("function_call"):
        reason = "function_call"
    blank: Json = {"role": "assistant", "content": None, "refusal": None}
    message = blank | without_filters(one["message"])
    if numbers is not None and reason == "tool_calls":
        _complete(calls, numbers.missing())
    if calls:
        message["tool_calls"] = [
            {key: value for key, value in call.items() if key != "index"} for call in calls
        ]
    one.pop("delta", None)
    return _filled(one | {"index": place, "message": message, "finish_reason": reason})


def _complete(calls: list[Json], missing: list[Json]) -> None:
    """Put in what is missing of whole calls."""
    for piece in missing:
        for place, call in enumerate(calls):
            if call["index"] == piece["index"]:
                function = dict(call.get("function", {}))
                function["arguments"] = function.get("arguments") or piece["function"]["arguments"]
                calls[place] = {**call, **piece, "function": function}


def _counted(known: Mapping[str, Any] | None, news: Mapping[str, Any]) -> Mapping[str, Any]:
    """Counts are cumulative; a null says nothing, on no level."""
    if not known:
        return news
    out = dict(known)
    for key, value in news.items():
        if isinstance(value, dict):
            before = out.get(key)
            out[key] = _counted(before if isinstance(before, dict) else None, value)
        elif value is not None or key not in out:
            out[key] = value
    return out


def _public(told: Mapping[str, Any]) -> Json:
    """An answer or chunk without what only Copilot knows."""
    public = dict(told)
    for key in told.keys() - _KEPT:
        if key in _DROPPED or key.startswith("copilot_"):
            del public[key]
    return public


def _filled(choice: Json) -> Json:
    """With the members that OpenAI always sends."""
    return {"logprobs": None, "finish_reason": None} | without_filters(choice)


def _mint() -> str:
    return f"chatcmpl-{uuid4().hex[:24]}"
