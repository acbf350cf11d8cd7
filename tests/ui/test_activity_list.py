"""Activity as a list of thousands: search, filter, pause, export, keys, and what was said."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MANY = 2000
# The list itself has come, and not only the newest few that every snapshot tells.
LISTED = """Promise.all([import('/ui/requests.js'), import('/ui/store.js')]).then(
    ([requests, { state: { snapshot } }]) => requests.allRequests(snapshot) !== snapshot.requests
)"""


def many() -> list[dict[str, Any]]:
    """2,000 requests; each hundredth failed, each 250th met a limit."""
    rows = []
    for n in range(1, MANY + 1):
        row = snapshots.request(n, client=f"client {n % 7}", at=time.time() - MANY + n)
        if n % 100 == 0:
            row |= {"status": 502, "outcome": "failed", "error": f"It broke at {n}."}
        if n % 250 == 0:
            row |= {"status": 429, "outcome": "failed"}
        rows.append(row)
    return rows


async def shown(window: Any, rows: list[Any], **changes: Any) -> Any:
    state = snapshots.snapshot(requests=rows[-1:-51:-1], **changes)
    told = {"rows": rows, "cleared": 0, "emptied": False}
    page = await window(state, prepare=lambda plane: plane.told.update(requests=[told]))
    await page.go("activity")
    if rows:
        await page.until(LISTED)
        await page.see(f"{len(rows):,} request{'s' * (len(rows) != 1)}", ".page-head")
    return page


async def drawn(page: Any) -> list[int]:
    """The ids of the rows that are in the page."""
    return await page.page.eval_on_selector_all(
        "[data-request]", "all => all.map(each => Number(each.dataset.request))"
    )


async def test_of_thousands_only_those_in_view_are_drawn(window: Any) -> None:
    page = await shown(window, many())
    assert 10 < len(await drawn(page)) < 60
    assert (await drawn(page))[0] == MANY
    await page.page.locator("#requests").evaluate("e => e.scrollTo(0, e.scrollHeight)")
    await page.page.locator("[data-request='1']").wait_for()
    assert len(await drawn(page)) < 60
    table = page.page.locator("#requests table")
    assert await table.get_attribute("aria-rowcount") == str(MANY + 1)
    row = page.page.locator("tr:has([data-request='1'])")
    assert await row.get_attribute("aria-rowindex") == str(MANY + 1)


async def test_no_cell_spans_columns_that_are_not_shown(window: Any) -> None:
    # Chromium forgives it; WebKit gave such columns the width of the model's name.
    page = await shown(window, many())
    widest = "Math.max(...[...document.querySelectorAll('#requests td')].map((e) => e.colSpan))"
    heads = "[...document.querySelectorAll('#requests th')].filter((e) => e.offsetWidth).length"
    assert await page.page.locator("#requests .room").count() > 0
    assert await page.page.evaluate(f"{widest} <= {heads}")


async def test_copilot_refused_only_what_it_was_asked(window: Any) -> None:
    told = {"status": 400, "outcome": "failed", "upstream_status": None}
    page = await shown(window, [snapshots.request(1, **told)])
    await page.see("400 · Refused")
    assert "Refused by Copilot" not in await page.text()
    page = await shown(window, [snapshots.request(1, **(told | {"upstream_status": 400}))])
    await page.see("400 · Refused by Copilot")


async def test_arrow_keys_reach_every_row(window: Any) -> None:
    page = await shown(window, many())
    await page.page.locator(f"[data-request='{MANY}']").focus()
    await page.page.locator(f"[data-request='{MANY}']:focus").wait_for()
    for key, expected in (("End", 1), ("ArrowUp", 2), ("PageUp", 12), ("Home", MANY)):
        await page.page.keyboard.press(key)
        await page.page.locator(f"[data-request='{expected}']:focus").wait_for()
        assert await page.page.locator(f"[data-request='{expected}']").is_visible()


async def test_scrolling_does_not_take_the_focus_away(window: Any) -> None:
    page = await shown(window, many())
    await page.page.locator(f"[data-request='{MANY}']").focus()
    await page.page.locator("#requests").evaluate("e => e.scrollTo(0, e.scrollHeight)")
    await page.page.locator("[data-request='1']").wait_for()
    assert await page.page.evaluate("document.activeElement.dataset.request") == str(MANY)


async def test_search_and_filter_find_what_was_meant(window: Any) -> None:
    page = await shown(window, many())
    await page.page.keyboard.press("/")
    await page.page.locator("#search:focus").wait_for()
    await page.page.keyboard.type("broke at 1700")
    await page.see("1 of 2,000 requests")
    assert await drawn(page) == [1700]
    await page.page.keyboard.press("Escape")
    await page.see("2,000 requests")
    await page.page.get_by_role("radio", name="Limited").click()
    await page.see("8 of 2,000 requests")
    await page.page.get_by_role("radio", name="Failed").click()
    await page.see("24 of 2,000 requests")
    await page.page.locator("#search").fill("nothing like it")
    await page.see("Nothing matches.")
    await page.press("Clear filter")
    await page.see("2,000 requests")


async def test_pause_holds_the_list_and_counts_what_comes(window: Any) -> None:
    page = await shown(window, [snapshots.request(1), snapshots.request(2)])
    await page.press("Pause")
    await page.see("Paused. 0 new.")
    new = [snapshots.request(3), snapshots.request(4)]
    page.plane.news("requests", {"rows": new, "cleared": 0, "emptied": False})
    await page.see("Paused. 2 new.")
    assert await drawn(page) == [2, 1]
    await page.press("Continue")
    await page.see("4 requests")
    assert await drawn(page) == [4, 3, 2, 1]


async def test_a_row_changes_when_its_request_ends(window: Any) -> None:
    running = snapshots.request(1, outcome="open", status=0)
    page = await shown(window, [running])
    await page.see("In progress")
    ended = snapshots.request(1)
    page.plane.news("requests", {"rows": [ended], "cleared": 0, "emptied": False})
    await page.see("200 · OK", "#requests")
    assert await drawn(page) == [1]


async def test_clear_and_export_ask_the_app(window: Any) -> None:
    page = await shown(window, [snapshots.request(1)])
    page.plane.answers["export_requests"] = {"ok": True, "path": "/home/me/Downloads/x.csv"}
    await page.press("Export CSV")
    await page.called("export_requests")
    await page.see("Written to /home/me/Downloads/x.csv")
    await page.press("Clear")
    await page.called("clear_requests")
    page.plane.push(snapshots.snapshot(requests=[]))
    page.plane.news("requests", {"rows": [], "cleared": 1, "emptied": True})
    await page.see("Nothing yet. Requests from your editors appear here.")


async def test_the_stream_is_there_only_while_somebody_looks(window: Any) -> None:
    page = await shown(window, [snapshots.request(1), snapshots.request(2, outcome="open")])
    assert page.plane.looking_at("requests") == 1
    await page.go("overview")
    async with asyncio.timeout(20):
        while page.plane.looking_at("requests"):
            # A closed stream is noticed when something is written into it.
            page.plane.news("requests", {"rows": [], "cleared": 0, "emptied": False})
            await asyncio.sleep(0.05)
    await page.go("activity")
    await page.see("2 requests")
    await page.looks_at("requests")
    # Only what is missing or may have changed is asked for again.
    assert page.plane.watched[1:] == ["/watch/requests?from=2&cleared=0"]


SIDES = {
    name: {"text": f"{name} words", "size": 11, "cut": name == "heard"}
    for name in ("asked", "sent", "heard", "told")
}


async def test_recorded_contents_are_announced_and_shown(window: Any) -> None:
    page = await shown(window, [snapshots.request(1)], recording={"until": time.time() + 1800})
    await page.see("Contents are being recorded until")
    page.plane.answers["contents"] = {"ok": True, **SIDES}
    await page.page.locator("[data-request='1']").click()
    await page.press("Show contents")
    assert await page.called("contents") == {"id": 1}
    await page.page.get_by_text("What Copilot sent").click()
    await page.see("heard words")
    await page.see("Only the beginning is shown.")
    await page.press("Stop and delete")
    await page.called("stop_recording")
    page.plane.push(snapshots.snapshot(requests=[snapshots.request(1)], recording=None))
    await page.page.locator(".strip").wait_for(state="detached")
    assert await page.page.get_by_text("heard words").count() == 0


async def test_the_panel_tells_how_copilot_was_asked_and_gives_it_away_as_text(window: Any) -> None:
    row = snapshots.request(1, attempts=2, upstream_status=503, notes=["dropped=top_k"])
    page = await shown(window, [row])
    await page.empty_clipboard()
    await page.page.locator("[data-request='1']").click()
    await page.see("503, asked 2 times", "#panel")
    await page.page.get_by_role("button", name="Copy details: Details").click()
    copied = await page.page.evaluate("navigator.clipboard.readText()")
    for expected in ("Claude Code", "200 · OK", "503, asked 2 times", "dropped=top_k"):
        assert expected in copied, copied


async def test_recording_is_switched_on_in_the_settings(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.go("settings")
    await page.page.locator("#s-record").click()
    assert await page.called("start_recording") == {}
    page.plane.push(snapshots.snapshot(recording={"until": time.time() + 3600}))
    await page.see("Switching it off deletes everything that was recorded.")
    await page.page.locator("#s-record").click()
    await page.called("stop_recording")


@pytest.mark.parametrize("size", [100, 140])
@pytest.mark.parametrize("locale", ["en-GB", "en-US"])
async def test_times_and_numbers_are_never_cut(window: Any, locale: str, size: int) -> None:
    rows = [snapshots.request(n, at=1_800_000_000.0 + n * 1999) for n in range(40)]
    state = snapshots.snapshot(requests=rows, settings={"text_size": size})
    view = {"viewport": {"width": 720, "height": 520}, "locale": locale}
    page = await window(state, **view)
    await page.go("activity")
    for column in ("c-time", "c-cost", "c-took"):
        cut = await page.page.eval_on_selector_all(
            f"#requests td.{column}",
            "all => all.filter(e => e.clientWidth && e.scrollWidth > e.clientWidth)"
            ".map(e => e.textContent)",
        )
        assert cut == [], column
