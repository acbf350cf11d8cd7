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
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from aiohttp import hdrs, web

from copilot_desktop.canonical import End, Event, Usage, fold
from copilot_desktop.dialects import Dialect, Envelope, Initiator, UpstreamDialect
from copilot_desktop.errors import (
    BodyTooLarge,
    CutShort,
    InputTooLarge,
    InvalidRequest,
    Problem,
    ShuttingDown,
    UpstreamFault,
    UpstreamTimeout,
)
from copilot_desktop.model import Model
from copilot_desktop.preparation.strictness import refuse_marked
from copilot_desktop.preparation.weighing import could_overflow, number_overflow, weigh, weighed
from copilot_desktop.provider import Passage, Provider, Turn, refuse_a_page
from copilot_desktop.proxy.answers import Downstream, HttpDownstream, unexpected
from copilot_desktop.proxy.bodies import is_torn, parse_object
from copilot_desktop.proxy.brakes import Brakes
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.exchange import Exchange, Traffic
from copilot_desktop.proxy.guard import credentials, invite_body, is_local_key
from copilot_desktop.proxy.tape import Taped
from copilot_desktop.redaction import redact
from copilot_desktop.routing import Detour, Route
from copilot_desktop.sse import EventTooLarge, Frame, FrameDecoder
from copilot_desktop.upstream.auto import by_auto
from copilot_desktop.upstream.client import Call, UpstreamReply
from copilot_desktop.upstream.failures import problem_from
from copilot_desktop.upstream.passthrough import PassThrough
from copilot_desktop.upstream.quirks import Stream, nano_credits
from copilot_desktop.upstream.token import Authority

Json = dict[str, Any]

LONGEST_NAME = 200  # characters of a model name that are kept for the list of requests

