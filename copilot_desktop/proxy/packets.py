"""Answers over HTTP/1.1 whose head leaves together with what is written first, in one packet.

What aiohttp's own answers look for on their way are cookies, compression, cut bodies and listeners
of the application; none of ours has any, and looking cost more than writing. HTTP itself stays
aiohttp's: its writer makes the head (and refuses control characters in it), the chunks and the
waits. Whoever speaks HTTP/1.0 is answered by aiohttp's own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

_STATUS_LINE = "HTTP/1.1 200 OK"


class Packet(web.StreamResponse):
    """An answer with status 200. `body` None: it is written bit by bit, in chunks."""

    def __init__(self, headers: Mapping[str, str], body: bytes | None) -> None:
        super().__init__(headers=headers)
        self._whole = body
        self._out: AbstractStreamWriter | None = None
        self._stays = False
        self._over = False

    @property
    def prepared(self) -> bool:
        return self._out is not None

    @property
    def keep_alive(self) -> bool | None:
        return self._stays

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Write the head, which waits for the first bytes of the body. Does not suspend."""
        if self._out is None:
            self._out = out = request.writer
            headers = self.headers
            if self._whole is None:
                out.enable_chunking()
                headers[hdrs.TRANSFER_ENCODING] = "chunked"
            else:
                headers[hdrs.CONTENT_LENGTH] = str(len(self._whole))
            headers[hdrs.DATE] = _date(int(time.time()))
            self._stays = request.keep_alive
            if not self._stays:
                headers[hdrs.CONNECTION] = "close"
            await out.write_headers(_STATUS_LINE, headers)
        return self._out

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._out is None or self._over:
            raise RuntimeError("there is nothing to write to")
        await self._out.write(data)

    async def write_eof(self, data: bytes = b"") -> None:
        """Write what is left, and the end, once."""
        if self._out is not None and not self._over:
            await self._out.write_eof(data or self._whole or b"")
            self._over = True


class _OldStream(web.StreamResponse):
    """For HTTP/1.0: it ends with the connection."""

    _send_headers_immediately = False


def whole(request: BaseRequest, headers: Mapping[str, str], body: bytes) -> web.StreamResponse:
    """An answer with status 200 that is there as a whole; not sent yet."""
    if request.version == HttpVersion11:
        return Packet(headers, body)
    return web.Response(headers=headers, body=body)


def streamed(request: BaseRequest, headers: Mapping[str, str]) -> web.StreamResponse:
    """An answer with status 200 that is written bit by bit; not sent yet."""
    if request.version == HttpVersion11:
        return Packet(headers, None)
    return _OldStream(headers=headers)


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    """`second` since the epoch, as HTTP says it: many answers begin in the same one."""
    return formatdate(second, usegmt=True)
