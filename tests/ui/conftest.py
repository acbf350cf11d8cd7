"""The page in a real browser against a stand-in for the control plane.

The stand-in serves the files of `ui/` with the real content policy, one snapshot, the stream of
snapshots, and records what the page asks for. Browser and loop live for the whole session.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

UI = Path(__file__).resolve().parents[2] / "ui"
CHROMIUM = "/usr/bin/chromium"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]

Json = dict[str, Any]


class ControlPlane:
    """`state` is what `/state` and `/events` tell; `calls` what the page asked for, in order."""

    def __init__(self, state: Json) -> None:
        self.state = state
        self.strings: Json = json.loads((UI / "strings" / "en.json").read_text("utf-8"))
        self.calls: list[tuple[str, Json]] = []
        self.answers: dict[str, Json] = {}
        self.address = ""
        self._streams: set[asyncio.Queue[bytes]] = set()

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_with_policy])
        app.router.add_get("/", self._page)
        app.router.add_get("/state", self._state)
        app.router.add_get("/strings.json", self._words)
        app.router.add_get("/events", self._events)
        app.router.add_post("/do/{verb}", self._do)
        app.router.add_static("/ui", UI)
        return app

    def push(self, state: Json) -> None:
        """Tell every open page a newer state."""
        state["seq"] = self.state["seq"] + 1
        self.state = state
        for stream in self._streams:
            stream.put_nowait(_frame("state", state))

    def cut(self) -> None:
        for stream in self._streams:
            stream.put_nowait(b"")

    async def _page(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(UI / "index.html")

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(self.state)

    async def _words(self, _: web.Request) -> web.Response:
        return web.json_response(self.strings)

    async def _do(self, request: web.Request) -> web.Response:
        verb = request.match_info["verb"]
        self.calls.append((verb, await request.json()))
        return web.json_response(self.answers.get(verb, {"ok": True}))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await reply.prepare(request)
        stream: asyncio.Queue[bytes] = asyncio.Queue()
        self._streams.add(stream)
        try:
            await reply.write(_frame("state", self.state))
            while chunk := await stream.get():
                await reply.write(chunk)
        except ConnectionResetError:
            pass
        finally:
            self._streams.discard(stream)
        return reply


def _frame(event: str, value: Json) -> bytes:
    return f"event: {event}\ndata: {json.dumps(value)}\n\n".encode()


@web.middleware
async def _with_policy(request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
    reply: web.StreamResponse = await handler(request)
    if not reply.prepared:
        reply.headers["Content-Security-Policy"] = POLICY
        reply.headers["X-Content-Type-Options"] = "nosniff"
        reply.headers["Cache-Control"] = "no-store"
    return reply


class Window:
    """One open page with its control plane, and everything that the browser complained about."""

    def __init__(self, page: Any, plane: ControlPlane) -> None:
        self.page = page
        self.plane = plane
        self.complaints: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    async def open(self) -> None:
        await self.page.goto(self.plane.address)
        try:
            await self.page.locator("h1").first.wait_for(state="attached", timeout=8000)
        except Exception as error:
            raise AssertionError(f"the page did not draw: {self.complaints}") from error

    async def go(self, screen: str) -> None:
        await self.page.locator(f'.nav-item:has(use[href$="#{_ICONS[screen]}"])').click()
        await self.page.locator("h1", has_text=screen.capitalize()).wait_for(state="attached")

    async def text(self, selector: str = "main") -> str:
        """What a person can read there, white space folded."""
        found = await self.page.locator(selector).first.inner_text()
        return " ".join(found.split())

    async def see(self, words: str, where: str = "body") -> None:
        """Wait until these words can be read."""
        await self.page.locator(where).get_by_text(words).first.wait_for(timeout=5000)

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def called(self, verb: str) -> Json:
        """Wait for the page's call of `verb`; returns its arguments."""
        async with asyncio.timeout(5):
            while True:
                for name, arguments in reversed(self.plane.calls):
                    if name == verb:
                        return arguments
                await asyncio.sleep(0.01)

    async def focused(self) -> str:
        """The accessible name, id or text of what has the focus."""
        return await self.page.evaluate(
            "() => { const e = document.activeElement;"
            " return e.id || e.getAttribute('aria-label') || e.textContent.trim(); }"
        )


_ICONS = {
    "overview": "home", "models": "cube", "usage": "gauge", "activity": "pulse",
    "settings": "sliders", "help": "help",
}


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Any]:
    api = pytest.importorskip("playwright.async_api")
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed")
    async with api.async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def window(browser: Any) -> AsyncIterator[Callable[..., Any]]:
    """`await window(state)` opens the page on that state; options go to the browser's context."""
    opened: list[tuple[Any, web.AppRunner, ControlPlane, Window]] = []

    async def open_on(state: Json, *, prepare: Callable[[ControlPlane], None] | None = None, **options: Any) -> Window:
        plane = ControlPlane(state)
        if prepare:
            prepare(plane)
        runner = web.AppRunner(plane.app(), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        plane.address = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        context = await browser.new_context(
            **{"viewport": {"width": 960, "height": 680}, "locale": "en-GB", "timezone_id": "Europe/Berlin"} | options
        )
        page = await context.new_page()
        shown = Window(page, plane)
        opened.append((context, runner, plane, shown))
        await shown.open()
        return shown

    yield open_on
    for context, runner, plane, _ in opened:
        await context.close()
        plane.cut()
        await runner.cleanup()
