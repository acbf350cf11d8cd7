"""A Copilot answer that is still arriving.

Knows the two ways in which a stream goes wrong on the transport level: it falls silent, or it ends
before the other side said so. One timer a stream compares timestamps; it counts only the time in
which we are really waiting, so a slow client is never taken for a silent upstream. What a complete
answer looks like is the readers' business.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import aiohttp

from copilot_desktop.errors import CutShort, UpstreamFault, UpstreamTimeout
from copilot_desktop.upstream.http import NETWORK_ERRORS

READ_LIMIT = 64 * 1024 * 1024
_LAST_BYTES_SECONDS = 0.05


class UpstreamReply:
    """Status 200 and what follows. Read it once, with `chunks` or with `read`."""

    def __init__(self, response: aiohttp.ClientResponse, idle_timeout: float) -> None:
        self._response = response
        self._idle = idle_timeout
        self._waiting_since: float | None = None
        self._silent = False
        self._taken = 0  # bytes
        self._timer: asyncio.TimerHandle | None = None

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    @property
    def content_type(self) -> str:
        """Lower case, without parameters; empty if none was sent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-request-id") or self.headers.get("x-github-request-id")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, never empty pieces.

        Raises UpstreamTimeout after `idle_timeout` seconds of silence, CutShort if the connection
        ends too early. What arrived before is always given out first.
        """
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._idle, self._look)
        try:
            while True:
                self._waiting_since = loop.time()
                chunk = await self._next()
                self._waiting_since = None
                if not chunk:
                    return
                self._taken += len(chunk)
                yield chunk
        finally:
            self._timer.cancel()

    async def read(self, limit: int = READ_LIMIT) -> bytes:
        """The whole body. Raises as `chunks` does, and UpstreamFault beyond `limit` bytes."""
        whole = bytearray()
        async for chunk in self.chunks():
            whole += chunk
            if len(whole) > limit:
                await self.close()
                raise UpstreamFault(f"The answer is larger than {limit // (1024 * 1024)} MB.")
        return bytes(whole)

    async def finish(self) -> None:
        """After the last frame: pick up the end mark, so that the connection can be used again."""
        try:
            async with asyncio.timeout(_LAST_BYTES_SECONDS):
                while await self._response.content.readany():
                    pass
        except NETWORK_ERRORS:
            pass
        await self.close()

    async def close(self) -> None:
        """Let go of upstream at once; it stops generating. Harmless after the end."""
        if self._timer is not None:
            self._timer.cancel()
        self._response.close()

    async def _next(self) -> bytes:
        try:
            return await self._response.content.readany()
        except NETWORK_ERRORS as error:
            if self._silent:
                raise UpstreamTimeout(
                    "The stream fell silent.",
                    fields={"seconds": f"{self._idle:g}"},
                    request_id=self.request_id,
                ) from error
            raise CutShort(request_id=self.request_id) from error

    def _look(self) -> None:
        """Silent for too long? Otherwise look again when it could be."""
        loop = asyncio.get_running_loop()
        if self._waiting_since is None or self._response.content.total_bytes > self._taken:
            delay = self._idle / 4  # the client is slow, or this program was: upstream is not
        else:
            delay = self._waiting_since + self._idle - loop.time()
        if delay <= 0:
            self._silent = True
            self._response.close()  # wakes the reader with a connection error
        else:
            self._timer = loop.call_later(delay, self._look)
