"""A stand-in for the control plane, and a page that is open on it.

The stand-in serves the files of `ui/` with the real content policy, one snapshot, the stream of
snapshots, and records what the page asks for.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from copilot_desktop.control.pages import SAID_LATER
from tests.ui import editor_snapshots
from tests.ui.snapshots import history

UI = Path(__file__).resolve().parents[2] / "ui"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

BY_ITSELF = {"looking", "look_at_login", "usage_history", "copy_shell"}

Json = dict[str, Any]


class ControlPlane:
    """`state` is what `/state` and `/events` tell; `calls` what the page asked for, in order."""

    def __init__(self, state: Json) -> None:
        self.state = state
        self.strings: Json = json.loads((UI / "strings" / "en.json").read_text("utf-8"))
        self.calls: list[tuple[str, Json]] = []
        self.looks: list[tuple[str, Json]] = []
        self.answers: dict[str, Json] = {"usage_history": history(), **editor_snapshots.ANSWERS}
        self.address = ""
        self.refusing = False  # streams are refused, as by an app that has ended
        self._streams: set[asyncio.Queue[bytes]] = set()
        # The closer looks: what each tells at first, and who is looking.
        self.told: dict[str, list[Json]] = {}
        self.watched: list[str] = []
        self._watching: dict[str, set[asyncio.Queue[bytes]]] = {}

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_with_policy])
        app.router.add_get("/", self._page)
        app.router.add_get("/state", self._state)
        app.router.add_get("/strings.json", self._words)
        app.router.add_get("/strings/{part}.json", self._later)
        app.router.add_get("/events", self._events)
        app.router.add_get("/watch/{feed}", self._watch)
        app.router.add_post("/do/{verb}", self._do)
        app.router.add_static("/ui", UI)
        return app

    def push(self, state: Json) -> None:
        """Tell every open page a newer state."""
        state["seq"] = self.state["seq"] + 1
        self.state = state
        for stream in self._streams:
            stream.put_nowait(_frame("state", state))

    def news(self, feed: str, value: Json) -> None:
        """Tell whoever looks at `feed` more closely."""
        for stream in self._watching.get(feed, ()):
            stream.put_nowait(_frame("news", value))

    def followed(self) -> int:
        """By how many pages."""
        return len(self._streams)

    def looking_at(self, feed: str) -> int:
        return len(self._watching.get(feed, ()))

    def cut(self) -> None:
        for stream in (
            *self._streams,
            *(each for all_ in self._watching.values() for each in all_),
        ):
            stream.put_nowait(b"")

    async def _page(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(UI / "index.html")

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(self.state)

    async def _words(self, _: web.Request) -> web.Response:
        return web.json_response({k: v for k, v in self.strings.items() if k not in SAID_LATER})

    async def _later(self, request: web.Request) -> web.Response:
        part = request.match_info["part"]
        return web.json_response({part: self.strings[part]})

    async def _do(self, request: web.Request) -> web.Response:
        verb = request.match_info["verb"]
        # What the page does by itself is apart from what a person has pressed.
        kept = self.looks if verb in BY_ITSELF else self.calls
        kept.append((verb, await request.json()))
        return web.json_response(self.answers.get(verb, {"ok": True}))

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        feed = request.match_info["feed"]
        self.watched.append(request.path_qs)
        reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await reply.prepare(request)
        stream: asyncio.Queue[bytes] = asyncio.Queue()
        self._watching.setdefault(feed, set()).add(stream)
        try:
            for value in self.told.get(feed, []):
                await reply.write(_frame("news", value))
            while chunk := await stream.get():
                await reply.write(chunk)
        except ConnectionResetError:
            pass
        finally:
            self._watching[feed].discard(stream)
        return reply

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self.refusing:
            raise web.HTTPServiceUnavailable
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


async def true_in(page: Any, expression: str, arg: object = None) -> None:
    """Wait until this is true in the page. (The browser's own waiting looks again from inside the
    page, where the content policy forbids it.)"""
    async with asyncio.timeout(20):
        while True:
            if await page.evaluate(expression, arg):
                return
            await asyncio.sleep(0.02)


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
            await self.page.locator("h1").first.wait_for(state="attached", timeout=20_000)
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
        await (
            self.page.locator(where)
            .get_by_text(words)
            .locator("visible=true")
            .first.wait_for(timeout=20_000)
        )

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def called(self, verb: str) -> Json:
        """Wait for the page's call of `verb`; returns its arguments."""
        async with asyncio.timeout(20):
            while True:
                for name, arguments in reversed(self.plane.calls):
                    if name == verb:
                        return arguments
                await asyncio.sleep(0.01)

    async def looks_at(self, feed: str) -> None:
        """Wait until the page hears the news of `feed`: earlier ones are for nobody."""
        async with asyncio.timeout(20):
            while not self.plane.looking_at(feed):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def follows(self) -> None:
        """Wait until the page hears of new states."""
        async with asyncio.timeout(20):
            while not self.plane.followed():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def empty_clipboard(self) -> None:
        """It is all pages' own: what an earlier one has copied must not count for this one."""
        await self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await self.page.evaluate("navigator.clipboard.writeText('')")

    async def until(self, expression: str, arg: object = None) -> None:
        """Wait until this is true in the page."""
        await true_in(self.page, expression, arg)

    async def focused(self) -> str:
        """The accessible name, id or text of what has the focus."""
        return await self.page.evaluate(
            "() => { const e = document.activeElement;"
            " return e.id || e.getAttribute('aria-label') || e.textContent.trim(); }"
        )


_ICONS = {
    "overview": "home",
    "editors": "brackets",
    "models": "cube",
    "usage": "gauge",
    "activity": "pulse",
    "playground": "play",
    "settings": "sliders",
    "help": "help",
}
