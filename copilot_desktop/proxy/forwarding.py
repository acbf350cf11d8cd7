"""The client's own format all the way: what Copilot sends goes on as it came.

A frame that no quirk touches keeps its bytes, all frames of one network read leave in one write,
and nothing is parsed that is only passed on. The client waits for its errors in its own format, so
trouble is raised as a Problem and told by `Downstream` (`architecture.md`, one request).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from aiohttp import web

from copilot_desktop import json_bytes
from copilot_desktop.canonical import Usage
from copilot_desktop.dialects import UpstreamDialect
from copilot_desktop.errors import (
    CutShort,
    InvalidRequest,
    Problem,
    UpstreamFault,
    UpstreamTimeout,
)
from copilot_desktop.hearing import refuse_a_page
from copilot_desktop.json_bytes import LARGE
from copilot_desktop.model import MESSAGES, Model
from copilot_desktop.preparation.strictness import refuse_marked
from copilot_desktop.preparation.weighing import could_overflow
from copilot_desktop.provider import Provider
from copilot_desktop.proxy.answers import Downstream
from copilot_desktop.proxy.asked import Asked, Notes
from copilot_desktop.proxy.bodies import plainly_named, written
from copilot_desktop.proxy.capping import capped_body
from copilot_desktop.proxy.outlet import Outlet
from copilot_desktop.sse import EventTooLarge, Frame, FrameDecoder
from copilot_desktop.upstream.client import Call, UpstreamReply
from copilot_desktop.upstream.direct import NO_MORE, Wish
from copilot_desktop.upstream.failures import problem_from
from copilot_desktop.upstream.quirks import Quirks, Stream, nano_credits
from copilot_desktop.upstream.quirks.runs import Run

Json = dict[str, Any]

# What stands in the last event of an answer. Some upstreams do not hang up after it.
_LAST_DATA = b"[DONE]"
_LAST_EVENTS = frozenset({"message_stop", "response.completed", "response.incomplete"})


async def pass_through(
    asked: Asked, down: Downstream, provider: Provider, *, strict: bool
) -> web.StreamResponse:
    """Mend the request, send it, and send the answer on. Raises Problem.

    With `strict` a change that a caller may notice is refused.
    """
    exchange, shown = asked.exchange, asked.envelope.model
    prepare = partial(_prepared, asked, provider, strict=strict)
    call, quirks, stream = await asked.prepared(prepare)
    sending = provider.send(call, asked.route.model, asked.authority, asked.passage)
    async with sending as reply:
        asked.head_arrived(reply)
        if stream is None:
            answer = await _whole_body(reply)
            exchange.nano_credits = nano_credits(answer)
            exchange.usage = _usage(asked.route.target, answer.get("usage"))
            return await down.whole(quirks.fix_reply(answer, shown), reply)
        return await _forward(reply, stream, down, asked)


def _prepared(
    asked: Asked, provider: Provider, notes: Notes, *, strict: bool
) -> tuple[Call, Quirks, Stream | None]:
    """What is asked of Copilot, and who mends the answer: frame by frame if it is a stream.
    Raises Problem."""
    way, envelope = asked.route, asked.envelope
    model, endpoint = way.model, way.endpoint
    _refuse_overflow(asked, provider)
    quirks = provider.quirks(endpoint, asked.authority)
    raw, body, limits = asked.raw, asked.body, asked.caller.limits
    if limits.narrow:
        # A name that stands twice may mean one thing to us and another to whoever reads it next.
        raw = b""
        body, dropped = plainly_named(body)
        notes += [f"dropped={name}" for name in dropped]
    body, capped = capped_body(body, model, endpoint, limits.max_effort)
    notes += capped
    if envelope.model != model.id:
        body = {**body, "model": model.id}
    fixed = quirks.fix_request(body, model, *_betas_and_version(asked))
    notes += fixed.notes
    if strict:
        refuse_marked(fixed.marked)
    call = Call(
        endpoint=endpoint,
        body=written(raw, asked.body, fixed.body or body, large=asked.size >= LARGE),
        model=model.id,
        stream=envelope.stream,
        initiator=envelope.initiator,
        vision=_shows(asked, fixed.body),
        betas=fixed.betas,
        extra_headers=model.request_headers,
    )
    return call, quirks, quirks.stream(asked.body, envelope.model) if envelope.stream else None


async def _forward(
    reply: UpstreamReply, stream: Stream, down: Downstream, asked: Asked
) -> web.StreamResponse:
    await refuse_a_page(reply)
    spoken = asked.route.target
    passing = _Passing(stream, down, reply)
    try:
        if not await reply.pour(passing.take, passing.room, straight=down.straight):
            await passing.rest()
    except EventTooLarge as error:
        raise UpstreamFault(str(error), request_id=reply.request_id) from error
    except (CutShort, UpstreamTimeout):
        # Some gateways reset the connection after the last event, or leave it open.
        if not stream.complete:
            raise
        await passing.rest()
    finally:
        down.exchange.usage = _usage(spoken, stream.usage)
        down.exchange.nano_credits = stream.nano_credits
    if not (stream.complete or stream.failed):
        raise CutShort
    if not stream.failed:
        return await down.end("ok")
    asked.trouble = _trouble(passing.last, spoken, asked.route.model)
    down.exchange.error = asked.trouble.message
    return await down.end("failed")


def _trouble(event: bytes, spoken: UpstreamDialect, model: Model) -> Problem:
    """What the error `event` tells, as a client reads it."""
    reader = spoken.reader(model)
    try:
        for frame in FrameDecoder().feed(event):
            tuple(reader.feed(frame))
    except Problem as problem:
        return problem.with_traceback(None)  # that would hold the answer
    return UpstreamFault()


class _Passing:
    """All frames of one network read are mended and leave in one write.

    That happens within the call that read them, as long as the client has room (see `outlet`).
    """

    def __init__(self, stream: Stream, down: Downstream, reply: UpstreamReply) -> None:
        self._stream = stream
        self._run: Run | None = None  # that the next read may be a frame of
        self._decoder = FrameDecoder()
        self._outlet = Outlet(down, reply)
        self.last = b""  # what the client got of an event that told an error
        self.room = self._outlet.room

    def take(self, read: bytes) -> Wish:
        """See `UpstreamReply.pour`. Raises what the stream raises, after what came before it."""
        if self._run is not None and (mended := self._run.alone(read)):
            return self._outlet.send(mended)
        return self._take_frames(read)

    async def rest(self) -> None:
        """What stands after the last blank line."""
        out: list[bytes] = []
        try:
            self._mend_each(self._decoder.close(), out)
        finally:
            self._outlet.send(b"".join(out))
            await self.room()

    def _take_frames(self, read: bytes) -> Wish:
        """Whatever it holds: parts of frames, one or several."""
        self._run = None
        out: list[bytes] = []
        try:
            others = partial(self._mend_run, out)
            over = self._mend_each(self._decoder.feed_beside(read, others), out)
        finally:
            wish = self._outlet.send(b"".join(out))
        if self._decoder.is_between:
            self._run = self._stream.run
        return NO_MORE if over else wish

    def _mend_run(self, out: list[bytes], read: bytes) -> int:
        """The length of plain frames at the start of `read`, which are mended at once."""
        if (run := self._stream.run) is None:
            return 0
        mended, length = run.mended(read)
        if mended:  # one part is not copied together
            out.append(mended)
        return length

    def _mend_each(self, frames: Iterable[Frame], out: list[bytes]) -> bool:
        """Whether the answer is over. An error that upstream told is the last word."""
        stream = self._stream
        for frame in frames:
            out.append(stream.feed(frame))
            if stream.failed:
                self.last = out[-1]
                return True
            if stream.complete and (frame.data == _LAST_DATA or frame.event in _LAST_EVENTS):
                return True
        return False


def _refuse_overflow(asked: Asked, provider: Provider) -> None:
    """Weigh what is passed through, but only if its size alone makes it too long (P16)."""
    model, size = asked.route.model, asked.size
    if size <= model.max_prompt:
        return  # no ratio makes more tokens of it than it has bytes
    ratio = provider.lessons.ratio(model)
    if could_overflow(size, ratio.value, model, calibrated=ratio.calibrated):
        try:
            request = asked.dialect.parse_request(asked.body)
        except InvalidRequest:
            return  # what cannot be weighed is left to Copilot
        provider.weigh(request, model)


def _betas_and_version(asked: Asked) -> tuple[tuple[str, ...], str]:
    """What the client said in `anthropic-beta`, in one header or in several, and its version."""
    if asked.route.endpoint != MESSAGES:
        return (), ""
    headers = asked.web.headers
    told = headers.getall("anthropic-beta", ())
    betas = tuple(beta for line in told for beta in line.replace(" ", "").split(",") if beta)
    return betas, headers.get("anthropic-version", "")


def _shows(asked: Asked, mended: Json | None) -> bool:
    """Whether a picture or PDF is left in what is sent: Copilot wants a header for it."""
    shown = asked.envelope.has_image
    return shown and (mended is None or asked.dialect.peek(mended).has_image)


async def _whole_body(reply: UpstreamReply) -> Json:
    """An unstreamed answer as an object. Raises what it says if it is an error in disguise."""
    raw = await reply.read()
    try:
        answer = json_bytes.read(raw)
    except (ValueError, RecursionError):
        raise UpstreamFault("The answer was not JSON.", request_id=reply.request_id) from None
    if not isinstance(answer, dict):
        raise UpstreamFault("The answer was not a JSON object.", request_id=reply.request_id)
    if answer.get("error"):
        raise problem_from(502, reply.headers, raw, url="")
    return answer


def _usage(dialect: UpstreamDialect, raw: object) -> Usage | None:
    return dialect.read_usage(raw) if isinstance(raw, dict) else None
