"""What the app deletes is its own, also in a folder in which there are other things."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from copilot_desktop.control.instance import claim, take_turn
from copilot_desktop.core import logs, own_files
from copilot_desktop.core.reset import delete_folder
from copilot_desktop.proxy.exchange import Exchange
from tests.core.test_recording import taped
from tests.core_rig import running_core
from tests.life.test_own_files import a_full_life

# Of somebody whose project, book or notes are where the app was told to keep its things.
THEIRS = (
    "contents/chapter-1.md", "contents/img/a.png", "contents/2024.json", "demo/app.py",
    "demo/index.html", "editors/vim.md", "editors/backups/vimrc", "instance.tf",
    "local-keys.md", "logs/build.log", "tokens/words.json", "tokens/tokenizer.py",
    "models.json.md", "src/main.py",
)  # fmt: skip


def found(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def theirs(folder: Path) -> set[str]:
    for name in THEIRS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("theirs")
    return set(THEIRS)


async def a_long_life(folder: Path) -> None:
    """Leaves every file that there can be, also of a run that was killed."""
    await a_full_life(folder)
    instance, end_turn = claim(folder), take_turn(folder, "local-keys.lock", 1)
    assert instance is not None
    assert end_turn is not None
    instance.publish(1)
    end_turn()
    logs.start(folder, "info")
    logs.stop()
    for name in (
        "accounts.broken", "local-keys.broken", "settings.json.broken", "usage.broken",
        "usage.sqlite3-journal", "logs/copilot-desktop.log.1", "editors/records.broken",
        ".models.json.copilot-desktop-4711", "tokens/.token.json.copilot-desktop-4711",
        "contents/000001.json", "contents/.000002.json.copilot-desktop-4711",
        "demo/instance.lock", "demo/local-key", "demo/logs/copilot-desktop.log",
        "demo/demo/editors/records.json", "demo/demo/home/.claude/settings.json",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("ours")


async def test_all_that_the_app_writes_is_known_as_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "chosen"
    await a_long_life(folder)
    assert [path.name for path in delete_folder(folder, whole=False)] == ["home"]  # the test's own


async def test_what_others_keep_there_stays_whatever_it_is_called(tmp_path: Path) -> None:
    kept = theirs(tmp_path)
    async with running_core(tmp_path, token_store="file") as rig:
        assert found(tmp_path) >= kept, "not even the start may cost anything"
        await rig.do("start_recording")
        recorder = rig.core.activity.recorder
        recorder.keep(Exchange(1, "curl", "openai_chat"), taped(b"words"))
        while "contents/000001.json" not in found(tmp_path):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await rig.do("reset_everything", word="RESET")
        assert "contents/000001.json" not in found(tmp_path)
        assert found(tmp_path) >= kept
    await a_long_life(tmp_path)
    delete_folder(tmp_path, whole=False)
    left = {name for name in found(tmp_path) if not name.startswith("home/")}
    assert left == kept


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_through_a_link_nothing_is_deleted(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "backups").mkdir(parents=True)
    (elsewhere / "lock").write_text("theirs")
    (elsewhere / "backups" / "a.0a1b2c3d.0001").write_text("theirs")
    folder = tmp_path / "chosen"
    folder.mkdir()
    (folder / "editors").symlink_to(elsewhere)
    own_files.delete(folder)
    assert found(elsewhere) == {"lock", "backups/a.0a1b2c3d.0001"}
