"""The chart of days, the ledger, the budget and the alerts on the Usage screen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ui import snapshots
from tests.ui.snapshots import budget, history
from tests.ui.stage import ControlPlane

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def opened(window: Any, *, told: Any = None, **changes: Any) -> Any:
    def prepare(plane: ControlPlane) -> None:
        if told is not None:
            plane.answers["usage_history"] = told

    page = await window(snapshots.snapshot(**changes), prepare=prepare)
    await page.go("usage")
    await page.page.locator(".chart, .ledger, .empty-body").first.wait_for()
    return page


async def asked(page: Any, count: int) -> list[Any]:
    """The questions for the history, as soon as there are so many."""
    for _ in range(500):
        found = [arguments for verb, arguments in page.plane.looks if verb == "usage_history"]
        if len(found) >= count:
            return found
        await page.page.wait_for_timeout(10)
    raise AssertionError(f"asked {found}")


async def test_every_day_has_a_bar_and_today_is_told(window: Any) -> None:
    page = await opened(window)
    assert await page.page.locator(".day:not(.ahead)").count() == 22
    assert await page.page.locator(".day.ahead").count() == 9
    assert await page.page.locator(".day.zero").count() == 2
    assert await page.text(".chart-day") == "Today: 7.5 credits, 30 requests"
    words = await page.text()
    assert "Counted by this app. Use in other places is not in the bars." in words
    assert "Hatched" in words
    heights = await page.page.locator(".day").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().height)"
    )
    assert max(heights) == pytest.approx(72, abs=1)
    assert heights[3] == 1, "a day without anything is a thin line"


async def test_days_are_chosen_with_the_keyboard(window: Any) -> None:
    page = await opened(window)
    days = page.page.get_by_role("slider", name="Credits per day")
    await days.focus()
    assert await days.get_attribute("aria-valuetext") == "Today: 7.5 credits, 30 requests"
    await page.page.keyboard.press("ArrowRight")
    assert "about 6.5 credits to expect" in await days.get_attribute("aria-valuetext")
    for key, place in (("End", 30), ("Home", 0), ("ArrowLeft", 0), ("PageUp", 7), ("ArrowUp", 8)):
        await page.page.keyboard.press(key)
        assert await days.get_attribute("aria-valuenow") == str(place), key
    assert await page.text(".chart-day") == await days.get_attribute("aria-valuetext")
    assert await page.focused() == "days"


async def test_a_press_chooses_the_day_below_it(window: Any) -> None:
    page = await opened(window)
    box = await page.page.locator(".chart").bounding_box()
    await page.page.mouse.click(box["x"] + box["width"] * 3.5 / 31, box["y"] + 5)
    assert await page.page.locator(".chart").get_attribute("aria-valuenow") == "3"
    assert "0 credits" in await page.text(".chart-day")


async def test_the_bars_are_a_table_as_well(window: Any) -> None:
    page = await opened(window)
    button = page.page.get_by_role("button", name="Show as table")
    assert await button.get_attribute("aria-expanded") == "false"
    await button.click()
    rows = page.page.locator("[aria-label='Use per day'] tbody tr")
    assert await rows.count() == 22
    assert (await rows.first.inner_text()).split()[-2:] == ["30", "7.5"], "the newest first"
    await page.press("Hide the table")
    assert await rows.count() == 0


async def test_other_days_and_sums_are_asked_for(window: Any) -> None:
    page = await opened(window)
    assert (await asked(page, 1))[0]["by"] == "client"
    await page.page.get_by_role("radio", name="90 days").click()
    assert (await asked(page, 2))[1] == {"days": 90, "by": "client"}
    assert await page.page.locator(".day.ahead").count() == 0, "only the period has a forecast"
    await page.page.get_by_role("radio", name="Model").click()
    assert (await asked(page, 3))[2] == {"days": 90, "by": "model"}


async def test_news_are_asked_for_and_nothing_else_is(window: Any) -> None:
    page = await opened(window)
    page.plane.answers["usage_history"] = history(values=[9.0] * 22)
    page.plane.push(snapshots.snapshot(usage={"history_ref": 2}))
    await page.see("Today: 9 credits, 30 requests")
    page.plane.push(snapshots.snapshot(usage={"history_ref": 2}, proxy={"today": 149}))
    page.plane.push(snapshots.snapshot(usage={"history_ref": 3}))
    assert len(await asked(page, 3)) == 3


async def test_a_clock_that_is_set_back_does_not_hold_the_history_up(window: Any) -> None:
    page = await opened(window)
    await asked(page, 1)
    await page.page.evaluate("const real = Date.now; Date.now = () => real() - 3600000")
    page.plane.push(snapshots.snapshot(usage={"history_ref": 2}))
    await asked(page, 2)


async def test_the_ledger_tells_what_each_client_cost(window: Any) -> None:
    page = await opened(window)
    rows = await page.page.locator(".ledger tbody tr").all_inner_texts()
    assert rows[0].split() == [
        "Claude", "Code", "412", "3", "failed", "8.4", "M", "86", "%", "210", "K", "96.2"
    ]  # fmt: skip
    assert "–" in rows[2], "nothing read from a cache that there is not"
    total = await page.page.locator(".ledger tfoot").inner_text()
    assert total.split()[:2] == ["Total", "563"]
    assert "Only 7\u202f% of what aider sends comes from the prompt cache" in (
        await page.page.locator(".ledger-foot").inner_text()
    )


async def test_long_lists_are_short_at_first(window: Any) -> None:
    row = history()["rows"][0]
    many = [row | {"name": f"client {n}"} for n in range(40)]
    page = await opened(window, told=history(rows=many, more=7, low_cache=None))
    assert await page.page.locator(".ledger tbody tr").count() == 10
    assert "7 more names are only in the total." in await page.text(".ledger-foot")
    await page.press("Show all 40")
    assert await page.page.locator(".ledger tbody tr").count() == 40
    await page.press("Show fewer")
    assert await page.page.locator(".ledger tbody tr").count() == 10


async def test_plain_requests_have_no_column_of_amounts(window: Any) -> None:
    page = await opened(window, told=history("requests", values=[1] * 22, forecast=[]))
    assert await page.text(".chart-day") == "Today: 1 request"
    heads = await page.page.locator(".ledger thead th").all_inner_texts()
    assert heads == ["Client", "Requests", "Input", "From cache", "Output"]


async def test_a_history_without_anything_says_when_it_begins(window: Any) -> None:
    page = await opened(window, told=history(since=None, rows=[], values=[0] * 22, forecast=[]))
    assert "The chart starts with your first request through this app." in await page.text()
    assert await page.page.locator(".ledger").count() == 0


async def test_a_history_that_cannot_be_read_says_so(window: Any) -> None:
    page = await opened(window, told={"ok": False, "code": "internal_error", "message": "x"})
    await page.see("The history could not be read.")
    assert "Weekly limit" in await page.text(), "the meters are there all the same"


async def test_a_plan_without_limits_has_a_history_all_the_same(window: Any) -> None:
    page = await opened(window, usage={"meters": [], "state": "ready"})
    await page.page.locator(".ledger").wait_for()
    words = await page.text()
    assert "Your plan reports no limits." in words
    assert "Use of this app" in words


# --- budget and alerts -------------------------------------------------------------------------


async def test_a_budget_is_set_and_taken_off(window: Any) -> None:
    page = await opened(window)
    field = page.page.locator("#s-budget_credits")
    assert await page.page.locator("#s-budget_requests").count() == 0, "not what this plan counts"
    await field.fill("12,5")
    await field.press("Enter")
    assert await page.called("update_settings") == {"patch": {"budget_credits": 12.5}}
    page.plane.push(snapshots.snapshot(settings={"budget_credits": 12.5}))
    await page.see("Saved", ".setting:has(#s-budget_credits)")
    await field.fill("")
    await field.press("Tab")
    while (await page.called("update_settings"))["patch"] != {"budget_credits": None}:
        await page.page.wait_for_timeout(10)
    await page.page.get_by_role("radio", name="Stop").click()
    while (await page.called("update_settings"))["patch"] != {"budget_action": "stop"}:
        await page.page.wait_for_timeout(10)


async def test_what_is_typed_while_a_save_is_under_way_stays(window: Any) -> None:
    page = await opened(window)
    field, answer = page.page.locator("#s-budget_credits"), asyncio.Event()

    async def later(route: Any) -> None:
        await answer.wait()
        await route.continue_()

    await page.page.route("**/do/update_settings", later)
    async with page.page.expect_request("**/do/update_settings"):
        await field.fill("20")
        await field.press("Enter")
    await field.fill("200")
    answer.set()
    await page.see("Saved", ".setting:has(#s-budget_credits)")
    assert await field.input_value() == "200"


@pytest.mark.parametrize("typed", ["0", "-3", "abc", "1e9", "100001"])
async def test_a_budget_that_is_no_amount_is_refused_beside_the_field(
    window: Any, typed: str
) -> None:
    page = await opened(window)
    field = page.page.locator("#s-budget_credits")
    await field.fill(typed)
    await field.press("Enter")
    await page.see("Use a number above 0, up to 100,000, or leave it empty.")
    assert await field.get_attribute("aria-invalid") == "true"
    assert page.plane.calls == []
    await field.press("Escape")
    assert await field.input_value() == ""


async def test_a_budget_stands_as_a_meter(window: Any) -> None:
    page = await opened(window, usage={"budget": budget(12.5)}, settings={"budget_credits": 20.0})
    bar = page.page.get_by_role("meter", name="Today")
    assert await bar.get_attribute("aria-valuetext") == "12.5 of 20 credits used"
    assert "12.5 of 20 used · 7.5 left" in await page.text()


async def test_a_spent_budget_says_so_on_top_and_below(window: Any) -> None:
    page = await window(snapshots.over_budget())
    assert await page.text(".banner-title") == "Your own budget is used up"
    assert "included models still work" in await page.text(".banner-body")
    await page.press("Change the budget")
    await page.page.get_by_role("meter", name="Today").wait_for()
    assert "Requests that cost something are refused until then." in await page.text()


@pytest.mark.parametrize(("typed", "taken"), [("80", 80), ("101", None), ("0", None), ("x", None)])
async def test_alerts_are_numbers_from_1_to_100(window: Any, typed: str, taken: int | None) -> None:
    page = await opened(window)
    field = page.page.locator("#s-alert_low")
    await field.fill(typed)
    await field.press("Enter")
    if taken is None:
        await page.see("Use a number from 1 to 100.")
        assert page.plane.calls == []
    else:
        assert await page.called("update_settings") == {"patch": {"alert_low": taken}}


async def test_the_history_is_cleared_after_a_question(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.go("settings")
    await page.press("Clear…")
    await page.see("The numbers of the last 90 days are deleted.")
    assert await page.focused() == "Cancel"
    await page.press("Clear the history")
    await page.called("clear_history")
    await page.see("The history is cleared")


async def test_what_the_environment_fixes_is_shown_and_not_changed(window: Any) -> None:
    page = await opened(
        window,
        settings={"budget_credits": 7.5},
        settings_source={"budget_credits": "environment"},
    )
    assert await page.page.locator("#s-budget_credits").count() == 0
    assert "COPILOT_DESKTOP_BUDGET_CREDITS" in await page.text()


async def test_ninety_days_and_many_rows_are_drawn_at_once(window: Any) -> None:
    row = history()["rows"][0]
    many = [row | {"name": f"client {n}"} for n in range(100)]
    page = await opened(window, told=history(days=90, rows=many))
    await page.page.get_by_role("radio", name="90 days").click()
    await page.press("Show all 100")
    await page.page.locator(".chart").press("Home")
    for _ in range(6):
        await page.page.keyboard.press("ArrowRight")
    assert await page.page.locator(".chart").get_attribute("aria-valuenow") == "6"


async def test_forced_colours_keep_the_bars_apart(window: Any) -> None:
    page = await window(snapshots.snapshot(), forced_colors="active")
    await page.go("usage")
    await page.page.locator(".chart").wait_for()
    await page.page.locator(".chart").press("Home")
    grounds = await page.page.locator(".day").evaluate_all(
        "all => all.map(e => getComputedStyle(e).backgroundColor)"
    )
    assert grounds[0] != grounds[1]


async def test_a_history_that_could_not_be_read_is_asked_for_once_more(window: Any) -> None:
    page = await opened(window, told={"ok": False, "code": "internal_error", "message": ""})
    await page.see("The history could not be read.")
    page.plane.answers["usage_history"] = history()
    await page.press("Try again")
    await page.page.locator(".chart").wait_for()
