"""`/chat/completions` as Copilot writes it (`upstream.md` 6.2 to 6.5).

GPT models come through Azure: a first chunk without choices, filter results everywhere. `object` is
missing on all. Claude's text and calls are separate choices without an index when not streamed.
Gemini repeats the role, sends a call in one piece and says `stop` although it called.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from copilot_desktop.demo import opaque
from copilot_desktop.demo.voice import Call, Say, Think, Wait
from copilot_desktop.demo.wire import DONE, Frames, Reply, fragments, frame

CLAUDE_THOUGHT = "claude-chat"
GEMINI_THOUGHT = "gemini-chat"
_SAFE = {
    kind: {"filtered": False, "severity": "safe"}
    for kind in ("hate", "self_harm", "sexual", "violence")
}
_PROMPT_FILTER = [{"content_filter_results": _SAFE, "prompt_index": 0}]
_OFFSETS = {"check_offset": 44, "start_offset": 44, "end_offset": 90}
_FINISH = {
    "end": "stop",
    "tool": "tool_calls",
    "length": "length",
    "stop": "stop",
    "filter": "content_filter",
}


class Chat:
    """One reply in this format."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        facts = reply.facts
        self._azure = facts.openai
        start = {"Anthropic": "msg_01", "Google": "g"}.get(facts.vendor, "chatcmpl-")
        self._head: dict[str, Any] = {
            "created": reply.created,
            "id": start + opaque.word(reply.label, 22),
            "model": facts.spelled,
        }
        if self._azure:
            self._head["system_fingerprint"] = "fp_" + opaque.hexes(facts.id, 10)

    # One answer.

    def whole(self) -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        choices = self._split_choices() if self._reply.facts.claude else [self._one_choice()]
        body = {"choices": choices, **self._head, **self._usage()}
        if self._azure:
            body["prompt_filter_results"] = _PROMPT_FILTER
        return body

    def _one_choice(self) -> dict[str, Any]:
        reply = self._reply
        message: dict[str, Any] = {"content": reply.text or None, "role": "assistant"}
        message |= self._thought()
        if reply.calls:
            message["tool_calls"] = [_call(reply, n, call) for n, call in enumerate(reply.calls)]
        choice: dict[str, Any] = {"finish_reason": self._finish(), "index": 0, "message": message}
        if self._azure:
            message["padding"] = opaque.word(reply.label + "pad", 6)
            choice["content_filter_results"] = _SAFE
        return choice

    def _split_choices(self) -> list[dict[str, Any]]:
        """One message of Claude, as several choices."""
        reply, finish = self._reply, self._finish()
        messages: list[dict[str, Any]] = []
        if reply.text or reply.thoughts or not reply.calls:
            messages.append({"content": reply.text, "role": "assistant", **self._thought()})
        messages += [
            {"role": "assistant", "tool_calls": [_call(reply, number, call)]}
            for number, call in enumerate(reply.calls)
        ]
        return [{"finish_reason": finish, "message": message} for message in messages]

    def _thought(self) -> dict[str, Any]:
        text = "".join(thought.text for thought in self._reply.thoughts)
        if not text or self._azure:
            return {}
        return {"reasoning_text": text, "reasoning_opaque": self._opaque(text)}

    def _opaque(self, text: str) -> str:
        kind = CLAUDE_THOUGHT if self._reply.facts.claude else GEMINI_THOUGHT
        return opaque.thought(kind, text)

    def _finish(self) -> str:
        reason = self._reply.stop.reason
        if reason == "tool" and self._reply.facts.gemini:
            return "stop"
        return _FINISH[reason]

    def _usage(self) -> dict[str, Any]:
        reply = self._reply
        usage: dict[str, Any] = {
            "completion_tokens": reply.output,
            "prompt_tokens": reply.prompt,
            "prompt_tokens_details": {"cached_tokens": reply.cached},
            "total_tokens": reply.prompt + reply.output,
        }
        if self._azure:
            usage["completion_tokens_details"] = {
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
                **({"reasoning_tokens": reply.thinking} if reply.facts.reasons else {}),
            }
        elif reply.facts.gemini:
            usage["completion_tokens_details"] = {"reasoning_tokens": reply.thinking}
        return {"usage": usage, **reply.billing()}

    # Streams.

    def stream(self) -> Frames:
        """The frames of a streamed answer."""
        if self._azure:
            yield frame(
                {"choices": [], "created": 0, "id": "", "prompt_filter_results": _PROMPT_FILTER}
            )
            yield self._chunk({"content": "", "role": "assistant"})
            yield b": keep-alive\n\n"
        elif self._reply.facts.claude:
            yield self._chunk({"content": "", "role": "assistant"}, usage=_NOTHING)
        last: dict[str, Any] | None = None  # Gemini's finish stands on its last content chunk
        for delta in self._deltas():
            if last is not None:
                yield self._chunk(last)
                last = None
            if isinstance(delta, Wait):
                yield delta
            elif self._reply.facts.gemini:
                last = delta
            else:
                yield self._chunk(delta)
        if (failure := self._reply.failure) is not None:
            if last is not None:
                yield self._chunk(last)
            yield frame({"error": {"code": failure.code, "message": failure.message}})
            return
        if last is not None:
            yield self._chunk(last, finish=self._finish(), **self._usage())
        else:
            yield from self._ending()
        yield DONE

    def _ending(self) -> Iterator[bytes]:
        delta: dict[str, Any] = {"content": None}
        if self._reply.stop.reason == "filter":
            delta = {"content": "", "copilot_annotations": {"TextCopyright": True}}
        if self._azure and self._reply.calls:  # then usage has a chunk of its own
            yield self._chunk(delta, finish=self._finish())
            head = {name: self._head[name] for name in ("created", "id", "model")}
            yield frame({"choices": [], **head, **self._usage()})
            return
        yield self._chunk(delta, finish=self._finish(), **self._usage())

    def _deltas(self) -> Iterator[dict[str, Any] | Wait]:
        thought = ""
        number = 0
        for beat in self._reply.beats:
            if isinstance(beat, Think) and not self._azure:
                thought += beat.text
                for piece in fragments(beat.text):
                    yield {"content": "", "reasoning_text": piece}
                continue
            if isinstance(beat, Wait):
                yield beat
                continue
            carried: dict[str, Any] = {}
            if thought and isinstance(beat, Say | Call):
                carried = {"reasoning_opaque": self._opaque(thought)}
                thought = ""
                if not self._reply.facts.gemini or isinstance(beat, Say):
                    yield {"content": "", **carried}
                    carried = {}
            if isinstance(beat, Say):
                for piece in fragments(beat.text):
                    yield {"content": piece}
            elif isinstance(beat, Call):
                yield from self._call_deltas(number, beat, carried)
                number += 1

    def _call_deltas(
        self, number: int, call: Call, carried: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        whole = _call(self._reply, number, call) | {"index": number}
        if self._reply.facts.gemini:
            yield {"content": None, **carried, "tool_calls": [whole]}
            return
        yield {
            "content": None,
            "tool_calls": [{**whole, "function": {"arguments": "", "name": call.name}}],
        }
        for piece in fragments(call.text):
            delta: dict[str, Any] = {
                "tool_calls": [{"function": {"arguments": piece}, "index": number}]
            }
            yield delta if self._azure else {"content": None, **delta}

    def _chunk(self, delta: dict[str, Any], *, finish: str | None = None, **extra: Any) -> bytes:
        if self._reply.facts.gemini:
            delta = {**delta, "role": "assistant"}
        choice: dict[str, Any] = {"index": 0}
        if self._azure:
            choice |= {"content_filter_offsets": _OFFSETS, "content_filter_results": _SAFE}
        choice["delta"] = delta
        if finish is not None:
            choice["finish_reason"] = finish
        return frame({"choices": [choice], **self._head, **extra})


_NOTHING = {
    "completion_tokens": 0,
    "prompt_tokens": 0,
    "prompt_tokens_details": {"cached_tokens": 0},
    "total_tokens": 0,
}


def _call(reply: Reply, number: int, call: Call) -> dict[str, Any]:
    return {
        "function": {"arguments": call.text, "name": call.name},
        "id": reply.call_id(number),
        "type": "function",
    }
