"""The list of requests as a file that a spreadsheet opens, and that does it no harm."""

from __future__ import annotations

import csv
import os
import stat
from pathlib import Path

import pytest

from copilot_desktop.atomic import unfinished
from copilot_desktop.canonical import Usage
from copilot_desktop.core.exports import COLUMNS, write
from copilot_desktop.proxy.exchange import Exchange
from tests.core_rig import running_core


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def some() -> Exchange:
    exchange = Exchange(1, "Claude Code", "anthropic_messages", at=0.0)
    exchange.usage = Usage(input=12, output=3, cache_read=400, cache_write=88)
    exchange.notes = ["dropped=top_k", "auto=gpt-4.1"]
    exchange.finish("ok")
    return exchange


def test_every_request_is_a_line_with_what_the_list_shows(tmp_path: Path) -> None:
    path = write([some()], tmp_path)
    [row] = rows_of(path)
    assert tuple(row) == COLUMNS
    assert row["time"] == "1970-01-01T00:00:00.000+00:00"
    assert (row["client"], row["input_tokens"], row["credits"]) == ("Claude Code", "500", "")
    assert row["cache_tokens"] == "400"
    assert row["notes"] == "dropped=top_k; auto=gpt-4.1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_refused_counts_for_nothing_in_the_file_either(tmp_path: Path) -> None:
    refused, answered = some(), Exchange(2, "Codex", "openai_responses", multiplier=1.0)
    refused.multiplier, refused.outcome, refused.settled = 1.0, "failed", True
    answered.finish("ok")
    answered.settled = True
    rows = rows_of(write([refused, answered], tmp_path))
    assert [row["multiplier"] for row in rows] == ["", "1.0"]


def test_a_name_that_looks_like_a_formula_stays_a_name(tmp_path: Path) -> None:
    exchange = Exchange(1, '=HYPERLINK("x")', "openai_chat", model_asked="@sum\nnext,line")
    [row] = rows_of(write([exchange], tmp_path))
    assert row["client"] == '\'=HYPERLINK("x")'
    assert row["model_asked"] == "'@sum\nnext,line"


@pytest.mark.parametrize(
    "name",
    ["x;=1+1", 'x"; =1+1', ";+1;-1", "a;;@sum(1)", "x;\t=1", 'x;"=1+1', "x\n=1", "x\r\n\r\n @a",
     "x\r-1"],
)  # fmt: skip
def test_a_spreadsheet_that_ends_cells_at_semicolons_finds_no_formula(
    tmp_path: Path, name: str
) -> None:
    """As one does that was set up for German or French."""
    path = write([Exchange(1, name, "openai_chat", error=name)], tmp_path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file, delimiter=";") for cell in row]
    assert [cell for cell in cells if cell.strip().startswith(("=", "+", "-", "@"))] == []


def test_half_a_character_does_not_cost_the_file(tmp_path: Path) -> None:
    [row] = rows_of(write([Exchange(1, "caf\udce9", "openai_chat", error="\ud800")], tmp_path))
    assert (row["client"], row["error"]) == ("caf?", "?")


def test_no_file_is_replaced(tmp_path: Path) -> None:
    first, second = write([], tmp_path), write([some()], tmp_path)
    assert first != second
    assert rows_of(first) == []
    assert len(rows_of(second)) == 1


def test_a_disk_that_is_full_leaves_no_half_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("copilot_desktop.atomic.os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write([some()], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_has_left_goes_with_the_next_file(tmp_path: Path) -> None:
    left = tmp_path / f"{unfinished(tmp_path / 'copilot-desktop-2026-11-20.csv')}k1ll3d"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    path = write([], tmp_path)
    assert list(tmp_path.iterdir()) == [path]


async def test_the_file_goes_to_the_downloads_if_there_are_some(tmp_path: Path) -> None:
    async with running_core(tmp_path) as rig:
        rig.core.traffic.open("curl/8", "openai_chat")
        beside = await rig.do("export_requests")
        assert Path(beside["path"]).parent == tmp_path
        (tmp_path / "Downloads").mkdir()
        there = await rig.do("export_requests")
        assert Path(there["path"]).parent == tmp_path / "Downloads"
        assert [row["client"] for row in rows_of(Path(there["path"]))] == ["curl"]
