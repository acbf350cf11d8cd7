"""The operating system's keyring: the default place for a sign-in.

The library picks a backend by itself and may pick one that keeps plain text; only a real one is
accepted here. Every call runs under a deadline, because a locked keyring waits for a password
prompt; whatever a backend raises means "storage unavailable", never a crash and never a deletion.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from copilot_desktop.errors import StorageFailed
from copilot_desktop.upstream.stores import StoredAccount, from_text, storage_failed, to_text
from copilot_desktop.upstream.stores.worker import Worker

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "copilot-desktop"
LIMIT = 3.0  # seconds for one call
UNNAMED = "the system keyring"
_FOUND = "saved_result"  # where `jaraco.functools.once` keeps it
_MAKESHIFT = ("keyring.backends.fail", "keyrings.alt")  # picked where there is nothing better

_REASONS = {
    "KeyringLocked": "It is locked.",
    "InitError": "It could not be opened.",
    "NoKeyringError": "No system keyring is running.",
    "RuntimeError": "No system keyring is running.",  # so a backend says it, asked for its priority
    "PasswordSetError": "It refused to store an entry.",
    "PasswordDeleteError": "It refused to delete the entry.",
}
_NAMES = {
    "SecretService": "the desktop keyring",
    "libsecret": "the desktop keyring",
    "kwallet": "KWallet",
    "macOS": "the macOS keychain",
    "Windows": "Windows Credential Manager",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a look has found."""

    text: str | None = field(repr=False)


class KeyringStore:
    """One entry per GitHub host, or `slot`: an entry with a name of its own."""

    name = "keyring"
    read_only = False

    def __init__(self, host: str = "github.com", *, slot: str = "", limit: float = LIMIT) -> None:
        self.where = UNNAMED
        self._host = host
        self._entry = slot or host
        self._worker = Worker(limit)
        self._late: _Kept | None = None  # found by a look that had been given up

    def why_not(self) -> str | None:
        try:
            backend = self._backend()
        except Exception as error:  # noqa: BLE001  (backends raise what they like)
            return _reason(error)
        return _unfit(backend)

    async def opens(self) -> bool:
        """Whether there is a keyring to keep something in, opened; a desktop may have none yet."""

        def look(backend: KeyringBackend) -> bool:
            self._read(backend)
            return not _is_unmade(backend)

        return await self._call(look)

    async def opens_late(self) -> bool:
        """Whether the latest call, given up or not, found it open. Waits as long as a prompt. What
        it found is what the next `load` gives: some desktops ask for a password at each look."""
        found = await self._worker.outcome()
        self._late = found if isinstance(found, _Kept) else None
        return not isinstance(found, Exception)

    async def load(self) -> StoredAccount | None:
        if (kept := self._late) is None:
            kept = await self._call(lambda backend: _Kept(self._read(backend)))
        self._late = None
        return from_text(kept.text, host=self._host) if kept.text else None

    async def save(self, account: StoredAccount) -> None:
        text = to_text(account)

        def write(backend: KeyringBackend) -> str | None:
            backend.set_password(SERVICE, self._entry, text)
            return backend.get_password(SERVICE, self._entry)

        if await self._call(write) != text:
            raise storage_failed(self.where, "What was read back is not what was stored.")

    async def delete(self) -> None:
        def remove(backend: KeyringBackend) -> None:
            if self._read(backend) is not None:
                backend.delete_password(SERVICE, self._entry)

        await self._call(remove)

    def _read(self, backend: KeyringBackend) -> str | None:
        return None if _is_unmade(backend) else backend.get_password(SERVICE, self._entry)

    async def _call(self, action: Callable[[KeyringBackend], T]) -> T:
        self._late = None

        def work() -> T:
            backend = self._backend()
            if (reason := _unfit(backend)) is not None:
                raise storage_failed(self.where, reason)
            return action(backend)

        try:
            return await self._worker.run(work)
        except TimeoutError:
            reason = f"It did not answer within {self._worker.limit:g} seconds."
            raise storage_failed(self.where, reason) from None
        except StorageFailed:
            raise
        except Exception as error:  # noqa: BLE001  (backends raise what they like)
            raise storage_failed(self.where, _reason(error)) from None

    def _backend(self) -> KeyringBackend:
        # A third of a second for import and detection, and only where a keyring is wanted.
        import keyring  # noqa: PLC0415
        from keyring.backend import get_all_keyring  # noqa: PLC0415
        from keyring.backends.chainer import ChainerBackend  # noqa: PLC0415

        known = vars(get_all_keyring)  # the library looks for keyrings once
        looked_before = _FOUND in known
        backend = keyring.get_keyring()
        if looked_before and type(backend).__module__.startswith(_MAKESHIFT):
            known.pop(_FOUND, None)  # a real one may have been started since
            keyring.core.init_backend()
            backend = keyring.get_keyring()
        if isinstance(backend, ChainerBackend):
            backend = backend.backends[0]  # the others would be asked too, plain text included
        module = type(backend).__module__.rpartition(".")[2]
        self.where = _NAMES.get(module, UNNAMED)
        return backend


def _is_unmade(backend: KeyringBackend) -> bool:
    """Whether the desktop has no keyring yet, as where nobody types a password to log in.

    The library makes one even to look into it, for which the desktop asks a new password.
    """
    if type(backend).__module__ != "keyring.backends.SecretService":
        return False
    service = import_module("secretstorage")  # what that backend works with; on Linux only
    with closing(service.dbus_init()) as bus:
        try:
            service.Collection(bus)
        except service.ItemNotFoundException:
            return True
    return False


def _unfit(backend: KeyringBackend) -> str | None:
    module = type(backend).__module__
    if module.startswith("keyrings.alt"):
        return "The only keyring found here keeps passwords in plain text."
    try:
        running = backend.priority >= 1
    except Exception:  # noqa: BLE001  (it ran when it was picked, and has ended since)
        running = False
    return None if running else "No system keyring is running."


def _reason(error: Exception) -> str:
    """Words for a backend's error. Never its own text, which might quote the entry."""
    kind = type(error).__name__
    return _REASONS.get(kind, f"It failed with {kind}.")
