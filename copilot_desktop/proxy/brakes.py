"""What every request passes before anything is sent to Copilot, and what its outcome leads to.

    1 circuit     is sending stopped, or this model limited? then the answer is given here
      budget      has the user's own budget been spent?
    2 approvals   does the user want to be asked about this client?
    3 line        so many at once; the others wait in the order in which they came
    4 pause       the least time between two requests
    5 as 1        things may have changed while it waited

They protect the account: GitHub takes bulk and automated use for abuse, and limits that are not
kept get longer (`upstream.md` §12). A request that waits is still its client's: signs of life go
on, and one that leaves is forgotten. Token counts go by 1 and 2 only: nobody is asked for one and
none waits behind answers that take minutes; there is an estimate instead. What a count meets says
little about conversations, so only a warning is heard there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from copilot_desktop.errors import Busy, NotApproved, Paused, Problem, RateLimited
from copilot_desktop.proxy.alarms import is_warning
from copilot_desktop.proxy.approvals import Approvals, Choice, Question
from copilot_desktop.proxy.circuit import Circuit, Halt, Limit, paused
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.proxy.places import Places, busy

log = logging.getLogger(__name__)

__all__ = ["Brakes", "BrakesState", "Choice", "Rules"]

_LONGEST_TIMER = 86_400.0  # seconds; a wait of weeks is looked at once a day


@dataclass(frozen=True, slots=True)
class Rules:
    """What the user chose. `min_pause` in seconds; `approved` are names of clients."""

    max_concurrent: int | None = None
    min_pause: float = 0.0
    ask: bool = False
    approved: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BrakesState:
    """For views. `ripe`: the countdown of `halt` is over, it waits for a hand."""

    halt: Halt | None = None
    ripe: bool = False
    limits: tuple[Limit, ...] = ()
    waiting: int = 0
    questions: tuple[Question, ...] = ()


class Brakes:
    """One for all requests. `on_change` is called after each change of `state`."""

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        circuit: Circuit | None = None,
        approvals: Approvals | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self.afford: Callable[[Exchange], None] = lambda _: None  # raises BudgetSpent
        self.circuit = circuit or Circuit()
        self.approvals = approvals or Approvals()
        self.places = Places()
        self._sleep = sleep
        self._monotonic = monotonic
        self._rules = Rules()
        self._next_start = float("-inf")
        self._pacing = asyncio.Lock()
        self._apart = 0  # how many wait for it
        self._timer: asyncio.TimerHandle | None = None
        self.approvals.on_change = self.places.on_change = self._tell
        self.use(rules or Rules())

    @property
    def state(self) -> BrakesState:
        circuit = self.circuit
        halt = circuit.halt
        return BrakesState(
            halt=halt,
            ripe=halt is not None and circuit.clock() >= halt.until,
            limits=circuit.limits,
            waiting=self.places.waiting,
            questions=self.approvals.questions,
        )

    def use(self, rules: Rules) -> None:
        """The rules that hold from now on, for those who wait as well."""
        if rules.min_pause != self._rules.min_pause:
            self._next_start = float("-inf")
        self._rules = rules
        self.places.widen(rules.max_concurrent)
        self.approvals.use(wanted=rules.ask, always=rules.approved)
        self.on_change()

    def check(self, exchange: Exchange) -> None:
        """Could this request go out at all? Raises Paused, or RateLimited."""
        try:
            self.circuit.check(exchange.model_used)
        except Problem as problem:
            exchange.held = "paused" if isinstance(problem, Paused) else "limited"
            raise

    def admit(self, exchange: Exchange, *, light: bool = False) -> _Admission | _Light:
        """Hold a place for `exchange` while its request is under way.

        Raises Paused, RateLimited, BudgetSpent, NotApproved or Busy before anything is sent, and
        passes on what the request itself raises. `light`: a token count, see above.
        """
        return _Light(self, exchange) if light else _Admission(self, exchange)

    async def enter(self, exchange: Exchange) -> float:
        """What `admit` does before: when it was let through, by the clock of the circuit."""
        self.check(exchange)
        self._afforded(exchange)
        by_agent = exchange.initiator == "agent"
        granted = self.approvals.granted(exchange.client, by_agent=by_agent)
        if not granted:
            await self._ask(exchange)
        if self._rules.min_pause or not granted or not self.places.take_now():
            await self._stand_in_line(exchange)
        return self.circuit.clock()

    async def enter_lightly(self, exchange: Exchange) -> None:
        """The same for a token count: it costs nothing, and waits for nothing."""
        self.check(exchange)
        if not self.approvals.granted(exchange.client, by_agent=True):
            exchange.held = "denied"
            reason = "it has not been allowed yet"
            raise NotApproved(fields={"client": exchange.client, "reason": reason})

    def leave(self, exchange: Exchange, sent_at: float, error: BaseException | None) -> None:
        """What `admit` does afterwards."""
        well = error is None and exchange.outcome != "failed"
        if well and self.circuit.well(exchange.model_used, sent_at):
            self._changed()
        self.places.leave()
        if isinstance(error, Problem):
            self.heard(error, exchange.model_used)

    def heard(self, problem: Problem, model: str = "") -> None:
        """Trouble that GitHub or Copilot told, by whatever way it came."""
        before = self.circuit.halt
        if not self.circuit.heard(problem, model):
            return
        halt = self.circuit.halt
        if halt is not None and halt != before:
            log.info("sending is paused (%s %s): %s", halt.reason, halt.code, halt.words)
            self._turn_away(halt)
        elif isinstance(problem, RateLimited):
            log.info("requests for %s wait: %s", model or "all models", problem)
        self._changed()

    def resume(self) -> None:
        """Send again: the user has read why it was stopped."""
        self.circuit.resume()
        log.info("sending goes on by the user's wish")
        self._changed()

    def forget_limits(self) -> None:
        """The account has another plan, whose limits are others: Copilot is asked again."""
        self.circuit.forget_limits()
        self._changed()

    def recall(self, memory: dict[str, object]) -> None:
        """Take up what an earlier run has kept."""
        self.circuit.recall(memory)
        self._changed()

    def close(self) -> None:
        """No more timers."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # ------------------------------------------------------------------------ inner workings

    def _afforded(self, exchange: Exchange) -> None:
        try:
            self.afford(exchange)
        except Problem:
            exchange.held = "budget"
            raise

    async def _ask(self, exchange: Exchange) -> None:
        try:
            exchange.held = "approval"
            await self.approvals.ask(exchange.client, exchange.model_used)
            exchange.held = ""
        except Problem as problem:
            exchange.held = "denied" if isinstance(problem, NotApproved) else "paused"
            raise

    async def _stand_in_line(self, exchange: Exchange) -> None:
        """Wait for a place and for the pause; then look again: things may have changed."""
        exchange.held = "queue"
        try:
            await self.places.take()
            try:
                await self._paced()
                exchange.held = ""
                self.check(exchange)
                self._afforded(exchange)
            except BaseException:
                self.places.leave()
                raise
        except Problem as problem:
            if exchange.held == "queue":
                exchange.held = "busy" if isinstance(problem, Busy) else "paused"
            raise

    async def _paced(self) -> None:
        """Wait until the least pause since the latest start is over; starts keep their order, and
        who leaves while waiting has not started."""
        if not (pause := self._rules.min_pause):
            return
        first = max(0.0, self._next_start - self._monotonic())
        if first + self._apart * pause > self.places.patience:
            raise busy("requests are kept apart, and others come first")
        self._apart += 1
        try:
            async with self._pacing:
                now = self._monotonic()
                start = max(now, self._next_start)
                if start > now:
                    await self._sleep(start - now)
                self._next_start = start + self._rules.min_pause
        finally:
            self._apart -= 1

    def _turn_away(self, halt: Halt) -> None:
        def why() -> Problem:
            return paused(halt, self.circuit.clock())

        self.places.turn_away(why)
        self.approvals.turn_away(why)

    def _tell(self) -> None:
        self.on_change()

    def _changed(self) -> None:
        self.close()
        if (moment := self.circuit.next_change) is not None:
            left = min(max(moment - self.circuit.clock(), 0.0) + 0.05, _LONGEST_TIMER)
            self._timer = asyncio.get_running_loop().call_later(left, self._changed)
        self.on_change()


class _Admission:
    """A place that is held while a request is under way."""

    __slots__ = ("_brakes", "_exchange", "_sent_at")

    def __init__(self, brakes: Brakes, exchange: Exchange) -> None:
        self._brakes = brakes
        self._exchange = exchange
        self._sent_at = 0.0

    async def __aenter__(self) -> None:
        self._sent_at = await self._brakes.enter(self._exchange)

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._brakes.leave(self._exchange, self._sent_at, error)


class _Light:
    """For a token count: of what it meets, only a warning is heard."""

    __slots__ = ("_brakes", "_exchange")

    def __init__(self, brakes: Brakes, exchange: Exchange) -> None:
        self._brakes = brakes
        self._exchange = exchange

    async def __aenter__(self) -> None:
        await self._brakes.enter_lightly(self._exchange)

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Problem) and is_warning(error):
            self._brakes.heard(error, self._exchange.model_used)
