"""Whether there is a newer version of this app: looked for only if the user wants it.

Off until it is chosen. Then the releases page is asked once a week, and once a day while it gives
no answer; a press on "Look now" asks at once, but what was heard less than a day ago is said again
instead. What was heard and when is kept in `updates.json`, so a restart asks no sooner. A look that
fails by itself is nobody's trouble: only Help, the report and the log tell of it. Nothing is ever
downloaded; a person is shown the page (security rule 19).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from copilot_desktop import __version__
from copilot_desktop.core.memory import Memory
from copilot_desktop.core.state import Update
from copilot_desktop.errors import Problem
from copilot_desktop.upstream.releases import is_newer, newest

if TYPE_CHECKING:
    from copilot_desktop.core.core import Core

log = logging.getLogger(__name__)

FILE_NAME = "updates.json"
DAY = 86_400.0  # seconds
WEEK = 7 * DAY


class Updates:
    """Belongs to one core. `wall` gives epoch seconds."""

    def __init__(
        self, core: Core, memory: Memory, *, wall: Callable[[], float] = time.time
    ) -> None:
        self._core = core
        self._memory = memory
        self._wall = wall
        self._looking = asyncio.Lock()
        self._version = ""
        self._loaded = False

    async def look(self) -> Update:
        """What a person gets who asks: the page's word, not older than a day. Raises Problem."""
        async with self._looking:
            await self._load()
            known = self._core.store.state.update
            if known.failed or not self._within(DAY):
                await self._ask()
            return self._core.store.state.update

    async def look_if_due(self) -> None:
        """For the background: the wish, the time and the network decide. Never raises a Problem."""
        if not self._core.settings.look_for_updates or self._looking.locked():
            return
        async with self._looking:
            await self._load()
            known = self._core.store.state.update
            if self._within(DAY if known.failed else WEEK):
                return
            try:
                await self._ask()
            except Problem as problem:
                log.info("No newer version could be looked for: %s", problem)

    async def settle(self) -> None:
        await self._memory.settle()

    async def forget(self) -> None:
        """Remember nothing of what was heard, also on the disk."""
        self._note("", None, failed=False)
        await self._memory.settle()

    async def _ask(self) -> None:
        core, now = self._core, self._wall()
        self._note(self._version, now, failed=True)  # until the answer is there
        heard = await newest(
            core.http, core.origins.releases_api, timeout=core.settings.github_timeout
        )
        self._note(heard, now, failed=False)

    def _within(self, seconds: float) -> bool:
        asked = self._core.store.state.update.asked_at
        return asked is not None and 0 <= self._wall() - asked < seconds

    async def _load(self) -> None:
        if self._loaded:
            return
        found = await self._memory.load()
        version, asked = found.get("version"), found.get("asked_at")
        if isinstance(version, str) and isinstance(asked, float):
            self._note(version[:80], asked, failed=found.get("failed") is True)
        self._loaded = True

    def _note(self, version: str, asked_at: float | None, *, failed: bool) -> None:
        """`version` is the newest that was ever heard of; views get it only if it is newer."""
        self._version = version
        self._memory.keep({"version": version, "asked_at": asked_at, "failed": failed})
        shown = version if is_newer(version, __version__) else ""
        self._core.store.set(update=Update(shown, asked_at, failed))
