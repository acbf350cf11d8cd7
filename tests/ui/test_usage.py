"""Usage: numbers with their words, pace, and honesty where there is no number."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.ui import snapshots
from tests.ui.snapshots import DAY, meter, weekly

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NO_COPILOT = {"auth": {"state": "no_access", "plan": None}}  # who is signed in nevertheless


async def opened(window: Any, **changes: Any) -> Any:
    page = await window(snapshots.snapshot(**changes))
    await page.go("usage")
    return page


async def test_every_kind_of_meter_has_its_form(window: Any) -> None:
    page = await window(snapshots.many_meters())
    await page.go("usage")
    words = await page.text()
    assert "412 of 1,500 used · 1,088 left" in words
    assert "Resets in 9 days" in words
    assert "338 of 300 used · 38 extra" in words
    assert "Extra use is allowed and is billed by GitHub." in words
    assert "Managed by your organisation. GitHub reports no personal limit." in words
    assert "GitHub did not say how this is counted." in words
    assert "Included" in words


async def test_a_share_without_amounts_shows_no_made_up_amount(window: Any) -> None:
    page = await opened(window, usage={"meters": [weekly(81)]})
    words = await page.text()
    assert "81 % used" in words
    assert " of " not in words.split("Weekly limit")[1].split("Resets")[0]


async def test_the_worst_meter_comes_first(window: Any) -> None:
    page = await window(snapshots.many_meters())
    await page.go("usage")
    names = await page.page.locator(".meter-name").all_inner_texts()
    assert names[:4] == ["Premium requests", "Chat", "Weekly limit", "AI credits"]


@pytest.mark.parametrize(
    ("percent", "passed", "words"),
    [
        (50.0, 0.50, "on pace"),
        (20.0, 0.60, "lasts until reset"),
        (80.0, 0.50, "30 % ahead of pace, runs out about"),
    ],
)
async def test_pace_is_measured_against_the_time_passed(
    window: Any, percent: float, passed: float, words: str
) -> None:
    now = time.time()
    one = meter(
        "AI credits",
        percent_used=percent,
        used=percent * 15,
        left=1500 - percent * 15,
        window_start=now - 30 * DAY * passed,
        resets_at=now + 30 * DAY * (1 - passed),
    )
    page = await opened(window, usage={"meters": [one]})
    assert words in await page.text()
    tick = page.page.locator(".tick")
    track = await page.page.locator(".bar").bounding_box()
    place = await tick.bounding_box()
    assert (place["x"] + 1 - track["x"]) / track["width"] == pytest.approx(passed, abs=0.01)


async def test_no_pace_in_the_first_hours_of_a_period(window: Any) -> None:
    now = time.time()
    one = meter("AI credits", window_start=now - DAY / 4, resets_at=now + 30 * DAY)
    page = await opened(window, usage={"meters": [one]})
    assert await page.page.locator(".tick").count() == 0
    assert "pace" not in await page.text()


@pytest.mark.parametrize(("percent", "level"), [(74, "ok"), (75, "warn"), (90, "bad")])
async def test_bars_change_colour_with_use(window: Any, percent: float, level: str) -> None:
    page = await opened(window, usage={"meters": [weekly(percent)]})
    assert level in (await page.page.locator(".bar").get_attribute("class")).split()


async def test_a_bar_is_full_only_when_all_is_used(window: Any) -> None:
    page = await opened(
        window, usage={"meters": [weekly(99.7), meter("Tiny", percent_used=0.01, used=0.1)]}
    )
    assert "99 % used" in await page.text()
    track = await page.page.locator(".bar-track").nth(0).bounding_box()
    fill = await page.page.locator(".bar-fill").nth(0).bounding_box()
    assert fill["width"] < track["width"]
    tiny = await page.page.locator(".bar-fill").nth(1).bounding_box()
    assert tiny["width"] >= 2


async def test_meters_can_show_what_is_left(window: Any) -> None:
    page = await window(snapshots.snapshot(settings={"usage_shows": "left"}))
    words = await page.text()
    assert "1,088 of 1,500 left" in words
    assert "19 % left" in words


async def test_readers_hear_amounts_with_their_unit(window: Any) -> None:
    page = await opened(window)
    bar = page.page.get_by_role("meter", name="AI credits")
    assert await bar.get_attribute("aria-valuetext") == "412 of 1,500 credits used"
    assert await bar.get_attribute("aria-valuenow") == "28"


async def test_used_up_says_until_when(window: Any) -> None:
    state = snapshots.exhausted()
    page = await window(state)
    await page.go("usage")
    words = await page.text()
    assert "AI credits: used up until" in words
    assert "Used up · Resets in 9 days" in words


async def test_used_up_without_a_date_says_so(window: Any) -> None:
    page = await window(
        snapshots.merged(
            snapshots.exhausted(),
            {
                "banner": {"fields": {"when": None}},
                "headline": {"fields": {"when": None}},
            },
        )
    )
    assert "AI credits: used up" in await page.text(".banner")
    assert "until" not in await page.text(".banner-title")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"usage": {"state": "loading", "meters": []}}, "Loading usage…"),
        (
            {
                "usage": {
                    "state": "unavailable",
                    "meters": [],
                    "error": {"message": "It timed out."},
                }
            },
            "It timed out. The proxy still works.",
        ),
        ({"usage": {"state": "stale"}}, "GitHub has not answered since."),
        ({"usage": {"state": "ready", "meters": []}}, "Your plan reports no limits."),
        (snapshots.SIGNED_OUT, "Sign in to see your usage"),
        ({**NO_COPILOT, "usage": {"state": "ready", "meters": []}}, "No Copilot access"),
    ],
)
async def test_a_missing_number_says_why(window: Any, changes: Any, words: str) -> None:
    page = await opened(window, **changes)
    assert words in await page.page.locator("main").text_content()


async def test_a_limit_in_time_that_is_reached_promises_nothing_of_included_models(
    window: Any,
) -> None:
    page = await opened(window, usage={"meters": [weekly(100.0, exhausted=True)]})
    await page.see("Used up")
    assert "ncluded models" not in await page.text()


async def test_refresh_asks_the_app(window: Any) -> None:
    page = await opened(window)
    await page.press("Refresh")
    await page.called("refresh_quota")
