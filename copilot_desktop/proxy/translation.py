"""Through the canonical form: for clients whose format the chosen endpoint does not speak.

Copilot always streams here; an unstreamed answer is folded from the same events, so both tell the
same story (`translation.md` §8).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from aiohttp import web

from copilot_desktop.canonical import End, Event, fold
from copilot_desktop.hearing import Turn
from copilot_desktop.provider import Provider
from copilot_desktop.proxy.answers import Downstream
from copilot_desktop.proxy.asked import Asked
from copilot_desktop.proxy.capping import capped_request
from copilot_desktop.upstream.client import UpstreamReply


async def translate(
    asked: Asked, down: Downstream, provider: Provider, *, strict: bool
) -> web.StreamResponse:
    """Read the request, ask in Copilot's words, answer in the client's. Raises Problem.

    With `strict` a change that a caller may notice is refused.
    """
    way, most = asked.route, asked.caller.limits.max_effort
    request, capped = capped_request(
        asked.dialect.parse_request(asked.body), way.model, way.endpoint, most
    )
    asked.exchange.notes += capped
    turn = provider.plan(
        request,
        way,
        asked.envelope.initiator,
        asked.authority,
        strict=strict,
    )
    asked.exchange.notes += turn.notes
    replies: list[UpstreamReply] = []

    def arrived(reply: UpstreamReply) -> None:
        replies.append(reply)
        asked.head_arrived(reply)

    running = provider.run(turn, asked.authority, asked.passage, arrived)
    async with aclosing(running) as batches:
        if asked.envelope.stream:
            return await _write(batches, turn, down, replies)
        events = [event async for batch in batches for event in batch]
    reply = fold(events)
    asked.exchange.usage = reply.usage
    asked.take_notes()
    body = asked.dialect.render_reply(reply, turn.request)
    return await down.whole(body, replies[0])


async def _write(
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
            if any(out) and not down.write_now(out):
                await down.write(b"".join(out), replies[0])
    await batches.aclose()  # upstream is done before the client knows
    return await down.end("ok")
