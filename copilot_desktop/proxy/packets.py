"""Answers over HTTP/1.1 whose head leaves together with what is written first, in one packet.

aiohttp looks for cookies, compression, cut bodies and listeners on the way of each answer, and puts
the same head together line by line. None of ours has any of that, and most lines never change. So
heads and chunks are written here, which saves a twentieth of a small request; the connection, its
flow and its end stay aiohttp's, and whoever speaks HTTP/1.0 is answered by aiohttp alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest


@dataclass(frozen=True, slots=True)
class Head:
    """Headers that many answers have in common, and how the head begins with them."""

    headers: Mapping[str, str]
    written: str


def head(headers: Mapping[str, str]) -> Head:
    """Raises ValueError for what must not stand in a head."""
    return Head(headers, "HTTP/1.1 200 OK\r\n" + _lines(headers))


def whole(
    request: BaseRequest, common: Head, more: Mapping[str, str], body: bytes
) -> web.StreamResponse:
    """An answer with status 200 that is there as a whole; not sent yet."""
    if request.version == HttpVersion11:
        return Packet(common, more, body)
    return web.Response(headers={**common.headers, **more}, body=body)


def streamed(request: BaseRequest, common: Head, more: Mapping[str, str]) -> web.StreamResponse:
    """An answer with status 200 that is written bit by bit; not sent yet."""
    if request.version == HttpVersion11:
        return Packet(common, more, None)
    answer = web.StreamResponse(headers={**common.headers, **more})
    answer.force_close()  # nothing else says where it ends
    return answer


class Packet(web.StreamResponse):
    """`body` None: it is written in chunks."""

    def __init__(self, common: Head, more: Mapping[str, str], body: bytes | None) -> None:
        super().__init__()
        self._begun = common.written
        self._lines = _lines(more)
        self._whole = body
        self._head = b""  # that is not written yet
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
        """Decide on the head, which waits for the first bytes of the body. Does not suspend."""
        self.begin(request)
        return self._out

    def begin(self, request: BaseRequest) -> None:
        """See `prepare`."""
        if self._out is None:
            self._out = request.writer
            self._stays = request.keep_alive
            size = "Transfer-Encoding: chunked"
            if self._whole is not None:
                size = f"Content-Length: {len(self._whole)}"
            ends = "" if self._stays else "Connection: close\r\n"
            date = _date(int(time.time()))
            rest = f"{self._lines}Date: {date}\r\n{ends}{size}\r\n\r\n"
            self._head = (self._begun + rest).encode()

    def first(self, data: bytes) -> bytes:
        """What has to leave first: the head, and `data` as a chunk."""
        first, self._head = self._head, b""
        return b"".join((first, b"%x\r\n" % len(data), data, b"\r\n"))

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._out is None or self._over:
            raise RuntimeError("there is nothing to write to")
        if data:
            await self._out.write(self.first(bytes(data)))
        elif self._head:
            first, self._head = self._head, b""
            await self._out.write(first)

    async def write_eof(self, data: bytes = b"") -> None:
        """Write what is left, and the end, once."""
        if self._out is None or self._over:
            return
        if data:
            await self.write(data)
        end = b"0\r\n\r\n" if self._whole is None else self._whole
        first, self._head = self._head, b""
        self._over = True
        await self._out.write(first + end)
        await self._out.drain()


def _lines(headers: Mapping[str, str]) -> str:
    lines = ""
    for name, value in headers.items():
        if not value.isprintable():  # a line end would begin a header of its own
            raise ValueError("a header holds control characters")
        lines += f"{name}: {value}\r\n"
    return lines


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    """`second` since the epoch, as HTTP says it: many answers begin in the same one."""
    return formatdate(second, usegmt=True)
