"""The fake upstream: one server on one port that plays three hosts by path.

It notes every request in the ledger, applies faults, turns refusals into answers and sees when a
client leaves early.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientConnectionError, web

from copilot_desktop.demo.auto import Sessions
from copilot_desktop.demo.copilot import Copilot
from copilot_desktop.demo.faults import FAULTS, Cut, DropConnection, Fault, HtmlIn200, Slow, Status
from copilot_desktop.demo.github import GitHub
from copilot_desktop.demo.ledger import Ledger, Received
from copilot_desktop.demo.refusals import Refused, example
from copilot_desktop.demo.scenario import Scenario
from copilot_desktop.demo.sending import one, page
from copilot_desktop.demo.tokens import Tokens
from copilot_desktop.demo.world import World

_MAX_BODY = 64 * 1024 * 1024
_REST = ("/login/", "/user", "/copilot_internal/", "/repos/")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeUpstream:
    """GitHub and Copilot on a loopback port.

    `clock` drives sign-in codes and token ages; a test may bring its own.
    """

    def __init__(
        self,
        scenario: Scenario | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._world = World(scenario or Scenario(), clock)
        self._github = GitHub(self._world)
        self._copilot = Copilot(self._world)
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None
        self._stopping = False

    @property
    def scenario(self) -> Scenario:
        return self._world.scenario

    @scenario.setter
    def scenario(self, scenario: Scenario) -> None:
        """Behave otherwise from now on. Tokens and codes stay."""
        self._world.use(scenario)

    @property
    def url(self) -> str:
        """The base address of all three hosts, without a slash at the end."""
        return self._world.url

    @property
    def ledger(self) -> Ledger:
        """Every request so far."""
        return self._world.ledger

    @property
    def tokens(self) -> Tokens:
        """Which tokens are good; `tokens.prepared` is a GitHub token that works at once."""
        return self._world.tokens

    @property
    def sessions(self) -> Sessions:
        """Auto mode's."""
        return self._world.sessions

    @property
    def github_token(self) -> str:
        """A GitHub token that works without a sign-in."""
        return self._world.tokens.prepared

    @property
    def models(self) -> list[dict[str, Any]]:
        """The list that `/models` gives; may be changed."""
        return self._world.models

    def add_fault(self, fault: Fault) -> None:
        """Let this go wrong."""
        self._world.faults.add(fault)

    def clear_faults(self) -> None:
        self._world.faults.clear()

    def approve(self, user_code: str | None = None) -> bool:
        """The person agrees. False if no code waits."""
        return self._github.decide("approve", user_code)

    def deny(self, user_code: str | None = None) -> bool:
        """The person presses Cancel."""
        return self._github.decide("deny", user_code)

    def expire(self, user_code: str | None = None) -> bool:
        """The code is too old from now on."""
        return self._github.decide("expire", user_code)

    # Life.

    async def start(self) -> None:
        """Listen. Raises OSError if the port is taken."""
        self._stopping = False
        app = web.Application(middlewares=[self._middleware], client_max_size=_MAX_BODY)
        app.add_routes([*self._github.routes(), *self._copilot.routes()])
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            self._runner = None
            raise
        self._world.port = self._runner.addresses[0][1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._world.url = f"http://{host}:{self._world.port}"

    async def stop(self) -> None:
        """Close every connection."""
        self._stopping = True
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    # Requests.

    @web.middleware
    async def _middleware(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        ledger = self._world.ledger
        received = Received(len(ledger) + 1, request.method, request.path, request.headers)
        ledger.append(received)
        request[FAULTS] = self._world.faults.striking(request.path)
        answer: web.StreamResponse = web.Response()
        try:
            await self._read(request, received)
            answer = await self._respond(request, handler)
            received.status = answer.status
            faults = request[FAULTS]
            if one(faults, DropConnection) is not None or one(faults, Cut) is not None:
                return answer  # not complete, and not the client's doing
            if not answer.prepared:
                await answer.prepare(request)
                await answer.write_eof()
        except asyncio.CancelledError:
            received.aborted = not self._stopping
            raise
        except (ConnectionError, ClientConnectionError):
            received.aborted = not self._stopping
            return answer
        received.done = True
        return answer

    async def _read(self, request: web.Request, received: Received) -> None:
        received.raw = await request.read()
        if request.content_type == "application/x-www-form-urlencoded":
            received.body = dict(await request.post())
            return
        try:
            received.body = json.loads(received.raw)
        except (ValueError, RecursionError):
            received.body = None

    async def _respond(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        faults = request[FAULTS]
        try:
            if (slow := one(faults, Slow)) is not None:
                await asyncio.sleep(slow.seconds)
            if one(faults, DropConnection) is not None:
                if request.transport is not None:
                    request.transport.close()
                return web.Response()
            if one(faults, HtmlIn200) is not None:
                return web.Response(body=page(), content_type="text/html")
            status = one(faults, Status)
            if status is not None and request.path.startswith((*_REST, "/models")):
                raise Refused(status.status, status.body, status.headers)
            return await handler(request)
        except Refused as refused:
            return refused.response(self._headers(request))
        except web.HTTPRequestEntityTooLarge:
            return example("413-too-large").response(self._headers(request))
        except web.HTTPException:
            return example("404-not-found").response(self._headers(request))

    def _headers(self, request: web.Request) -> dict[str, str]:
        if request.path.startswith(_REST):
            return self._world.github_headers()
        return self._copilot.headers(request)
