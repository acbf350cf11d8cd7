"""Background work of the core: every task has an owner, a name and an end.

A task that fails unexpectedly is logged once and told to whoever wants to know; closing cancels all
of them and waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class Tasks:
    """`on_failure` is told the name of a task that failed unexpectedly."""

    def __init__(self) -> None:
        self.on_failure: Callable[[str], None] = lambda _name: None
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run `work` on the current loop until it ends or `close` is called."""
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def replace(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """The same, after cancelling a task of that name that is still running."""
        for task in self._running:
            if task.get_name() == name:
                task.cancel()
        return self.start(work, name)

    async def close(self, limit: float = 2.0) -> None:
        """Cancel everything and wait up to `limit` seconds until it has ended."""
        for task in tuple(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(tuple(self._running), timeout=limit)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("The task %s failed unexpectedly", task.get_name(), exc_info=error)
            self.on_failure(task.get_name())
