"""One exchange in a straight line: from the editor's bytes to the last byte of the answer.

    read the body → peek → resolve the model → choose the route
    same dialect:  quirks mend the request → send → mend frames → client
    translated:    parse → prepare → render → send → read → write → client
    refused because the model is not at this endpoint: once more by another route

The status line is the point of no return: as long as nothing was sent, trouble is an ordinary HTTP
status; afterwards it is an error in the stream, in the client's own dialect, and never a made-up
end (`security-rules.md` 20). When the client leaves, aiohttp cancels the task of this exchange and
the upstream answer is closed with it (21). Waiting for each write keeps memory flat (27).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from aiohttp import hdrs, web

from copilot_desktop.dialects import Dialect
from copilot_desktop.errors import (
    InputTooLarge,
    InvalidRequest,
    Problem,
    ShuttingDown,
)
from copilot_desktop.model import Model
from copilot_desktop.preparation.weighing import number_overflow, weigh, weighed
from copilot_desktop.provider import Provider
from copilot_desktop.proxy.answers import Downstream, HttpDownstream, Pulse, unexpected
from copilot_desktop.proxy.asked import Asked
from copilot_desktop.proxy.beside import beside
from copilot_desktop.proxy.bodies import read_object, too_large
from copilot_desktop.proxy.brakes import Brakes
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.exchange import Exchange, Traffic
from copilot_desktop.proxy.forwarding import pass_through
from copilot_desktop.proxy.guard import (
    caller_of,
    credentials,
    invite_body,
    may_be_a_local_key,
)
from copilot_desktop.proxy.initiators import initiator_of
from copilot_desktop.proxy.keys import Caller
from copilot_desktop.proxy.tape import Taped
from copilot_desktop.proxy.translation import translate
from copilot_desktop.redaction import redact
from copilot_desktop.routing import Detour
from copilot_desktop.upstream.auto import by_auto
from copilot_desktop.upstream.passthrough import PassThrough
from copilot_desktop.upstream.token import Authority

Json = dict[str, Any]

LONGEST_NAME = 200  # characters of a model name that are kept for the list of requests


class Line(Protocol):
    """A connection of a client that outlives its exchanges."""

    def leave(self) -> None:
        """End it as soon as nothing is being answered."""


class Relay:
    """Answers conversations. `config` may be replaced at any time; each exchange reads it once."""

    def __init__(
        self,
        provider: Provider,
        passthrough: PassThrough,
        traffic: Traffic,
        config: ProxyConfig,
        brakes: Brakes | None = None,
    ) -> None:
        self.provider = provider
        self.traffic = traffic
        self.config = config
        self.brakes = brakes or Brakes()
        self._passthrough = passthrough
        self._pulse = Pulse()
        self.lines: set[Line] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._cutting = False

    @property
    def closed(self) -> bool:
        """No more requests are taken."""
        return self._closed

    def reopen(self) -> None:
        """Take requests (again)."""
        self._closed = self._cutting = False

    def close(self) -> None:
        """Take no more requests; what is open may go on. Idle connections can still bring one."""
        self._closed = True
        for line in tuple(self.lines):
            line.leave()

    def cut(self) -> None:
        """End every open exchange now; each client is told that the proxy is stopping."""
        self._closed = self._cutting = True
        while self._tasks:  # each once: a second cancellation would interrupt the telling
            self._tasks.pop().cancel()

    # ------------------------------------------------------------------------ the straight line

    async def converse(self, request: web.Request, dialect: Dialect) -> web.StreamResponse:
        """Answer one conversation request. Never raises a Problem: it is in the answer."""
        caller = self.caller(request)
        exchange = self.open(request, dialect.name, caller)
        down = HttpDownstream(request, dialect, exchange, self._pulse)
        return await self.carry(down, partial(self._ask, request, dialect, exchange, caller))

    def open(self, request: web.Request, spoken: str, caller: Caller) -> Exchange:
        """The record of a new exchange in the dialect `spoken`."""
        return self.traffic.open(request.headers.get(hdrs.USER_AGENT, ""), spoken, caller)

    async def carry(
        self, down: Downstream, ask: Callable[[], Awaitable[Asked]]
    ) -> web.StreamResponse:
        """One exchange from its request (`ask`) to its end, whatever the client is connected by."""
        exchange = down.exchange
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self._closed:
                raise ShuttingDown
            asked = await ask()
            if asked.envelope.answer is not None:
                return await down.whole(asked.envelope.answer)
            if asked.envelope.stream:
                down.expect_stream()
            if (tape := exchange.tape) is not None:
                asked.passage.carrier = Taped(asked.passage.carrier or self.provider.client, tape)
            async with self.brakes.admit(exchange):
                return await self._answer(asked, down)
        except Problem as problem:
            exchange.upstream_status = exchange.upstream_status or problem.upstream_status
            exchange.request_id = exchange.request_id or problem.request_id or ""
            problem.with_traceback(None)  # its frames hold the request, and some of them hold it
            return await down.fail(problem)
        except asyncio.CancelledError:
            if not self._cutting:
                exchange.finish("cancelled")
                raise
            task.uncancel()
            return await down.fail(ShuttingDown())
        except ConnectionError:
            exchange.finish("cancelled")
            raise
        except Exception as error:  # noqa: BLE001  (the last resort; told in the stream if need be)
            return await down.fail(unexpected(error))
        finally:
            down.close()
            self._tasks.discard(task)
            self.traffic.close(exchange, "failed")

    async def _ask(
        self, request: web.Request, dialect: Dialect, exchange: Exchange, caller: Caller
    ) -> Asked:
        raw, body = await self.read_json(request)
        declared = request.headers.get("x-initiator", "")
        size = request.content.total_bytes
        return await self.decide(
            request, dialect, exchange, caller, raw=raw, body=body, size=size, declared=declared
        )

    async def decide(
        self,
        request: web.Request,
        dialect: Dialect,
        exchange: Exchange,
        caller: Caller,
        *,
        raw: bytes,
        body: Json,
        size: int,
        declared: str,
    ) -> Asked:
        """Where a request goes that has been read. `raw` is empty if `body` was not sent as such,
        `size` how long it is all the same; `declared` is the client's own word on who asks."""
        if exchange.tape is not None:
            exchange.tape.asked.add(raw or json.dumps(body).encode())
        envelope = dialect.peek(body)
        name = envelope.model
        listed = self.provider.catalogue.lists(name)
        exchange.model_asked = name if listed else redact(name[:LONGEST_NAME])
        exchange.stream = envelope.stream
        envelope.initiator = initiator_of(declared, request.headers, envelope.initiator)
        exchange.initiator = envelope.initiator
        self.brakes.check(exchange)  # finding the model may ask Copilot for its list
        authority = self.authority(request)
        model = await self.find(name, authority)
        caller.permit(model)
        way = self.provider.route(model, dialect)
        exchange.model_used, exchange.factor = model.id, model.factor
        return Asked(request, dialect, exchange, authority, raw, body, size, envelope, way, caller)

    async def _answer(self, asked: Asked, down: Downstream) -> web.StreamResponse:
        """By the chosen route; by another one if that cannot say what was asked, or if Copilot has
        moved the model."""
        detour: Detour | None = None
        try:
            while True:
                try:
                    return await self._by_route(asked, down)
                except InvalidRequest as problem:
                    number = partial(_number, problem, asked, self.provider)
                    await beside(asked.size, number, slow=True)
                    if down.spoke or not asked.body:  # the request was let go of
                        raise
                    detour = detour or Detour()
                    asked.route = await self.provider.another_way(
                        asked.route, asked.dialect, problem, asked.authority, detour
                    )
                    asked.caller.permit(asked.route.model)
                    asked.exchange.notes, down.writer = [], None
        finally:
            asked.take_notes()
            if asked.trouble is not None:
                self.brakes.heard(asked.trouble, asked.exchange.model_used)

    def _by_route(self, asked: Asked, down: Downstream) -> Awaitable[web.StreamResponse]:
        way, exchange = asked.route, asked.exchange
        model = way.model
        exchange.route = way.endpoint
        exchange.model_used = model.id
        exchange.multiplier = model.multiplier
        if by_auto(model):
            exchange.notes.append(f"auto={model.id}")
        answer = pass_through if way.same else translate
        return answer(asked, down, self.provider, strict=self.config.strict_translation)

    # ------------------------------------------------------------------------ for side routes too

    def caller(self, request: web.Request) -> Caller:
        """Who asks, by the keys that hold now."""
        return caller_of(request, self.config)

    def find(self, name: str, authority: Authority) -> Awaitable[Model]:
        """The model that a client means. Raises UnknownModel, and what fetching the list raises."""
        config = self.config
        return self.provider.catalogue.of(authority).find(
            name, authority, aliases=config.aliases, default=config.default_model
        )

    async def read_json(self, request: web.Request) -> tuple[bytes, Json]:
        """The body, raw (empty if it must not be sent as it came) and parsed. Raises
        InvalidRequest, BodyTooLarge."""
        content, limit = request.content, self.config.max_body
        if content.is_eof():  # it came in one piece with its head
            raw = content.read_nowait()
        else:
            raw = await self._arriving(request, limit)
        if len(raw) > limit:
            raise too_large(limit)
        return await beside(len(raw), partial(read_object, raw))

    async def _arriving(self, request: web.Request, limit: int) -> bytes:
        if (request.content_length or 0) > limit:
            raise too_large(limit)
        await invite_body(request)
        content = request.content
        pieces, size = [], 0
        try:
            async with asyncio.timeout(self.config.client_timeout):
                while piece := await content.readany():
                    if (size := size + len(piece)) > limit:
                        raise too_large(limit)
                    pieces.append(piece)
        except TimeoutError:
            raise InvalidRequest("The request body did not arrive in time.") from None
        return b"".join(pieces)

    def authority(self, request: web.Request) -> Authority:
        """Whose Copilot answers: the app's own sign-in, or the token that the client brings."""
        config = self.config
        if config.auth_mode == "passthrough":
            for given in credentials(request):
                if not may_be_a_local_key(given, config):
                    return self._passthrough.for_client(given)
            return self._passthrough.for_client("")
        session = self.provider.session
        assert session is not None
        return session.seat()


def _number(problem: InvalidRequest, asked: Asked, provider: Provider) -> None:
    """How much was too much, where Copilot did not say (`translation.md` §13.3)."""
    if isinstance(problem, InputTooLarge) and asked.body:
        model = asked.route.model
        with suppress(InvalidRequest):  # what cannot be weighed is told without numbers
            weight = weigh(asked.dialect.parse_request(asked.body), model)
            number_overflow(problem, weighed(weight, provider.lessons.ratio(model).value), model)
