"""Cache marks on Chat Completions: Copilot's `copilot_cache_control` (`translation.md` §3.4).

Only Claude models need them there, on whole messages and tools, and at most four. Those that save
most stay: the instructions, the last tool, then the latest messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

MARK: Mapping[str, Any] = {"copilot_cache_control": {"type": "ephemeral"}}
_KEY = "copilot_cache_control"
LIMIT = 4


def keep_marks(body: Json, limit: int) -> None:
    """Take the marks beyond `limit` out of `body`, which is ours to change."""
    messages, tools = body["messages"], body.get("tools", [])
    marked = [message for message in messages if _KEY in message]
    first = [message for message in marked[:1] if message["role"] == "system"]
    offered = [tool for tool in tools if _KEY in tool]
    latest = [message for message in reversed(marked) if message not in first]
    ranked = [*first, *offered[-1:], *latest, *reversed(offered[:-1])]
    for surplus in ranked[limit:]:
        del surplus[_KEY]
