"""The playground goes the way of every client and shows what passed on both sides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.core.playground import PATHS, Question, Run, body_of
from copilot_desktop.demo import SCENARIOS
from tests.core_rig import CoreRig, running_core

QUESTION = {"dialect": "chat", "model": "gpt-4.1", "text": "Say something short."}


async def until(rig: CoreRig, condition: Callable[[Run], bool]) -> Run:
    """The first state of the run that meets `condition`."""
    playground = rig.core.activity.playground
    changed = asyncio.Event()
    with playground.waking(changed.set):
        async with asyncio.timeout(15):
            while not condition(playground.run):
                changed.clear()
                await changed.wait()
    return playground.run


async def over(rig: CoreRig) -> Run:
    return await until(rig, lambda run: run.phase not in ("idle", "running"))


async def played(rig: CoreRig, **question: Any) -> Run:
    outcome = await rig.do("play", **{**QUESTION, **question})
    assert outcome["ok"], outcome
    return await over(rig)


MODELS = ["gpt-4.1", "claude-sonnet-4.5", "gpt-5.3-codex"]


@pytest.mark.parametrize("dialect", PATHS)
async def test_every_format_asks_every_kind_of_model(tmp_path: Path, dialect: str) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        for model, stream in product(MODELS, (True, False)):
            run = await played(rig, dialect=dialect, model=model, stream=stream, max_tokens=200)
            exchange = rig.core.traffic.recent[0]
            assert run.phase == "done", exchange.error
            assert "Say something short." in run.text  # the demo repeats the question
            assert (exchange.client, exchange.initiator) == ("Playground", "user")
            assert (exchange.model_used, exchange.stream) == (model, stream)
            assert exchange.usage is not None
            assert run.exchange == exchange.id
            tape = rig.core.activity.playground.tape
            assert tape is not None
            sides = tape.to_json()
            assert all(sides[name]["size"] for name in sides), sides
            assert sides["sent"]["text"].startswith(f"POST {exchange.route}\n")
            assert rig.core.key not in json.dumps(sides)


async def test_an_effort_goes_along_in_the_words_of_the_format(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        for dialect in PATHS:
            run = await played(rig, dialect=dialect, model="gpt-5.3-codex", effort="low")
            tape = rig.core.activity.playground.tape
            assert run.phase == "done", rig.core.traffic.recent[0].error
            assert tape is not None
            _, _, sent = tape.sent.to_json()["text"].partition("\n")
            assert json.loads(sent)["reasoning"]["effort"] == "low"


async def test_an_answer_is_as_long_as_the_model_likes(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        for dialect, model in product(PATHS, MODELS):
            run = await played(rig, dialect=dialect, model=model, text="demo: count 3000")
            assert run.text.endswith(" 3000"), (dialect, model)
            assert not rig.core.traffic.recent[0].notes, (dialect, model)


async def test_an_error_is_told_as_the_client_would_get_it(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        run = await played(rig, model="no-such-model")
        assert run.phase == "failed"
        tape = rig.core.activity.playground.tape
        assert tape is not None
        assert "no-such-model" in tape.to_json()["told"]["text"]
        assert rig.core.traffic.recent[0].status == 404


async def test_stop_is_a_client_that_goes_away(tmp_path: Path) -> None:
    async with running_core(tmp_path, SCENARIOS["slow"], signed_in=True) as rig:
        assert (await rig.do("play", **QUESTION))["ok"]
        again = await rig.do("play", **QUESTION)
        assert not again["ok"]
        await until(rig, lambda run: bool(run.text))
        assert (await rig.do("stop_playing"))["ok"]
        run = await over(rig)
        assert run.phase == "stopped"
        assert rig.core.traffic.recent[0].outcome == "cancelled"


async def test_without_the_proxy_it_says_so(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True, start_proxy=False) as rig:
        outcome = await rig.do("play", **QUESTION)
        assert not outcome["ok"]
        assert "proxy is not running" in outcome["message"]


async def test_the_tape_belongs_to_its_own_exchange_only(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        playground = rig.core.activity.playground
        assert playground.tape_for("CopilotDesktop-Playground/") is None
        await played(rig)
        # A client that has guessed the name gets nothing taken down.
        assert rig.core.traffic.open("CopilotDesktop-Playground/guess", "ollama").tape is None


async def test_a_new_run_forgets_the_one_before(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        first = await played(rig, text="the first one")
        second = await played(rig, text="the second one")
        assert (first.n, second.n) == (1, 2)
        assert "first" not in second.text
        tape = rig.core.activity.playground.tape
        assert tape is not None
        assert "first one" not in json.dumps(tape.to_json())


def test_what_is_not_chosen_is_not_sent() -> None:
    for dialect in PATHS:
        body = body_of(Question(dialect, "gpt-4.1", "hi"))
        assert None not in body.values()
        assert not body.keys() & {"reasoning", "reasoning_effort", "output_config", "think"}
    assert body_of(Question("messages", "m", "hi"))["max_tokens"] > 0
