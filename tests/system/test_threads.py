"""A call that hangs on a thread holds up the end of the loop for a moment only."""

from __future__ import annotations

import asyncio
import threading
import time

from copilot_desktop.system.threads import AT_THE_END, run


def test_what_hangs_is_not_waited_for_and_what_ends_soon_is() -> None:
    done, never = threading.Event(), threading.Event()

    def soon() -> None:
        time.sleep(AT_THE_END / 4)
        done.set()

    async def work() -> float:
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, never.wait, 60)
        loop.run_in_executor(None, soon)
        assert await asyncio.to_thread(lambda: "as ever") == "as ever"
        return time.monotonic()

    try:
        ended = run(work())
        assert time.monotonic() - ended < 30, "it hangs for a minute"
        assert done.is_set()
    finally:
        never.set()
