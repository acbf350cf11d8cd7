"""The line before Copilot: so many requests at once, the others one after the other as they came.

Whoever leaves while waiting (its task is cancelled) loses only its own place. Nobody waits for
ever, and the line itself is bounded: each request in it holds its body.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from copilot_desktop.errors import Busy, Problem, spoken_wait

PATIENCE = 600.0  # seconds in the line
LONGEST = 64  # requests in it
COME_BACK = 30.0  # seconds, as told to those who did not get through


class Places:
    """`width` requests at once, None: any number. `waiting` is how many stand in the line."""

    def __init__(self, width: int | None = None, *, patience: float = PATIENCE) -> None:
        self.patience = patience
        self.on_change: Callable[[], None] = lambda: None
        self._width = width
        self._busy = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def widen(self, width: int | None) -> None:
        """From now on so many at once; nobody who is through is called back."""
        self._width = width
        self._call()

    def turn_away(self, why: Callable[[], Problem]) -> None:
        """Nobody in the line will get through."""
        while self._queue:
            if not (next_one := self._queue.popleft()).done():
                next_one.set_exception(why())
        self.on_change()

    async def take(self) -> None:
        """Wait for a turn, and hold it until `leave`. Raises Busy, and what `turn_away` gives."""
        if not self.take_now():
            await self._wait()

    def take_now(self) -> bool:
        """The same, if nobody has to be waited for."""
        if self._queue or (self._width is not None and self._busy >= self._width):
            return False
        self._busy += 1
        return True

    def leave(self) -> None:
        """Give back what was taken; the next one may."""
        self._busy -= 1
        if self._queue:
            self._call()

    @property
    def _full(self) -> bool:
        return self._width is not None and self._busy >= self._width

    async def _wait(self) -> None:
        if len(self._queue) >= LONGEST:
            raise busy(f"{LONGEST} other requests are waiting already")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self.on_change()
        try:
            async with asyncio.timeout(self.patience):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._busy -= 1  # called, and gone in the same moment: the next one may
                self._call()
            elif turn in self._queue:
                self._queue.remove(turn)
                self.on_change()
            if isinstance(error, TimeoutError):
                waited = spoken_wait(self.patience)
                raise busy(f"other requests were running for {waited}") from None
            raise

    def _call(self) -> None:
        called = False
        while self._queue and not self._full:
            turn = self._queue.popleft()
            called = True
            if not turn.done():
                self._busy += 1
                turn.set_result(None)
        if called:
            self.on_change()


def busy(reason: str) -> Busy:
    """For those who do not get through."""
    return Busy(fields={"reason": reason}, retry_after=COME_BACK)
