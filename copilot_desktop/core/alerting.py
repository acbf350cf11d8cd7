"""From the state to the notifications that a person gets: watches, remembers, leaves out.

What is due is decided in `alerts`. Here it is remembered in `alerts.json` before it is told, so
that nothing is told twice; what the user has switched off, or sees anyhow because the window is in
front, counts as told. Without anybody to tell (headless) nothing is watched and nothing remembered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from copilot_desktop.core.alerts import Alert, due
from copilot_desktop.core.memory import Memory
from copilot_desktop.core.state import State
from copilot_desktop.core.store import Store
from copilot_desktop.core.tasks import Tasks

FILE_NAME = "alerts.json"

Tell = Callable[[Alert], None]


class Alerting:
    """`wall` gives epoch seconds."""

    def __init__(
        self,
        store: Store,
        memory: Memory,
        tasks: Tasks,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._memory = memory
        self._tasks = tasks
        self._wall = wall
        self._told: dict[str, float | None] = {}
        self._loaded = False

    def start(self, tell: Tell) -> None:
        """Tell from now on. `tell` is called on the core's loop and must return at once."""
        self._tasks.start(self._watch(tell), "notifications")

    def once(self, id: str) -> bool:  # noqa: A002  (the strings' own word)
        """Whether the notice `id` is to be shown: the first time ever, and not switched off."""
        key = f"once|{id}"
        if not self._loaded or key in self._told:
            return False
        self._remember({**self._told, key: None})
        return id not in self._store.state.settings.notifications_off

    async def forget(self) -> None:
        """Remember nothing of what was told, also on the disk."""
        await self._memory.settle()
        await self._memory.load()  # what an earlier run has left is to be written over
        self._remember({})
        await self._memory.settle()

    async def settle(self) -> None:
        await self._memory.settle()

    async def _watch(self, tell: Tell) -> None:
        self._told = _read(await self._memory.load())
        self._loaded = True
        async for state in self._store.watch():
            for alert in self._due(state):
                tell(alert)

    def _due(self, state: State) -> list[Alert]:
        alerts, told = due(state, self._told, self._wall())
        if told != self._told:
            self._remember(told)
        if state.app.window_front and state.app.window_shown:
            return []
        return [alert for alert in alerts if alert.id not in state.settings.notifications_off]

    def _remember(self, told: Mapping[str, float | None]) -> None:
        self._told = dict(told)
        self._memory.keep(self._told)


def _read(found: Mapping[str, Any]) -> dict[str, float | None]:
    """What an earlier run has told; a file that somebody has edited must not stop the app."""
    return {
        key: value
        for key, value in found.items()
        if value is None or (isinstance(value, float | int) and not isinstance(value, bool))
    }
