"""Keys with names in Settings: made, shown once, limited, and revoked only after a question."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ui import snapshots
from tests.ui.test_accessibility import axe, faults

__all__ = ["axe"]  # a fixture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CODEX = {
    "name": "codex",
    "hint": "k3Zd",
    "created": 1_790_000_000.0,
    "models": ["gpt-5*", "auto"],
    "max_effort": "medium",
    "budget": {"unit": "credits", "amount": 20.0, "stops": True},
    "last_day": "2026-11-21",
    "today": {"requests": 12, "credits": 20.4, "premium": 0.0},
    "level": "spent",
}
NEW = {
    "name": "a-name-of-thirty-two-letters-yes",
    "hint": "0000",
    "created": 1_790_000_000.0,
    "models": [],
    "max_effort": None,
    "budget": None,
    "last_day": "",
    "today": {"requests": 0, "credits": 0.0, "premium": 0.0},
    "level": "",
}
KEY = "cd-" + "k" * 43


async def opened(window: Any, *keys: Any, required: bool = True) -> Any:
    proxy = {"keys": list(keys), "key_required": required}
    page = await window(snapshots.snapshot(proxy=proxy))
    await page.go("settings")
    return page


async def test_each_key_says_whose_it_is_what_it_used_and_what_it_may_do(window: Any) -> None:
    page = await opened(window, CODEX, NEW)
    rows = page.page.locator(".named-keys > li")
    first, second = [" ".join((await rows.nth(n).inner_text()).split()) for n in (0, 1)]
    assert first == (
        "codex Budget used up today Ends in k3Zd · last used 2026-11-21 · "
        "12 requests today, 20.4 credits Only gpt-5*, auto · Effort up to medium · "
        "Stops at 20 credits a day Change Revoke"
    )
    assert second == f"{NEW['name']} Ends in 0000 · not used yet No limits Change Revoke"


async def test_a_new_key_is_shown_once_and_can_be_copied(window: Any) -> None:
    page = await opened(window)
    page.plane.answers["make_key"] = {"ok": True, "name": "codex", "key": KEY, "saved": True}
    await page.press("Make a key")
    await page.page.get_by_role("textbox", name="Name", exact=True).fill("codex")
    await page.page.get_by_role("textbox", name="Models", exact=True).fill("gpt-5*, auto")
    await page.page.get_by_label("Highest effort").select_option("low")
    await page.page.get_by_label("Budget for a day").fill("2,5")
    await page.page.get_by_role("radio", name="Stop").click()
    await page.press("Make key")
    assert await page.called("make_key") == {
        "name": "codex",
        "limits": {
            "models": ["gpt-5*", "auto"],
            "max_effort": "low",
            "budget": {"unit": "credits", "amount": 2.5, "stops": True},
        },
    }
    await page.see("The key codex is ready")
    await page.see(KEY)
    await page.until("document.activeElement.getAttribute('aria-label') === 'Copy: Key'")
    await page.press("Done")
    await page.until(f"!document.body.textContent.includes('{KEY}')")


async def test_what_cannot_be_is_said_at_its_field(window: Any) -> None:
    page = await opened(window)
    await page.press("Make a key")
    for label, typed, said in (
        ("Name", "a/b", "This name does not work."),
        ("Models", "a b", "These models do not work."),
        ("Budget for a day", "-1", "Give a number above 0"),
    ):
        box = page.page.get_by_role("textbox", name=label, exact=True)
        await box.fill(typed)
        await page.press("Make key")
        await page.see(said)
        assert await box.get_attribute("aria-invalid") == "true"
        await box.fill("ok" if label != "Budget for a day" else "")
    assert page.plane.calls == []


async def test_changing_begins_with_what_holds_now(window: Any) -> None:
    page = await opened(window, CODEX)
    await page.press("Change the key codex")
    assert (
        await page.page.get_by_role("textbox", name="Models", exact=True).input_value()
        == "gpt-5*, auto"
    )
    await page.page.get_by_role("textbox", name="Name", exact=True).fill("Codex CLI")
    await page.page.get_by_label("Budget for a day").fill("")
    await page.press("Save")
    async with asyncio.timeout(20):
        while True:
            if len(page.plane.calls) >= 2:
                break
            await asyncio.sleep(0.01)
    assert page.plane.calls == [
        ("rename_key", {"name": "codex", "to": "Codex CLI"}),
        ("limit_key", {
            "name": "Codex CLI",
            "limits": {"models": ["gpt-5*", "auto"], "max_effort": "medium", "budget": None},
        }),
    ]  # fmt: skip


async def test_a_key_is_revoked_only_after_a_question(window: Any) -> None:
    page = await opened(window, CODEX)
    await page.press("Revoke the key codex")
    await page.see("The old key stops at once.")
    assert await page.focused() == "Cancel"
    assert page.plane.calls == []
    await page.press("Revoke key")
    assert await page.called("revoke_key") == {"name": "codex"}


async def test_where_no_key_is_required_it_says_what_that_means(window: Any) -> None:
    page = await opened(window, CODEX, required=False)
    assert "What comes without one of these keys has no limits." in await page.text()
    await page.press("Revoke the key codex")
    await page.see("its editor still gets in, without name and limits.")


async def test_a_refusal_stays_in_the_sheet_and_a_full_disk_is_told(window: Any) -> None:
    page = await opened(window)
    said = "There is a key named codex already."
    page.plane.answers["make_key"] = {
        "ok": False, "code": "invalid_request", "message": said, "fields": {},
    }  # fmt: skip
    await page.press("Make a key")
    await page.page.get_by_role("textbox", name="Name", exact=True).fill("codex")
    await page.page.keyboard.press("Enter")
    await page.see(said)
    page.plane.answers["make_key"] = {"ok": True, "name": "codex", "key": KEY, "saved": False}
    await page.press("Make key")
    await page.see("The disk did not take the change.")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_list_and_form_can_be_used_by_everybody(window: Any, axe: str, theme: str) -> None:
    proxy = {"keys": [CODEX, NEW], "key_required": False}
    page = await window(snapshots.snapshot(proxy=proxy, settings={"theme": theme}))
    await page.go("settings")
    assert await faults(page, axe) == []
    await page.press("Change the key codex")
    await page.see("When the budget is used up")
    assert await faults(page, axe) == []
