"""What OpenAI's older formats have in common: error bodies, finish reasons, counts, ids.

Chat Completions and the legacy completions tell errors, ends and usage in the same words
(`translation.md` §7.2, §12.4, §13.1). Dialects do not know each other, so these words stand below
both. Must not know a request's or an answer's shape.
"""

from __future__ import annotations

import secrets
from typing import Any

from copilot_desktop.canonical import StopReason, Usage
from copilot_desktop.errors import (
    BodyTooLarge,
    ContentFiltered,
    InputTooLarge,
    InvalidRequest,
    NotSignedIn,
    Outdated,
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

FINISH_REASONS = {
    StopReason.END: "stop",
    StopReason.STOP_SEQUENCE: "stop",
    StopReason.TOOL_USE: "tool_calls",
    StopReason.LENGTH: "length",
    StopReason.REFUSAL: "content_filter",
    StopReason.PAUSE: "stop",
}


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
        case InvalidRequest():
            return _of_a_request(problem)
        case Outdated():
            return "invalid_request_error", problem.kind
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


def _of_a_request(problem: InvalidRequest) -> tuple[str, str | None]:
    match problem:
        case BodyTooLarge() if problem.upstream_status == 413:
            return "invalid_request_error", InputTooLarge.kind  # clients shorten the input on it
        case InputTooLarge() | UnknownModel() | ContentFiltered() | BodyTooLarge():
            return "invalid_request_error", problem.kind
    own = None if type(problem) is InvalidRequest else problem.kind
    match problem.status:
        case 404:
            return "invalid_request_error", problem.code or own or UnknownModel.kind
        case 499:  # Copilot dropped it: nobody's mistake
            return "api_error", problem.code or "cancelled"
    return "invalid_request_error", problem.code or own


def write_usage(usage: Usage) -> Json:
    prompt = usage.total_input
    return {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output,
        "total_tokens": prompt + usage.output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def mint(prefix: str) -> str:
    """A new id: `prefix` and 24 random letters and digits."""
    return prefix + secrets.token_hex(12)
