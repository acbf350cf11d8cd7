"""What exactly this is: the version, and the commit and day it was built from, where known.

Packaging writes `build.json` (`{"commit": "…", "date": "2026-11-21"}`) beside the resources that it
packs; in a checkout, and in a wheel that was made of changed files, there is none, and then the
version is all that is known. What makes no sense in the file is as if it were not there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from copilot_desktop import __version__, resources

FILE_NAME = "build.json"
_LARGEST = 4096  # bytes


@dataclass(frozen=True, slots=True)
class Build:
    """`commit` in hexadecimal digits, `date` as year-month-day; empty where not known."""

    version: str = __version__
    commit: str = ""
    date: str = ""

    def __str__(self) -> str:
        """`0.1.0 (a1b2c3d4e, 2026-11-21)`"""
        return f"{self.version} ({self.origin})" if self.origin else self.version

    @property
    def origin(self) -> str:
        """`a1b2c3d4e, 2026-11-21`, or empty."""
        return ", ".join(part for part in (self.commit[:9], self.date) if part)


def present() -> Build:
    """The build that runs. Reads the disk."""
    for root in resources.roots():
        try:
            with (root / FILE_NAME).open("rb") as file:
                found = json.loads(file.read(_LARGEST))
        except (OSError, ValueError):
            continue
        if isinstance(found, dict):
            return Build(
                commit=_matching(found.get("commit"), r"[0-9a-f]{7,64}"),
                date=_matching(found.get("date"), r"\d{4}-\d{2}-\d{2}"),
            )
    return Build()


def _matching(value: object, form: str) -> str:
    return value if isinstance(value, str) and re.fullmatch(form, value) else ""
