"""The records: what is written comes back, a broken file is kept aside, and it is nobody else's."""

from __future__ import annotations

import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from copilot_desktop.integrations.connection import Connection
from copilot_desktop.integrations.edits import ABSENT, Edit, Item, Put
from copilot_desktop.integrations.entries import Entry
from copilot_desktop.integrations.records import (
    FILE_NAME,
    Connected,
    Intent,
    Ledger,
    Move,
    Origin,
    Original,
    Records,
    Written,
)
from copilot_desktop.integrations.tool import Link, Machine, Tool
from tests.integrations.workbench import KEY, Bench, link, pair, pen, quill

PATH = Path("/somewhere/settings.json")


def ledger(tmp_path: Path) -> Ledger:
    file = tmp_path / "settings.json"
    entries = (
        Entry(("env", "X"), "json", ABSENT, "d" * 64),
        Entry(("env", "Y"), "json", None, "d" * 64, gently=True),
        Entry(("list", Item("name", "ours")), "yaml", {"a": [1, "é"]}, {"a": "d" * 64}),
        Entry(("addresses",), None, ("line",), "d" * 64),
    )
    written = Written(file, entries, "e" * 64, Original(None, ""), "b.0001")
    tool = Connected(12.5, "http://127.0.0.1:1", "f" * 64, (written,))
    made = frozenset({("env",), ("list", Item("name", "ours")), ()})
    return Ledger(
        {"pen": tool},
        {file: Origin(True, (tmp_path,), made)},
        {"pen": {"main": "gpt-5"}},
        frozenset({1, 2}),
        frozenset({"f" * 64}),
    )


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    records, kept = Records(tmp_path, tmp_path), ledger(tmp_path)
    assert records.load() == (Ledger(), None)
    records.save(kept)
    found, intent = records.load()
    assert intent is None
    assert found.origins == kept.origins
    assert found.tools["pen"].files[0].entries[:3] == kept.tools["pen"].files[0].entries[:3]
    move = Move(tmp_path / "x", None, "a" * 64, "")
    records.save(kept, Intent((move,), Ledger()))
    assert records.load()[1] == Intent((move,), Ledger())


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"tools": 5}', b'{"v": 1}', b"\xff", b"[" * 100_000]
)
def test_what_cannot_be_understood_is_kept_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    assert Records(tmp_path, tmp_path).load() == (Ledger(), None)
    assert (tmp_path / "records.broken").read_bytes() == content


def test_without_records_what_points_at_us_is_still_nothing_to_go_back_to(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    file = bench.write(".pen/settings.json", "{}\n")
    bench.connect(pen())
    (bench.folder / FILE_NAME).unlink()
    bench.connect(pen(), link(main="claude-sonnet-4.5"))
    bench.connection.undo(pen())
    assert KEY not in file.read_text()
    assert "4141" not in file.read_text()


def test_records_and_backups_are_for_the_owner_only_and_hold_no_key(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.write(".pen/settings.json", "{}\n")
    bench.connect(pen())
    bench.connect(quill())
    assert KEY not in (bench.folder / FILE_NAME).read_text()
    for path in (bench.folder, *bench.folder.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o600
        if path.name != "lock":
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path


class Moved(Bench):
    """Our folder is in the home folder, which gets another name."""

    def __init__(self, folder: Path, home: str) -> None:
        super().__init__(folder)
        self.home = folder / home
        self.home.mkdir(exist_ok=True)
        self.folder = self.home / "share" / "editors"
        self.machine = Machine("linux", self.home, {})
        self.connection = Connection(self.machine, self.folder)


def naming_its_folder() -> Tool:
    def edits(machine: Machine, to: Link) -> tuple[Edit, ...]:
        place = machine.home / "b.json"
        return (Put(place, "json", ("key",), f"{place.parent}/key"),)

    return replace(pair(), id="naming", edits=edits)


def test_what_was_written_is_taken_back_in_a_home_of_another_name(tmp_path: Path) -> None:
    bench = Moved(tmp_path, "before")
    bench.write("a.json", '{"mine": 1}')
    before = bench.everything()
    bench.connect(pair())
    bench.connect(naming_its_folder())
    bench.home.rename(tmp_path / "after")
    bench = Moved(tmp_path, "after")
    assert bench.state(pair()) == "connected"
    assert bench.state(naming_its_folder()) == "old_key", "there is no such place any more"
    bench.connection.update(naming_its_folder(), link())
    assert bench.state(naming_its_folder()) == "connected"
    for tool in (pair(), naming_its_folder()):
        assert not bench.connection.undo(tool).stay
    shutil.rmtree(bench.home / "share")
    assert bench.everything() == before


def test_another_home_with_the_same_records_is_no_move(tmp_path: Path) -> None:
    """As where an administrator runs the app for somebody, with the folder of that one."""
    bench = Bench(tmp_path)
    bench.connect(pen())
    (tmp_path / "root").mkdir()
    other = Connection(Machine("linux", tmp_path / "root", {}), bench.folder)
    other.undo(pen())
    assert "ADDRESS" not in str(bench.everything())
