"""What one socket to Copilot remembers, and how much of a conversation need not be sent again.

On a socket Copilot goes on from a response that it gave there (`upstream.md` §7.6). A request is
always known whole here; if it begins with what was sent and answered last, only the rest travels.
Whether it does is decided by comparing, not by trusting anybody's bookkeeping: items that differ in
more than what Copilot makes up anew in each event are new, and then everything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

# Which field of an item is the item itself. Ids change from event to event (`upstream.md` §7.4).
_ESSENCE = {
    "function_call": ("call_id", "arguments"),
    "custom_tool_call": ("call_id", "input"),
    "reasoning": ("encrypted_content",),
    "compaction": ("encrypted_content",),
}


@dataclass(frozen=True, slots=True)
class Chain:
    """`sent` is the whole input that the response answers. `said` holds, for each item of its
    output, the forms in which Copilot told it: encrypted parts differ between events."""

    response_id: str
    sent: Sequence[Any]
    said: Sequence[Sequence[Any]]

    def rest(self, items: Any) -> list[Any] | None:
        """What follows after the response, None if `items` is another conversation."""
        if not isinstance(items, list):
            return None
        known = len(self.sent) + len(self.said)
        if len(items) <= known or items[: len(self.sent)] != list(self.sent):
            return None
        replayed = items[len(self.sent) : known]
        for item, forms in zip(replayed, self.said, strict=True):
            if not any(_same(item, form) for form in forms):
                return None
        return items[known:]


def _same(item: Any, told: Any) -> bool:
    """Is `item` what Copilot told, as a client sends it back?"""
    if not isinstance(item, Mapping) or not isinstance(told, Mapping):
        return False
    kind = item.get("type", "message")
    if kind != told.get("type"):
        return False
    if kind == "message":
        return item.get("role") == told.get("role") and _text(item) == _text(told)
    essence = _ESSENCE.get(kind)
    return essence is not None and all(
        name in told and item.get(name) == told[name] for name in essence
    )


def _text(message: Mapping[str, Any]) -> str | None:
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text") for part in content if isinstance(part, Mapping)]
    return "".join(part for part in parts if isinstance(part, str))
