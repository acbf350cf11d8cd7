"""How trouble looks on a socket: both shapes, and never without a status."""

from __future__ import annotations

import json

import pytest

from copilot_desktop.dialects.openai_responses import OpenAIResponses
from copilot_desktop.errors import (
    InputTooLarge,
    InvalidRequest,
    QuotaExhausted,
    RateLimited,
    UpstreamFault,
)
from copilot_desktop.proxy.socket_answers import error_frame, told_in_stream

SPOKEN = OpenAIResponses()


@pytest.mark.parametrize(
    ("problem", "status"),
    [(InvalidRequest("no"), 400), (RateLimited(), 429), (UpstreamFault(), 502)],
)
def test_both_shapes_say_the_same(problem, status):
    frame = error_frame(problem, SPOKEN)
    assert (frame["type"], frame["status"]) == ("error", status)
    for name in ("code", "message", "param"):
        assert frame[name] == frame["error"][name]
    assert "status_code" not in frame, "Codex takes a frame with both for none at all"


def test_a_refusal_has_always_a_code():
    """GitHub's own CLI takes one without for a fault, and asks five times more."""
    for given, code in ((None, "bad_request"), ("invalid_value", "invalid_value")):
        frame = error_frame(InvalidRequest("no", code=given), SPOKEN)
        assert frame["code"] == frame["error"]["code"] == code


def test_waiting_is_told_in_seconds():
    assert error_frame(RateLimited(retry_after=2.6), SPOKEN)["headers"] == {"retry-after": "3"}
    assert "headers" not in error_frame(RateLimited(), SPOKEN)


def test_a_long_prompt_is_a_failed_response():
    frame = error_frame(InputTooLarge(), SPOKEN)
    assert frame["type"] == "response.failed"
    assert frame["response"]["error"]["code"] == "context_length_exceeded"


def test_codex_and_others_hear_of_the_quota_each_in_its_way():
    problem = QuotaExhausted()
    codex = error_frame(problem, SPOKEN, "codex_exec/0.169.0")
    assert (codex["status"], codex["error"]["type"]) == (429, "usage_limit_reached")
    assert codex["headers"]["x-codex-promo-message"]
    assert error_frame(problem, SPOKEN, "OpenAI/Python")["error"]["type"] == "insufficient_quota"


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"error": {"code": "user_weekly_rate_limited:pro"}}, 429),
        ({"error": {"code": "content_filter"}}, 400),
        ({"code": "service_unavailable"}, 503),
        ({"error": {"code": "something_new"}}, 502),
        ({"error": None}, 502),
        ({"status": 418, "error": {}}, 418),
    ],
)
def test_an_error_in_the_stream_gets_the_status_it_lacks(event, status):
    told = json.loads(told_in_stream(json.dumps({"type": "error", **event}), SPOKEN))
    assert told["status"] == status
    assert told["type"] == "error"


def test_what_is_no_event_stays():
    assert told_in_stream("{nonsense", SPOKEN) == "{nonsense"


@pytest.mark.parametrize("code", ["agent_mode_limit_exceeded", "free_quota_exceeded"])
def test_codex_asks_for_no_limit_again_that_comes_in_the_stream(code):
    event = {"type": "error", "error": {"code": code, "message": "No more."}}
    told = json.loads(told_in_stream(json.dumps(event), SPOKEN, "codex_exec/0.169.0"))
    assert (told["status"], told["error"]["type"]) == (429, "usage_limit_reached")


def test_codex_compacts_also_on_an_error_in_the_stream():
    event = {"type": "error", "error": {"code": "model_max_prompt_tokens_exceeded"}}
    told = json.loads(told_in_stream(json.dumps(event), SPOKEN))
    assert told["type"] == "response.failed"
    assert told["response"]["error"]["code"] == "context_length_exceeded"
