"""Threads share one heap, where that can be chosen."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import re, sys, threading
from pathlib import Path

def reserved():  # glibc reserves 64 MiB for each heap of a thread
    maps = re.findall(r"^(\\w+)-(\\w+) ---p", Path("/proc/self/maps").read_text(), re.MULTILINE)
    return sum(int(end, 16) - int(start, 16) > 60 << 20 for start, end in maps)

if sys.argv[1] == "shared":
    from copilot_desktop.system import arenas
    arenas.share()
before, goal = reserved(), threading.Barrier(4)

def work():
    kept = [bytes(10_000 + n) for n in range(100)]
    goal.wait(30)
    goal.wait(30)

threads = [threading.Thread(target=work) for _ in range(3)]
for each in threads:
    each.start()
goal.wait(30)
print(reserved() - before)
goal.wait(30)
"""


def heaps(kind: str) -> int:
    """How many heaps three threads have brought."""
    command = [sys.executable, "-c", SCRIPT, kind]
    return int(subprocess.run(command, capture_output=True, timeout=60, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heaps")
def test_threads_bring_no_heaps_of_their_own() -> None:
    if heaps("as usual") == 0:
        pytest.skip("this C library gives threads none")
    assert heaps("shared") == 0
