"""Whoever wants to be woken when something has changed; what has changed they find themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Wakers:
    """A waker is called on the thread that changed something, and must return at once."""

    def __init__(self) -> None:
        self._wakers: set[Callable[[], None]] = set()

    def wake(self) -> None:
        for waker in tuple(self._wakers):
            waker()

    @contextmanager
    def waking(self, waker: Callable[[], None]) -> Iterator[None]:
        """Call `waker` at every change."""
        self._wakers.add(waker)
        try:
            yield
        finally:
            self._wakers.discard(waker)
