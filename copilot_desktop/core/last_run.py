"""What the last run has left for this one: where the window was, its screen, and the proxy.

Kept in `last.json`, a second after the last change, so that moving a window does not write a file
for each pixel. Nothing here is a setting: whoever deletes the file loses nothing but habits. All
values are checked when they are read; what makes no sense is as if it were not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from copilot_desktop.core.memory import Memory

FILE_NAME = "last.json"
PAUSE = 1.0  # seconds in which changes are gathered
_FARTHEST, _LARGEST = 100_000, 20_000  # pixels


@dataclass(frozen=True, slots=True)
class Place:
    """Where the window was, in the toolkit's own pixels. None: nobody has said yet."""

    x: int | None = None
    y: int | None = None
    width: int | None = None
    height: int | None = None
    maximized: bool = False


class LastRun:
    """`proxy`: whether the proxy was wanted; None if there was no run."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.place = Place()
        self.screen = ""
        self.proxy: bool | None = None

    async def load(self) -> None:
        found = await self._memory.load()
        self.place = _place(found.get("place"))
        screen, proxy = found.get("screen"), found.get("proxy")
        self.screen = screen if isinstance(screen, str) and is_screen(screen) else ""
        self.proxy = proxy if isinstance(proxy, bool) else None

    def note_place(self, place: Place) -> None:
        self.place = place
        self._keep()

    def note_screen(self, screen: str) -> None:
        self.screen = screen
        self._keep()

    def note_proxy(self, wanted: bool) -> None:
        """The user has started or stopped it."""
        self.proxy = wanted
        self._keep()

    async def settle(self) -> None:
        await self._memory.settle()

    def _keep(self) -> None:
        self._memory.keep({"place": asdict(self.place), "screen": self.screen, "proxy": self.proxy})


def is_screen(name: str) -> bool:
    return re.fullmatch(r"[a-z_]{1,32}", name) is not None


def _place(found: Any) -> Place:
    if not isinstance(found, Mapping):
        return Place()
    x, y = _whole(found.get("x"), _FARTHEST), _whole(found.get("y"), _FARTHEST)
    width, height = _whole(found.get("width"), _LARGEST), _whole(found.get("height"), _LARGEST)
    if x is None or y is None:
        x = y = None
    if not width or not height or width < 0 or height < 0:
        width = height = None
    return Place(x, y, width, height, found.get("maximized") is True)


def _whole(value: Any, limit: int) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and abs(value) <= limit else None
