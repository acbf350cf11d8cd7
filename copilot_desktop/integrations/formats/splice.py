"""What the formats have in common: a change is a few splices, everything else is the file's own.

A format finds places and answers with splices, positions in the text it was given. Whatever no
splice covers therefore stays byte for byte: comments, quotes, order, spaces, newlines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from copilot_desktop.integrations.edits import Item, Step, Value

Reason = Literal[
    "not_valid",  # not what the format's grammar allows
    "too_deep",
    "too_slow",  # for YAML, which is read slowly
    "several_documents",
    "doubled_key",
    "no_mapping",
    "no_list",
    "anchors",
    "layout",
    "half_marker",
    "comment",
    "trailing_comma",
    "byte_order_mark",
    "hidden",
]
DEPTH = 100  # levels of mappings and lists; no settings file comes near


class _At(Exception):
    """Line (from 1) and the name of a phrase (`editors.because.<reason>`); what the file holds is
    never in it."""

    def __init__(self, line: int, reason: Reason) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason: Reason = reason


class Unreadable(_At):
    """The text is not of its format. Nobody may write to such a file."""


class CannotKeep(_At):
    """The text is fine, but the change cannot be made without touching something else."""


@dataclass(frozen=True, slots=True)
class Splice:
    """`text[start:end]` becomes `new`."""

    start: int
    end: int
    new: str = ""


def check_newlines(text: str) -> None:
    """Raises CannotKeep where a carriage return stands alone: readers disagree what it means."""
    alone = re.search(r"\r(?!\n)", text)
    if alone:
        raise CannotKeep(line_at(text, alone.start()), "layout")


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The text with all splices made. They do not overlap; those at one place keep their order."""
    parts, at = [], 0
    for each in sorted(splices, key=lambda splice: splice.start):
        assert each.start >= at, "splices overlap"
        parts += [text[at : each.start], each.new]
        at = each.end
    return "".join([*parts, text[at:]])


def line_at(text: str, position: int) -> int:
    """The number of the line of a position, from 1."""
    return text.count("\n", 0, position) + 1


def line_start(text: str, position: int) -> int:
    """Where the line of a position begins."""
    return text.rfind("\n", 0, position) + 1


def line_end(text: str, position: int) -> int:
    """Where the line of a position ends, before its newline."""
    end = text.find("\n", position)
    if end < 0:
        return len(text)
    return end - 1 if text[end - 1 : end] == "\r" else end


def newline_of(text: str) -> str:
    """The newline that the text begins with."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def indent_at(text: str, position: int) -> str:
    """The white space that the line of a position begins with."""
    found = re.compile(r"[ \t]*").match(text, line_start(text, position))
    return found[0] if found else ""


def added_lines(text: str, position: int, lines: Sequence[str]) -> Splice:
    """New lines below the line of `position`; above everything where that is the very start.

    The splice begins with its newline, so a file without a last newline stays one.
    """
    newline = newline_of(text)
    if position == 0 and not text[: line_end(text, 0)].strip():
        return Splice(0, 0, newline.join([*lines, ""]))
    end = line_end(text, position)
    return Splice(end, end, newline.join(["", *lines]))


def dropped_lines(text: str, start: int, end: int) -> Splice:
    """The lines from that of `start` to that of `end`, and what `added_lines` put before them."""
    first, last = line_start(text, start), line_end(text, end)
    if first == 0:
        return Splice(0, _after_newline(text, last))
    return Splice(_before_newline(text, first), last)


def _after_newline(text: str, position: int) -> int:
    found = re.compile(r"\r?\n").match(text, position)
    return found.end() if found else position


def _before_newline(text: str, position: int) -> int:
    position -= 1
    return position - 1 if position > 0 and text[position - 1] == "\r" else position


def last_written(text: str) -> int:
    """A position in the last line that is not blank; 0 where there is none."""
    return max(0, len(text.rstrip()) - 1)


def entry_of(entries: object, item: Item) -> int | None:
    """Where in a list of mappings the entry that an `Item` names stands."""
    if not isinstance(entries, list):
        return None
    for index, entry in enumerate(entries):
        if isinstance(entry, dict) and entry.get(item.key) == item.value:
            return index
    return None


def wrapped(steps: Sequence[Step], value: Value) -> Value:
    """`value` inside the mappings and lists that `steps` lead through.

    An entry of a list is made with the key that names it.
    """
    for index in range(len(steps) - 1, -1, -1):
        step = steps[index]
        value = [named(step, value)] if isinstance(step, Item) else {step: value}
    return value


def named(item: Item, value: Value) -> Value:
    """A new entry of a list, with the key that names it in front if it is not yet there."""
    assert isinstance(value, dict), "an entry is a mapping"
    return value if item.key in value else {item.key: item.value, **value}
