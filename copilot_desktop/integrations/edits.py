"""Edits as values: one value at one place of one file, or one block of lines.

An edit says what shall stand there. Whether it already does, what stood there before, how it looks
as lines and how it is undone follows from the edit and the file alone, the same for every tool.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]

Format = Literal[
    "json", "toml", "yaml"
]  # "json" takes comments and trailing commas, and keeps them


# What JSON itself lacks. A tool that does not read it skips the whole file, mostly without a word.
Extra = Literal["comments", "block_comments", "trailing_commas", "mark"]


@dataclass(frozen=True, slots=True)
class Item:
    """The entry of a list whose `key` has this value: lists of models name their entries so."""

    key: str
    value: str


Step = str | Item
Place = tuple[Step, ...]  # from the top of the file; never empty


@dataclass(frozen=True, slots=True)
class Put:
    """`value` shall stand at `place`. Missing mappings and lists on the way are made.

    With an `Item` as the last step, `value` is a mapping that holds the item's own key; where no
    such entry exists it is added to the end of the list.

    `secret`: shown masked. `hidden`: in a mapping, what stands under these keys is shown masked;
    `secrets` finds both. `gently`: only where nothing stands yet; what stands there is left as it
    is and counts as ours neither for the state nor for undo.
    """

    file: Path
    format: Format
    place: Place
    value: Value
    secret: bool = False
    hidden: tuple[str, ...] = ()
    gently: bool = False

    def secrets(self, value: Value) -> frozenset[str]:
        """The parts of `value` to mask: of the value to write, or of one found at this place."""
        if self.secret:
            return frozenset(_strings(value))
        return frozenset(text for part in _under(value, self.hidden) for text in _strings(part))


@dataclass(frozen=True, slots=True)
class Block:
    """`lines` shall stand in `file` between two marker comments that name `name`; any text file.

    `secrets` are the parts of the lines that are shown masked.
    """

    file: Path
    name: str
    lines: tuple[str, ...]
    secrets: tuple[str, ...] = ()


Edit = Put | Block


def _under(value: Value, keys: tuple[str, ...]) -> Iterator[Value]:
    """Whatever stands under one of the keys, at any depth."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in keys:
                yield inner
            else:
                yield from _under(inner, keys)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from _under(inner, keys)


def _strings(value: Value) -> Iterator[str]:
    """The strings in a value that are not empty."""
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _strings(inner)


class Absent:
    """Nothing stands there; apart from null, which is a value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
