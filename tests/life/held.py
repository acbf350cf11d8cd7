"""What a process holds: open files, threads, tasks, memory. For tests of things that repeat.

`COPILOT_DESKTOP_SOAK_SECONDS` makes them long; without it they are a short version of themselves.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from proxy.raw import until

SOAK = float(os.environ.get("COPILOT_DESKTOP_SOAK_SECONDS", "0"))
FILES = Path("/proc/self/fd")
needs_proc = pytest.mark.skipif(not FILES.exists(), reason="counts open files in /proc")


@dataclass(frozen=True)
class Held:
    """`objects` are those that Python counts: what grows with use is seen here exactly, and in
    memory only once an allocator has asked for more."""

    files: int
    threads: int
    tasks: int
    objects: int


def held() -> Held:
    gc.collect()
    files = len(list(FILES.iterdir()))
    return Held(files, threading.active_count(), len(asyncio.all_tasks()), len(gc.get_objects()))


def rounds(short: int, long: int) -> int:
    return long if SOAK else short


async def stays_flat(
    again: Callable[[], Awaitable[object]], times: int, *, spare: int, warm_up: int = 3
) -> None:
    """`again` may be done any number of times: nothing is held in the end that was not before.

    `spare`: how many objects a round may leave on average, for caches that fill up and end.
    """
    # The pool of the loop makes a thread for each call that finds none free, up to its end.
    await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.05) for _ in range(64)))
    for _ in range(warm_up):
        await again()
    before = held()
    for _ in range(times):
        await again()
    await until(
        lambda: (
            held().files <= before.files
            and held().threads <= before.threads
            and held().tasks <= before.tasks
        ),
        f"all is let go of; before: {before}, now: {held()}",
    )
    now = held()
    assert now.objects - before.objects <= spare * times, (before, now)
