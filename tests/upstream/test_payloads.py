"""GitHub's control answers: strict where it matters, calm everywhere else."""

from __future__ import annotations

import pytest

from copilot_desktop.errors import UpstreamFault
from copilot_desktop.upstream.payloads import (
    CopilotToken,
    CopilotUser,
    PollAnswer,
    plan_words,
    read,
    token_fields,
)

Odd = dict[str, object]
SECRET = "tid=abc;exp=1787401800;proxy-ep=proxy.x.githubcopilot.com;odd=a=b:mac=1"


@pytest.mark.parametrize(
    ("plan", "sku", "words"),
    [
        ("individual_pro", "monthly_subscriber_quota", "Pro"),
        ("individual", "yearly_subscriber_quota", "Pro"),
        ("individual", "free_limited_copilot", "Free"),
        ("individual", "plus_monthly_subscriber_quota", "Pro+"),
        ("individual_pro_plus", "monthly_subscriber_quota", "Pro+"),
        ("individual_edu", "free_educational_quota", "Student"),
        ("business", "copilot_for_business_seat_quota", "Business"),
        ("enterprise", "copilot_enterprise_seat", "Enterprise"),
        ("individual_max", None, "Max"),
        ("individual", "no_access", ""),
        ("individual_cosmic", "cosmic", "Individual cosmic"),
        (None, None, ""),
    ],
)
def test_plans_in_words(plan: str | None, sku: str | None, words: str) -> None:
    assert plan_words(plan, sku) == words


@pytest.mark.parametrize(
    "odd",
    [
        {"expires_at": "x"},
        {"expires_at": True},
        {"expires_at": 10**400},
        {"expires_at": float("nan")},
        {"expires_at": None},
        {"token": ""},
        {"token": "\ud800"},
        {"token": 5},
    ],
)
def test_a_wrong_critical_field_spoils_the_answer_without_being_quoted(odd: Odd) -> None:
    with pytest.raises(UpstreamFault) as caught:
        read(
            CopilotToken,
            {"token": SECRET, "expires_at": 1, "refresh_in": 1} | odd,
            what="The token",
        )
    assert str(caught.value).endswith("The token could not be understood.")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_odd_optional_fields_count_as_missing() -> None:
    user = read(CopilotUser, {"login": 5, "endpoints": "x", "chat_enabled": "yes"}, what="x")
    assert (user.login, user.named_api, user.chat_enabled) == (None, None, None)
    assert user.has_access
    named = read(CopilotUser, {"endpoints": {"api": "https://a", "b": 1}, "new": []}, what="x")
    assert named.named_api == "https://a"
    assert read(CopilotUser, {"login": "\ud800"}, what="x").login is None  # half a letter


def test_tokens_do_not_show() -> None:
    token = read(CopilotToken, {"token": SECRET, "expires_at": 1, "refresh_in": 1}, what="x")
    assert SECRET not in repr(token)
    assert "ghu_" not in repr(PollAnswer(access_token="ghu_12345678"))


def test_the_fields_of_a_copilot_token() -> None:
    fields = token_fields(SECRET)
    assert fields["proxy-ep"] == "proxy.x.githubcopilot.com"
    assert fields["odd"] == "a=b"
    assert "mac" not in fields
    assert token_fields("") == {}


def test_names_that_cannot_be_shown_count_as_missing() -> None:
    found = read(CopilotUser, {"login": "octo\x1b[2J", "copilot_plan": "p" * 5000}, what="It")
    assert (found.login, found.copilot_plan) == (None, None)
