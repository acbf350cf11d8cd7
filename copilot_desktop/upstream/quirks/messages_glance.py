"""Whether a `/v1/messages` history can go as it is, seen in one look at each block.

Most can: text, calls with their results, reasoning as it was signed. The repairs of
`messages_turns` and `messages_history` look at everything several times, which takes longer than
all the rest where a conversation is long. They know more than this look: what they would leave
alone may still not be plain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from copilot_desktop.spelling import LONGEST_NAME
from copilot_desktop.upstream.quirks.messages_history import ID_LIMIT
from copilot_desktop.upstream.quirks.messages_turns import TURN, is_bare, is_genuine

_LEGAL_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{ID_LIMIT}}}").fullmatch
_LEGAL_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}").fullmatch

Block = Mapping[str, Any]


def is_plain(messages: Any) -> bool:
    """Whether turns take turns, each call has its result in the next one, and the user begins and
    ends."""
    if not isinstance(messages, list) or not messages:
        return False
    issued: set[str] = set()
    calls: set[str] = set()
    before = None
    for turn in messages:
        if not isinstance(turn, dict) or turn.keys() != TURN:
            return False
        role, content = turn["role"], turn["content"]
        if role == before or role not in ("user", "assistant"):
            return False
        if isinstance(content, str):
            if calls or not content or content.isspace():
                return False
        elif not isinstance(content, list) or not content:
            return False
        elif role == "user":
            if not _are_told(content, calls):
                return False
            calls = set()
        elif not all(_is_said(block, calls) for block in content) or not issued.isdisjoint(calls):
            return False
        else:
            issued.update(calls)
        before = role
    return bool(before == messages[0]["role"] == "user")


def _are_told(blocks: list[Any], calls: set[str]) -> bool:
    """The results of `calls`, and nothing but text after them."""
    waiting = calls.copy()
    for place, block in enumerate(blocks):
        if not isinstance(block, dict):
            return False
        if block.get("type") != "tool_result":
            return not waiting and all(map(_is_text, blocks[place:]))
        call, content = block.get("tool_use_id"), block.get("content")
        if not isinstance(call, str) or call not in waiting or not is_bare(block):
            return False
        if isinstance(content, list) and not (content and _are_bare(content)):
            return False
        waiting.remove(call)
    return not waiting


def _is_said(block: Any, calls: set[str]) -> bool:
    """Something that a model said; a call is added to `calls`."""
    if not isinstance(block, dict) or not is_bare(block):
        return False
    match block.get("type"):
        case "text":
            return _has_words(block)
        case "tool_use":
            call, name = block.get("id"), block.get("name")
            if not isinstance(call, str) or not isinstance(name, str) or call in calls:
                return False
            calls.add(call)
            legal = _LEGAL_ID(call) and _LEGAL_NAME(name)
            return bool(legal) and isinstance(block.get("input"), dict)
        case "thinking":
            return is_genuine(block) and "cache_control" not in block
        case "redacted_thinking":
            return "cache_control" not in block
    return False


def _is_text(block: Any) -> bool:
    """What a user said."""
    if not isinstance(block, dict) or block.get("type") != "text":
        return False
    return "citations" not in block and is_bare(block) and _has_words(block)


def _are_bare(parts: Iterable[Any]) -> bool:
    return all(_is_text(part) and "cache_control" not in part for part in parts)


def _has_words(block: Block) -> bool:
    text = block.get("text")
    return isinstance(text, str) and bool(text) and not text.isspace()
