"""The limit that the user sets for himself: this app's own use on a day or in a calendar month.

Pure. Counted from the ledger over all accounts, so changing the account is no way around it; what
other programs use of the same Copilot is not in it. There are two kinds because plans bill in two
ways: AI credits and premium requests. Where both are set, the one that is used more counts.

A stop refuses what would cost something. What costs nothing goes on: included models, and in
premium requests the calls that an agent makes by itself. A request under way is never cut, so the
last one may go a little beyond the limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from copilot_desktop.core.ledger import Use
from copilot_desktop.core.settings import Settings
from copilot_desktop.days import day_of
from copilot_desktop.errors import BudgetSpent

LOW = 0.8  # of the limit
NAMES = frozenset({"budget_credits", "budget_requests", "budget_period", "budget_action"})

Unit = Literal["credits", "requests"]
Period = Literal["day", "month"]
_SPOKEN = {"credits": "AI credits", "requests": "premium requests"}


@dataclass(frozen=True, slots=True)
class Limit:
    """So much of `unit` in each period."""

    unit: Unit
    limit: float
    period: Period
    stops: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """Where one limit stands. `resets_at` in epoch seconds: local midnight, or the first."""

    limit: Limit
    used: float
    resets_at: float

    @property
    def share(self) -> float:
        return self.used / self.limit.limit

    @property
    def level(self) -> Literal["ok", "low", "spent"]:
        if self.share >= 1:
            return "spent"
        return "low" if self.share >= LOW else "ok"

    @property
    def stops(self) -> bool:
        return self.limit.stops and self.share >= 1


def limits_of(settings: Settings) -> tuple[Limit, ...]:
    """The limits that are set."""
    given: tuple[tuple[Unit, float | None], ...] = (
        ("credits", settings.budget_credits),
        ("requests", settings.budget_requests),
    )
    stops = settings.budget_action == "stop"
    return tuple(Limit(unit, most, settings.budget_period, stops) for unit, most in given if most)


def standings(limits: Iterable[Limit], uses: Iterable[Use], now: float) -> tuple[Budget, ...]:
    """Where each limit stands."""
    rows = tuple(uses)
    return tuple(
        Budget(limit, spent(limit, rows, now), ends(limit.period, now)) for limit in limits
    )


def worst(budgets: Iterable[Budget]) -> Budget | None:
    """The limit that is used most; None if there is none."""
    return max(budgets, key=lambda budget: budget.share, default=None)


def spent(limit: Limit, uses: Iterable[Use], now: float) -> float:
    """What the present period has used so far, in the unit of `limit`."""
    present = day_prefix(limit.period, now)
    rows = [row for row in uses if row.day.startswith(present)]
    if limit.unit == "credits":
        return sum(row.nano_credits for row in rows) / 1e9
    return round(sum(row.premium for row in rows), 6)  # a hundred times 0.33 are 33, not almost


def day_prefix(period: Period, now: float) -> str:
    """How the days of the present period begin: `2026-11-21`, or `2026-11`."""
    day = day_of(now)
    return day if period == "day" else day[:7]


def ends(period: Period, now: float) -> float:
    """When the next period begins, in epoch seconds."""
    # Naive on purpose: midnight by the clock on the wall, whatever summer time does to the night.
    today = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)  # noqa: DTZ006
    if period == "day":
        return (today + timedelta(days=1)).timestamp()
    return (today.replace(day=1) + timedelta(days=32)).replace(day=1).timestamp()


def free(limit: Limit, *, multiplier: float | None, by_agent: bool) -> bool:
    """Whether a request costs nothing of `limit`."""
    return multiplier == 0 or (limit.unit == "requests" and by_agent)


def spoken(amount: float) -> str:
    """With two digits behind the point, or so many that it is not told as nothing."""
    digits = 2 if amount >= 0.01 else 6
    return f"{amount:,.{digits}f}".rstrip("0").rstrip(".")


def amount(limit: Limit) -> str:
    """`20 AI credits a day`."""
    return f"{spoken(limit.limit)} {_SPOKEN[limit.unit]} a {limit.period}"


def refusal(budget: Budget) -> BudgetSpent:
    """What the client is told."""
    return BudgetSpent(fields=told(budget))


def told(budget: Budget) -> dict[str, str]:
    """What fills the sentence of a refusal."""
    until = datetime.fromtimestamp(budget.resets_at).astimezone()
    return {
        "budget": amount(budget.limit),
        "until": f"{until:%Y-%m-%d}",
        "reset": f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
    }
