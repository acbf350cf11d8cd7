"""One suite for every store: what is saved is found, what is deleted is gone, trouble has a place.

The keyring runs through the real library with a keyring in memory behind it.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend, get_all_keyring
from keyring.backends.fail import Keyring as FailKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from copilot_desktop.errors import StorageFailed
from copilot_desktop.upstream.credentials import (
    CallbackStore,
    EnvironmentStore,
    FileStore,
    KeyringStore,
    MemoryStore,
    StoredAccount,
    TokenStore,
    slot_store,
    token_file,
)

TOKEN = "ghu_EXAMPLEonlyNotARealToken000000000000"
OTHER = "gho_ANOTHERnotARealToken0000000000000000"
LIMIT = 2.0  # seconds for a place to answer
ACCOUNT = StoredAccount("github.com", "octo-user", 1234567, TOKEN)


class MemoryKeyring(KeyringBackend):
    """Behaves as a system keyring does, without one."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.trouble: Callable[[], None] = lambda: None

    def get_password(self, service: str, username: str) -> str | None:
        self.trouble()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.trouble()
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.trouble()
        if (service, username) not in self.entries:
            raise PasswordDeleteError
        del self.entries[service, username]


@pytest.fixture
def backend() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    chosen = MemoryKeyring()
    keyring.set_keyring(chosen)
    yield chosen
    keyring.set_keyring(before)


@dataclass
class Place:
    """A store, a second one on the same place (the next start), and how to break the place."""

    store: TokenStore
    again: TokenStore
    fail: Callable[[], None]
    hang: Callable[[threading.Event], None]


def memory_place(_: Path, __: MemoryKeyring) -> Place:
    store = MemoryStore()
    return Place(store, store, lambda: None, lambda _: None)


def keyring_place(_: Path, backend: MemoryKeyring) -> Place:
    def locked() -> None:
        raise KeyringLocked(f"private words {TOKEN}")

    def fail() -> None:
        backend.trouble = locked

    def hang(until: threading.Event) -> None:
        backend.trouble = lambda: until.wait(30) and None

    return Place(KeyringStore(limit=LIMIT), KeyringStore(limit=LIMIT), fail, hang)


def file_place(tmp_path: Path, _: MemoryKeyring) -> Place:
    path = tmp_path / "tokens" / "token.json"
    blocked: list[Callable[[], object]] = []

    class Disk(FileStore):
        """A disk that can be made to hang before each operation."""

        async def _call(self, action: Callable[[], Any]) -> Any:
            return await super()._call(lambda: ([one() for one in blocked], action())[1])

    def fail() -> None:
        path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        path.mkdir()

    def hang(until: threading.Event) -> None:
        blocked.append(lambda: until.wait(30))

    return Place(Disk(path, limit=LIMIT), FileStore(path), fail, hang)


def callback_place(_: Path, __: MemoryKeyring) -> Place:
    kept: list[StoredAccount | None] = [None]
    trouble: list[Callable[[], object]] = []

    def load() -> StoredAccount | None:
        for one in trouble:
            one()
        return kept[0]

    def save(account: StoredAccount | None) -> None:
        load()
        kept[0] = account

    def fail() -> None:
        def broken() -> None:
            raise RuntimeError(f"private words {TOKEN}")

        trouble.append(broken)

    def hang(until: threading.Event) -> None:
        trouble.append(lambda: until.wait(30))

    return Place(
        CallbackStore(load, save, limit=LIMIT), CallbackStore(load, save, limit=LIMIT), fail, hang
    )


def coroutine_place(_: Path, __: MemoryKeyring) -> Place:
    kept: list[StoredAccount | None] = [None]
    state: dict[str, Any] = {}

    async def load() -> StoredAccount | None:
        if state.get("broken"):
            raise RuntimeError(f"private words {TOKEN}")
        if state.get("hangs"):
            await asyncio.sleep(30)
        return kept[0]

    async def save(account: StoredAccount | None) -> None:
        await load()
        kept[0] = account

    def fail() -> None:
        state["broken"] = True

    def hang(_: threading.Event) -> None:
        state["hangs"] = True

    return Place(
        CallbackStore(load, save, limit=LIMIT), CallbackStore(load, save, limit=LIMIT), fail, hang
    )


