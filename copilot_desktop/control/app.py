"""The control plane: a second site on a random loopback port, for page, terminal and second launch.

It has its own secret and its own lifetime, apart from the public port. Four kinds of routes: the
page and its files, the snapshot, the stream of snapshots, and the verbs. Every answer carries the
content policy; no answer holds the text of an exception (`security-rules.md` 16, 17).
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from aiohttp import hdrs, web

from copilot_desktop.control.door import Door, Turned
from copilot_desktop.control.events import PING, EventStream
from copilot_desktop.control.instance import Instance
from copilot_desktop.control.pages import Pages, later, sentences
from copilot_desktop.core.core import Core
from copilot_desktop.proxy.connection import Runner
from copilot_desktop.proxy.guard import ignore_expectations

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
BODY_LIMIT = 128 * 1024  # bytes of a verb's arguments; the playground's have two long texts
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Server": "copilot-desktop",
}

_Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ControlPlane:
    """One site over one core. Made by `open_control`."""

    def __init__(
        self, core: Core, token: str, *, ui: Path | None = None, ping: float = PING
    ) -> None:
        self._core = core
        self._door = Door(token)
        self._pages = Pages(ui)
        self._events = EventStream(core, ping=ping)
        self._runner = Runner(
            self._application(),
            shutdown_timeout=1.0,
            refuse=_malformed,
            access_log=None,
            auto_decompress=False,
        )

    @property
    def port(self) -> int:
        return self._door.port

    def url(self) -> str:
        """The address for one page to open: its key works once, within five minutes."""
        return f"http://{HOST}:{self.port}/?k={self._door.new_key()}"

    async def open(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self._door.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        self._events.close()
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._outermost], client_max_size=BODY_LIMIT)
        app.on_response_prepare.append(_dress)
        get = partial(app.router.add_get, allow_head=False, expect_handler=ignore_expectations)
        get("/", self._page)
        get("/ui/{name:.+}", self._file)
        get("/strings.json", self._strings)
        get("/strings/{part:[a-z_]+}.json", self._later)
        get("/state", self._state)
        get("/events", self._stream)
        get("/watch/{feed:[a-z]+}", self._watch)
        app.router.add_post("/do/{verb:[a-z_]+}", self._do, expect_handler=ignore_expectations)
        return app

    @web.middleware
    async def _outermost(self, request: web.Request, handler: _Next) -> web.StreamResponse:
        try:
            self._door.check(request)
            return await handler(request)
        except Turned as turned:
            return _refusal(turned.status, "refused", turned.reason)
        except web.HTTPException as refusal:
            return _refusal(refusal.status, "not_found", refusal.reason)
        except ConnectionError:
            raise
        except Exception:  # the page must get an answer, and nothing of the error
            log.exception("A request to the control plane failed unexpectedly")
            return _refusal(500, "internal_error", "Something went wrong in Copilot Desktop.")

    async def _page(self, request: web.Request) -> web.Response:
        if "k" in request.query:
            return self._door.exchange(request)
        return self._pages.index(self._core.store.state)

    async def _file(self, request: web.Request) -> web.Response:
        return self._pages.file(request.match_info["name"])

    async def _strings(self, _request: web.Request) -> web.Response:
        return web.json_response(sentences(self._core.store.state), dumps=_compact)

    async def _later(self, request: web.Request) -> web.Response:
        words = later(self._core.store.state, request.match_info["part"])
        return web.json_response(words, dumps=_compact)

    async def _state(self, _request: web.Request) -> web.Response:
        from copilot_desktop.core.snapshot import snapshot  # noqa: PLC0415  (for onlookers only)

        return web.json_response(snapshot(self._core.store.state))

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await self._events.serve(request, response)
        return response

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        from copilot_desktop.control.feeds import feed_for, serve  # noqa: PLC0415  (as above)

        feed = feed_for(self._core, request.match_info["feed"], request.query)
        if feed is None:
            raise web.HTTPNotFound
        response = web.StreamResponse()
        response.content_type = "text/event-stream"
        await response.prepare(request)
        await serve(self._events, self._core, feed, response)
        return response

    async def _do(self, request: web.Request) -> web.Response:
        try:
            arguments = json.loads(await request.read() or b"{}")
        except (ValueError, RecursionError):
            arguments = None
        if not isinstance(arguments, dict):
            raise Turned(400, "The body must be one JSON object.")
        outcome = await self._core.verbs.do(request.match_info["verb"], arguments)
        status = {"unknown_verb": 404, "bad_arguments": 400}.get(outcome.code, 200)
        return web.json_response(outcome.to_json(), status=status)


@asynccontextmanager
async def open_control(
    core: Core, instance: Instance, *, ui: Path | None = None, ping: float = PING
) -> AsyncIterator[ControlPlane]:
    """The control plane of `core`, published for other launches while it is open."""
    plane = ControlPlane(core, instance.token, ui=ui, ping=ping)
    try:
        await plane.open()
        instance.publish(plane.port)
        yield plane
    finally:
        await plane.close()


async def _dress(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _malformed(status: int) -> web.Response:
    """Bytes that are no HTTP: nothing of them may be in an answer or in the log."""
    if status < 500:
        return _dressed(_refusal(400, "bad_request", "The request is not valid HTTP."))
    return _dressed(_refusal(500, "internal_error", "Something went wrong in Copilot Desktop."))


def _dressed(answer: web.Response) -> web.Response:
    answer.headers.update(HEADERS)
    return answer


def _refusal(status: int, code: str, message: str) -> web.Response:
    allowed = {hdrs.ALLOW: "GET, POST"} if status == 405 else None
    content = {"ok": False, "code": code, "message": message, "fields": {}}
    return web.json_response(content, status=status, headers=allowed)


def _compact(value: object) -> str:
    """JSON without a space that nobody reads: the page waits for it before its first word."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
