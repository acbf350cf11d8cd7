"""Files that only their owner can read, and that are never half written."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from copilot_desktop.atomic import replace_file
from copilot_desktop.integrations.document import read, write
from copilot_desktop.system.files import private_folder, read_private, write_private

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_and_its_folder_are_for_the_owner_only(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        write_private(tmp_path / "deep" / "token.json", b"secret")
    finally:
        os.umask(old)
    assert mode(tmp_path / "deep" / "token.json") == 0o600
    assert mode(tmp_path / "deep") == 0o700


def test_an_open_folder_is_tightened(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    private_folder(tmp_path / "open")
    assert mode(tmp_path / "open") == 0o700


def test_a_link_at_the_final_path_is_replaced_and_its_target_untouched(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"mine")
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "file").symlink_to(target)
    write_private(tmp_path / "box" / "file", b"new")
    assert target.read_bytes() == b"mine"
    assert not (tmp_path / "box" / "file").is_symlink()


def test_a_failed_write_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "box" / "file"
    write_private(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_folder_that_belongs_to_everybody_stays_so(tmp_path: Path) -> None:
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    private_folder(shared)
    assert mode(shared) == 0o1777


def test_what_is_read_is_closed_to_others(tmp_path: Path) -> None:
    kept = tmp_path / "key"
    kept.write_bytes(b"secret")
    kept.chmod(0o644)
    assert read_private(kept) == b"secret"
    assert mode(kept) == 0o600
    assert read_private(kept, limit=3) == b"sec"


def test_neither_links_nor_pipes_are_read(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"somebody else's")
    (tmp_path / "link").symlink_to(tmp_path / "other")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "missing", "."):
        with pytest.raises(OSError, match=r"."):
            read_private(tmp_path / name)


def test_an_elevated_start_on_windows_locks_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There, from Python 3.13 on, 0700 closes a new folder to all but SYSTEM, administrators and
    its owner, and what an elevated program makes is owned by the administrators (cpython 157876).
    What is below the home folder is private without that."""
    made: list[tuple[Path, int]] = []
    real = Path.mkdir

    def mkdir(folder: Path, mode: int = 0o777, **named: bool) -> None:
        if not folder.exists():
            made.append((folder, mode))
        real(folder, mode, **named)

    home, elsewhere = tmp_path / "home", tmp_path / "d"
    home.mkdir()
    elsewhere.mkdir()
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.setattr(Path, "mkdir", mkdir)
    monkeypatch.delattr(os, "geteuid")
    write_private(home / "ours" / "settings.json", b"{}")
    replace_file(home / "agents" / "x.plist", b"")
    write(read(home / ".codex" / "config.toml", home), b"")
    write_private(elsewhere / "ours" / "settings.json", b"{}")
    assert [(folder.name, mode) for folder, mode in made] == [
        ("ours", 0o777),
        ("agents", 0o777),
        (".codex", 0o777),
        ("ours", 0o700),
    ]
