"""Splices, and lines that come and go without a trace."""

from __future__ import annotations

import pytest

from copilot_desktop.integrations.edits import Item
from copilot_desktop.integrations.formats.splice import (
    Splice,
    added_lines,
    dropped_lines,
    entry_of,
    last_written,
    line_at,
    spliced,
    wrapped,
)


def test_splices_name_positions_of_the_old_text() -> None:
    assert spliced("abcdef", [Splice(4, 5, "E"), Splice(1, 2), Splice(3, 3, "+")]) == "ac+dEf"


@pytest.mark.parametrize(
    "text", ["", "\n", "\r\n", "\n\n", "a", "a\n", "a\r\n", "a\n\n", "a\r\nb\r\n", "  a", "\n\na"]
)
def test_added_lines_come_out_again(text: str) -> None:
    longer = spliced(text, [added_lines(text, last_written(text), ["one", "two"])])
    assert longer.split() == [*text.split(), "one", "two"]
    assert ("\r\n" in text) == ("\r\n" in longer)
    start = longer.index("one")
    assert spliced(longer, [dropped_lines(longer, start, longer.index("two"))]) == text


def test_lines_are_counted_from_one() -> None:
    assert [line_at("a\r\nb\n", position) for position in (0, 1, 3, 5)] == [1, 1, 2, 3]


def test_an_entry_is_found_by_the_key_that_names_it() -> None:
    entries = [1, {"id": "x"}, {"id": "y"}]
    assert entry_of(entries, Item("id", "y")) == 2
    assert entry_of(entries, Item("id", "z")) is None
    assert entry_of({"id": "y"}, Item("id", "y")) is None


def test_what_is_on_the_way_is_made() -> None:
    steps = ("models", Item("name", "ours"), "url")
    assert wrapped(steps, 1) == {"models": [{"name": "ours", "url": 1}]}
