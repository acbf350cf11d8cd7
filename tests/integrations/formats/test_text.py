"""The laws that hold for every format, over any layout."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

import pytest

from copilot_desktop.integrations.edits import ABSENT, Format, Item, Place
from copilot_desktop.integrations.formats.text import (
    CannotKeep,
    Unreadable,
    drop,
    find,
    missing,
    put,
    read,
    same,
)
from tests.integrations.formats.documents import a_place, a_text, a_value

FORMATS: tuple[Format, ...] = ("json", "toml", "yaml")
SEEDS = 400  # for each format and law: a second or two


class Change(NamedTuple):
    """Something to do to a text."""

    text: str
    place: Place
    value: Any


def a_change(format_: Format, seed: int) -> Change | None:
    """A readable text, a place in it, and a value for the place."""
    dice = Random(seed)  # a str seed would do, but not faster
    text = a_text(format_, dice)
    try:
        document = read(format_, text)
    except Unreadable:
        return None
    place = a_place({} if document is ABSENT else document, dice)
    if not place:
        return None
    value = a_value(dice, nulls=format_ != "toml")
    last = place[-1]
    if isinstance(last, Item):
        value = {**(value if isinstance(value, dict) else {"v": value}), last.key: last.value}
    return Change(text, place, value)


def check_put(format_: Format, change: Change) -> None:
    longer = put(format_, *change)
    assert same(find(format_, longer, change.place), change.value), change
    assert put(format_, longer, change.place, change.value) == longer, change


def check_trace(format_: Format, change: Change) -> None:
    text, place, value = change
    if find(format_, text, place) is not ABSENT:
        return
    longer = put(format_, text, place, value)
    assert is_part(text, longer), change
    assert drop(format_, longer, place, len(missing(format_, text, place))) == text, change


def check_drop(format_: Format, change: Change) -> None:
    shorter = drop(format_, change.text, change.place)
    assert find(format_, shorter, change.place) is ABSENT, change
    assert is_part(shorter, change.text), change


def is_part(short: str, long: str) -> bool:
    """Whether one text comes from the other by leaving characters out."""
    rest = iter(long)
    return all(character in rest for character in short)


@pytest.mark.parametrize("law", [check_put, check_trace, check_drop])
@pytest.mark.parametrize("format_", FORMATS)
def test_a_law_holds_for_any_layout(law: Any, format_: Format) -> None:
    done = refused = 0
    for seed in range(SEEDS):
        change = a_change(format_, seed)
        if change is None:
            continue
        try:
            law(format_, change)
            done += 1
        except CannotKeep:
            refused += 1
    assert done > 3 * refused, "most files can be kept as they are"
