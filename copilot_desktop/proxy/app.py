"""Routes and the outermost layer: each request is checked, each trouble is told in a dialect.

Conversation routes are generated from the registered dialects, with and without `/v1`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from copilot_desktop.dialects import Dialect
from copilot_desktop.dialects.registry import ALL, FALLBACK
from copilot_desktop.errors import (
    DoubledPrefix,
    NoSuchRoute,
    Problem,
    WrongMediaType,
    WrongMethod,
)
from copilot_desktop.model import MESSAGES
from copilot_desktop.proxy.answers import FIXED_HEADERS, deliver, problem_answer, unexpected
from copilot_desktop.proxy.connection import Handler
from copilot_desktop.proxy.guard import SOCKET_PATHS, check, ignore_expectations
from copilot_desktop.proxy.openapi import description
from copilot_desktop.proxy.relay import Relay
from copilot_desktop.proxy.side_routes import SideRoutes
from copilot_desktop.proxy.unserved import unserved
from copilot_desktop.proxy.websocket import serve

_PREFIXES = ("", "/v1")
_CONVERSATIONS = {
    prefix + path: dialect for prefix in _PREFIXES for dialect in ALL for path in dialect.paths
}


def build_app(relay: Relay) -> web.Application:
    """The proxy as an aiohttp application."""
    app = web.Application(middlewares=[outermost_layer(relay)])
    side = SideRoutes(relay)
    get = partial(app.router.add_get, expect_handler=ignore_expectations)
    post = partial(app.router.add_post, expect_handler=ignore_expectations)
    other = partial(app.router.add_route, expect_handler=ignore_expectations)
    for path, dialect in _CONVERSATIONS.items():
        post(path, partial(relay.converse, dialect=dialect))
        if path in SOCKET_PATHS:
            get(path, partial(serve, relay=relay, dialect=dialect))
    for prefix in _PREFIXES:
        for dialect in ALL:
            for route in dialect.side_routes:
                add = get if route.method == hdrs.METH_GET else partial(other, route.method)
                add(prefix + route.path, partial(side.of_dialect, route=route))
        get(f"{prefix}/models", side.models)
        get(f"{prefix}/models/{{id:.+}}", side.model)
        post(f"{prefix}/messages/count_tokens", side.count_tokens)
        post(f"{prefix}/responses/input_tokens", side.input_tokens)
        post(f"{prefix}/embeddings", side.embeddings)
        post(f"{prefix}/api/event_logging{{rest:.*}}", side.forgotten)
        get(f"{prefix}/api/hello", side.hello)
        get(f"{prefix}/oauth/hello", side.hello)
    for path in ("/", "/v1", "/v1/"):
        get(path, side.root)
    get("/health", side.health)
    get("/__self", side.itself)
    get("/openapi.json", partial(description, relay=relay))
    app.on_response_prepare.append(_fix_headers)
    return app


def straight_way(relay: Relay, routes: Handler) -> Handler:
    """Conversations go straight to their dialect, past the routes of the application.

    Those know the same paths; finding one of them there costs as much as all checks together.
    """
    ways = {
        path: partial(relay.converse, dialect=dialect) for path, dialect in _CONVERSATIONS.items()
    }
    answered = outermost_layer(relay)

    def handle(request: web.Request) -> Awaitable[web.StreamResponse]:
        if request.method == hdrs.METH_POST:
            converse = ways.get(request.raw_path.partition("?")[0])
            if converse is not None:
                return answered(request, converse)
        return routes(request)

    return handle


async def _fix_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Also on what aiohttp answers by itself."""
    response.headers.update(FIXED_HEADERS)


def outermost_layer(relay: Relay) -> Middleware:
    """Check first, answer, and tell every trouble in the client's dialect."""

    @web.middleware
    async def outermost(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            check(request, relay.config, relay.traffic.refused_origins.note)
            answer = await handler(request)
        except WrongMediaType as problem:  # uploads are forms: say that there is no place for them
            answer = problem_answer(unserved(request.path) or problem, dialect_of(request))
        except Problem as problem:
            answer = problem_answer(problem, dialect_of(request))
        except web.HTTPException as refusal:
            answer = problem_answer(_no_route(request, refusal), dialect_of(request))
        except ConnectionError:  # the client is gone
            raise
        except Exception as error:  # noqa: BLE001  (the last resort: a clean answer)
            answer = problem_answer(unexpected(error), dialect_of(request))
        if not answer.prepared:
            if request.writer.output_size:  # a second one would be taken for the next answer
                raise ConnectionAbortedError("an answer has begun already")
            await deliver(answer, request)
        return answer

    return outermost


def dialect_of(request: web.Request) -> Dialect:
    """The dialect in which a client of this path understands errors."""
    if "anthropic-version" in request.headers:
        return next(dialect for dialect in ALL if dialect.endpoint == MESSAGES)
    first = _first_segment(request.path.removeprefix("/v1"))
    for dialect in ALL:
        if any(_first_segment(path) == first for path in dialect.paths):
            return dialect
    return FALLBACK


def _first_segment(path: str) -> str:
    return path.strip("/").partition("/")[0]


def _no_route(request: web.Request, refusal: web.HTTPException) -> Problem:
    if named := unserved(request.path):
        return named
    wrong_method = refusal.status == 405 or request.method == hdrs.METH_OPTIONS
    otherwise = DoubledPrefix if request.path.startswith("/v1/v1/") else NoSuchRoute
    kind = WrongMethod if wrong_method else otherwise
    return kind(fields={"method": request.method, "path": request.path[:100]})
