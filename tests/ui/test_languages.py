"""The page in another language than English: chosen, changed while it is open, and laid out.

Which sentences there are, and that none is missing, is in `tests/test_strings.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from copilot_desktop import strings
from tests.ui import snapshots
from tests.ui.stage import ControlPlane
from tests.ui.test_every_screen import BARE, NARROW, SCREENS, everything, overflow

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Json = dict[str, Any]
OTHERS = strings.languages()[1:]


def speaking(language: str, state: Json, **settings: Any) -> Json:
    app = {"lang": language, "languages": list(strings.languages())}
    return snapshots.merged(state, {"app": app, "settings": {"language": language, **settings}})


def words_of(language: str) -> Any:
    def prepare(plane: ControlPlane) -> None:
        plane.strings = dict(strings.words(language).tree)

    return prepare


async def cut(page: Any) -> list[str]:
    """Words that do not fit into what they stand on, or that make it taller than one line."""
    return await page.page.evaluate("""() => {
        const out = [];
        const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 14;
        for (const e of document.querySelectorAll('.button, .pill, [role=radio], th, .nav-item')) {
            const box = e.getBoundingClientRect();
            if (!box.width || !e.textContent.trim() || !e.checkVisibility()) continue;
            if (e.querySelector(':scope > .spoken:only-child')) continue; // for readers only
            // In a table that is very narrow, an ellipsis is better than a second line.
            if (getComputedStyle(e).textOverflow === 'ellipsis' && e.closest('table')) continue;
            const range = document.createRange();
            range.selectNodeContents(e);
            for (const part of range.getClientRects()) {
                const outside = part.right > box.right + 1.5 || part.left < box.left - 1.5;
                if (part.width > 1 && outside) {
                    out.push(`wide: ${e.textContent}`);
                    break;
                }
            }
            if (e.matches('.pill') && box.height > 26 * scale) out.push(`tall: ${e.textContent}`);
        }
        return out;
    }""")


async def fits(page: Any, where: str) -> None:
    assert await overflow(page) == [], where
    assert await cut(page) == [], where


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("size", [100, 140])
async def test_every_screen_has_room_for_the_words(window: Any, language: str, size: int) -> None:
    state = speaking(language, everything(), text_size=size)
    page = await window(state, prepare=words_of(language), **NARROW)
    for screen in SCREENS:
        await page.page.evaluate(
            "(screen) => import('/ui/store.js').then((m) => m.setLocal({ screen }))", screen
        )
        await page.page.locator(f"#main[data-screen={screen}]").wait_for()
        await fits(page, screen)


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("name", BARE)
async def test_every_state_has_room_for_the_words(window: Any, language: str, name: str) -> None:
    state = speaking(language, BARE[name](), text_size=140)
    page = await window(state, prepare=words_of(language), **NARROW)
    await fits(page, name)


async def test_the_language_is_changed_while_the_window_is_open(window: Any) -> None:
    page = await window(speaking("en", snapshots.snapshot()))
    await page.go("usage")
    assert "1,500" in await page.text()
    await page.go("settings")
    choice = page.page.get_by_label("Language", exact=True)
    names = await choice.locator("option").all_inner_texts()
    assert names == ["System", "English", "Deutsch"]
    await choice.focus()
    await choice.select_option("de")
    assert await page.called("update_settings") == {"patch": {"language": "de"}}
    words_of("de")(page.plane)
    page.plane.push(speaking("de", snapshots.snapshot()))
    await page.see("Einstellungen", "#sidebar")
    assert await page.page.locator("html").get_attribute("lang") == "de"
    assert await page.focused() == "s-language", "the change must not take the focus away"
    await page.page.get_by_role("button", name="Verbrauch", exact=True).click()
    await page.see("Credits pro Tag")
    assert "1.500" in await page.text()
    words_of("en")(page.plane)
    page.plane.push(speaking("en", snapshots.snapshot()))
    await page.see("Credits per day")
    assert "1,500" in await page.text()


async def test_words_that_came_with_a_screen_change_with_the_others(window: Any) -> None:
    page = await window(speaking("en", snapshots.snapshot()))
    await page.go("editors")
    await page.see("What is written")
    words_of("de")(page.plane)
    page.plane.push(speaking("de", snapshots.snapshot()))
    await page.see("Was geschrieben wird")
    await page.see("Verbunden")


async def test_days_and_numbers_are_written_as_the_words_are(window: Any) -> None:
    state = snapshots.exhausted()
    page = await window(speaking("de", state), prepare=words_of("de"))
    at = state["usage"]["meters"][0]["resets_at"]
    shown = await page.page.evaluate(
        "(at) => import('/ui/format.js').then((m) => [m.weekday(at), m.number(1500.5, 1)])", at
    )
    assert shown[0] in {"Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"}
    assert shown[1] == "1.500,5"


async def test_readers_are_told_the_language_before_the_first_word(window: Any) -> None:
    """The stand-in serves an English page; the state corrects it."""
    page = await window(speaking("de", snapshots.snapshot()), prepare=words_of("de"))
    await page.see("Proxy läuft")
    assert await page.page.locator("html").get_attribute("lang") == "de"


async def test_english_on_a_german_system_keeps_its_24_hours(window: Any) -> None:
    page = await window(speaking("en", snapshots.snapshot()), locale="de-DE")
    afternoon = 1_787_412_000
    shown = await page.page.evaluate(
        "(at) => import('/ui/format.js').then((m) => [m.timeOfDay(at), m.number(1500.5, 1)])",
        afternoon,
    )
    assert shown == ["17:20", "1,500.5"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "GitHub did not answer in 5 s."),
        ("de", "In Copilot Desktop ist etwas schiefgegangen."),
    ],
)
async def test_a_refusal_is_told_in_the_language_of_the_page(
    window: Any, language: str, said: str
) -> None:
    refusal = {"ok": False, "code": "internal_error", "message": "GitHub did not answer in 5 s."}
    state = speaking(language, snapshots.snapshot())
    page = await window(state, prepare=words_of(language))
    page.plane.answers["stop_proxy"] = refusal
    await page.page.locator("[aria-labelledby=proxy-title] .button").first.click()
    await page.see(said, "#toast")
