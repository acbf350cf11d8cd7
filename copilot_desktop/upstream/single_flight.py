"""One run of a piece of work, however many wait for it.

The run belongs to nobody who waits: a caller that gives up does not end it for the others. It ends
by itself or by `stop`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """The run that was waited for has been stopped."""


class SingleFlight:
    """Runs by name."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    def running(self, name: str) -> bool:
        return name in self._tasks

    async def join(self, name: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The outcome of the run under way, else of a new run of `work`. Raises Stopped."""
        task: asyncio.Task[T] | None = self._tasks.get(name)
        if task is None or task.cancelling():
            task = asyncio.create_task(work(), name=f"copilot-{name}")
            self._tasks[name] = task
            task.add_done_callback(lambda done: self._ended(name, done))
        await asyncio.wait({task})
        if task.cancelled():
            raise Stopped(name)
        return task.result()

    async def stop(self, *names: str, within: float = 1.0) -> None:
        """Cancel these runs (without names: all) and wait `within` seconds for their end."""
        found = [self._tasks.get(name) for name in names] if names else [*self._tasks.values()]
        tasks = {task for task in found if task is not None}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=within)

    async def over(self, name: str) -> None:
        """Wait for the end of this run, however it ends, if there is one."""
        if (task := self._tasks.get(name)) is not None:
            await asyncio.wait({task})

    def abandon(self, name: str) -> None:
        """Cancel this run without waiting."""
        if (task := self._tasks.get(name)) is not None:
            task.cancel()

    def _ended(self, name: str, task: asyncio.Task[Any]) -> None:
        if self._tasks.get(name) is task:
            del self._tasks[name]
        if not task.cancelled():
            task.exception()  # whoever waited has it; if nobody did, the account shows it
