"""One connection to a server, speaking HTTP/1.1: a request out, an answer in, then the next.

aiohttp opens connections (names, proxies, TLS, many addresses), and this takes them over: with its
own client each request and each read passes through objects for cookies, redirects, decoding and
tasks that none of ours needs, and that was more than half of what a request cost. The parser is
llhttp's, by httptools. It calls back while it is fed and never in between, so the callbacks only
note what they hear, and `data_received` acts on it afterwards, once for each read:

    data_received → parser → (status, fields, pieces, whole) → Incoming

A connection serves again when its request has left, its answer has ended as HTTP wants it, the
server agreed, and nothing came that nobody had asked for, not even the first byte of it. Whoever
stops waiting closes it, without a goodbye: over TLS that would be waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable
from typing import TYPE_CHECKING

import aiohttp
import httptools
from multidict import CIMultiDict

from copilot_desktop.upstream.direct import Incoming, NotHttp

if TYPE_CHECKING:
    from aiohttp.connector import Connection

AT_ONCE = 32 * 1024  # bytes of a body that leave in one write with the head
PIECE = 64 * 1024  # bytes of a larger one that are written before others have their turn
LONGEST_HEAD = 32 * 1024  # bytes; also of what stands between two parts of a body
MOST_FREE = 128  # connections to one server that are kept without work
AT_LATEST = 5.0  # seconds after a request in which a connection shows that it was dead before
CONTINUE, SWITCHING, OK = 100, 101, 200
WAITED_TOO_LONG = 408


class Stale(aiohttp.ServerDisconnectedError):
    """The connection was closed before anybody can have read this request."""


class Wire(asyncio.Protocol):
    """One connection, taken over from aiohttp. `wires` gets it back when it is free."""

    def __init__(self, connection: Connection, wires: Wires, key: Hashable) -> None:
        """Raises Stale if it has been lost meanwhile."""
        transport, opener = connection.transport, connection.protocol
        if transport is None or opener is None or opener.should_close or transport.is_closing():
            connection.close()
            raise Stale
        self.key = key
        self.since = 0.0  # when it was last taken or kept; by the clock that runs on during sleep
        self._connection = connection
        self._opener = opener  # aiohttp's, which wants to know when the connection is gone
        self._transport = transport
        self._wires = wires
        self._loop = asyncio.get_running_loop()
        self._incoming: Incoming | None = None
        self._lost = False  # or about to be
        self._has_served = False
        self._heard = False  # something since the request
        self._dry = 0  # bytes since something in them was of use
        self._sending = False  # the request has not left completely
        self._is_full = False  # the transport wants no more for now
        self._waiter: asyncio.Future[None] | None = None  # who has more to send
        self._paused = False
        # What the parser has said since the last request.
        self._fields: dict[bytes, bytes] = {}  # of a head, later of trailers; the first of a name
        self._head: CIMultiDict[str] = CIMultiDict()
        self._pieces: list[bytes] = []
        self._status = 0
        self._interim = False
        self._whole = self._strays = self._serves_again = False
        self._count = 0  # of the pieces that belong to the answer
        # For the parser, without a call of ours in between.
        self.on_header = self._fields.setdefault
        self.on_body = self._pieces.append
        self._parser = httptools.HttpResponseParser(self)
        transport.set_protocol(self)
        wires.open.add(self)

    # ------------------------------------------------------------------------- for the request

    async def ask(self, url: str, head: bytes, body: bytes, until: float | None) -> Incoming:
        """Send a request; the answer as soon as its head is there. To be called in the turn of the
        loop in which the connection was made or taken.

        `until` on the loop's clock: raises TimeoutError then. Raises Stale, aiohttp's errors and
        OSError. Whatever it raises, the connection is closed.
        """
        incoming = self._incoming = Incoming(self, url, self._loop)
        self._status = self._dry = 0
        self._whole = self._interim = self._heard = False
        timer = None
        try:
            at_once = len(body) <= AT_ONCE
            self._transport.write(head + body if at_once else head)
            if until is not None:
                timer = self._loop.call_at(until, self._too_late, incoming)
            if not at_once:
                await self._send(body, incoming)
            await incoming.head()
        except BaseException:
            incoming.close()
            raise
        finally:
            if timer is not None:
                timer.cancel()
        return incoming

    async def _send(self, body: bytes, incoming: Incoming) -> None:
        """A large body, piece by piece. A refusal ends it: nobody reads the rest."""
        rest = memoryview(body)
        self._sending = True
        while rest and incoming.status < 300 and not (incoming.closed or self.is_lost):
            if self._is_full:
                self._waiter = self._loop.create_future()
                await self._waiter
                continue
            self._transport.write(rest[:PIECE])
            rest = rest[PIECE:]
        self._sending = bool(rest)

    # ------------------------------------------------------------------------ for the answer

    def pause(self) -> None:
        """Read nothing for now."""
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Read again."""
        if self._paused:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def drop(self) -> None:
        """Close the connection. Harmless when that has happened."""
        self._incoming = None
        self._wires.forget(self)
        self.cut()
        self._connection.close()

    def cut(self) -> None:
        """End it now: what is left of a request is of no use, nor is a goodbye."""
        if not self._transport.is_closing():
            self._transport.abort()

    @property
    def is_lost(self) -> bool:
        """It cannot serve any more."""
        return self._lost or self._transport.is_closing()

    # ------------------------------------------------------------------------- for the parser

    def on_message_begin(self) -> None:
        """httptools: the first byte of an answer."""
        self._strays = self._whole
        self._fields.clear()

    def on_headers_complete(self) -> None:
        """httptools: what was heard so far was a head."""
        if self._whole:
            return
        fields = self._fields.items()
        self._head = CIMultiDict([(_text(name), _text(value)) for name, value in fields])
        status = self._parser.get_status_code()
        if status >= OK:
            self._status = status
        elif status == SWITCHING or status < CONTINUE:
            self._status = SWITCHING  # neither is an answer
        else:
            self._interim = True

    def on_message_complete(self) -> None:
        """httptools: the end of an answer."""
        if self._interim:
            self._interim = False
            self._pieces.clear()  # there should be none
        elif not self._whole:
            self._whole = True
            self._serves_again = self._parser.should_keep_alive()
            self._count = len(self._pieces)  # whatever comes after these is none of it

    # ---------------------------------------------------------------------- for the transport

    def data_received(self, data: bytes) -> None:
        incoming = self._incoming
        if incoming is None:  # nobody has asked for anything
            self.drop()
            return
        self._heard = True
        self._dry += len(data)
        trouble = False
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            trouble = True
        if not incoming.status and not self._has_begun(incoming, trouble):
            return
        pieces = self._pieces
        if pieces:
            if self._whole and len(pieces) > self._count:
                self._strays = True
                del pieces[self._count :]
            read = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
            if read:
                incoming.received(read)
            self._dry = 0
        if self._whole:
            self._end(incoming, keep=self._serves_again and not trouble)
        elif trouble or self._dry > LONGEST_HEAD:
            self._break(incoming, aiohttp.ClientPayloadError("this is no body in HTTP"))

    def eof_received(self) -> None:
        self._lost = True  # very soon

    def connection_lost(self, exc: Exception | None) -> None:
        at_its_end = self._lost and exc is None  # else it was us
        self._lost = True
        self._wires.open.discard(self)
        self._wires.forget(self)
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            if not incoming.status:
                self._fail_early(incoming, exc)
            elif at_its_end and self._ends_with_the_connection(incoming):
                incoming.finish()
            else:
                incoming.fail(aiohttp.ClientPayloadError("the connection was lost"))
        self._let_send()
        self._connection.close()
        self._opener.connection_lost(exc)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._let_send()

    # ------------------------------------------------------------------------- inner workings

    def _has_begun(self, incoming: Incoming, trouble: bool) -> bool:
        """Whether the head of the answer is there."""
        if not self._status:
            if trouble or self._dry > LONGEST_HEAD:
                self._break(incoming, NotHttp("this is no answer in HTTP"))
            return False
        if self._status == SWITCHING or (self._dry > LONGEST_HEAD and self._is_too_long):
            self._break(incoming, NotHttp("this is no answer to a request of ours"))
            return False
        if self._status == WAITED_TOO_LONG and self._may_be_stale:  # for a request: not for ours
            self._break(incoming, self._stale())
            return False
        try:
            incoming.begin(self._status, self._head)
        except NotHttp as unreadable:
            self._break(incoming, unreadable)
            return False
        self._let_send()
        return True

    def _end(self, incoming: Incoming, *, keep: bool) -> None:
        if incoming.closed:  # while the last of it was handed on
            return
        self._incoming = None
        self._has_served = True
        has_left = not (self._sending or self._transport.get_write_buffer_size())
        if keep and has_left and not (self._strays or self.is_lost):
            self.go_on()
            self._wires.keep(self)
        else:
            self.drop()
        incoming.finish()

    def _break(self, incoming: Incoming, trouble: Exception) -> None:
        incoming.fail(trouble)
        self.drop()
        self._let_send()

    def _too_late(self, incoming: Incoming) -> None:
        if incoming is self._incoming and not incoming.status:  # it may have come just now
            self._break(incoming, TimeoutError())

    def _fail_early(self, incoming: Incoming, why: Exception | None) -> None:
        """The connection was lost before there was a head."""
        if self._may_be_stale and not self._heard:
            incoming.fail(self._stale())
        elif isinstance(why, OSError):
            incoming.fail(aiohttp.ClientOSError(*why.args))
        else:
            incoming.fail(aiohttp.ServerDisconnectedError())

    @property
    def _may_be_stale(self) -> bool:
        """Whether the server may have given it up before our request came."""
        return self._has_served and abs(time.time() - self.since) < AT_LATEST

    def _stale(self) -> Stale:
        self._wires.drop_free(self.key)  # what has cut this one has cut them all
        return Stale()

    def _let_send(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def _is_too_long(self) -> bool:
        return sum(len(name) + len(value) for name, value in self._head.items()) > LONGEST_HEAD

    @staticmethod
    def _ends_with_the_connection(incoming: Incoming) -> bool:
        """Neither a length nor chunks say where the body ends."""
        fields = incoming.headers
        return not ("content-length" in fields or "transfer-encoding" in fields)


class Wires:
    """The connections of one session. Those that are free are found by where they lead, the latest
    first. Their age is told by the wall clock: it runs on while the machine sleeps, and if it jumps
    the cost is a new connection."""

    def __init__(self, keep_alive: float) -> None:
        """`keep_alive`: seconds that a free one is kept."""
        self.open: set[Wire] = set()
        self._keep_alive = keep_alive
        self._free: dict[Hashable, list[Wire]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def take(self, key: Hashable) -> Wire | None:
        """One that leads there, or None."""
        free = self._free.get(key)
        now = time.time()
        while free:
            wire = free.pop()
            if not wire.is_lost and 0 <= now - wire.since <= self._keep_alive:
                wire.since = now
                return wire
            wire.drop()
        return None

    def keep(self, wire: Wire) -> None:
        """It has nothing to do."""
        wire.since = time.time()
        free = self._free.setdefault(wire.key, [])
        free.append(wire)
        if len(free) > MOST_FREE:
            free[0].drop()
        if self._timer is None:
            self._sweep_later()

    def forget(self, wire: Wire) -> None:
        """It is being closed."""
        free = self._free.get(wire.key)
        if free and wire in free:
            free.remove(wire)

    def drop_free(self, key: Hashable = None) -> None:
        """Close those that have nothing to do, all or those that lead there."""
        for wire in self._all_free():
            if key is None or wire.key == key:
                wire.drop()

    def cut(self) -> None:
        """End all of them, whatever they do."""
        if self._timer is not None:
            self._timer.cancel()
        for wire in self.open:
            wire.cut()

    def _sweep_later(self) -> None:
        delay = self._keep_alive / 4
        self._timer = asyncio.get_running_loop().call_later(delay, self._sweep)

    def _sweep(self) -> None:
        """Close what was free for too long. Looks again as long as there is something to close."""
        self._timer = None
        now = time.time()
        for wire in self._all_free():
            if wire.is_lost or not 0 <= now - wire.since <= self._keep_alive:
                wire.drop()
        self._free = {key: free for key, free in self._free.items() if free}
        if self._free:
            self._sweep_later()

    def _all_free(self) -> list[Wire]:
        return [wire for free in self._free.values() for wire in free]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
