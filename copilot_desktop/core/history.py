"""What the ledger tells people: a number for each day, and sums by client, model or day.

Pure: rows in, one small object out, for the page and the terminal alike. It holds sums, never
single requests. Amounts are in the unit that the plan is billed in: AI credits, premium requests,
or plain requests where GitHub counts messages or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from copilot_desktop.core.forecast import per_day
from copilot_desktop.core.ledger import Use
from copilot_desktop.days import day_of
from copilot_desktop.upstream.quota import Meter

By = Literal["client", "model", "day"]
Unit = Literal["credits", "premium", "requests"]
Json = dict[str, Any]

MOST_ROWS = 100
MOST_AHEAD = 31  # days of forecast
# From when on a low share of cached input means anything: short requests are not cached at all.
ENOUGH_REQUESTS, LONG_INPUT, LOW_SHARE = 20, 4000, 0.25

_AMOUNT: Mapping[Unit, Callable[[Use], float]] = {
    "credits": lambda use: use.nano_credits / 1e9,
    "premium": lambda use: use.premium,
    "requests": lambda use: use.requests,
}
_NAME: Mapping[By, Callable[[Use], str]] = {
    "client": lambda use: use.client,
    "model": lambda use: use.model,
    "day": lambda use: use.day,
}


@dataclass(slots=True)
class Sum:
    """Several rows as one. `input` is everything that was read, `cached` the part from a cache."""

    name: str = ""
    requests: int = 0
    failed: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    nano: int = 0
    premium: float = 0.0

    def add(self, use: Use) -> None:
        self.requests += use.requests
        self.failed += use.failed
        self.input += use.whole_input
        self.cached += use.cache_read
        self.output += use.output
        self.nano += use.nano_credits
        self.premium += use.premium

    @property
    def share(self) -> float | None:
        """How much of the input came from a cache, 0 to 1."""
        return self.cached / self.input if self.input else None

    def to_json(self) -> Json:
        return {
            "name": self.name,
            "requests": self.requests,
            "failed": self.failed,
            "input": self.input,
            "output": self.output,
            "cached": None if self.share is None else round(self.share, 4),
            "credits": round(self.nano / 1e9, 6),
            "premium": round(self.premium, 3),
        }


def history(uses: Sequence[Use], meters: Iterable[Meter], *, days: int, by: By, now: float) -> Json:
    """The last `days` days of `uses` (rows of one account, as far back as there are any).

    `{unit, days, since, first, values, requests, forecast, by, rows, more, total, low_cache}`:
    `values` has one amount for each day from `first` to today, `forecast` one for each day from
    tomorrow until the meter of that unit resets.
    """
    today = date.fromisoformat(day_of(now))
    known = tuple(meters)
    unit = unit_of(known, uses)
    first = today - timedelta(days=days - 1)
    shown = [use for use in uses if use.day >= first.isoformat()]
    rows = grouped(shown, by, unit)
    total = Sum()
    for use in shown:
        total.add(use)
    return {
        "unit": unit,
        "days": days,
        "since": min((use.day for use in uses), default=None),
        "first": first.isoformat(),
        "values": _daily(shown, _AMOUNT[unit], first, today),
        "requests": [int(n) for n in _daily(shown, _AMOUNT["requests"], first, today)],
        "forecast": forecast(uses, main_meter(known, unit), unit, today),
        "by": by,
        "rows": [row.to_json() for row in rows[:MOST_ROWS]],
        "more": max(0, len(rows) - MOST_ROWS),
        "total": total.to_json(),
        "low_cache": low_cache(grouped(shown, "client", unit)),
    }


def unit_of(meters: Sequence[Meter], uses: Iterable[Use]) -> Unit:
    """What the plan is billed in; what was counted decides where the meters do not tell."""
    units = {meter.unit for meter in meters if meter.kind == "metered"}
    if "credits" in units:
        return "credits"
    if "requests" in units:
        return "premium"
    if units:
        return "requests"
    rows = tuple(uses)
    if any(use.nano_credits for use in rows):
        return "credits"
    return "premium" if any(use.premium for use in rows) else "requests"


def main_meter(meters: Sequence[Meter], unit: Unit) -> Meter | None:
    """The meter that the daily amounts go into."""
    name = {"credits": "credits", "premium": "requests", "requests": "messages"}[unit]
    counted = (meter for meter in meters if meter.kind == "metered" and meter.unit == name)
    return next(counted, None)


def grouped(uses: Iterable[Use], by: By, unit: Unit) -> list[Sum]:
    """Sums by name: days newest first, the others by what they cost, then by requests."""
    found: dict[str, Sum] = {}
    for use in uses:
        name = _NAME[by](use)
        found.setdefault(name, Sum(name)).add(use)
    if by == "day":
        return sorted(found.values(), key=lambda row: row.name, reverse=True)

    def weight(row: Sum) -> tuple[float, int]:
        return ({"credits": row.nano, "premium": row.premium}.get(unit, 0), row.requests)

    return sorted(sorted(found.values(), key=lambda row: row.name), key=weight, reverse=True)


def forecast(uses: Iterable[Use], meter: Meter | None, unit: Unit, today: date) -> list[float]:
    """What to expect of each coming day of the period; empty where nothing can be expected."""
    if meter is None or not meter.resets_at or not meter.window_start:
        return []
    ahead = (date.fromisoformat(day_of(meter.resets_at - 1)) - today).days
    if ahead <= 0:
        return []
    rows = tuple(uses)
    begun = min((use.day for use in rows), default=today.isoformat())
    values = _daily(rows, _AMOUNT[unit], date.fromisoformat(begun), today)
    period = (today - date.fromisoformat(day_of(meter.window_start))).days + 1
    rate = per_day(values, period)
    return [] if rate is None else [round(rate, 6)] * min(ahead, MOST_AHEAD)


def low_cache(clients: Iterable[Sum]) -> Json | None:
    """The client that reads most without a cache although its requests are long; usually nobody."""
    found = [
        row
        for row in clients
        if row.requests >= ENOUGH_REQUESTS
        and row.input / row.requests >= LONG_INPUT
        and (row.share or 0.0) < LOW_SHARE
    ]
    if not found:
        return None
    worst = max(found, key=lambda row: row.input - row.cached)
    return {"client": worst.name, "share": round(worst.share or 0.0, 4)}


def _daily(
    uses: Iterable[Use], amount: Callable[[Use], float], first: date, last: date
) -> list[float]:
    """One amount for each day, both ends included; days without use are 0."""
    values = [0.0] * max(0, (last - first).days + 1)
    for use in uses:
        place = (date.fromisoformat(use.day) - first).days
        if 0 <= place < len(values):
            values[place] += amount(use)
    return [round(value, 6) for value in values]
