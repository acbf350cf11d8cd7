"""The event loop in a thread of its own, for programs whose main thread belongs to a window.

The thread enters one async context manager, keeps it open, and leaves it in the same task when it
is told to stop: everything that was opened is closed in order. Other threads hand in coroutines
and wait with a deadline. Waiting from the loop itself would never end, so that is refused.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

from copilot_desktop.system import threads

log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")

START_SECONDS = 20.0
ANSWER_SECONDS = 30.0
STOP_SECONDS = 10.0


class CoreThread(Generic[T]):
    """`open_` is called on the loop; what it yields is `value`."""

    def __init__(self, open_: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._open = open_
        self._opened: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="core", daemon=True)

    @property
    def value(self) -> T:
        """What was opened. Raises RuntimeError before `start`."""
        if not self._opened.done():
            raise RuntimeError("the core thread has not started")
        return self._opened.result()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self, timeout: float = START_SECONDS) -> T:
        """Start the thread and wait until everything is open. Raises what opening raised."""
        self._thread.start()
        return self._opened.result(timeout)

    def submit(self, work: Coroutine[Any, Any, R], timeout: float = ANSWER_SECONDS) -> R:
        """Run `work` on the loop and wait for its result. Raises TimeoutError after `timeout` s."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("the core thread cannot wait for itself")
        future = self.post(work)
        try:
            return future.result(timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise

    def post(self, work: Coroutine[Any, Any, R]) -> concurrent.futures.Future[R]:
        """Run `work` on the loop without waiting. A stopped loop cancels it at once."""
        loop = self._loop
        if loop is not None and self.alive:
            try:
                return asyncio.run_coroutine_threadsafe(work, loop)
            except RuntimeError:  # closed between the check and the call
                pass
        work.close()
        done: concurrent.futures.Future[R] = concurrent.futures.Future()
        done.cancel()
        return done

    def call_soon(self, action: Callable[[], object]) -> None:
        """Run `action` on the loop soon; nothing happens if it has stopped."""
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(action)
            except RuntimeError:
                log.debug("The core thread has stopped already")

    def stop(self, timeout: float = STOP_SECONDS) -> bool:
        """Close everything and end the thread. False if it is still busy after `timeout` s."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("the core thread cannot wait for itself")
        if self._thread.ident is None:
            return True
        if self._stop is not None:
            self.call_soon(self._stop.set)
        self._thread.join(timeout)
        return not self.alive

    def _run(self) -> None:
        try:
            threads.run(self._hold_open())
        except BaseException as error:
            if not self._opened.done():
                self._opened.set_exception(error)
            else:
                log.exception("The core thread ended with an error")

    async def _hold_open(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with self._open() as value:
            self._opened.set_result(value)
            await self._stop.wait()
