"""How many files and connections this process may have open at once.

macOS gives a program that is started from its desktop 256, Linux 1024, and lets each raise that by
itself. A client and Copilot are two for each request; where none is left, nobody new is let in, no
answer is fetched and no file is written.

Only for a process of our own: in a program that embeds us the limit belongs to that program.
"""

from __future__ import annotations

import contextlib

WANTED = 8192


def raise_limit() -> None:
    """As far as the system allows. Windows knows no such limit."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415  (not on Windows)

        now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = WANTED if most == resource.RLIM_INFINITY else min(WANTED, most)
        if now != resource.RLIM_INFINITY and now < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
