"""Which tool call a piece of a streamed chat answer belongs to.

Calls come in pieces, and models number and name them in their own ways. Whoever reads a stream of
Copilot's, to pass it on or to translate it, has to tell them apart by the same rule.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any


class CallKeys:
    """By index, else by id, else the last one.

    A fragment with a new id *and* a name is a new call even under a known index: some models number
    every call 0. So is one with a new index and a name, whatever its id: some give all of them one.
    `ids`: those of the calls that have told theirs, by their keys.
    """

    __slots__ = ("_count", "_last", "_places", "ids")

    def __init__(self) -> None:
        self.ids: dict[int, str] = {}
        self._places: dict[Hashable, int] = {}
        self._count = 0
        self._last = -1

    def key(self, choice: int, index: Any, call_id: Any, name: Any) -> int:
        """A number of its own for each call. The arguments are as they came, of whatever type."""
        known = next((key for key, seen in self.ids.items() if call_id and seen == call_id), None)
        place = self._places.get((choice, index), -1) if isinstance(index, int) else -1
        if place >= 0 and (not call_id or self.ids.get(place, call_id) == call_id):
            key = place
        elif known is not None and not (place < 0 and name and isinstance(index, int)):
            key = known
        elif isinstance(index, int):
            key = place
            if place < 0 or name:
                key = self._places[choice, index] = self._new()
        elif call_id or self._last < 0:
            key = self._new()
        else:
            key = self._last
        if isinstance(call_id, str) and call_id:
            self.ids.setdefault(key, call_id)
        self._last = key
        return key

    def _new(self) -> int:
        self._count += 1
        return self._count - 1
