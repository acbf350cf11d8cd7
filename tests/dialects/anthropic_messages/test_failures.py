"""Each problem has the status and type on which Anthropic's clients act."""

from __future__ import annotations

import json

import pytest

from copilot_desktop import errors
from copilot_desktop.dialects.anthropic_messages import AnthropicMessages


@pytest.mark.parametrize(
    ("problem", "status", "kind"),
    [
        (errors.InvalidRequest("x"), 400, "invalid_request_error"),
        (errors.NotExpressible("x"), 400, "invalid_request_error"),
        (errors.ContentFiltered(), 400, "invalid_request_error"),
        (errors.BodyTooLarge(fields={"limit": "32 MB"}), 413, "request_too_large"),
        (errors.UnknownModel(fields={"model": "x"}), 404, "not_found_error"),
        (errors.NotSignedIn(), 401, "authentication_error"),
        (errors.SignInExpired(), 401, "authentication_error"),
        (errors.NoCopilot(), 403, "permission_error"),
        (errors.Blocked(), 403, "permission_error"),
        (errors.Refused(fields={"reason": "x"}), 403, "permission_error"),
        (errors.QuotaExhausted(fields={"reset": "2026-12-01"}), 402, "billing_error"),
        (errors.RateLimited(retry_after=5), 429, "rate_limit_error"),
        (errors.Unreachable(fields={"host": "h", "reason": "r"}), 502, "api_error"),
        (errors.UpstreamTimeout(fields={"seconds": "600"}), 504, "timeout_error"),
        (errors.UpstreamFault(), 502, "api_error"),
        (errors.CutShort(), 502, "api_error"),
        (errors.Overloaded(), 529, "overloaded_error"),
        (errors.Outdated(), 400, "invalid_request_error"),
        (errors.ShuttingDown(), 503, "api_error"),
        (errors.Problem(), 500, "api_error"),
    ],
)
def test_status_and_type(
    dialect: AnthropicMessages, problem: errors.Problem, status: int, kind: str
) -> None:
    assert dialect.problem_status(problem) == status
    body = dialect.render_problem(problem)
    assert body["type"] == "error"
    assert body["error"] == {"type": kind, "message": problem.message}
    name, data = dialect.fault(problem).decode().splitlines()[:2]
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["error"] == body["error"]


def test_claude_code_reads_that_the_prompt_is_too_long(dialect: AnthropicMessages) -> None:
    known = errors.InputTooLarge(fields={"tokens": "140211", "limit": "128000"})
    assert dialect.problem_status(known) == 400
    assert dialect.render_problem(known)["error"] == {
        "type": "invalid_request_error",
        "message": "prompt is too long: 140211 tokens > 128000 maximum",
    }
    vague = dialect.render_problem(errors.InputTooLarge("Too many words."))
    assert vague["error"]["message"].startswith("prompt is too long: ")


def test_the_request_id_helps_to_find_it(dialect: AnthropicMessages) -> None:
    body = dialect.render_problem(errors.UpstreamFault(request_id="req_1"))
    assert body["request_id"] == "req_1"
