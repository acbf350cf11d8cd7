"""Who is told what: nobody twice, nobody who looks at it, nobody who has switched it off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from copilot_desktop.core.alerting import FILE_NAME, Alerting
from copilot_desktop.core.memory import Memory
from copilot_desktop.core.settings import Preferences, Settings
from copilot_desktop.core.state import State, Surroundings
from copilot_desktop.core.store import Store
from copilot_desktop.core.tasks import Tasks
from copilot_desktop.upstream.session import Account

EXPIRED = Account(state="expired", id=7)


class Run:
    """One run of the app, as far as notifications go."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        preferences = Preferences.of(Settings(**settings))
        self.store, self.tasks = Store(State(preferences=preferences)), Tasks()
        self.alerting = Alerting(self.store, Memory(folder / FILE_NAME, self.tasks), self.tasks)
        self.told: list[str] = []

    async def seen(self, **parts: object) -> None:
        """Change the state and let everybody hear of it."""
        self.store.set(**parts)
        for _ in range(20):
            await asyncio.sleep(0)


@asynccontextmanager
async def running(folder: Path, **settings: object) -> AsyncIterator[Run]:
    run = Run(folder, **settings)
    run.alerting.start(lambda alert: run.told.append(alert.id))
    async with asyncio.timeout(5):
        while not run.alerting._loaded:  # noqa: ASYNC110  (a thread reads the file)
            await asyncio.sleep(0.01)
    try:
        yield run
    finally:
        await run.alerting.settle()
        await run.tasks.close()


async def test_news_are_told_once_also_over_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        await run.seen(account=EXPIRED)
        await run.seen(degraded="offline")
        assert run.told == ["signin"]
    async with running(tmp_path) as run:
        await run.seen(account=EXPIRED)
        assert run.told == []


async def test_who_has_the_window_in_front_sees_it_there(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        front = Surroundings(window_shown=True, window_front=True)
        await run.seen(app=front)
        await run.seen(account=EXPIRED)
        await run.seen(app=replace(front, window_front=False))
        assert run.told == []
        await run.seen(account=Account(state="signed_in", id=7))
        await run.seen(app=replace(front, window_shown=False))  # hidden with the keyboard in it
        await run.seen(account=EXPIRED)
        assert run.told == ["signin"]


async def test_what_is_switched_off_is_not_told_later_either(tmp_path: Path) -> None:
    async with running(tmp_path, notifications_off=["signin"]) as run:
        await run.seen(account=EXPIRED)
        await run.seen(preferences=Preferences.of(Settings(notifications_off=())))
        assert run.told == []


async def test_the_first_time_ever_is_the_only_one(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        assert run.alerting.once("hidden")
        assert not run.alerting.once("hidden")
    async with running(tmp_path) as run:
        assert not run.alerting.once("hidden")


async def test_a_notice_that_is_switched_off_is_not_shown_the_first_time(tmp_path: Path) -> None:
    async with running(tmp_path, notifications_off=["hidden"]) as run:
        assert not run.alerting.once("hidden")


async def test_without_anybody_to_tell_nothing_is_remembered(tmp_path: Path) -> None:
    run = Run(tmp_path)
    await run.seen(account=EXPIRED)
    assert not run.alerting.once("hidden")
    await run.alerting.settle()
    assert not (tmp_path / FILE_NAME).exists()
