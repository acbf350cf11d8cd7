"""One heap for all threads, where the system would give each of them its own (glibc).

What a thread of ours has read is let go of by another one, and its heap does not shrink for that:
after requests of 20 MB it kept up to 77 MiB that nobody used.

Only for a process of our own, and for threads that begin afterwards.
"""

from __future__ import annotations

import sys
from contextlib import suppress

_ARENA_MAX = -8  # M_ARENA_MAX in glibc's malloc.h


def share() -> None:
    """Where there is no such choice nothing happens."""
    if sys.platform == "linux":
        with suppress(AttributeError, ImportError, OSError):  # another C library
            import ctypes  # noqa: PLC0415  (2 ms, which other systems need not spend)

            ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
