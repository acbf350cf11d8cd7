"""The nine pairs of client and endpoint once more, heard by the older SDKs.

The newest ones hear them wherever the tests run (`tests/conformance`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 200


@pytest.mark.timeout(SECONDS + 30)
def test_the_nine_pairs(generation: tuple[str, str | None]) -> None:
    name, path = generation
    if path is None:
        pytest.skip(f"tests/conformance does this with the {name} ones")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         "tests/conformance/test_nine_pairs.py"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, timeout=SECONDS, check=False,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
