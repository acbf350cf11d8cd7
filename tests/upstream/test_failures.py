"""Every answer that is not a success gets the Problem that people and clients need."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import copilot_desktop
from copilot_desktop.errors import (
    AutoChoiceOver,
    Blocked,
    BodyTooLarge,
    ContentFiltered,
    InputTooLarge,
    InvalidRequest,
    NoCopilot,
    Outdated,
    Overloaded,
    Problem,
    QuotaExhausted,
    RateLimited,
    SignInExpired,
    UnknownModel,
    Unreachable,
    UpstreamFault,
    UpstreamTimeout,
)
from copilot_desktop.upstream.failures import problem_from, token_refused

EXAMPLES = Path(copilot_desktop.__file__).parent / "demo" / "transcripts" / "errors"
NOW = 1787400000.0  # 2026-08-22T12:00:00Z, when all examples happened
URL = "https://api.individual.githubcopilot.com/chat/completions"
GITHUB = {"x-github-request-id": "FF66:27F1BF"}


def example(name: str) -> tuple[int, dict[str, str], bytes]:
    answer = json.loads((EXAMPLES / f"{name}.exchange.json").read_text())["response"]
    body = json.dumps(answer["body"]) if "body" in answer else answer["body_text"]
    return answer["status"], answer["headers"], body.encode()


def problem(status: int, body: object, headers: dict[str, str] | None = None) -> Problem:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return problem_from(status, GITHUB | (headers or {}), raw, url=URL, now=NOW)


@pytest.mark.parametrize(
    ("name", "kind", "status", "wait", "renews"),
    [
        ("400-empty-body", UpstreamFault, 502, None, False),
        ("400-max-tokens-parameter", InvalidRequest, 400, None, False),
        ("400-model-not-available-for-integrator", UnknownModel, 404, None, False),
        ("400-model-not-supported", UnknownModel, 404, None, False),
        ("400-prompt-too-long-anthropic", InputTooLarge, 400, None, False),
        ("400-prompt-too-long-capi", InputTooLarge, 400, None, False),
        ("400-unsupported-api-for-model", InvalidRequest, 400, None, False),
        ("400-unsupported-beta", InvalidRequest, 400, None, False),
        ("401-invalid-auto-mode-selector", AutoChoiceOver, 400, None, False),
        ("401-stale-input-item", InvalidRequest, 400, None, False),
        ("401-token-expired", SignInExpired, 401, None, True),
        ("402-free-quota-exceeded", QuotaExhausted, 402, None, False),
        ("402-quota-exceeded", QuotaExhausted, 402, 820800, False),
        ("403-forbidden-text", Blocked, 403, None, True),
        ("403-policy", Blocked, 403, None, False),
        ("404-not-found", InvalidRequest, 404, None, False),
        ("413-too-large", BodyTooLarge, 413, None, False),
        ("421-misdirected", UpstreamFault, 502, None, False),
        ("422-rai", ContentFiltered, 400, None, False),
        ("429-model", RateLimited, 429, 8, False),
        ("429-session", RateLimited, 429, 5400, False),
        ("429-weekly", RateLimited, 429, 207360, False),
        ("466-client-outdated", Outdated, 400, None, False),
        ("499-cancelled", InvalidRequest, 499, None, False),
        ("502-unicorn", UpstreamFault, 502, None, False),
        ("503-provider-limit", Overloaded, 503, None, False),
        ("token-401-bad-credentials", SignInExpired, 401, None, True),
        ("token-403-api-rate-limit", RateLimited, 429, 900, False),
        ("token-403-feature-flag-blocked", Blocked, 403, None, False),
        ("token-403-not-signed-up", NoCopilot, 403, None, False),
        ("token-404-not-found", InvalidRequest, 404, None, False),
    ],
)
def test_every_example(
    name: str, kind: type[Problem], status: int, wait: float | None, renews: bool
) -> None:
    found = problem_from(*example(name), url=URL, now=NOW)
    assert type(found) is kind
    assert found.status == status
    assert found.retry_after == wait
    assert found.request_id
    assert "<" not in str(found)
    assert token_refused(*example(name)) is renews


def test_the_table_covers_every_example_file() -> None:
    marks = test_every_example.pytestmark[0]
    assert {row[0] for row in marks.args[1]} == {
        path.name.removesuffix(".exchange.json") for path in EXAMPLES.iterdir()
    }


def test_words_that_people_act_on() -> None:
    weekly = problem_from(*example("429-weekly"), url=URL, now=NOW)
    assert "58 hours" in str(weekly)
    assert weekly.code == "user_weekly_rate_limited"
    spent = problem_from(*example("402-quota-exceeded"), url=URL, now=NOW)
    assert "until 2026-09-01" in str(spent)
    later = problem_from(*example("402-quota-exceeded"), url=URL, now=NOW + 40 * 86_400)
    assert "until" not in str(later)
    seat = problem_from(*example("token-403-not-signed-up"), url=URL, now=NOW)
    assert seat.url == "https://github.com/github-copilot/signup"
    assert "octo-user" in str(seat)
    model = problem_from(
        *example("400-model-not-available-for-integrator"), url=URL, model="x-1", now=NOW
    )
    assert "x-1" in str(model)
    assert model.fields["alternatives"] == "gpt-4.1, gpt-5-mini, claude-haiku-4.5"


def test_plan_suffix_is_no_part_of_the_code() -> None:
    assert problem_from(*example("429-session"), url=URL).code == "user_global_rate_limited"


@pytest.mark.parametrize(
    ("text", "tokens", "limit"),
    [
        ("prompt token count of 9 exceeds the limit of 8", "9", "8"),
        ("prompt is too long: 31 tokens > 30 maximum", "31", "30"),
        (
            "This model's maximum context length is 30 tokens, however you requested 41 tokens.",
            "41",
            "30",
        ),
    ],
)
def test_context_overflow_names_both_numbers(text: str, tokens: str, limit: str) -> None:
    found = problem(400, {"error": {"message": text, "code": ""}})
    assert isinstance(found, InputTooLarge)
    assert (found.fields["tokens"], found.fields["limit"]) == (tokens, limit)


def test_a_413_that_names_tokens_is_an_overflow() -> None:
    text = {"error": {"message": "prompt token count of 9 exceeds the limit of 8"}}
    assert isinstance(problem(413, text), InputTooLarge)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "slow", "code": "rate_limited"}},
        {"message": "slow", "code": "rate_limited"},
        {"error": "slow", "code": "rate_limited"},
        {"error": "rate_limited", "error_description": "slow"},
        {"error": {"message": json.dumps({"error": {"message": "slow", "code": "rate_limited"}})}},
        {"error": json.dumps({"message": "slow", "code": "rate_limited"})},
        json.dumps({"error": {"message": "slow", "code": "rate_limited"}}),
        [{"error": {"message": "slow", "code": "rate_limited"}}],
        b'HTTP 400: {"error":{"message":"slow","code":"rate_limited"}}',
    ],
)
def test_all_body_forms_say_the_same(body: object) -> None:
    found = problem(400, body)
    assert isinstance(found, RateLimited)
    assert (found.code, found.detail) == ("rate_limited", "slow")


@pytest.mark.parametrize("code", ["quota_exceeded", "overage_limit_reached"])
def test_a_spent_allowance_is_no_rate_limit(code: str) -> None:
    found = problem(429, {"error": {"message": "no", "code": code}}, {"retry-after": "60"})
    assert isinstance(found, QuotaExhausted)


def test_a_short_wait_is_no_day_on_which_the_allowance_comes_back() -> None:
    body = b'{"error":{"code":"quota_exceeded","message":"You have no quota"}}'
    problem = problem_from(402, {"retry-after": "1"}, body, url=URL, now=NOW)
    assert "until" not in str(problem)
    assert problem.retry_after == 1


def test_reset_from_quota_headers() -> None:
    meter = "ent=300&ov=0.0&ovPerm=false&rem=0.0&rst=2026-08-22T14%3A30%3A00Z"
    found = problem(402, b"", {"X-Quota-Snapshot-Premium_Interactions": meter})
    assert found.fields["reset"] == "2026-08-22 14:30 UTC"


def test_http_date_and_nonsense_in_retry_after() -> None:
    date = {"retry-after": "Sat, 22 Aug 2026 12:01:00 GMT"}
    assert problem(429, b"", date).retry_after == 60
    assert problem(429, b"", {"retry-after": "soon"}).retry_after is None
    assert problem(429, b"", {"retry-after": "-5"}).retry_after is None
    assert str(problem(402, b"", {"retry-after": "1e300"}))
    late = "Mon, 01 Jan 99999999999999 00:00:00 GMT"
    assert problem(429, b"", {"retry-after": late}).retry_after is None
    for odd in ("\u00b2", "9" * 5000):
        reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": odd}
        assert problem(429, b"", reset).retry_after is None


@pytest.mark.parametrize(
    "moment",
    ["1787400000000", "999999999999999", "9999-12-31T23:59:59Z", "9999-12-31", "3001-01-02"],
)
def test_a_date_beyond_every_calendar_says_nothing(moment: str) -> None:
    """Windows' own ends with the year 3000: `time.localtime` raises OSError (_localtime64_s)."""
    meter = {"x-quota-snapshot-chat": f"ent=300&rem=0&rst={moment}"}
    found = problem(402, b"", meter)
    assert isinstance(found, QuotaExhausted)
    assert "reset" not in found.fields


