"""Copilot's in-stream errors as Problems.

Knows the tree of `errors` and Copilot's codes; must not know why something failed. How a Problem is
told to clients stands in `openai_words`.
"""

from __future__ import annotations

import re
from typing import Any

from copilot_desktop.errors import (
    ContentFiltered,
    InputTooLarge,
    Overloaded,
    Problem,
    QuotaExhausted,
    RateLimited,
    UpstreamFault,
)

_TOO_LONG = re.compile(
    r"prompt token count of (\d+) exceeds the limit of (\d+)"
    r"|prompt is too long: (\d+) tokens > (\d+) maximum"
    r"|input is too long",
    re.IGNORECASE,
)
_IN_STREAM: dict[type[Problem], frozenset[str]] = {
    RateLimited: frozenset(
        {
            "429",
            "rate_limited",
            "rate_limit_exceeded",
            "rate_limit_error",
            "user_model_rate_limited",
            "user_global_rate_limited",
            "user_weekly_rate_limited",
            "integration_rate_limited",
            "agent_mode_limit_exceeded",
        }
    ),
    Overloaded: frozenset(
        {
            "503",
            "529",
            "overloaded",
            "overloaded_error",
            "model_overloaded",
            "upstream_provider_rate_limit",
            "service_unavailable",
        }
    ),
    QuotaExhausted: frozenset(
        {
            "402",
            "quota_exceeded",
            "free_quota_exceeded",
            "overage_limit_reached",
            "session_quota_exceeded",
            "billing_not_configured",
            "insufficient_quota",
        }
    ),
    InputTooLarge: frozenset({"context_length_exceeded", "model_max_prompt_tokens_exceeded"}),
    ContentFiltered: frozenset({"422", "content_filter"}),
}


def problem_of(error: Any) -> Problem:
    """The Problem that Copilot tells in the middle of a stream (`upstream.md` §6.3, point 12)."""
    error = error if isinstance(error, dict) else {"message": error}
    message = error.get("message")
    message = message if isinstance(message, str) else ""
    code = str(error.get("code") or error.get("type") or "")
    # "user_weekly_rate_limited:pro": what stands after the colon is the plan.
    word = code.partition(":")[0]
    if found := _TOO_LONG.search(message):
        numbers = (group for group in found.groups() if group)
        named = dict(zip(("tokens", "limit"), numbers, strict=False))
        return InputTooLarge(message, fields=named, code=code)
    for kind, codes in _IN_STREAM.items():
        if word in codes:
            return kind(message, code=code)
    return UpstreamFault(message, code=code or None)
