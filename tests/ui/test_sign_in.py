"""First run and sign-in: what a person sees and can press in every state."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_the_notice_comes_before_anything_else(window: Any) -> None:
    page = await window(snapshots.first_run())
    assert "may be against its terms" in await page.text()
    assert not await page.page.locator("#sidebar").is_visible()
    await page.page.keyboard.press("Control+6")
    assert "Settings" not in await page.text()


async def test_continuing_accepts_the_notice_and_asks_for_a_code(window: Any) -> None:
    page = await window(snapshots.first_run())
    await page.press("Continue to sign-in")
    await page.called("sign_in")
    assert [verb for verb, _ in page.plane.calls] == ["accept_notice", "sign_in"]
    page.plane.push(snapshots.signing_in())
    await page.see("WDJB-MJHT")


async def test_a_token_from_the_environment_needs_no_code(window: Any) -> None:
    page = await window(
        snapshots.snapshot(app={"notice_accepted": False}, auth={"source": "environment"})
    )
    await page.press("Use the token from the environment")
    await page.called("accept_notice")
    assert [verb for verb, _ in page.plane.calls] == ["accept_notice"]


async def test_waiting_shows_code_address_and_time(window: Any) -> None:
    page = await window(snapshots.signing_in())
    words = await page.text()
    assert "WDJB-MJHT" in words
    assert "github.com/login/device" in words
    assert "13:4" in words
    assert "left" in words
    assert await page.focused() == "open-github"
    label = await page.page.locator("#code").get_attribute("aria-label")
    assert label == "Code W D J B dash M J H T"


async def test_the_browser_opens_only_on_a_press(window: Any) -> None:
    page = await window(snapshots.signing_in())
    assert page.plane.calls == []
    await page.page.keyboard.press("Enter")
    assert await page.called("open_link") == {"id": "device_page"}


async def test_the_code_can_be_copied(window: Any) -> None:
    page = await window(snapshots.signing_in())
    await page.empty_clipboard()
    await page.page.locator("main .copy").first.click()
    await page.see("Copied", ".code-line")
    assert await page.page.evaluate("navigator.clipboard.readText()") == "WDJB-MJHT"


async def test_opening_github_copies_the_code_when_that_is_on(window: Any) -> None:
    page = await window(snapshots.signing_in(settings={"copy_code": True}))
    await page.empty_clipboard()
    await page.press("Open GitHub in browser")
    await page.called("open_link")
    assert await page.page.evaluate("navigator.clipboard.readText()") == "WDJB-MJHT"


async def test_a_browser_that_does_not_open_is_said(window: Any) -> None:
    page = await window(snapshots.signing_in())
    page.plane.answers["open_link"] = {
        "ok": False,
        "code": "invalid_request",
        "message": "no",
        "fields": {},
    }
    await page.press("Open GitHub in browser")
    await page.see("The browser did not open. Copy the link and open it yourself.")


async def test_the_countdown_runs(window: Any) -> None:
    page = await window(snapshots.signing_in(left=300))
    line = page.page.locator("#status-line")
    before = await line.inner_text()
    await page.until(
        "before => document.getElementById('status-line').innerText !== before",
        arg=before,
    )


@pytest.mark.parametrize(
    ("state", "left", "words"),
    [
        ("requesting", 800, "Asking GitHub for a code…"),
        ("slowed", 800, "GitHub asks for fewer checks. Next look in"),
        ("unreachable", 800, "No answer from github.com. Still trying."),
        ("waiting", 40, "You can get a new code at any time."),
        ("checking", 800, "Signed in. Checking Copilot access…"),
    ],
)
async def test_each_way_of_waiting_has_its_line(
    window: Any, state: str, left: float, words: str
) -> None:
    page = await window(snapshots.signing_in(state, left=left))
    assert words in await page.text()
    await page.press("Cancel")
    await page.called("cancel_sign_in")


NETWORK = {
    "kind": "unreachable",
    "message": "…",
    "fields": {"host": "github.com", "reason": "no connection"},
}
UNTRUSTED = NETWORK | {
    "fields": {"host": "github.com", "reason": "its certificate could not be verified"}
}
SWITCHED_OFF = {
    "kind": "sign_in_failed",
    "message": "…",
    "fields": {},
    "code": "device_flow_disabled",
}
OTHER = {
    "kind": "sign_in_failed",
    "message": "GitHub sent a token that cannot be used.",
    "fields": {},
}


@pytest.mark.parametrize(
    ("state", "error", "title", "press", "verb"),
    [
        ("expired", None, "The code has expired", "Get a new code", "sign_in"),
        ("denied", None, "Access was refused on GitHub", "Try again", "sign_in"),
        ("failed", NETWORK, "GitHub could not be reached", "Try again", "sign_in"),
        (
            "failed",
            UNTRUSTED,
            "The connection to github.com is not trusted",
            "Try again",
            "sign_in",
        ),
        (
            "failed",
            SWITCHED_OFF,
            "This server does not allow sign-in by code",
            "Back",
            "cancel_sign_in",
        ),
        ("failed", OTHER, "GitHub sent a token that cannot be used.", "Try again", "sign_in"),
    ],
)
async def test_each_bad_end_names_its_cause_and_a_way_on(
    window: Any, *, state: str, error: Any, title: str, press: str, verb: str
) -> None:
    page = await window(snapshots.signing_in(state, error=error))
    await page.page.locator(".account").click()
    await page.see(title, "main")
    await page.press(press)
    await page.called(verb)


async def test_an_account_without_copilot_is_told_apart_from_one_where_chat_is_off(
    window: Any,
) -> None:
    lacking = snapshots.snapshot(auth={"state": "no_access", "plan": None})
    page = await window(lacking)
    await page.page.locator(".account").click()
    await page.see("octo-hana has no Copilot")
    await page.press("Copilot plans")
    assert await page.called("open_link") == {"id": "copilot_plans"}
    blocked = {"kind": "blocked_by_policy", "message": "…", "fields": {}, "url": None}
    page.plane.push(snapshots.merged(lacking, {"auth": {"error": blocked}}))
    await page.see("Copilot is there, but chat is switched off")
    await page.press("Check again")
    await page.called("check_account")


@pytest.mark.parametrize(
    ("press", "kind"),
    [
        ("Try GNOME Keyring again", "keyring"),
        ("Keep in a file only I can read", "file"),
        ("Only until I quit", "memory"),
    ],
)
async def test_a_locked_keyring_offers_three_places(window: Any, press: str, kind: str) -> None:
    locked = {"auth": {"state": "storage_locked", "source_where": "GNOME Keyring"}}
    page = await window(snapshots.snapshot(**snapshots.merged(snapshots.SIGNED_OUT, locked)))
    await page.page.locator(".account").click()
    await page.see("Unlock it to use the saved sign-in")  # nothing was to be saved
    await page.press(press)
    assert await page.called("choose_store") == {"kind": kind}


async def test_a_keyring_that_was_opened_leads_to_the_overview(window: Any) -> None:
    locked = {"auth": {"state": "storage_locked", "source_where": "GNOME Keyring"}}
    page = await window(snapshots.snapshot(**snapshots.merged(snapshots.SIGNED_OUT, locked)))
    await page.page.locator(".account").click()
    await page.see("Unlock it to use the saved sign-in")
    page.plane.push(snapshots.snapshot())
    await page.see("Proxy is running")


async def test_success_leads_to_the_overview(window: Any) -> None:
    page = await window(snapshots.signing_in("checking"))
    page.plane.push(snapshots.snapshot())
    await page.see("Proxy is running")
    await page.see("Signed in as octo-hana (Copilot Pro).")


async def test_an_enterprise_server_must_be_a_server_name(window: Any) -> None:
    page = await window(snapshots.signed_out())
    await page.page.locator(".account").click()
    await page.press("GitHub Enterprise…")
    await page.page.locator("#server").fill("my company")
    await page.press("Continue")
    await page.see("That is not a server name.")
    assert page.plane.calls == []
    await page.page.locator("#server").fill("company.ghe.com")
    await page.page.keyboard.press("Enter")
    assert await page.called("sign_in") == {"host": "company.ghe.com"}


async def test_a_sheet_that_was_closed_does_not_come_back_with_the_answer(window: Any) -> None:
    page = await window(snapshots.signed_out())
    await page.page.locator(".account").click()
    await page.press("GitHub Enterprise…")
    answered = asyncio.Event()

    async def late(route: Any) -> None:
        await answered.wait()
        await route.fulfill(json={"ok": False, "code": "x", "message": "No.", "fields": {}})

    await page.page.route("**/do/sign_in", late)
    await page.page.locator("#server").fill("company.ghe.com")
    await page.page.keyboard.press("Enter")
    await page.page.locator("#sheet [aria-busy]").wait_for()
    await page.press("Cancel")
    await page.page.locator("#sheet").wait_for(state="hidden")
    answered.set()
    await page.see("No.", "#toast")
    assert not await page.page.locator("#sheet").is_visible()


async def test_escape_leaves_the_sign_in(window: Any) -> None:
    page = await window(snapshots.signing_in())
    await page.page.keyboard.press("Escape")
    await page.called("cancel_sign_in")
    await page.see("Proxy is running")


async def test_the_countdown_survives_a_clock_that_jumps_by_an_hour(window: Any) -> None:
    about = re.compile(r"Waiting for GitHub… 1[23]:\d\d left")
    page = await window(snapshots.signing_in(), alone=True)
    await page.page.clock.install()
    await page.open()
    await page.see(about)
    now = await page.page.evaluate("Date.now() / 1000")
    await page.page.clock.set_system_time(now + 3600)
    await page.page.clock.run_for(1000)
    await page.see("Waiting for GitHub… 0 s left.")  # never less than nothing
    later = snapshots.signing_in()
    later["login"]["expires_at"] += 3600
    page.plane.push(later)
    await page.see(about)
    assert page.complaints == []
