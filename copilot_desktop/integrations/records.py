"""What was written for whom: the ledger that makes an undo possible, in one file of mode 0600.

Before files are changed, the ledger says what is about to happen (an intent); afterwards it says
that it has. Whoever finds an intent finds out from the files how far it came. A former value may be
a secret of the user's, so the file is for its owner only, like the backups beside it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from copilot_desktop.integrations.edits import ABSENT, Absent, Item, Place, Step
from copilot_desktop.integrations.entries import Entry
from copilot_desktop.system.files import read_private, write_private

log = logging.getLogger(__name__)

FILE_NAME = "records.json"
VERSION = 1
_LARGEST = 64 * 1024 * 1024  # bytes; former values are parts of files of 1 MiB
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Original:
    """The bytes from before we came, by digest, and the backup that holds them. `digest` None:
    there was no file."""

    digest: str | None
    backup: str


@dataclass(frozen=True, slots=True)
class Written:
    """What one tool got in one file. `after` is the digest of the file as we left it; `original`
    is None where the file had been changed by others between two writings of ours."""

    path: Path
    entries: tuple[Entry, ...]
    after: str | None
    original: Original | None = None
    backup: str = ""  # the newest one, for people


@dataclass(frozen=True, slots=True)
class Connected:
    """One tool. `at` is epoch seconds; `key` is the digest of the key that was written. `moved`:
    its files are in another folder since, and may name the old one."""

    at: float
    address: str
    key: str
    files: tuple[Written, ...]
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """What is of our making in a file that several tools may share: the file itself, folders on
    the way to it, and mappings and lists in it."""

    new: bool = False
    folders: tuple[Path, ...] = ()
    made: frozenset[Place] = frozenset()


@dataclass(frozen=True, slots=True)
class Ledger:
    """`ports` and `keys` (digests) are all that were ever written; `chosen`: role → model, for each
    tool, also after an undo."""

    tools: Mapping[str, Connected] = field(default_factory=dict)
    origins: Mapping[Path, Origin] = field(default_factory=dict)
    chosen: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ports: frozenset[int] = frozenset()
    keys: frozenset[str] = frozenset()

    def without(self, tool: str) -> Ledger:
        kept = {name: each for name, each in self.tools.items() if name != tool}
        return replace(self, tools=kept)

    def backups_of(self, path: Path) -> frozenset[str]:
        """Those that an undo may still need."""
        return frozenset(
            written.original.backup
            for tool in self.tools.values()
            for written in tool.files
            if written.path == path and written.original
        )


@dataclass(frozen=True, slots=True)
class Move:
    """One file that goes from one content to another; digests, None for no file."""

    path: Path
    before: str | None
    after: str | None
    backup: str


@dataclass(frozen=True, slots=True)
class Intent:
    """`then` is the ledger once all files are moved."""

    moves: tuple[Move, ...]
    then: Ledger


class Records:
    """The file in `folder`, for the files below `home`. Whoever writes holds the lock of the
    engine."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.path = folder / FILE_NAME
        self._home = home

    def load(self) -> tuple[Ledger, Intent | None]:
        """Raises OSError. What cannot be understood is kept aside."""
        try:
            content = read_private(self.path, _LARGEST)
        except FileNotFoundError:
            return Ledger(), None
        try:
            kept = json.loads(content)
            ledger, intent = _ledger(kept), _intent(kept.get("intent"))
            there = self._there(kept.get("home"))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            log.warning("The records of editors cannot be read; they are kept aside")
            self.path.replace(self.path.with_suffix(".broken"))
            return Ledger(), None
        if there is None:
            return ledger, intent
        return _ledger_at(ledger, there), intent and _intent_at(intent, there)

    def save(self, ledger: Ledger, intent: Intent | None = None) -> None:
        """Raises OSError."""
        kept = {"v": VERSION, "home": str(self._home), **_ledger_json(ledger)}
        if intent is not None:
            moves = [_move_json(move) for move in intent.moves]
            kept["intent"] = {"moves": moves, "then": _ledger_json(intent.then)}
        write_private(self.path, json.dumps(kept, indent=1, default=str).encode() + b"\n")

    def _there(self, kept: object) -> Callable[[Path], Path] | None:
        """Where files are by now if the home folder has another name than when they were written:
        it was renamed, or brought to another machine, and our folder in it came along."""
        home = self._home
        if not isinstance(kept, str) or kept == str(home) or not self.path.is_relative_to(home):
            return None
        before = Path(kept)

        def there(path: Path) -> Path:
            if path.is_relative_to(home) or not path.is_relative_to(before):
                return path
            return home / path.relative_to(before)

        return there


