"""What a file held before it was changed, kept in the app's own folder: five for each file.

A backup is a copy of the whole file, for its owner only. Its name tells where it comes from, and a
number that grows. Those that an undo still needs are kept beside the five.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection
from pathlib import Path

from copilot_desktop.atomic import create_file
from copilot_desktop.integrations.document import LARGEST
from copilot_desktop.system.files import private_folder, read_private

KEPT = 5
_ODD = re.compile(r"[^A-Za-z0-9_-]+")


class Backups:
    """`folder` may not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def next_name(self, path: Path) -> str:
        """The name that the next backup of `path` gets."""
        numbers = [_number(each) for each in self._of(path)]
        return f"{_stem(path)}.{max(numbers, default=0) + 1:04d}"

    def keep(self, path: Path, content: bytes) -> str:
        """Copy `content`; the name of the copy. Raises OSError."""
        private_folder(self.folder)
        while True:
            name = self.next_name(path)
            try:
                create_file(self.folder / name, content)
            except FileExistsError:
                continue
            return name

    def content(self, name: str) -> bytes | None:
        """What a backup holds; None if it is gone."""
        if not name or Path(name).name != name:
            return None
        try:
            return read_private(self.folder / name, LARGEST + 1)
        except OSError:
            return None

    def prune(self, path: Path, needed: Collection[str]) -> None:
        """Leave the five newest of `path`, and those that are `needed`. Raises OSError."""
        for old in self._of(path)[:-KEPT]:
            if old.name not in needed:
                old.unlink(missing_ok=True)

    def _of(self, path: Path) -> list[Path]:
        """The backups of `path`, oldest first."""
        found = (each for each in self.folder.glob(f"{_stem(path)}.*") if _number(each))
        return sorted(found, key=_number)


def _stem(path: Path) -> str:
    """Two parts that people know, and one that tells two such files apart."""
    known = "-".join(_ODD.sub("-", part).strip("-") for part in path.parts[-2:])
    return f"{known[:80]}.{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"


def _number(path: Path) -> int:
    digits = path.suffix[1:]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
