"""Overview: is it working, where do editors point, how much is left."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_running_proxy_answers_three_questions(window: Any) -> None:
    page = await window(snapshots.snapshot())
    words = await page.text()
    assert "Proxy is running" in words
    assert "Answering for 3 h 12 min · 148 requests today · only this computer" in words
    assert "http://127.0.0.1:4141/v1" in words
    assert "412 of 1,500 used" in words
    assert "claude-sonnet-4.5" in words


async def test_the_press_stops_and_starts(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.press("Stop proxy")
    await page.called("stop_proxy")
    page.plane.push(snapshots.stopped())
    await page.see("Editors set to this address get no answer.")
    await page.press("Start proxy")
    await page.called("start_proxy")


@pytest.mark.parametrize(
    ("row", "copied"), [(0, "http://127.0.0.1:4141/v1"), (1, "http://127.0.0.1:4141")]
)
@pytest.mark.parametrize("build", [snapshots.snapshot, snapshots.stopped])
async def test_addresses_are_copied_running_or_not(
    window: Any, build: Any, row: int, copied: str
) -> None:
    page = await window(build())
    await page.empty_clipboard()
    button = page.page.locator(".address .copy").nth(row)
    width = (await button.bounding_box())["width"]
    await button.click()
    await page.see("Copied", ".addresses")
    assert await page.page.evaluate("navigator.clipboard.readText()") == copied
    assert (await button.bounding_box())["width"] == width
    await page.until("document.getElementById('polite').innerText.includes('copied')")


async def test_an_open_listener_still_shows_an_address_of_this_computer(window: Any) -> None:
    page = await window(
        snapshots.snapshot(proxy={"host": "0.0.0.0", "lan": True, "key_required": True})
    )
    words = await page.text()
    assert "http://127.0.0.1:4141/v1" in words
    assert "open to your network, key required" in words


async def test_the_key_is_shown_only_when_asked_for(window: Any) -> None:
    page = await window(snapshots.snapshot(proxy={"key_required": True}))
    page.plane.answers["reveal_key"] = {"ok": True, "key": "secret-key-7f2c"}
    assert "•••• 7f2c" in await page.text()
    assert page.plane.calls == []
    await page.press("Show")
    await page.see("secret-key-7f2c")
    await page.press("Hide")
    await page.see("•••• 7f2c")
    assert "secret-key" not in await page.page.content()


async def test_the_key_is_copied_without_being_shown(window: Any) -> None:
    page = await window(snapshots.snapshot(proxy={"key_required": True}))
    page.plane.answers["reveal_key"] = {"ok": True, "key": "secret-key-7f2c"}
    await page.empty_clipboard()
    await page.page.locator(".address .copy").nth(2).click()
    await page.see("Copied", ".addresses")
    assert await page.page.evaluate("navigator.clipboard.readText()") == "secret-key-7f2c"
    assert "secret-key" not in await page.text()


async def test_a_taken_port_is_solved_by_one_press(window: Any) -> None:
    page = await window(snapshots.port_conflict())
    words = await page.text()
    assert "Port 4141 is already in use" in words
    assert "Another program (node, process 8120) is answering there." in words
    assert "Proxy could not start" in words
    await page.press("Use port 4142 instead")
    assert await page.called("use_port") == {"port": 4142}
    await page.until(
        "document.getElementById('assertive').innerText.includes('Port 4141 is already in use')"
    )


@pytest.mark.parametrize(
    ("changes", "title", "line"),
    [
        ({"proxy": {"phase": "starting"}}, "Starting…", "Opening port 4141"),
        ({"proxy": {"phase": "stopping", "in_flight": 2}}, "Stopping…", "2 requests are finishing"),
        (
            {"proxy": {"degraded": "offline"}},
            "Proxy is running, no internet",
            "Requests fail until",
        ),
        ({"proxy": {"degraded": "github_down"}}, "Copilot is not answering", "Requests may fail"),
        ({"auth": {"state": "expired"}}, "nobody is signed in", "Editors get “sign in” errors"),
        ({"auth": {"state": "no_access"}}, "this account has no Copilot", "Editors get an error"),
        (
            {
                "proxy": {
                    "phase": "error",
                    "error": {"kind": "internal_error", "message": "It broke."},
                }
            },
            "Proxy could not start",
            "It broke.",
        ),
    ],
)
async def test_each_state_of_the_proxy_has_its_words(
    window: Any, changes: Any, title: str, line: str
) -> None:
    page = await window(snapshots.snapshot(**changes))
    words = await page.text("main section")
    assert title in words
    assert line in words


async def test_somebody_without_copilot_is_not_asked_to_sign_in_for_usage(window: Any) -> None:
    page = await window(snapshots.snapshot(auth={"state": "no_access"}, usage={"meters": []}))
    await page.see("No Copilot access", "main")
    words = await page.text()
    assert "Sign in to see your usage" not in words
    assert "Sign in to GitHub" not in words  # that step is done; the banner tells the next one


async def test_nobody_signed_in_is_said_and_solved(window: Any) -> None:
    page = await window(snapshots.signed_out())
    words = await page.text()
    assert "You are not signed in" in words
    assert "Sign in to see your usage" in words
    assert "Send a first request" in words
    await page.press("Sign in")
    await page.called("sign_in")
    await page.see("Sign in with GitHub")


async def test_clients_that_bring_their_own_sign_in_need_no_account(window: Any) -> None:
    state = snapshots.snapshot(
        **snapshots.merged(snapshots.SIGNED_OUT, {"settings": {"auth_mode": "passthrough"}})
    )
    page = await window(state)
    assert "Answering for" in await page.text()


async def test_the_checklist_goes_when_all_is_done(window: Any) -> None:
    page = await window(snapshots.snapshot(requests=[], usage={"begun": False}))
    await page.see("Waiting for the first request")
    page.plane.push(snapshots.snapshot(usage={"begun": False}))
    await page.page.get_by_text("Get going").wait_for(state="detached")


async def test_the_first_request_is_not_waited_for_again_after_a_restart(window: Any) -> None:
    page = await window(snapshots.snapshot(requests=[], proxy={"today": 0}))
    await page.see("No requests yet.")
    assert "Get going" not in await page.text()


async def test_news_arrives_by_itself(window: Any) -> None:
    page = await window(snapshots.snapshot(requests=[]))
    await page.see("No requests yet.")
    page.plane.push(
        snapshots.snapshot(requests=[snapshots.request(9, client="Zed", at=time.time())])
    )
    await page.see("Zed", "main")


async def test_a_lost_app_is_said_and_forgotten_when_it_is_back(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.follows()
    page.plane.refusing = True
    page.plane.cut()
    banner = page.page.locator(".banner", has_text="Copilot Desktop does not answer")
    await banner.wait_for(timeout=20_000)
    # A later run has another port: no page of an earlier one can reach it.
    assert "use the page that it opens" in await banner.inner_text()
    page.plane.refusing = False
    await banner.wait_for(state="detached", timeout=20_000)


async def test_the_sidebar_mark_is_the_headline(window: Any) -> None:
    page = await window(snapshots.exhausted())
    assert await page.page.locator(".brand svg").get_attribute("data-glyph") == "exhausted"
    title = await page.page.locator(".brand").get_attribute("title")
    assert title.startswith("AI credits: used up until ")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"status": 200, "outcome": "ok"}, "200 · OK"),
        ({"status": 200, "outcome": "failed"}, "200 · Cut short"),
        ({"status": 429, "outcome": "failed"}, "429 · Limit"),
        ({"status": 499, "outcome": "cancelled"}, "499 · Cancelled by editor"),
        ({"status": 0, "outcome": "failed"}, "No connection"),
        ({"status": 0, "outcome": "open"}, "In progress"),
        ({"status": 418, "outcome": "refused"}, "418 · Refused"),
    ],
)
async def test_results_are_words(window: Any, row: Any, words: str) -> None:
    page = await window(snapshots.snapshot(requests=[snapshots.request(1, **row)]))
    await page.go("activity")
    assert words in await page.text()


async def test_a_model_that_was_replaced_shows_both_names(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.go("activity")
    assert "gpt-4 → gpt-4.1" in await page.text()


async def test_a_key_that_cannot_be_copied_is_shown_and_selected(window: Any) -> None:
    """Some web engines copy only within the press, and the key may come a moment later."""
    page = await window(snapshots.snapshot(proxy={"key_required": True}))
    page.plane.answers["reveal_key"] = {"ok": True, "key": "secret-key-7f2c"}
    await page.page.evaluate("document.execCommand = () => false")
    await page.page.locator(".address .copy").nth(2).click()
    await page.see("Copying did not work. The text is selected: press Ctrl+C.", "#toast")
    await page.until("String(getSelection()) === 'secret-key-7f2c'")


async def test_trouble_says_when_it_is_tried_again_and_since_when(window: Any) -> None:
    soon = snapshots.snapshot()["at"]
    trouble = {"since": soon - 90, "next_try": soon + 3600}
    page = await window(snapshots.snapshot(proxy={"degraded": "offline", "trouble": trouble}))
    line = page.page.locator(".proxy-line")
    first = await line.inner_text()
    assert "Trying again in 3" in first
    await page.until(  # it counts
        "before => document.querySelector('.proxy-line').textContent !== before", arg=first
    )
    page.plane.push(snapshots.snapshot(proxy={"degraded": "github_down", "trouble": trouble}))
    await page.see("Requests may fail until it does. It began at")


async def test_a_key_that_was_replaced_elsewhere_is_not_shown_on(window: Any) -> None:
    """Two windows on one app, or a reset: the old key would go into the clipboard."""
    page = await window(snapshots.snapshot(proxy={"key_required": True, "key_hint": "old1"}))
    page.plane.answers["reveal_key"] = {"ok": True, "key": "cd-key-old1"}
    await page.press("Show")
    await page.see("cd-key-old1")
    page.plane.answers["reveal_key"] = {"ok": True, "key": "cd-key-new2"}
    page.plane.push(snapshots.snapshot(proxy={"key_required": True, "key_hint": "new2"}))
    await page.page.get_by_text("cd-key-old1").wait_for(state="detached")
    await page.press("Show")
    await page.see("cd-key-new2")


async def test_a_double_click_and_a_held_key_press_a_button_once(window: Any) -> None:
    """The button is another one by then: it would start what was to be stopped."""
    page = await window(snapshots.snapshot())
    button = page.page.locator("#proxy-button")
    box = await button.bounding_box()
    await page.page.mouse.move(box["x"] + 20, box["y"] + 10)
    for count in (1, 2):
        await page.page.mouse.down(click_count=count)
        await page.page.mouse.up(click_count=count)
        await page.called("stop_proxy")
        page.plane.push(snapshots.stopped())
        await page.see("Start proxy")
    await button.focus()
    await page.page.keyboard.down("Enter")
    await page.called("start_proxy")
    page.plane.push(snapshots.snapshot())
    await page.see("Stop proxy")
    for _ in range(3):
        await page.page.keyboard.down("Enter")
    await page.page.keyboard.up("Enter")
    await page.page.keyboard.press("Control+r")
    await page.called("refresh_quota")  # everything before it has been asked
    verbs = [verb for verb, _ in page.plane.calls]
    assert verbs == ["stop_proxy", "start_proxy", "refresh_quota"]