def keyring_slot(_: Path, backend: MemoryKeyring) -> Place:
    """An account that is not in use, beside another one of the same host."""
    entry = "github.com:1234567"
    whole = keyring_place(_, backend)
    backend.entries["copilot-desktop", "github.com"] = OTHER
    return Place(
        KeyringStore(slot=entry, limit=LIMIT),
        KeyringStore(slot=entry, limit=LIMIT),
        whole.fail,
        whole.hang,
    )


PLACES = {
    "memory": memory_place,
    "keyring": keyring_place,
    "keyring slot": keyring_slot,
    "file": file_place,
    "callback": callback_place,
    "coroutines": coroutine_place,
}
BREAKABLE = [name for name in PLACES if name != "memory"]


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path, backend: MemoryKeyring) -> Place:
    return PLACES[request.param](tmp_path, backend)


@pytest.mark.parametrize("place", PLACES, indirect=True)
async def test_kept_found_replaced_and_gone(place: Place) -> None:
    store = place.store
    assert store.why_not() is None
    assert not store.read_only
    assert await store.load() is None
    await store.delete()  # deleting nothing is no error
    await store.save(ACCOUNT)
    assert await store.load() == ACCOUNT
    assert await place.again.load() == ACCOUNT
    other = StoredAccount("github.com", "", 0, OTHER)
    await store.save(other)
    assert await place.again.load() == other
    await store.delete()
    assert await store.load() is None
    assert await place.again.load() is None


@pytest.mark.parametrize("place", PLACES, indirect=True)
async def test_a_store_has_a_name_and_words_for_people(place: Place) -> None:
    await place.store.save(ACCOUNT)
    assert place.store.name in {"memory", "keyring", "file", "callback"}
    assert place.store.where
    assert TOKEN not in repr(place.store)
    assert TOKEN not in repr(ACCOUNT)


@pytest.mark.parametrize("place", BREAKABLE, indirect=True)
async def test_trouble_names_the_place_and_no_secret(place: Place) -> None:
    await place.store.save(ACCOUNT)
    place.fail()
    for verb in (place.store.load, lambda: place.store.save(ACCOUNT), place.store.delete):
        with pytest.raises(StorageFailed) as caught:
            await verb()
        told = str(caught.value)
        assert place.store.where in told
        assert TOKEN not in f"{told} {caught.value.detail} {caught.value!r}"
        assert "private words" not in told  # a place's own words may quote what it was given
        assert caught.value.__cause__ is None


@pytest.mark.parametrize("place", BREAKABLE, indirect=True)
async def test_a_store_that_hangs_is_given_up(place: Place) -> None:
    free = threading.Event()
    place.hang(free)
    try:
        for verb in (place.store.load, lambda: place.store.save(ACCOUNT), place.store.delete):
            with pytest.raises(StorageFailed, match="did not answer"):
                await asyncio.wait_for(verb(), 10 * LIMIT)
    finally:
        free.set()


# The environment


async def test_the_environment_can_only_be_read() -> None:
    store = EnvironmentStore({"COPILOT_GITHUB_TOKEN": f" {TOKEN}\n"})
    assert store.read_only
    assert store.why_not() is None
    assert await store.load() == StoredAccount("github.com", "", 0, TOKEN)
    for verb in (lambda: store.save(ACCOUNT), store.delete):
        with pytest.raises(StorageFailed, match="COPILOT_GITHUB_TOKEN"):
            await verb()
    empty = EnvironmentStore({})
    assert await empty.load() is None
    assert "not set" in (empty.why_not() or "")


# The keyring


async def test_the_keyring_keeps_hosts_apart(backend: MemoryKeyring) -> None:
    await KeyringStore("github.com").save(ACCOUNT)
    assert await KeyringStore("acme.ghe.com").load() is None
    (entry,) = backend.entries
    assert entry == ("copilot-desktop", "github.com")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"token": "x y"}', '{"token": 5}', "a b"])
async def test_content_that_is_no_sign_in_is_nobody(backend: MemoryKeyring, content: str) -> None:
    backend.entries["copilot-desktop", "github.com"] = content
    assert await KeyringStore().load() is None


async def test_a_keyring_that_forgets_is_noticed(backend: MemoryKeyring) -> None:
    backend.set_password = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(StorageFailed, match="read back"):
        await KeyringStore().save(ACCOUNT)


