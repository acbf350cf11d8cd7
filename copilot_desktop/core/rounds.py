"""What happens by itself while the app runs: wake-ups, usage numbers, a way back to the network.

Three loops, none of which can pile up: each does one thing, then waits again.

* The watchdog notices that the machine slept (the wall clock ran ahead of the monotonic one by more
  than 15 s) or that the network is another one (its own addresses have changed), and then leaves
  the connections that are free, and looks at account, models and usage again. Then and once a
  minute it probes the listener; one that got lost is started again, three times. That one, and one
  for which there was no address or port, is started as soon as these are free.
* Usage is read every five minutes while a view is shown, every fifteen while the app is only in the
  tray, and never when nobody looks. Models are read once an hour on the same condition.
* While GitHub cannot be reached, it is tried again every 30 s.

A minute after the start, what an earlier run left half written is deleted: it may be a secret.

A newer version is looked for in the round of the usage, if the user wants that (`updates`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from copilot_desktop.errors import BadSetting, PortTaken, Problem
from copilot_desktop.proxy.controller import is_free
from copilot_desktop.system.network import Addresses, own_addresses
from copilot_desktop.upstream.outgoing import drop_free

if TYPE_CHECKING:
    from copilot_desktop.core.core import Core

log = logging.getLogger(__name__)

RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds. Tests shorten these."""

    tick: float = 5.0
    probe: float = 60.0
    gap: float = 15.0
    shown: float = 300.0
    hidden: float = 900.0
    models: float = 3600.0
    offline: float = 30.0
    tidy: float = 60.0


class Rounds:
    def __init__(
        self,
        core: Core,
        pace: Pace | None = None,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        addresses: Callable[[], Addresses] = own_addresses,
    ) -> None:
        self._core = core
        self._pace = pace or Pace()
        self._wall = wall
        self._monotonic = monotonic
        self._addresses = addresses

    def start(self) -> None:
        self._core.tasks.start(self._watch_clock(), "watchdog")
        self._core.tasks.start(self._read_usage(), "usage")
        self._core.tasks.start(self._come_back(), "back online")
        self._core.tasks.start(self._tidy_up(), "unfinished files")

    async def _watch_clock(self) -> None:
        pace, ahead = self._pace, self._wall() - self._monotonic()
        probed, here = self._monotonic(), self._addresses()
        while True:
            began = self._monotonic()
            await asyncio.sleep(pace.tick)
            late = self._monotonic() - began - pace.tick
            now_ahead = self._wall() - self._monotonic()
            # Where the monotonic clock runs on during sleep, only the late tick shows it.
            slept = max(now_ahead - ahead, late) > pace.gap
            if abs(now_ahead - ahead) > pace.gap:
                self._core.store.touch()  # countdowns in views end by the wall clock
            ahead = now_ahead
            before, here = here, self._addresses()
            moved = here != before
            if slept or moved:
                drop_free(self._core.http)
            if slept or moved or self._monotonic() - probed > pace.probe:
                probed = self._monotonic()
                await self._keep_listening()
            if (slept or moved) and not self._stopped:
                log.info("The clock jumped or the network changed: looking at everything again")
                await self._try(self._core.desk.look)

    async def _keep_listening(self) -> None:
        core = self._core
        state = core.controller.state
        if state.phase == "error":
            # At login the network that has the address may not be there yet, either.
            lacking = isinstance(state.problem, BadSetting | PortTaken)
            missed = lacking or core.store.state.app.listener == "lost"
            if missed and is_free(state.host, state.port):  # the address is back, the port given up
                await core.start_proxy(lost=True)
            return
        if state.phase != "running" or await core.controller.probe():
            return
        for attempt in range(1, RESTARTS + 1):
            log.warning("The listener was lost; starting it again, attempt %s", attempt)
            if (await core.start_proxy(lost=True)).phase != "error":
                return  # or the user has stopped it meanwhile
            await asyncio.sleep(self._pace.tick)
        core.surroundings(listener="lost")

    async def _read_usage(self) -> None:
        last_usage = last_models = self._monotonic()
        while True:
            await asyncio.sleep(self._pace.tick)
            if not self._stopped and not self._core.life.reach.troubled:
                await self._core.life.updates.look_if_due()
            period, now = self._period(), self._monotonic()
            if period is None or not self._core.session.account.usable:
                continue
            if self._stopped:
                continue
            if now - last_usage >= period:
                last_usage = now
                await self._try(self._core.desk.refresh_quota)
            if now - last_models >= self._pace.models:
                last_models = now
                await self._try(self._core.desk.refresh_models)

    @property
    def _stopped(self) -> bool:
        """Nothing goes out by itself while sending is stopped to protect the account."""
        return self._core.store.state.brakes.halt is not None

    def _period(self) -> float | None:
        if self._core.views > 0 and self._core.store.state.app.window_shown:
            return self._pace.shown
        return self._pace.hidden if self._core.shell is not None else None

    async def _come_back(self) -> None:
        reach, pause = self._core.life.reach, self._pace.offline
        while True:
            reach.next_try = self._wall() + pause
            await asyncio.sleep(pause)
            reach.next_try = self._wall() + pause
            if reach.troubled and not self._stopped:
                await self._try(self._core.desk.look)

    async def _tidy_up(self) -> None:
        await asyncio.sleep(self._pace.tidy)
        from copilot_desktop.core.reset import delete_unfinished  # noqa: PLC0415  (long after)

        await asyncio.to_thread(delete_unfinished, self._core.data_dir)

    async def _try(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Problem as problem:
            log.info("A look in the background failed: %s", problem)
