"""The playground: what is asked goes to the app, what comes back is shown as it comes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def news(**changes: Any) -> dict[str, Any]:
    usual = {"n": 1, "phase": "running", "at": {"text": 0, "thinking": 0}}
    return {**usual, "text": "", "thinking": "", "row": None, "sides": None, **changes}


SIDES = {
    name: {"text": f"<b>{name}</b>", "size": 2048, "cut": False}
    for name in ("asked", "sent", "heard", "told")
}


async def opened(window: Any, **changes: Any) -> Any:
    page = await window(snapshots.snapshot(**changes))
    await page.page.keyboard.press("Control+7")
    await page.page.locator("h1", has_text="Playground").wait_for()
    await page.looks_at("playground")
    return page


async def test_what_was_chosen_is_sent(window: Any) -> None:
    page = await opened(window)
    await page.page.locator("#play-model").select_option(label="Claude Sonnet 4.5")
    await page.page.get_by_role("radio", name="Messages").click()
    await page.page.locator("#play-system").fill("Be short.")
    await page.page.locator("#play-text").fill("Why is the sky blue?")
    await page.page.locator("#play-max").fill("12x3")
    await page.page.locator("#play-stream").click()
    await page.page.locator("#play-text").press("Control+Enter")
    assert await page.called("play") == {
        "dialect": "messages",
        "model": "claude-sonnet-4.5",
        "system": "Be short.",
        "text": "Why is the sky blue?",
        "stream": False,
        "max_tokens": 123,
    }


async def test_what_is_too_long_is_said_and_not_cut(window: Any) -> None:
    page = await opened(window)
    await page.page.locator("#play-text").focus()
    await page.page.keyboard.insert_text("x" * 16_000 + "Why?")  # as pasted
    await page.see("Instructions and message have at most 16,000 characters each.")
    send = page.page.locator("#play-send")
    assert (await page.page.locator("#play-text").input_value()).endswith("Why?")
    assert await send.get_attribute("aria-disabled") == "true"
    for _ in "Why?":
        await page.page.keyboard.press("Backspace")
    await page.page.locator("#play-send[aria-disabled=true]").wait_for(state="detached")
    await page.press("Send")
    assert (await page.called("play"))["text"] == "x" * 16_000


async def test_an_effort_is_offered_where_the_model_has_one(window: Any) -> None:
    models = [
        snapshots.model("GPT-5", efforts=["low", "high"]),
        snapshots.model("GPT-4.1"),
    ]
    page = await opened(window, models={"items": models})
    await page.page.locator("#play-model").select_option("gpt-4.1")
    assert await page.page.locator("#play-effort").count() == 0
    await page.page.locator("#play-model").select_option("gpt-5")
    await page.page.locator("#play-effort").select_option("high")
    await page.page.locator("#play-text").fill("Hi")
    await page.press("Send")
    assert (await page.called("play"))["effort"] == "high"


async def test_words_come_one_after_the_other_and_then_everything_else(window: Any) -> None:
    page = await opened(window)
    page.plane.news("playground", news(text="It scatters"))
    await page.see("It scatters")
    await page.see("In progress")
    page.plane.news("playground", news(text=" light.", at={"text": 11, "thinking": 0}))
    await page.see("It scatters light.")
    row = snapshots.request(5, client="Playground", notes=["dropped=top_k"])
    over = {"phase": "done", "at": {"text": 18, "thinking": 0}, "row": row, "sides": SIDES}
    page.plane.news("playground", news(**over))
    for words in ("It scatters light.", "200 · OK", "812 tokens", "was left out.", "What passed"):
        await page.see(words)
    await page.page.get_by_text("What went to Copilot").click()
    await page.see("<b>sent</b>")
    assert page.complaints == []


async def test_escape_stops_a_run(window: Any) -> None:
    page = await opened(window)
    page.plane.news("playground", news(text="On and on"))
    await page.see("On and on")
    await page.page.keyboard.press("Escape")
    await page.called("stop_playing")
    page.plane.news("playground", news(phase="stopped", at={"text": 9, "thinking": 0}))
    await page.see("Stopped")
    await page.see("On and on")


async def test_a_failure_is_told_in_its_own_words(window: Any) -> None:
    page = await opened(window)
    row = snapshots.request(5, status=404, outcome="failed", error="There is no such model.")
    page.plane.news("playground", news(phase="failed", row=row, sides=SIDES))
    await page.see("There is no such model.")
    await page.see("404 · No such model")


async def test_without_proxy_or_account_it_says_what_to_do(window: Any) -> None:
    page = await opened(window, proxy={"phase": "stopped"})
    await page.page.locator("#play-text").fill("Hi")
    await page.see("The proxy is not running.")
    assert await page.page.locator("#play-send").get_attribute("aria-disabled") == "true"
    await page.press("Start proxy")
    await page.called("start_proxy")
    page.plane.push(snapshots.signed_out(models={"items": []}))
    await page.see("Sign in to ask a model.")


async def test_an_answer_keeps_its_characters_whatever_they_take_in_the_page(window: Any) -> None:
    """To the page some characters are two; the app counts each as one."""
    page = await opened(window)
    thought, said = "Rain \U0001f327\U0001f327", "\U0001f600\U0001f600 Hello"
    page.plane.news("playground", news(text=said, thinking=thought))
    at = {"text": len(said), "thinking": len(thought)}
    page.plane.news("playground", news(text=" there", thinking=" or shine", at=at))
    await page.see(f"{said} there")
    await page.page.get_by_text("Reasoning").click()
    await page.see(f"{thought} or shine")
