"""A keyring that takes its time: the proxy does not wait for it, and people are told."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from copilot_desktop.core import account
from copilot_desktop.upstream.credentials import KeyringStore
from tests.core_rig import running_core
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
