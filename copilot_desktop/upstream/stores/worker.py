"""Blocking calls with a deadline.

Keyrings and disks may hang for as long as a password prompt stays open. Their calls run one after
another on daemon threads: a daemon thread does not hold up the end of the process, which a thread
pool would. A call given up before its turn never runs, so a late save cannot undo a sign-out.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """`limit` in seconds, for waiting and running together."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._turn = threading.Lock()
        self._end: asyncio.Future[object] | None = None  # of the latest call

    async def run(self, call: Callable[[], T]) -> T:
        """The result of `call()` or what it raised; TimeoutError after `limit` seconds."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        end = self._end = loop.create_future()

        def work() -> None:
            outcome: T | Exception = TimeoutError()
            if self._turn.acquire(timeout=self.limit):
                try:
                    if not future.done():
                        outcome = call()
                except Exception as error:  # noqa: BLE001  (backends raise what they like)
                    outcome = error
                finally:
                    self._turn.release()
            _deliver(loop, future, end, outcome)

        threading.Thread(target=work, name="copilot-store", daemon=True).start()
        async with asyncio.timeout(self.limit):
            return await future

    async def outcome(self) -> object:
        """Wait until the latest call has ended, given up or not: its result, or what it raised."""
        return TimeoutError() if self._end is None else await asyncio.shield(self._end)


def _deliver(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[T],
    end: asyncio.Future[object],
    outcome: T | Exception,
) -> None:
    """Hand the outcome over to the loop's thread, where somebody may or may not still wait."""

    def settle() -> None:
        end.set_result(outcome)
        if future.done():
            return
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(settle)
