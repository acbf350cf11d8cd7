"""The one place where the application's state is: set it, read it, watch it.

Written only on the core's loop; reading the current snapshot is safe from any thread, because it
is one reference to an immutable value. A watcher gets the present state at once and later only the
newest one: a slow view can be late, never wrong, and never makes anybody wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from copilot_desktop.core.state import State
from copilot_desktop.core.wakers import Wakers


class Store:
    """`state` is the present snapshot. `listeners` counts the views that are shown right now."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.closed = False
        self._wakers = Wakers()
        self.waking = self._wakers.waking  # on the core's loop

    def set(self, **parts: Any) -> None:
        """Replace parts of the state. Nothing happens if they are equal to the present ones."""
        if all(getattr(self.state, name) == value for name, value in parts.items()):
            return
        self.state = replace(self.state, **parts, seq=self.state.seq + 1)
        self._wakers.wake()

    def touch(self) -> None:
        """Something that the state refers to has changed in place: tell the watchers."""
        self.state = replace(self.state, seq=self.state.seq + 1)
        self._wakers.wake()

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
