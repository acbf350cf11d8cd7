"""Settings of the app's own life, and what the page tells the app about being looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def opened(window: Any, **changes: Any) -> Any:
    page = await window(snapshots.snapshot(**changes))
    await page.go("settings")
    return page


async def looked(page: Any, wanted: Callable[[tuple[str, Any]], bool]) -> None:
    async with asyncio.timeout(20):
        while not any(wanted(look) for look in page.plane.looks):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def login(state: str, *, settings: bool = False) -> dict[str, Any]:
    return {"login_item": {"state": state, "settings": settings}}


async def test_start_at_login_asks_the_system_and_says_saved(window: Any) -> None:
    page = await opened(window)
    await looked(page, lambda look: look[0] == "look_at_login")
    switch = page.page.get_by_role("switch", name="Start at login")
    assert await switch.get_attribute("aria-checked") == "false"
    await switch.click()
    assert await page.called("start_at_login") == {"on": True}
    await page.see("Saved", ".setting:has(#s-start_at_login)")
    page.plane.push(snapshots.snapshot(app=login("on")))
    await page.page.locator('#s-start_at_login[aria-checked="true"]').wait_for()


async def test_a_system_that_does_not_take_it_is_told_at_the_switch(window: Any) -> None:
    page = await opened(window)
    page.plane.answers["start_at_login"] = {
        "ok": False, "code": "invalid_request", "fields": {},
        "message": "The system did not take it: read-only.",
    }  # fmt: skip
    await page.page.get_by_role("switch", name="Start at login").click()
    await page.see("The system did not take it: read-only.", ".setting:has(#s-start_at_login)")


async def test_what_the_system_blocks_leads_to_its_settings(window: Any) -> None:
    page = await opened(window, app=login("blocked", settings=True))
    await page.see("Switched off in system settings.")
    switch = page.page.get_by_role("switch", name="Start at login")
    assert await switch.get_attribute("aria-disabled") == "true"
    await page.press("Open")
    await page.called("open_login_settings")


async def test_without_such_settings_the_switch_takes_the_block_away(window: Any) -> None:
    page = await opened(window, app=login("blocked"))
    await page.see("Switched off in system settings.")
    await page.page.get_by_role("switch", name="Start at login").click()
    assert await page.called("start_at_login") == {"on": True}


@pytest.mark.parametrize(
    ("wish", "shown", "chosen", "patch"),
    [
        (True, "always", "last", "last"),
        ("last", "last", "never", False),
        (False, "never", "always", True),
    ],
)
async def test_the_proxy_at_the_start(
    window: Any, wish: Any, shown: str, chosen: str, patch: Any
) -> None:
    page = await opened(window, settings={"start_proxy": wish})
    box = page.page.get_by_label("Start when the app opens")
    assert await box.input_value() == shown
    await box.select_option(chosen)
    assert await page.called("update_settings") == {"patch": {"start_proxy": patch}}


async def test_each_notification_has_its_switch(window: Any) -> None:
    page = await opened(window)
    used_up = page.page.get_by_role("switch", name="A meter is used up")
    assert await used_up.get_attribute("aria-checked") == "true"
    await used_up.click()
    assert await page.called("update_settings") == {
        "patch": {"notifications_off": ["reset", "exhausted"]}
    }
    page.plane.calls.clear()
    page.plane.push(snapshots.snapshot(settings={"notifications_off": ["reset", "exhausted"]}))
    await page.page.locator('[id="s-notify.exhausted"][aria-checked="false"]').wait_for()
    await page.page.get_by_role("switch", name="A new period has started").click()
    assert await page.called("update_settings") == {"patch": {"notifications_off": ["exhausted"]}}


async def test_the_app_is_told_what_is_looked_at(window: Any) -> None:
    page = await opened(window)
    await looked(page, lambda look: look[1].get("screen") == "settings")
    before = len(page.plane.looks)
    page.plane.push(snapshots.snapshot(proxy={"today": 149}))
    await page.page.evaluate("window.dispatchEvent(new Event('blur'))")  # the same as before
    await page.go("usage")
    await looked(page, lambda look: look[1].get("screen") == "usage")
    told = [look for verb, look in page.plane.looks[before:] if verb == "looking"]
    assert [look["screen"] for look in told] == ["usage"]


async def test_the_app_is_told_that_a_wish_for_a_screen_was_followed(window: Any) -> None:
    wish = {"name": "models", "n": 3}
    page = await window(snapshots.snapshot(app={"screen": wish}))
    await looked(page, lambda look: look[1].get("obeyed") == 3)
    await page.go("usage")
    await looked(page, lambda look: look[1].get("screen") == "usage" and look[1]["obeyed"] == 3)


async def test_a_sign_in_that_has_ended_does_not_pull_the_page_back(window: Any) -> None:
    for state in ("expired", "denied", "failed", "no_access"):
        ended = snapshots.signing_in(state, app={"last_screen": "usage"})
        page = await window(ended)
        await page.page.locator("h1", has_text="Usage").wait_for()


async def test_the_window_opens_at_the_screen_where_it_was_left(window: Any) -> None:
    page = await window(snapshots.snapshot(app={"last_screen": "usage"}))
    await page.page.locator("h1", has_text="Usage").wait_for()
    wish = {"name": "models", "n": 1}
    page = await window(snapshots.snapshot(app={"last_screen": "usage", "screen": wish}))
    await page.page.locator("h1", has_text="Models").wait_for()
    page = await window(snapshots.snapshot(app={"last_screen": "gone"}))
    await page.see("Proxy is running")


async def test_a_second_switch_keeps_what_the_first_one_said(window: Any) -> None:
    """Pressed before the app has told a new state."""
    page = await window(snapshots.snapshot(settings={"notifications_off": ["update"]}))
    await page.go("settings")
    for name in ("low", "update", "crashed"):
        await page.page.locator(f'[id="s-notify.{name}"]').click()
    last = '.setting-control:has([id="s-notify.crashed"])'
    await page.page.locator(last).locator(".saved").wait_for()
    off = [given["patch"]["notifications_off"] for _, given in page.plane.calls]
    assert off == [["update", "low"], ["low"], ["low", "crashed"]]
    # What another page has said meanwhile counts from its snapshot on.
    page.plane.push(snapshots.snapshot(settings={"notifications_off": ["reset"]}))
    await page.page.locator('[id="s-notify.reset"][aria-checked="false"]').wait_for()
    page.plane.calls.clear()
    await page.page.locator('[id="s-notify.low"]').click()
    answer = await page.called("update_settings")
    assert answer == {"patch": {"notifications_off": ["reset", "low"]}}
