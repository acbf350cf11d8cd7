"""Several accounts in the page: which one is in use, and that only a press changes it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OTHER = {
    "host": "acme.ghe.com",
    "id": 77,
    "login": "hana_acme",
    "plan": "Business",
    "source": "keyring",
}
LONG = "a-login-of-thirty-nine-letters-is-legal"


async def settings(window: Any, **auth: Any) -> Any:
    page = await window(snapshots.snapshot(auth={"others": [OTHER], **auth}))
    await page.go("settings")
    return page


async def test_each_account_tells_plan_server_and_place(window: Any) -> None:
    page = await settings(window)
    rows = page.page.locator(".account-row")
    first, second = [" ".join((await rows.nth(n).inner_text()).split()) for n in (0, 1)]
    assert first.startswith("OH octo-hana In use")
    assert "Sign out" in first
    assert second == (
        "HA hana_acme Business · acme.ghe.com · The system’s secure storage Use Remove"
    )


async def test_another_account_is_used_by_a_press(window: Any) -> None:
    page = await settings(window)
    await page.press("Use hana_acme")
    assert await page.called("use_account") == {"host": "acme.ghe.com", "id": 77}
    await page.see("hana_acme is in use now")


async def test_a_refusal_is_said(window: Any) -> None:
    page = await settings(window)
    message = "The place of the sign-in cannot be used: the desktop keyring. It is locked."
    page.plane.answers["use_account"] = {
        "ok": False,
        "code": "storage_failed",
        "message": message,
        "fields": {},
    }
    await page.press("Use hana_acme")
    await page.see(message)


async def test_removing_asks_first(window: Any) -> None:
    page = await settings(window)
    await page.press("Remove hana_acme")
    await page.see("Remove hana_acme?")
    assert await page.focused() == "Cancel"
    assert page.plane.calls == []
    await page.press("Remove")
    assert await page.called("remove_account") == {"host": "acme.ghe.com", "id": 77}


async def test_signing_out_says_that_the_others_stay(window: Any) -> None:
    page = await settings(window)
    await page.press("Sign out")
    await page.see("until you sign in again or use another account.")


async def test_adding_asks_for_a_code_and_starts_at_github(window: Any) -> None:
    page = await settings(window)
    await page.press("Add account")
    assert await page.called("sign_in") == {}
    page = await settings(window, host="acme.ghe.com")
    await page.press("Add account")
    assert await page.called("sign_in") == {"host": "github.com"}


async def test_a_token_from_the_environment_is_named_and_wins(window: Any) -> None:
    page = await settings(window, source="environment", source_where="COPILOT_GITHUB_TOKEN")
    await page.see("From COPILOT_GITHUB_TOKEN", ".account-row")
    for name in ("Use hana_acme", "Add account", "Sign out"):
        pressed = page.page.get_by_role("button", name=name)
        assert await pressed.get_attribute("aria-disabled") == "true"
    await page.page.get_by_role("button", name="Use hana_acme").click(force=True)
    assert page.plane.calls == []


async def test_signed_out_with_others_they_are_offered(window: Any) -> None:
    page = await window(
        snapshots.snapshot(
            auth={"state": "signed_out", "login": "", "plan": "", "others": [OTHER]}, login=None
        )
    )
    await page.page.locator(".account").click()
    await page.see("Or use an account that is signed in")
    await page.press("Use hana_acme")
    await page.called("use_account")
    await page.page.locator("h1", has_text="Overview").wait_for(state="attached")


@pytest.mark.parametrize("others", [[], [OTHER]])
async def test_without_copilot_another_account_is_one_press_away(
    window: Any, others: list[Any]
) -> None:
    page = await window(
        snapshots.snapshot(
            auth={"state": "no_access", "others": others},
            banner={"id": "no_access", "level": "error", "fields": {"login": "octo-hana"}},
        )
    )
    await page.press("Use another account")
    if others:
        await page.see("hana_acme", ".account-row")
        assert page.plane.calls == []
    else:
        assert await page.called("sign_in") == {}


async def test_a_new_code_comes_from_the_server_of_the_attempt(window: Any) -> None:
    state = snapshots.signing_in("expired")
    state["login"]["host"] = "acme.ghe.com"
    page = await window(state)
    await page.page.locator(".account").click()
    await page.press("Get a new code")
    assert await page.called("sign_in") == {"host": "acme.ghe.com"}


@pytest.mark.parametrize("typed", ["https://Acme.GHE.com/login", "acme.ghe.com "])
async def test_a_pasted_address_is_understood(window: Any, typed: str) -> None:
    page = await window(snapshots.snapshot(auth={"state": "signed_out", "login": ""}, login=None))
    await page.page.locator(".account").click()
    await page.press("GitHub Enterprise…")
    await page.page.locator("#server").fill(typed)
    await page.press("Continue")
    assert await page.called("sign_in") == {"host": "acme.ghe.com"}


@pytest.mark.parametrize(
    ("size", "text"), [((960, 680), 100), ((720, 520), 100), ((960, 680), 140), ((720, 520), 140)]
)
async def test_long_names_stay_in_their_place(
    window: Any, size: tuple[int, int], text: int
) -> None:
    state = snapshots.snapshot(
        auth={"login": LONG, "others": [OTHER | {"login": LONG}]}, settings={"text_size": text}
    )
    page = await window(state, viewport={"width": size[0], "height": size[1]})
    await page.go("settings")
    assert await page.page.evaluate(
        "document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth"
    )
    for row in await page.page.locator(".account-row").all():
        inside = await row.evaluate(
            "(row) => [...row.querySelectorAll('*')].every((part) =>"
            " part.getBoundingClientRect().right <= row.getBoundingClientRect().right + 1)"
        )
        assert inside
    shown = page.page.locator(".account-name")
    if await shown.is_visible():
        cut = await shown.evaluate("(it) => it.scrollHeight > it.clientHeight + 1")
        assert not cut
