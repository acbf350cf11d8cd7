"""Refusals keep their meaning: SDKs raise the right error and wait no longer than told."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import anthropic
import openai
import pytest
from conformance.speakers import SPEAKERS
from phenomena.routes import MODELS, WAYS, Way
from proxy.scripted import post
from rig import running_rig

from copilot_desktop.demo import Status
from copilot_desktop.proxy.config import ProxyConfig

RATE = {"error": {"message": "Sorry, you have exceeded the rate limit.",
                  "code": "user_model_rate_limited"}}  # fmt: skip
BUSY = {"error": {"message": "busy"}}
FULL = {"error": {"message": "You have no quota left.", "code": "quota_exceeded"}}


async def no_pause(_seconds: float) -> None:
    """The pause before a second try spreads load; here it would only take time."""


def refusal(path: str, status: int, body: object, **headers: str) -> Status:
    return Status(path, status=status, body=body, headers=headers, times=-1)


def kept(name: str, path: str) -> Status:
    return Status.example(name, path, times=-1)


@dataclass(frozen=True)
class Told:
    """What a client is told on one way, and how often Copilot was asked for it."""

    way: Way
    status: int
    error: dict[str, Any]
    headers: Mapping[str, str]
    calls: int

    @property
    def anthropic(self) -> bool:
        return self.way.path == "/v1/messages"


async def told_on_every_way(fault: Callable[[str], Status], model: str = "") -> list[Told]:
    """The same trouble on all nine ways, one after the other."""
    told = []
    async with running_rig() as rig:
        rig.provider.client._sleep = no_pause
        for way in WAYS:
            rig.fake.clear_faults()
            rig.fake.add_fault(fault(way.endpoint))
            before = len(rig.fake.ledger.to(way.endpoint))
            asked = {**way.body(), "model": model or way.model}
            status, body, headers = await post(rig, way.path, asked)
            calls = len(rig.fake.ledger.to(way.endpoint)) - before
            told.append(Told(way, status, way.error_in(body.decode()), headers, calls))
    return told


@pytest.mark.parametrize(
    ("wait", "told", "hopeless"),
    [("5", "5", False), ("60", "60", False), ("90", "90", True), ("86400", "86400", True),
     ("soon", None, False), (None, None, False)],
)  # fmt: skip
async def test_a_limit_keeps_its_wait_and_a_long_one_is_not_sat_through(wait, told, hopeless):
    headers = {"retry-after": wait} if wait else {}
    for each in await told_on_every_way(lambda path: refusal(path, 429, RATE, **headers)):
        assert each.status == 429
        assert each.error["type"] == "rate_limit_error"
        assert each.headers.get("retry-after") == told
        assert (each.headers.get("x-should-retry") == "false") is hopeless
        assert each.calls == 1, "a limit is never tried again here"


async def test_a_wait_may_be_a_date():
    later = formatdate(time.time() + 3600, usegmt=True)
    fault = {"retry-after": later}
    for each in await told_on_every_way(lambda path: refusal(path, 429, RATE, **fault)):
        assert 3000 < int(each.headers["retry-after"]) <= 3600
        assert each.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("status", [402, 429])
async def test_an_empty_allowance_is_a_402_that_nobody_repeats(status):
    fault = {"retry-after": "5"}
    for each in await told_on_every_way(lambda path: refusal(path, status, FULL, **fault)):
        assert each.status == 402
        wanted = "billing_error" if each.anthropic else "insufficient_quota"
        assert each.error["type"] == wanted
        assert each.headers["x-should-retry"] == "false"
        assert each.calls == 1


@pytest.mark.parametrize("status", [503, 529])
async def test_an_overloaded_model_is_529_for_anthropics_clients_and_503_for_others(status):
    fault = {"retry-after": "7"}
    for each in await told_on_every_way(lambda path: refusal(path, status, BUSY, **fault)):
        if each.anthropic:
            assert (each.status, each.error["type"]) == (529, "overloaded_error")
        else:
            assert (each.status, each.error["code"]) == (503, "overloaded")
        assert each.headers["retry-after"] == "7"
        assert each.calls == 1, "a wait that upstream names is the client's"


async def test_an_outage_for_a_moment_is_not_noticed():
    async with running_rig() as rig:
        rig.provider.client._sleep = no_pause
        for way in WAYS:
            before = len(rig.fake.ledger.to(way.endpoint))
            rig.fake.add_fault(Status.example("502-unicorn", way.endpoint))
            status, body, _ = await post(rig, way.path, way.body())
            assert status == 200, body
            assert len(rig.fake.ledger.to(way.endpoint)) == before + 2


async def test_an_outage_that_stays_is_one_sentence_without_html():
    for each in await told_on_every_way(lambda path: kept("502-unicorn", path)):
        assert each.status == 502
        assert "<" not in each.error["message"]
        assert each.calls <= 3


async def test_an_unknown_model_names_its_neighbours():
    for each in await told_on_every_way(lambda _: kept("404-not-found", "/none"), "gpt-4.1x"):
        assert each.status == 404
        assert "gpt-4.1x" in each.error["message"]
        assert "Closest" in each.error["message"]
        if each.anthropic:
            assert each.error["type"] == "not_found_error"
        else:
            assert each.error["type"] == "invalid_request_error"
            assert (each.error["code"], each.error["param"]) == ("model_not_found", "model")
        assert each.calls == 0


async def test_aliases_that_lead_in_a_circle_are_told_as_that():
    config = ProxyConfig(aliases={"loop": "pool", "pool": "loop"})
    async with running_rig(config=config) as rig:
        for way in WAYS:
            status, body, _ = await post(rig, way.path, {**way.body(), "model": "loop"})
            assert status == 404
            assert "circle" in way.error_in(body.decode())["message"]


@pytest.mark.parametrize(
    "name", ["400-model-not-supported", "400-model-not-available-for-integrator"]
)
async def test_a_model_that_copilot_does_not_give_is_a_404(name):
    for each in await told_on_every_way(lambda path: kept(name, path)):
        assert each.status == 404
        assert each.way.model in each.error["message"]


@pytest.mark.parametrize("name", ["400-prompt-too-long-capi", "400-prompt-too-long-anthropic"])
async def test_too_long_a_conversation_is_told_in_the_words_that_clients_look_for(name):
    for each in await told_on_every_way(lambda path: kept(name, path)):
        assert each.status == 400
        assert each.error["type"] == "invalid_request_error"
        message = each.error["message"]
        if each.anthropic:
            assert re.fullmatch(r"prompt is too long: \d+ tokens > \d+ maximum", message)
        else:
            assert each.error["code"] == "context_length_exceeded"
            assert "maximum context length is" in message


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
        fault = refusal(speaker.endpoint, 429, RATE, **{"retry-after": "86400"})
        rig.fake.add_fault(fault)
        with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)):
            await client.ask(MODELS[speaker.endpoint], [client.user("hi")], stream=False)
        assert len(rig.fake.ledger.to(speaker.endpoint)) == 1
        await client.close()


async def test_an_allowance_that_is_used_up_costs_nobody_the_token_that_still_works():
    asked = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
    path = "/v1/chat/completions"
    async with running_rig() as rig:
        assert (await post(rig, path, asked))[0] == 200
        rig.fake.add_fault(Status("/chat/completions", status=402, body=FULL))
        rig.fake.add_fault(Status("/copilot_internal/v2/token", status=503, times=-1))
        assert (await post(rig, path, asked))[0] == 402
        assert (await post(rig, path, asked))[0] == 200
