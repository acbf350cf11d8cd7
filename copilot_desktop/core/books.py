"""Keeps the ledger: counts what is finished, writes it down, and holds it against the budget.

The file is read in the background after the start, so the first window does not wait for it, and
written at most every thirty seconds and at the end. In a demo nothing is written and a made-up
history stands in. The budget is looked at where a request asks to go out (`proxy.brakes`); the sum
is made anew only after something was counted or the period has ended.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copilot_desktop.core import budget, forecast
from copilot_desktop.core.history import By, history
from copilot_desktop.core.key_uses import KeyUses
from copilot_desktop.core.ledger import Ledger, Use, account_name
from copilot_desktop.core.settings import Settings
from copilot_desktop.core.state import Spending
from copilot_desktop.days import day_of
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.upstream.quota import QuotaSnapshot

if TYPE_CHECKING:
    from copilot_desktop.core.core import Core

log = logging.getLogger(__name__)

FILE_NAME = "usage.sqlite3"
PERIOD = 30.0  # seconds between two looks at whether something has to be written
TELLING = 0.2  # seconds between two tellings, however many requests end
READING = 10.0  # seconds that a question waits for the file
SAVING = 3.0  # seconds that an end waits for the disk


class Books:
    """`wall` gives epoch seconds; a test may put another clock there."""

    def __init__(self, core: Core, path: Path | None) -> None:
        self.wall: Callable[[], float] = time.time
        self.ledger = Ledger(path, wall=self.now, keep=core.settings.history_days)
        self.keys = KeyUses(core.keys, self.ledger, self.now)
        self._core = core
        self._loading: asyncio.Task[None] | None = None
        self._limits = budget.limits_of(core.settings)
        self._budgets: tuple[budget.Budget, ...] = ()
        self._stale = True
        self._telling = False
        self._made_up = False
        self._news = 0
        core.traffic.whose = self.account
        core.traffic.on_finished = self.count
        core.brakes.afford = self.afford

    def account(self) -> str:
        """Whose Copilot requests use now; empty where each client brings its own."""
        if self._core.settings.auth_mode == "passthrough":
            return ""
        account = self._core.session.account
        return account_name(account.host, account.id)

    def now(self) -> float:
        """Epoch seconds."""
        return self.wall()

    def start(self) -> None:
        """Read the file and follow what happens."""
        self._core.tasks.start(self._keep(), "usage history")
        self._core.tasks.start(self._follow(), "usage of the account")

    async def close(self) -> None:
        """Write what is not written yet, as far as the disk takes it in time."""
        if self.ledger.dirty or self.ledger.writing:
            writing = self._core.tasks.start(asyncio.to_thread(self.ledger.flush), "keep the usage")
            await asyncio.wait({writing}, timeout=SAVING)

    # ------------------------------------------------------------------------ what happens

    def count(self, exchange: Exchange) -> None:
        """A request has ended. What never went out is not counted."""
        if not exchange.attempts:
            return
        # A first request may begin before GitHub has told whose token the environment holds.
        exchange.account = exchange.account or self.account()
        self.ledger.count(exchange, exchange.multiplier)
        self._changed()

    def afford(self, exchange: Exchange) -> None:
        """May `exchange` go out under the user's own budget, and under that of its key? Raises
        BudgetSpent."""
        if not self._limits and not exchange.key:
            return
        spent = [each for each in self._present() if each.stops]
        factor = exchange.factor
        by_agent = exchange.initiator == "agent"
        for each in spent:  # what one limit has for free may cost something of the other
            if not budget.free(each.limit, multiplier=factor, by_agent=by_agent):
                raise budget.refusal(each)
        self.keys.afford(exchange, multiplier=factor, by_agent=by_agent)

    def present(self) -> budget.Budget | None:
        """Where the user's own budget stands: the limit that is used most."""
        return budget.worst(self._present())

    # ------------------------------------------------------------------------ for the verbs

    async def history(self, days: int, by: By) -> Mapping[str, Any]:
        """What was used in the last `days` days. Waits until the file was read."""
        await asyncio.wait({self._load()}, timeout=READING)
        return history(
            self.ledger.uses(account=self.account() or None),
            self._core.quota.snapshot.meters,
            days=days,
            by=by,
            now=self.now(),
        )

    async def clear(self) -> None:
        """Forget everything. Raises InvalidRequest if the disk still holds something."""
        await asyncio.wait({self._load()}, timeout=READING)
        cleared = await asyncio.to_thread(self.ledger.clear)
        self._changed()
        if not cleared:
            raise InvalidRequest("The history on the disk could not be deleted.")

    # ------------------------------------------------------------------------ inner workings

    def _present(self) -> tuple[budget.Budget, ...]:
        """Where each limit stands."""
        if not self._limits:
            return ()
        now = self.now()
        if self._stale or any(now >= each.resets_at for each in self._budgets):
            self._stale = False
            first = min(budget.day_prefix(each.period, now) for each in self._limits)
            self._budgets = budget.standings(self._limits, self.ledger.since(first), now)
        return self._budgets

    def _load(self) -> asyncio.Task[None]:
        if self._loading is None:
            self._loading = self._core.tasks.start(self._read(), "read the usage history")
        return self._loading

    async def _read(self) -> None:
        await asyncio.to_thread(self.ledger.load)
        self._taken()

    def _taken(self) -> None:
        """What earlier runs have counted is there, if the file could be read."""
        self._core.traffic.resume(self.ledger.earlier)
        self._changed()

    async def _keep(self) -> None:
        await asyncio.wait({self._load()})
        day = day_of(self.now())
        while True:
            await asyncio.sleep(PERIOD)
            loaded = self.ledger.loaded
            if self.ledger.dirty or not loaded:
                await asyncio.to_thread(self.ledger.flush)
            if self.ledger.loaded != loaded:  # the file could not be read before
                self._taken()
            if day != (today := day_of(self.now())):
                day = today
                self._changed()

    async def _follow(self) -> None:
        """Keep the meters' readings; follow the settings."""
        quota: QuotaSnapshot | None = None
        settings: Settings | None = None
        async for state in self._core.store.watch():
            self._make_up(state.app.demo)
            if state.settings is not settings:
                settings = state.settings
                self.ledger.keep = settings.history_days
                self._limits = budget.limits_of(settings)
                self._changed()
            if state.quota is not quota:
                quota = state.quota
                self.ledger.read(quota.meters, self.account())
                self._tell()

    def _make_up(self, demo: str | None) -> None:
        """In a demo: a past for the account, as soon as there is one."""
        if demo is None or self._made_up or not (account := self.account()):
            return
        self._made_up = True
        from copilot_desktop.demo import past  # noqa: PLC0415  (only a demo pays for it)

        for ago, row in past(demo):
            self.ledger.add(Use(day_of(self.now() - ago * forecast.DAY), account, **row))
        self._changed()

    def _changed(self) -> None:
        self._stale = True
        self._news += 1
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_later(TELLING, self._tell)

    def _tell(self) -> None:
        self._telling = False
        spending = Spending(self._news, self._speeds(), self.present(), begun=self.ledger.begun)
        self._core.store.set(spending=spending, keys=self.keys.standings())

    def _speeds(self) -> Mapping[str, float]:
        today = day_of(self.now())
        readings = self.ledger.meters(account=self.account())
        found = {
            name: forecast.speed([each for each in readings if each.id == name], today)
            for name in {each.id for each in readings}
        }
        return {name: speed for name, speed in found.items() if speed is not None}
