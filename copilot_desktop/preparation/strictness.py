"""Strict translation: what a caller may notice in the answer is refused instead of noted.

For people who would rather hear of a change before than read of it afterwards (`translation.md`
§1.4). Which changes count is said where each is made; here they are only put into words.
"""

from __future__ import annotations

from collections.abc import Iterable

from copilot_desktop.errors import NotExpressible


def refuse_marked(notes: Iterable[str]) -> None:
    """Raises NotExpressible for the first change there is, such as `dropped=tools.web_search`."""
    for note in notes:
        change, _, what = note.partition("=")
        before, _, instead = what.partition(">")
        done = f"would become {instead}" if change == "mapped" else "would be left out"
        raise NotExpressible(f"{before} {done}, and strict translation is on.")
