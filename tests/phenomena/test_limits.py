"""Refusals keep their meaning: SDKs raise the right error and wait no longer than told."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

import anthropic
import openai
import pytest
from conformance.speakers import SPEAKERS
from phenomena.routes import MODELS, Way, each_way
from proxy.scripted import post
from rig import running_rig

from copilot_desktop.demo import Status
from copilot_desktop.proxy.config import ProxyConfig

RATE = {"error": {"message": "Sorry, you have exceeded the rate limit.",
                  "code": "user_model_rate_limited"}}  # fmt: skip
FULL = {"error": {"message": "You have no quota left.", "code": "quota_exceeded"}}


async def no_pause(_seconds: float) -> None:
    """The pause before a second try spreads load; here it would only take time."""


def refusal(way: Way, status: int, body: object, **headers: str) -> Status:
    return Status(way.endpoint, status=status, body=body, headers=headers, times=-1)


@each_way
@pytest.mark.parametrize(
    ("wait", "told", "hopeless"),
    [("5", 5, False), ("90", 90, True), ("86400", 86_400, True), (None, None, False)],
)
async def test_a_limit_keeps_its_wait_and_a_long_one_is_not_sat_through(way, wait, told, hopeless):
    async with running_rig() as rig:
        rig.fake.add_fault(refusal(way, 429, RATE, **({"retry-after": wait} if wait else {})))
        status, body, headers = await post(rig, way.path, way.body())
        assert len(rig.fake.ledger.to(way.endpoint)) == 1, "a limit is never tried again here"
    assert status == 429
    assert way.error_in(body.decode())["type"] == "rate_limit_error"
    assert headers.get("retry-after") == (str(told) if told else None)
    assert (headers.get("x-should-retry") == "false") is hopeless


async def test_a_wait_may_be_a_date():
    way = Way("/v1/messages", "/v1/messages")
    async with running_rig() as rig:
        soon = formatdate(time.time() + 3600, usegmt=True)
        rig.fake.add_fault(refusal(way, 429, RATE, **{"retry-after": soon}))
        _, _, headers = await post(rig, way.path, way.body())
    assert 3000 < int(headers["retry-after"]) <= 3600
    assert headers["x-should-retry"] == "false"


@each_way
@pytest.mark.parametrize("status", [402, 429])
async def test_an_empty_allowance_is_a_402_that_nobody_repeats(way, status):
    async with running_rig() as rig:
        rig.fake.add_fault(refusal(way, status, FULL, **{"retry-after": "5"}))
        code, body, headers = await post(rig, way.path, way.body())
        assert len(rig.fake.ledger.to(way.endpoint)) == 1
    assert code == 402
    wanted = "billing_error" if way.path == "/v1/messages" else "insufficient_quota"
    assert way.error_in(body.decode())["type"] == wanted
    assert headers["x-should-retry"] == "false"


@each_way
@pytest.mark.parametrize("status", [503, 529])
async def test_an_overloaded_model_is_529_for_anthropics_clients_and_503_for_others(way, status):
    async with running_rig() as rig:
        rig.fake.add_fault(refusal(way, status, {"error": {"message": "busy"}},
                                   **{"retry-after": "7"}))  # fmt: skip
        code, body, headers = await post(rig, way.path, way.body())
        assert len(rig.fake.ledger.to(way.endpoint)) <= 3
    error = way.error_in(body.decode())
    if way.path == "/v1/messages":
        assert (code, error["type"]) == (529, "overloaded_error")
    else:
        assert (code, error["code"]) == (503, "overloaded")
    assert headers["retry-after"] == "7"


@each_way
async def test_an_outage_for_a_moment_is_not_noticed(way: Way):
    async with running_rig() as rig:
        rig.provider.client._sleep = no_pause
        rig.fake.add_fault(Status.example("502-unicorn", way.endpoint))
        status, body, _ = await post(rig, way.path, way.body())
        assert len(rig.fake.ledger.to(way.endpoint)) == 2
    assert status == 200, body


@each_way
async def test_an_outage_that_stays_is_one_sentence_without_html(way: Way):
    async with running_rig() as rig:
        rig.provider.client._sleep = no_pause
        rig.fake.add_fault(Status.example("502-unicorn", way.endpoint, times=-1))
        status, body, _ = await post(rig, way.path, way.body())
        assert len(rig.fake.ledger.to(way.endpoint)) <= 3
    assert status == 502
    assert "<" not in way.error_in(body.decode())["message"]


@each_way
@pytest.mark.parametrize(
    "known", [{}, {"aliases": {"loop": "pool", "pool": "loop"}}], ids=["plain", "circle"]
)
async def test_an_unknown_model_names_its_neighbours(way: Way, known):
    async with running_rig(config=ProxyConfig(**known)) as rig:
        name = "loop" if known else "gpt-4.1x"
        status, body, _ = await post(rig, way.path, {**way.body(), "model": name})
        assert not rig.fake.ledger.to(way.endpoint)
    assert status == 404
    error = way.error_in(body.decode())
    assert name in error["message"]
    assert known or "Closest" in error["message"]
    wanted = "not_found_error" if way.path == "/v1/messages" else "invalid_request_error"
    assert error["type"] == wanted
    if way.path != "/v1/messages":
        assert (error["code"], error["param"]) == ("model_not_found", "model")


@each_way
@pytest.mark.parametrize(
    "name", ["400-model-not-supported", "400-model-not-available-for-integrator"]
)
async def test_a_model_that_copilot_does_not_give_is_a_404(way: Way, name):
    async with running_rig() as rig:
        rig.fake.add_fault(Status.example(name, way.endpoint, times=-1))
        status, body, _ = await post(rig, way.path, way.body())
    assert status == 404
    assert way.model in way.error_in(body.decode())["message"]


@each_way
@pytest.mark.parametrize("name", ["400-prompt-too-long-capi", "400-prompt-too-long-anthropic"])
async def test_too_long_a_conversation_is_told_in_the_words_that_clients_look_for(way, name):
    async with running_rig() as rig:
        rig.fake.add_fault(Status.example(name, way.endpoint))
        status, body, _ = await post(rig, way.path, way.body())
    assert status == 400
    error = way.error_in(body.decode())
    assert error["type"] == "invalid_request_error"
    if way.path == "/v1/messages":
        assert error["message"].startswith("prompt is too long: ")
        assert " tokens > " in error["message"]
        assert error["message"].endswith(" maximum")
    else:
        assert error["code"] == "context_length_exceeded"
        assert "maximum context length is" in error["message"]


@pytest.mark.parametrize("speaker", SPEAKERS, ids=lambda speaker: speaker.name)
async def test_the_sdks_raise_their_own_errors_and_keep_the_request_id(speaker):
    wanted = {429: "RateLimitError", 403: "PermissionDeniedError", 404: "NotFoundError",
              400: "BadRequestError"}  # fmt: skip
    examples = {"429-weekly": 429, "403-policy": 403, "400-model-not-supported": 404,
                "422-rai": 400, "400-prompt-too-long-capi": 400}  # fmt: skip
    sdk = anthropic if speaker.name == "messages" else openai
    async with running_rig() as rig:
        client = speaker(rig.url)
        for name, status in examples.items():
            rig.fake.clear_faults()
            rig.fake.add_fault(Status.example(name, speaker.endpoint, times=-1))
            model = MODELS[speaker.endpoint]
            with pytest.raises(getattr(sdk, wanted[status])) as caught:
                await client.ask(model, [client.user("hi")], stream=False)
            assert caught.value.status_code == status
            assert caught.value.request_id
            json.dumps(caught.value.body)
        await client.close()


@pytest.mark.parametrize("speaker", SPEAKERS, ids=lambda speaker: speaker.name)
async def test_an_sdk_that_may_retry_asks_once_when_it_is_in_vain(speaker):
    async with running_rig() as rig:
        client = speaker(rig.url)
        client.sdk = client.sdk.with_options(max_retries=2)
        way = Way("", speaker.endpoint)
        rig.fake.add_fault(refusal(way, 429, RATE, **{"retry-after": "86400"}))
        with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)):
            await client.ask(way.model, [client.user("hi")], stream=False)
        assert len(rig.fake.ledger.to(speaker.endpoint)) == 1
        await client.close()
