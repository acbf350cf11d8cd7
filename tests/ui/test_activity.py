"""Activity: what each request was, what was changed on its way, and what it cost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NOTES = [
    "dropped=top_k",
    "mapped=thinking.budget>effort:medium",
    "mapped=tool results",
    "mapped=stop>local",
    "healed=thinking signature",
    "restored=reasoning_opaque",
    "usage=estimate",
    "auto=gpt-5.3-codex",
    "something=new",
]
# How far anything in an element reaches out of it, in pixels.
BEYOND = """name => {
  const place = document.querySelector(name);
  const edge = place.getBoundingClientRect().right + 0.5;
  const parts = [...place.querySelectorAll("*")].filter(each => !each.closest("td .mono"));
  return Math.max(...parts.map(each => each.getBoundingClientRect().right - edge));
}"""
BROAD = {"viewport": {"width": 1400, "height": 800}}


async def opened(window: Any, *rows: Any, press: bool = True, **options: Any) -> Any:
    page = await window(snapshots.snapshot(requests=list(rows)), **options)
    await page.go("activity")
    if press:
        await page.page.locator(f"[data-request='{rows[0]['id']}']").click()
    return page


async def test_the_panel_tells_everything_about_a_request(window: Any) -> None:
    row = snapshots.request(7, route="/responses", notes=NOTES, initiator="agent")
    page = await opened(window, row)
    words = await page.page.locator("#panel").inner_text()
    for expected in (
        "Claude Code, ",
        "200 · OK",
        "Messages, translated to Responses",
        "The client by itself",
        "18,204 tokens",
        "16,000 tokens",
        "812 tokens",
        "0.2596 credits",
        "640 ms",
        "8.2 s",
        row["request_id"],
    ):
        assert expected in words, (expected, words)


async def test_changes_are_sentences_and_none_is_left_out(window: Any) -> None:
    page = await opened(window, snapshots.request(7, notes=NOTES))
    told = await page.page.locator("#panel .changes li").all_inner_texts()
    assert told == [
        "top_k was left out.",
        "thinking.budget was sent as effort:medium.",
        "tool results was said in another way.",
        "The app watches for the stop sequences itself.",
        "Copilot refused thinking signature. It was mended and sent again.",
        "Reasoning that the client had dropped was put back.",
        "The tokens are an estimate.",
        "GitHub chose gpt-5.3-codex.",
        "something=new",
    ]


async def test_a_request_that_was_passed_through_says_so(window: Any) -> None:
    page = await opened(window, snapshots.request(7))
    words = await page.page.locator("#panel").inner_text()
    assert "Messages, passed through" in words
    assert "Nothing. The request went to Copilot as it came." in words


@pytest.mark.parametrize(
    ("cost", "short", "full"),
    [
        ({"credits": 0.2596}, "0.26", "0.2596 credits"),
        ({"credits": 0.00419}, "<0.01", "0.00419 credits"),
        ({"credits": 0.000000123}, "<0.01", "0.000000123 credits"),
        ({"credits": 12.345}, "12.35", "12.345 credits"),
        ({"credits": 12345.678}, "12 K", "12,345.678 credits"),
        ({"credits": 0.0, "multiplier": 1}, "0", "0 credits"),
        ({"credits": None, "multiplier": 0.33}, "0.33×", "0.33 premium requests"),
        (
            {"credits": None, "multiplier": 0.33, "initiator": "agent"},
            "–",
            "None of its own",
        ),
        ({"credits": None, "multiplier": 0}, "0×", "Included"),
        ({"credits": None, "multiplier": None}, "–", "Not told"),
    ],
)
async def test_cost_is_in_credits_or_premium_requests(
    window: Any, cost: Any, short: str, full: str
) -> None:
    page = await opened(window, snapshots.request(7, **cost), press=False, **BROAD)
    cell = page.page.locator("tbody .c-cost")
    assert await cell.inner_text() == short
    assert await cell.get_attribute("title") == full
    assert await cell.evaluate("cell => cell.scrollWidth <= cell.clientWidth"), "it is cut off"
    await page.page.locator("tbody tr").click()
    assert full in await page.page.locator("#panel").inner_text()


async def test_a_request_that_failed_tells_why(window: Any) -> None:
    row = snapshots.request(7, status=502, outcome="failed", error="It broke.", input_tokens=None)
    page = await opened(window, row)
    words = await page.page.locator("#panel").inner_text()
    assert "It broke." in words
    assert "Input" not in words
    assert "What was changed" not in words


async def test_the_panel_is_opened_and_closed_with_the_keyboard(window: Any) -> None:
    rows = [snapshots.request(7), snapshots.request(8)]
    page = await opened(window, *rows, press=False)
    await page.page.locator("[data-request='7']").focus()
    await page.page.keyboard.press("ArrowDown")
    await page.page.keyboard.press("Enter")
    await page.see("Request id", "#panel")
    assert await page.page.evaluate("document.activeElement.id") == "panel-title"
    await page.page.keyboard.press("Escape")
    await page.page.locator("#panel").wait_for(state="hidden")
    assert await page.page.evaluate("document.activeElement.dataset.request") == "8"


@pytest.mark.parametrize("locale", ["en-GB", "en-US"])
@pytest.mark.parametrize("width", [720, 960, 1400])
async def test_nothing_is_cut_off_at_the_side(window: Any, width: int, locale: str) -> None:
    long = snapshots.request(
        7,
        model_asked="a-name-for-a-model-that-somebody-made-up-and-that-is-long",
        notes=["dropped=" + "a_field_with_no_end_" * 8],
        request_id="E1A2:1C3D4:5E6F7:8A9B0:66C1D2E3" * 3,
    )
    view = {"viewport": {"width": width, "height": 680}, "locale": locale}
    page = await opened(window, long, *snapshots.some_requests()[1:], press=False, **view)
    assert await page.page.evaluate(BEYOND, ".activity-card") <= 0
    await page.page.locator("[data-request='7']").click()
    assert await page.page.evaluate(BEYOND, "#panel") <= 0
    if width >= 960:  # below that the panel lies over the list
        assert await page.page.evaluate(BEYOND, ".activity-card") <= 0
