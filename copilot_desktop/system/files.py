"""Files for the owner only, replaced as a whole.

A reader sees the old content or the new one, never half of it; nobody else can read the file at
any moment (`security-rules.md` 11).
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def private_folder(path: Path) -> Path:
    """Make sure that `path` is a folder with mode 0700. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        with contextlib.suppress(OSError):  # another owner's folder: writing will tell
            path.chmod(0o700)
    return path


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` by a file with mode 0600 and `content`. Raises OSError."""
    folder = private_folder(path.parent)
    temporary = folder / f".{path.name}.{secrets.token_hex(6)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
