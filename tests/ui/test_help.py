"""Help: the keys, the diagnosis with its buttons, and a report that is seen before it is saved."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

REPORT = "Copilot Desktop 0.1.0\n== Log\nnothing"


def check(name: str, level: str = "ok", action: str = "", **fields: str) -> dict[str, Any]:
    return {
        "id": name,
        "level": level,
        "words": f"<b>{name}</b>",
        "fields": fields,
        "action": action,
    }


CHECKS = [
    check("own_address", "failed", "start_proxy"),
    check("port", "failed", "use_port", next="4242"),
    check("sign_in", "look", "sign_in"),
    check("github", "failed", "outgoing"),
    check("storage", "look", "store"),
    check("clock"),
    check("logs", "ok", "open_logs"),
]


async def looked(window: Any, checks: list[dict[str, Any]] | None = None) -> Any:
    page = await window(snapshots.snapshot())
    found = CHECKS if checks is None else checks
    page.plane.answers["diagnose"] = {"ok": True, "checks": found}
    await page.go("help")
    await page.press("Run")
    await page.page.locator(".finding").first.wait_for()
    return page


async def test_nothing_is_looked_at_before_the_press(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.go("help")
    assert "diagnose" not in [verb for verb, _ in page.plane.calls]
    assert await page.page.get_by_role("button", name="Save report…").count() == 0


async def test_each_finding_is_said_with_its_level(window: Any) -> None:
    page = await looked(window)
    rows = page.page.locator(".finding")
    assert await rows.count() == len(CHECKS)
    assert "Failed Port <b>port</b> Use port 4242 instead" in await page.text(".findings")
    await page.see("3 checks failed.")
    assert await page.text("#polite") == "3 checks failed."
    assert page.complaints == []


async def test_all_is_well(window: Any) -> None:
    page = await looked(window, [check("clock")])
    await page.see("Nothing failed.")


@pytest.mark.parametrize(
    ("name", "verb", "arguments"),
    [
        ("Start proxy", "start_proxy", {}),
        ("Use port 4242 instead", "use_port", {"port": 4242}),
        ("Sign in", "sign_in", {}),
        ("Open", "open_logs", {}),
    ],
)
async def test_a_button_helps(window: Any, name: str, verb: str, arguments: dict[str, Any]) -> None:
    page = await looked(window)
    await page.press(name)
    assert await page.called(verb) == arguments


async def test_other_buttons_lead_to_where_it_can_be_changed(window: Any) -> None:
    page = await looked(window)
    await page.press("Other storage…")
    await page.see("Where should the sign-in be kept?")
    await page.page.keyboard.press("Escape")
    await page.press("Outgoing connection")
    await page.until("document.activeElement?.id === 'outgoing-test'")  # and not at the top
    edge = "document.getElementById('l-extra_ca').getBoundingClientRect().bottom"
    assert await page.page.evaluate(f"{edge} < innerHeight")


@pytest.mark.parametrize("key", ["F5", "Control+r"])
async def test_refresh_looks_again(window: Any, key: str) -> None:
    page = await looked(window, [check("clock", "failed")])
    page.plane.answers["diagnose"] = {"ok": True, "checks": [check("clock")]}
    await page.page.keyboard.press(key)
    await page.see("Nothing failed.")


async def test_a_report_is_written_only_after_it_was_seen(window: Any) -> None:
    page = await looked(window)
    page.plane.answers["report"] = {"ok": True, "id": "0123456789abcdef", "text": REPORT}
    path = "/home/hana/Downloads/copilot-desktop-report.txt"
    page.plane.answers["save_report"] = {"ok": True, "path": path}
    await page.press("Save report…")
    assert await page.page.locator("dialog .report").text_content() == REPORT
    assert "save_report" not in [verb for verb, _ in page.plane.calls]
    await page.page.keyboard.press("Escape")
    await page.press("Save report…")
    await page.press("Save")
    assert await page.called("save_report") == {"id": "0123456789abcdef"}
    await page.see(f"Saved as {path}")


async def test_the_question_mark_lists_the_keys_from_everywhere(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.page.keyboard.press("?")
    await page.page.locator("dialog table").wait_for()
    assert "Ctrl+Shift+S Start or stop the proxy" in await page.text("dialog")
    await page.page.keyboard.press("Escape")
    assert await page.page.locator("#main").get_attribute("data-screen") == "overview"
    assert not await page.page.locator("#sheet").evaluate("e => e.open")
