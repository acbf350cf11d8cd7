"""What a build is made from: the commit and its day, where known. Standard library only."""

from __future__ import annotations

import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path


def facts(root: Path) -> dict[str, str]:
    """`{"commit": "…", "date": "2026-11-21"}`; without a commit where files differ from it."""
    return {"commit": commit(root), "date": day(epoch(root))}


def commit(root: Path) -> str:
    """Of the checkout in `root`; empty if it is none, or if somebody has changed files in it."""
    changed = git(root, "status", "--porcelain", "--untracked-files=no")
    return "" if changed else git(root, "rev-parse", "HEAD")


def epoch(root: Path) -> int:
    """Seconds since 1970 that every file of a build bears: the commit's, or as it is asked for."""
    given = os.environ.get("SOURCE_DATE_EPOCH") or git(root, "log", "-1", "--format=%ct")
    return int(given) if given else int(time.time())


def day(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d")


def git(root: Path, *words: str) -> str:
    """What git says, or nothing. A checkout around `root` that is somebody else's is not asked."""
    if not (root / ".git").exists():
        return ""
    try:
        asked = subprocess.run(
            ["git", *words], cwd=root, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""
