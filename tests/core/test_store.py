"""Watchers get the present at once, later only the newest, and end with the store."""

from __future__ import annotations

import asyncio

from copilot_desktop.core.state import State
from copilot_desktop.core.store import Store


async def test_a_slow_watcher_misses_steps_but_never_the_newest() -> None:
    store = Store(State())
    watching = store.watch()
    first = await anext(watching)
    assert first.degraded is None
    for value in ("offline", "github_down", "offline", "github_down"):
        store.set(degraded=value)
    async with asyncio.timeout(5):
        assert (await anext(watching)).degraded == "github_down"
    await watching.aclose()


async def test_equal_parts_wake_nobody() -> None:
    store = Store(State())
    woken: list[int] = []
    with store.waking(lambda: woken.append(store.state.seq)):
        store.set(degraded=None)
        assert woken == []
        store.set(degraded="offline")
        store.touch()
        assert woken == [1, 2]
        store.touch(degraded="github_down")
        store.set(degraded="github_down")
        assert woken == [1, 2, 3]
    assert store.state.degraded == "github_down"
    store.set(degraded=None)
    assert woken == [1, 2, 3]


async def test_closing_ends_the_watchers() -> None:
    store = Store(State())

    async def count() -> int:
        return len([state async for state in store.watch()])

    task = asyncio.create_task(count())
    await asyncio.sleep(0)
    store.close()
    async with asyncio.timeout(5):
        assert await task == 1
