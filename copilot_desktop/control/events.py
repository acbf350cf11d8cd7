"""Snapshots as a stream: one event for each change, at most four a second, and signs of life.

A page that is hidden gets pings only; when it is shown again it gets the newest snapshot. A page
that does not take its events for 20 s is dropped: the browser comes back by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import Awaitable
from typing import Any

from aiohttp import web

from copilot_desktop.core.core import Core

PAUSE = 0.25  # seconds between two snapshots
PING = 15.0
STUCK = 20.0


class EventStream:
    """`ping` in seconds; tests shorten it."""

    def __init__(self, core: Core, *, ping: float = PING) -> None:
        self._core = core
        self.ping = ping
        self._closing = asyncio.Event()

    @property
    def over(self) -> bool:
        """Streams end."""
        return self._core.store.closed or self._closing.is_set()

    def close(self) -> None:
        """End all streams; browsers connect again if there is anything to connect to."""
        self._closing.set()

    async def serve(self, request: web.Request, response: web.StreamResponse) -> None:
        """Write events into `response` until the page leaves or the app ends."""
        from copilot_desktop.core.snapshot import snapshot  # noqa: PLC0415  (for onlookers only)

        response.content_type = "text/event-stream"
        await response.prepare(request)
        store, changed = self._core.store, asyncio.Event()
        seen = -1
        with store.waking(changed.set), self._core.viewed(), contextlib.suppress(ConnectionError):
            while not self.over:
                changed.clear()
                if store.state.seq != seen and store.state.app.window_shown:
                    seen = store.state.seq
                    await write(response, event("state", snapshot(store.state)))
                    await self.until(asyncio.sleep(PAUSE), math.inf)
                elif not await self.until(changed.wait(), self.ping):
                    await write(response, event("ping", {}))

    async def until(self, work: Awaitable[Any], limit: float) -> bool:
        """Wait for `work` or the end; false if `limit` seconds passed first."""
        tasks = {
            asyncio.ensure_future(work),
            asyncio.ensure_future(self._closing.wait()),
        }
        try:
            done, _ = await asyncio.wait(
                tasks,
                timeout=None if limit == math.inf else limit,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for task in tasks:
                task.cancel()
        return bool(done)


def event(name: str, content: Any) -> bytes:
    """One event. JSON of ASCII only, so no line end can hide in it."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return f"event: {name}\ndata: {text}\n\n".encode()


async def write(response: web.StreamResponse, content: bytes) -> None:
    """Raises ConnectionError for a page that is gone or takes nothing."""
    try:
        async with asyncio.timeout(STUCK):
            await response.write(content)
    except TimeoutError:
        raise ConnectionResetError("the page takes no events") from None
