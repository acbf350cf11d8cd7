"""The brakes as the rest of the core sees them: the settings they follow, and what is kept of them.

A warning from GitHub must not be got around by starting the app again, so a halt and the limits in
force are written to `brakes.json` as soon as they begin. The file holds times and GitHub's words,
and the plan that had the limits; nothing of a request. A file that cannot be read is passed over:
the app must start.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from copilot_desktop.core.memory import Json, Memory
from copilot_desktop.core.settings import Settings
from copilot_desktop.core.tasks import Tasks
from copilot_desktop.proxy.brakes import Rules
from copilot_desktop.upstream.quota import QuotaSnapshot

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
        self._plan = ""  # of the account in use, as it was seen last

    async def load(self) -> Json:
        """See `Memory`."""
        found = await super().load()
        plan = found.pop("plan", "")
        self._plan = plan if isinstance(plan, str) else ""
        return found

    def keep(self, memory: Mapping[str, Any]) -> None:
        """See `Memory`."""
        super().keep({**memory, "plan": self._plan} if "limits" in memory else memory)

    def is_other_plan(self, quota: QuotaSnapshot) -> bool:
        """Whether the account has another plan now than before, perhaps in an earlier run."""
        before = self._plan
        if quota.plan or quota.state == "signed_out":  # which it is before any other account, too
            self._plan = quota.plan
        return bool(before and quota.plan and before != quota.plan)
