"""Another GitHub, chosen while the app runs: every part follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from copilot_desktop.upstream.credentials import KeyringStore
from tests.core_rig import running_core

CLIENT_TOKEN = "tid=1;exp=2"
NOWHERE = {"github_url": None, "github_api_url": None, "copilot_url": None}


async def test_clients_with_tokens_of_their_own_follow_to_the_tenant(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False, auth_mode="passthrough", **NOWHERE) as rig:
        before = await rig.core.pass_through.for_client(CLIENT_TOKEN).grant()
        assert before.base_url == "https://api.githubcopilot.com"
        await rig.core.use_host("acme.ghe.com")
        after = await rig.core.pass_through.for_client(CLIENT_TOKEN).grant()
        assert after.base_url == "https://copilot-api.acme.ghe.com"
        assert rig.snapshot()["auth"]["host"] == "acme.ghe.com"


async def test_signing_out_there_leaves_the_sign_in_of_the_other_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied: list[str] = []

    async def delete(store: KeyringStore) -> None:
        emptied.append(store._host)

    monkeypatch.setattr(KeyringStore, "delete", delete)
    async with running_core(tmp_path, start_proxy=False, **NOWHERE) as rig:
        await rig.core.use_host("acme.ghe.com")
        assert (await rig.do("sign_out"))["ok"]
    assert emptied == ["acme.ghe.com"]
