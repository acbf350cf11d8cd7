"""Every screen as people with forced colours or reduced motion get it, and pictures for eyes.

In forced colours the system's few colours replace ours, so what only a ground or a shade said has
to be said by a border: every control, card and pill keeps one, every bar differs from its track,
what is chosen differs from what is not, and no picture keeps a colour of ours. With reduced motion
nothing moves. The pictures go to the folder that COPILOT_DESKTOP_SCREENS names, as
`test_states` does.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.ui.test_every_screen import BARE, SCREENS, everything, overflow
from tests.ui.test_states import keep

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SCHEMES = ["light", "dark"]
SMALL = {"viewport": {"width": 720, "height": 520}}

# A border that can be seen: another colour than the ground around it.
UNSEEN = """() => {
    const out = [];
    const ground = getComputedStyle(document.body).backgroundColor;
    const parts = '.button:not(.ghost, .icon-only), input:not([type=checkbox]), select, .switch, '
        + '.card, .pill, .banner, .segmented, .bar-track';
    for (const e of document.querySelectorAll(parts)) {
        if (!e.checkVisibility()) continue;
        const style = getComputedStyle(e);
        const lines = ['Top', 'Bottom'].every((side) => parseFloat(style[`border${side}Width`]) > 0
            && style[`border${side}Style`] !== 'none' && style[`border${side}Color`] !== ground);
        if (!lines) out.push(`no border: ${e.outerHTML.slice(0, 120)}`);
    }
    const text = getComputedStyle(document.body).color;
    for (const e of document.querySelectorAll('.icon, .glyph .ring, .glyph [class^=fill-]')) {
        const style = getComputedStyle(e);
        const own = e.matches('.icon') ? style.color
            : e.matches('.ring') ? style.stroke : style.fill;
        const parent = getComputedStyle(e.parentElement).color;
        if (![text, parent].includes(own)) out.push(`a picture of our own colour: ${own}`);
    }
    for (const bar of document.querySelectorAll('.bar-fill')) {
        const colour = (e) => getComputedStyle(e).backgroundColor;
        if (colour(bar) === colour(bar.closest('.bar-track'))) out.push('a bar like its track');
    }
    const both = (a, b, what) => {
        const [one, other] = [a, b].map((e) => document.querySelector(e));
        if (!one || !other) return;
        const looks = (e) => ['backgroundColor', 'borderTopColor', 'borderTopWidth', 'outlineStyle']
            .map((name) => getComputedStyle(e)[name]).join();
        if (looks(one) === looks(other)) out.push(`${what} looks like any other`);
    };
    both('.nav-item[aria-current]', '.nav-item:not([aria-current])', 'the screen that is shown');
    both('.switch[aria-checked=true]', '.switch[aria-checked=false]', 'a switch that is on');
    both('.segmented [aria-checked=true]', '.segmented [aria-checked=false]', 'what is chosen');
    return out;
}"""
MOVING = """() => [...document.querySelectorAll('*')].filter((e) => {
    const style = getComputedStyle(e);
    return parseFloat(style.transitionDuration) > 0 || style.animationName !== 'none';
}).map((e) => e.outerHTML.slice(0, 120))"""


async def visit(page: Any, screen: str) -> None:
    await page.page.evaluate(
        "(screen) => import('/ui/store.js').then((m) => m.setLocal({ screen }))", screen
    )
    await page.page.locator(f"#main[data-screen={screen}]").wait_for()


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_forced_colours_leave_every_screen_its_shapes(window: Any, scheme: str) -> None:
    page = await window(everything(), forced_colors="active", color_scheme=scheme)
    for screen in SCREENS:
        await visit(page, screen)
        await keep(page.page, f"forced-{scheme}-{screen}")
        assert await page.page.evaluate(UNSEEN) == [], screen
        assert await overflow(page) == [], screen


@pytest.mark.parametrize("name", BARE)
async def test_forced_colours_leave_every_state_its_shapes(window: Any, name: str) -> None:
    page = await window(BARE[name](), forced_colors="active", **SMALL)
    await keep(page.page, f"forced-state-{name}")
    assert await page.page.evaluate(UNSEEN) == []
    assert await overflow(page) == []


async def test_the_focus_is_seen_in_forced_colours(window: Any) -> None:
    page = await window(everything(), forced_colors="active")
    for _ in range(12):
        await page.page.keyboard.press("Tab")
        seen = await page.page.evaluate(
            "() => { const s = getComputedStyle(document.activeElement);"
            " return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2; }"
        )
        assert seen, await page.focused()


async def test_with_reduced_motion_nothing_moves_on_any_screen(window: Any) -> None:
    page = await window(everything(), reduced_motion="reduce")
    for screen in SCREENS:
        await visit(page, screen)
        await keep(page.page, f"still-{screen}")
        assert await page.page.evaluate(MOVING) == [], screen


@pytest.mark.parametrize("name", BARE)
async def test_with_reduced_motion_nothing_moves_in_any_state(window: Any, name: str) -> None:
    page = await window(BARE[name](), reduced_motion="reduce", **SMALL)
    assert await page.page.evaluate(MOVING) == []
