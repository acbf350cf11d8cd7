"""Make the pictures in this folder from the app itself, with the tests' environment:
`.venv/bin/python docs/screens/make.py`.

Runs the demo with its real core and control plane, shows the page in headless Chromium in the
window's size, signs in, sends a few requests, and keeps one picture for each screen.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import aiohttp
from playwright.async_api import Page, async_playwright

from copilot_desktop.control.app import open_control
from copilot_desktop.control.instance import claim
from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Settings
from copilot_desktop.proxy.controller import next_free_port

HERE = Path(__file__).resolve().parent
SIZE = {"width": 960, "height": 680}
CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
LIMIT = 30.0  # seconds for each step
REQUESTS = (
    ("claude-cli/2.1", "/v1/messages", {"model": "claude-sonnet-4.5", "max_tokens": 99}),
    ("codex_exec/0.169", "/v1/responses", {"model": "gpt-5.3-codex", "input": "hello"}),
    ("Zed/1.0", "/v1/chat/completions", {"model": "gpt-4.1"}),
    ("opencode/1.18", "/v1/messages", {"model": "gemini-3.5-flash", "max_tokens": 99}),
    ("aider", "/v1/chat/completions", {"model": "gpt-5-mini"}),
)


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = 4141 if next_free_port("127.0.0.1", 4140) == 4141 else 0
        settings = Settings(data_dir=folder, port=port, require_key=False, theme="light")
        instance = claim(folder)
        assert instance is not None
        async with (
            Core.running(settings, demo="pro") as core,
            open_control(core, instance) as control,
            async_playwright() as playwright,
        ):
            core.surroundings(tray="ok", engine="gtk")
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            page = await browser.new_page(viewport=SIZE, locale="en-US")  # type: ignore[arg-type]
            page.set_default_timeout(LIMIT * 1000)
            await page.goto(control.url())
            await take_all(page, core)
            await browser.close()
        instance.release()


async def take_all(page: Page, core: Core) -> None:
    await keep(page, "first-run")
    await page.get_by_role("button", name="Continue to sign-in").click()
    await page.get_by_role("button", name="Open GitHub in browser").wait_for()
    await keep(page, "sign-in")
    await page.get_by_role("heading", name="Proxy is running", exact=True).wait_for()
    await ask(core.store.state.proxy.port)
    await page.get_by_role("cell", name="Claude Code").wait_for()
    for editor in ("claude-code", "codex"):
        await connect(core, editor)
    for screen in (
        "overview",
        "models",
        "usage",
        "editors",
        "activity",
        "playground",
        "settings",
        "help",
    ):
        await core.verbs.do("show_window", {"screen": screen})
        await page.locator("h1").first.wait_for()
        if screen == "playground":
            await page.locator("#play-text").fill("Why is the sky blue?")
            await page.locator("#play-send").click()
            await page.get_by_text("What passed").wait_for()
        await keep(page, screen)
    await core.verbs.do("update_settings", {"patch": {"theme": "dark"}})
    await core.verbs.do("show_window", {"screen": "overview"})
    await page.locator(":root[data-theme=dark]").wait_for()
    await keep(page, "overview-dark")


async def connect(core: Core, editor: str) -> None:
    wanted: dict[str, object] = {"id": editor, "chosen": {}}
    shown = await core.verbs.do("preview_editor", wanted)
    await core.verbs.do("connect_editor", {**wanted, "digest": shown.result["digest"]})


async def ask(port: int) -> None:
    turn = [{"role": "user", "content": "hello"}]
    async with aiohttp.ClientSession() as http:
        for agent, path, body in REQUESTS:
            asked = {"messages": turn, **body} if "input" not in body else body
            url = f"http://127.0.0.1:{port}{path}"
            async with http.post(url, json=asked, headers={"User-Agent": agent}) as answer:
                await answer.read()


async def keep(page: Page, name: str) -> None:
    await page.locator("#toast").wait_for(state="hidden")
    await page.mouse.move(0, 0)  # no row is to look chosen
    await asyncio.sleep(0.6)  # pictures only: let colours and bars settle
    await page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(main(), 300))
    sys.stdout.write(f"The pictures are in {HERE}\n")
