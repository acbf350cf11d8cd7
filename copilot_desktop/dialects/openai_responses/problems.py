"""Problems in the words of the Responses API: error bodies out, upstream's stream errors in.

The table is `translation.md` §13.1 and §13.3. Clients branch on `type` and `code` (Codex compacts
on `context_length_exceeded` and waits on `rate_limit_exceeded`), people read `message`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from copilot_desktop.errors import (
    Blocked,
    BodyTooLarge,
    ContentFiltered,
    CutShort,
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
    ShuttingDown,
    SignInFailed,
    UnknownModel,
    Unreachable,
    UpstreamFault,
    UpstreamTimeout,
    WrongKey,
)

Json = dict[str, Any]

# The first class that fits decides. An empty code means: upstream's own, else none.
_WORDS: tuple[tuple[type[Problem], str, str], ...] = (
    (InputTooLarge, "invalid_request_error", "context_length_exceeded"),
    (BodyTooLarge, "invalid_request_error", "request_too_large"),
    (UnknownModel, "invalid_request_error", "model_not_found"),
    (NoSuchRoute, "invalid_request_error", "not_found"),
    (ContentFiltered, "invalid_request_error", "content_filter"),
    (InvalidRequest, "invalid_request_error", ""),
    (Outdated, "invalid_request_error", "client_outdated"),
    (NotSignedIn, "authentication_error", "reauth_required"),
    (SignInFailed, "authentication_error", "reauth_required"),
    (WrongKey, "authentication_error", "invalid_api_key"),
    (Refused, "permission_error", "refused"),
    (NoCopilot, "permission_error", "copilot_not_enabled"),
    (Blocked, "permission_error", "blocked_by_policy"),
    (QuotaExhausted, "insufficient_quota", "insufficient_quota"),
    (RateLimited, "rate_limit_error", "rate_limit_exceeded"),
    (Unreachable, "api_error", "upstream_unreachable"),
    (UpstreamTimeout, "api_error", "timeout"),
    (Overloaded, "api_error", "overloaded"),
    (ShuttingDown, "api_error", "shutting_down"),
    (CutShort, "api_error", "cut_short"),
    (UpstreamFault, "api_error", ""),
)
# What Copilot says with a status alone.
_WITHOUT_CODE = {404: ("invalid_request_error", "model_not_found"), 499: ("api_error", "cancelled")}


def error_of(problem: Problem) -> Json:
    """`{message, type, param, code}`."""
    word, code = next(
        ((word, code) for kind, word, code in _WORDS if isinstance(problem, kind)),
        ("api_error", problem.kind),
    )
    if isinstance(problem, RateLimited) and problem.code:
        code = problem.code
    if isinstance(problem, BodyTooLarge) and problem.upstream_status == 413:
        code = InputTooLarge.kind  # what clients shorten the input on
    if type(problem) is InvalidRequest and not problem.code:
        word, code = _WITHOUT_CODE.get(problem.status, (word, code))
    param = problem.fields.get("param")
    if isinstance(problem, UnknownModel):
        param = "model"
    elif isinstance(problem, InputTooLarge):
        param = "input"
    return {
        "message": _message(problem),
        "type": word,
        "param": param,
        "code": code or problem.code or (problem.kind if word == "api_error" else None),
    }


def _message(problem: Problem) -> str:
    limit = problem.fields.get("limit")
    if not isinstance(problem, InputTooLarge) or not limit:
        return problem.message
    message = f"This model's maximum context length is {limit} tokens"
    tokens = problem.fields.get("tokens")
    return f"{message}, however you requested {tokens} tokens." if tokens else f"{message}."


def status_of(problem: Problem) -> int:
    """OpenAI's statuses are those of the tree."""
    return problem.status


def failure_of(problem: Problem) -> Json:
    """The `error` of a failed response: OpenAI's own code where the fault is nobody's in
    particular, since clients retry on it."""
    error = error_of(problem)
    generic = isinstance(problem, UpstreamFault) and not isinstance(problem, Overloaded)
    return {"code": "server_error" if generic else error["code"], "message": error["message"]}


# ------------------------------------------------------------------------------- reading

_OVERFLOW = re.compile(r"(\d+)\D+?(?:exceeds the limit of|>)\s*(\d+)")
_TOO_LONG = re.compile(
    r"prompt token count of \d+ exceeds|prompt is too long|input is too long", re.IGNORECASE
)
_KINDS: tuple[tuple[frozenset[str], type[Problem]], ...] = (
    (frozenset({"context_length_exceeded", "model_max_prompt_tokens_exceeded"}), InputTooLarge),
    (frozenset({"content_filter", "content_policy_violation"}), ContentFiltered),
    (
        frozenset({
            "quota_exceeded", "free_quota_exceeded", "overage_limit_reached",
            "session_quota_exceeded", "billing_not_configured", "insufficient_quota",
        }),
        QuotaExhausted,
    ),
    (
        frozenset({
            "rate_limited", "rate_limit_exceeded", "user_global_rate_limited",
            "user_weekly_rate_limited", "user_model_rate_limited", "integration_rate_limited",
            "agent_mode_limit_exceeded", "upstream_provider_rate_limit",
        }),
        RateLimited,
    ),
    (
        frozenset({
            "model_overloaded", "overloaded", "overloaded_error", "server_is_overloaded",
            "slow_down", "service_unavailable",
        }),
        Overloaded,
    ),
    (
        frozenset({"bad_request", "invalid_prompt", "invalid_request_error", "request_too_large"}),
        InvalidRequest,
    ),
)  # fmt: skip


def problem_of(error: object) -> Problem:
    """The problem that an error object in the stream tells; `{code, message}`, both optional.

    Copilot appends the plan to some codes (`user_weekly_rate_limited:pro`).
    """
    if isinstance(error, str):
        error = {"message": error}
    if not isinstance(error, Mapping):
        return UpstreamFault()
    message = error.get("message")
    message = message if isinstance(message, str) else ""
    code = error.get("code") or error.get("type")
    code = code if isinstance(code, str) and code != "error" else None
    if _TOO_LONG.search(message):
        return InputTooLarge(message, code=code, fields=_numbers(message, InputTooLarge))
    for codes, kind in _KINDS:
        if code is not None and code.split(":", 1)[0] in codes:
            return kind(message, code=code, fields=_numbers(message, kind))
    return UpstreamFault(message, code=code)


def _numbers(message: str, kind: type[Problem]) -> dict[str, str]:
    found = _OVERFLOW.search(message) if kind is InputTooLarge else None
    return {"tokens": found[1], "limit": found[2]} if found else {}
