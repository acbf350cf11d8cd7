"""The local key: what editors send where the proxy asks for one. Never GitHub's, never sent there.

Made once with 256 random bits and kept in a file of its own with mode 0600, so that the settings
file holds no secret. On a disk that takes nothing it lasts until the app ends.
"""

from __future__ import annotations

import logging
import re
import secrets
from pathlib import Path

from copilot_desktop.system.files import read_private, write_private

log = logging.getLogger(__name__)

FILE_NAME = "local-key"
_SHAPE = re.compile(r"cd-[A-Za-z0-9_-]{43}")


def load_or_make(data_dir: Path) -> str:
    """The kept key, or a new one if there is none (or none that could be ours)."""
    path = data_dir / FILE_NAME
    try:
        kept = read_private(path).decode("ascii").strip()
    except (OSError, ValueError):
        kept = ""
    if not _SHAPE.fullmatch(kept):
        return make(data_dir)
    return kept


def make(data_dir: Path) -> str:
    """A new key, kept instead of the old one."""
    key = "cd-" + secrets.token_urlsafe(32)
    try:
        write_private(data_dir / FILE_NAME, key.encode() + b"\n")
    except OSError as error:
        log.warning("The local key could not be kept: %s", error.strerror)
    return key


def hint(key: str) -> str:
    """What may be shown of a key: its last four characters."""
    return key[-4:]
