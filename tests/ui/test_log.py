"""The log in the window: levels, search, following, and the end of it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LEVELS = ["debug", "info", "warning", "error"]
END = "e => e.scrollHeight - e.scrollTop - e.clientHeight"


def line(n: int, **changes: Any) -> dict[str, Any]:
    usual = {"n": n, "at": time.time(), "level": LEVELS[n % 4], "name": "proxy.relay"}
    return {**usual, "text": f"line {n} of the log", **changes}


async def opened(window: Any, count: int) -> Any:
    told = {"lines": [line(n) for n in range(1, count + 1)]}
    page = await window(snapshots.snapshot(), prepare=lambda plane: plane.told.update(log=[told]))
    await page.go("activity")
    await page.page.get_by_role("radio", name="Log").click()
    await page.see(f"{min(count, 2000):,} lines")
    return page


async def test_the_latest_two_thousand_lines_are_shown_and_followed(window: Any) -> None:
    page = await opened(window, 2300)
    scroller = page.page.locator("#log-lines")
    await page.see("line 2300 of the log")
    assert await page.page.get_by_text("line 300 of the log").count() == 0
    page.plane.news("log", {"lines": [line(2301)]})
    await page.see("line 2301 of the log")
    assert await scroller.evaluate(END) < 24


async def test_scrolling_up_stops_following_until_the_latest_is_wanted(window: Any) -> None:
    page = await opened(window, 200)
    await page.page.locator("#log-lines").evaluate("e => e.scrollTo(0, 0)")
    await page.see("Jump to latest")
    assert await page.page.locator("#s-log-follow").get_attribute("aria-checked") == "false"
    page.plane.news("log", {"lines": [line(201)]})
    await page.see("201 lines")
    assert await page.page.locator("#log-lines").evaluate("e => e.scrollTop") == 0
    await page.press("Jump to latest")
    await page.page.locator("#s-log-follow[aria-checked=true]").wait_for()
    assert await page.page.locator("#log-lines").evaluate(END) < 24


async def test_level_and_search_narrow_it_down(window: Any) -> None:
    page = await opened(window, 100)
    await page.page.locator("#log-level").select_option("warning")
    await page.see("50 lines")
    await page.page.locator("#search").fill("line 3 of")
    await page.see("1 line", "[role=status]")
    await page.page.locator("#search").fill("not there")
    await page.see("Nothing matches.")


async def test_lines_are_copied_as_text_and_the_folder_opens(window: Any) -> None:
    page = await opened(window, 3)
    await page.empty_clipboard()
    await page.press("Copy lines")
    copied = await page.page.evaluate("navigator.clipboard.readText()")
    assert copied.count("\n") == 2
    assert "WARNING proxy.relay: line 2 of the log" in copied
    await page.press("Open folder")
    await page.called("open_logs")


async def test_markup_in_a_line_stays_text(window: Any) -> None:
    page = await opened(window, 3)
    page.plane.news("log", {"lines": [line(4, text="<img src=x onerror=alert(1)>\n    at a line")]})
    await page.see("<img src=x onerror=alert(1)>")
    assert await page.page.locator("#log-lines img").count() == 0
    assert page.complaints == []
