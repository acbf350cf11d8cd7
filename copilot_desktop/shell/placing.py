"""Where the window opens: where it was, as far as that is still on a screen.

Pure. Screens come and go with docks and projectors; a window that opens where nobody can see it is
a window that is lost. What counts is the strip by which people take hold of it. Coordinates are the
toolkit's own pixels, y downwards; some toolkits want them relative to the screen, so the screen is
part of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from copilot_desktop.core.last_run import Place

SIZE, MINIMUM = (960, 680), (720, 520)
_GRIP = (120, 24)  # pixels of the title strip that must be on a screen
_BARS = 80  # pixels of a screen's height that the title strip and the system's own panel take


class Screen(Protocol):
    """As pywebview tells it."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Opening:
    """`x` and `y` are None where the toolkit may choose; `screen` is the one they are on."""

    width: int
    height: int
    x: int | None = None
    y: int | None = None
    maximized: bool = False
    screen: Screen | None = None
    least: tuple[int, int] = MINIMUM  # less where a screen is small, or everything on it large


def opening(place: Place, screens: Sequence[Screen]) -> Opening:
    """Total: without screens nothing is known about positions, so none is asked for."""
    least = _least(screens)
    width = max(place.width or SIZE[0], least[0])
    height = max(place.height or SIZE[1], least[1])
    screen = _screen_of(place, width, screens)
    room = screen or (screens[0] if screens else None)
    if room is not None:
        width = max(least[0], min(width, room.width))
        height = max(least[1], min(height, room.height))
    if screen is None or place.x is None or place.y is None:
        return Opening(width, height, maximized=place.maximized, least=least)
    return Opening(width, height, place.x, place.y, place.maximized, screen, least)


def _least(screens: Sequence[Screen]) -> tuple[int, int]:
    """What fits each of them: nobody reaches what lies beyond an edge. Half of the usual at least,
    as no screen is smaller and a minimised window is."""
    (width, height), half = MINIMUM, (MINIMUM[0] // 2, MINIMUM[1] // 2)
    for each in screens:
        width, height = min(width, each.width), min(height, each.height - _BARS)
    return max(half[0], width), max(half[1], height)


def _screen_of(place: Place, width: int, screens: Sequence[Screen]) -> Screen | None:
    """The screen that shows most of the title strip, if one shows enough of it."""
    if place.x is None or place.y is None:
        return None
    shown = [(_overlap(place.x, place.y, width, each), each) for each in screens]
    wide, best = max(shown, key=lambda pair: pair[0], default=(0, None))
    return best if wide >= _GRIP[0] else None


def _overlap(x: int, y: int, width: int, screen: Screen) -> int:
    """How many pixels of the strip's width lie on `screen`, if its height does."""
    if not screen.y <= y <= screen.y + screen.height - _GRIP[1]:
        return 0
    return max(0, min(x + width, screen.x + screen.width) - max(x, screen.x))
