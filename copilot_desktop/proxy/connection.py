"""A client's connection: what is answered on it when a request cannot even be read, and its end
when the client takes nothing any more.

aiohttp answers malformed HTTP below the application, in plain text that quotes the client's bytes,
and logs a traceback with them. Neither may happen here (`security-rules.md` 7, 9): it is JSON, with
the fixed headers, and a close. Knows aiohttp's server; must not know routes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from copilot_desktop.dialects.registry import FALLBACK
from copilot_desktop.errors import InvalidRequest, Problem
from copilot_desktop.proxy.answers import problem_answer

log = logging.getLogger(__name__)

STUCK_CLIENT = 120.0  # seconds without room for what it asked for until the client is dropped

Refuse = Callable[[int], web.Response]
Handler = Callable[[Any], Awaitable[web.StreamResponse]]  # of a request


def told_in_a_dialect(status: int) -> web.Response:
    """The proxy's answer, in the error shape that most clients understand."""
    malformed = InvalidRequest("The request is not valid HTTP.")
    return problem_answer(malformed if status < 500 else Problem(), FALLBACK)


class Connection(web.RequestHandler):
    """One client's connection. `refuse` makes the answer for a status."""

    __slots__ = ("_refuse", "_stuck")

    def __init__(self, server: web.Server, *, refuse: Refuse, **options: Any) -> None:
        super().__init__(server, **options)
        self._refuse = refuse
        self._stuck: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """The client takes less than it is sent; whoever sends waits for it, but not for ever."""
        super().pause_writing()
        self._stuck = asyncio.get_running_loop().call_later(STUCK_CLIENT, self._drop)

    def resume_writing(self) -> None:
        """It has taken nearly all."""
        self._heard()
        super().resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._heard()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """In place of aiohttp's own; `message` and `exc` hold what the client sent."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        log.info("a request could not be answered: %s", type(exc).__name__)
        answer = self._refuse(status)
        answer.force_close()
        return answer

    def _heard(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _drop(self) -> None:
        """End the connection without another byte."""
        if self.transport is not None:
            self.transport.abort()


class Server(web.Server):
    """Makes a `Connection` for each client. `options` are those of `web.RequestHandler`."""

    def __init__(self, made: web.Server, handler: Handler, options: dict[str, Any]) -> None:
        super().__init__(
            handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
        )
        self._options = options

    def __call__(self) -> web.RequestHandler:
        return Connection(self, loop=asyncio.get_running_loop(), **self._options)


class Runner(web.AppRunner):
    """An application behind `Server`. `options` are those of `web.RequestHandler`.

    `before` makes what sees each request first of what hands it to the routes.
    """

    __slots__ = ("_before", "_options")

    def __init__(
        self,
        app: web.Application,
        *,
        shutdown_timeout: float,
        refuse: Refuse = told_in_a_dialect,
        before: Callable[[Handler], Handler] = lambda routes: routes,
        **options: Any,
    ) -> None:
        super().__init__(app, handler_cancellation=True, shutdown_timeout=shutdown_timeout)
        self._before = before
        self._options = {"refuse": refuse, **options}

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return Server(made, self._before(made.request_handler), self._options)
