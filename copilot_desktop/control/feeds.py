"""What a page looks at more closely than the snapshot: requests, log, playground, as streams.

A stream exists only while its part of the window is on the screen; then it sends what is new, at
most ten times a second, and signs of life. All rows of the list would be too much for a snapshot
four times a second; here each row is sent once, and once more when it has changed.

    GET /watch/requests?from=17&cleared=0   {rows, first, cleared}
    GET /watch/log?from=120                 {lines}
    GET /watch/playground                   {n, phase, exchange, at, text, …, sides}
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any, Protocol

from aiohttp import web

from copilot_desktop.control.events import EventStream, event, write
from copilot_desktop.core.core import Core
from copilot_desktop.core.playground import Run
from copilot_desktop.core.snapshot import request_row

PAUSE = 0.1  # seconds between two batches
MOST_ROWS = 500  # of one batch

Json = dict[str, Any]


class Feed(Protocol):
    """One kind of news."""

    def news(self) -> Json | None:
        """What has come since the last call; None if nothing has."""

    def waking(self, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """Call `wake`, from any thread, when there may be news."""


class RequestFeed:
    """Rows from the id `first` on. `cleared` is how often the page has seen the list emptied."""

    def __init__(self, core: Core, first: int = 1, cleared: int = 0) -> None:
        self._core = core
        self._next = max(1, first)
        self._cleared = cleared
        self._open: dict[int, Json] = {}  # rows that may still change, as they were sent

    def news(self) -> Json | None:
        traffic = self._core.traffic
        emptied = traffic.cleared != self._cleared
        if emptied:
            self._next, self._cleared, self._open = 1, traffic.cleared, {}
        start = min(self._open, default=self._next)
        rows: list[Json] = []
        kept: dict[int, Json] = {}
        for exchange in traffic.since(start):
            if exchange.id < self._next and exchange.id not in self._open:
                continue
            if len(rows) >= MOST_ROWS:
                kept |= {number: row for number, row in self._open.items() if number >= exchange.id}
                break
            row = request_row(exchange)
            if self._open.get(exchange.id) != row:
                rows.append(row)
            if not exchange.settled:
                kept[exchange.id] = row
            self._next = max(self._next, exchange.id + 1)
        self._open = kept  # what has left the list while it was open is not waited for
        if not (rows or emptied):
            return None
        return {"rows": rows, "cleared": traffic.cleared, "emptied": emptied}

    def waking(self, wake: Callable[[], None]) -> AbstractContextManager[None]:
        return self._core.store.waking(wake)


class LogFeed:
    """Lines from number `first` on."""

    def __init__(self, core: Core, first: int = 1) -> None:
        self._lines = core.activity.lines
        self._next = max(1, first)

    def news(self) -> Json | None:
        lines = self._lines.since(self._next)
        if not lines:
            return None
        self._next = lines[-1].n + 1
        return {"lines": [asdict(line) for line in lines]}

    def waking(self, wake: Callable[[], None]) -> AbstractContextManager[None]:
        return self._lines.waking(wake)


class PlaygroundFeed:
    """The run that is on; of its words only those that are new, from the place `at` on."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._run: Run | None = None
        self._sent: Mapping[str, Any] = {}

    def news(self) -> Json | None:
        playground = self._core.activity.playground
        run = playground.run
        if run is self._run:
            return None
        new = self._sent.get("n") != run.n
        told = {"text": 0, "thinking": 0} if new else self._sent
        over = run.phase not in ("idle", "running")
        tape = playground.tape
        row = self._core.traffic.since(run.exchange)[:1] if run.exchange else ()
        news = {
            "n": run.n,
            "phase": run.phase,
            "at": {"text": told["text"], "thinking": told["thinking"]},
            "text": run.text[told["text"] :],
            "thinking": run.thinking[told["thinking"] :],
            "row": request_row(row[0]) if row and row[0].id == run.exchange else None,
            "sides": tape.to_json() if over and tape else None,
        }
        self._run = run
        self._sent = {"n": run.n, "text": len(run.text), "thinking": len(run.thinking)}
        return news

    def waking(self, wake: Callable[[], None]) -> AbstractContextManager[None]:
        return self._core.activity.playground.waking(wake)


def feed_for(core: Core, name: str, query: Mapping[str, str]) -> Feed | None:
    """The feed of this name, or None if there is none."""
    match name:
        case "requests":
            return RequestFeed(core, _number(query, "from"), _number(query, "cleared"))
        case "log":
            return LogFeed(core, _number(query, "from"))
        case "playground":
            return PlaygroundFeed(core)
    return None


async def serve(stream: EventStream, core: Core, feed: Feed, response: web.StreamResponse) -> None:
    """Write the news of `feed` until the page leaves or the app ends."""
    changed, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody is looking
            loop.call_soon_threadsafe(changed.set)

    store = core.store
    with feed.waking(wake), store.waking(wake), contextlib.suppress(ConnectionError):
        while not stream.over:
            changed.clear()
            news = feed.news() if store.state.app.window_shown else None
            if news is not None:
                await write(response, event("news", news))
                await stream.until(asyncio.sleep(PAUSE), math.inf)
            elif not await stream.until(changed.wait(), stream.ping):
                await write(response, event("ping", {}))


def _number(query: Mapping[str, str], name: str) -> int:
    value = query.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 12 else 0
