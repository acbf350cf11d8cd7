"""Which refusals are warnings, which give no reason, and which limits are about one model."""

from __future__ import annotations

import json

import pytest

from copilot_desktop.errors import (
    Blocked,
    Busy,
    ContentFiltered,
    InvalidRequest,
    NoCopilot,
    Overloaded,
    QuotaExhausted,
    RateLimited,
)
from copilot_desktop.proxy.alarms import is_closed_door, is_warning, limited_model
from copilot_desktop.upstream.failures import problem_from

WARNINGS = [
    Blocked("Your extension was blocked.", code="extension_blocked", upstream_status=429),
    Blocked("Contact Support.", code="go_http_client", upstream_status=403),
    Blocked("Contact Support.", code="programmatic_token_generation", upstream_status=403),
    Blocked("No.", code="access_revoked"),
    Blocked("Our system detected unusual activity from your account.", upstream_status=403),
    Blocked("Abnormal or excessive use of GitHub Copilot was found.", upstream_status=403),
    Blocked("Your account has been suspended.", upstream_status=403),
    Blocked("Your access to GitHub Copilot has been temporarily suspended.", upstream_status=403),
    RateLimited("You have triggered an abuse detection mechanism.", upstream_status=403),
    RateLimited("This violates our terms of service.", upstream_status=429),
    NoCopilot("Copilot access revoked for this user.", upstream_status=403),
]
ORDINARY = [
    Blocked("You are not authorized to use this Copilot feature, it requires an enterprise or "
            "organization policy to be enabled.", code="unauthorized", upstream_status=403),
    Blocked("access to this endpoint is forbidden", upstream_status=403),
    Blocked("Copilot is not available for this account.", code="feature_flag_blocked"),
    RateLimited("Sorry, you've exceeded your weekly rate limit.", code="user_weekly_rate_limited"),
    RateLimited("You have exceeded a secondary rate limit."),
    RateLimited("Rate limit reached for this model.", code="user_model_rate_limited"),
    QuotaExhausted("Your account was suspended from overage."),
    InvalidRequest("messages.1: tell me about account abuse and suspended accounts"),
    ContentFiltered("violates the acceptable use policy"),
    Overloaded("unusual activity"),
    NoCopilot("No access."),
    Blocked("This model's access was revoked by your organization's administrator.",
            code="model_not_allowed", upstream_status=403),
    Blocked("This is abusive content and violates our terms.", code="content_blocked",
            upstream_status=403),
    NoCopilot("Your Copilot access was revoked with its coupon.", code="revoked_coupon"),
    NoCopilot("Your Copilot has been suspended: it ended.", code="subscription_ended"),
    RateLimited("Excessive usage of this model.", code="user_model_rate_limited"),
    RateLimited("To prevent abuse, slow down.", code="rate_limited"),
    Blocked("This site violates the company's Internet policy.", upstream_status=403),
]  # fmt: skip


@pytest.mark.parametrize("problem", WARNINGS, ids=str)
def test_what_github_says_about_misuse_is_a_warning(problem):
    assert is_warning(problem)


@pytest.mark.parametrize("problem", ORDINARY, ids=str)
def test_what_is_only_a_limit_a_policy_or_about_content_is_none(problem):
    assert not is_warning(problem)


@pytest.mark.parametrize("by_github", [True, False])
def test_what_a_filter_on_the_way_says_is_no_word_of_githubs(by_github):
    headers = {"x-request-id": "1", "content-type": "application/json"}
    if by_github:
        headers["X-GitHub-Request-Id"] = "A:B"
    body = {"message": "Suspicious activity: this violates the terms of acceptable use."}
    url = "https://api.githubcopilot.com/models"
    problem = problem_from(403, headers, json.dumps(body).encode(), url=url)
    assert isinstance(problem, Blocked)
    assert problem.request_id
    assert is_warning(problem) is by_github


def test_only_a_403_without_any_reason_is_a_closed_door():
    for words in ("", "forbidden", "access to this endpoint is forbidden", "Forbidden."):
        assert is_closed_door(Blocked(words, upstream_status=403))
    assert not is_closed_door(Blocked("forbidden", upstream_status=403, code="unauthorized"))
    assert not is_closed_door(Blocked("Ask your administrator.", upstream_status=403))
    assert not is_closed_door(Blocked("", upstream_status=429))
    assert not is_closed_door(InvalidRequest("forbidden", upstream_status=403))


def test_limits_of_the_account_are_about_every_model():
    for code in ("user_global_rate_limited", "user_weekly_rate_limited",
                 "integration_rate_limited", "agent_mode_limit_exceeded"):  # fmt: skip
        assert limited_model(RateLimited(code=code), "gpt-4.1") == ""
    for named in ("user_model_rate_limited", "model_overloaded", "rate_limited", None):
        assert limited_model(RateLimited(code=named), "gpt-4.1") == "gpt-4.1"
    assert limited_model(Busy(), "gpt-4.1") == "gpt-4.1"
    assert limited_model(RateLimited(code="user_global_rate_limited"), "") == ""
    for code in ("rate_limited", None):
        assert limited_model(RateLimited(code=code), "") is None, "of no model, so about none"
