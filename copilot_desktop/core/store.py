"""The one place where the application's state is: set it, read it, watch it.

Written only on the core's loop; reading the current snapshot is safe from any thread, because it
is one reference to an immutable value. A watcher gets the present state at once and later only the
newest one: a slow view can be late, never wrong, and never makes anybody wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import fields
from typing import Any

from copilot_desktop.core.state import State
from copilot_desktop.core.wakers import Wakers


class Store:
    """`state` is the present snapshot. `listeners` counts the views that are shown right now."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._parts = {each.name: getattr(state, each.name) for each in fields(state)}
        self.closed = False
        self._wakers = Wakers()
        self.waking = self._wakers.waking  # on the core's loop

    def set(self, **parts: Any) -> None:
        """Replace parts of the state. Nothing happens if they are equal to the present ones."""
        if any(self._parts[name] != value for name, value in parts.items()):
            self._put(parts)

    def touch(self, **parts: Any) -> None:
        """The same where something that the state refers to may have changed in place: the
        watchers are told in any case."""
        self._put(parts)

    def close(self) -> None:
        """End all watchers."""
        self.closed = True
        self._wakers.wake()

    async def watch(self) -> AsyncIterator[State]:
        """The present state, then the newest after each change, until the store is closed."""
        changed = asyncio.Event()
        seen = -1
        with self.waking(changed.set):
            while not self.closed:
                if self.state.seq == seen:
                    await changed.wait()
                changed.clear()
                if self.state.seq != seen:
                    seen = self.state.seq
                    yield self.state

    def _put(self, parts: Mapping[str, Any]) -> None:
        self._parts.update(parts, seq=self.state.seq + 1)
        self.state = State(**self._parts)
        self._wakers.wake()
