"""A file is replaced in one step, and nothing lies about when that failed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from copilot_desktop import atomic


def test_the_file_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "below" / "file.json"
    atomic.replace_file(path, b"one")
    atomic.replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_what_could_not_be_written_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.json"
    atomic.replace_file(path, b"one")

    def full(_handle: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        atomic.replace_file(path, b"two")
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_what_somebody_has_open_is_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    atomic.remove_file(path)  # nothing there is no error
    path.write_bytes(b"one")
    atomic.remove_file(path)
    assert not path.exists()
    path.write_bytes(b"one")

    def refused(_path: Path, **_: object) -> None:
        raise PermissionError(13, "The process cannot access the file")

    monkeypatch.setattr(Path, "unlink", refused)
    atomic.remove_file(path)
    assert path.read_bytes() == b""


@pytest.fixture(params=["links", "no links"])
def _disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_from: Path, _to: Path) -> None:
        raise PermissionError("operation not permitted")

    if request.param == "no links":
        monkeypatch.setattr(atomic.os, "link", refused)


@pytest.mark.usefixtures("_disk")
def test_a_new_file_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    atomic.create_file(path, b"one")
    with pytest.raises(FileExistsError):
        atomic.create_file(path, b"two")
    assert path.read_bytes() == b"one"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("_disk")
def test_a_new_file_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        atomic.create_file(tmp_path / "report.txt", b"half")
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic.create_file(tmp_path / "missing" / "report.txt", b"one")


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
def test_only_a_regular_file_is_read_and_nothing_is_waited_for(tmp_path: Path) -> None:
    file, link, pipe = tmp_path / "file", tmp_path / "link", tmp_path / "pipe"
    file.write_bytes(b"0123456789")
    link.symlink_to(file)
    os.mkfifo(pipe)
    assert atomic.read_file(file, 4) == b"0123"
    assert atomic.read_file(link, 100, links=True) == b"0123456789"
    for place, links in ((link, False), (pipe, False), (pipe, True), (tmp_path, True)):
        with pytest.raises(OSError):
            atomic.read_file(place, 100, links=links)


def written_and_killed(path: Path, *, ago: float = 2 * atomic.ABANDONED) -> Path:
    left = path.parent / f"{atomic.unfinished(path)}k1ll3d_x"
    left.write_bytes(b"half")
    os.utime(left, (time.time() - ago,) * 2)
    return left


def test_what_a_kill_left_unfinished_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "file.json", tmp_path / "folder" / "other.json"
    elsewhere.parent.mkdir()
    left, ahead = written_and_killed(path), written_and_killed(tmp_path / "b", ago=-3600)
    kept = [path, tmp_path / "file.json.copilot-desktop-1", tmp_path / ".file.json.swp"]
    for mine in kept:
        mine.write_bytes(b"mine")
        os.utime(mine, (0, 0))
    folder = tmp_path / f"{atomic.unfinished(path)}folder"
    folder.mkdir()
    kept += [
        folder,
        written_and_killed(path.with_name("new"), ago=0),
        written_and_killed(elsewhere),
    ]
    atomic.sweep(tmp_path)
    atomic.sweep(tmp_path / "missing")
    assert not left.exists()
    assert not ahead.exists(), "a clock that was wrong keeps nothing for ever"
    assert all(each.exists() for each in kept)


@pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")
def test_a_link_is_not_taken_for_something_unfinished(tmp_path: Path) -> None:
    mine, link = tmp_path / "mine", tmp_path / f"{atomic.unfinished(tmp_path / 'a')}k1ll3d"
    mine.write_bytes(b"mine")
    link.symlink_to(mine)
    atomic.sweep(tmp_path, age=0)
    assert link.is_symlink()
    assert mine.read_bytes() == b"mine"


def held_on_windows(code: int) -> PermissionError:
    error = PermissionError(13, "The process cannot access the file")
    error.winerror = code  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize("code", [5, 32])
def test_a_scanner_that_looks_into_a_file_stops_no_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """MoveFileEx fails with ERROR_ACCESS_DENIED or ERROR_SHARING_VIOLATION while another program
    has one of the two files open without FILE_SHARE_DELETE."""
    path, looks = tmp_path / "settings.json", 3
    atomic.replace_file(path, b"one")
    real = Path.replace

    def replace(beside: Path, target: Path) -> Path:
        nonlocal looks
        looks -= 1
        if looks > 0:
            raise held_on_windows(code)
        return real(beside, target)

    monkeypatch.setattr(Path, "replace", replace)
    atomic.replace_file(path, b"two")
    assert path.read_bytes() == b"two"


@pytest.mark.parametrize("error", [held_on_windows(32), PermissionError(13, "not yours")])
def test_a_file_that_stays_closed_is_trouble_within_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: PermissionError
) -> None:
    def refused(_beside: Path, _target: Path) -> None:
        raise error

    monkeypatch.setattr(atomic, "BUSY", 0.1)
    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(PermissionError):
        atomic.replace_file(tmp_path / "settings.json", b"one")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_nothing_is_trouble_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows `os.access` knows no access lists, and Python's `tempfile` takes their refusal for
    a name that is in use: up to 3.12 it tries 2,147,483,647 others (cpython 66305)."""
    real, tried = os.open, 0

    def refused(path: str, flags: int, *rest: int, **named: int) -> int:
        nonlocal tried
        if flags & os.O_CREAT:
            tried += 1
            assert tried < 100, "it goes on for hours"
            raise PermissionError(13, "Access is denied")
        return real(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", refused)
    windows = SimpleNamespace(**{**vars(os), "name": "nt"})
    monkeypatch.setattr("tempfile._os", windows)
    with pytest.raises(PermissionError):
        atomic.replace_file(tmp_path / "settings.json", b"one")
