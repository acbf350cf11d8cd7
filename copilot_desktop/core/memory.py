"""One JSON object in a file of the data folder, for what the next run has to know.

Kept and read whole; written in the background, atomically and for the owner only, at most once in
`pause` seconds however often it changes. A file that cannot be read is passed over and one that
cannot be written is logged: the app must start, and it must end.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from copilot_desktop.core.tasks import Tasks
from copilot_desktop.system import files

log = logging.getLogger(__name__)

LARGEST = 256 * 1024  # bytes that are read
SAVING_LIMIT = 3.0  # seconds that an end waits for the disk

Json = dict[str, Any]


class Memory:
    """`pause` is how long changes are gathered before they are written, in seconds."""

    def __init__(self, path: Path, tasks: Tasks, *, pause: float = 0.0) -> None:
        self.path = path
        self._tasks = tasks
        self._pause = pause
        self._wanted: Json = {}
        self._written: Json = {}
        self._writing: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    async def load(self) -> Json:
        """What an earlier run has kept; empty if there is nothing, or nothing readable."""
        try:
            content = await asyncio.to_thread(files.read_private, self.path, LARGEST)
            found = json.loads(content)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            log.warning("%s cannot be read: %s", self.path, error)
            return {}
        self._written = self._wanted = found if isinstance(found, dict) else {}
        return dict(self._written)

    def keep(self, memory: Mapping[str, Any]) -> None:
        """Write `memory` if it is news. Returns at once."""
        self._wanted = dict(memory)
        if self._wanted != self._written and (self._writing is None or self._writing.done()):
            self._hurry.clear()
            self._writing = self._tasks.start(self._write(), f"keep {self.path.name}")

    async def settle(self) -> None:
        """Wait until everything is on the disk, as far as the disk takes it."""
        if self._writing is not None:
            self._hurry.set()
            await asyncio.wait({self._writing}, timeout=SAVING_LIMIT)

    async def _write(self) -> None:
        while self._wanted != self._written:
            if self._pause and not self._hurry.is_set():
                await self._gather()
            memory = self._wanted
            content = json.dumps(memory, indent=2).encode() + b"\n"
            try:
                await asyncio.to_thread(files.write_private, self.path, content)
            except OSError as error:
                log.warning("%s cannot be written: %s", self.path, error.strerror)
            self._written = memory

    async def _gather(self) -> None:
        try:
            await asyncio.wait_for(self._hurry.wait(), self._pause)
        except TimeoutError:
            return
