"""The loop's own thread: waiting with a deadline, closing in order, never for itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager

import pytest

from copilot_desktop.core.thread import CoreThread


class Opened:
    def __init__(self) -> None:
        self.closed_in: str | None = None
        self.entered_by: asyncio.Task[None] | None = None
        self.same_task = False


@asynccontextmanager
async def opening() -> AsyncIterator[Opened]:
    opened = Opened()
    entered = asyncio.current_task()
    try:
        yield opened
    finally:
        opened.closed_in = threading.current_thread().name
        opened.same_task = asyncio.current_task() is entered


@pytest.fixture
def thread() -> Iterator[CoreThread[Opened]]:
    thread = CoreThread(opening)
    thread.start()
    yield thread
    assert thread.stop()


async def double(number: int) -> int:
    return number * 2


def test_work_runs_on_the_thread_and_comes_back(thread: CoreThread[Opened]) -> None:
    async def name() -> str:
        return threading.current_thread().name

    assert thread.submit(double(21)) == 42
    assert thread.submit(name()) == "core"


def test_stopping_closes_in_the_task_that_opened(thread: CoreThread[Opened]) -> None:
    assert thread.stop()
    assert not thread.alive
    assert thread.value.closed_in == "core"
    assert thread.value.same_task
    assert thread.stop()


def test_a_wait_ends_at_its_deadline_and_the_work_is_cancelled(thread: CoreThread[Opened]) -> None:
    cancelled = threading.Event()

    async def forever() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError):
        thread.submit(forever(), timeout=0.05)
    assert cancelled.wait(5)


def test_waiting_for_itself_is_refused(thread: CoreThread[Opened]) -> None:
    async def inside() -> str:
        with pytest.raises(RuntimeError, match="cannot wait for itself"):
            thread.submit(double(1))
        with pytest.raises(RuntimeError, match="cannot wait for itself"):
            thread.stop()
        return "refused"

    assert thread.submit(inside()) == "refused"


def test_trouble_while_opening_reaches_the_starter() -> None:
    @asynccontextmanager
    async def failing() -> AsyncIterator[None]:
        raise ValueError("no such port")
        yield

    thread = CoreThread(failing)
    with pytest.raises(ValueError, match="no such port"):
        thread.start()
    assert thread.stop()


def test_a_stopped_thread_takes_no_more_work() -> None:
    thread = CoreThread(opening)
    with pytest.raises(RuntimeError, match="has not started"):
        _ = thread.value
    assert thread.post(double(1)).cancelled()
    thread.start()
    assert thread.stop()
    with pytest.raises(CancelledError):
        thread.submit(double(1))
    thread.call_soon(lambda: None)


def test_many_starts_and_stops_leave_no_thread() -> None:
    before = threading.active_count()
    for _ in range(20):
        thread = CoreThread(opening)
        thread.start()
        assert thread.stop()
    assert threading.active_count() == before
