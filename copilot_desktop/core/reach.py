"""Whether GitHub can be reached, and when that is worth a word.

A look that fails while the network changes hands is nothing that a person has to know: trouble is
told when it has lasted half a minute (`ui-design.md` §8), or at once to somebody who has asked. The
first look that succeeds ends it. What is told says since when, and when it is tried again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from copilot_desktop.core.account import is_network_trouble
from copilot_desktop.core.state import Trouble
from copilot_desktop.core.store import Store
from copilot_desktop.errors import Impostor, Problem, Unreachable

PATIENCE = 30.0  # seconds


class Reach:
    """`next_try` in epoch seconds, 0 while nobody has said. `wall` gives the same."""

    def __init__(
        self, store: Store, *, patience: float = PATIENCE, wall: Callable[[], float] = time.time
    ) -> None:
        self.next_try = 0.0
        self._store = store
        self._patience = patience
        self._wall = wall
        self._problem: Problem | None = None
        self._since = 0.0
        self._telling: asyncio.TimerHandle | None = None

    @property
    def troubled(self) -> bool:
        """Whether the newest look failed, told or not."""
        return self._problem is not None or self._store.state.degraded is not None

    def note(self, problem: Problem | None) -> None:
        """How a look at GitHub has ended."""
        if not is_network_trouble(problem):
            self._problem = None
            self._stop_timer()
            self._store.set(degraded=None, trouble=None)
            return
        if self._problem is None:
            self._since = self._wall()
        self._problem = problem
        if self._store.state.degraded is not None:
            self.tell()
        elif self._telling is None:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_later(self._patience, self.tell)

    def tell(self) -> None:
        """Say it now, if there is anything to say."""
        self._stop_timer()
        if self._problem is not None:
            problem = self._problem
            offline = isinstance(problem, Unreachable)
            impostor = problem.fields.get("host", "") if isinstance(problem, Impostor) else ""
            self._store.set(
                degraded="offline" if offline else "github_down",
                trouble=Trouble(self._since, self.next_try, impostor),
            )

    def _stop_timer(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
