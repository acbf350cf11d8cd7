"""Token counts as Anthropic writes them (`translation.md` §9.2).

`input_tokens` leaves out what was read from or written to the cache, as `canonical.Usage` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import Usage
from copilot_desktop.dialects import Json


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Anything missing or odd counts as 0."""
    details = usage.get("output_tokens_details")
    thinking = details.get("thinking_tokens") if isinstance(details, dict) else 0
    return Usage(
        input=_count(usage.get("input_tokens")),
        output=_count(usage.get("output_tokens")),
        cache_read=_count(usage.get("cache_read_input_tokens")),
        cache_write=_count(usage.get("cache_creation_input_tokens")),
        reasoning=_count(thinking),
    )


def write_usage(usage: Usage) -> Json:
    """The object that stands in `message_delta` and in whole messages."""
    written: Json = {
        "input_tokens": usage.input,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write,
        "output_tokens": usage.output,
    }
    if usage.reasoning:
        written["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return written


def merged(known: Json, news: Any) -> Json:
    """Counts are cumulative: a number replaces the one before, null says nothing."""
    if not isinstance(news, dict):
        return known
    return known | {key: value for key, value in news.items() if value is not None}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
