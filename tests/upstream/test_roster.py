"""Accounts that are signed in but not in use: kept, found again, and gone when removed."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.errors import InvalidRequest, StorageFailed
from copilot_desktop.upstream import roster as roster_module
from copilot_desktop.upstream.credentials import slot_store
from copilot_desktop.upstream.roster import FILE_NAME, Parked, Roster
from copilot_desktop.upstream.stores import StoredAccount, TokenStore, storage_failed

A = StoredAccount("github.com", "octo-user", 1, "ghu_" + "A" * 36)
B = StoredAccount("acme.ghe.com", "octo-user", 1, "ghu_" + "B" * 36)


def roster_in(folder: Path) -> Roster:
    return Roster(
        folder / FILE_NAME,
        lambda kind, host, number: slot_store(kind, host, number, data_dir=folder),
    )


async def test_parked_accounts_are_there_at_the_next_start(tmp_path: Path) -> None:
    roster = roster_in(tmp_path)
    heard: list[int] = []
    roster.on_change = lambda: heard.append(len(roster.parked))
    await roster.park(A, plan="Pro", kind="file")
    await roster.park(B, plan="Business", kind="file")
    assert heard == [1, 2]
    text = (tmp_path / FILE_NAME).read_text()
    assert A.token not in text
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    again = roster_in(tmp_path)
    await again.load()
    assert {(each.host, each.id, each.plan) for each in again.parked} == {
        ("github.com", 1, "Pro"),
        ("acme.ghe.com", 1, "Business"),
    }
    assert await again.fetch("github.com", 1) == A
    assert await again.fetch("acme.ghe.com", 1) == B
    await again.drop("github.com", 1)
    assert [each.host for each in again.parked] == ["acme.ghe.com"]
    assert [path.name for path in (tmp_path / "tokens").iterdir()] == ["acme.ghe.com-1.json"]
    await again.drop("github.com", 1)  # nothing there is no error


async def test_the_same_account_again_takes_its_own_place(tmp_path: Path) -> None:
    roster = roster_in(tmp_path)
    await roster.park(A, plan="Pro", kind="memory")
    newer = StoredAccount(A.host, A.login, A.id, "ghu_" + "N" * 36)
    await roster.park(newer, plan="Pro+", kind="file")
    (only,) = roster.parked
    assert (only.plan, only.kind) == ("Pro+", "file")
    assert await roster.fetch(A.host, A.id) == newer


async def test_memory_is_listed_but_not_written(tmp_path: Path) -> None:
    roster = roster_in(tmp_path)
    await roster.park(A, plan="", kind="memory")
    assert await roster.fetch(A.host, A.id) == A
    assert not (tmp_path / FILE_NAME).exists()
    assert not (tmp_path / "tokens").exists()


async def test_a_sign_in_that_somebody_deleted_is_said_and_not_listed_again(
    tmp_path: Path,
) -> None:
    roster = roster_in(tmp_path)
    await roster.park(A, plan="", kind="file")
    (tmp_path / "tokens" / "github.com-1.json").unlink()
    with pytest.raises(InvalidRequest, match="Sign in again"):
        await roster.fetch(A.host, A.id)
    assert roster.parked == ()
    with pytest.raises(InvalidRequest, match="no such account"):
        await roster.fetch(A.host, A.id)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"v": 2, "accounts": []}',
        '{"v": 1}',
        '{"v": 1, "accounts": [{"host": "github.com"}]}',
        '{"v": 1, "accounts": 7}',
    ],
)
async def test_an_index_that_cannot_be_understood_is_put_aside(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    roster = roster_in(tmp_path)
    await roster.load()
    assert roster.parked == ()
    assert (tmp_path / "accounts.broken").read_text() == content
    await roster.park(A, plan="", kind="file")


@pytest.mark.parametrize(
    "entry",
    [
        {"host": "../../etc", "id": 1, "kept": "file"},
        {"host": "a..b", "id": 1, "kept": "file"},
        {"host": "github.com", "id": "1", "kept": "file"},
        {"host": "github.com", "id": True, "kept": "file"},
        {"host": "github.com", "id": 1, "kept": "environment"},
    ],
)
async def test_an_entry_that_makes_no_sense_is_left_out(
    tmp_path: Path, entry: dict[str, Any]
) -> None:
    good = {"host": "github.com", "id": 5, "login": "x", "plan": "", "kept": "file"}
    (tmp_path / FILE_NAME).write_text(json.dumps({"v": 1, "accounts": [entry, good]}))
    roster = roster_in(tmp_path)
    await roster.load()
    assert [each.id for each in roster.parked] == [5]


class Guarded:
    """A store that fails at one of its verbs."""

    def __init__(self, inner: TokenStore, fails: Callable[[str], bool]) -> None:
        self._inner, self._fails = inner, fails
        self.name, self.where, self.read_only = inner.name, inner.where, inner.read_only

    def why_not(self) -> str | None:
        return None

    async def load(self) -> StoredAccount | None:
        self._check("load")
        return await self._inner.load()

    async def save(self, account: StoredAccount) -> None:
        self._check("save")
        await self._inner.save(account)

    async def delete(self) -> None:
        self._check("delete")
        await self._inner.delete()

    def _check(self, verb: str) -> None:
        if self._fails(verb):
            raise storage_failed(self.where, "It is locked.")


async def test_a_locked_store_is_told_and_nothing_is_forgotten(tmp_path: Path) -> None:
    locked: list[str] = []

    def slot(kind: str, host: str, number: int) -> TokenStore:
        return Guarded(
            slot_store(kind, host, number, data_dir=tmp_path), lambda verb: verb in locked
        )

    roster = Roster(tmp_path / FILE_NAME, slot)
    await roster.park(A, plan="", kind="file")
    locked += ["load", "save", "delete"]
    for work in (roster.fetch(A.host, 1), roster.drop(A.host, 1)):
        with pytest.raises(StorageFailed, match="locked"):
            await work
    with pytest.raises(StorageFailed):
        await roster.park(B, plan="", kind="file")
    locked.clear()
    assert await roster.fetch(A.host, 1) == A


async def test_two_without_a_number_do_not_take_each_others_place(tmp_path: Path) -> None:
    roster = roster_in(tmp_path)
    unknown = StoredAccount("github.com", "", 0, A.token)
    await roster.park(unknown, plan="", kind="file")
    await roster.park(unknown, plan="", kind="file")
    with pytest.raises(StorageFailed):
        await roster.park(StoredAccount("github.com", "", 0, B.token), plan="", kind="file")
    assert await roster.fetch("github.com", 0) == unknown


async def test_changes_at_the_same_time_all_count(tmp_path: Path) -> None:
    roster = roster_in(tmp_path)
    c = StoredAccount("github.com", "octo-hana", 3, "ghu_" + "C" * 36)
    await roster.park(A, plan="", kind="file")
    await roster.park(B, plan="", kind="file")
    await asyncio.gather(roster.park(c, plan="", kind="file"), roster.drop(A.host, A.id))
    assert {each.host + each.login for each in roster.parked} == {
        B.host + B.login,
        c.host + c.login,
    }
    again = roster_in(tmp_path)
    await again.load()
    assert await again.fetch(c.host, c.id) == c
    await asyncio.gather(roster.drop(B.host, B.id), roster.drop(c.host, c.id))
    assert roster.parked == ()
    assert json.loads((tmp_path / FILE_NAME).read_text())["accounts"] == []


async def test_two_programs_that_park_lose_nobody(tmp_path: Path) -> None:
    """A sign-in in a terminal waits for minutes, and another one may end in between."""
    one, other = roster_in(tmp_path), roster_in(tmp_path)
    await one.load()
    await other.load()
    await one.park(A, plan="Pro", kind="file")
    await other.park(B, plan="Business", kind="file")
    again = roster_in(tmp_path)
    await again.load()
    assert {each.host for each in again.parked} == {A.host, B.host}
    assert await one.fetch(B.host, B.id) == B
    await other.drop(A.host, A.id)
    with pytest.raises(InvalidRequest, match="no such account"):
        await one.fetch(A.host, A.id)
    assert [each.host for each in one.parked] == [B.host]


async def test_a_list_that_is_gone_is_written_anew(tmp_path: Path) -> None:
    roster = roster_in(tmp_path)
    await roster.park(A, plan="Pro", kind="file")
    (tmp_path / FILE_NAME).unlink()
    await roster.park(B, plan="Business", kind="file")
    again = roster_in(tmp_path)
    await again.load()
    assert {each.host for each in again.parked} == {A.host, B.host}


async def test_an_account_that_is_parked_while_the_list_is_read_loses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = roster_in(tmp_path)
    await before.park(A, plan="Pro", kind="file")
    read, go_on = roster_module._read, threading.Event()

    def slow(path: Path) -> list[Parked]:
        found = list(read(path))
        assert go_on.wait(10)
        return found

    monkeypatch.setattr(roster_module, "_read", slow)
    roster = roster_in(tmp_path)
    loading = asyncio.ensure_future(roster.load())
    parking = asyncio.ensure_future(roster.park(B, plan="Business", kind="file"))
    for _ in range(10):
        await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(loading, parking)
    assert {each.host for each in roster.parked} == {A.host, B.host}
    again = roster_in(tmp_path)
    await again.load()
    assert {each.host for each in again.parked} == {A.host, B.host}


async def test_a_change_before_the_list_was_read_keeps_who_is_in_it(tmp_path: Path) -> None:
    await roster_in(tmp_path).park(A, plan="Pro", kind="file")
    roster = roster_in(tmp_path)
    await roster.park(B, plan="Business", kind="memory")
    await roster.load()
    assert {each.host for each in roster.parked} == {A.host, B.host}


async def test_a_list_that_cannot_be_read_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await roster_in(tmp_path).park(A, plan="Pro", kind="file")
    index = (tmp_path / FILE_NAME).read_bytes()

    def refused(_: Path) -> list[Parked]:
        raise PermissionError(13, "locked")

    roster = roster_in(tmp_path)
    with monkeypatch.context() as locked:
        locked.setattr(roster_module, "_read", refused)
        await roster.load()
        with pytest.raises(StorageFailed):
            await roster.park(B, plan="Business", kind="file")
        await roster.park(B, plan="Business", kind="memory")
        assert (tmp_path / FILE_NAME).read_bytes() == index
    await roster.drop(B.host, B.id)
    assert [each.host for each in roster.parked] == [A.host]
