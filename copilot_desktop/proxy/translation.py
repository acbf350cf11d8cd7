"""Through the canonical form: for clients whose format the chosen endpoint does not speak.

Copilot always streams here; an unstreamed answer is folded from the same events, so both tell the
same story (`translation.md` §8).
"""

from __future__ import annotations

from functools import partial

from aiohttp import web

from copilot_desktop.canonical import Begin, BlockDelta, End, Usage, fold
from copilot_desktop.hearing import Turn
from copilot_desktop.provider import Provider
from copilot_desktop.proxy.answers import Downstream
from copilot_desktop.proxy.asked import Asked, Notes
from copilot_desktop.proxy.capping import capped_request
from copilot_desktop.proxy.outlet import Outlet
from copilot_desktop.runs import BlockDeltas, Told, spread
from copilot_desktop.upstream.client import UpstreamReply
from copilot_desktop.upstream.direct import Wish
from copilot_desktop.upstream.http import too_large
from copilot_desktop.upstream.reply import READ_LIMIT


async def translate(
    asked: Asked, down: Downstream, provider: Provider, *, strict: bool
) -> web.StreamResponse:
    """Read the request, ask in Copilot's words, answer in the client's. Raises Problem.

    With `strict` a change that a caller may notice is refused.
    """
    plan = partial(_planned, asked, provider, strict=strict)
    turn = await asked.prepared(plan, slow=True)
    ear = _Writing(asked, down, turn) if asked.envelope.stream else _Gathering(asked)
    try:
        await provider.pour(turn, asked.authority, ear, asked.passage)
    finally:  # of an answer that was cut, what is known is counted
        asked.exchange.usage = asked.exchange.usage or ear.known
    if isinstance(ear, _Writing):
        return await down.end("ok")  # upstream is done before the client knows
    reply = fold(spread(ear.told))
    asked.exchange.usage = reply.usage
    asked.take_notes()
    body = asked.dialect.render_reply(reply, turn.request)
    return await down.whole(body, ear.reply)


def _planned(asked: Asked, provider: Provider, notes: Notes, *, strict: bool) -> Turn:
    """What is asked of Copilot. Raises Problem."""
    way, most = asked.route, asked.caller.limits.max_effort
    request, capped = capped_request(
        asked.dialect.parse_request(asked.body), way.model, way.endpoint, most
    )
    notes += capped
    initiator = asked.envelope.initiator
    turn = provider.plan(request, way, initiator, asked.authority, strict=strict)
    notes += turn.notes
    return turn


class _Writing:
    """A streamed answer: what one network read has brought leaves in one write.

    `known`: the usage as the beginning of the answer tells it.
    """

    def __init__(self, asked: Asked, down: Downstream, turn: Turn) -> None:
        self.known: Usage | None = None
        self.straight = down.straight
        self._asked = asked
        self._outlet = Outlet(down)
        down.writer = self._writer = down.dialect.writer(turn.request)
        self.room = self._outlet.room

    def arrived(self, reply: UpstreamReply) -> None:
        self._outlet.reply = reply
        self._asked.head_arrived(reply)

    def hear(self, told: list[Told]) -> Wish:
        if len(told) == 1 and isinstance(text := told[0], BlockDeltas):  # a slow answer's
            return self._outlet.send(self._writer.feed(text))
        out: list[bytes] = []
        write = self._writer.feed
        try:
            for each in told:
                if isinstance(each, End):
                    self._asked.exchange.usage = each.usage
                elif isinstance(each, Begin):
                    self.known = each.usage
                out.append(write(each))
        finally:  # what was written before trouble is delivered first
            wish = self._outlet.send(b"".join(out))
        return wish


class _Gathering:
    """An unstreamed answer: everything is kept until it is whole, up to `READ_LIMIT` characters."""

    straight = True

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._size = 0
        self.told: list[Told] = []
        self.reply: UpstreamReply | None = None

    @property
    def known(self) -> Usage | None:
        return next((each.usage for each in self.told if isinstance(each, Begin)), None)

    def arrived(self, reply: UpstreamReply) -> None:
        self.reply = reply
        self._asked.head_arrived(reply)

    def hear(self, told: list[Told]) -> Wish:
        self.told += told
        self._size += sum(map(_size, told))
        if self._size > READ_LIMIT:
            raise too_large(READ_LIMIT)
        return Wish.MORE

    async def room(self) -> None:
        """There is always room."""


def _size(told: Told) -> int:
    match told:
        case BlockDeltas(_, texts):
            return sum(map(len, texts))
        case BlockDelta(_, text, signature):
            return len(text) + len(signature)
    return 0
