"""An answer that is arriving: its head, and its body for whoever wants it, however they want it.

A body can be read piece by piece, by a task that waits (`piece`). For a stream of small pieces
waking that task costs more than all the rest, so it can be handed on instead (`hand_to`): each
network read is given to `take` within the call of the event loop that received it, and the task of
the exchange waits for one thing only, that it is needed again.

    socket → Wire.data_received → parser → Incoming.received → take(read) → the client's transport

`take` never waits; it says what should become of the stream: more, a pause, or no more. A pause
lasts until `go_on`; should more come meanwhile, that is still taken, and then the socket is not
read, so that a slow client costs no memory. A packed answer grows while it is read: there is a
pause after each `TURN`, too, or one network read could keep the event loop for minutes.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Self

import aiohttp

if TYPE_CHECKING:
    from copilot_desktop.upstream.wire import Wire

TURN = 1024 * 1024  # bytes that are handed on before others have their turn
HELD = 256 * 1024  # bytes that wait for a reader before the socket is left alone
_PACKINGS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class Wish(Enum):
    """What whoever takes the bytes wants next."""

    MORE = "more"
    PAUSE = "pause"
    NO_MORE = "no more"


MORE, PAUSE, NO_MORE = Wish  # for each read: a member costs five times what a name does
Take = Callable[[bytes], Wish]


class NotHttp(aiohttp.ClientError):
    """What came is no answer in HTTP/1.1, or packed in a way that nobody asked for."""


class Incoming:
    """One answer. Made by a `Wire`, which tells it what arrives; read it once and `close` it.

    `full`: `take` wished for a pause. `over`: nothing more is handed on, because the body has
    ended, because `take` has had `enough`, or because of `trouble`: what the network said or, if it
    `is_takers`, what `take` raised. `heard_at`: when the last bytes came, on the loop's clock.
    """

    __slots__ = (
        "_clock", "_held", "_loop", "_packed", "_size", "_take", "_waiter", "_wire", "closed",
        "ended", "enough", "full", "headers", "heard_at", "is_takers", "over", "status", "trouble",
        "url",
    )  # fmt: skip

    def __init__(self, wire: Wire, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._clock = loop.time
        self._wire = wire
        self._waiter: asyncio.Future[None] | None = None
        self._take: Take | None = None
        self._held: list[bytes] = []  # pieces that nobody has read
        self._size = 0  # of them, in bytes
        self._packed: _Packed | None = None
        self.url = url
        self.status = 0  # until there is a head
        self.headers: Mapping[str, str] = {}
        self.heard_at = 0.0
        self.full = self.over = self.enough = self.is_takers = False
        self.ended = False  # the whole body has come
        self.closed = False  # the connection is somebody else's, or gone
        self.trouble: Exception | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------- for the reader

    async def head(self) -> None:
        """Until status and headers are there. Raises what the network did instead."""
        while not self.status:
            if self.trouble is not None:
                raise self.trouble
            await self.wait()

    async def piece(self) -> bytes:
        """What has arrived, as soon as there is something; empty at the end.

        Raises aiohttp's errors and OSError, after what came before them.
        """
        while True:
            if read := self._next():
                if not (self.closed or self._packed):  # closed, it may be somebody else's by now
                    self._wire.go_on()
                return read
            if self.trouble is not None:
                raise self.trouble
            if self.ended:
                return b""
            if self._packed:  # and all of it has been read
                self._wire.go_on()
            await self.wait()

    @property
    def is_read(self) -> bool:
        """Whether all of it has come and been read."""
        return self.ended and not self.has_more

    @property
    def has_more(self) -> bool:
        """Whether something has come that was not read yet."""
        return bool(self._held) or (self._packed is not None and self._packed.has_more)

    def hand_to(self, take: Take) -> None:
        """From now on everything goes to `take`, first what is there already."""
        self._take = take
        self.go_on()

    def let_go(self) -> None:
        """Hand nothing on any more; what comes is kept for `piece`."""
        self._take = None
        if self.full and not self.closed:
            self._wire.go_on()

    def go_on(self) -> None:
        """There is room again."""
        self.full = False
        self.heard_at = self._clock()
        if not self.over:
            self._hand_on()
        if not self.full and not self.closed:
            self._wire.go_on()

    async def wait(self) -> None:
        """Until something has changed."""
        waiter = self._waiter = self._loop.create_future()
        await waiter

    def close(self) -> None:
        """Let go of the connection at once; upstream stops. Harmless after the end."""
        if not self.closed:
            self.fail(aiohttp.ClientConnectionError("the answer was closed"))
            self._wire.drop()

    # --------------------------------------------------------------------------- for the wire

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """The head has come. Raises NotHttp if the body is packed in an unknown way."""
        coding = headers.get("content-encoding", "identity").strip().lower()
        if coding not in {"", "identity"}:
            if (bits := _PACKINGS.get(coding)) is None:
                raise NotHttp("packed in an unknown way")
            self._packed = _Packed(bits)
        self.status, self.headers = status, headers
        self._wake()

    def received(self, read: bytes) -> None:
        """The next part of the body."""
        self.heard_at = self._clock()
        take = self._take
        if take is None or self._packed is not None:
            self._keep(read)
            return
        if self.full:
            self._wire.pause()
        self._give(take, read)

    def finish(self) -> None:
        """The body has come to its end, and the connection has been let go."""
        self.ended = self.closed = True
        if self._packed is not None:
            self._packed.has_more = True  # at least whether that was all
            if not self.full:
                self._hand_on()
        if self._take is not None and not self.has_more:
            self._end()
        else:
            self._wake()

    def fail(self, trouble: Exception) -> None:
        """There will be no end."""
        if not self.closed:
            self.closed = True
            self.trouble = self.trouble or trouble
            self._end()

    # ------------------------------------------------------------------------- inner workings

    def _keep(self, read: bytes) -> None:
        if self._packed is None:
            self._held.append(read)
            self._size += len(read)
        else:
            self._packed.feed(read)
        if self._take is not None:
            if self.full:
                self._wire.pause()
            else:
                self._hand_on()
            return
        if self._size > HELD or self._packed is not None:
            self._wire.pause()
        self._wake()

    def _next(self) -> bytes:
        """Everything that is held, or the next turn of what is packed."""
        if self._packed is not None:
            try:
                return self._packed.read(is_all=self.ended)
            except zlib.error:
                self._packed = None
                self.close()
                self.trouble = aiohttp.ClientPayloadError("packed, and damaged")
                return b""
        held = self._held
        if not held:
            return b""
        read = held[0] if len(held) == 1 else b"".join(held)
        self._held = []
        self._size = 0
        return read

    def _hand_on(self) -> None:
        """What is held; of a packed answer one turn."""
        take = self._take
        if take is not None and (read := self._next()):
            self._give(take, read)
            if self.has_more and not self.over:
                self._pause()
        if self._take is not None and (self.ended or self.trouble) and not self.has_more:
            self._end()

    def _give(self, take: Take, read: bytes) -> None:
        try:
            wish = take(read)
        except Exception as trouble:  # noqa: BLE001  (it is the task's, not the event loop's)
            self.is_takers = True
            self.trouble = trouble
            self._end()
            return
        if wish is MORE:
            return
        if wish is NO_MORE:
            self.enough = True
            self._end()
        else:
            self._pause()

    def _pause(self) -> None:
        self.full = True
        self._wake()

    def _end(self) -> None:
        self.over = True
        self.let_go()
        self._wake()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class _Packed:
    """A compressed body, unpacked a turn at a time."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._machine: zlib._Decompress | None = None
        self._left = b""
        self.has_more = False

    def feed(self, read: bytes) -> None:
        self._left += read
        self.has_more = True

    def read(self, *, is_all: bool) -> bytes:
        """At most a turn; empty when it can give no more, and a zlib.error if that `is_all`."""
        machine = self._machine
        read = machine.decompress(b"", TURN) if machine and not self._left else b""
        while self._left and not read:
            if machine is None or machine.eof:  # one gzip may follow another
                machine = self._machine = zlib.decompressobj(wbits=self._form())
            read = machine.decompress(self._left, TURN)
            self._left = machine.unconsumed_tail or machine.unused_data
        self.has_more = bool(read)  # perhaps
        if is_all and not (read or machine is None or machine.eof):
            raise zlib.error("cut")
        return read

    def _form(self) -> int:
        """Some servers send `deflate` without the head that belongs to it."""
        has_head = self._left[0] & 15 == zlib.DEFLATED
        return self._bits if self._bits > zlib.MAX_WBITS or has_head else -self._bits
