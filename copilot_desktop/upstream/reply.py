"""A Copilot answer that is still arriving.

Knows the two ways in which a stream goes wrong on the transport level: it falls silent, or it ends
before the other side said so. One timer a stream compares timestamps; it counts only the time in
which we are really waiting, so a slow client is never taken for a silent upstream. What a complete
answer looks like is the readers' business.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from copilot_desktop.errors import CutShort, Problem, UpstreamTimeout
from copilot_desktop.upstream.direct import Incoming, Take, Wish
from copilot_desktop.upstream.http import NETWORK_ERRORS, read_bounded

READ_LIMIT = 64 * 1024 * 1024
_LAST_BYTES_SECONDS = 0.05


class UpstreamReply:
    """Status 200 and what follows. Read it once, with `chunks`, `pour` or `read`, and close it."""

    can_go_straight = True  # its bytes can be handed on outside of the task that reads

    def __init__(self, response: Incoming, idle_timeout: float) -> None:
        self._response = response
        self._idle = idle_timeout
        self._waiting_since: float | None = None
        self._silent = False
        self._is_handed_on = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    @property
    def is_read(self) -> bool:
        """Whether all of it has come and been read."""
        return self._response.is_read

    @property
    def content_type(self) -> str:
        """Lower case, without parameters; empty if none was sent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-request-id") or self.headers.get("x-github-request-id")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, never empty pieces. Raises as `piece` does."""
        while piece := await self.piece():
            yield piece

    async def piece(self) -> bytes:
        """What has arrived, as soon as there is something; empty at the end.

        Raises UpstreamTimeout after `idle_timeout` seconds of silence, CutShort if the connection
        ends too early. What arrived before is always given out first.
        """
        response = self._response
        if not response.ended:
            self._waiting_since = asyncio.get_running_loop().time()
            if self._timer is None:
                self._watch()
        try:
            piece = await response.piece()
        except NETWORK_ERRORS as error:
            raise self._told(error) from error
        finally:
            self._waiting_since = None
        if not piece:
            self._unwatch()
        return piece

    async def pour(
        self, take: Take, room: Callable[[], Awaitable[None]], *, straight: bool = True
    ) -> bool:
        """Hand on the body as it arrives; whether `take` had enough before its end.

        `room` is awaited when `take` wished for a pause, and once more before this ends in any way
        but by a cancellation. With `straight` pieces are handed on outside of this task. Raises as
        `piece` does, and what `take` and `room` raise.
        """
        if straight and self.can_go_straight:
            return await self._pour_straight(take, room)
        while piece := await self.piece():
            wish = Wish.PAUSE
            try:
                wish = take(piece)
            finally:
                if wish is not Wish.MORE:
                    await room()
            if wish is Wish.NO_MORE:
                return True
        return False

    async def read(self, limit: int = READ_LIMIT) -> bytes:
        """The whole body. Raises as `piece` does, and UpstreamFault beyond `limit` bytes."""
        return await read_bounded(self, limit)

    async def finish(self) -> None:
        """After the last frame: pick up the end mark, so that the connection can be used again."""
        if self._response.ended:
            return  # the connection has been let go already
        try:
            async with asyncio.timeout(_LAST_BYTES_SECONDS):
                while await self._response.piece():
                    pass
        except NETWORK_ERRORS:
            pass
        await self.close()

    async def close(self) -> None:
        """Let go of upstream at once; it stops generating. Harmless after the end."""
        self._unwatch()
        self._response.close()

    def _told(self, error: Exception) -> Problem:
        if self._silent:
            return UpstreamTimeout(
                "The stream timed out.",
                fields={"seconds": f"{self._idle:g}"},
                request_id=self.request_id,
            )
        return CutShort(request_id=self.request_id)

    async def _pour_straight(self, take: Take, room: Callable[[], Awaitable[None]]) -> bool:
        response = self._response
        self._is_handed_on = True
        response.hand_to(take)
        self._watch()  # not before: the first byte should not wait for it
        try:
            while not response.over:
                if response.full:
                    await room()
                    await asyncio.sleep(0)  # the client may have had room all the time
                    response.go_on()
                else:
                    await response.wait()
            await room()
        finally:
            response.let_go()
            self._unwatch()
        if (trouble := response.trouble) is None:
            return response.enough
        if isinstance(trouble, NETWORK_ERRORS) and not response.is_takers:
            raise self._told(trouble) from trouble
        raise trouble

    def _watch(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._idle, self._look)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Silent for too long? Otherwise look again when it could be."""
        loop = asyncio.get_running_loop()
        response = self._response
        since = self._waiting_since
        if self._is_handed_on:
            since = None if response.full else response.heard_at
        if since is None or response.has_more:
            delay = self._idle / 4  # the client is slow, or this program was: upstream is not
        else:
            delay = since + self._idle - loop.time()
        if delay <= 0:
            self._silent = True
            response.close()  # wakes the reader with a connection error
        else:
            self._timer = loop.call_later(delay, self._look)
