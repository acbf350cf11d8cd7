"""The threat model names tests that exist, and each rule has its threat."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import ROOT, functions

PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
RULES = range(1, 30)
HEAD = ["threat", "rules", "held by", "test"]


def rows() -> Iterator[list[str]]:
    """The cells of each threat."""
    part = PAGE.partition("## Threats")[2].partition("## Accepted")[0]
    for line in part.splitlines():
        if line.startswith("| "):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if cells != HEAD:
                yield cells


def places_in(cells: list[str]) -> list[str]:
    return re.findall(r"`([^`]+)`", cells[3])


ROWS = list(rows())


@pytest.mark.parametrize("cells", ROWS, ids=lambda cells: cells[0][:40])
def test_each_threat_names_rules_a_defence_and_tests_that_exist(cells: list[str]) -> None:
    assert len(cells) == len(HEAD), cells
    assert all(cells), cells
    assert {int(each) for each in cells[1].split(", ")} <= set(RULES)
    assert places_in(cells)
    for place in places_in(cells):
        path, _, name = place.partition("::")
        assert (ROOT / path).is_file(), place
        known = {each.name for each in functions(ROOT / path)}
        assert any(each.startswith("test_") for each in known), place
        assert not name or name in known, place


def test_each_rule_has_a_threat() -> None:
    told = {int(each) for cells in ROWS for each in cells[1].split(", ")}
    assert set(RULES) - told == set()


def test_no_attack_is_left_out() -> None:
    """Whatever is tried as an attack belongs to a threat."""
    named = {place.partition("::")[0] for cells in ROWS for place in places_in(cells)}
    attacks = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests/attacks").glob("*.py")}
    assert attacks - named == set()
