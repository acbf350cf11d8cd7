"""Measure the page in Chromium: first paint, weight, opening a screen, feedback to a press.

The page is served by the stand-in of the page's tests, so nothing of the app itself is in the
figures. Limits are in `goals.LIMITS`; nothing here passes or fails.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from typing import Any

from aiohttp import web

from copilot_desktop.control.pages import SAID_LATER, later, sentences
from copilot_desktop.core.state import State
from tests.ui import snapshots
from tests.ui.conftest import CHROMIUM, FLAGS, USUAL
from tests.ui.stage import ControlPlane

MODELS, REQUESTS = 200, 2000
LIMIT = 120.0  # seconds for all looks

OPEN = """async (screen) => {
    const store = await import('/ui/store.js');
    const start = performance.now();
    store.setLocal({ screen });
    while (document.getElementById('main').dataset.screen !== screen) {
        await new Promise((done) => setTimeout(done));
    }
    document.body.getBoundingClientRect();  // style and layout are in it
    return performance.now() - start;
}"""
PRESS = """() => new Promise((done) => {
    const button = document.querySelector('main .button');
    const start = performance.now();
    const look = new MutationObserver(() => {
        if (!document.querySelector('main [aria-busy=true]')) return;
        look.disconnect();
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
    });
    look.observe(document.body, { subtree: true, attributes: true, childList: true });
    button.click();
})"""
PAINTED = """(kind) => new Promise((done) => {
    const found = () => performance.getEntriesByName(kind)[0];
    const look = () => (found() ? done(found().startTime) : setTimeout(look, 5));
    look();
})"""
WEIGHT = """performance.getEntriesByType('resource').filter((e) => !e.name.endsWith('/state'))
    .reduce((sum, e) => sum + e.decodedBodySize, 0)"""


def full() -> dict[str, Any]:
    """200 models on the snapshot; the requests come through the stream of Activity."""
    models = [snapshots.model(f"model-{n}", vendor=f"Vendor {n % 9}") for n in range(MODELS)]
    return snapshots.merged(snapshots.snapshot(), {"models": {"items": models}})


def plane() -> ControlPlane:
    stand_in = ControlPlane(full())
    stand_in.strings = dict(sentences(State()))  # as the app serves them
    for part in SAID_LATER:
        stand_in.strings |= later(State(), part)
    now = time.time()
    rows = [snapshots.request(n, at=now - REQUESTS + n) for n in range(1, REQUESTS + 1)]
    stand_in.told["requests"] = [{"rows": rows, "cleared": 0, "emptied": False}]
    return stand_in


async def measure(rounds: int) -> dict[str, float]:
    """Medians in milliseconds; the weight in bytes."""
    from playwright.async_api import async_playwright  # noqa: PLC0415

    stand_in = plane()
    runner = web.AppRunner(stand_in.app(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    found: dict[str, list[float]] = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for _ in range(rounds):
            context = await browser.new_context(**USUAL)
            for name, value in (await one_look(await context.new_page(), address)).items():
                found.setdefault(name, []).append(value)
            await context.close()
        await browser.close()
    stand_in.cut()
    await runner.cleanup()
    return {name: statistics.median(values) for name, values in found.items()}


async def one_look(page: Any, address: str) -> dict[str, float]:
    await page.goto(address)
    await page.locator("h1").first.wait_for(state="attached")
    found = {
        "first paint, ms": await page.evaluate(PAINTED, "first-paint"),
        "first words, ms": await page.evaluate(PAINTED, "first-contentful-paint"),
    }
    found["bytes read before the first screen"] = await page.evaluate(WEIGHT)
    found["a press to its feedback, ms"] = await page.evaluate(PRESS)
    for screen in ("models", "activity", "usage", "settings", "overview"):
        await page.evaluate(OPEN, screen)  # the view has to be fetched the first time
        await page.wait_for_timeout(100)
        await page.evaluate(OPEN, "help")
        found[f"opening {screen}, ms"] = await page.evaluate(OPEN, screen)
    return found


def look(rounds: int = 9) -> dict[str, float]:
    """The medians of `rounds` looks, by their names."""
    logging.disable(logging.CRITICAL)  # streams that end with their page are no news
    try:
        return asyncio.run(asyncio.wait_for(measure(rounds), LIMIT))
    finally:
        logging.disable(logging.NOTSET)
