"""Backups: five of each file, the ones that an undo needs beside them, never one over another."""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.backups import KEPT, Backups
from tests.integrations.workbench import Bench, link, pen


def test_five_of_each_file_are_kept_and_names_grow(tmp_path: Path) -> None:
    backups = Backups(tmp_path / "backups")
    one, other = Path("/x/.pen/settings.json"), Path("/y/.pen/settings.json")
    names = []
    for n in range(8):
        names.append(backups.next_name(one))
        assert backups.keep(one, str(n).encode()) == names[-1]
        backups.prune(one, {names[0]})
    kept = backups.keep(other, b"other")
    backups.prune(other, ())
    assert sorted(each.name for each in backups.folder.iterdir()) == sorted(
        [names[0], *names[-KEPT:], kept]
    )
    assert len(set(names)) == 8
    assert backups.content(names[-1]) == b"7"
    assert backups.content(kept) == b"other"
    assert "pen-settings-json" in kept


def test_a_folder_whose_name_is_not_utf_8_has_backups_too(tmp_path: Path) -> None:
    backups = Backups(tmp_path / "backups")
    path = Path("/home/m\udcfcller/.pen/settings.json")
    assert backups.content(backups.keep(path, b"mine")) == b"mine"


def test_a_name_cannot_lead_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    backups = Backups(tmp_path / "backups")
    for name in ("../secret", "", ".", str(tmp_path / "secret"), "missing"):
        assert backups.content(name) is None


def test_after_many_updates_the_very_bytes_still_come_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    mine = '{"env" :{ "A":1 }}'
    file = bench.write(".pen/settings.json", mine)
    bench.connect(pen())
    for port in range(5000, 5010):
        bench.connection.update(pen(), link(port))
    assert len(bench.backups()) == KEPT + 1
    bench.connection.undo(pen())
    assert file.read_text() == mine
