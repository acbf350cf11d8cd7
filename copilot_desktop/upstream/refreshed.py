"""A value that is asked for once, however many want it, and that tells its listeners when it moved.

Used for the model list and the quota. Knows nothing about what it holds. One fetch runs at a time
and belongs to nobody: a caller that goes away does not end it for the others. The log has one line
when fetching begins to fail and one when it works again, not one per attempt.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from copilot_desktop.errors import NotSignedIn, Problem

log = logging.getLogger(__name__)

T = TypeVar("T")


class Refreshed(Generic[T]):
    """`problem` is that of the last fetch, None after a good one. `clock` is monotonic."""

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.problem: Problem | None = None
        self._name = name
        self._clock = clock
        self._task: asyncio.Task[T] | None = None
        self._tried_at: float | None = None
        self._fetched_at: float | None = None
        self._listeners: list[Callable[[], None]] = []

    @property
    def busy(self) -> bool:
        return self._task is not None

    @property
    def age(self) -> float | None:
        """Seconds since the last good fetch; None if there was none."""
        return None if self._fetched_at is None else self._clock() - self._fetched_at

    @property
    def since_try(self) -> float | None:
        """Seconds since the last fetch ended, well or not; None if there was none."""
        return None if self._tried_at is None else self._clock() - self._tried_at

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change; the result takes it off again."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def changed(self) -> None:
        """Tell all listeners. One that fails is logged and does not keep the news from the rest."""
        for listener in tuple(self._listeners):
            try:
                listener()
            except Exception:
                log.exception("A listener of %s failed", self._name)

    def begin(self, fetch: Callable[[], Awaitable[T]]) -> asyncio.Task[T]:
        """The fetch that is running, or a new one. Nobody has to wait for it."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(fetch), name=f"refresh-{self._name}")
            self._task.add_done_callback(self._done)
            self.changed()
        return self._task

    async def refresh(self, fetch: Callable[[], Awaitable[T]]) -> T:
        """Wait for the running fetch or a new one.

        Raises its Problem, or NotSignedIn if `forget` ended it: the account is gone.
        """
        task = self.begin(fetch)
        await asyncio.wait({task})
        if task.cancelled():
            raise NotSignedIn
        if isinstance(problem := task.exception(), Problem):
            # One object for many waiters: without this, its traceback grows with each of them.
            raise problem.with_traceback(None)
        return task.result()

    def missed(self, problem: Problem) -> None:
        """No fetch could even begin. Said only where nothing is known yet."""
        if self._task is None and self._fetched_at is None:
            self.problem = problem
            self.changed()

    def forget(self) -> None:
        """Back to the beginning; a fetch that is under way ends unheard."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self.problem = None
        self._tried_at = self._fetched_at = None

    async def _run(self, fetch: Callable[[], Awaitable[T]]) -> T:
        try:
            value = await fetch()
        except Problem as problem:
            if type(problem) is not type(self.problem):
                log.warning("%s could not be refreshed: %s", self._name.capitalize(), problem)
            self.problem = problem
            self._tried_at = self._clock()
            raise
        if self.problem is not None:
            log.info("%s can be refreshed again", self._name.capitalize())
        self.problem = None
        self._tried_at = self._fetched_at = self._clock()
        return value

    def _done(self, task: asyncio.Task[T]) -> None:
        if task is not self._task:  # forgotten meanwhile
            _heard(task)
            return
        self._task = None
        error = _heard(task)
        if error is not None and not isinstance(error, Problem):
            log.error("Refreshing %s failed unexpectedly", self._name, exc_info=error)
        self.changed()


def _heard(task: asyncio.Task[T]) -> BaseException | None:
    """The task's exception, marked as seen."""
    return None if task.cancelled() else task.exception()
