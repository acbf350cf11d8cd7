"""One exchange in a straight line: from the editor's bytes to the last byte of the answer.

    read the body → peek → resolve the model → choose the route
    same dialect:  quirks mend the request → send → mend frames → client
    translated:    parse → prepare → render → send → read → write → client

The status line is the point of no return: as long as nothing was sent, trouble is an ordinary HTTP
status; afterwards it is an error in the stream, in the client's own dialect, and never a made-up
end (`security-rules.md` 20). When the client leaves, aiohttp cancels the task of this exchange and
the upstream answer is closed with it (21). Waiting for each write keeps memory flat (27).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import hdrs, web

from copilot_desktop.canonical import End, Event, Usage, fold
from copilot_desktop.dialects import Dialect, Envelope, Initiator
from copilot_desktop.errors import (
    BodyTooLarge,
    CutShort,
    InvalidRequest,
    Problem,
    ShuttingDown,
    UpstreamFault,
)
from copilot_desktop.provider import Provider, Turn, refuse_a_page
from copilot_desktop.proxy.answers import Downstream
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.exchange import Exchange, Traffic
from copilot_desktop.proxy.guard import credentials
from copilot_desktop.routing import Route, route
from copilot_desktop.sse import EventTooLarge, FrameDecoder
from copilot_desktop.upstream.client import Call, UpstreamReply
from copilot_desktop.upstream.failures import problem_from
from copilot_desktop.upstream.passthrough import PassThrough
from copilot_desktop.upstream.quirks import Stream, nano_credits, quirks_for
from copilot_desktop.upstream.token import Authority

log = logging.getLogger(__name__)

Json = dict[str, Any]


@dataclass(slots=True)
class Asked:
    """A request, read and decided on."""

    web: web.Request
    dialect: Dialect
    exchange: Exchange
    authority: Authority
    raw: bytes
    body: Json
    envelope: Envelope
    route: Route


class Relay:
    """Answers conversations. `config` may be replaced at any time; each exchange reads it once."""

    def __init__(
        self, provider: Provider, passthrough: PassThrough, traffic: Traffic, config: ProxyConfig
    ) -> None:
        self.provider = provider
        self.traffic = traffic
        self.config = config
        self._passthrough = passthrough
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping = False

    def reopen(self) -> None:
        """Take requests (again)."""
        self._stopping = False

    def cut(self) -> None:
        """End every open exchange now; each client is told that the proxy is stopping."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()

    # ------------------------------------------------------------------------ the straight line

    async def converse(self, request: web.Request, dialect: Dialect) -> web.StreamResponse:
        """Answer one conversation request. Never raises a Problem: it is in the answer."""
        exchange = self.traffic.open(request.headers.get(hdrs.USER_AGENT, ""), dialect.name)
        down = Downstream(request, dialect, exchange)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            asked = await self._ask(request, dialect, exchange)
            if asked.envelope.stream:
                down.expect_stream()
            if asked.route.same:
                return await self._pass_through(asked, down)
            return await self._translate(asked, down)
        except Problem as problem:
            return await down.fail(problem)
        except asyncio.CancelledError:
            if not self._stopping:
                exchange.finish("cancelled")
                raise
            task.uncancel()
            return await down.fail(ShuttingDown())
        except (ConnectionResetError, TimeoutError):
            exchange.finish("cancelled")
            raise
        finally:
            down.close()
            self._tasks.discard(task)
            self.traffic.close(exchange, "failed")

    async def _ask(self, request: web.Request, dialect: Dialect, exchange: Exchange) -> Asked:
        raw, body = await self.read_json(request)
        envelope = dialect.peek(body)
        exchange.model_asked = envelope.model
        exchange.stream = envelope.stream
        envelope = replace(envelope, initiator=_initiator(request, envelope))
        exchange.initiator = envelope.initiator
        authority = self.authority(request)
        await self.provider.models(authority)
        model = self.provider.catalogue.resolve(
            envelope.model, aliases=self.config.aliases, default=self.config.default_model
        )
        way = route(model, dialect)
        exchange.model_used = model.id
        exchange.route = way.endpoint
        return Asked(request, dialect, exchange, authority, raw, body, envelope, way)

    async def _pass_through(self, asked: Asked, down: Downstream) -> web.StreamResponse:
        """The client's own format all the way; a frame that no quirk touches keeps its bytes."""
        way = asked.route
        quirks = quirks_for(way.endpoint)
        betas = tuple(asked.web.headers.get("anthropic-beta", "").replace(" ", "").split(","))
        body = asked.body
        if asked.envelope.model != way.model.id:
            body = {**body, "model": way.model.id}
        fixed = quirks.fix_request(body, way.model, tuple(beta for beta in betas if beta))
        asked.exchange.notes += fixed.notes
        if fixed.body is not None or body is not asked.body:
            payload = json.dumps(fixed.body or body, separators=(",", ":")).encode()
        else:
            payload = asked.raw
        call = Call(
            endpoint=way.endpoint,
            body=payload,
            model=way.model.id,
            stream=asked.envelope.stream,
            initiator=asked.envelope.initiator,
            vision=asked.envelope.has_image,
            betas=fixed.betas,
            extra_headers=way.model.request_headers,
        )
        stream = quirks.stream(asked.body, asked.envelope.model)
        shown = asked.envelope.model
        # The parsed request is not needed any more; a long stream should not hold it.
        asked.body, asked.raw = {}, b""
        async with self.provider.client.converse(call, asked.authority) as reply:
            asked.exchange.request_id = reply.request_id or ""
            if not asked.envelope.stream:
                answer = await _whole_body(reply)
                asked.exchange.nano_credits = nano_credits(answer)
                asked.exchange.usage = _usage(asked.dialect, answer.get("usage"))
                return down.whole(quirks.fix_reply(answer, shown), reply)
            return await self._forward(reply, stream, down)

    async def _forward(
        self, reply: UpstreamReply, stream: Stream, down: Downstream
    ) -> web.StreamResponse:
        """All frames of one network read leave in one write."""
        await refuse_a_page(reply)
        decoder = FrameDecoder()
        try:
            async for chunk in reply.chunks():
                if out := b"".join([stream.feed(frame) for frame in decoder.feed(chunk)]):
                    await down.write(out, reply)
                if stream.failed:  # the error that went out is the last word
                    break
            if out := b"".join([stream.feed(frame) for frame in decoder.close()]):
                await down.write(out, reply)
        except EventTooLarge as error:
            raise UpstreamFault(str(error)) from error
        except CutShort:
            # Some gateways reset the connection after the last event.
            if not stream.complete:
                raise
        finally:
            down.exchange.usage = _usage(down.dialect, stream.usage)
            down.exchange.nano_credits = stream.nano_credits
        if not (stream.complete or stream.failed):
            raise CutShort
        return await down.end("failed" if stream.failed else "ok")

    async def _translate(self, asked: Asked, down: Downstream) -> web.StreamResponse:
        """Through the canonical form. Upstream always streams; an unstreamed answer is folded."""
        request = asked.dialect.parse_request(asked.body)
        turn = self.provider.plan(request, asked.route, asked.envelope.initiator)
        asked.exchange.notes += turn.notes
        asked.body, asked.raw = {}, b""
        replies: list[UpstreamReply] = []
        batches = self.provider.run(turn, asked.authority, replies.append)
        if not asked.envelope.stream:
            events = [event async for batch in batches for event in batch]
            reply = fold(events)
            asked.exchange.usage = reply.usage
            body = asked.dialect.render_reply(reply, turn.request)
            return down.whole(body, replies[0])
        return await self._write(batches, turn, down, replies)

    async def _write(
        self,
        batches: AsyncIterator[list[Event]],
        turn: Turn,
        down: Downstream,
        replies: list[UpstreamReply],
    ) -> web.StreamResponse:
        writer = down.dialect.writer(turn.request)
        down.writer = writer
        try:
            async for events in batches:
                for event in events:
                    if isinstance(event, End):
                        down.exchange.usage = event.usage
                if out := b"".join([writer.feed(event) for event in events]):
                    await down.write(out, replies[0])
        finally:
            await batches.aclose()  # type: ignore[attr-defined]  # it is an async generator
        return await down.end("ok")

    # ------------------------------------------------------------------------ for side routes too

    async def read_json(self, request: web.Request) -> tuple[bytes, Json]:
        """The body, raw and parsed. Raises InvalidRequest, BodyTooLarge."""
        limit = self.config.max_body
        if (request.content_length or 0) > limit:
            raise _too_large(limit)
        try:
            async with asyncio.timeout(self.config.client_timeout):
                raw = await request.read()
        except TimeoutError:
            raise InvalidRequest("The request body did not arrive in time.") from None
        except web.HTTPRequestEntityTooLarge:
            raise _too_large(limit) from None
        return raw, parse_object(raw)

    def authority(self, request: web.Request) -> Authority:
        """Whose Copilot answers: the app's own sign-in, or the token that the client brings."""
        config = self.config
        if config.auth_mode == "passthrough":
            for given in credentials(request):
                if given != config.key:
                    return self._passthrough.for_client(given)
            return self._passthrough.for_client("")
        session = self.provider.session
        assert session is not None
        return session


