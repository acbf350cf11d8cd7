"""Putting an answer on the wire: in chunks of odd sizes, slowly or fast, whole or broken.

Chunks end anywhere: inside a line, inside a character of several bytes. A client that leaves is
seen and noted in the ledger by the server around this.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import cycle
from typing import TypeVar

from aiohttp import web

from copilot_desktop.demo.faults import Cut, ErrorInStream, Fault, Garbage, Stall
from copilot_desktop.demo.refusals import compact
from copilot_desktop.demo.voice import Wait
from copilot_desktop.demo.wire import frame

_SIZES = (5, 61, 1021, 3, 4093, 16381, 13)  # bytes
_SPLIT = 11  # where a paced event is cut: after `data: {"cho`, or inside a later line

_NEAR = 600  # bytes within which a cut moves into a character
_CONTINUATION = re.compile(rb"[\x80-\xbf]")

_F = TypeVar("_F", bound=Fault)


def one(faults: tuple[Fault, ...], kind: type[_F]) -> _F | None:
    """The fault of this kind, if any."""
    return next((fault for fault in faults if isinstance(fault, kind)), None)


class Sender:
    """Writes answers for one request. `pace`: seconds after each event."""

    def __init__(self, request: web.Request, faults: tuple[Fault, ...], pace: float) -> None:
        self._request = request
        self._faults = faults
        self._pace = pace
        self._sizes = cycle(_SIZES)

    async def whole(self, body: bytes, headers: Mapping[str, str]) -> web.StreamResponse:
        """An answer that is not streamed."""
        response = web.StreamResponse(headers=headers)
        response.content_length = len(body)
        stall, cut = one(self._faults, Stall), one(self._faults, Cut)
        await response.prepare(self._request)
        if stall is not None or cut is not None:
            await response.write(body[: len(body) // 2])
            await asyncio.sleep(stall.seconds if stall else 0)
            if cut is not None:
                return self._abort(response)
            await response.write(body[len(body) // 2 :])
        else:
            await response.write(body)
        await response.write_eof()
        return response

    async def stream(
        self, frames: Iterable[bytes | Wait], headers: Mapping[str, str], path: str
    ) -> web.StreamResponse:
        """A stream of events."""
        response = web.StreamResponse(headers={**headers, "content-type": "text/event-stream"})
        await response.prepare(self._request)
        cut = one(self._faults, Cut)
        batch: list[bytes] = []
        for place, item in enumerate(self.disturbed(frames, path)):
            if cut is not None and place == cut.after_frames:
                await self._write(response, b"".join(batch))
                if cut.inside and isinstance(item, bytes):
                    await response.write(item[: len(item) // 2])
                return await self._end(response, cut)
            if isinstance(item, Wait):
                await self._write(response, b"".join(batch))
                batch = []
                await asyncio.sleep(item.seconds)
            elif self._pace:
                await self._paced(response, item)
            else:
                batch.append(item)
        await self._write(response, b"".join(batch))
        await response.write_eof()
        return response

    def disturbed(self, frames: Iterable[bytes | Wait], path: str) -> Iterator[bytes | Wait]:
        """The frames with stalls, garbage and errors put in."""
        stall, garbage = one(self._faults, Stall), one(self._faults, Garbage)
        error = one(self._faults, ErrorInStream)
        place = 0
        for item in frames:
            if stall is not None and place == stall.after_frames:
                yield Wait(stall.seconds)
            if garbage is not None and place == garbage.after_frames:
                yield b"data: " + garbage.data + b"\n\n"
            if error is not None and place == error.after_frames:
                yield _error(error, path)
                return
            place += isinstance(item, bytes)
            yield item

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        start = 0
        while start < len(data):
            end = start + next(self._sizes)
            end += _inside_character(data[end : end + _NEAR]) or 0
            await response.write(data[start:end])
            start = end

    async def _paced(self, response: web.StreamResponse, item: bytes) -> None:
        cut = _inside_character(item) or min(_SPLIT, len(item) - 1)
        await response.write(item[:cut])
        await response.write(item[cut:])
        await asyncio.sleep(self._pace)

    async def _end(self, response: web.StreamResponse, cut: Cut) -> web.StreamResponse:
        if cut.clean and not cut.inside:
            await response.write_eof()
            return response
        await asyncio.sleep(0.01)  # what was written must leave before the connection is reset
        return self._abort(response)

    def _abort(self, response: web.StreamResponse) -> web.StreamResponse:
        if self._request.transport is not None:
            self._request.transport.close()
        return response


def _inside_character(item: bytes) -> int | None:
    """A place between the bytes of one character."""
    found = _CONTINUATION.search(item)
    return found and found.start()


def _error(fault: ErrorInStream, path: str) -> bytes:
    """The error event of this endpoint."""
    if path.endswith("/responses"):
        error = {"code": fault.code, "message": fault.message}
        return frame({"type": "error", "error": error}, "error")
    if path.endswith("/messages"):
        error = {"type": fault.code, "message": fault.message}
        return frame({"type": "error", "error": error}, "error")
    return frame({"error": {"code": fault.code, "message": fault.message}})


def page() -> bytes:
    """A web page where JSON was wanted."""
    return b"<!DOCTYPE html><html><head><title>Sign in to the network</title></head></html>"


def body(value: object) -> bytes:
    """JSON as Copilot writes it."""
    return compact(value)
