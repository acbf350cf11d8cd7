"""The brakes as the rest of the core sees them: the settings they follow, and what is kept of them.

A warning from GitHub must not be got around by starting the app again, so a halt and the limits in
force are written to `brakes.json` as soon as they begin. The file holds times and GitHub's words,
nothing of a request. A file that cannot be read is passed over: the app must start.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

from copilot_desktop.core.settings import Settings
from copilot_desktop.core.tasks import Tasks
from copilot_desktop.proxy.brakes import Rules
from copilot_desktop.system import files

log = logging.getLogger(__name__)

FILE_NAME = "brakes.json"
SAVING_LIMIT = 3.0  # seconds that an end waits for the disk

Json = dict[str, Any]


def rules_of(settings: Settings) -> Rules:
    """What the brakes follow under `settings`."""
    return Rules(
        max_concurrent=settings.max_concurrent,
        min_pause=settings.min_pause,
        ask=settings.approval == "ask",
        approved=frozenset(settings.approved_clients),
    )


class BrakeMemory:
    """What the circuit must know after a restart, in a file of `folder`."""

    def __init__(self, folder: Path, tasks: Tasks) -> None:
        self.path = folder / FILE_NAME
        self._tasks = tasks
        self._wanted: Json = {}
        self._written: Json = {}
        self._writing: asyncio.Task[None] | None = None

    async def load(self) -> Json:
        """What an earlier run has kept; empty if there is nothing, or nothing readable."""
        try:
            content = await asyncio.to_thread(files.read_private, self.path, 256 * 1024)
            found = json.loads(content)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            log.warning("%s cannot be read: %s", self.path, error)
            return {}
        self._written = self._wanted = found if isinstance(found, dict) else {}
        return dict(self._written)

    def keep(self, memory: Json) -> None:
        """Write `memory` if it is news. Returns at once."""
        self._wanted = memory
        if memory != self._written and (self._writing is None or self._writing.done()):
            self._writing = self._tasks.start(self._write(), "keep the brakes")

    async def settle(self) -> None:
        """Wait until everything is on the disk, as far as the disk takes it."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=SAVING_LIMIT)

    async def _write(self) -> None:
        while self._wanted != self._written:
            memory = self._wanted
            content = json.dumps(memory, indent=2).encode() + b"\n"
            try:
                await asyncio.to_thread(files.write_private, self.path, content)
            except OSError as error:
                log.warning("%s cannot be written: %s", self.path, error.strerror)
            self._written = memory
