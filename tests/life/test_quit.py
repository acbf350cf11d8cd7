"""Quitting while anything is under way: it ends in time, clients are told, nothing is left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from phenomena.outcomes import ASKS, Outcome, asked
from phenomena.routes import MODELS
from proxy.raw import until

from copilot_desktop.demo import Scenario, Slow, Stall
from copilot_desktop.proxy.controller import is_free
from tests.core_rig import QUICK, CoreRig, running_core

LIMIT = 15.0  # seconds; busy it may be ten (rule 28)
NEVER = 3600.0
Flight = Callable[[CoreRig], Awaitable[object]]


async def a_sign_in(rig: CoreRig) -> None:
    assert (await rig.do("sign_in"))["ok"]


async def a_list_of_models(rig: CoreRig) -> None:
    await verb_that_hangs(rig, "refresh_models", "/models")


async def a_reading_of_the_quota(rig: CoreRig) -> None:
    await verb_that_hangs(rig, "refresh_quota", "/copilot_internal/user")


async def a_question_in_the_playground(rig: CoreRig) -> None:
    rig.fake.add_fault(Stall("/chat/completions", after_frames=2, seconds=NEVER))
    asking = rig.do("play", dialect="chat", model="gpt-4.1", text="tell me more")
    rig.core.tasks.start(asking, "the page asks")
    await until(lambda: rig.fake.ledger.to("/chat/completions"), "the question is on its way")


async def a_diagnosis(rig: CoreRig) -> None:
    rig.fake.add_fault(Slow("*", seconds=NEVER, times=-1))
    rig.core.tasks.start(rig.do("diagnose"), "the page asks")
    await asyncio.sleep(0)


async def verb_that_hangs(rig: CoreRig, verb: str, path: str) -> None:
    seen = len(rig.fake.ledger.to(path))
    rig.fake.add_fault(Slow(path, seconds=NEVER, times=-1))
    rig.core.tasks.start(rig.do(verb), "the page asks")
    await until(lambda: len(rig.fake.ledger.to(path)) > seen, f"{path} is asked")


FLIGHTS: list[Flight] = [
    a_list_of_models, a_reading_of_the_quota, a_question_in_the_playground, a_diagnosis,
]  # fmt: skip


async def end(rig: CoreRig, names: set[str]) -> None:
    """The core has ended: its port is free and none of its tasks are left."""
    assert is_free("127.0.0.1", rig.core.store.state.proxy.port)
    await until(lambda: not left(names), f"these go on: {left(names)}")


def left(names: set[str]) -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name() not in names]


@pytest.mark.parametrize("flight", FLIGHTS, ids=lambda flight: flight.__name__)
async def test_what_the_app_does_itself(tmp_path: Path, flight: Flight) -> None:
    threads = threading.active_count()
    names = {task.get_name() for task in asyncio.all_tasks()}
    async with asyncio.timeout(LIMIT + 15):
        async with running_core(tmp_path, signed_in=True) as rig:
            await rig.until(lambda state: state.account.state == "signed_in")
            await rig.until(lambda state: state.models.items)
            await flight(rig)
        await end(rig, names)
    await until(lambda: threading.active_count() <= threads + 6, "threads of a pool may stay")


async def test_a_sign_in_that_waits_for_the_user(tmp_path: Path) -> None:
    names = {task.get_name() for task in asyncio.all_tasks()}
    waiting = Scenario(interval=1, enforce_interval=False, approve_after=None)
    async with asyncio.timeout(LIMIT + 15):
        async with running_core(tmp_path, waiting) as rig:
            await a_sign_in(rig)
            await rig.until(lambda state: state.sign_in is not None)
        await end(rig, names)


async def test_answers_in_every_dialect(tmp_path: Path) -> None:
    """Streams are told in their own words, and whole answers get a status."""
    outcomes: list[Outcome] = []
    async with asyncio.timeout(LIMIT + 30), aiohttp.ClientSession() as http:
        # As many as there are ways, at once.
        async with running_core(tmp_path, QUICK, signed_in=True, max_concurrent=100) as rig:
            await rig.until(lambda state: state.models.items)
            for path in MODELS:
                rig.fake.add_fault(Stall(path, after_frames=3, seconds=NEVER, times=-1))
            url = f"http://127.0.0.1:{rig.core.store.state.proxy.port}"
            asking = asyncio.gather(*(asked(http, url, ask, LIMIT + 20) for ask in ASKS))
            await until(lambda: rig.core.traffic.in_flight == len(ASKS))
            await until(lambda: sum(len(rig.fake.ledger.to(path)) for path in MODELS) >= len(ASKS))
        outcomes += await asking
    for outcome in outcomes:
        assert not outcome.whole, "an answer without its end"
        assert outcome.status in {200, 503}, outcome
        assert "stopping" in str(outcome.says), outcome
