"""What routing and accounting need of a request, without understanding the rest.

Tolerant: anything odd counts as ordinary, since the parser or upstream will name it. Who started
the call is told honestly (`translation.md` §1.5): tool results travel in user messages here, so
the role alone does not say it, and what agents add to them by themselves is not a person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from copilot_desktop.dialects import Envelope, Initiator
from copilot_desktop.dialects.unspoken import GOES_ON, is_unspoken
from copilot_desktop.errors import InvalidRequest

_OPENED, _CLOSED = "<system-reminder>", "</system-reminder>"
# Claude Code and opencode tell so what a person has said while they were busy.
_PASSED_ON = "The user sent "
# Claude Code's, after a search for tools and where an answer broke off; and opencode's, where a
# conversation has been shortened.
_ADDED = re.compile(
    r"\bTool loaded\.|\bYour response above was cut off mid-stream\b[^\n]*|\b" + re.escape(GOES_ON)
)
# And where the window is full in the middle of its work: what it asks then, and goes on with.
_SHORTEN = "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools."
_SHORTENED = (
    "This session is being continued from a previous conversation that ran out of context.",
    "Pick up the last task as if the break never happened.",
)


def envelope(body: Mapping[str, Any]) -> Envelope:
    """Raises InvalidRequest if there is no model name."""
    model = body.get("model")
    if not isinstance(model, str) or not model.strip():
        raise InvalidRequest("model: must be the name of a model")
    messages = body.get("messages")
    turns = messages if isinstance(messages, list) else []
    return Envelope(
        model=model,
        stream=body.get("stream") is True,
        initiator=_initiator(turns),
        has_image=any(_shows(turn.get("content")) for turn in turns if isinstance(turn, dict)),
    )


def _initiator(turns: list[Any]) -> Initiator:
    """`user` if a person spoke last; trailing instructions are skipped."""
    newest = (
        turn for turn in reversed(turns) if isinstance(turn, dict) and turn.get("role") != "system"
    )
    for turn in newest:
        if turn.get("role") != "user":
            return "agent"
        content = turn.get("content")
        if _goes_on(content):
            return "agent"
        if not _is_reminder(content):
            return "agent" if is_unspoken(turn, next(newest, None)) else _speaker(content)
    return "user"


def _is_reminder(content: Any) -> bool:
    """Whether it is nothing else: Claude Code tells in such a turn that a subagent has finished."""
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [
        text.strip()
        for block in blocks
        if isinstance(block, dict)
        and block.get("type") == "text"
        and isinstance(text := block.get("text"), str)
    ]
    if not texts or len(texts) != len(blocks):
        return False
    if not (texts[0].startswith(_OPENED) and texts[-1].endswith(_CLOSED)):
        return False  # as nearly always: nothing long is searched
    return not any(map(_by_people, texts))


def _goes_on(content: Any) -> bool:
    """Whether it ends with what Claude Code has shortened a conversation to while it worked."""
    blocks = content if isinstance(content, list) else [{"text": content}]
    for block in reversed(blocks):
        text = block.get("text") if isinstance(block, dict) else None
        text = text.strip() if isinstance(text, str) else ""
        if not (text.startswith(_OPENED) and text.endswith(_CLOSED) and not _by_people(text)):
            return text.startswith(_SHORTENED[0]) and text.endswith(_SHORTENED[1])
    return False


def _speaker(content: Any) -> Initiator:
    """A turn with tool results is a person's only if words of theirs follow the results."""
    if not isinstance(content, list):
        return "user"
    blocks = [block for block in content if isinstance(block, dict)]
    results = [i for i, block in enumerate(blocks) if block.get("type") == "tool_result"]
    if not results:
        return "user"
    words = (
        text
        for block in blocks[results[0] :]
        if block.get("type") == "text"
        and isinstance(text := block.get("text"), str)
        and not text.startswith(_SHORTEN)
    )
    return "user" if any(map(_by_people, words)) else "agent"


def _by_people(words: str) -> str:
    """Without what agents have added. Each reminder ends at the first end that follows; one that
    has none is looked for only once, however many there are."""
    *closed, rest = words.split(_CLOSED)
    kept = "".join(map(_outside, closed))
    return _ADDED.sub("", kept + rest).strip()


def _outside(part: str) -> str:
    """What stands before the reminder that ends here, if one does; a person's words in it, too."""
    before, opened, told = part.partition(_OPENED)
    if not opened:
        return part + _CLOSED
    return before + told if told.lstrip().startswith(_PASSED_ON) else before


def _shows(content: Any) -> bool:
    """Whether a picture or PDF stands in these blocks, tool results included."""
    if not isinstance(content, list):
        return False
    for block in content:
        if not isinstance(block, dict):
            continue
        match block.get("type"):
            case "image":
                return True
            case "tool_result" if _shows(block.get("content")):
                return True
            case "document" if _shows_pages(block.get("source")):
                return True
    return False


def _shows_pages(source: Any) -> bool:
    """Whether a document is more than text."""
    source = source if isinstance(source, dict) else {}
    return source.get("type") not in ("text", "content") or _shows(source.get("content"))
