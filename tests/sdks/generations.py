"""Two generations of the official SDKs: the ones of this environment, and older ones in a folder.

The older ones are installed once into the user's cache, only where that is wanted (in CI, or when
these tests are named), and used by a Python of their own that finds them first. Where they cannot
be had, there is one sentence that says why.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

OLDER = ("anthropic==0.121.0", "openai==2.8.0")
GENERATIONS = ("newest", "older")
INSTALL = 240  # seconds


class CannotInstallError(Exception):
    """The sentence says why."""


def search_path(generation: str) -> str | None:
    """What has to stand in PYTHONPATH; None for this environment's own. Raises
    CannotInstallError."""
    return None if generation == "newest" else str(_older())


def _older() -> Path:
    name = hashlib.sha256("\n".join((*OLDER, sys.version)).encode()).hexdigest()[:12]
    folder = platformdirs.user_cache_path("copilot-desktop") / "sdks" / name
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock", timeout=2 * INSTALL):
            if not (folder / ".ready").exists():
                shutil.rmtree(folder, ignore_errors=True)  # of an attempt that was broken off
                _install(folder)
                (folder / ".ready").touch()
    except (OSError, Timeout) as trouble:
        raise CannotInstallError(f"{folder} cannot be used: {trouble}") from trouble
    return folder


def _install(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--retries=1", "--timeout=30", "--target", str(folder), *OLDER]
    try:
        done = subprocess.run(
            command, timeout=INSTALL, check=False, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, env={**os.environ, "PYTHONPATH": ""},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CannotInstallError(f"pip took more than {INSTALL} seconds") from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[-300:]
        raise CannotInstallError(f"pip could not install {', '.join(OLDER)}: {said}")
