"""Which day it is where the app runs. Asked of each request, so the answer is kept for a minute:
no clock on earth begins a day within one."""

from __future__ import annotations

import time
from functools import lru_cache


def day_of(epoch: float) -> str:
    """The local day, `YYYY-MM-DD`."""
    return _day_of_minute(int(epoch // 60), time.tzname)


@lru_cache(maxsize=16)
def _day_of_minute(minute: int, _zone: tuple[str, str]) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(minute * 60))
