"""So many at once, the others in order; leaving costs only one's own place."""

from __future__ import annotations

import asyncio

import pytest

from copilot_desktop.errors import Busy, Paused
from copilot_desktop.proxy import places as module
from copilot_desktop.proxy.places import Places


class Crowd:
    """Tasks that take a place and keep it until told."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.inside: list[str] = []
        self.came: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.leave: dict[str, asyncio.Event] = {}

    async def add(self, name: str) -> asyncio.Task[None]:
        self.leave[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._stay(name))
        await settled()
        return self.tasks[name]

    async def go(self, name: str) -> None:
        self.leave[name].set()
        await self.tasks[name]
        await settled()

    async def _stay(self, name: str) -> None:
        await self.places.take()
        self.inside.append(name)
        self.came.append(name)
        try:
            await self.leave[name].wait()
        finally:
            self.inside.remove(name)
            self.places.leave()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def crowd():
    crowd = Crowd(Places(2))
    yield crowd
    for task in crowd.tasks.values():
        task.cancel()
    await asyncio.gather(*crowd.tasks.values(), return_exceptions=True)


async def test_the_others_follow_in_the_order_in_which_they_came(crowd):
    for name in "abcde":
        await crowd.add(name)
    assert (crowd.inside, crowd.places.waiting) == (["a", "b"], 3)
    await crowd.go("b")
    assert crowd.inside == ["a", "c"]
    await crowd.go("a")
    await crowd.go("c")
    assert crowd.came == list("abcde")
    assert crowd.places.waiting == 0


async def test_whoever_leaves_the_line_loses_only_its_own_place(crowd):
    for name in "abcd":
        await crowd.add(name)
    crowd.tasks["c"].cancel()
    await settled()
    assert crowd.places.waiting == 1
    await crowd.go("a")
    assert crowd.inside == ["b", "d"]


async def test_one_that_leaves_in_the_moment_it_is_called_hands_its_turn_on(crowd):
    for name in "abcd":
        await crowd.add(name)
    crowd.leave["a"].set()
    await crowd.tasks["a"]  # c is called now, but has not run
    crowd.tasks["c"].cancel()
    await settled()
    assert crowd.inside == ["b", "d"]


async def test_a_wider_door_lets_more_in_at_once_and_a_narrow_one_calls_nobody_back(crowd):
    for name in "abcd":
        await crowd.add(name)
    crowd.places.widen(3)
    await settled()
    assert crowd.inside == ["a", "b", "c"]
    crowd.places.widen(1)
    await crowd.go("a")
    await crowd.go("b")
    assert crowd.inside == ["c"]
    await crowd.go("c")
    assert crowd.inside == ["d"]
    crowd.places.widen(None)
    for name in "uvwxyz":
        await crowd.add(name)
    assert len(crowd.inside) == 7


async def test_nobody_waits_for_ever():
    crowd = Crowd(Places(1, patience=0.05))
    await crowd.add("a")
    with pytest.raises(Busy) as caught:
        await (await crowd.add("b"))
    assert caught.value.retry_after == module.COME_BACK
    assert crowd.places.waiting == 0
    await crowd.go("a")
    await crowd.add("c")
    assert crowd.inside == ["c"]
    await crowd.go("c")


async def test_the_line_itself_is_bounded(crowd, monkeypatch):
    monkeypatch.setattr(module, "LONGEST", 1)
    for name in "abc":
        await crowd.add(name)
    with pytest.raises(Busy):
        await (await crowd.add("d"))
    assert crowd.places.waiting == 1


async def test_all_who_wait_are_turned_away_at_once(crowd):
    for name in "abcd":
        await crowd.add(name)
    crowd.places.turn_away(lambda: Paused("stop"))
    await settled()
    for name in "cd":
        assert isinstance(crowd.tasks[name].exception(), Paused)
    assert crowd.inside == ["a", "b"]
    await crowd.go("a")
    await crowd.add("e")
    assert crowd.inside == ["b", "e"]


async def test_views_hear_of_the_line(crowd):
    seen = []
    crowd.places.on_change = lambda: seen.append(crowd.places.waiting)
    for name in "abc":
        await crowd.add(name)
    await crowd.go("a")
    assert seen == [1, 0]