def _ledger_at(ledger: Ledger, there: Callable[[Path], Path]) -> Ledger:
    def moved(tool: Connected) -> Connected:
        files = tuple(replace(each, path=there(each.path)) for each in tool.files)
        return replace(tool, files=files, moved=tool.moved or files != tool.files)

    origins = {
        there(path): replace(origin, folders=tuple(map(there, origin.folders)))
        for path, origin in ledger.origins.items()
    }
    tools = {name: moved(each) for name, each in ledger.tools.items()}
    return replace(ledger, tools=tools, origins=origins)


def _intent_at(intent: Intent, there: Callable[[Path], Path]) -> Intent:
    moves = tuple(replace(move, path=there(move.path)) for move in intent.moves)
    return Intent(moves, _ledger_at(intent.then, there))


# ------------------------------------------------------------------------ to and from JSON


def _ledger_json(ledger: Ledger) -> Json:
    return {
        "tools": {name: _connected_json(each) for name, each in ledger.tools.items()},
        "origins": {str(path): _origin_json(each) for path, each in ledger.origins.items()},
        "chosen": {name: dict(roles) for name, roles in ledger.chosen.items()},
        "ports": sorted(ledger.ports),
        "keys": sorted(ledger.keys),
    }


def _ledger(kept: Json) -> Ledger:
    return Ledger(
        {name: _connected(each) for name, each in kept["tools"].items()},
        {Path(path): _origin(each) for path, each in kept["origins"].items()},
        {name: dict(roles) for name, roles in kept["chosen"].items()},
        frozenset(int(port) for port in kept["ports"]),
        frozenset(str(key) for key in kept["keys"]),
    )


def _connected_json(tool: Connected) -> Json:
    files = [_written_json(each) for each in tool.files]
    moved = {"moved": True} if tool.moved else {}
    return {"at": tool.at, "address": tool.address, "key": tool.key, "files": files, **moved}


def _connected(kept: Json) -> Connected:
    files = tuple(_written(each) for each in kept["files"])
    at, address, key = float(kept["at"]), str(kept["address"]), str(kept["key"])
    return Connected(at, address, key, files, bool(kept.get("moved")))


def _written_json(written: Written) -> Json:
    original = written.original
    return {
        "path": str(written.path),
        "after": written.after,
        "backup": written.backup,
        "original": [original.digest, original.backup] if original else None,
        "entries": [_entry_json(each) for each in written.entries],
    }


def _written(kept: Json) -> Written:
    original = Original(*kept["original"]) if kept["original"] else None
    entries = tuple(_entry(each) for each in kept["entries"])
    return Written(Path(kept["path"]), entries, kept["after"], original, kept["backup"])


def _entry_json(entry: Entry) -> Json:
    former = {} if isinstance(entry.former, Absent) else {"former": entry.former}
    place = _place_json(entry.place)
    gently = {"gently": True} if entry.gently else {}
    return {"place": place, "format": entry.format, "written": entry.written, **former, **gently}


def _entry(kept: Json) -> Entry:
    former = kept.get("former", ABSENT)
    gently = bool(kept.get("gently"))
    return Entry(_place(kept["place"]), kept["format"], former, kept["written"], gently)


def _origin_json(origin: Origin) -> Json:
    return {
        "new": origin.new,
        "folders": [str(folder) for folder in origin.folders],
        "made": sorted((_place_json(place) for place in origin.made), key=str),
    }


def _origin(kept: Json) -> Origin:
    folders = tuple(Path(folder) for folder in kept["folders"])
    return Origin(bool(kept["new"]), folders, frozenset(_place(each) for each in kept["made"]))


def _move_json(move: Move) -> Json:
    return {
        "path": str(move.path),
        "before": move.before,
        "after": move.after,
        "backup": move.backup,
    }


def _intent(kept: Json | None) -> Intent | None:
    if kept is None:
        return None
    moves = tuple(
        Move(Path(m["path"]), m["before"], m["after"], m["backup"]) for m in kept["moves"]
    )
    return Intent(moves, _ledger(kept["then"]))


def _place_json(place: Place) -> list[object]:
    return [[step.key, step.value] if isinstance(step, Item) else step for step in place]


def _place(kept: list[Any]) -> Place:
    steps: list[Step] = [step if isinstance(step, str) else Item(*step) for step in kept]
    return tuple(steps)
