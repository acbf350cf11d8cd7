"""Start at login through the whole core: what the system says is what people see."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from copilot_desktop.core.autostart import Autostart
from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Settings
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.system.fake import FakeLoginItem, FakeSystem
from tests.core_rig import running_core


async def test_the_switch_shows_what_the_system_says(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        await rig.until(lambda s: s.app.login_item == "off")
        assert await rig.do("start_at_login", on=True) == {"ok": True, "state": "on"}
        assert rig.system.item.there
        assert rig.system.item.data_dir == tmp_path  # it begins where this run has begun
        assert rig.snapshot()["app"]["login_item"] == {"state": "on", "settings": False}
        rig.system.item.blocked = True  # in the system's own settings, meanwhile
        assert (await rig.do("look_at_login"))["state"] == "blocked"
        assert rig.core.store.state.app.login_item == "blocked"
        assert (await rig.do("start_at_login", on=False))["state"] == "off"


async def test_whoever_shows_the_window_sees_the_newest_state(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        await rig.until(lambda s: s.app.login_item == "off")
        rig.system.item.there = True
        await rig.do("show_window")
        await rig.until(lambda s: s.app.login_item == "on")


async def test_a_system_that_takes_nothing_is_said_so(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        rig.system.item.broken = True
        answer = await rig.do("start_at_login", on=True)
        assert answer["message"] == "The system did not take it: nothing is taken here."
        assert rig.core.store.state.app.login_item == "off"


async def test_the_page_of_the_system_opens_where_there_is_one(tmp_path: Path) -> None:
    system = FakeSystem(tmp_path)
    system.item.settings_page = "settings:login"
    async with running_core(tmp_path, system=system, start_proxy=False) as rig:
        assert rig.snapshot()["app"]["login_item"]["settings"] is True
        assert (await rig.do("open_login_settings"))["ok"]
        assert rig.system.item.opened == 1
        rig.system.item.settings_page = ""
        assert "did not open" in (await rig.do("open_login_settings"))["message"]


async def test_a_system_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copilot_desktop.core.autostart.LOOK_LIMIT", 0.05)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Hanging(FakeLoginItem):
        def state(self) -> str:  # type: ignore[override]
            asyncio.run_coroutine_threadsafe(ended.wait(), loop).result(10)
            return "on"

    noted: list[str] = []
    with pytest.raises(InvalidRequest, match="did not say"):
        await Autostart(Hanging(), noted.append).look()
    assert noted == ["unknown"]
    ended.set()


async def test_a_demo_does_not_make_itself_start(tmp_path: Path) -> None:
    system = FakeSystem(tmp_path)
    settings = Settings(data_dir=tmp_path, port=0)
    async with Core.running(settings, demo="pro", environ={}, system=system) as core:
        assert (await core.verbs.do("start_at_login", {"on": True})).result == {"state": "on"}
        assert not system.item.there
