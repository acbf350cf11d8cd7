"""A block of lines between two marker comments, in a file of any language with `#` comments.

Shell profiles are programs: nothing in them is read as a value, only the marks are looked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from copilot_desktop.integrations.edits import ABSENT, Absent
from copilot_desktop.integrations.formats.splice import (
    CannotKeep,
    Splice,
    added_lines,
    check_newlines,
    dropped_lines,
    last_written,
    line_at,
    newline_of,
    spliced,
)


def find_block(text: str, name: str) -> tuple[str, ...] | Absent:
    """The lines between the marks of `name`."""
    found = _span(text, name)
    return ABSENT if found is None else tuple(_inside(text[found[0] : found[1]]))


def put_block(text: str, name: str, lines: Sequence[str]) -> str:
    """The text with `lines` between marks: where they were, else below everything.

    Raises CannotKeep, as all three do, if the marks are no pair.
    """
    check_newlines(text)
    found = _span(text, name)
    whole = [_opening(name), *lines, _closing(name)]
    if found is None:
        position = last_written(text)
        apart = [""] if text.strip() else []
        return spliced(text, [added_lines(text, position, [*apart, *whole])])
    if _inside(text[found[0] : found[1]]) == list(lines):
        return text
    return spliced(text, [Splice(*found, newline_of(text).join(whole))])


def drop_block(text: str, name: str) -> str:
    """The text without the block, its marks, and the blank line that set it apart."""
    found = _span(text, name)
    if found is None:
        return text
    check_newlines(text)
    gone = dropped_lines(text, *found)
    newline = newline_of(text)
    if gone.start and text[: gone.start].endswith(newline):
        gone = Splice(gone.start - len(newline), gone.end)
    return spliced(text, [gone])


def _opening(name: str) -> str:
    return f"# >>> copilot-desktop: {name} >>>"


def _closing(name: str) -> str:
    return f"# <<< copilot-desktop: {name} <<<"


def _inside(block: str) -> list[str]:
    return [line.removesuffix("\r") for line in block.split("\n")[1:-1]]


def _span(text: str, name: str) -> tuple[int, int] | None:
    opened, closed = (
        list(re.finditer(rf"^{re.escape(mark)}(?=[ \t]*\r?$)", text, re.MULTILINE))
        for mark in (_opening(name), _closing(name))
    )
    if not opened and not closed:
        return None
    if len(opened) != 1 or len(closed) != 1 or opened[0].start() > closed[0].start():
        first = (opened or closed)[-1]
        raise CannotKeep(line_at(text, first.start()), "half_marker")
    return opened[0].start(), closed[0].end()
