"""Questions over every screen, the one banner, the one toast."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(("press", "choice"), [("Keep running", "hide"), ("Quit", "quit")])
async def test_the_first_close_asks(window: Any, press: str, choice: str) -> None:
    page = await window(snapshots.snapshot(ask={"id": "close", "fields": {}}))
    await page.see("Keep running in the tray?")
    assert await page.focused() == "Keep running"
    assert await page.page.get_by_label("Remember my choice").is_checked()
    await page.press(press)
    assert await page.called("close_choice") == {"choice": choice, "remember": True}
    page.plane.push(snapshots.snapshot(ask=None))
    await page.page.locator("#sheet").wait_for(state="hidden")


async def test_without_a_tray_the_question_says_so(window: Any) -> None:
    page = await window(
        snapshots.snapshot(ask={"id": "close", "fields": {}}, app={"tray": "missing"})
    )
    await page.see("This desktop shows no tray icons.")
    assert not await page.page.get_by_label("Remember my choice").is_checked()
    await page.press("Cancel")
    assert await page.called("close_choice") == {"choice": "cancel", "remember": False}


async def test_quitting_while_busy_is_asked_once_from_either_side(window: Any) -> None:
    page = await window(snapshots.snapshot(ask={"id": "quit", "fields": {"n": 2}}))
    await page.see("2 requests are in progress")
    assert await page.focused() == "Keep running"
    await page.page.keyboard.press("Escape")
    assert await page.called("close_choice") == {"choice": "cancel", "remember": False}
    page.plane.push(snapshots.snapshot(ask=None, proxy={"in_flight": 1}))
    await page.page.locator("#sheet").wait_for(state="hidden")
    await page.page.keyboard.press("Control+q")
    assert await page.called("quit") == {"ask": True}
    page.plane.push(snapshots.snapshot(ask={"id": "quit", "fields": {"n": 1}}))
    await page.see("1 request is in progress")
    page.plane.calls.clear()
    await page.press("Quit")
    assert await page.called("close_choice") == {"choice": "quit", "remember": False}


async def test_a_sheet_keeps_the_focus_and_gives_it_back(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.go("settings")
    opener = page.page.get_by_role("button", name="Sign out")
    await opener.focus()
    await page.page.keyboard.press("Enter")
    await page.see("Sign out octo-hana?")
    for _ in range(5):
        await page.page.keyboard.press("Tab")
        inside = await page.page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
        assert inside
    await page.page.keyboard.press("Escape")
    await page.page.locator("#sheet").wait_for(state="hidden")
    assert await page.focused() == "Sign out"


@pytest.mark.parametrize(
    ("banner", "title", "press", "verb", "arguments"),
    [
        ({"id": "expired", "level": "error"}, "Sign in again", "Sign in", "sign_in", {}),
        (
            {"id": "storage_locked", "level": "error", "fields": {"where": "GNOME Keyring"}},
            "Locked or missing: GNOME Keyring",
            "Try again",
            "choose_store",
            {"kind": "keyring"},
        ),
        (
            {"id": "no_access", "level": "error", "fields": {"login": "octo-hana"}},
            "octo-hana has no Copilot",
            "Copilot plans",
            "open_link",
            {"id": "copilot_plans"},
        ),
        (
            {"id": "blocked", "level": "error", "fields": {"login": "octo-hana"}},
            "Copilot chat is switched off for octo-hana",
            "Check again",
            "check_account",
            {},
        ),
        (
            {"id": "offline", "level": "warn", "actions": ["try_now"]},
            "No internet connection",
            "Try now",
            "check_account",
            {},
        ),
        (
            {"id": "github_down", "level": "warn"},
            "Copilot is not answering",
            "GitHub status",
            "open_link",
            {"id": "github_status"},
        ),
        (
            {"id": "proxy_error", "level": "error", "fields": {"reason": "It broke."}},
            "The proxy could not start",
            "Start proxy",
            "start_proxy",
            {},
        ),
        (
            {
                "id": "port_denied",
                "level": "error",
                "fields": {"port": 4141},
                "actions": ["retry_port"],
            },
            "The system does not allow port 4141",
            "Try 4141 again",
            "use_port",
            {"port": 4141},
        ),
        *(
            (
                {
                    "id": "origin_refused",
                    "level": "info",
                    "fields": {"origin": "app://editor"},
                    "actions": ["allow_origin", "ignore_origin"],
                },
                "app://editor was refused",
                press,
                verb,
                {"origin": "app://editor"},
            )
            for press, verb in (("Allow", "allow_origin"), ("Ignore", "ignore_origin"))
        ),
    ],
)
async def test_each_banner_offers_its_next_step(
    window: Any, *, banner: Any, title: str, press: str, verb: str, arguments: Any
) -> None:
    page = await window(snapshots.snapshot(banner={"fields": {}, "actions": [], **banner}))
    assert title in await page.text(".banner")
    await page.page.locator(".banner").get_by_role("button", name=press).click()
    assert await page.called(verb) == arguments


async def test_a_locked_store_can_be_replaced_by_another(window: Any) -> None:
    banner = {
        "id": "storage_locked",
        "level": "error",
        "fields": {"where": "GNOME Keyring"},
        "actions": ["retry_storage", "choose_store"],
    }
    page = await window(snapshots.snapshot(banner=banner))
    await page.press("Other storage…")
    await page.press("Only until I quit")
    assert await page.called("choose_store") == {"kind": "memory"}


async def test_a_file_that_cannot_be_read_does_not_lend_the_keyring_its_name(window: Any) -> None:
    where = {"where": "/people/octo/copilot-desktop/tokens/token.json"}
    banner = {"id": "storage_locked", "level": "error", "fields": where}
    changes = {
        "auth": {"state": "storage_locked", "source": "file", "source_where": where["where"]}
    }
    page = await window(
        snapshots.snapshot(
            banner=banner | {"actions": ["retry_storage", "choose_store"]}, **changes
        )
    )
    await page.press("Other storage…")
    await page.press("The system’s secure storage")
    assert await page.called("choose_store") == {"kind": "keyring"}


async def test_only_what_can_be_ignored_is_dismissed_and_only_this_time(window: Any) -> None:
    fields = {"meter": "AI credits", "p": 91, "when": time.time() + 86_400 * 3}
    low = {"id": "low", "level": "info", "fields": fields, "actions": []}
    page = await window(snapshots.snapshot(banner=low))
    assert "AI credits is 91 % used" in await page.text(".banner")
    await page.press("Dismiss")
    assert await page.page.locator(".banner").count() == 0
    page.plane.push(snapshots.snapshot(banner=low | {"fields": fields | {"meter": "Weekly limit"}}))
    await page.see("Weekly limit is 91", ".banner")
    page.plane.push(snapshots.port_conflict())
    await page.see("Port 4141 is already in use", ".banner")
    assert await page.page.get_by_role("button", name="Dismiss").count() == 0


async def test_what_was_dismissed_does_not_hide_what_comes_after_it(window: Any) -> None:
    editors = {"id": "editors", "level": "info", "fields": {"n": 1}, "actions": []}
    fields = {"meter": "AI credits", "p": 91, "when": time.time() + 86_400 * 3}
    low = {"id": "low", "level": "info", "fields": fields, "actions": []}
    page = await window(snapshots.snapshot(banner=editors, banners_below=[low]))
    before = await page.text(".banner")
    assert "91 %" not in before
    await page.press("Dismiss")
    await page.see("AI credits is 91", ".banner")
    await page.press("Dismiss")
    assert await page.page.locator(".banner").count() == 0
    # Another editor with trouble is another occurrence.
    more = editors | {"fields": {"n": 2}}
    page.plane.push(snapshots.snapshot(banner=more, banners_below=[low]))
    await page.page.locator(".banner").wait_for()
    assert "91 %" not in await page.text(".banner")


async def test_each_fault_of_the_app_is_told_also_after_one_was_closed(window: Any) -> None:
    fault = {"id": "error", "level": "error", "fields": {"code": "E-USAGE"}, "actions": []}
    page = await window(snapshots.snapshot(banner=fault))
    await page.press("Dismiss")
    await page.called("forget_fault")
    page.plane.push(snapshots.snapshot(banner=None))
    await page.page.locator(".banner").wait_for(state="detached")
    page.plane.push(snapshots.snapshot(banner=fault))
    await page.see("Something went wrong in the app", ".banner")


async def test_a_sheet_in_place_of_another_has_the_focus(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.go("settings")
    await page.press("Sign out")
    await page.see("Sign out octo-hana?")
    page.plane.push(snapshots.snapshot(ask={"id": "close", "fields": {}}))
    await page.see("Keep running in the tray?")
    await page.until("() => document.activeElement.textContent === 'Keep running'")
    page.plane.push(snapshots.snapshot(ask=None))
    await page.see("Sign out octo-hana?")
    await page.until("() => document.activeElement.textContent === 'Cancel'")


async def test_details_of_a_banner_can_be_copied(window: Any) -> None:
    page = await window(snapshots.port_conflict())
    await page.empty_clipboard()
    await page.page.locator(".banner .copy").click()
    await page.see("Copied", ".banner")
    assert "Port 4141 is already in use" in await page.page.evaluate(
        "navigator.clipboard.readText()"
    )


async def test_a_failed_action_is_said_in_words(window: Any) -> None:
    page = await window(snapshots.snapshot())
    page.plane.answers["stop_proxy"] = {
        "ok": False,
        "code": "unreachable",
        "message": "",
        "fields": {"host": "x", "reason": "y"},
    }
    await page.press("Stop proxy")
    await page.see("x could not be reached: y.", "#toast")
    await page.page.keyboard.press("Escape")
    await page.page.locator("#toast").wait_for(state="hidden")


async def test_the_tray_can_choose_the_screen(window: Any) -> None:
    page = await window(snapshots.snapshot())
    page.plane.push(snapshots.snapshot(app={"screen": {"name": "activity", "n": 1}}))
    await page.see("Activity", "h1")
    await page.go("usage")
    page.plane.push(snapshots.snapshot(app={"screen": {"name": "activity", "n": 1}}))
    await page.page.wait_for_timeout(0)
    assert await page.page.locator("h1").inner_text() == "Usage"
    page.plane.push(snapshots.snapshot(app={"screen": {"name": "activity", "n": 2}}))
    await page.see("Activity", "h1")


async def test_the_choice_need_not_be_remembered(window: Any) -> None:
    page = await window(snapshots.snapshot(ask={"id": "close", "fields": {}}))
    await page.page.get_by_label("Remember my choice").uncheck()
    page.plane.push(snapshots.snapshot(ask={"id": "close", "fields": {}}, proxy={"today": 149}))
    await page.press("Keep running")
    assert await page.called("close_choice") == {"choice": "hide", "remember": False}


@pytest.mark.parametrize("width", [720, 960])
async def test_a_link_that_came_to_a_line_of_its_own_begins_where_the_words_do(
    window: Any, width: int
) -> None:
    state = snapshots.merged(snapshots.port_conflict(), {"settings": {"text_size": 140}})
    page = await window(state, viewport={"width": width, "height": 520})
    actions = ["use_port", "retry_port", "copy_details", "github_status", "copilot_plans"]
    page.plane.push(snapshots.merged(state, {"banner": {"actions": actions}}))
    await page.see("Copilot plans", "#banner")
    lines = await page.page.evaluate("""() => {
        const start = document.getElementById('banner-title').getBoundingClientRect().left;
        const all = [...document.querySelectorAll('#banner .row-buttons > button')];
        const top = (e) => Math.round(e.getBoundingClientRect().top);
        const first = all.filter((e, i) => e.matches('.ghost') && i && top(e) > top(all[i - 1]));
        return first.map((e) => {
            const range = document.createRange();
            range.selectNodeContents(e);
            return range.getBoundingClientRect().left - start;
        });
    }""")
    assert len(lines) >= (1 if width == 720 else 0)
    assert all(abs(each) < 1.5 for each in lines), lines
