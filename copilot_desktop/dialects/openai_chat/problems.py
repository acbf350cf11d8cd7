"""Errors as OpenAI clients know them, and Copilot's in-stream errors as Problems.

`{"error": {"message", "type", "param", "code"}}` with the types and codes of `translation.md`
§13.1. Knows the tree of `errors` and this dialect's words; must not know why something failed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from copilot_desktop.errors import (
    BodyTooLarge,
    ContentFiltered,
    InputTooLarge,
    InvalidRequest,
    NotSignedIn,
    Overloaded,
    Problem,
    QuotaExhausted,
    RateLimited,
    SignInFailed,
    UnknownModel,
    Unreachable,
    UpstreamFault,
    UpstreamTimeout,
    WrongKey,
)

Json = dict[str, Any]

_TOO_LONG = re.compile(
    r"prompt token count of (\d+) exceeds the limit of (\d+)"
    r"|prompt is too long: (\d+) tokens > (\d+) maximum",
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
    error = error if isinstance(error, Mapping) else {"message": error}
    message = error.get("message")
    message = message if isinstance(message, str) else ""
    code = str(error.get("code") or error.get("type") or "")
    # "user_weekly_rate_limited:pro": what stands after the colon is the plan.
    word = code.partition(":")[0]
    if found := _TOO_LONG.search(message):
        tokens, limit = [group for group in found.groups() if group]
        return InputTooLarge(message, fields={"tokens": tokens, "limit": limit}, code=code)
    for kind, codes in _IN_STREAM.items():
        if word in codes:
            return kind(message, code=code)
    return UpstreamFault(message, code=code or None)


def render_problem(problem: Problem) -> Json:
    """The body of an error answer, and the payload of an error in a stream."""
    param: str | None = None
    match problem:
        case InputTooLarge():
            param = "messages"
        case UnknownModel():
            param = "model"
    kind, code = _type_and_code(problem)
    message = _message(problem)
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def problem_status(problem: Problem) -> int:
    """OpenAI's statuses are those of the tree."""
    return problem.status


def _message(problem: Problem) -> str:
    tokens, limit = problem.fields.get("tokens"), problem.fields.get("limit")
    if isinstance(problem, InputTooLarge) and tokens and limit:
        return (
            f"This model's maximum context length is {limit} tokens, "
            f"however you requested {tokens} tokens."
        )
    return problem.message


def _type_and_code(problem: Problem) -> tuple[str, str | None]:
    match problem:
        case InputTooLarge() | UnknownModel() | ContentFiltered() | BodyTooLarge():
            return "invalid_request_error", problem.kind
        case InvalidRequest():
            own = None if type(problem) is InvalidRequest else problem.kind
            return "invalid_request_error", problem.code or own
        case WrongKey():
            return "authentication_error", "invalid_api_key"
        case NotSignedIn():
            return "authentication_error", "reauth_required"
        case SignInFailed():
            return "authentication_error", problem.kind
        case QuotaExhausted():
            return "insufficient_quota", "insufficient_quota"
        case RateLimited():
            return "rate_limit_error", problem.code or problem.kind
        case Unreachable():
            return "api_error", "upstream_unreachable"
        case UpstreamTimeout():
            return "api_error", "timeout"
        case Overloaded():
            return "api_error", "overloaded"
        case UpstreamFault():
            return "api_error", problem.code or problem.kind
    return ("permission_error" if problem.status == 403 else "api_error"), problem.kind