def _initiator(request: web.Request, envelope: Envelope) -> Initiator:
    """A client may declare its own call; otherwise the conversation tells (`upstream.md` §4.4)."""
    match request.headers.get("x-initiator", "").lower():
        case "user":
            return "user"
        case "agent":
            return "agent"
    return envelope.initiator


async def _whole_body(reply: UpstreamReply) -> Json:
    """An unstreamed answer as an object. Raises what it says if it is an error in disguise."""
    raw = await reply.read()
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        raise UpstreamFault("The answer was not JSON.", request_id=reply.request_id) from None
    if not isinstance(answer, dict):
        raise UpstreamFault("The answer was not a JSON object.", request_id=reply.request_id)
    if answer.get("error"):
        raise problem_from(502, reply.headers, raw, url="")
    return answer


def _usage(dialect: Dialect, raw: object) -> Usage | None:
    return dialect.read_usage(raw) if isinstance(raw, Mapping) else None


def parse_object(raw: bytes) -> Json:
    """A JSON object, strictly: no NaN, no bottomless nesting. Raises InvalidRequest."""
    try:
        body = json.loads(raw, parse_constant=_refuse_constant)
    except RecursionError:
        raise InvalidRequest("The body is nested too deeply.") from None
    except ValueError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _too_large(limit: int) -> Problem:
    return BodyTooLarge(fields={"limit": f"{limit // (1024 * 1024)} MB"})
