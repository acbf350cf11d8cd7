"""What the fake received: the surface that tests look at."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from multidict import CIMultiDictProxy


@dataclass(slots=True)
class Received:
    """One request. `at` is monotonic. `body` is parsed JSON (or form fields), None if neither."""

    seq: int
    method: str
    path: str
    headers: CIMultiDictProxy[str]
    raw: bytes = b""
    body: Any = None
    at: float = field(default_factory=time.monotonic)
    status: int | None = None
    """Of the answer, once it began."""
    aborted: bool = False
    """The client left before the answer was complete."""
    done: bool = False


class Ledger(list[Received]):
    """All requests, in the order in which they came."""

    def to(self, path: str) -> list[Received]:
        """Those to one path."""
        return [received for received in self if received.path == path]

    def bodies(self, path: str) -> list[Any]:
        """The JSON bodies that were sent to one path."""
        return [received.body for received in self.to(path)]
