"""The page in a real browser. Browser and loop live for the whole session."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from tests.ui.stage import ControlPlane, Json, Window

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
USUAL = {
    "viewport": {"width": 960, "height": 680},
    "locale": "en-GB",
    "timezone_id": "Europe/Berlin",
}


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Any]:
    api = pytest.importorskip("playwright.async_api")
    if not os.path.exists(CHROMIUM):  # noqa: ASYNC240, PTH110  (once, before all tests)
        pytest.skip("Chromium is not installed")
    async with api.async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def contexts(browser: Any) -> dict[str, Any]:
    """A browser context for each set of options, kept: making one costs more than most tests."""
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def window(browser: Any, contexts: dict[str, Any]) -> AsyncIterator[Callable[..., Any]]:
    """`await window(state)` opens the page on that state; options go to the browser's context.

    `alone`: in a context of its own, which ends with the test. For whatever reaches a whole
    context and cannot be taken back, as a clock that is set.
    """
    opened: list[tuple[Window, web.AppRunner]] = []
    own: list[Any] = []

    async def open_on(
        state: Json,
        *,
        prepare: Callable[[ControlPlane], None] | None = None,
        alone: bool = False,
        **options: Any,
    ) -> Window:
        plane = ControlPlane(state)
        if prepare:
            prepare(plane)
        runner = web.AppRunner(plane.app(), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        plane.address = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        key = repr(sorted(options.items()))
        if alone:
            own.append(await browser.new_context(**(USUAL | options)))
        elif key not in contexts:
            contexts[key] = await browser.new_context(**(USUAL | options))
        context = own[-1] if alone else contexts[key]
        shown = Window(await context.new_page(), plane)
        opened.append((shown, runner))
        await shown.open()
        return shown

    yield open_on
    for shown, runner in opened:
        await shown.page.close()
        shown.plane.cut()
        await runner.cleanup()
    for context in own:
        await context.close()
