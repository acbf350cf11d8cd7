"""Token counts as Chat Completions tells them (`translation.md` §9.2).

OpenAI counts cached tokens within `prompt_tokens`; the canonical `Usage` keeps them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import Usage

Json = dict[str, Any]


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Tolerates missing details and nulls. Counts never get negative."""
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    read = write = reasoning = 0
    if isinstance(details := usage.get("prompt_tokens_details"), dict):
        read = _count(details, "cached_tokens")
        write = _count(details, "cache_write_tokens") or _count(details, "cached_creation_tokens")
    if isinstance(details := usage.get("completion_tokens_details"), dict):
        reasoning = _count(details, "reasoning_tokens")
    if not reasoning and "reasoning_tokens" in usage:
        reasoning = _count(usage, "reasoning_tokens")
    if reasoning and _count(usage, "total_tokens") == prompt + completion + reasoning:
        completion += reasoning  # this vendor counts reasoning beside the completion
    return Usage(max(0, prompt - read - write), completion, read, write, reasoning)


def merged(known: Mapping[str, Any], news: Mapping[str, Any]) -> Json:
    """`known` overwritten by what `news` really says: a null never erases a number."""
    out = dict(known)
    for key, value in news.items():
        if isinstance(value, dict):
            before = out.get(key)
            out[key] = merged(before if isinstance(before, dict) else {}, value)
        elif value is not None:
            out[key] = value
    return out


def _count(holder: Mapping[str, Any], key: str) -> int:
    value = holder.get(key)
    return value if isinstance(value, int) and value > 0 else 0
