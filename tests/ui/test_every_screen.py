"""What holds on every screen in every state: policy, width, words, names, one title."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.ui import editor_snapshots, snapshots
from tests.ui.stage import ControlPlane

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Json = dict[str, Any]
SCREENS = ["overview", "models", "usage", "editors", "activity", "playground", "settings", "help"]


def everything() -> Json:
    """One signed-in state with something in every corner."""
    state = snapshots.many_meters()
    return snapshots.merged(
        state,
        {
            "proxy": {"key_required": True},
            "editors": editor_snapshots.editors(editor_snapshots.every_state()),
            "banner": {
                "id": "low",
                "level": "info",
                "fields": {"meter": "AI credits", "p": 91},
                "actions": [],
            },
        },
    )


SIGN_IN = {"name": "sign_in", "n": 1}
BARE: dict[str, Callable[[], Json]] = {
    "first_run": snapshots.first_run,
    "sign_in": snapshots.signing_in,
    "expired": lambda: snapshots.signing_in("expired", app={"screen": SIGN_IN}),
    "signed_out": snapshots.signed_out,
    "port_conflict": snapshots.port_conflict,
    "asking": lambda: snapshots.asking(3),
    "paused": snapshots.paused,
    "over_budget": snapshots.over_budget,
    "close": lambda: snapshots.snapshot(ask={"id": "close", "fields": {}}),
}


async def screens(page: Any) -> Any:
    for screen in SCREENS:
        await page.go(screen)
        yield screen


async def test_no_screen_breaks_the_content_policy_or_complains(window: Any) -> None:
    page = await window(everything())
    async for _ in screens(page):
        pass
    await page.go("models")
    await page.page.locator("[data-row]").first.click()
    await page.page.keyboard.press("Escape")
    await page.page.keyboard.press("Control+q")
    assert page.complaints == []


@pytest.mark.parametrize("name", BARE)
async def test_no_state_breaks_the_content_policy_or_complains(window: Any, name: str) -> None:
    page = await window(BARE[name]())
    assert page.complaints == []


NARROW = {"viewport": {"width": 720, "height": 520}}


async def test_narrow_with_large_text_never_scrolls_sideways(window: Any) -> None:
    page = await window(snapshots.merged(everything(), {"settings": {"text_size": 140}}), **NARROW)
    async for screen in screens(page):
        assert await overflow(page) == [], screen
    await page.go("models")
    await page.page.locator("[data-row]").first.click()
    assert await overflow(page) == []


@pytest.mark.parametrize("name", BARE)
async def test_narrow_states_never_scroll_sideways(window: Any, name: str) -> None:
    page = await window(snapshots.merged(BARE[name](), {"settings": {"text_size": 140}}), **NARROW)
    assert await overflow(page) == []


async def overflow(page: Any) -> list[str]:
    """What sticks out to the right of its region, apart from text that is cut with an ellipsis."""
    return await page.page.evaluate("""() => {
        const out = [];
        const regions = '#main, #sidebar, #panel:not([hidden]), dialog[open]';
        const parts = 'button, input, select, .pill, .address, .card, .bar';
        for (const region of document.querySelectorAll(regions)) {
            if (region.scrollWidth > region.clientWidth + 1) out.push(region.id);
            const edge = region.getBoundingClientRect().right;
            for (const e of region.querySelectorAll(parts)) {
                const box = e.getBoundingClientRect();
                if (box.width && box.right > edge + 1) out.push(e.outerHTML);
            }
        }
        if (document.documentElement.scrollWidth > innerWidth) out.push('page');
        return out;
    }""")


# --- words -------------------------------------------------------------------------------------

MARK = "⟦"


def marked(tree: Any) -> Any:
    """Every sentence in brackets and a good third longer, as another language may be."""
    if isinstance(tree, dict):
        return {name: marked(value) for name, value in tree.items()}
    return f"{MARK}{tree}{'·' * (len(tree) // 3)}⟧"


def use_marked_words(plane: ControlPlane) -> None:
    plane.strings = marked(plane.strings)


def values(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        for value in tree.values():
            yield from values(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from values(value)
    elif tree is not None:
        yield str(tree)


READABLE = """() => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) found.push(walker.currentNode.data);
    for (const name of ['title', 'aria-label', 'placeholder', 'aria-valuetext']) {
        for (const e of document.querySelectorAll(`[${name}]`)) found.push(e.getAttribute(name));
    }
    return found;
}"""


async def assert_words_come_from_the_file(page: Any) -> None:
    """A text is a sentence of the file, a value of the snapshot, or has no letters of its own."""
    known = " ".join([*values(page.plane.state), *values(page.plane.answers)])
    for text in await page.page.evaluate(READABLE):
        if MARK in text or not re.search(r"[A-Za-z]{2}", text):
            continue
        # Times, dates and initials come from the system's formats and from the account.
        own = re.sub(
            r"\b\d+ [A-Z][a-z]{2}( \d{4})?\b|\b[A-Z][a-z]{2} \d+\b|https?://\S*|UTC", "", text
        ).strip()
        assert own in known or own.lower() in known or re.fullmatch(r"[\W\d]*|OH", own), text


async def test_every_word_of_every_screen_is_in_the_strings_file(window: Any) -> None:
    page = await window(everything(), prepare=use_marked_words)
    for icon in ["home", "cube", "gauge", "pulse", "sliders", "help"]:
        await page.page.locator(f'.nav-item:has(use[href$="#{icon}"])').click()
        await assert_words_come_from_the_file(page)
        assert await overflow(page) == [], icon


@pytest.mark.parametrize("name", BARE)
async def test_every_word_of_every_state_is_in_the_strings_file(window: Any, name: str) -> None:
    page = await window(BARE[name](), prepare=use_marked_words, **NARROW)
    await assert_words_come_from_the_file(page)
    assert await overflow(page) == []


async def test_no_sentence_is_missing(window: Any) -> None:
    """A missing key would be shown as the key itself."""
    page = await window(everything())
    async for screen in screens(page):
        for text in await page.page.evaluate(READABLE):
            assert not re.search(
                r"\b(nav|usage|settings|help|overview|banner|action)\.(?!json)[a-z_]+", text
            ), (screen, text)
            assert "{" not in text or "model" in text, (screen, text)


# --- names and roles ---------------------------------------------------------------------------


async def test_every_control_has_a_name_and_a_size_to_hit(window: Any) -> None:
    page = await window(everything())
    async for screen in screens(page):
        bad = await page.page.evaluate("""() => {
            const bad = [];
            const controls = 'button, input, select, [role=meter], [role=switch]';
            for (const e of document.querySelectorAll(controls)) {
                if (!e.checkVisibility()) continue;
                const by = e.getAttribute('aria-labelledby') || '';
                const ids = by.split(' ').filter(Boolean);
                const name = e.getAttribute('aria-label') || e.textContent.trim()
                    || ids.map((id) => document.getElementById(id)?.textContent).join('');
                if (!name) bad.push(`no name: ${e.outerHTML}`);
                for (const id of ids) if (!document.getElementById(id)) bad.push(`dangling: ${id}`);
                const box = e.getBoundingClientRect();
                const own = e.matches('button, select, input') && !e.matches('.switch');
                if (own && box.height < 28) {
                    bad.push(`small: ${e.outerHTML}`);
                }
            }
            return bad;
        }""")
        assert bad == [], screen


async def test_every_screen_has_one_title_and_unique_ids(window: Any) -> None:
    page = await window(everything())
    async for screen in screens(page):
        assert await page.page.locator("h1").count() == 1
        ids = await page.page.locator("[id]").evaluate_all("all => all.map(e => e.id)")
        assert len(ids) == len(set(ids)), screen


async def test_the_rail_keeps_names_for_readers(window: Any) -> None:
    page = await window(snapshots.snapshot(), **NARROW)
    rail = await page.page.locator("#sidebar").bounding_box()
    assert rail["width"] == 56
    await page.page.get_by_role("button", name="Usage", exact=True).click()
    await page.page.locator("h1", has_text="Usage").wait_for()


async def test_reduced_motion_means_none(window: Any) -> None:
    page = await window(snapshots.snapshot(), reduced_motion="reduce")
    moving = await page.page.evaluate(
        "[...document.querySelectorAll('*')].filter("
        "e => parseFloat(getComputedStyle(e).transitionDuration) > 0"
        " || getComputedStyle(e).animationName !== 'none').length"
    )
    assert moving == 0


async def test_forced_colours_keep_borders_and_bars(window: Any) -> None:
    page = await window(everything(), forced_colors="active")
    await page.go("usage")
    border = await page.page.locator(".bar-track").first.evaluate(
        "e => getComputedStyle(e).borderTopWidth"
    )
    assert border == "1px"
    fill = await page.page.locator(".bar-fill").first.evaluate(
        "e => getComputedStyle(e).backgroundColor"
    )
    track = await page.page.locator(".bar-track").first.evaluate(
        "e => getComputedStyle(e).backgroundColor"
    )
    assert fill != track


async def test_a_dark_window_is_dark_before_any_word_is_there(window: Any) -> None:
    page = await window(snapshots.snapshot(settings={"theme": "system"}), color_scheme="dark")
    await page.page.route("**/strings.json", lambda route: route.abort())
    await page.page.goto(page.plane.address, wait_until="load")
    assert await page.page.locator(".skeleton-card").count() == 2
    ground = await page.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(19, 22, 25)"


async def test_the_countdown_is_the_only_timer(window: Any) -> None:
    counting = (
        "window.ticks = 0; const real = setInterval;"
        "window.setInterval = (...a) => { ticks += 1; return real(...a); };"
    )
    page = await window(snapshots.snapshot())
    await page.page.add_init_script(counting)
    await page.open()
    for screen in SCREENS:
        await page.go(screen)
    assert await page.page.evaluate("window.ticks") == 0
    page.plane.push(snapshots.signing_in())
    await page.page.locator(".account").click()
    await page.see("WDJB-MJHT")
    assert await page.page.evaluate("window.ticks") == 1
