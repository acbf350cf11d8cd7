"""What Codex alone is told: its catalogue of models, and an allowance that is used up."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import openai
import pytest
from proxy.raw import request, send
from rig import running_rig

from copilot_desktop.canonical import Effort
from copilot_desktop.demo import Scenario, Status
from copilot_desktop.errors import Overloaded, QuotaExhausted, RateLimited
from copilot_desktop.model import Model
from copilot_desktop.proxy import codex

AGENT = "codex_exec/0.169.0 (Debian 12.0.0; x86_64) unknown (codex_exec; 0.169.0)"
# Without one of these Codex takes nothing of the whole list (its `ModelInfo`, 0.169).
NEEDED = {
    "slug": str, "display_name": str, "supported_reasoning_levels": list, "shell_type": str,
    "visibility": str, "supported_in_api": bool, "priority": int, "base_instructions": str,
    "supports_reasoning_summaries": bool, "support_verbosity": bool, "truncation_policy": dict,
    "supports_parallel_tool_calls": bool, "experimental_supported_tools": list,
}  # fmt: skip


async def catalogue(rig, version="0.169.0"):
    answer = await send(rig.port, request("GET", f"/v1/models?client_version={version}"))
    assert answer.status == 200
    told = answer.json()
    assert set(told) == {"models"}
    return {entry["slug"]: entry for entry in told["models"]}


async def test_every_model_that_can_be_called_stands_in_the_catalogue():
    async with running_rig() as rig:
        found = await catalogue(rig)
        models = rig.provider.catalogue.models
    for entry in found.values():
        assert {name: type(entry[name]) for name in NEEDED} == NEEDED
        assert len(entry["base_instructions"]) > 500, "an empty text leaves the agent without any"
    shown = {slug for slug, entry in found.items() if entry["visibility"] == "list"}
    assert shown == {m.id for m in models if m.kind == "chat" and m.in_picker and m.callable}
    callable_ = {m.id for m in models if m.kind == "chat" and m.callable and m.endpoints}
    assert set(found) - {"auto"} == callable_
    assert callable_ > shown, "what is not shown is known all the same"


async def test_an_entry_says_what_the_model_can_do():
    async with running_rig() as rig:
        found = await catalogue(rig)
        models = {model.id: model for model in rig.provider.catalogue.models}
    for slug, entry in found.items():
        model = models[slug]
        efforts = [level["effort"] for level in entry["supported_reasoning_levels"]]
        assert efforts == [effort.value for effort in model.efforts]
        assert entry["default_reasoning_level"] in (efforts or [None])
        assert entry["context_window"] == model.max_prompt
        assert ("image" in entry["input_modalities"]) is model.vision
        assert entry["supports_parallel_tool_calls"] is model.parallel_tools
    assert any(entry["supported_reasoning_levels"] for entry in found.values())


async def test_copilots_own_default_comes_first():
    async with running_rig() as rig:
        found = await catalogue(rig)
        default = next(model.id for model in rig.provider.catalogue.models if model.is_default)
    assert min(found.values(), key=lambda entry: entry["priority"])["slug"] == default
    priorities = [entry["priority"] for entry in found.values()]
    assert priorities == sorted(set(priorities))


@pytest.mark.parametrize(
    ("version", "known"),
    [("0.152.9", False), ("0.153.0", True), ("0.153.0-alpha.1", True), ("1.0", True), ("?", True)],
)
def test_a_word_that_an_older_codex_does_not_know_is_kept_from_it(version, known):
    model = Model("m", efforts=(Effort.HIGH, Effort.MAX))
    (entry,) = codex.catalogue([model], [model], version)["models"]
    assert ({"effort": "max", "description": ""} in entry["supported_reasoning_levels"]) is known
    assert entry["default_reasoning_level"] == "high"


def test_a_model_without_efforts_has_no_usual_one():
    (entry,) = codex.catalogue([Model("m")], [], "1")["models"]
    assert entry["default_reasoning_level"] is None
    assert entry["supported_reasoning_levels"] == []
    assert entry["visibility"] == "hide"


# ------------------------------------------------------------------------------------- quota


@pytest.mark.parametrize(
    ("reset", "moment"),
    [
        ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12-01 08:30 UTC", datetime(2026, 12, 1, 8, 30, tzinfo=UTC)),
        ("soon", None),
        ("", None),
    ],
)
def test_the_date_of_the_sentence_is_told_as_a_number(reset, moment):
    problem = QuotaExhausted(fields={"reset": reset} if reset else {})
    status, body, headers = codex.limit_answer(problem, {"error": {"code": "insufficient_quota"}})
    assert status == 429
    assert body["error"]["code"] == "insufficient_quota"
    assert body["error"].get("resets_at") == (moment and int(moment.timestamp()))
    assert headers["x-codex-promo-message"] == problem.advice


@pytest.mark.parametrize(
    "problem", [RateLimited(retry_after=60), Overloaded(), Overloaded(retry_after=7200)]
)
def test_other_problems_are_told_to_codex_as_to_everybody(problem):
    assert codex.limit_answer(problem, {"error": {}}) is None


@pytest.mark.parametrize("wait", [61, 7200.0])
def test_a_wait_that_is_too_long_to_be_silent_is_told_with_its_end(wait):
    before = time.time()
    problem = RateLimited(retry_after=wait, code="user_weekly_rate_limited")
    status, body, headers = codex.limit_answer(problem, {"error": {"type": "rate_limit_error"}})
    assert (status, body["error"]["type"]) == (429, "usage_limit_reached")
    assert before + wait - 1 <= body["error"]["resets_at"] <= time.time() + wait
    words = headers["x-codex-promo-message"]
    assert words in problem.headline
    assert not words.endswith(".")


def test_a_wait_of_unknown_length_is_told_in_words():
    """It gives up at once, with a number as the only word."""
    problem = RateLimited("Sorry, you've exceeded your weekly rate limit.")
    status, body, headers = codex.limit_answer(problem, {"error": {"type": "rate_limit_error"}})
    assert (status, body) == (429, {"error": {"type": "usage_limit_reached"}})
    assert headers == {"x-codex-promo-message": "GitHub Copilot asks to wait"}


@pytest.mark.parametrize("model", ["gpt-5.3-codex", "claude-sonnet-5", "gpt-4.1"])
@pytest.mark.parametrize("stream", [True, False])
async def test_codex_is_told_once_and_the_sdk_as_always(model, stream):
    async with running_rig(Scenario()) as rig:
        rig.fake.add_fault(Status("*", status=402, times=-1))
        for agent, status, kind in (
            (AGENT, 429, "usage_limit_reached"),
            ("OpenAI/Python 3.54.0", 402, "insufficient_quota"),
        ):
            sdk = openai.AsyncOpenAI(
                base_url=f"{rig.url}/v1", api_key="any", default_headers={"User-Agent": agent}
            )
            before = len(rig.fake.ledger)
            async with sdk:
                with pytest.raises(openai.APIStatusError) as caught:
                    await sdk.responses.create(model=model, input="hi", stream=stream)
            error = caught.value
            assert (error.status_code, error.type) == (status, kind)
            assert error.code == "insufficient_quota"
            assert "allowance is used up" in error.message
            assert error.response.headers["x-should-retry"] == "false"
            assert len(rig.fake.ledger) - before <= 3  # token and models are fetched once


async def test_codex_over_another_dialect_gets_that_dialects_answer():
    async with running_rig() as rig:
        rig.fake.add_fault(Status("*", status=402, times=-1))
        sdk = openai.AsyncOpenAI(
            base_url=f"{rig.url}/v1", api_key="any", default_headers={"User-Agent": AGENT}
        )
        async with sdk:
            with pytest.raises(openai.APIStatusError) as caught:
                await sdk.chat.completions.create(
                    model="gpt-4.1", messages=[{"role": "user", "content": "hi"}]
                )
    assert caught.value.status_code == 402
