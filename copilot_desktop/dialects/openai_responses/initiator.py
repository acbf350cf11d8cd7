"""Whether a person or an agent has started a call (`translation.md` §1.5).

The newest item tells. Codex says some things in turns of the user's that no person has said; it
marks them, and tells in its metadata what a request is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.dialects import Initiator
from copilot_desktop.dialects.unspoken import is_unspoken

# Of subagents that have ended, and of the goal that it works for.
_TOLD = ("subagent_notification", "codex_internal_context")
# It goes on in the middle of its work with what a conversation has been shortened to.
_SHORTENED = "Another language model started to solve this problem and produced a summary of its"
_METADATA, _SHORTENS = "x-codex-turn-metadata", '"compaction":{"trigger":"auto"'


def initiator_of(items: list[Any], metadata: Any) -> Initiator:
    """`user` if the newest item is a message of the user; a bare text is one, too."""
    newest = (item for item in reversed(items) if not (isinstance(item, dict) and _is_added(item)))
    last = next(newest, {"role": "user"})
    if not isinstance(last, dict) or last.get("role") != "user":
        return "agent"
    if last.get("type", "message") != "message" or _shortens(metadata):
        return "agent"
    going_on = all(text.startswith(_SHORTENED) for text in _texts(last) or [""])
    return "agent" if going_on or is_unspoken(last, next(newest, None)) else "user"


def _shortens(metadata: Any) -> bool:
    told = metadata.get(_METADATA) if isinstance(metadata, Mapping) else None
    return isinstance(told, str) and _SHORTENS in told


def _is_added(item: Mapping[str, Any]) -> bool:
    """Whether it is an instruction, or what Codex adds to a conversation by itself."""
    if (role := item.get("role")) != "user":
        return role in ("system", "developer")
    texts = _texts(item)
    return bool(texts) and all(
        any(text.startswith(f"<{tag}") and text.endswith(f"</{tag}>") for tag in _TOLD)
        for text in texts
    )


def _texts(item: Mapping[str, Any]) -> list[str]:
    """One for each part, empty for what is no text."""
    content = item.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    said = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return [text.strip() if isinstance(text, str) else "" for text in said]
