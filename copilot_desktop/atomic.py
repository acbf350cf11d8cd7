"""A file that is there whole or not at all, and readable for its owner only.

Ours in the data folder are replaced in one step; those that people asked for replace nothing.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


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
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with written_beside(path, content, f".{path.name}.") as beside:
        beside.replace(path)


def create_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` where nothing is yet. Raises FileExistsError, OSError."""
    with written_beside(path, content, f".{path.name}.") as beside:
        try:
            os.link(beside, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links, as on a USB stick
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            beside.replace(path)


def remove_file(path: Path) -> None:
    """Delete `path`, or at least what it holds. Raises OSError; no error if there is none.

    Windows deletes no file that somebody has open, be it a viewer or a virus scanner.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError:
        with suppress(FileNotFoundError):
            os.truncate(path, 0)


@contextmanager
def written_beside(path: Path, content: bytes, prefix: str) -> Iterator[Path]:
    """`content` on the disk, beside `path`, for as long as it is not moved there. Its name begins
    with `prefix`. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix)  # 0600 from the start
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield beside
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
