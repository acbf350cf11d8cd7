"""From one run to the next: the proxy as it was left, the screen, and no news told twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.core.state import Requests
from tests.core_rig import CoreRig, running_core


async def phase_after(folder: Path, *verbs: str, **settings: Any) -> str:
    """Of the second run, after `verbs` in the first one."""
    async with running_core(folder, **settings) as rig:
        for verb in verbs:
            assert (await rig.do(verb))["ok"]
    async with running_core(folder, **settings) as rig:
        return rig.core.store.state.proxy.phase


@pytest.mark.parametrize(
    ("wish", "verbs", "phase"),
    [
        (True, ["stop_proxy"], "running"),
        (False, ["start_proxy"], "stopped"),
        ("last", [], "running"),
        ("last", ["stop_proxy"], "stopped"),
        ("last", ["stop_proxy", "start_proxy"], "running"),
    ],
)
async def test_the_proxy_starts_as_the_settings_say(
    tmp_path: Path, wish: Any, verbs: list[str], phase: str
) -> None:
    assert await phase_after(tmp_path, *verbs, start_proxy=wish) == phase


async def test_the_page_begins_where_it_ended(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        assert rig.snapshot()["app"]["last_screen"] == ""
        await rig.do("looking", screen="usage", front=True)
        assert rig.core.store.state.app.window_front
        assert rig.snapshot()["app"]["last_screen"] == "usage"
    async with running_core(tmp_path, start_proxy=False) as rig:
        assert rig.snapshot()["app"]["last_screen"] == "usage"


async def test_a_wish_for_a_screen_is_over_once_a_page_has_followed_it(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        await rig.do("show_window", screen="activity")
        await rig.do("looking", screen="overview", front=True)  # a page that has not heard of it
        assert rig.snapshot()["app"]["screen"] == {"name": "activity", "n": 1}
        await rig.do("looking", screen="activity", front=True, obeyed=1)
        assert rig.snapshot()["app"]["screen"] is None
        await rig.do("show_window", screen="usage")
        await rig.do("looking", screen="overview", front=True, obeyed=1)  # of the one before
        assert rig.snapshot()["app"]["screen"] == {"name": "usage", "n": 2}


class Shell:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def show_window(self) -> None:
        self.asked.append("show")

    def hide_window(self) -> None:
        self.asked.append("hide")

    def quit(self) -> None:
        self.asked.append("quit")


def busy(rig: CoreRig, n: int) -> Shell:
    shell = rig.core.shell = Shell()
    rig.core.store.set(requests=Requests(in_flight=n))
    return shell


async def test_quit_asks_once_while_requests_are_in_progress(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        shell = busy(rig, 2)
        assert await rig.do("quit", ask=True) == {"ok": True, "asked": True}
        assert shell.asked == ["show"]
        assert rig.snapshot()["ask"] == {"id": "quit", "fields": {"n": 2}}
        assert not rig.core.quit_wanted.is_set()
        await rig.do("quit", ask=True)  # pressed again: that is an answer
        assert shell.asked == ["show", "quit"]
        assert rig.core.quit_wanted.is_set()


async def test_the_answer_to_the_question_ends_the_app_or_lets_it_run(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        shell = busy(rig, 1)
        await rig.do("quit", ask=True)
        await rig.do("close_choice", choice="cancel")
        assert rig.snapshot()["ask"] is None
        assert shell.asked == ["show"]
        # The close button's question leads to this one.
        await rig.do("close_choice", choice="quit")
        assert rig.snapshot()["ask"]["id"] == "quit"
        await rig.do("close_choice", choice="quit")
        assert shell.asked == ["show", "show", "quit"]


async def test_quit_without_requests_or_without_the_wish_to_be_asked_asks_nothing(
    tmp_path: Path,
) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        shell = busy(rig, 0)
        assert await rig.do("quit", ask=True) == {"ok": True}
        assert shell.asked == ["quit"]
        assert "end" in (await rig.do("show_window"))["message"]  # a second launch looks elsewhere
    async with running_core(tmp_path, start_proxy=False) as rig:
        shell = busy(rig, 3)
        await rig.do("quit")
        assert shell.asked == ["quit"]


async def test_a_window_that_is_asked_for_too_early_is_not_forgotten(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        assert (await rig.do("show_window"))["ok"]
        assert rig.core.life.show_wanted
        rig.core.surroundings(engine="none", engine_reason="Started without a window.")
        assert "without a window" in (await rig.do("show_window"))["message"]
