"""How the app's files in its data folder are called, and deleting these and no others.

Somebody may have chosen a folder with other things in it, also in folders that are called as ours
are: a project has its own `logs`, a book its own `contents`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from copilot_desktop.atomic import remove_file

TOP = ""
CONTENTS, EDITORS, BACKUPS, LOGS, TOKENS = (
    "contents",
    "editors",
    "editors/backups",
    "logs",
    "tokens",
)
DEMO = "demo"
ASIDE = r"(accounts|local-keys|settings\.json|usage)\.broken"

# By folder, the inner ones first; a test holds them to it.
_NAMES: Mapping[str, str] = {
    CONTENTS: r"\d{6,7}\.json",
    BACKUPS: r".+\.[0-9a-f]{8}\.\d{4,}",
    EDITORS: r"draft-keys\.json|lock|records\.(broken|json)",
    LOGS: r"copilot-desktop\.log(\.\d)?",
    TOKENS: r"token\.json|[a-z0-9._-]+-\d+\.json",
    TOP: (
        r"(accounts|alerts|brakes|instance|last|lessons|local-keys|models|settings|updates)\.json"
        r"|(instance|local-keys)\.lock|local-key|usage\.sqlite3(-journal|-shm|-wal)?|" + ASIDE
    ),
}
FOLDERS = tuple(name for name in _NAMES if name)


def has_run(folder: Path) -> bool:
    """Whether the app has had its files there."""
    try:
        return (folder / "instance.lock").is_file()
    except OSError:  # nobody may look into it
        return False


def delete(folder: Path, *places: str, names: str = "") -> list[Path]:
    """Delete the app's files from these folders below the data folder (without `places`: from all),
    then each such folder that is empty; what could not be deleted. Blocks; never raises.

    `names` (a pattern) narrows it. A file that was being written when the app was killed is hidden
    and bears the other one's name.
    """
    left = []
    for place in places or _NAMES:
        for path in _in(folder, place, names or _NAMES[place]):
            try:
                remove_file(path)
            except OSError:
                left.append(path)
        if place:
            with suppress(OSError):
                (folder / place).rmdir()
    return left


def _in(folder: Path, place: str, names: str) -> Iterator[Path]:
    """Through no link, but where the data folder itself is one."""
    below = folder
    for part in Path(place).parts:
        if (below := below / part).is_symlink():
            return
    ours = re.compile(rf"(?:{names})|\.(?:{names})\..+")
    for path in sorted(below.glob("*")):
        if ours.fullmatch(path.name) and (path.is_symlink() or not path.is_dir()):
            yield path
