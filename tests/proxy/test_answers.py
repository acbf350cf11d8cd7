"""Error answers keep SDKs from retrying in vain and name the request; secrets stay out of them."""

from __future__ import annotations

import json

import pytest

from copilot_desktop.dialects.registry import ALL
from copilot_desktop.errors import (
    InvalidRequest,
    NotSignedIn,
    Outdated,
    Overloaded,
    Problem,
    QuotaExhausted,
    RateLimited,
    UpstreamFault,
    UpstreamTimeout,
)
from copilot_desktop.model import MESSAGES
from copilot_desktop.proxy.answers import FIXED_HEADERS, json_answer, problem_answer, unexpected

each_dialect = pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)


@each_dialect
@pytest.mark.parametrize(
    ("problem", "took", "wait", "hopeless"),
    [
        (RateLimited(retry_after=5), 0, "5", False),
        (RateLimited(retry_after=60), 0, "60", False),
        (RateLimited(retry_after=60.6), 0, "61", True),
        (RateLimited(retry_after=86_400), 0, "86400", True),
        (RateLimited(retry_after=0), 0, "1", False),
        (RateLimited(retry_after=0.2), 0, "1", False),
        (RateLimited(), 0, None, False),
        (QuotaExhausted(retry_after=5), 0, "5", True),
        (QuotaExhausted(), 0, None, True),
        (Overloaded(retry_after=3), 0, "3", False),
        (UpstreamFault(), 0, None, False),
        (UpstreamTimeout(), 59, None, False),
        (UpstreamTimeout(), 61, None, True),
        (UpstreamFault(), 61, None, False),
        (Problem("ours"), 0, None, True),
        (NotSignedIn(), 0, None, False),
    ],
)
def test_whoever_would_repeat_in_vain_is_told_not_to(dialect, problem, took, wait, hopeless):
    answer = problem_answer(problem, dialect, took=took)
    assert answer.headers.get("retry-after") == wait
    assert (answer.headers.get("x-should-retry") == "false") is hopeless
    assert FIXED_HEADERS.items() <= dict(answer.headers).items()
    assert answer.content_type == "application/json"
    assert problem.message in str(json.loads(answer.body)["error"])


@each_dialect
def test_an_old_app_is_not_a_server_that_may_recover(dialect):
    answer = problem_answer(Outdated(), dialect)
    assert answer.status < 500 or answer.headers["x-should-retry"] == "false"


@each_dialect
def test_the_request_is_named_where_each_sdk_looks_for_it(dialect):
    answer = problem_answer(UpstreamFault(request_id="req-7"), dialect)
    assert answer.headers["x-request-id"] == "req-7"
    assert answer.headers.get("request-id") == ("req-7" if dialect.endpoint == MESSAGES else None)
    assert "x-request-id" not in problem_answer(UpstreamFault(), dialect).headers


def test_an_error_nobody_thought_of_gets_a_number_and_keeps_its_words_to_the_log(caplog):
    problem = unexpected(KeyError("canary"))
    assert problem.status == 500
    assert "canary" not in problem.message
    assert problem.request_id in problem.message
    assert problem.request_id in caplog.text
    assert "canary" in caplog.text


def test_bottomless_nesting_is_the_clients_doing(caplog):
    assert isinstance(unexpected(RecursionError()), InvalidRequest)
    assert not caplog.records


def test_json_goes_out_in_ascii_whatever_is_in_it():
    body = json_answer({"a": "\ud800 \u2028 é"}).body
    assert body == b'{"a":"\\ud800 \\u2028 \\u00e9"}'
