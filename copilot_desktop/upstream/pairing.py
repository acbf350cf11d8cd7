"""Calls and results of an Anthropic history, brought back together (`translation.md` §2.3).

The translated routes do this on canonical messages (`preparation.pairing`). A history that is
passed through untouched is only mended once Copilot has refused it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.spelling import NO_RESULT

Json = dict[str, Any]
Turn = Mapping[str, Any]


def paired_turns(messages: list[Any]) -> list[Any] | None:
    """Each call answered once, at the head of the next turn; None if that is so already. A turn of
    nothing but a result without a word or a call is none: its neighbours become one."""
    out: list[Any] = []
    calls: list[str] = []
    for turn in _merged(messages):
        if turn.get("role") == "user":
            out += [{**turn, "content": content}] if (content := _answered(turn, calls)) else []
        else:
            if calls and turn.get("role") == "assistant":
                out.append({"role": "user", "content": [_missing(call) for call in calls]})
            out.append(turn)
        if turn.get("role") != "system":
            calls = [str(b.get("id")) for b in _blocks(turn) if b.get("type") == "tool_use"]
    if calls:
        out.append({"role": "user", "content": [_missing(call) for call in calls]})
    out = list(_merged(out))
    return None if out == messages else out


def _merged(messages: list[Any]) -> list[Turn]:
    out: list[Turn] = []
    for turn in messages:
        if not isinstance(turn, Mapping):
            continue
        if out and out[-1].get("role") == turn.get("role") != "system":
            out[-1] = {**out[-1], "content": [*_blocks(out[-1]), *_blocks(turn)]}
        else:
            out.append(turn)
    return out


def _answered(turn: Turn, calls: list[str]) -> Any:
    """The content of a user turn: results first, in the order they came; orphans in words."""
    wanted = set(calls)
    found: dict[str, Any] = {}
    rest: list[Any] = []
    for block in _blocks(turn):
        identifier = str(block.get("tool_use_id"))
        if block.get("type") != "tool_result":
            rest.append(block)
        elif identifier in wanted:
            found[identifier] = block  # of several the last one counts
        elif words := _words(block):
            text = f"[Result of an earlier tool call {identifier}]\n{words}"
            rest.append({"type": "text", "text": text})
    if not calls and rest == _blocks(turn):
        return turn.get("content")
    missing = [_missing(call) for call in calls if call not in found]
    return [*found.values(), *missing, *rest]


def _missing(call: str) -> Json:
    return {"type": "tool_result", "tool_use_id": call, "content": NO_RESULT, "is_error": True}


def _words(block: Turn) -> str:
    content = block.get("content")
    if isinstance(content, str):
        return content.strip()
    texts = [part.get("text") for part in _blocks(block)]
    return "\n".join(text for text in texts if isinstance(text, str)).strip()


def _blocks(turn: Turn) -> list[Turn]:
    content = turn.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content.strip() else []
    return [b for b in content if isinstance(b, Mapping)] if isinstance(content, list) else []
