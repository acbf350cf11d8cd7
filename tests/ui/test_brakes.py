"""What the window shows and asks while requests wait, are paused, or want to be allowed."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(
    ("press", "choice"),
    [
        ("Allow once", "once"),
        ("Allow 10 minutes", "ten_minutes"),
        ("Always for this client", "always"),
        ("Deny", "deny"),
    ],
)
async def test_a_client_that_waits_is_decided_on(window: Any, press: str, choice: str) -> None:
    page = await window(snapshots.asking())
    await page.see("Claude Code wants to use Copilot", "#banner")
    await page.see("Model: claude-sonnet-4.5.", "#banner")
    await page.press(press)
    assert await page.called("decide") == {"id": 7, "choice": choice}


async def test_a_double_click_answers_no_question_that_comes_behind(window: Any) -> None:
    """Nor does a press on something else let in whoever asks at that very moment."""
    page = await window(snapshots.snapshot(), alone=True)
    now = await page.page.evaluate("Date.now()")
    await page.page.clock.install(time=now)
    for number in (7, 8):
        page.plane.push(
            snapshots.snapshot(
                banner=snapshots.asking()["banner"]
                | {
                    "fields": snapshots.asking()["banner"]["fields"]
                    | {"id": number, "client": f"tool {number}"}
                }
            )
        )
        await page.see(f"tool {number} wants to use Copilot", "#banner")
        press = page.page.get_by_role("button", name="Allow once")
        await press.click(force=True)
        await page.page.clock.run_for(300)
        await press.click(force=True)
        assert ("decide", {"id": number, "choice": "once"}) not in page.plane.calls
        await page.page.clock.run_for(1000)
        await press.click()
        assert await page.called("decide") == {"id": number, "choice": "once"}


async def test_a_clock_that_is_set_back_keeps_no_question_from_its_answer(window: Any) -> None:
    page = await window(snapshots.snapshot(), alone=True)
    now = await page.page.evaluate("Date.now() / 1000")
    await page.page.clock.install(time=now)
    page.plane.push(snapshots.asking())
    await page.see("wants to use Copilot", "#banner")
    await page.page.clock.set_system_time(now - 3600)
    await page.page.clock.run_for(1000)
    await page.page.get_by_role("button", name="Allow once").click(timeout=3000)
    assert (await page.called("decide"))["choice"] == "once"


async def test_a_question_is_heard_and_its_time_runs(window: Any) -> None:
    page = await window(snapshots.asking(n=2))
    await page.until(
        "document.getElementById('assertive').textContent.includes('wants to use Copilot')"
    )
    await page.see("2 more requests are waiting.", "#banner")
    before = await page.text("#banner")
    await page.until(
        "(before) => document.getElementById('banner').innerText !== before", arg=before
    )
    page.plane.push(snapshots.snapshot())
    await page.page.locator("#banner").wait_for(state="detached")


async def test_a_question_stands_on_every_screen(window: Any) -> None:
    page = await window(snapshots.asking())
    for screen in ("models", "usage", "activity", "settings", "help"):
        await page.go(screen)
        await page.see("Claude Code wants to use Copilot", "#banner")
    # Also while another account is added: the window is in front, so no notification tells of it.
    adding = snapshots.signing_in()["login"]
    page.plane.push(snapshots.asking() | {"login": adding})
    await page.go("overview")
    await page.page.evaluate("import('/ui/actions.js').then((actions) => actions.go('sign_in'))")
    await page.see("Copy this code")
    await page.see("Claude Code wants to use Copilot", "#banner")


async def test_a_pause_explains_counts_down_and_is_ended_by_hand(window: Any) -> None:
    page = await window(snapshots.paused())
    await page.see("Sending to GitHub is paused", "#banner")
    await page.see("GitHub said: “Unusual activity was detected from your account.”", "#banner")
    await page.see("Wait 28:", "#banner")
    await page.see("Proxy is running, sending is paused")
    await page.press("Resume sending…")
    await page.see("the wait is not over", "#sheet")
    assert await page.focused() == "Cancel"
    await page.press("Resume")
    await page.called("resume_sending")
    await page.page.locator("#sheet").wait_for(state="hidden")


async def test_after_the_countdown_the_words_are_milder(window: Any) -> None:
    page = await window(snapshots.paused(ripe=True))
    await page.see("The wait is over.", "#banner")
    await page.press("Resume sending…")
    assert "not over" not in await page.text("#sheet")


async def test_limits_and_short_pauses_say_how_long_they_last(window: Any) -> None:
    until = time.time() + 11_520
    banner = {"id": "limited_model", "level": "info", "actions": [],
              "fields": {"model": "gpt-4.1", "words": "Slow down.", "until": until}}  # fmt: skip
    page = await window(snapshots.snapshot(banner=banner))
    await page.see("GitHub asks to wait with gpt-4.1", "#banner")
    await page.see("for 3 h 1", "#banner")
    fields = {"words": "", "until": time.time() + 29}
    page.plane.push(
        snapshots.snapshot(banner={"id": "paused_refused", "level": "warn", "fields": fields})
    )
    await page.see("GitHub refuses requests without a reason", "#banner")
    await page.see("by itself in 0:2", "#banner")
    fields = {"words": "", "model": "", "until": time.time() + 29}
    page.plane.push(snapshots.snapshot(banner={"id": "limited", "level": "info", "fields": fields}))
    await page.see("Editors are told so without asking again", "#banner")
    assert "GitHub said" not in await page.text("#banner")


async def test_the_line_is_shown_only_while_somebody_stands_in_it(window: Any) -> None:
    page = await window(snapshots.snapshot(brakes={"waiting": 3}))
    await page.see("3 waiting", "#main")
    page.plane.push(snapshots.snapshot())
    await page.until("!document.getElementById('main').innerText.includes('waiting')")


async def test_the_list_says_why_a_request_waits_or_was_not_sent(window: Any) -> None:
    rows = [
        snapshots.request(1, outcome="open", status=0, held="queue"),
        snapshots.request(2, outcome="open", status=0, held="approval"),
        snapshots.request(3, outcome="failed", status=503, held="paused"),
        snapshots.request(4, outcome="failed", status=429, held="limited"),
        snapshots.request(5, outcome="failed", status=429, held="busy"),
        snapshots.request(6, outcome="failed", status=403, held="denied"),
        snapshots.request(7, outcome="cancelled", status=0, held="queue"),
    ]
    page = await window(snapshots.snapshot(requests=rows))
    await page.go("activity")
    for words in (
        "Waiting for its turn",
        "Waiting for you",
        "503 · Paused here",
        "429 · GitHub asks to wait",
        "429 · Waited too long",
        "403 · Not allowed by you",
        "499 · Cancelled by editor",
    ):
        await page.see(words, "main")


async def test_the_settings_are_changed_where_the_proxy_is(window: Any) -> None:
    page = await window(snapshots.asking())
    await page.go("settings")
    await page.page.locator("#s-max_concurrent").select_option("2")
    assert await page.called("update_settings") == {"patch": {"max_concurrent": 2}}
    await page.page.locator("#s-min_pause").select_option("5")
    await page.see("Saved", ".setting:has(#s-min_pause)")
    assert page.plane.calls[-1] == ("update_settings", {"patch": {"min_pause": 5}})
    await page.page.get_by_role("switch", name="Ask before use").click()
    await page.see("Saved", ".setting:has(#s-approval)")
    assert page.plane.calls[-1] == ("update_settings", {"patch": {"approval": "off"}})
    await page.press("Remove Codex")
    await page.see("Saved", ".setting:has(.approved)")
    assert page.plane.calls[-1] == ("update_settings", {"patch": {"approved_clients": ["Zed"]}})


async def test_a_value_from_elsewhere_is_shown_as_it_is(window: Any) -> None:
    page = await window(
        snapshots.snapshot(
            settings={"max_concurrent": 7, "min_pause": 2.5},
            settings_source={"approval": "environment"},
        )
    )
    await page.go("settings")
    assert await page.page.locator("#s-max_concurrent").input_value() == "7"
    assert await page.page.locator("#s-min_pause").input_value() == "2.5"
    switch = page.page.get_by_role("switch", name="Ask before use")
    assert await switch.get_attribute("aria-disabled") == "true"


async def test_a_name_that_is_listed_twice_is_not_drawn_more_often_each_time(window: Any) -> None:
    """As somebody may have written it into the settings file."""
    twice = {"approval": "ask", "approved_clients": ["aider", "aider"]}
    page = await window(snapshots.snapshot(settings=twice))
    await page.go("settings")
    for size in (110, 120, 130):
        page.plane.push(snapshots.snapshot(settings=twice | {"text_size": size}))
        await page.until(
            "(scale) => document.documentElement.style.getPropertyValue('--text-scale') === scale",
            arg=str(size / 100),
        )
    assert await page.page.locator(".approved").count() == 2
