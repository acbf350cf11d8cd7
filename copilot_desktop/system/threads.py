"""Threads for calls that may block, of which none holds up an end.

asyncio waits at its end for every thread that it has lent out, however long that takes. A name that
no server answers for is looked up for half a minute, a disk may sleep for longer, and neither can
be called back: whoever had stopped the app would look at a terminal that does nothing.

For a process that leaves by `os._exit`, as ours does: Python itself would wait for them, too.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

AT_THE_END = 1.0  # seconds for what is still under way


class Lent(concurrent.futures.ThreadPoolExecutor):
    """Threads that are waited for only so long."""

    def __init__(self) -> None:
        super().__init__()
        self._under_way: set[concurrent.futures.Future[Any]] = set()

    def submit(
        self, call: Callable[..., T], /, *arguments: Any, **named: Any
    ) -> concurrent.futures.Future[T]:
        """See `ThreadPoolExecutor`."""
        future = super().submit(call, *arguments, **named)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `ThreadPoolExecutor`."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)
        if wait:
            concurrent.futures.wait(tuple(self._under_way), AT_THE_END)


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, on a loop with such threads."""

    async def on_the_loop() -> T:
        asyncio.get_running_loop().set_default_executor(Lent())
        return await work

    return asyncio.run(on_the_loop())
