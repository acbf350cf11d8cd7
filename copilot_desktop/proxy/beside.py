"""Work on a large request, done beside the loop that all streams share.

To read, mend or translate a megabyte of conversation takes 5 to 15 ms, and 20 MB up to 300 ms, in
which no other stream gets its words. A thread of its own gives way to the loop every few
milliseconds; only single calls into C go on for longer (see `json_bytes`). It is not done for less:
the way to the thread and back takes as long as a small request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from copilot_desktop.json_bytes import LARGE

T = TypeVar("T")


async def beside(size: int, work: Callable[[], T]) -> T:
    """What `work` returns or raises; `size` in bytes is that of the request it is done for.

    Nothing that it touches may be changed meanwhile by anybody else. Whoever is cancelled leaves
    it behind: it ends by itself, and nobody gets what it made.
    """
    return work() if size < LARGE else await asyncio.to_thread(work)
