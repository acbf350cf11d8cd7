"""A request as the relay sees it: read, and decided on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from aiohttp import web

from copilot_desktop.dialects import Dialect, Envelope
from copilot_desktop.errors import Problem
from copilot_desktop.hearing import Passage
from copilot_desktop.json_bytes import LARGE
from copilot_desktop.proxy.beside import beside
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.proxy.keys import Caller
from copilot_desktop.routing import Route
from copilot_desktop.upstream.client import UpstreamReply
from copilot_desktop.upstream.token import Authority

Json = dict[str, Any]
Notes = list[str]
T = TypeVar("T")


@dataclass(slots=True)
class Asked:
    """`raw` is what the client sent, empty if that cannot go on as it is; `body` is the same, read.

    Both are let go of once Copilot answers. `size`: how long it is, in bytes or characters, with
    what it goes on from. `trouble`: what an error in a stream told that was passed on with it.
    """

    web: web.Request
    dialect: Dialect
    exchange: Exchange
    authority: Authority
    raw: bytes
    body: Json
    size: int
    envelope: Envelope
    route: Route
    caller: Caller
    passage: Passage = field(default_factory=Passage)
    trouble: Problem | None = None

    async def prepared(self, work: Callable[[Notes], T], *, slow: bool = False) -> T:
        """What `work` makes of it, beside the loop; what it notes is said of the exchange. Not what
        it notes when the client has left: an exchange that is over does not change any more."""
        notes: Notes = []
        try:
            return await beside(self.size, partial(work, notes), slow=slow)
        finally:
            self.exchange.notes += notes

    def head_arrived(self, reply: UpstreamReply) -> None:
        """Copilot answers. The request is not needed any more; a long stream should not hold it."""
        self.exchange.request_id = reply.request_id or ""
        self.exchange.upstream_status = reply.status
        self.take_notes()
        if self.size >= LARGE:  # giving back 20 MB takes 10 ms: after the first words
            asyncio.get_running_loop().call_soon(_let_go, self.body, self.raw)
        self.body, self.raw = {}, b""

    def take_notes(self) -> None:
        """What was changed on the way upstream, and what it cost, is said of the exchange, well or
        ill as it ended."""
        exchange, passage = self.exchange, self.passage
        exchange.attempts = passage.tries.calls
        if passage.notes:
            exchange.notes += passage.notes
            passage.notes.clear()
        if passage.nano_credits is not None:
            exchange.nano_credits = passage.nano_credits


def _let_go(*held: object) -> None:
    """Who is called with it later has held it until then."""
