"""`docs/faults.md` names tests that exist, and leaves out no rule and no test of a fault."""

from __future__ import annotations

import re

import pytest

from tests.architecture.source import ROOT, functions, shown

PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
PLACES = sorted(set(re.findall(r"`(tests/[^`]+\.py(?:::\w+)?)`", PAGE)))
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "test |" not in line]


@pytest.mark.parametrize("place", PLACES)
def test_what_is_named_exists(place: str) -> None:
    path, _, name = place.partition("::")
    assert (ROOT / path).is_file()
    assert not name or name in {each.name for each in functions(ROOT / path)}


def test_each_row_names_a_test() -> None:
    assert [row for row in ROWS if "`tests/" not in row] == []


def test_each_rule_about_faults_has_a_row() -> None:
    part = PAGE.partition("## Rules 20 to 29")[2].partition("\n## ")[0]
    assert {int(number) for number in re.findall(r"^\| (\d+) \|", part, re.MULTILINE)} == {
        *range(20, 30)
    }


def test_no_test_of_a_fault_is_left_out() -> None:
    named = {place.partition("::")[0] for place in PLACES}
    for path in (ROOT / "tests" / "life").glob("test_*.py"):
        assert shown(path) in named