async def test_a_keyring_in_plain_text_is_refused(backend: MemoryKeyring) -> None:
    plain = type("PlaintextKeyring", (MemoryKeyring,), {"__module__": "keyrings.alt.file"})
    keyring.set_keyring(plain())
    store = KeyringStore()
    assert "plain text" in (store.why_not() or "")
    with pytest.raises(StorageFailed, match="plain text"):
        await store.save(ACCOUNT)


async def test_no_keyring_is_a_sentence(backend: MemoryKeyring) -> None:
    keyring.set_keyring(FailKeyring())
    store = KeyringStore()
    assert store.why_not() == "No system keyring is running."
    with pytest.raises(StorageFailed, match="No system keyring is running"):
        await store.load()


async def test_a_keyring_that_has_ended_is_a_sentence(backend: MemoryKeyring) -> None:
    class Ended(MemoryKeyring):
        @property
        def priority(self) -> float:  # type: ignore[override]
            raise RuntimeError("The Secret Service daemon is neither running nor activatable")

    keyring.set_keyring(Ended())
    store = KeyringStore()
    assert store.why_not() == "No system keyring is running."
    with pytest.raises(StorageFailed, match="No system keyring is running"):
        await store.load()

    def ended() -> None:  # one of several: the library asks each of them when it is used
        raise RuntimeError("The Secret Service daemon is neither running nor activatable")

    backend.trouble = ended
    keyring.set_keyring(backend)
    with pytest.raises(StorageFailed, match="No system keyring is running"):
        await store.load()


