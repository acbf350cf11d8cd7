"""Trouble with the network is told when it lasts, or to somebody who asks, and ends by itself."""

from __future__ import annotations

import asyncio

from copilot_desktop.core.reach import Reach
from copilot_desktop.core.state import State, Trouble
from copilot_desktop.core.store import Store
from copilot_desktop.errors import (
    Impostor,
    NotSignedIn,
    NotUnderstood,
    Unreachable,
    UpstreamFault,
)


def reach(patience: float) -> tuple[Reach, Store]:
    store = Store(State())
    return Reach(store, patience=patience, wall=lambda: 1000.0), store


async def test_trouble_that_passes_is_nothing_to_tell() -> None:
    looked, store = reach(3600)
    looked.note(Unreachable())
    assert looked.troubled
    assert store.state.degraded is None
    looked.note(None)
    assert not looked.troubled
    assert (store.state.degraded, store.state.trouble) == (None, None)


async def test_trouble_that_lasts_is_told_with_its_beginning_and_the_next_try() -> None:
    looked, store = reach(0.05)
    looked.next_try = 1030.0
    looked.note(Unreachable())
    async with asyncio.timeout(5):
        async for state in store.watch():
            if state.degraded is not None:
                break
    assert state.degraded == "offline"
    assert state.trouble == Trouble(1000.0, 1030.0)
    looked.next_try = 1060.0
    looked.note(UpstreamFault())
    assert store.state.degraded == "github_down"
    assert store.state.trouble == Trouble(1000.0, 1060.0)
    looked.note(NotSignedIn())  # an answer, though not a good one
    assert (store.state.degraded, store.state.trouble) == (None, None)


async def test_whoever_asks_is_told_at_once() -> None:
    looked, store = reach(3600)
    looked.tell()
    assert store.state.degraded is None
    looked.note(Unreachable())
    looked.tell()
    assert store.state.degraded == "offline"


async def test_something_in_the_place_of_github_is_named() -> None:
    looked, store = reach(3600)
    looked.note(Impostor(fields={"host": "api.github.com"}))
    looked.tell()
    assert store.state.degraded == "offline"
    assert store.state.trouble is not None
    assert store.state.trouble.impostor == "api.github.com"


async def test_an_answer_that_is_not_understood_is_no_trouble_with_the_network() -> None:
    looked, store = reach(3600)
    looked.note(NotUnderstood())
    looked.tell()
    assert not looked.troubled
    assert store.state.degraded is None
