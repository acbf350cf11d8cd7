"""An editor built on a web engine is let in by the user, and by nobody else."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp

from tests.core_rig import CoreRig, running_core

EDITOR = "vscode-webview://1a2b-editor"


async def ask(rig: CoreRig, origin: str, **headers: str) -> int:
    """The status that a page of `origin` gets."""
    url = f"http://127.0.0.1:{rig.core.controller.state.port}/health"
    async with (
        aiohttp.ClientSession() as http,
        http.get(url, headers={"Origin": origin, **headers}) as answer,
    ):
        return answer.status


async def test_a_refused_origin_is_let_in_from_the_window_at_once(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        since = rig.core.controller.state.since
        assert await ask(rig, EDITOR) == 403
        assert rig.snapshot()["banner"] == {
            "id": "origin_refused",
            "level": "info",
            "fields": {"origin": EDITOR},
            "actions": ("allow_origin", "ignore_origin"),
        }
        assert (await rig.do("allow_origin", origin=EDITOR)) == {"ok": True, "saved": True}
        assert await ask(rig, EDITOR) == 200
        assert rig.snapshot()["banner"] is None
        assert rig.core.controller.state.since == since, "the listener was started again"
        kept = json.loads((tmp_path / "settings.json").read_text())
        assert kept["allowed_origins"] == [EDITOR]
        assert await ask(rig, EDITOR + "x") == 403


async def test_an_ignored_origin_stays_out_and_is_not_offered_again(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        assert await ask(rig, EDITOR) == 403
        assert (await rig.do("ignore_origin", origin=EDITOR))["ok"]
        assert rig.snapshot()["banner"] is None
        assert await ask(rig, EDITOR) == 403
        assert rig.snapshot()["banner"] is None
        assert rig.core.settings.allowed_origins == ()


async def test_only_what_has_asked_can_be_let_in(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        assert await ask(rig, "https://rebound.example", Host="rebound.example") == 403
        assert await ask(rig, "null") == 403
        assert rig.snapshot()["banner"] is None
        assert await ask(rig, EDITOR) == 403
        for origin in ("https://rebound.example", "null", "*", EDITOR.upper(), EDITOR + "/"):
            for verb in ("allow_origin", "ignore_origin"):
                answer = await rig.do(verb, origin=origin)
                assert (answer["ok"], answer["code"]) == (False, "invalid_request"), origin
        assert rig.core.settings.allowed_origins == ()
        assert rig.snapshot()["banner"]["fields"] == {"origin": EDITOR}
