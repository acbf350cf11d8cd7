"""What the system says about a process and about itself. Linux tells all of it; elsewhere a figure
that cannot be known is None and stays out of the tables.
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
from pathlib import Path


def cpu_seconds(pid: int) -> float | None:
    """User and system time of all threads, in steps of nanoseconds (a process's own CPU clock)."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except (AttributeError, OSError, OverflowError):
        return None


def memory_mib(pid: int) -> float | None:
    """Proportional set size: what is shared with others counts in parts."""
    try:
        rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return sum(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1024


def forget_peak(pid: int) -> None:
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mib(pid: int) -> float | None:
    """The most that was resident since `forget_peak`."""
    try:
        rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    found = [int(row.split()[1]) for row in rows if row.startswith("VmHWM:")]
    return found[0] / 1024 if found else None


def cores() -> tuple[set[int], set[int]]:
    """(for the fake and the client, for what is measured); the same where there is one core only,
    empty where a process cannot be bound."""
    if not hasattr(os, "sched_getaffinity"):
        return set(), set()
    free = sorted(os.sched_getaffinity(0))
    return set(free[:-1]) or set(free), {free[-1]}


def bind(pid: int, to: set[int]) -> None:
    """Keep a process (0: this one) on these cores."""
    if to:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(pid, to)


def allow_many_connections() -> None:
    """As many open files as the system lets us have; what we start inherits it."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415  (not on Windows)

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def facts() -> dict[str, object]:
    """For the head of the tables."""
    model = ""
    with contextlib.suppress(OSError):
        rows = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((row.partition(":")[2].strip() for row in rows if "model name" in row), "")
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load before": None if busy is None else round(busy, 1),
        "date": time.strftime("%Y-%m-%d"),
    }


def loop_name() -> str:
    try:
        import uvloop  # type: ignore[import-not-found, unused-ignore]  # noqa: F401, PLC0415
    except ImportError:
        return "asyncio"
    return "uvloop"
