"""Problems in Anthropic's words, and Anthropic's errors as problems (`translation.md` §13).

The status tells Anthropic's SDKs whether to try again, the type tells people what happened, and one
sentence must be exact: Claude Code shortens a conversation only if it reads "prompt is too long".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from copilot_desktop.dialects import Json
from copilot_desktop.errors import (
    Blocked,
    BodyTooLarge,
    ContentFiltered,
    InputTooLarge,
    InvalidRequest,
    NoCopilot,
    NoSuchRoute,
    NotSignedIn,
    Outdated,
    Overloaded,
    Problem,
    QuotaExhausted,
    RateLimited,
    Refused,
    SignInFailed,
    UnknownModel,
    UpstreamFault,
    UpstreamTimeout,
)
from copilot_desktop.sse import encode_json

# First match wins: a class stands before its parents.
_TYPES: tuple[tuple[type[Problem], str], ...] = (
    (BodyTooLarge, "request_too_large"),
    (UnknownModel, "not_found_error"),
    (NoSuchRoute, "not_found_error"),
    (InvalidRequest, "invalid_request_error"),
    (Outdated, "invalid_request_error"),
    (NotSignedIn, "authentication_error"),
    (SignInFailed, "authentication_error"),
    (Refused, "permission_error"),
    (NoCopilot, "permission_error"),
    (Blocked, "permission_error"),
    (QuotaExhausted, "billing_error"),
    (RateLimited, "rate_limit_error"),
    (Overloaded, "overloaded_error"),
    (UpstreamTimeout, "timeout_error"),
)
_STATUSES: tuple[tuple[type[Problem], int], ...] = ((Overloaded, 529),)

_FAULTS: dict[str, type[Problem]] = {
    "invalid_request_error": InvalidRequest,
    "overloaded_error": Overloaded,
    "rate_limit_error": RateLimited,
    "permission_error": Blocked,
    "billing_error": QuotaExhausted,
    "request_too_large": BodyTooLarge,
}
_TOO_LONG = re.compile(
    r"prompt is too long|prompt token count of \d+ exceeds|input is too long"
    r"|context_length_exceeded|model_max_prompt_tokens_exceeded",
    re.IGNORECASE,
)
_COUNTS = re.compile(r"(\d+)\D+?(\d+)")


def render_problem(problem: Problem) -> Json:
    """The error body."""
    body: Json = {"type": "error", "error": _error(problem)}
    return {**body, "request_id": problem.request_id} if problem.request_id else body


def problem_status(problem: Problem) -> int:
    """The HTTP status under which Anthropic's clients understand the problem."""
    return next((code for kind, code in _STATUSES if isinstance(problem, kind)), problem.status)


def fault(problem: Problem) -> bytes:
    """The event that ends a stream in failure; nothing may follow it."""
    return encode_json({"type": "error", "error": _error(problem)}, "error")


def _error(problem: Problem) -> Json:
    return {"type": _type(problem), "message": _words(problem)}


def _type(problem: Problem) -> str:
    """`InvalidRequest` keeps the status that upstream gave, and two of them have other names."""
    if isinstance(problem, InvalidRequest):
        match problem.status:
            case 404:
                return "not_found_error"
            case 499:  # Copilot dropped it: nobody's mistake
                return "api_error"
    return next((name for cls, name in _TYPES if isinstance(problem, cls)), "api_error")


def _words(problem: Problem) -> str:
    if not isinstance(problem, InputTooLarge):
        return problem.message
    tokens, limit = problem.fields.get("tokens"), problem.fields.get("limit")
    if tokens and limit:
        return f"prompt is too long: {tokens} tokens > {limit} maximum"
    said = problem.message
    return said if "prompt is too long" in said else f"prompt is too long: {said}"


def read_fault(payload: Mapping[str, Any]) -> Problem:
    """The problem that an `error` event in a stream reports, in Anthropic's or OpenAI's shape."""
    error = payload.get("error")
    if not isinstance(error, Mapping):
        return UpstreamFault(error if isinstance(error, str) else "")
    said, kind, code = error.get("message"), error.get("type"), error.get("code")
    message = said if isinstance(said, str) else ""
    word = code if isinstance(code, str) else (kind if isinstance(kind, str) else None)
    if _TOO_LONG.search(f"{message} {word}"):
        found = _COUNTS.search(message)
        fields = {"tokens": found[1], "limit": found[2]} if found else {}
        return InputTooLarge(message, fields=fields, code=word)
    if word == "content_filter":
        return ContentFiltered(message, code=word)
    return _FAULTS.get(str(kind), UpstreamFault)(message, code=word)
