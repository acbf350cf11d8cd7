"""Work on a large request, done beside the loop that all streams share.

To read and mend a megabyte of conversation takes 2 to 5 ms, to translate it 5 to 13, and meanwhile
no other stream gets its words. On a thread it gives way to the loop every 5 ms (Python's own turn);
only single calls into C go on for longer (see `json_bytes`). What takes no longer than such a turn
is done at once: on a thread it would take longer and hold up others just as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from copilot_desktop.json_bytes import LARGE

T = TypeVar("T")

# Of its own: the loop's threads may all be waiting for a name server. Python runs one at a time;
# the second is for what comes after a long one.
_threads = ThreadPoolExecutor(2, "large request")


async def beside(size: int, work: Callable[[], T], *, slow: bool = False) -> T:
    """What `work` returns or raises; `size` in bytes is that of the request it is done for, and
    `slow` what goes through every word of it.

    Nothing that it touches may be changed meanwhile by anybody else. Whoever is cancelled leaves
    it behind: it ends by itself, and nobody gets what it made.
    """
    if size < (LARGE // 4 if slow else LARGE):
        return work()
    return await asyncio.get_running_loop().run_in_executor(_threads, work)
