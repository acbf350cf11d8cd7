"""The accounts that are signed in but not in use.

One account is in use; the others are parked here until somebody chooses them. They never call
GitHub. Each has a *slot*: a store of the same kind as the one it came from, under a name of its own
(`host:id`). Which slots there are stands in an index without secrets, `accounts.json`; an account
that is kept in memory stands in neither and ends with the app.

The index knows of every secret at any moment: an account is entered before its token is written,
and crossed out after the token is gone. An interruption leaves an entry without a token at worst,
never a token that nobody knows of. It is read again before each change, since another program of
ours may have entered somebody: a sign-in in a terminal waits for minutes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copilot_desktop.atomic import read_file, replace_file
from copilot_desktop.errors import InvalidRequest, StorageFailed
from copilot_desktop.upstream.stores import StoredAccount, TokenStore, storage_failed
from copilot_desktop.upstream.stores.memory import MemoryStore
from copilot_desktop.upstream.stores.worker import Worker

log = logging.getLogger(__name__)

FILE_NAME = "accounts.json"
MEMORY = "memory"
LASTING = ("keyring", "file")
LIMIT = 5.0  # seconds for reading or writing the index

_FORMAT = 1
_FILE_LIMIT = 256 * 1024
_MOST = 50
_LONGEST = 100  # characters of a name or a plan
_HOST = re.compile(r"[a-z0-9.:-]{1,253}")

SlotOf = Callable[[str, str, int], TokenStore]


@dataclass(frozen=True, slots=True)
class Parked:
    """`host` and `id` name the account; `plan` is in words, `kind` a name of a store."""

    host: str
    id: int
    login: str = ""
    plan: str = ""
    kind: str = MEMORY

    def is_(self, host: str, number: int) -> bool:
        return (self.host, self.id) == (host, number)


def _nothing() -> None:
    return None


class Roster:
    """`slot_of(kind, host, id)` is the place of a token. `path` None keeps nothing on the disk."""

    def __init__(self, path: Path | None, slot_of: SlotOf) -> None:
        self.parked: tuple[Parked, ...] = ()
        self.on_change: Callable[[], None] = _nothing
        self._path = path
        self._slot_of = slot_of
        self._memory: dict[tuple[str, int], MemoryStore] = {}
        self._disk = Worker(LIMIT)
        self._loaded = path is None
        self._lock = asyncio.Lock()  # a new index is made of the last one, and writing takes time

    async def load(self) -> None:
        """Read the index. Never raises; one that cannot be understood is put aside, and one that
        cannot be read now is tried again before anything is changed."""
        async with self._lock:
            await self._load()

    async def _load(self) -> None:
        """The lock is held. What was known stays where the index is not there any more."""
        if self._path is None:
            return
        path, known = self._path, tuple(each for each in self.parked if each.kind != MEMORY)
        try:
            found = await self._disk.run(lambda: tuple(_read(path)))
        except FileNotFoundError:
            found = known
        except (OSError, TimeoutError) as error:
            log.warning("The list of accounts cannot be read: %s", type(error).__name__)
            return
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("The list of accounts is not usable: %s", type(error).__name__)
            with suppress(OSError, TimeoutError):
                await self._disk.run(lambda: path.replace(path.with_suffix(".broken")))
            found = known
        self._loaded = True
        # Those in memory may have been parked while the file could not be read.
        self._set((*found, *(each for each in self.parked if each.kind == MEMORY)))

    def find(self, host: str, number: int) -> Parked | None:
        return next((each for each in self.parked if each.is_(host, number)), None)

    def where(self, parked: Parked) -> str:
        """Where its token is kept, in words."""
        return self._slot(parked).where

    async def park(self, account: StoredAccount, *, plan: str, kind: str) -> None:
        """Keep `account` in its slot. Raises StorageFailed; then it may be listed, but whoever has
        it must not let go of it."""
        async with self._lock:
            await self._load()
            entry = Parked(account.host, account.id, account.login, plan, kind)
            before = self.find(account.host, account.id)
            if account.id == 0 and before is not None:
                # Its number is not known yet, so it could be anybody.
                kept = await self._slot(before).load()
                if kept is not None and kept.token != account.token:
                    raise storage_failed(self._place, "Another account without a number is there.")
            await self._list(entry, *self._others(account.host, account.id))
            await self._slot(entry).save(account)
            if before is not None and before.kind != kind:
                await self._emptied(before)

    async def fetch(self, host: str, number: int) -> StoredAccount:
        """The account with its token. Raises StorageFailed, or InvalidRequest if there is none."""
        async with self._lock:
            await self._load()
            entry = self._known(host, number)
            account = await self._slot(entry).load()
            if account is None or account.host != host:
                await self._list(*self._others(host, number))
                raise InvalidRequest("The sign-in of this account is gone. Sign in again.")
            return account

    async def drop(self, host: str, number: int) -> None:
        """Delete the token, then the entry. Raises StorageFailed; no error if there is none."""
        async with self._lock:
            await self._load()
            entry = self.find(host, number)
            if entry is None:
                return
            await self._slot(entry).delete()
            self._memory.pop((host, number), None)
            await self._list(*self._others(host, number))

    def _known(self, host: str, number: int) -> Parked:
        entry = self.find(host, number)
        if entry is None:
            raise InvalidRequest("There is no such account here.")
        return entry

    def _others(self, host: str, number: int) -> Iterator[Parked]:
        return (each for each in self.parked if not each.is_(host, number))

    def _slot(self, entry: Parked) -> TokenStore:
        if entry.kind == MEMORY:
            return self._memory.setdefault((entry.host, entry.id), MemoryStore())
        return self._slot_of(entry.kind, entry.host, entry.id)

    async def _emptied(self, entry: Parked) -> None:
        with suppress(StorageFailed):
            await self._slot(entry).delete()

    async def _list(self, *parked: Parked) -> None:
        """Write the index, then show it. Raises StorageFailed, and nothing is changed."""
        if len(parked) > _MOST:
            raise storage_failed(self._place, f"There are {_MOST} accounts already.")
        before = [each for each in self.parked if each.kind != MEMORY]
        lasting = [each for each in parked if each.kind != MEMORY]
        if self._path is not None and lasting != before:
            if not self._loaded:  # what stands in it would be lost
                raise storage_failed(self._place, "The list of accounts cannot be read.")
            path, content = self._path, json.dumps(_to_json(lasting), indent=2).encode()
            try:
                await self._disk.run(lambda: replace_file(path, content))
            except TimeoutError:
                raise storage_failed(self._place, "The disk did not answer.") from None
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else type(error).__name__
                raise storage_failed(self._place, f"{reason}.") from None
        self._set(parked)

    @property
    def _place(self) -> str:
        return str(self._path) if self._path else MEMORY

    def _set(self, parked: tuple[Parked, ...]) -> None:
        if parked != self.parked:
            self.parked = parked
            self.on_change()


def _to_json(parked: list[Parked]) -> dict[str, Any]:
    return {
        "v": _FORMAT,
        "accounts": [
            {
                "host": each.host,
                "id": each.id,
                "login": each.login[:_LONGEST],
                "plan": each.plan[:_LONGEST],
                "kept": each.kind,
            }
            for each in parked
        ],
    }


def _read(path: Path) -> Iterator[Parked]:
    """Each entry that makes sense; an index that makes none raises."""
    found = json.loads(read_file(path, _FILE_LIMIT))
    if found["v"] != _FORMAT:
        raise ValueError
    known = set()
    for entry in found["accounts"][:_MOST]:
        host, number, kind = entry["host"], entry["id"], entry["kept"]
        whole = isinstance(number, int) and not isinstance(number, bool)
        if not whole or kind not in LASTING or not _HOST.fullmatch(host) or ".." in host:
            continue
        if (host, number) not in known:
            known.add((host, number))
            login, plan = str(entry.get("login", "")), str(entry.get("plan", ""))
            yield Parked(host, number, login[:_LONGEST], plan[:_LONGEST], kind)