async def test_a_keyring_that_is_started_later_is_found(
    backend: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    monkeypatch.setattr(KeyringBackend, "get_viable_backends", lambda: iter([FailKeyring]))
    monkeypatch.delitem(vars(get_all_keyring), "saved_result", raising=False)
    keyring.core.init_backend()
    store = KeyringStore()
    with pytest.raises(StorageFailed, match="No system keyring is running"):
        await store.load()
    monkeypatch.setattr(KeyringBackend, "get_viable_backends", lambda: iter([MemoryKeyring]))
    await store.save(ACCOUNT)
    assert await store.load() == ACCOUNT


class NoCollection(Exception):
    pass


@pytest.mark.parametrize("made", [False, True])
async def test_a_desktop_without_a_keyring_is_not_asked_for_one_by_a_look(
    backend: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, made: bool
) -> None:
    """Even to look, the library would make one, and the desktop ask for its new password."""
    asked = []

    def collection(_bus: object) -> None:
        if not made and not backend.entries:
            raise NoCollection

    service = SimpleNamespace(
        dbus_init=lambda: SimpleNamespace(close=lambda: None),
        Collection=collection,
        ItemNotFoundException=NoCollection,
    )
    monkeypatch.setitem(sys.modules, "secretstorage", service)
    desktop = type("Keyring", (MemoryKeyring,), {"__module__": "keyring.backends.SecretService"})()
    desktop.entries, desktop.trouble = backend.entries, lambda: asked.append("password")
    keyring.set_keyring(desktop)
    store = KeyringStore()

    assert await store.load() is None
    await store.delete()
    assert await store.opens() is made
    assert bool(asked) is made

    await store.save(ACCOUNT)  # now somebody wants to keep something
    assert asked
    assert await store.load() == ACCOUNT
    assert await store.opens()
    await store.delete()
    assert backend.entries == {}


async def test_a_save_given_up_before_its_turn_never_happens(backend: MemoryKeyring) -> None:
    free = threading.Event()
    backend.trouble = lambda: free.wait(30) and None
    store = KeyringStore(limit=LIMIT)
    with pytest.raises(StorageFailed):
        await store.load()  # still holds the keyring
    with pytest.raises(StorageFailed):
        await store.save(ACCOUNT)
    free.set()
    assert await KeyringStore().load() is None
    await store.delete()
    assert backend.entries == {}


async def test_a_save_that_was_cancelled_before_its_turn_never_happens(
    backend: MemoryKeyring,
) -> None:
    busy, free = threading.Event(), threading.Event()

    def occupied() -> None:
        busy.set()
        free.wait(30)

    backend.trouble = occupied
    store = KeyringStore(limit=30)
    loading = asyncio.create_task(store.load())
    await asyncio.to_thread(busy.wait, 10)
    saving = asyncio.create_task(store.save(ACCOUNT))
    await asyncio.sleep(0)
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    free.set()
    await loading
    for thread in threading.enumerate():
        if thread.name == "copilot-store":
            await asyncio.to_thread(thread.join, 10)
    assert backend.entries == {}


# The file


def names(folder: Path) -> list[str]:
    return [found.name for found in folder.iterdir()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


async def test_the_file_is_private_before_it_has_content(tmp_path: Path) -> None:
    path = tmp_path / "tokens" / "token.json"
    sizes: list[tuple[int, int]] = []

    def protect(new: Path) -> None:
        sizes.append((new.stat().st_size, mode(new)))

    old = os.umask(0)
    try:
        await FileStore(path, protect=protect).save(ACCOUNT)
    finally:
        os.umask(old)
    assert sizes == [(0, 0o600)]
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert names(path.parent) == ["token.json"]


async def test_open_permissions_are_tightened(tmp_path: Path) -> None:
    path = tmp_path / "tokens" / "token.json"
    path.parent.mkdir(mode=0o755)
    path.write_text(TOKEN)
    path.chmod(0o644)
    store = FileStore(path)
    assert await store.load() == StoredAccount("github.com", "", 0, TOKEN)
    assert mode(path) == 0o600
    await store.save(ACCOUNT)
    assert mode(path.parent) == 0o700


async def test_a_disk_that_takes_no_mode_still_gives_the_sign_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.13 has `fchmod` on Windows: every file there looks open to others, and the call is
    refused for a descriptor that was opened for reading (FILE_WRITE_ATTRIBUTES is needed)."""
    path = tmp_path / "tokens" / "token.json"

    def refused(_descriptor: int, _mode: int) -> None:
        raise PermissionError(13, "Access is denied")

    def open_to_all(new: Path) -> None:
        new.chmod(0o666)

    monkeypatch.setattr(os, "fchmod", refused, raising=False)
    store = FileStore(path, protect=open_to_all)
    await store.save(ACCOUNT)
    assert await FileStore(path).load() == ACCOUNT


@pytest.mark.parametrize("kind", ["link", "dangling", "pipe", "folder"])
async def test_only_a_regular_file_will_do(tmp_path: Path, kind: str) -> None:
    path, target = tmp_path / "token.json", tmp_path / "target"
    target.write_text("untouched")
    match kind:
        case "link":
            path.symlink_to(target)
        case "dangling":
            path.symlink_to(tmp_path / "nowhere")
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
    store = FileStore(path)
    for verb in (store.load, lambda: store.save(ACCOUNT), store.delete):
        with pytest.raises(StorageFailed, match="regular file"):
            await verb()
    assert target.read_text() == "untouched"
    assert not (tmp_path / "nowhere").exists()


async def test_a_failed_save_keeps_the_old_sign_in_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(tmp_path / "token.json")
    await store.save(ACCOUNT)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFailed, match="No space left"):
        await store.save(StoredAccount("github.com", "x", 1, OTHER))
    assert await store.load() == ACCOUNT
    assert names(tmp_path) == ["token.json"]


async def test_signing_out_takes_left_over_pieces_along(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "token.json")
    await store.save(ACCOUNT)
    (tmp_path / ".token.json.copilot-desktop-0123").write_text(TOKEN)
    (tmp_path / "other").write_text("not ours")
    await store.delete()
    assert names(tmp_path) == ["other"]


async def test_a_broken_file_is_nobody_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    path.write_bytes(b"\xff\xfe{" * 10)
    assert await FileStore(path).load() is None
    assert path.exists()


@pytest.mark.parametrize("kind", ["keyring", "file"])
async def test_slots_do_not_touch_each_other_or_the_place_of_the_account_in_use(
    tmp_path: Path, backend: MemoryKeyring, kind: str
) -> None:
    main: TokenStore = KeyringStore() if kind == "keyring" else FileStore(token_file(tmp_path))
    slots = [slot_store(kind, "github.com", number, data_dir=tmp_path) for number in (1, 2)]
    tenant = slot_store(kind, "acme.ghe.com", 1, data_dir=tmp_path)
    places = [main, *slots, tenant]
    for number, place in enumerate(places):
        await place.save(StoredAccount("github.com", f"octo-{number}", number, TOKEN))
    await slots[0].delete()
    found = [await place.load() for place in places]
    assert [kept.login if kept else None for kept in found] == ["octo-0", None, "octo-2", "octo-3"]
