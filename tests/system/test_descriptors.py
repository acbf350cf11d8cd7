"""A process of ours may open more than its system gives it at first."""

from __future__ import annotations

import subprocess
import sys

import pytest

from copilot_desktop.system.descriptors import WANTED

resource = pytest.importorskip("resource")
SCRIPT = """
import resource, sys
before = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, before)
from copilot_desktop.system import descriptors
descriptors.raise_limit()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((256, WANTED + 9), (WANTED, WANTED + 9)),
        ((256, 1024), (1024, 1024)),
        ((WANTED + 5, WANTED + 9), (WANTED + 5, WANTED + 9)),
    ],
    ids=["few", "no more than the system allows", "enough"],
)
def test_as_many_as_the_system_allows(before: tuple[int, int], after: tuple[int, int]) -> None:
    if 0 <= resource.getrlimit(resource.RLIMIT_NOFILE)[1] < before[1]:
        pytest.skip("this machine allows fewer")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, before)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert tuple(map(int, done.stdout.split())) == after
