"""The usage history: what was used adds up, survives a restart, and never gets in the way."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from copilot_desktop.canonical import Usage
from copilot_desktop.core import ledger as ledger_module
from copilot_desktop.core.ledger import DAYS, Ledger, MeterDay, Use
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.upstream.quota import Meter

NOON = 1_795_262_400.0  # some day, around noon in most places
DAY = 86_400


@dataclass
class Clock:
    now: float = NOON

    def __call__(self) -> float:
        return self.now


def exchange(
    model: str = "gpt-5",
    client: str = "Codex",
    *,
    initiator: str = "user",
    usage: Usage | None = None,
    nano: int | None = None,
    failed: bool = False,
) -> Exchange:
    made = Exchange(1, client, "openai-chat", model_used=model, initiator=initiator)
    made.usage, made.nano_credits = usage, nano
    made.finish("failed" if failed else "ok")
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "usage.sqlite3"


def test_one_row_for_each_day_client_and_model() -> None:
    clock = Clock()
    ledger = Ledger(None, wall=clock)
    ledger.count(exchange(usage=Usage(100, 20, 1000, 10), nano=5), 0.33)
    ledger.count(exchange(usage=Usage(1, 2, 3, 4), nano=7, initiator="agent"), 0.33)
    ledger.count(exchange(failed=True), 0.33)
    ledger.count(exchange(client="aider"), None)
    clock.now += DAY
    ledger.count(exchange("claude-x", nano=1), 1.0)
    today, aider, codex = ledger.uses()
    assert (today.model, today.nano_credits, today.premium) == ("claude-x", 1, 1.0)
    assert (aider.client, aider.requests, aider.premium) == ("aider", 1, 0.0)
    assert codex == Use(codex.day, "", "Codex", "gpt-5", 3, 1, 101, 22, 1003, 14, 12, 0.33)
    assert [row.model for row in ledger.uses(days=1)] == ["claude-x"]


def test_the_history_survives_a_restart_and_goes_on(path: Path) -> None:
    clock = Clock()
    first = Ledger(path, wall=clock)
    first.load()  # nothing there yet
    first.count(exchange(nano=5), 1.0)
    first.read([Meter("chat", "Chat", "metered", used=12.0, limit=300.0)])
    assert first.dirty
    first.flush()
    assert not first.dirty
    second = Ledger(path, wall=clock)
    second.load()
    assert second.uses() == first.uses()
    assert (
        second.meters()
        == first.meters()
        == (MeterDay(first.uses()[0].day, "", "chat", 12.0, 300.0),)
    )
    second.count(exchange(nano=6), 1.0)
    second.flush()
    third = Ledger(path, wall=clock)
    third.load()
    assert third.uses()[0].requests == 2
    assert third.uses()[0].nano_credits == 11


def test_what_was_counted_before_the_file_was_read_is_added_to_it(path: Path) -> None:
    first = Ledger(path, wall=Clock())
    first.count(exchange(nano=5), 1.0)
    first.flush()
    second = Ledger(path, wall=Clock())
    second.count(exchange(nano=7), 1.0)
    second.load()
    second.flush()
    third = Ledger(path, wall=Clock())
    third.load()
    assert [(row.requests, row.nano_credits) for row in third.uses()] == [(2, 12)]


def test_accounts_are_kept_apart() -> None:
    ledger = Ledger(None, wall=Clock())
    for account, nano in (("github.com:1", 5), ("acme.ghe.com:1", 7)):
        made = exchange(nano=nano)
        made.account = account
        ledger.count(made, 1.0)
        ledger.read([Meter("chat", "Chat", "metered", used=float(nano), limit=9.0)], account)
    assert [row.nano_credits for row in ledger.uses(account="github.com:1")] == [5]
    assert [row.used for row in ledger.meters(account="acme.ghe.com:1")] == [7.0]
    assert sum(row.nano_credits for row in ledger.uses()) == 12


def test_a_shorter_history_lets_go_of_more(path: Path) -> None:
    clock = Clock()
    ledger = Ledger(path, wall=clock, keep=31)
    ledger.count(exchange(), 1.0)
    ledger.flush()
    clock.now += 31 * DAY
    assert ledger.uses(days=90) == ()


def test_a_meter_has_one_number_a_day(path: Path) -> None:
    clock = Clock()
    ledger = Ledger(path, wall=clock)
    for used in (10.0, 11.5):
        ledger.read([Meter("credits", "AI credits", "metered", used=used, limit=float("inf"))])
    ledger.read([Meter("pool", "Pool", "unmetered")])
    ledger.flush()
    clock.now += DAY
    ledger.read([Meter("credits", "AI credits", "metered", used=20.0, limit=100.0)])
    ledger.flush()
    again = Ledger(path, wall=clock)
    again.load()
    assert [(row.used, row.limit) for row in again.meters()] == [(20.0, 100.0), (11.5, None)]


def test_what_is_too_old_is_let_go(path: Path) -> None:
    clock = Clock()
    ledger = Ledger(path, wall=clock)
    ledger.count(exchange(), 1.0)
    ledger.read([Meter("chat", "Chat", "metered", used=1.0)])
    ledger.flush()
    clock.now += (DAYS - 1) * DAY
    assert len(ledger.uses()) == 1
    clock.now += DAY
    ledger.count(exchange("new"), 1.0)
    ledger.flush()
    assert [row.model for row in ledger.uses()] == ["new"]
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM use").fetchone() == (1,)
        assert file.execute("SELECT count(*) FROM meter").fetchone() == (0,)
    file.close()


def test_clearing_empties_memory_and_disk(path: Path) -> None:
    ledger = Ledger(path, wall=Clock())
    ledger.count(exchange(), 1.0)
    ledger.flush()
    ledger.clear()
    assert ledger.uses() == ()
    assert list(path.parent.iterdir()) == []
    ledger.flush()
    again = Ledger(path, wall=Clock())
    again.load()
    assert again.uses() == ()


def test_a_damaged_file_is_kept_aside_and_history_begins_anew(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database, " * 500)
    ledger = Ledger(path, wall=Clock())
    ledger.load()
    ledger.count(exchange(), 1.0)
    ledger.flush()
    assert path.with_suffix(".broken").read_bytes().startswith(b"this is no database")
    again = Ledger(path, wall=Clock())
    again.load()
    assert len(again.uses()) == 1


def test_a_disk_that_takes_nothing_costs_the_history_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ledger = Ledger(tmp_path / "file" / "usage.sqlite3", wall=Clock())
    ledger.load()
    ledger.count(exchange(), 1.0)
    ledger.flush()
    assert len(ledger.uses()) == 1
    assert ledger.dirty, "it is tried again"
    ledger.clear()


@pytest.mark.skipif(sys.platform == "win32", reason="modes mean nothing there")
def test_the_file_is_for_its_owner_only(path: Path) -> None:
    before = os.umask(0o022)
    try:
        ledger = Ledger(path, wall=Clock())
        ledger.count(exchange(), 1.0)
        ledger.flush()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_invented_names_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "_MOST_ROWS", 5)
    ledger = Ledger(None, wall=Clock())
    for number in range(20):
        ledger.count(exchange(client=f"client {number}"), 1.0)
    ledger.count(exchange(client="client 0"), 1.0)
    assert len(ledger.uses()) == 6
    counted = {row.client: row.requests for row in ledger.uses()}
    assert counted["client 0"] == 2
    assert counted[ledger_module.OTHERS] == 15, "a budget goes on counting"
    known = exchange(client="zed")
    known.key = "zed"
    ledger.count(known, 1.0)
    assert "zed" in {row.client for row in ledger.uses()}, "it may have a budget of its own"


def test_too_many_rows_are_read_from_the_newest_day_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    ledger = Ledger(path, wall=clock)
    for ago in range(8, -1, -1):
        clock.now = NOON - ago * DAY
        ledger.count(exchange(), 1.0)
    ledger.flush()
    monkeypatch.setattr(ledger_module, "_MOST_ROWS", 2)
    again = Ledger(path, wall=clock)
    again.load()
    assert again.uses() == ledger.uses()[:4]


def test_a_number_that_is_none_does_not_stop_the_writing(path: Path) -> None:
    ledger = Ledger(path, wall=Clock())
    ledger.count(exchange("odd", usage=Usage(10**30, -5, 0, 0), nano=-(10**30)), 1.0)
    ledger.count(exchange("good", usage=Usage(10, 1, 0, 0), nano=7), 1.0)
    ledger.flush()
    again = Ledger(path, wall=Clock())
    again.load()
    assert again.uses() == ledger.uses()
    assert {(row.model, row.output, row.nano_credits) for row in again.uses()} == {
        ("good", 1, 7), ("odd", 0, 0),
    }  # fmt: skip


def test_half_a_character_does_not_stop_the_writing(path: Path) -> None:
    ledger = Ledger(path, wall=Clock())
    ledger.count(exchange("m\udce9", client="caf\udce9"), 1.0)
    ledger.read([Meter("\ud800", "Odd", "metered", used=12.0, limit=300.0)])
    ledger.flush()
    again = Ledger(path, wall=Clock())
    again.load()
    assert [(row.client, row.model) for row in again.uses()] == [("caf?", "m?")]
    assert [row.id for row in again.meters()] == ["?"]


def test_what_a_wrong_clock_has_counted_ahead_is_not_shown(path: Path) -> None:
    clock = Clock(NOON + 400 * DAY)
    ledger = Ledger(path, wall=clock)
    ledger.count(exchange(), 1.0)
    ledger.read([Meter("chat", "Chat", "metered", used=12.0, limit=300.0)])
    clock.now = NOON
    ledger.count(exchange("now"), 1.0)
    assert [row.model for row in ledger.uses()] == ["now"]
    assert ledger.meters() == ()


@pytest.mark.skipif(sys.platform == "win32", reason="no zones to choose from")
@pytest.mark.parametrize(
    ("now", "yesterday"),
    [((2026, 10, 25, 23, 30), "2026-10-24"), ((2026, 3, 30, 0, 30), "2026-03-29")],
)
def test_days_of_23_and_25_hours_are_days(
    monkeypatch: pytest.MonkeyPatch, now: tuple[int, ...], yesterday: str
) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    try:
        clock = Clock(time.mktime((*now, 0, 0, 0, -1)))
        ledger = Ledger(None, wall=clock)
        for ago in (2, 1, 0):
            day = date(*now[:3]) - timedelta(days=ago)
            ledger.add(Use(day.isoformat(), "", "Codex", "gpt-5", 1))
        assert [row.day for row in ledger.uses(days=2)][1:] == [yesterday]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_file_that_is_locked_at_the_start_is_read_later_and_never_overwritten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "_BUSY_SECONDS", 0.01)
    first = Ledger(path, wall=Clock())
    for _ in range(3):
        first.count(exchange(nano=5), 1.0)
    first.flush()
    second = Ledger(path, wall=Clock())
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        second.load()
        second.count(exchange(nano=7), 1.0)
        second.flush()
        assert not second.loaded
        assert second.dirty
        other.rollback()
    second.flush()
    third = Ledger(path, wall=Clock())
    third.load()
    assert [(row.requests, row.nano_credits) for row in third.uses()] == [(4, 22)]
    assert third.uses() == second.uses()


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE use (day TEXT, account TEXT);",
        "INSERT INTO use (day, account, client, model) VALUES ('2099-01-01', 'a', 'b', 'c');",
        "INSERT INTO meter (day, account, id, used) VALUES ('2099-01-01', 'a', 'b', 'many');",
        "INSERT INTO meter (day, account, id, used) VALUES ('someday', 'a', 'b', 1.0);",
        "INSERT INTO use VALUES ('2026-13-99', 'a', 'b', 'c', 1, 0, 1, 1, 0, 0, 0, 0.0);",
    ],
)
def test_columns_that_are_not_ours_count_as_damaged(path: Path, script: str) -> None:
    path.parent.mkdir()
    tables = "" if script.startswith("CREATE") else ledger_module._TABLES
    with closing(sqlite3.connect(path)) as file:
        file.executescript(tables + script)
    ledger = Ledger(path, wall=Clock())
    ledger.count(exchange(), 1.0)
    ledger.load()
    assert path.with_suffix(".broken").exists()
    ledger.flush()
    again = Ledger(path, wall=Clock())
    again.load()
    assert [row.requests for row in again.uses()] == [1]


def test_a_clearing_is_not_undone_by_a_writing_under_way(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(path, wall=Clock())
    ledger.count(exchange(), 1.0)
    opened = ledger._open
    there, gate = threading.Event(), threading.Event()

    def slow() -> sqlite3.Connection:
        there.set()
        assert gate.wait(20)
        return opened()

    monkeypatch.setattr(ledger, "_open", slow)
    writing = threading.Thread(target=ledger.flush)
    clearing = threading.Thread(target=ledger.clear)
    writing.start()
    assert there.wait(20)
    clearing.start()
    clearing.join(0.2)  # as long as it would have taken to overtake
    gate.set()
    writing.join(20)
    clearing.join(20)
    again = Ledger(path, wall=Clock())
    again.load()
    assert again.uses() == ledger.uses() == ()


def refuse_deletes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows does while another program has the file open."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "The process cannot access the file")

    monkeypatch.setattr(os, "unlink", refused)


def test_clearing_empties_files_that_cannot_be_deleted(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(path)
    ledger.count(exchange(client="canary"), None)
    ledger.flush()
    aside = path.with_suffix(".broken")
    aside.write_bytes(b"canary of a damaged history")
    with monkeypatch.context() as windows:
        refuse_deletes(windows)
        assert ledger.clear()
    assert path.stat().st_size == 0
    assert aside.read_bytes() == b""
    ledger.count(exchange(client="after"), None)
    ledger.flush()
    again = Ledger(path)
    again.load()
    assert [row.client for row in again.uses()] == ["after"]


def test_a_clearing_that_the_disk_refuses_is_not_called_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(path)
    ledger.count(exchange(), None)
    ledger.flush()
    refuse_deletes(monkeypatch)

    def refused(*_: object) -> None:
        raise PermissionError(13, "The process cannot access the file")

    monkeypatch.setattr(os, "truncate", refused)
    assert not ledger.clear()
