"""Newer versions in the window: off until chosen, looked for at a press, ignored one by one."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NEW = {"version": "99.1.0", "asked_at": time.time(), "failed": False}


async def test_it_is_off_until_it_is_chosen(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.go("settings")
    switch = page.page.get_by_role("switch", name="Look for updates once a week")
    assert await switch.get_attribute("aria-checked") == "false"
    await page.see("Not looked for yet.")
    await page.see("Nothing is installed.")
    await switch.click()
    assert await page.called("update_settings") == {"patch": {"look_for_updates": True}}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"ok": True, **NEW}, "Version 99.1.0 is available."),
        ({"ok": True, **NEW, "version": ""}, "This is the newest version, as of"),
        ({"ok": False, "code": "unreachable", "message": "GitHub is away."}, "GitHub is away."),
    ],
)
async def test_a_press_says_what_came_of_it(window: Any, answer: Any, words: str) -> None:
    page = await window(snapshots.snapshot())
    page.plane.answers["look_for_updates"] = answer
    await page.go("settings")
    await page.press("Look now")
    await page.called("look_for_updates")
    await page.see(words, "#toast")


async def test_what_was_heard_stands_in_settings_and_help(window: Any) -> None:
    page = await window(snapshots.snapshot(update=NEW))
    for screen in ("settings", "help"):
        await page.go(screen)
        await page.see("Version 99.1.0 is available.", "#main")
        page.plane.calls.clear()
        await page.press("Open download page")
        assert await page.called("open_link") == {"id": "downloads"}
    page.plane.push(snapshots.snapshot(update={**NEW, "failed": True}))
    await page.see("GitHub gave no answer,", "#main")


async def test_a_version_that_is_ignored_comes_back_with_the_next_one(window: Any) -> None:
    def told(version: str) -> Any:
        fields = {"version": version, "current": "0.1.0"}
        banner = {"id": "update", "level": "info", "fields": fields, "actions": ["open_downloads"]}
        return snapshots.snapshot(banner=banner)

    page = await window(told("1.0.0"))
    await page.see("Version 1.0.0 is available", "#banner")
    await page.page.get_by_role("button", name="Dismiss").click()
    await page.page.locator("#banner").wait_for(state="detached")
    page.plane.push(told("1.0.1"))
    await page.see("Version 1.0.1 is available", "#banner")
