"""Legacy completions over every endpoint of Copilot, judged by OpenAI's own SDK."""

from __future__ import annotations

from contextlib import asynccontextmanager

import openai
import pytest
from conformance.speakers import MODELS
from rig import SCENARIO, running_rig

from copilot_desktop.demo import Cut, Status

each_endpoint = pytest.mark.parametrize("endpoint", MODELS)
STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


@asynccontextmanager
async def running(*faults, **options):
    async with running_rig(SCENARIO, *faults, **options) as rig:
        sdk = openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key="any", max_retries=0)
        async with sdk:
            yield rig, sdk


async def completed(sdk, model, prompt, *, stream, **options):
    """Text, finish reason, usage, and how many parts there were."""
    if not stream:
        done = await sdk.completions.create(model=model, prompt=prompt, **options)
        (choice,) = done.choices
        assert (done.object, done.model, choice.index) == ("text_completion", model, 0)
        return choice.text, choice.finish_reason, done.usage, 1
    options["stream_options"] = {"include_usage": True}
    text, reason, usage, parts = "", None, None, 0
    async for part in await sdk.completions.create(
        model=model, prompt=prompt, stream=True, **options
    ):
        assert (part.object, part.model) == ("text_completion", model)
        assert usage is None, "the counts come last"
        parts += 1
        usage = part.usage
        for choice in part.choices:
            assert reason is None, "nothing follows the reason"
            text += choice.text
            reason = choice.finish_reason
    return text, reason, usage, parts


@each_endpoint
@STREAM
async def test_a_prompt_is_answered_with_counts(endpoint, stream):
    async with running() as (rig, sdk):
        text, reason, usage, parts = await completed(
            sdk, MODELS[endpoint], "Grüße 👋", stream=stream, temperature=0.5, seed=3
        )
        received = rig.fake.ledger.to(endpoint)[-1]
        (exchange,) = rig.traffic.recent
    assert "Grüße 👋" in text
    assert reason == "stop"
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert parts > 3 or not stream
    assert received.headers["X-Initiator"] == "user"
    assert (exchange.dialect, exchange.outcome) == ("openai_completions", "ok")
    assert exchange.usage.output == usage.completion_tokens


@each_endpoint
@STREAM
async def test_an_answer_that_hits_the_limit_says_so(endpoint, stream):
    async with running() as (_, sdk):
        _, reason, _, _ = await completed(
            sdk, MODELS[endpoint], "Tell me a long story " * 50, stream=stream, max_tokens=16
        )
    assert reason == "length"


@each_endpoint
@STREAM
async def test_a_stop_sequence_ends_the_answer(endpoint, stream):
    async with running() as (_, sdk):
        text, reason, _, _ = await completed(
            sdk, MODELS[endpoint], "demo: say one two HALT three", stream=stream, stop=["HALT"]
        )
    assert "one two" in text
    assert "HALT" not in text
    assert "three" not in text
    assert reason == "stop"


@STREAM
async def test_counts_are_told_in_a_stream_only_if_asked_for(stream):
    async with running() as (_, sdk):
        made = await sdk.completions.create(model="gpt-4.1", prompt="Hi", stream=stream)
        if stream:
            assert [part.usage async for part in made if part.usage] == []
        else:
            assert made.usage.total_tokens > 0


@STREAM
@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({"suffix": "end"}, "suffix"), ({"echo": True}, "echo"), ({"best_of": 2}, "best_of"),
        ({"n": 2}, "More than one"), ({"logprobs": 1}, "logprobs"), ({"prompt": [1, 2]}, "tokens"),
    ],
)  # fmt: skip
async def test_what_copilot_cannot_do_is_refused_before_anything_is_sent(wish, word, stream):
    async with running() as (rig, sdk):
        with pytest.raises(openai.BadRequestError, match=word):
            await sdk.completions.create(
                **{"model": "gpt-4.1", "prompt": "Hi", "stream": stream, **wish}
            )
        assert not rig.fake.ledger.to("/chat/completions")


@STREAM
async def test_trouble_before_the_answer_is_the_right_class_of_error(stream):
    async with running(Status("/chat/completions", status=429, times=9)) as (_, sdk):
        with pytest.raises(openai.RateLimitError, match="asks to wait"):
            await completed(sdk, "gpt-4.1", "Hi", stream=stream)
        with pytest.raises(openai.NotFoundError, match="Closest") as caught:
            await completed(sdk, "gpt-4.1-huge", "Hi", stream=stream)
    assert caught.value.code == "model_not_found"


async def test_trouble_in_the_answer_is_raised_after_what_was_said():
    heard = []

    async def listen(sdk):
        async for part in await sdk.completions.create(
            model="gpt-4.1", prompt="Tell me more", stream=True
        ):
            heard.append(part.choices[0].text)
            assert part.choices[0].finish_reason is None

    async with running(Cut("/chat/completions", after_frames=6)) as (_, sdk):
        with pytest.raises(openai.APIError, match="answer was complete"):
            await listen(sdk)
    assert "".join(heard)
