"""What each named key has used today, held against its own daily budget.

Counted from the same ledger as the user's own budget and by the same rules (`budget`): there, what
came with a key stands under the key's name. So a new key with the name of a revoked one goes on
where that one was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from copilot_desktop.core import budget
from copilot_desktop.core.keys import KeyRing, hint, told
from copilot_desktop.core.ledger import Ledger, Use
from copilot_desktop.days import day_of
from copilot_desktop.errors import KeyBudgetSpent
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.proxy.keys import KeyLimits, NamedKey

OVER = "over=budget"  # said of a request that went out all the same


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """A key as people see it. `last_day` is local, `YYYY-MM-DD`; empty: not in this history.

    `requests` and `credits` are today's; `premium` are today's premium requests.
    """

    name: str
    hint: str
    created: float
    limits: KeyLimits
    last_day: str = ""
    requests: int = 0
    credits: float = 0.0
    premium: float = 0.0
    level: Literal["", "ok", "low", "spent"] = ""  # empty: without a budget

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "hint": self.hint,
            "created": self.created,
            **told(self.limits),
            "last_day": self.last_day,
            "today": {
                "requests": self.requests,
                "credits": self.credits,
                "premium": self.premium,
            },
            "level": self.level,
        }


class KeyUses:
    """`now` gives epoch seconds."""

    def __init__(self, ring: KeyRing, ledger: Ledger, now: Callable[[], float]) -> None:
        self._ring = ring
        self._ledger = ledger
        self._now = now

    def standings(self) -> tuple[KeyStanding, ...]:
        """One for each key, in the order of the keys."""
        keys = self._ring.keys
        rows = self._ledger.uses() if keys else ()
        return tuple(
            self._standing(key, [row for row in rows if row.client == key.name]) for key in keys
        )

    def afford(self, exchange: Exchange, *, multiplier: float | None, by_agent: bool) -> None:
        """May `exchange` go out under the budget of its key? Raises KeyBudgetSpent."""
        key = next((each for each in self._ring.keys if each.name == exchange.key), None)
        if key is None or key.limits.budget is None:
            return
        found = self._budget(key, self._ledger.uses(1))
        if found is None or found.level != "spent":
            return
        if budget.free(found.limit, multiplier=multiplier, by_agent=by_agent):
            return
        if found.stops:
            raise refusal(key.name, found)
        if OVER not in exchange.notes:
            exchange.notes.append(OVER)

    def _budget(self, key: NamedKey, uses: Iterable[Use]) -> budget.Budget | None:
        own = key.limits.budget
        if own is None:
            return None
        limit = budget.Limit(own.unit, own.amount, "day", own.stops)
        rows = [row for row in uses if row.client == key.name]
        return budget.standings((limit,), rows, self._now())[0]

    def _standing(self, key: NamedKey, rows: Sequence[Use]) -> KeyStanding:
        today = [row for row in rows if row.day == day_of(self._now())]
        found = self._budget(key, today)
        return KeyStanding(
            key.name,
            hint(key.secret),
            key.created,
            key.limits,
            last_day=max((row.day for row in rows), default=""),
            requests=sum(row.requests for row in today),
            credits=sum(row.nano_credits for row in today) / 1e9,
            premium=sum(row.premium for row in today),
            level=found.level if found is not None else "",
        )


def refusal(name: str, found: budget.Budget) -> KeyBudgetSpent:
    """What the client is told."""
    return KeyBudgetSpent(fields={"key": name, **budget.told(found)})