# What stands in the last event of an answer. Some upstreams do not hang up after it.
_LAST_DATA = b"[DONE]"
_LAST_EVENTS = frozenset({"message_stop", "response.completed", "response.incomplete"})


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
    passage: Passage = field(default_factory=Passage)

    def head_arrived(self, reply: UpstreamReply) -> None:
        """Copilot answers. The request is not needed any more; a long stream should not hold it."""
        self.exchange.request_id = reply.request_id or ""
        self.take_notes()
        self.body, self.raw = {}, b""

    def take_notes(self) -> None:
        """What was changed on the way upstream, and what it cost, is said of the exchange, well or
        ill as it ended."""
        self.exchange.notes += self.passage.notes
        self.passage.notes.clear()
        if self.passage.nano_credits is not None:
            self.exchange.nano_credits = self.passage.nano_credits


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
        exchange = self.traffic.open(request.headers.get(hdrs.USER_AGENT, ""), dialect.name)
        down = HttpDownstream(request, dialect, exchange)
        return await self.carry(down, partial(self._ask, request, dialect, exchange))

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

    async def _ask(self, request: web.Request, dialect: Dialect, exchange: Exchange) -> Asked:
        raw, body = await self.read_json(request)
        declared = request.headers.get("x-initiator", "")
        return await self.decide(request, dialect, exchange, raw=raw, body=body, declared=declared)

    async def decide(
        self,
        request: web.Request,
        dialect: Dialect,
        exchange: Exchange,
        *,
        raw: bytes,
        body: Json,
        declared: str,
    ) -> Asked:
        """Where a request goes that has been read. `raw` is empty if `body` was not sent as such;
        `declared` is the client's own word on who asks."""
        if exchange.tape is not None:
            exchange.tape.asked.add(raw or json.dumps(body).encode())
        envelope = dialect.peek(body)
        exchange.model_asked = redact(envelope.model[:LONGEST_NAME])
        exchange.stream = envelope.stream
        envelope = replace(envelope, initiator=_initiator(declared, envelope))
        exchange.initiator = envelope.initiator
        self.brakes.check(exchange)  # finding the model may ask Copilot for its list
        authority = self.authority(request)
        model = await self.find(envelope.model, authority)
        way = self.provider.route(model, dialect)
        exchange.model_used = model.id
        return Asked(request, dialect, exchange, authority, raw, body, envelope, way)

    async def _answer(self, asked: Asked, down: Downstream) -> web.StreamResponse:
        """By the chosen route; by another one if that cannot say what was asked, or if Copilot has
        moved the model."""
        detour = Detour()
        try:
            while True:
                try:
                    return await self._by_route(asked, down)
                except InvalidRequest as problem:
                    _number(problem, asked, self.provider)
                    if down.spoke:
                        raise
                    asked.route = await self.provider.another_way(
                        asked.route, asked.dialect, problem, asked.authority, detour
                    )
                    asked.exchange.notes, down.writer = [], None
        finally:
            asked.take_notes()

    async def _by_route(self, asked: Asked, down: Downstream) -> web.StreamResponse:
        model = asked.route.model
        asked.exchange.route = asked.route.endpoint
        asked.exchange.model_used = model.id
        asked.exchange.multiplier = model.multiplier
        if by_auto(model):
            asked.exchange.notes.append(f"auto={model.id}")
        if asked.route.same:
            return await self._pass_through(asked, down)
        return await self._translate(asked, down)

    async def _pass_through(self, asked: Asked, down: Downstream) -> web.StreamResponse:
        """The client's own format all the way; a frame that no quirk touches keeps its bytes."""
        way = asked.route
        _refuse_overflow(asked, self.provider)
        quirks = self.provider.quirks(way.endpoint, asked.authority)
        betas = ",".join(asked.web.headers.getall("anthropic-beta", ())).replace(" ", "").split(",")
        body = asked.body
        if asked.envelope.model != way.model.id:
            body = {**body, "model": way.model.id}
        version = asked.web.headers.get("anthropic-version", "")
        fixed = quirks.fix_request(body, way.model, tuple(beta for beta in betas if beta), version)
        asked.exchange.notes += fixed.notes
        if self.config.strict_translation:
            refuse_marked(fixed.marked)
        if fixed.body is not None or body is not asked.body or not asked.raw:
            payload = json.dumps(fixed.body or body, separators=(",", ":")).encode()
        else:
            payload = asked.raw
        call = Call(
            endpoint=way.endpoint,
            body=payload,
            model=way.model.id,
            stream=asked.envelope.stream,
            initiator=asked.envelope.initiator,
            vision=_shows(asked, fixed.body),
            betas=fixed.betas,
            extra_headers=way.model.request_headers,
        )
        stream = quirks.stream(asked.body, asked.envelope.model)
        shown = asked.envelope.model
        del body, fixed
        sending = self.provider.send(call, way.model, asked.authority, asked.passage)
        async with sending as reply:
            asked.head_arrived(reply)
            if not asked.envelope.stream:
                answer = await _whole_body(reply)
                asked.exchange.nano_credits = nano_credits(answer)
                asked.exchange.usage = _usage(way.target, answer.get("usage"))
                return await down.whole(quirks.fix_reply(answer, shown), reply)
            return await self._forward(reply, stream, down, way.target)

    async def _forward(
        self, reply: UpstreamReply, stream: Stream, down: Downstream, spoken: UpstreamDialect
    ) -> web.StreamResponse:
        """All frames of one network read leave in one write."""
        await refuse_a_page(reply)
        decoder = FrameDecoder()
        try:
            async for chunk in reply.chunks():
                if await _passed_on(decoder.feed(chunk), stream, down, reply):
                    break
            else:
                await _passed_on(decoder.close(), stream, down, reply)
        except EventTooLarge as error:
            raise UpstreamFault(str(error), request_id=reply.request_id) from error
        except (CutShort, UpstreamTimeout):
            # Some gateways reset the connection after the last event, or leave it open.
            if not stream.complete:
                raise
        finally:
            down.exchange.usage = _usage(spoken, stream.usage)
            down.exchange.nano_credits = stream.nano_credits
        if not (stream.complete or stream.failed):
            raise CutShort
        return await down.end("failed" if stream.failed else "ok")

    async def _translate(self, asked: Asked, down: Downstream) -> web.StreamResponse:
        """Through the canonical form. Upstream always streams; an unstreamed answer is folded."""
        request = asked.dialect.parse_request(asked.body)
        turn = self.provider.plan(
            request,
            asked.route,
            asked.envelope.initiator,
            asked.authority,
            strict=self.config.strict_translation,
        )
        asked.exchange.notes += turn.notes
        replies: list[UpstreamReply] = []

        def arrived(reply: UpstreamReply) -> None:
            replies.append(reply)
            asked.head_arrived(reply)

        running = self.provider.run(turn, asked.authority, asked.passage, arrived)
        async with aclosing(running) as batches:
            if asked.envelope.stream:
                return await self._write(batches, turn, down, replies)
            events = [event async for batch in batches for event in batch]
        reply = fold(events)
        asked.exchange.usage = reply.usage
        asked.take_notes()
        body = asked.dialect.render_reply(reply, turn.request)
        return await down.whole(body, replies[0])

    async def _write(
        self,
        batches: AsyncGenerator[list[Event], None],
        turn: Turn,
        down: Downstream,
        replies: list[UpstreamReply],
    ) -> web.StreamResponse:
        writer = down.dialect.writer(turn.request)
        down.writer = writer
        async for events in batches:
            out: list[bytes] = []
            try:
                for event in events:
                    if isinstance(event, End):
                        down.exchange.usage = event.usage
                    out.append(writer.feed(event))
            finally:  # what was written before trouble is delivered first
                if written := b"".join(out):
                    await down.write(written, replies[0])
        await batches.aclose()  # upstream is done before the client knows
        return await down.end("ok")

    # ------------------------------------------------------------------------ for side routes too

    async def find(self, name: str, authority: Authority) -> Model:
        """The model that a client means. Raises UnknownModel, and what fetching the list raises."""
        config = self.config
        return await self.provider.catalogue.find(
            name, authority, aliases=config.aliases, default=config.default_model
        )

    async def read_json(self, request: web.Request) -> tuple[bytes, Json]:
        """The body, raw (empty if it must not be sent as it came) and parsed. Raises
        InvalidRequest, BodyTooLarge."""
        limit = self.config.max_body
        if (request.content_length or 0) > limit:
            raise _too_large(limit)
        await invite_body(request)
        try:
            async with asyncio.timeout(self.config.client_timeout):
                raw = await request.read()
        except TimeoutError:
            raise InvalidRequest("The request body did not arrive in time.") from None
        except web.HTTPRequestEntityTooLarge:
            raise _too_large(limit) from None
        return b"" if is_torn(raw) else raw, parse_object(raw)

    def authority(self, request: web.Request) -> Authority:
        """Whose Copilot answers: the app's own sign-in, or the token that the client brings."""
        config = self.config
        if config.auth_mode == "passthrough":
            for given in credentials(request):
                if not is_local_key(given, config):
                    return self._passthrough.for_client(given)
            return self._passthrough.for_client("")
        session = self.provider.session
        assert session is not None
        return session.seat()


