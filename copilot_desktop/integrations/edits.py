"""Edits as values: one value at one place of one file, or one block of lines.

An edit says what shall stand there. Whether it already does, what stood there before, how it looks
as lines and how it is undone follows from the edit and the file alone, the same for every tool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]

Format = Literal[
    "json", "toml", "yaml"
]  # "json" takes comments and trailing commas, and keeps them


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
    such entry exists it is added to the end of the list. `secret`: shown masked.
    """

    file: Path
    format: Format
    place: Place
    value: Value
    secret: bool = False


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


class Absent:
    """Nothing stands there; apart from null, which is a value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
