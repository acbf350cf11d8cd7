"""Carrying out changes of several files: all of them or none, whenever it ends in between.

The order is: backups, the intent in the ledger, the files, the ledger without the intent. Where a
file cannot be written, those before it are put back at once. After a sudden end the next look finds
the intent and compares the files with it: if all have moved, they have; if only some have, these go
back from their backups. One change at a time, also among processes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from copilot_desktop.integrations.backups import Backups
from copilot_desktop.integrations.document import (
    Document,
    digest_of,
    read,
    remove,
    remove_folders,
    sweep,
    write,
)
from copilot_desktop.integrations.planning import Change
from copilot_desktop.integrations.records import Intent, Ledger, Move, Records
from copilot_desktop.integrations.refusals import Unusable, refused
from copilot_desktop.system.files import private_folder

log = logging.getLogger(__name__)

LOCK_NAME = "lock"
LOCK_SECONDS = 10.0
BACKUPS = "backups"
Then = Callable[[Mapping[Path, str]], Ledger]  # from the names of the backups


class Carrier:
    """`folder` is the app's own; it may not exist yet. `home` is the user's."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        self.backups = Backups(folder / BACKUPS)
        self._records = Records(folder, home)

    def ledger(self) -> Ledger:
        """What was written, for a look. Raises InvalidRequest."""
        ledger, intent = self._load()
        if intent is None:
            return ledger
        with self.held() as healed:
            return healed

    @contextmanager
    def held(self) -> Iterator[Ledger]:
        """What was written, while nobody else changes anything. Raises InvalidRequest."""
        from filelock import FileLock, Timeout  # noqa: PLC0415  (only a change needs it)

        try:
            private_folder(self.folder)
            lock = FileLock(self.folder / LOCK_NAME, timeout=LOCK_SECONDS)
            lock.acquire()
        except Timeout:
            raise refused("busy") from None
        except OSError:
            raise refused("records") from None
        try:
            ledger, intent = self._load()
            yield self._heal(ledger, intent) if intent else ledger
        finally:
            lock.release()

    def keep(self, ledger: Ledger) -> None:
        """Remember without changing any file. Raises InvalidRequest."""
        try:
            self._records.save(ledger)
        except OSError:
            raise refused("records") from None

    def carry_out(self, ledger: Ledger, changes: Sequence[Change], then: Then) -> None:
        """Change all files that are to be changed. Raises Unusable, InvalidRequest, and then has
        changed nothing. The lock is held."""
        moving = [change for change in changes if change.moves]
        try:
            names = {c.document.path: self._backup(c.document) for c in moving}
        except OSError:
            raise refused("records") from None
        after = then(names)
        if not moving:
            if after != ledger:
                self.keep(after)
            return
        moves = tuple(_move(change, names[change.document.path]) for change in moving)
        try:
            self._records.save(ledger, Intent(moves, after))
        except OSError:
            raise refused("records") from None
        self._move_all(moving, ledger)
        try:
            self._records.save(after)
        except OSError as error:  # the intent says the same, and the next look finds it
            log.warning("The records of editors could not be completed: %s", error.strerror)
        self._tidy(moving, after)

    # ------------------------------------------------------------------------ inner workings

    def _load(self) -> tuple[Ledger, Intent | None]:
        try:
            return self._records.load()
        except OSError:
            raise refused("records") from None

    def _backup(self, document: Document) -> str:
        if document.content is None:
            return ""
        return self.backups.keep(document.path, document.content)

    def _move_all(self, moving: Sequence[Change], ledger: Ledger) -> None:
        done: list[tuple[Change, tuple[Path, ...]]] = []
        try:
            for change in moving:
                folders = _move_one(change.document, change.content)
                done.append((change, folders))
        except Unusable:
            for change, folders in reversed(done):
                moved = replace(change.document, content=change.content)
                _move_one(moved, change.document.content)
                remove_folders(folders)
            with suppress(OSError):
                self._records.save(ledger)
            raise

    def _tidy(self, moved: Sequence[Change], ledger: Ledger) -> None:
        for change in moved:
            path = change.document.path
            if change.content is None:
                remove_folders(change.origin.folders)
            with suppress(OSError):
                self.backups.prune(path, ledger.backups_of(path))

    def _heal(self, ledger: Ledger, intent: Intent) -> Ledger:
        """Bring files and ledger to the same moment after a sudden end."""
        old, new = [], []
        for move in intent.moves:
            sweep(move.path, self.home)
            try:
                document = read(move.path, self.home)
            except Unusable:
                continue  # somebody else has changed it since; its values will tell
            if document.digest == move.before:
                old.append(move)
            elif document.digest == move.after:
                new.append((move, document))
        if old:
            for move, document in new:
                self._go_back(move, document)
        result = ledger if old else intent.then
        log.info(
            "A change of an editor's files was interrupted; now it is %s",
            "undone" if old else "complete",
        )
        with suppress(OSError):
            self._records.save(result)
        return result

    def _go_back(self, move: Move, document: Document) -> None:
        content = self.backups.content(move.backup) if move.before else None
        if digest_of(content) != move.before:
            return
        with suppress(Unusable):
            _move_one(document, content)


def _move_one(document: Document, content: bytes | None) -> tuple[Path, ...]:
    """The folders that were made for it. Raises Unusable."""
    if content is not None:
        return write(document, content)
    remove(document)
    return ()


def _move(change: Change, backup: str) -> Move:
    document = change.document
    return Move(document.path, document.digest, digest_of(change.content), backup)
