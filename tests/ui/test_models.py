"""Models: find one, understand its state, copy what is needed."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NO_COPILOT = {"auth": {"state": "no_access", "plan": None}}  # who is signed in nevertheless


async def opened(window: Any, **changes: Any) -> Any:
    page = await window(snapshots.snapshot(**changes))
    await page.go("models")
    return page


async def shown(page: Any) -> list[str]:
    return await page.page.locator("[data-row]").evaluate_all(
        "rows => rows.map(r => r.dataset.row)"
    )


async def test_search_and_filters_narrow_the_list(window: Any) -> None:
    page = await opened(window)
    assert len(await shown(page)) == 11
    await page.page.locator("#search").fill("claude 4.5")
    assert await shown(page) == ["claude-sonnet-4.5", "claude-haiku-4.5"]
    assert "2 of 11 shown" in await page.text()
    await page.page.keyboard.press("Escape")
    assert len(await shown(page)) == 11
    await page.page.locator("#vendor").select_option("Google")
    assert await shown(page) == ["gemini-2.5-pro"]
    await page.page.locator("#vendor").select_option("")
    await page.page.locator("#only-ready").click()
    assert "o4-mini" not in await shown(page)
    assert "gemini-2.5-pro" in await shown(page)


async def test_a_name_that_a_model_also_answers_to_finds_it(window: Any) -> None:
    page = await opened(window)
    await page.page.locator("#search").fill("sonnet-4-5-2025")
    assert await shown(page) == ["claude-sonnet-4.5"]


async def test_nothing_found_is_said_and_undone(window: Any) -> None:
    page = await opened(window)
    await page.page.locator("#search").fill("zzz")
    await page.see("Nothing matches “zzz”.")
    await page.page.locator("main .empty").get_by_role("button").click()
    assert len(await shown(page)) == 11


async def test_costs_and_states_are_words(window: Any) -> None:
    words = await (await opened(window)).text()
    for expected in (
        "Included",
        "0.33×",
        "By tokens",
        "Preview",
        "Needs your approval",
        "Blocked by your organisation",
        "Hidden by GitHub",
        "264 K",
        "1 M",
    ):
        assert expected in words


async def test_the_panel_tells_all_and_copies(window: Any) -> None:
    page = await opened(window)
    await page.empty_clipboard()
    await page.page.locator('[data-row="claude-sonnet-4.5"]').click()
    words = await page.text("#panel")
    assert "claude-sonnet-4-5-20250929" in words
    assert "200,000 tokens" in words
    assert "http://127.0.0.1:4141/v1/chat/completions" in words
    await page.page.locator("#panel .copy").first.click()
    await page.see("Copied", "#panel")
    assert await page.page.evaluate("navigator.clipboard.readText()") == "claude-sonnet-4.5"
    await page.page.keyboard.press("Escape")
    assert not await page.page.locator("#panel").is_visible()
    assert await page.page.evaluate("document.activeElement.dataset.row") == "claude-sonnet-4.5"


async def test_a_model_that_needs_approval_leads_to_github(window: Any) -> None:
    page = await opened(window)
    await page.page.locator('[data-row="claude-opus-4.1"]').click()
    await page.press("Open settings on GitHub")
    assert await page.called("open_link") == {"id": "copilot_settings"}


async def test_terms_are_read_and_confirmed_before_they_are_accepted(window: Any) -> None:
    page = await opened(window)
    page.plane.answers["enable_model"] = {"ok": True, "id": "claude-opus-4.1", "state": "enabled"}
    await page.page.locator('[data-row="claude-opus-4.1"]').click()
    words = await page.text("#panel")
    assert "It answers after its terms have been accepted." in words
    assert "Enable access to Claude Opus 4.1. Learn more (https://gh.io/opus)." in words
    assert await page.page.locator("#panel a").count() == 0, "nothing in the terms can be pressed"
    await page.press("Accept terms and enable")
    await page.see("Enable Claude Opus 4.1?")
    sheet = page.page.get_by_role("dialog")
    assert "Learn more (https://gh.io/opus)" in await sheet.inner_text()
    assert await page.focused() == "Cancel"
    assert not [verb for verb, _ in page.plane.calls if verb == "enable_model"]
    await page.page.keyboard.press("Escape")
    await page.press("Accept terms and enable")
    await sheet.get_by_role("button", name="Accept terms and enable").click()
    assert await page.called("enable_model") == {
        "id": "claude-opus-4.1",
        "terms_shown": "ab" * 32,
    }
    await page.see("Claude Opus 4.1 is enabled.")


async def test_a_refusal_is_told_in_githubs_words(window: Any) -> None:
    page = await opened(window)
    words = "GitHub does not allow this for your account. Your organisation decides."
    page.plane.answers["enable_model"] = {
        "ok": False,
        "code": "blocked_by_policy",
        "message": words,
        "fields": {},
    }
    await page.page.locator('[data-row="claude-opus-4.1"]').click()
    await page.press("Accept terms and enable")
    sheet = page.page.get_by_role("dialog")
    await sheet.get_by_role("button", name="Accept terms and enable").click()
    await page.see(words)


async def test_hostile_terms_stay_plain_text(window: Any) -> None:
    evil = (
        "<img src=x onerror=alert(1)> [<b>here</b>](javascript:alert(1)) "
        "\u202eevil\u200b\u0007 [a](https://evil.example)\nlast line"
    )
    model = snapshots.model(
        "x", state="needs_approval", why="needs_approval", terms=evil, terms_digest="0" * 64
    )
    page = await opened(window, models={"items": [model]})
    await page.page.locator("[data-row]").click()
    shown = await page.page.locator("#panel .terms").inner_text()
    assert "<img src=x onerror=alert(1)> <b>here</b> (javascript:alert(1)) evil a" in (
        " ".join(shown.replace("[", "").replace("](", " (").split())
    )
    assert shown.endswith("\nlast line")
    assert not set("\u202e\u200b\u0007") & set(shown)
    assert await page.page.locator("#panel img, #panel b, #panel a").count() == 0


async def test_terms_that_are_missing_are_said_to_be(window: Any) -> None:
    model = snapshots.model(
        "x", state="needs_approval", why="needs_approval", terms="", terms_digest="0" * 64
    )
    page = await opened(window, models={"items": [model]})
    await page.page.locator("[data-row]").click()
    assert "GitHub shows no terms for this model." in await page.text("#panel")


async def test_auto_says_who_chooses_and_the_others_say_to_use_it(window: Any) -> None:
    items = [
        snapshots.model("Auto", id="auto", state="auto", why="auto", vendor="GitHub"),
        snapshots.model("GPT-5 mini", state="hidden", why="auto_only"),
    ]
    page = await opened(window, models={"items": items})
    assert "GitHub chooses" in await page.text('tr:has([data-row="auto"])')
    await page.page.locator("#only-ready").click()
    assert await shown(page) == ["auto"]
    await page.page.locator("#only-ready").click()
    await page.page.locator('[data-row="auto"]').click()
    assert "Activity shows which one answered." in await page.text("#panel")
    await page.page.locator('[data-row="gpt-5-mini"]').click()
    assert "Ask for the model auto." in await page.text("#panel")


async def test_included_models_are_one_press_away_when_credits_are_gone(window: Any) -> None:
    page = await window(snapshots.exhausted())
    await page.press("Show included models")
    await page.see("GPT-5 mini")
    assert set(await shown(page)) == {"gpt-5-mini", "gpt-4.1", "text-embedding-3-small"}


async def test_used_up_is_marked_at_the_models_that_cost(window: Any) -> None:
    page = await window(snapshots.exhausted())
    await page.go("models")
    assert "Used up" in await page.text('tr:has([data-row="claude-sonnet-4.5"])')
    assert "Ready" in await page.text('tr:has([data-row="gpt-4.1"])')


async def test_refresh_asks_the_app(window: Any) -> None:
    page = await opened(window)
    await page.press("Refresh")
    await page.called("refresh_models")


TROUBLE = {
    "kind": "unreachable",
    "message": "api.github.com could not be reached: no route.",
    "fields": {},
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": {"state": "loading", "items": []}}, "Loading models…"),
        ({"models": {"state": "ready", "items": []}}, "GitHub sent an empty list"),
        (
            {"models": {"state": "empty", "items": [], "error": TROUBLE}},
            "could not be reached: no route.",
        ),
        (
            {"models": {"state": "stale", "error": TROUBLE, "fetched_at": time.time()}},
            "Saved list from",
        ),
        (snapshots.SIGNED_OUT, "Sign in to see your models"),
        ({**NO_COPILOT, "models": {"state": "empty", "items": []}}, "No Copilot access"),
    ],
)
async def test_a_missing_list_says_why(window: Any, changes: Any, words: str) -> None:
    page = await opened(window, **changes)
    assert words in await page.page.locator("main").text_content()


async def test_two_hundred_models_open_at_once(window: Any) -> None:
    items = [snapshots.model(f"Model {n}") for n in range(200)]
    page = await opened(window, models={"items": items})
    await page.until("document.querySelectorAll('[data-row]').length === 200")


async def test_names_from_outside_stay_text(window: Any) -> None:
    evil = "<img src=x onerror=alert(1)><b>bold</b>"
    hostile = {"name": evil, "vendor": evil, "notices": [evil]}
    page = await opened(window, models={"items": [snapshots.model("x") | hostile]})
    await page.page.locator("[data-row]").click()
    assert evil in await page.text()
    assert evil in await page.text("#panel")
    assert await page.page.locator("main img, #panel img, main b b").count() == 0


async def test_each_client_gets_the_id_in_its_own_spelling(window: Any) -> None:
    page = await opened(window)
    await page.empty_clipboard()
    await page.page.locator('[data-row="claude-sonnet-4.5"]').click()
    for clients, spelt in (
        ("Claude Code, Codex, Continue", "claude-sonnet-4.5"),
        ("aider, LiteLLM", "openai/claude-sonnet-4.5"),
        ("opencode", "copilot-desktop/claude-sonnet-4.5"),
        ("llm", "copilot/claude-sonnet-4.5"),
    ):
        await page.press(f"Copy: Id for {clients}")
        assert await page.page.evaluate("navigator.clipboard.readText()") == spelt


AWKWARD = 'it\'s $HOME `id` "x" \\ !'


def arguments(command: str) -> list[str]:
    """What arrives at `curl`, as a real shell says."""
    told = subprocess.run(
        ["sh", "-c", f'curl() {{ for each; do printf "%s\\0" "$each"; done; }}\n{command}'],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    return told.stdout.split("\0")


@pytest.mark.parametrize("key", [None, f"cd-{AWKWARD}"])
async def test_an_example_says_the_same_in_a_shell(window: Any, key: str | None) -> None:
    required = {"key_required": key is not None, "key_hint": "abcd"}
    page = await opened(window, proxy=required)
    await page.empty_clipboard()
    items = page.plane.state["models"]["items"]
    items[0] = items[0] | {"id": f"model {AWKWARD}", "name": "Awkward"}
    page.plane.push(snapshots.merged(page.plane.state, {}))
    page.plane.answers["reveal_key"] = {"ok": True, "key": key}
    await page.page.locator("[data-row]", has_text="Awkward").click()
    assert AWKWARD not in (await page.text("#panel pre")).replace(f"model {AWKWARD}", "")
    await page.press("Copy example request: Example request")
    await page.see("Copied", "#panel")
    copied = await page.page.evaluate("navigator.clipboard.readText()")
    told = arguments(copied)
    assert told[0].startswith("http://127.0.0.1:4141/")
    assert json.loads(told[told.index("-d") + 1])["model"] == f"model {AWKWARD}"
    assert (f"Authorization: Bearer {key}" in told) is (key is not None)
