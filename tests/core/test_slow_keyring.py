"""A keyring that takes its time: the proxy does not wait for it, and people are told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from copilot_desktop.core import account
from copilot_desktop.demo import FakeUpstream
from copilot_desktop.upstream.credentials import KeyringStore
from tests.core_rig import QUICK, CoreRig, running_core
from tests.ports import free_port


async def test_moving_to_a_keyring_that_hangs_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def hang(_self: KeyringStore) -> str | None:
        answered.wait(30)
        return None

    monkeypatch.setattr(KeyringStore, "why_not", hang)
    monkeypatch.setattr(account, "LOOK_LIMIT", 0.2)
    async with running_core(tmp_path, start_proxy=False) as rig:
        outcome = await rig.do("choose_store", kind="keyring")
        answered.set()
        assert not outcome["ok"]
        assert "did not answer within" in outcome["message"]
        assert rig.core.settings.token_store == "memory"


async def test_the_proxy_listens_before_the_keyring_has_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()

    async def slow(_self: KeyringStore) -> None:
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.01)
                    continue
                writer.close()
                return

    monkeypatch.setattr(KeyringStore, "load", slow)
    monkeypatch.setattr(account, "LOAD_PATIENCE", 60.0)
    async with running_core(tmp_path, token_store="keyring", port=port) as rig:
        assert rig.core.store.state.account.state == "signed_out"


class Prompting(KeyringBackend):
    """Holds a sign-in, and each look waits until somebody has answered for a password."""

    priority = 5

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token, self.asked, self.typed = token, 0, ""
        self.answered = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        self.answered.wait(30)
        if not self.typed:
            raise KeyringLocked
        return self.token

    def set_password(self, service: str, username: str, password: str) -> None:
        self.token = password


@asynccontextmanager
async def started_with(
    found: Prompting, fake: FakeUpstream, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[CoreRig]:
    """An app whose system keyring is `found`, and whose looks into it are short."""
    before = keyring.get_keyring()
    init = KeyringStore.__init__
    monkeypatch.setattr(init, "__kwdefaults__", {**(init.__kwdefaults__ or {}), "limit": 0.2})
    keyring.set_keyring(found)
    try:
        async with running_core(folder, fake=fake, token_store="keyring", start_proxy=False) as rig:
            yield rig
    finally:
        keyring.set_keyring(before)


@pytest.mark.parametrize("typed", ["hunter2", ""])
async def test_a_password_that_is_typed_later_than_a_look_may_last_signs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    fake = FakeUpstream(QUICK)
    locked = Prompting(fake.github_token)
    async with started_with(locked, fake, tmp_path, monkeypatch) as rig:
        await rig.until(lambda state: state.account.state == "storage_locked")
        locked.typed = typed
        locked.answered.set()
        if typed:
            await rig.until(lambda state: state.account.checked)
            assert rig.core.store.state.account.state == "signed_in"
        else:
            await asyncio.sleep(0.5)
            assert rig.core.store.state.account.state == "storage_locked"
            assert locked.asked == 1  # who has said no is not asked again


class AskingEachTime(Prompting):
    """As macOS where somebody has pressed Allow, not Always Allow."""

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        self.answered.wait(0.4)  # longer than a look may last
        return self.token


async def test_who_has_typed_a_password_is_not_asked_for_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeUpstream(QUICK)
    asking = AskingEachTime(fake.github_token)
    async with started_with(asking, fake, tmp_path, monkeypatch) as rig:
        await rig.until(lambda state: state.account.checked)
        assert rig.core.store.state.account.state == "signed_in"
        assert asking.asked == 1
