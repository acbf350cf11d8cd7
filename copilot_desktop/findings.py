"""What a tool of Anthropic's servers has found, told in words (`translation.md` §3.2).

Copilot does not run such tools and refuses their blocks. What they found belongs to a conversation
all the same: it was the ground for what the model said next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def in_words(content: Any) -> str:
    """Titles with their addresses, and texts, one below the other; empty if there are none."""
    if isinstance(content, str):
        return content
    lines = []
    for entry in content if isinstance(content, list) else [content]:
        if isinstance(entry, Mapping):
            words = (entry.get("title"), entry.get("url"), entry.get("text"))
            lines.append(" ".join(word for word in words if isinstance(word, str) and word))
    return "\n".join(line for line in lines if line)
