"""Files for the owner only, replaced as a whole.

A reader sees the old content or the new one, never half of it; nobody else can read the file at
any moment (`security-rules.md` 11).
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from copilot_desktop.atomic import folder_mode, opened, replace_file


def private_folder(path: Path) -> Path:
    """Make sure that `path` is a folder with mode 0700. Raises OSError."""
    path.mkdir(mode=folder_mode(path), parents=True, exist_ok=True)
    mode = path.stat().st_mode
    if mode & 0o077 and not mode & stat.S_ISVTX:  # /tmp and the like belong to everybody
        with contextlib.suppress(OSError):  # another owner's folder: writing will tell
            path.chmod(0o700)
    return path


def read_private(path: Path, limit: int = 65_536) -> bytes:
    """The content of a file of ours, at most `limit` bytes; a file that others could read is
    closed to them. Raises OSError, also for links and for what is no regular file."""
    with opened(path) as file:
        if os.fstat(file.fileno()).st_mode & 0o077 and hasattr(os, "fchmod"):
            with contextlib.suppress(OSError):  # a read-only disk stays as it is
                os.fchmod(file.fileno(), 0o600)
        return file.read(limit)


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` by a file with mode 0600 and `content`. Raises OSError."""
    private_folder(path.parent)
    replace_file(path, content)
