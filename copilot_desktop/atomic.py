"""A file that is there whole or not at all, and readable for its owner only.

Ours in the data folder are replaced in one step; those that people asked for replace nothing. Until
then the content is in a hidden file beside, whose name says that it is ours: a program that is
killed leaves it behind, and `sweep` deletes it in a later run.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

MARK = ".copilot-desktop-"
ABANDONED = 60.0  # seconds; nobody writes for that long, not even on a disk that hangs
BUSY = 1.0  # seconds for other programs to let go of a file
_LOOK = 0.02
_HELD = (5, 32)  # Windows: access denied, sharing violation
_CREATE = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)  # fmt: skip


@contextmanager
def opened(path: Path, *, links: bool = False) -> Iterator[BinaryIO]:
    """A regular file, to be read. Raises OSError: also for what only waits, such as a pipe that was
    put in its place, and for a link, unless `links` may stand there."""
    follow = 0 if links else getattr(os, "O_NOFOLLOW", 0)
    flags = os.O_RDONLY | follow | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        yield file


def read_file(path: Path, limit: int, *, links: bool = False) -> bytes:
    """At most `limit` bytes of a file. Raises OSError as `opened` does."""
    with opened(path, links=links) as file:
        return file.read(limit)


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` to `path`: whoever reads sees the old file or the new one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=folder_mode(path.parent))
    with written_beside(path, content) as beside:
        put_in_place(beside, path)


def folder_mode(folder: Path) -> int:
    """For a new folder that is for its owner only.

    On Windows what is below the home folder is that by itself. There, from Python 3.13 on, 0700
    would close the folder to its user too where the program runs elevated, since administrators
    own what it makes then: another program's folder as well, if we are the first to need it.
    """
    if hasattr(os, "geteuid"):
        return 0o700
    with suppress(RuntimeError):  # nobody knows a home folder
        if folder.is_relative_to(Path.home()):
            return 0o777
    return 0o700


def create_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` where nothing is yet. Raises FileExistsError, OSError."""
    with written_beside(path, content) as beside:
        try:
            os.link(beside, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links, as on a USB stick
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            put_in_place(beside, path)


def put_in_place(beside: Path, path: Path) -> None:
    """Let `beside` become `path`. Raises OSError.

    Windows moves no file that somebody has open, and nothing over one. Scanners and indexers open
    what has just been written, for moments: they are waited for, `BUSY` seconds at most.
    """
    deadline = time.monotonic() + BUSY
    while True:
        try:
            beside.replace(path)
        except PermissionError as error:
            if getattr(error, "winerror", 0) not in _HELD or time.monotonic() >= deadline:
                raise
        else:
            return
        time.sleep(_LOOK)


def remove_file(path: Path) -> None:
    """Delete `path`, or at least what it holds. Raises OSError; no error if there is none.

    Windows deletes no file that somebody has open, be it a viewer or a virus scanner.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError:
        with suppress(FileNotFoundError):
            os.truncate(path, 0)


def unfinished(path: Path) -> str:
    """How the names of unfinished files beside `path` begin."""
    return f".{path.name}{MARK}"


def sweep(folder: Path, *, age: float = ABANDONED) -> None:
    """Delete what a kill has left unfinished in `folder` (not below it). Blocks; never raises.

    Younger files than `age` seconds stay, whatever the clock did since: another program of ours may
    be about to put them in their place.
    """
    with suppress(OSError):
        for left in folder.iterdir():
            if left.name.startswith(".") and MARK in left.name:
                with suppress(OSError):
                    found = left.lstat()
                    if stat.S_ISREG(found.st_mode) and abs(time.time() - found.st_mtime) >= age:
                        left.unlink()


@contextmanager
def written_beside(path: Path, content: bytes) -> Iterator[Path]:
    """`content` on the disk, beside `path`, until it is moved there or the end. Raises OSError."""
    # Not `tempfile`: in a folder that Windows closes to this program it tries name after name, up
    # to Python 3.12 for hours.
    beside = path.with_name(f"{unfinished(path)}{secrets.token_hex(8)}")
    handle = os.open(beside, _CREATE, 0o600)  # the owner's alone from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield beside
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
