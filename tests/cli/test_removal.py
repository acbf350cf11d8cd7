"""`remove-everything`: afterwards the home is as it was before the app came."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from copilot_desktop.cli import Ended, removal
from copilot_desktop.control.instance import claim
from copilot_desktop.core import settings_file
from copilot_desktop.core.reset import delete_folder
from copilot_desktop.demo import FakeUpstream
from tests.cli.terminal import Terminal, settings
from tests.cli.test_facts import sign_in
from tests.ports import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux's own places")

EDITOR_FILE = '{\n  "theme": "dark"\n}\n'


def tree(home: Path) -> dict[str, bytes]:
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


def editor(terminal: Terminal) -> Path:
    """Claude Code, with settings of its own."""
    file = terminal.home / ".claude" / "settings.json"
    file.parent.mkdir()
    file.write_text(EDITOR_FILE)
    return file


@pytest.mark.parametrize("running", [True, False])
async def test_nothing_is_left(terminal: Terminal, running: bool) -> None:
    file = editor(terminal)
    before = tree(terminal.home)
    terminal.without("DATA_DIR")  # the app's own folder
    terminal.environ |= settings(port=free_port())  # without one nothing is known of editors
    folder = terminal.home / ".local" / "share" / "copilot-desktop"
    async with FakeUpstream() as fake:
        terminal.folder = folder
        folder.mkdir(parents=True, mode=0o700)
        sign_in(terminal, fake)
        async with terminal.start("serve") as serve:
            await serve.until("Signed in as octo-user")
            async with terminal.commands() as commands:
                assert (await commands.run("connect", "claude-code", "--yes")).code == 0
                assert (await commands.run("autostart", "on")).code == 0
                assert file.read_text() != EDITOR_FILE
                if running:
                    gone = await commands.run("remove-everything", "--yes")
                    assert (await serve.end()).code == 0
        if not running:
            gone = await terminal.run("remove-everything", "--yes")
        assert (gone.code, gone.err) == (0, "")
        for word in ("Claude Code", "octo-user", "start at login", str(folder)):
            assert word in gone.out
        assert ("running app" in gone.out) is running
        assert tree(terminal.home) == before
        assert not folder.exists()


async def test_looking_changes_nothing_and_nobody_to_ask_is_no(terminal: Terminal) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        kept = terminal.token_file.read_bytes()
        async with terminal.commands() as commands:
            shown = await commands.run("remove-everything", "--dry-run")
            assert shown.code == 0
            assert "octo-user" in shown.out
            assert shown.out.startswith("This will be done:\n"), "nothing is, yet"
            assert f"Deleted in {terminal.folder}: " in shown.out, "not the folder itself"
        refused = await terminal.run("remove-everything")
        assert refused.code == 1
        assert "--yes" in refused.err
        assert terminal.token_file.read_bytes() == kept


async def test_where_nothing_is_nothing_comes(terminal: Terminal) -> None:
    done = await terminal.run("remove-everything", "--yes")
    assert (done.code, done.out) == (0, "There is nothing to delete.\n")
    assert not terminal.folder.exists()


async def test_what_cannot_be_undone_keeps_what_undoes_it(terminal: Terminal) -> None:
    file = editor(terminal)
    terminal.environ |= settings(port=free_port())
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.start("serve") as serve, terminal.commands() as commands:
            await serve.until("Signed in as octo-user")
            assert (await commands.run("connect", "claude-code", "--yes")).code == 0
        written = file.read_text()
        file.write_text(written.rstrip().removesuffix("}"))  # cannot be read any more
        failed = await terminal.run("remove-everything", "--yes")
        assert failed.code == 1
        assert str(terminal.folder) in failed.err
        assert not terminal.token_file.exists()
        file.write_text(written)
        assert (await terminal.run("remove-everything", "--yes")).code == 0
        assert json.loads(file.read_text()) == {"theme": "dark"}
        assert not terminal.folder.exists()


async def test_an_app_that_hangs_is_not_taken_for_one_that_ended(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go on with the sign-in, and write anew what was deleted."""
    monkeypatch.setattr(removal, "_ENDING", 0.3)
    held = claim(terminal.folder)
    assert held is not None
    preferences = settings_file.load({"data_dir": str(terminal.folder)}, {})
    with pytest.raises(Ended, match="does not end"):
        await removal._end_app(preferences)
    held.release()
    await removal._end_app(preferences)


def test_a_folder_that_was_moved_elsewhere_is_emptied_through_its_link(tmp_path: Path) -> None:
    link, moved = tmp_path / "copilot-desktop", tmp_path / "bigger disk"
    (moved / "tokens").mkdir(parents=True)
    (moved / "local-key").write_text("x")
    link.symlink_to(moved)
    assert delete_folder(link, whole=True) == []
    assert not list(moved.iterdir())


def test_in_a_chosen_folder_other_things_stay(tmp_path: Path) -> None:
    for name in ("settings.json.broken", "usage.sqlite3-wal", ".models.json.x3_1", "holiday.jpg"):
        (tmp_path / name).write_text("x")
    (tmp_path / "tokens").mkdir()
    assert delete_folder(tmp_path, whole=False) == [tmp_path / "holiday.jpg"]
