"""One fetch for many, news for all, and one line in the log when the weather turns."""

from __future__ import annotations

import asyncio
import logging

import pytest

from copilot_desktop.errors import NotSignedIn, Problem, Unreachable
from copilot_desktop.upstream.refreshed import Refreshed


class Source:
    """Answers when told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = asyncio.Event()
        self.problem: Problem | None = None

    async def fetch(self) -> int:
        self.asked += 1
        await self.go.wait()
        if self.problem is not None:
            raise self.problem
        return self.asked


async def test_many_callers_one_fetch() -> None:
    source, value = Source(), Refreshed[int]("things")
    callers = [asyncio.create_task(value.refresh(source.fetch)) for _ in range(50)]
    await asyncio.sleep(0)
    source.go.set()
    assert await asyncio.gather(*callers) == [1] * 50
    assert not value.busy
    assert value.age is not None


async def test_a_caller_that_leaves_does_not_end_it_for_the_others() -> None:
    source, value = Source(), Refreshed[int]("things")
    first = asyncio.create_task(value.refresh(source.fetch))
    second = asyncio.create_task(value.refresh(source.fetch))
    await asyncio.sleep(0)
    first.cancel()
    source.go.set()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_all_waiters_get_the_problem_and_the_next_one_may_try_again() -> None:
    source, value = Source(), Refreshed[int]("things")
    source.problem = Unreachable(fields={"host": "x", "reason": "y"})
    source.go.set()
    results = await asyncio.gather(
        *(value.refresh(source.fetch) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(result, Unreachable) for result in results)
    assert (value.problem, value.age) == (source.problem, None)
    source.problem = None
    assert await value.refresh(source.fetch) == 2
    assert value.problem is None


async def test_log_on_transitions_only(caplog: pytest.LogCaptureFixture) -> None:
    source, value = Source(), Refreshed[int]("things")
    source.go.set()
    with caplog.at_level(logging.INFO):
        for problem in [None, Unreachable(), Unreachable(), Unreachable(), None, None]:
            source.problem = problem
            await asyncio.gather(value.refresh(source.fetch), return_exceptions=True)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_listeners_hear_until_they_leave_and_a_broken_one_harms_nobody() -> None:
    source, value = Source(), Refreshed[int]("things")
    source.go.set()
    heard: list[bool] = []
    value.listen(lambda: 1 / 0)
    leave = value.listen(lambda: heard.append(value.busy))
    await value.refresh(source.fetch)
    assert heard == [True, False]
    leave()
    leave()
    await value.refresh(source.fetch)
    assert len(heard) == 2


async def test_forgetting_ends_a_fetch_without_cancelling_the_caller() -> None:
    source, value = Source(), Refreshed[int]("things")
    caller = asyncio.create_task(value.refresh(source.fetch))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    value.forget()
    with pytest.raises(NotSignedIn):
        await caller
    source.go.set()
    assert await value.refresh(source.fetch) == 2