@pytest.mark.parametrize("status", [403, 407, 451])
def test_a_firewall_on_the_way_is_named(status: int) -> None:
    page = b"<html><body>Blocked by Example Secure Gateway</body></html>"
    found = problem_from(status, {"content-type": "text/html"}, page, url=URL)
    assert isinstance(found, Unreachable)
    assert "firewall" in str(found)
    assert "api.individual.githubcopilot.com" in str(found)
    assert not token_refused(status, {}, page)


def test_known_texts_count_without_githubs_request_id() -> None:
    assert token_refused(401, {}, b"unauthorized: token expired")
    assert token_refused(403, {}, b"forbidden\n")
    limited = problem_from(429, {"retry-after": "3"}, b"slow down", url=URL)
    assert isinstance(limited, RateLimited)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, UpstreamFault), (503, Overloaded), (529, Overloaded), (504, UpstreamTimeout)],
)
def test_outages(status: int, kind: type[Problem]) -> None:
    found = problem(status, b"<html>oops</html>")
    assert type(found) is kind
    assert found.retryable
    assert "oops" not in str(found)
    assert "unknown" not in str(found)


@pytest.mark.parametrize("status", [404, 409, 424, 431])
def test_other_client_errors_keep_their_number(status: int) -> None:
    found = problem(status, {"message": "no such thing"})
    assert isinstance(found, InvalidRequest)
    assert found.status == status


def test_a_blocked_client_is_told_to_stop() -> None:
    body = {"error": {"message": "blocked", "code": "extension_blocked"}}
    assert isinstance(problem(429, body), Blocked)


def test_no_secret_comes_through() -> None:
    body = {"error": {"message": "bad token ghu_0123456789abcdefABCDEF tid=5d7c;exp=1:ab"}}
    assert "ghu_" not in str(problem(401, body))
    assert "tid=" not in str(problem(401, body))


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe\x00", b"[]", b"null", b"12", b'{"error":null}', b"[" * 100_000, b"{" * 5000],
)
@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 422, 429, 500, 599])
def test_any_bytes_are_an_answer(status: int, body: bytes) -> None:
    found = problem_from(status, {}, body, url=URL)
    assert str(found)
    assert 400 <= found.status < 600


def test_links_that_do_not_lead_to_github_are_dropped() -> None:
    for url in ("http://github.com/x", "https://github.com.example/x", "javascript:1", "https://["):
        body = {"error_details": {"message": "m", "notification_id": "not_signed_up", "url": url}}
        assert problem(403, body).url is None
