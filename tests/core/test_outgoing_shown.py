"""The way out as the page changes it: at once, checked first, and never showing its password."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from copilot_desktop.upstream.http import fetch_json
from copilot_desktop.upstream.outgoing import Connector
from tests.core_rig import running_core

pytest.importorskip("cryptography")

from tests.company import company


async def test_a_change_counts_from_the_next_request_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    async with company(tmp_path, password="pa55") as there, running_core(tmp_path) as rig:
        proxy = there.url_with_password
        patch = {"outgoing_proxy": proxy}
        assert await rig.do("update_settings", patch=patch) == {"ok": True, "saved": True}
        await rig.core.change({"extra_ca": str(there.ca)})
        answer = await fetch_json(
            rig.core.http, "GET", "https://api.github.com/", headers={}, timeout=8
        )
        assert answer.body == {"via": "company"}
        shown = json.dumps(rig.snapshot())
        assert "pa55" not in shown
        assert rig.snapshot()["settings"]["outgoing_proxy"] == f"http://•••@127.0.0.1:{there.port}"
        assert (await rig.do("update_settings", patch={"outgoing_proxy": "none"}))["ok"]
        assert isinstance(rig.core.http.connector, Connector)
        assert rig.core.http.connector.way.proxy == "none"


async def test_the_way_can_be_tried(tmp_path: Path) -> None:
    async with running_core(tmp_path) as rig:
        answer = await rig.do("test_connection")
        assert answer["check"]["level"] == "ok"
        assert "127.0.0.1 answered in" in answer["check"]["words"]
