"""The brakes as the rest of the core sees them: the settings they follow, and what is kept of them.

A warning from GitHub must not be got around by starting the app again, so a halt and the limits in
force are written to `brakes.json` as soon as they begin. The file holds times and GitHub's words,
nothing of a request. A file that cannot be read is passed over: the app must start.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.core.memory import Memory
from copilot_desktop.core.settings import Settings
from copilot_desktop.core.tasks import Tasks
from copilot_desktop.proxy.brakes import Rules

FILE_NAME = "brakes.json"


def rules_of(settings: Settings) -> Rules:
    """What the brakes follow under `settings`."""
    return Rules(
        max_concurrent=settings.max_concurrent,
        min_pause=settings.min_pause,
        ask=settings.approval == "ask",
        approved=frozenset(settings.approved_clients),
    )


class BrakeMemory(Memory):
    """What the circuit must know after a restart, in a file of `folder`."""

    def __init__(self, folder: Path, tasks: Tasks) -> None:
        super().__init__(folder / FILE_NAME, tasks)
