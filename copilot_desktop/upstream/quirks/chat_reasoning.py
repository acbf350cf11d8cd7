"""Opaque reasoning on `/chat/completions`: overheard in answers, put back into histories.

Gemini refuses a history whose tool calls come without the reasoning that led to them
(`translation.md` §2.6 g). Clients of the public format do not know the field and drop it, so it is
read along here and set in again when the calls come back. Answers are overheard on both paths: as
wire JSON where they are passed through, as events where they are translated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import (
    BlockDelta,
    BlockStart,
    End,
    Event,
    ReplyBlock,
    Thinking,
    ToolUse,
    grown,
)
from copilot_desktop.sealing import unseal
from copilot_desktop.upstream.quirks.memory import Spoken, Thought, Thoughts

Json = dict[str, Any]

LONGEST_TEXT = 512 * 1024  # bytes of one answer's reasoning; beyond it is not followed
_OPAQUE = "reasoning_opaque"


class Overheard:
    """Reads along one answer; `keep` when it is whole. Knows the calls as the client sees them.

    Most pieces of reasoning pass as bytes that nobody parses; they are put aside as they are, and
    parsed only if there are calls that need them.
    """

    __slots__ = ("_aside", "_calls", "_kept", "_length", "_model", "_thoughts")

    def __init__(self, thoughts: Thoughts, model: str) -> None:
        self._thoughts = thoughts
        self._model = model
        self._aside: list[bytes | Mapping[str, Any]] = []
        self._length = self._kept = 0
        self._calls: dict[int, list[str]] = {}

    def put_aside(self, inner: bytes) -> None:
        """The members of a choice, as bytes, that hold reasoning and no call."""
        self._length += len(inner)
        if self._length <= LONGEST_TEXT:
            self._aside.append(inner)

    def hear(self, said: Mapping[str, Any]) -> None:
        """One delta, or a whole message; calls must be numbered if they come in pieces."""
        if said.get("reasoning_text") or said.get("reasoning_opaque"):
            self._aside.append({key: said.get(key) for key in ("reasoning_text", _OPAQUE)})
        calls = said.get("tool_calls")
        for place, call in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(call, dict):
                self._call(call, place)

    def keep(self) -> None:
        """The answer is whole: remember what its calls came from. Once more, where the seal comes
        after the end."""
        heard = len(self._aside)
        if self._calls and heard > self._kept and self._length <= LONGEST_TEXT:
            self._kept = heard
            calls = [Spoken(*call) for call in self._calls.values()]
            self._thoughts.keep(self._model, calls, self._thought())

    def _thought(self) -> Thought:
        text = opaque = ""
        for piece in self._aside:
            said = _delta(piece) if isinstance(piece, bytes) else piece
            more, seal = said.get("reasoning_text"), said.get(_OPAQUE)
            text += more if isinstance(more, str) else ""
            if isinstance(seal, str) and seal != opaque:  # some repeat it in each chunk
                opaque += seal
        return Thought(text, opaque)

    def _call(self, call: Mapping[str, Any], place: int) -> None:
        number, function = call.get("index"), call.get("function")
        known = self._calls.setdefault(number if isinstance(number, int) else place, ["", "", ""])
        pieces = (call.get("id"), *_named(function))
        for slot, piece in enumerate(pieces):
            if isinstance(piece, str):
                known[slot] += piece


class OverheardEvents:
    """Reads along one translated answer of `/chat/completions`; keeps what counts at its end."""

    __slots__ = ("_blocks", "_length", "_model", "_thoughts")

    def __init__(self, thoughts: Thoughts, model: str) -> None:
        self._thoughts = thoughts
        self._model = model
        self._blocks: list[tuple[Thinking | ToolUse, list[BlockDelta]] | None] = []
        self._length = 0

    def hear(self, event: Event) -> None:
        if isinstance(event, BlockDelta):
            block_so_far = self._blocks[event.index]
            if block_so_far is not None and self._length <= LONGEST_TEXT:
                block_so_far[1].append(event)
                self._length += len(event.text)
        elif isinstance(event, BlockStart):
            block = event.block
            self._blocks.append((block, []) if isinstance(block, Thinking | ToolUse) else None)
        elif isinstance(event, End):
            self._keep()

    def _keep(self) -> None:
        """The last seal is the one that Copilot wants; see how `openai_chat` renders them."""
        texts: list[str] = []
        calls: list[Spoken] = []
        opaque = ""
        for block in (_grown(*known) for known in self._blocks if known is not None):
            match block:
                case ToolUse():
                    calls.append(Spoken(block.id, block.name, block.arguments))
                case Thinking():
                    opened = unseal(block.signature, "gc1.", self._model)
                    opaque = (opened or {}).get("o") or opaque
                    texts.append(block.text)
        if calls and opaque:
            text = "\n\n".join(text for text in texts if text)
            self._thoughts.keep(self._model, calls, Thought(text, opaque))


def _grown(block: Thinking | ToolUse, deltas: list[BlockDelta]) -> ReplyBlock:
    text = "".join(delta.text for delta in deltas)
    return grown(block, BlockDelta(0, text, "".join(delta.signature for delta in deltas)))


def _delta(inner: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(b"{" + inner + b"}")["delta"]
    except (ValueError, RecursionError, LookupError):
        return {}  # the client is the one to be told
    return said if isinstance(said, dict) else {}


def put_back(messages: list[Any], thoughts: Thoughts, model: str) -> list[Any] | None:
    """The history with the reasoning that is missing; None if nothing is, or nothing is known."""
    if not thoughts:
        return None
    out, changed = [], False
    for message in messages:
        calls = _calls(message)
        thought = thoughts.of(model, calls) if calls else None
        if thought is not None:
            message = {**message, "reasoning_opaque": thought.opaque}
            if thought.text:  # the opaque part vouches for exactly this text
                message["reasoning_text"] = thought.text
            changed = True
        out.append(message)
    return out if changed else None


def _calls(message: Any) -> list[Spoken]:
    """The calls of an assistant's message that came without its reasoning."""
    if not isinstance(message, dict) or message.get("role") != "assistant":
        return []
    calls = message.get("tool_calls")
    if message.get("reasoning_opaque") or not isinstance(calls, list):
        return []
    spoken = []
    for call in calls:
        if isinstance(call, dict):
            pieces = (call.get("id"), *_named(call.get("function")))
            spoken.append(Spoken(*(piece if isinstance(piece, str) else "" for piece in pieces)))
    return spoken


def _named(function: Any) -> tuple[Any, Any]:
    if not isinstance(function, dict):
        return None, None
    return function.get("name"), function.get("arguments")
