"""What the page spares: rows that nobody sees, timers while it is hidden (`ui-design.md` §2.4).

Times are in `bench/page.py`; a test that measures them would only measure the machine.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MANY = 200
# Timers that are running now, by their number.
COUNTING = """
    window.running = new Set();
    const start = window.setInterval, stop = window.clearInterval;
    window.setInterval = (...given) => {
        const id = start(...given);
        running.add(id);
        return id;
    };
    window.clearInterval = (id) => { running.delete(id); stop(id); };
    window.hide = (hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    };
"""


async def test_a_long_list_begins_with_the_rows_in_view_and_gets_the_others(window: Any) -> None:
    models = [snapshots.model(f"model-{n:03}") for n in range(MANY)]
    page = await window(snapshots.snapshot(models={"items": models}))
    rows = page.page.locator("[data-row]")
    await page.page.evaluate("""() => {
        window.frames_to_come = [];
        window.requestAnimationFrame = (draw) => frames_to_come.push(draw);
    }""")
    await page.go("models")
    assert await rows.count() < 50
    await page.page.evaluate("frames_to_come.forEach((draw) => draw())")
    await page.page.locator(f"[data-row='model-{MANY - 1}']").wait_for(state="attached")
    assert await rows.count() == MANY


async def test_a_hidden_window_runs_no_timer(window: Any) -> None:
    page = await window(snapshots.signing_in())
    await page.page.add_init_script(COUNTING)
    await page.open()
    await page.see("WDJB-MJHT")
    await page.until("running.size === 1")
    await page.page.evaluate("hide(true)")
    await page.until("running.size === 0")
    page.plane.push(snapshots.signing_in(left=300))  # a hidden page may still be told something
    await page.until("import('/ui/store.js').then((m) => m.state.snapshot.seq > 1)")
    assert await page.page.evaluate("running.size") == 0
    await page.page.evaluate("hide(false)")
    await page.until("running.size === 1")


async def test_a_tab_in_the_background_leaves_its_connection_to_others(window: Any) -> None:
    """A browser has six for one address: the seventh tab would wait for ever."""
    page = await window(snapshots.snapshot(app={"engine": "browser"}))
    await page.follows()
    await page.page.evaluate(COUNTING)
    await page.page.evaluate("hide(true)")
    async with asyncio.timeout(20):
        while page.plane.followed():
            page.plane.push(page.plane.state)  # who has gone is noticed when something is told
            await asyncio.sleep(0.05)
    page.plane.state = snapshots.stopped()
    await page.page.evaluate("hide(false)")
    await page.see("Proxy is stopped")
    assert page.plane.followed() == 1


async def test_a_window_of_its_own_goes_on_to_listen_while_it_is_hidden(window: Any) -> None:
    page = await window(snapshots.snapshot(app={"engine": "gtk"}))
    await page.follows()
    await page.page.evaluate(COUNTING)
    await page.page.evaluate("hide(true)")
    page.plane.push(snapshots.stopped())
    await page.see("Proxy is stopped")
