"""Bytes of an answer, handed on the moment they arrive, without waking a task for each of them.

aiohttp keeps what it has read in a `StreamReader` and wakes the task that waits there. For a stream
of small pieces that costs more than all the rest. So the protocol of a connection takes part:
`Receiver` is aiohttp's own with one thing added. While a `Tap` hangs on it, each network read is
given to the tap within the same call of the event loop, and the task of the exchange waits for one
thing only: that it is needed again.

    socket → Receiver.data_received → aiohttp's parser → Tap → take(read) → the client's transport

Everything else stays aiohttp's: TLS, HTTP framing, the pool, the end of a body, errors. The reader
is emptied through its public `read_nowait`. `take` never waits; it says what should become of the
stream: more, a pause, or no more. A pause lasts until `go_on`; should more come meanwhile, that is
still taken, and then neither socket nor reader are read, so that a slow client costs no memory.
(Mostly nothing comes: each stream begins with a pause, for the head of the answer.) A compressed
answer grows while it is read: there is a pause after each `TURN`, too, or one network read could
keep the event loop for minutes.

aiohttp offers no way to choose the protocol, so `give_receivers` sets a private name of it. Should
that name mean nothing any more, connections have aiohttp's protocol, `receiver_of` finds nothing,
and a task reads the answers: slower, otherwise the same (`tests/upstream/test_direct.py` notices).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import cast

import aiohttp
from aiohttp.client_proto import ResponseHandler

TURN = 1024 * 1024  # bytes that are handed on before others have their turn


class Wish(Enum):
    """What whoever takes the bytes wants next."""

    MORE = "more"
    PAUSE = "pause"
    NO_MORE = "no more"


MORE, PAUSE, NO_MORE = Wish  # for each read: a member costs five times what a name does
Take = Callable[[bytes], Wish]


class Receiver(ResponseHandler):
    """aiohttp's protocol of a client's connection, with a place for a tap."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.tap: Tap | None = None
        self.is_used = False  # it has carried a request
        self._held_back = False

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if (tap := self.tap) is not None:
            tap.draw()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self.tap is not None:
            self.tap.draw()  # an exception hides what the reader holds
        super().connection_lost(exc)
        if self.tap is not None:
            self.tap.lost()

    def pause_reading(self) -> None:
        self._held_back = True
        super().pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:
        # aiohttp calls this with each read; only after a pause there is anything to be resumed.
        if self._held_back:
            self._held_back = False
            super().resume_reading(resume_parser)


class Tap:
    """One body, drawn off. Look at what has become of it, then `wait`.

    `full`: `take` wished for a pause. `over`: nothing more comes, because the body has ended,
    because `take` has had `enough`, or because of `trouble`: what the network said or, if it
    `is_takers`, what `take` raised. `heard_at`: when the last bytes came, on the loop's clock.
    """

    def __init__(
        self, receiver: Receiver, reader: aiohttp.StreamReader, take: Take, *, drawn: int
    ) -> None:
        """`drawn` bytes of the body have been read before."""
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time
        self._receiver = receiver
        self._reader = reader
        self._take = take
        self._waiter: asyncio.Future[None] | None = None
        self._drawing = False
        self.drawn = drawn
        self.heard_at = self._clock()
        self.full = False
        self.over = self.enough = self.is_takers = False
        self.trouble: Exception | None = None
        receiver.tap = self
        self.draw()

    def draw(self) -> None:
        """Hand on what the reader holds, and notice the end."""
        if self._drawing:  # emptying the reader lets the parser go on, which leads here again
            return
        reader = self._reader
        if self.full and not reader.is_eof():  # after the end it is in the pool again
            _steer(self._receiver, reading=False)
        self._drawing = True
        turn_ends = self.drawn + TURN
        try:
            while reader.total_bytes > self.drawn:
                self.heard_at = self._clock()
                read = reader.read_nowait()
                self.drawn += len(read)
                try:
                    wish = self._take(read)
                except Exception as trouble:  # noqa: BLE001  (it is the task's, not the event loop's)
                    self.is_takers = True
                    self._fail(trouble)
                    return
                if wish is not MORE or self.drawn >= turn_ends:
                    self._heed(wish)
                    break
            if self.over:
                return
        except Exception as trouble:  # noqa: BLE001  (aiohttp's; it is the task's to tell)
            self._fail(trouble)
            return
        finally:
            self._drawing = False
        if (error := reader.exception()) is not None:
            self._fail(error if isinstance(error, Exception) else ConnectionError())
        elif reader.is_eof():
            self.remove()
            if reader.total_bytes == self.drawn:
                self._end()

    def lost(self) -> None:
        """The connection is gone."""
        self.draw()
        if not self.over and not self._reader.is_eof():
            self._fail(ConnectionResetError("the connection was lost"))

    async def wait(self) -> None:
        """Until something has changed."""
        self._waiter = self._loop.create_future()
        await self._waiter

    def go_on(self) -> None:
        """There is room again."""
        self.full = False
        self.heard_at = self._clock()
        if not self.over:
            self.draw()
        if not self.full and self._receiver.tap is self:
            _steer(self._receiver, reading=True)

    def remove(self) -> None:
        """Leave the connection. Harmless after the end."""
        if self._receiver.tap is self:
            self._receiver.tap = None
            if self.full:  # the connection may serve others
                _steer(self._receiver, reading=True)

    def _fail(self, trouble: Exception) -> None:
        self.trouble = trouble
        self._end()

    def _heed(self, wish: Wish) -> None:
        if wish is NO_MORE:
            self.enough = True
            self._end()
            return
        self.full = True
        self._wake()

    def _end(self) -> None:
        self.over = True
        self.remove()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _steer(receiver: Receiver, *, reading: bool) -> None:
    """The socket only: what was read before goes through the parser all the same."""
    transport = receiver.transport
    if transport is None or transport.is_closing():
        return
    if reading:
        transport.resume_reading()
    else:
        transport.pause_reading()


def receiver_of(response: aiohttp.ClientResponse | None) -> Receiver | None:
    """What receives the rest of this answer; None if all of it is there, or it is no `Receiver`."""
    connection = None if response is None else response.connection
    protocol = None if connection is None else connection.protocol
    return protocol if isinstance(protocol, Receiver) else None


def give_receivers(connector: aiohttp.BaseConnector) -> None:
    """Each new connection of `connector` has a `Receiver`."""
    made = partial(Receiver, loop=asyncio.get_running_loop())
    connector._factory = cast("partial[ResponseHandler]", made)  # noqa: SLF001