def _refuse_overflow(asked: Asked, provider: Provider) -> None:
    """Weigh what is passed through, but only if its size alone makes it too long (P16)."""
    model = asked.route.model
    ratio = provider.lessons.ratio(model)
    if could_overflow(len(asked.raw), ratio.value, model, calibrated=ratio.calibrated):
        try:
            request = asked.dialect.parse_request(asked.body)
        except InvalidRequest:
            return  # what cannot be weighed is left to Copilot
        provider.weigh(request, model)


def _number(problem: InvalidRequest, asked: Asked, provider: Provider) -> None:
    """How much was too much, where Copilot did not say (`translation.md` §13.3)."""
    if isinstance(problem, InputTooLarge) and asked.body:
        model = asked.route.model
        with suppress(InvalidRequest):  # what cannot be weighed is told without numbers
            weight = weigh(asked.dialect.parse_request(asked.body), model)
            number_overflow(problem, weighed(weight, provider.lessons.ratio(model).value), model)


async def _passed_on(
    frames: Iterable[Frame], stream: Stream, down: Downstream, reply: UpstreamReply
) -> bool:
    """Mend `frames` and send them on; whether the answer is over.

    What was mended before trouble is sent first. An error that upstream told is the last word.
    """
    out: list[bytes] = []
    over = False
    try:
        for frame in frames:
            out.append(stream.feed(frame))
            over = stream.failed or (
                stream.complete and (frame.data == _LAST_DATA or frame.event in _LAST_EVENTS)
            )
            if over:
                break
    finally:
        if mended := b"".join(out):
            await down.write(mended, reply)
    return over


def _initiator(declared: str, envelope: Envelope) -> Initiator:
    """A client may declare its own call; otherwise the conversation tells (`upstream.md` §4.4)."""
    match declared.lower():
        case "user":
            return "user"
        case "agent":
            return "agent"
    return envelope.initiator


def _shows(asked: Asked, mended: Json | None) -> bool:
    """Whether a picture or PDF is left in what is sent: Copilot wants a header for it."""
    shown = asked.envelope.has_image
    return shown and (mended is None or asked.dialect.peek(mended).has_image)


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


def _usage(dialect: UpstreamDialect, raw: object) -> Usage | None:
    return dialect.read_usage(raw) if isinstance(raw, Mapping) else None


def _too_large(limit: int) -> Problem:
    return BodyTooLarge(fields={"limit": f"{limit // (1024 * 1024)} MB"})
