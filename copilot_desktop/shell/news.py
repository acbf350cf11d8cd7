"""What in a new snapshot is worth a desktop notification: a question, and sending that has stopped.

Each occurrence is told once. Pure but for the memory of what was told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class News:
    """Remembers what was told; ask it about each snapshot in turn."""

    def __init__(self) -> None:
        self._asked = 0
        self._halted = 0.0

    def of(self, snapshot: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
        """Keys below `notification.` and the fields of their words."""
        brakes = snapshot.get("brakes") or {}
        fresh = [each for each in brakes.get("questions", ()) if each["id"] > self._asked]
        self._asked = max([self._asked, *(each["id"] for each in fresh)])
        for client in dict.fromkeys(each["client"] for each in fresh):  # once for a client's burst
            yield "approval", {"client": client}
        halt = brakes.get("halt")
        if halt and halt["reason"] == "warned" and halt["since"] != self._halted:
            self._halted = halt["since"]
            yield "paused", {}
