"""Somebody has put links and pipes where files of ours belong: nothing is written through them, and
nothing waits for them.

The data folder is closed to others, but it may have been open once, or lie where a backup, a sync
or another program writes.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from copilot_desktop.control.app import open_control
from copilot_desktop.control.instance import claim, find
from copilot_desktop.core import logs, settings_file
from copilot_desktop.errors import Problem, StorageFailed
from copilot_desktop.upstream.stores import StoredAccount, to_text
from copilot_desktop.upstream.stores.file import FileStore
from tests.core_rig import CoreRig, running_core

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")

MINE = "not yours to change\n"
HELLO = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]}
LIMIT = 40.0  # seconds for a whole day


async def a_day(folder: Path) -> set[str]:
    """A run that reads and writes every file there is; the names of those that it leaves or had."""
    logs.start(folder, "debug")
    try:
        with suppress(Problem):
            settings_file.load({}, {}, folder / settings_file.FILE_NAME)
        instance = claim(folder)
        assert instance is not None
        find(folder)
        try:
            async with (
                running_core(folder, token_store="file") as rig,
                open_control(rig.core, instance),
            ):
                await use(rig)
                during = names(folder)
        finally:
            instance.release()
    finally:
        logs.stop()
    return during | names(folder)


async def use(rig: CoreRig) -> None:
    """Each verb may fail; that is told elsewhere."""
    await rig.do("sign_in")
    with suppress(TimeoutError):
        await rig.until(lambda state: state.quota.state == "ready", limit=3)
    await rig.do("start_recording")
    with suppress(aiohttp.ClientError):
        url = f"http://127.0.0.1:{rig.core.store.state.proxy.port}/v1/chat/completions"
        async with aiohttp.ClientSession() as http, http.post(url, json=HELLO) as answer:
            await answer.read()
    await rig.do("update_settings", patch={"theme": "dark"})
    await rig.do("make_key", name="mine")
    await rig.do("looking", screen="usage", front=True)


def names(folder: Path) -> set[str]:
    found = {path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}
    return {path.relative_to(folder).as_posix() for path in found if "home" not in path.parts}


def plant(kind: str, place: Path, victim: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if kind == "pipe":
        os.mkfifo(place)
        return
    if kind == "link":
        victim.write_text(MINE)
        victim.chmod(0o644)
    place.symlink_to(victim)


async def test_nothing_is_written_through_a_link_and_no_pipe_is_waited_for(tmp_path: Path) -> None:
    async with asyncio.timeout(LIMIT):
        ours = await a_day(tmp_path / "first")
    assert {"settings.json", "models.json", "usage.sqlite3", "instance.json"} <= ours, ours
    for kind in ("link", "nowhere", "pipe"):
        folder, outside = tmp_path / kind, tmp_path / f"{kind}-outside"
        folder.mkdir(mode=0o700)
        outside.mkdir()
        victims = {name: outside / name.replace("/", "-") for name in ours}
        for name, victim in victims.items():
            plant(kind, folder / name, victim)
        async with asyncio.timeout(LIMIT):
            await a_day(folder)
        for name, victim in victims.items():
            if kind == "link":
                assert victim.read_text() == MINE, name
                assert stat.S_IMODE(victim.stat().st_mode) == 0o644, name
            else:
                assert not victim.exists(), f"{name}: {kind}"


async def test_what_is_ours_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    before = os.umask(0o022)  # as a desktop has it, without what the program sets at its start
    try:
        ours = await a_day(folder)
    finally:
        os.umask(before)
    assert len(ours) > 8
    for path in [folder, *folder.rglob("*")]:
        if "home" not in path.parts and "Downloads" not in path.parts:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.parametrize("verb", ["load", "save", "delete"])
async def test_a_token_file_that_is_swapped_between_look_and_use_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    path, theirs = tmp_path / "ours" / "token.json", tmp_path / "theirs.json"
    mine = StoredAccount("github.com", "mine", 1, "ghu_" + "m" * 36)
    text = to_text(StoredAccount("github.com", "theirs", 2, "ghu_" + "t" * 36))
    theirs.write_text(text)
    theirs.chmod(0o644)
    store = FileStore(path)
    await store.save(mine)
    look = FileStore._refuse_odd

    def swapped(self: FileStore) -> None:
        look(self)
        path.unlink()
        path.symlink_to(theirs)

    monkeypatch.setattr(FileStore, "_refuse_odd", swapped)
    match verb:
        case "load":
            with pytest.raises(StorageFailed):
                await store.load()
        case "save":
            with suppress(StorageFailed):  # what was written is read back, and is swapped again
                await store.save(mine)
        case _:
            await store.delete()
    assert theirs.read_text() == text
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o644
