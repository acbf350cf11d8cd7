"""Errors as OpenAI clients know them (`translation.md` §13)."""

from __future__ import annotations

import json

import pytest

from copilot_desktop.canonical import Usage
from copilot_desktop.dialects.openai_chat import OpenAIChat
from copilot_desktop.errors import (
    Blocked,
    BodyTooLarge,
    ContentFiltered,
    CutShort,
    InputTooLarge,
    InvalidRequest,
    NoCopilot,
    NotSignedIn,
    NotSupported,
    Overloaded,
    Problem,
    QuotaExhausted,
    RateLimited,
    Refused,
    SignInExpired,
    UnknownModel,
    Unreachable,
    UpstreamFault,
    UpstreamTimeout,
    WrongKey,
)


@pytest.mark.parametrize(
    ("problem", "status", "kind", "code"),
    [
        (InvalidRequest("bad", code="unsupported_parameter"), 400, "invalid_request_error",
         "unsupported_parameter"),
        (InvalidRequest("bad"), 400, "invalid_request_error", None),
        (UnknownModel(fields={"model": "x"}), 404, "invalid_request_error", "model_not_found"),
        (ContentFiltered(), 400, "invalid_request_error", "content_filter"),
        (BodyTooLarge(fields={"limit": "32 MB"}), 413, "invalid_request_error",
         "request_too_large"),
        (NotSupported(fields={"what": "Speech"}), 501, "invalid_request_error", "not_supported"),
        (WrongKey(), 401, "authentication_error", "invalid_api_key"),
        (NotSignedIn(), 401, "authentication_error", "reauth_required"),
        (SignInExpired(), 401, "authentication_error", "reauth_required"),
        (QuotaExhausted(code="quota_exceeded"), 402, "insufficient_quota", "insufficient_quota"),
        (NoCopilot(), 403, "permission_error", "copilot_not_enabled"),
        (Blocked(), 403, "permission_error", "blocked_by_policy"),
        (Refused(fields={"reason": "r"}), 403, "permission_error", "refused"),
        (RateLimited(code="user_model_rate_limited"), 429, "rate_limit_error",
         "user_model_rate_limited"),
        (UpstreamTimeout(fields={"seconds": "5"}), 504, "api_error", "timeout"),
        (Overloaded(), 503, "api_error", "overloaded"),
        (Unreachable(fields={"host": "h", "reason": "r"}), 502, "api_error",
         "upstream_unreachable"),
        (UpstreamFault("boom", code="upstream_error"), 502, "api_error", "upstream_error"),
        (CutShort(), 502, "api_error", "cut_short"),
        (Problem(), 500, "api_error", "internal_error"),
    ],
)  # fmt: skip
def test_each_row(problem: Problem, status: int, kind: str, code: str | None) -> None:
    dialect = OpenAIChat()
    error = dialect.render_problem(problem)["error"]
    assert (dialect.problem_status(problem), error["type"], error["code"]) == (status, kind, code)
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"] == str(problem)


def test_overflow_is_worded_as_openai_words_it() -> None:
    problem = InputTooLarge(fields={"tokens": "140211", "limit": "128000"})
    assert OpenAIChat().problem_status(problem) == 400
    assert OpenAIChat().render_problem(problem) == {
        "error": {
            "message": "This model's maximum context length is 128000 tokens, "
            "however you requested 140211 tokens.",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        }
    }


def test_a_fault_in_a_stream_is_one_event_and_no_end() -> None:
    fault = OpenAIChat().fault(CutShort())
    assert fault.startswith(b"data: {")
    assert fault.endswith(b"}\n\n")
    assert b"[DONE]" not in fault
    assert json.loads(fault[6:])["error"]["code"] == "cut_short"


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ({}, Usage()),
        ({"prompt_tokens": None, "completion_tokens": None}, Usage()),
        ({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}, Usage(9, 4)),
        (
            {
                "prompt_tokens": 17,
                "completion_tokens": 9,
                "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 6},
            },
            Usage(10, 9, cache_read=5, cache_write=2, reasoning=6),
        ),
        (
            {"prompt_tokens": 9, "prompt_tokens_details": {"cached_creation_tokens": 4}},
            Usage(5, 0, cache_write=4),
        ),
        ({"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 5}}, Usage(0, 0, 5)),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 4,
                "total_tokens": 20,
                "completion_tokens_details": {"reasoning_tokens": 6},
            },
            Usage(10, 10, reasoning=6),
        ),
    ],
)
def test_usage(told: dict[str, object], meant: Usage) -> None:
    assert OpenAIChat().read_usage(told) == meant
