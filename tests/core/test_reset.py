"""After a reset nothing that the app has kept is left, and it goes on as on the first day."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import pytest

from copilot_desktop.core import logs
from copilot_desktop.core.alerting import FILE_NAME as ALERTS
from copilot_desktop.core.playground import Run
from copilot_desktop.core.settings_file import FILE_NAME
from copilot_desktop.core.state import State
from copilot_desktop.errors import StorageFailed
from copilot_desktop.upstream.credentials import FileStore, token_file
from copilot_desktop.upstream.stores import StoredAccount
from tests.core_rig import running_core


def content(path: Path) -> str:
    return path.read_text("utf-8")


def tokens(folder: Path) -> list[Path]:
    return list((folder / "tokens").glob("*.json"))


def put_aside(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.broken")]


def signed_in(state: State) -> bool:
    return state.sign_in is None or state.sign_in.state == "done"


async def test_everything_is_forgotten(tmp_path: Path) -> None:
    try:
        logs.start(tmp_path, "info")
        async with running_core(tmp_path, token_store="file") as rig:
            await rig.do("accept_notice")
            await rig.do("start_at_login", on=True)
            await rig.do("update_settings", patch={"theme": "dark"})
            await rig.do("sign_in")
            await rig.until(lambda state: state.account.usable and signed_in(state))
            logging.getLogger("copilot_desktop.canary").warning("canary words")
            key = rig.core.key
            assert tokens(tmp_path)

            assert await rig.do("reset_everything", word="RESET") == {"ok": True}

            assert rig.core.session.account.state == "signed_out"
            assert not tokens(tmp_path)
            assert rig.core.settings.theme == "system"
            assert not rig.core.settings.notice_accepted
            assert rig.core.key != key
            assert not rig.system.item.there
            assert content(tmp_path / FILE_NAME).strip() == "{}"
            assert "canary" not in content(tmp_path / logs.FOLDER / logs.FILE_NAME)
            logging.getLogger("copilot_desktop.canary").warning("the log goes on")
            assert "the log goes on" in content(tmp_path / logs.FOLDER / logs.FILE_NAME)
    finally:
        logs.stop()


async def test_what_no_list_names_is_forgotten_as_well(tmp_path: Path) -> None:
    """Files that were kept aside hold keys and names, and a damaged list names no tokens."""
    aside = ("settings.json.broken", "local-keys.broken", "accounts.broken", "usage.broken")
    for name in (*aside, "holiday.broken"):
        (tmp_path / name).write_text("cd-secret")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens" / "github.com-9.json").write_text("{}")
    async with running_core(tmp_path) as rig:
        assert await rig.do("reset_everything", word="RESET") == {"ok": True}
    assert put_aside(tmp_path) == ["holiday.broken"]
    assert not tokens(tmp_path)


async def test_a_sign_in_beside_that_of_the_environment_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "tokens").mkdir()
    kept = StoredAccount("127.0.0.1", "octo-left", 1, "ghu_" + "L" * 36)
    store = FileStore(token_file(tmp_path))
    await store.save(kept)
    async with running_core(tmp_path, signed_in=True, token_store="file") as rig:
        assert await rig.do("reset_everything", word="RESET") == {"ok": True}
        assert await store.load() is None
        assert rig.core.session.account.source == "environment"


@pytest.mark.parametrize("word", ["", "reset", "yes"])
async def test_the_word_has_to_be_typed(tmp_path: Path, word: str) -> None:
    async with running_core(tmp_path) as rig:
        await rig.do("update_settings", patch={"theme": "dark"})
        assert (await rig.do("reset_everything", word=word))["code"] == "bad_arguments"
        assert rig.core.settings.theme == "dark"


async def test_one_part_that_fails_does_not_keep_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_core(tmp_path) as rig:
        await rig.do("update_settings", patch={"theme": "dark"})

        async def locked() -> None:
            raise StorageFailed("The keyring is locked.", fields={"where": "the keyring"})

        monkeypatch.setattr(rig.core.desk, "sign_out", locked)
        answer = await rig.do("reset_everything", word="RESET")
        assert (answer["ok"], answer["code"]) == (False, "storage_failed")
        assert rig.core.settings.theme == "system"


async def test_a_disk_that_deletes_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_core(tmp_path) as rig:

        async def read_only() -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        monkeypatch.setattr(rig.core.books, "clear", read_only)
        answer = await rig.do("reset_everything", word="RESET")
        told = f"Not everything could be deleted: {os.strerror(errno.EROFS)}."
        assert answer["message"] == told


async def test_an_account_that_cannot_be_deleted_does_not_keep_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_core(tmp_path, token_store="file") as rig:
        await rig.do("sign_in")
        await rig.until(lambda state: state.account.usable and signed_in(state))
        roster = rig.core.roster
        for number, login in ((91, "bert"), (92, "carla")):
            account = StoredAccount("github.com", login, number, "gho_" + login * 4)
            await roster.park(account, plan="", kind="file")
        drop = roster.drop

        async def locked(host: str, number: int) -> None:
            if number == 91:
                raise StorageFailed("The keyring is locked.", fields={"where": "the keyring"})
            await drop(host, number)

        monkeypatch.setattr(roster, "drop", locked)
        answer = await rig.do("reset_everything", word="RESET")
        assert (answer["ok"], answer["code"]) == (False, "storage_failed")
        assert [each.login for each in roster.parked] == ["bert"]
        assert rig.core.session.account.state == "signed_out"


async def test_what_was_told_and_shown_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / ALERTS).write_text('{"low|90|1234|chat": null}', "utf-8")
    async with running_core(tmp_path) as rig:
        logging.getLogger("copilot_desktop.canary").warning("canary words")
        lines, playground = rig.core.activity.lines, rig.core.activity.playground
        playground.run = Run(1, "done", text="canary answer")
        assert (await rig.do("reset_everything", word="RESET"))["ok"]
        assert content(tmp_path / ALERTS).strip() == "{}"
        assert not any("canary" in line.text for line in lines.since(0))
        assert playground.run == Run(1)


async def test_what_the_environment_decides_stays(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        assert (await rig.do("reset_everything", word="RESET"))["ok"]
        assert rig.core.session.account.source == "environment"
