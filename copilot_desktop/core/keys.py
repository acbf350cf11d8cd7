"""Local keys: what editors send where the proxy asks for one. Never GitHub's, never sent there.

Each has 256 random bits. There is one for everybody, `default`, in a file of its own (`local-key`);
it names nobody, so it has no limits. The others have names and may have limits; they are kept
together in `local-keys.json`. Both files have mode 0600 and are replaced whole. On a disk that
takes nothing a change lasts until the app ends, and says so. A file that cannot be read now is not
written over; one that holds something else is kept aside.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from copilot_desktop.errors import InvalidRequest
from copilot_desktop.proxy.keys import KeyLimits, NamedKey
from copilot_desktop.redaction import LOCAL_KEY
from copilot_desktop.system.files import private_folder, read_private, write_private

log = logging.getLogger(__name__)

FILE_NAME = "local-key"
NAMED_FILE_NAME = "local-keys.json"
DEFAULT = "default"
MOST_KEYS = 64
_LARGEST = 1024 * 1024  # bytes


def load_or_make(data_dir: Path) -> str:
    """The kept key, or a new one if there is none (or none that could be ours)."""
    path = data_dir / FILE_NAME
    try:
        kept = read_private(path).decode("ascii").strip()
    except (OSError, ValueError):
        kept = ""
    if not LOCAL_KEY.fullmatch(kept):
        return make(data_dir)
    return kept


def make(data_dir: Path) -> str:
    """A new key, kept instead of the old one."""
    key = new_secret()
    try:
        write_private(data_dir / FILE_NAME, key.encode() + b"\n")
    except OSError as error:
        log.warning("The local key could not be kept: %s", error.strerror)
    return key


def hint(key: str) -> str:
    """What may be shown of a key: its last four characters."""
    return key[-4:]


def new_secret() -> str:
    return "cd-" + secrets.token_urlsafe(32)


def told(limits: KeyLimits) -> dict[str, Any]:
    """Limits as `GivenLimits` reads them."""
    budget = limits.budget
    return {
        "models": list(limits.models),
        "max_effort": limits.max_effort.value if limits.max_effort is not None else None,
        "budget": budget and {"unit": budget.unit, "amount": budget.amount, "stops": budget.stops},
    }


# ------------------------------------------------------------------------------------ named keys


class KeyRing:
    """The named keys of one data folder. All methods block on the disk, from any thread.

    `on_change` is called after each change, on the thread that made it. Methods that change
    something return whether the disk took it, and raise InvalidRequest for what cannot be done,
    which is anything as long as the file cannot be read.
    """

    def __init__(self, data_dir: Path) -> None:
        self.on_change: Callable[[], object] = lambda: None
        self._path = data_dir / NAMED_FILE_NAME
        self._keys: tuple[NamedKey, ...] = ()
        self._known = False  # what the file holds is in here
        self._lock = threading.RLock()
        with suppress(InvalidRequest):
            self._load()

    @property
    def keys(self) -> tuple[NamedKey, ...]:
        """Oldest first."""
        return self._keys

    def named(self, name: str) -> NamedKey:
        """Raises InvalidRequest if there is none."""
        if (key := self._find(name)) is None:
            raise InvalidRequest(f"There is no key named {name[:64]}.")
        return key

    def make(
        self, name: str, limits: KeyLimits | None = None, secret: str = ""
    ) -> tuple[NamedKey, bool]:
        """`secret`: one of `new_secret` that was shown before there was a key."""
        with self._lock:
            self._load()
            self._free(name)
            if len(self._keys) >= MOST_KEYS:
                raise InvalidRequest(f"There are {MOST_KEYS} keys already. Revoke one first.")
            key = NamedKey(name, secret or new_secret(), time.time(), limits or KeyLimits())
            return key, self._keep((*self._keys, key))

    def rename(self, name: str, to: str) -> bool:
        with self._lock:
            self._load()
            old = self.named(name)
            if to.casefold() != old.name.casefold():
                self._free(to)
            return self._swap(old, replace(old, name=to))

    def limit(self, name: str, limits: KeyLimits) -> bool:
        with self._lock:
            self._load()
            old = self.named(name)
            return self._swap(old, replace(old, limits=limits))

    def revoke(self, name: str) -> bool:
        """It opens nothing from now on."""
        with self._lock:
            self._load()
            gone = self.named(name)
            return self._keep(tuple(key for key in self._keys if key is not gone))

    def clear(self) -> None:
        """Forget all. Raises OSError."""
        with self._lock:
            self._keys, self._known = (), True
            self._path.unlink(missing_ok=True)
        self.on_change()

    def key_for(self, client_name: str, secret: str = "") -> str:
        """The key of that name, made if there is none. What cannot stand in a name is replaced."""
        plain = re.sub(r"[^A-Za-z0-9._ -]+", "-", client_name)[:32].strip(" ._-") or "client"
        name = plain if plain.casefold() != DEFAULT else f"{plain}-client"
        with self._lock:
            self._load()
            key = self._find(name) or self.make(name, secret=secret)[0]
            return key.secret

    # ------------------------------------------------------------------------ inner workings

    def _find(self, name: str) -> NamedKey | None:
        return next((k for k in self._keys if k.name.casefold() == name.casefold()), None)

    def _free(self, name: str) -> None:
        if self._find(name) is not None:
            raise InvalidRequest(f"There is a key named {name} already.")

    def _swap(self, old: NamedKey, new: NamedKey) -> bool:
        return self._keep(tuple(new if key is old else key for key in self._keys))

    def _keep(self, keys: tuple[NamedKey, ...]) -> bool:
        self._keys = keys
        rows = [
            {"name": key.name, "key": key.secret, "created": key.created, **told(key.limits)}
            for key in keys
        ]
        content = json.dumps({"v": 1, "keys": rows}, indent=2).encode() + b"\n"
        try:
            write_private(self._path, content)
        except OSError as error:
            log.warning("The local keys could not be kept: %s", error.strerror)
            saved = False
        else:
            saved = True
        self.on_change()
        return saved

    def _load(self) -> None:
        """Raises InvalidRequest if the file cannot be read now."""
        if self._known:
            return
        try:
            content = read_private(self._path, _LARGEST)
        except FileNotFoundError:
            self._known = True
            return
        except OSError as error:
            log.warning("The local keys could not be read: %s", error.strerror)
            raise InvalidRequest(
                f"The file of local keys cannot be read: {error.strerror}."
            ) from None
        from copilot_desktop.core import key_shapes  # noqa: PLC0415  (only whoever has such keys)

        try:
            self._keys = key_shapes.kept(content)
        except ValueError:
            log.warning("The file of local keys is damaged and is kept aside.")
            with suppress(OSError):
                self._path.replace(self._path.with_suffix(".broken"))
        self._known = True


class Drafts:
    """Keys that were shown for a tool and are none yet: they open nothing. They outlast a process,
    since a terminal may look with one core and write with the next."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "draft-keys.json"
        self._drafts: dict[str, str] = {}
        self._lock = threading.Lock()  # several tools may be looked at at the same time

    def of(self, name: str) -> str:
        """The draft for `name`, a new one if there is none."""
        with self._lock:
            drafts = self._load()
            if name not in drafts:
                self._keep({**drafts, name: new_secret()})
            return self._drafts[name]

    def take(self, name: str) -> str:
        """The draft, which is forgotten; empty if there is none."""
        with self._lock:
            drafts = self._load()
            found = drafts.get(name, "")
            if found:
                self._keep({key: each for key, each in drafts.items() if key != name})
            return found

    def _load(self) -> dict[str, str]:
        with suppress(OSError, ValueError, AttributeError, RecursionError):
            kept = json.loads(read_private(self._path, _LARGEST)).items()
            self._drafts = {name: key for name, key in kept if LOCAL_KEY.fullmatch(str(key))}
        return self._drafts

    def _keep(self, drafts: dict[str, str]) -> None:
        self._drafts = drafts
        with suppress(OSError):  # then they last as long as this process
            private_folder(self._path.parent)
            write_private(self._path, json.dumps(drafts).encode() + b"\n")
