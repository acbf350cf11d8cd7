"""A keyring that hangs while it is looked for: said after three seconds, not waited for."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from copilot_desktop.core import account
from copilot_desktop.upstream.credentials import KeyringStore
from tests.core_rig import running_core


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
