"""How fast a meter is used up: against an even pace, and until when it lasts (`ui-design.md` §14).

Pure. The pace compares the used share with the elapsed share of the period. The forecast goes on at
seven parts of the last week's speed and three parts of the whole period's, once a week of readings
exists; before, at the period's alone. Nothing is said in the first 3 % of a period, where one
morning would decide it all, and nothing of a handful of requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from copilot_desktop.core.ledger import MeterDay
from copilot_desktop.upstream.quota import Meter

DAY = 86_400.0
WEEK = 7  # days
RECENT, WHOLE = 0.7, 0.3  # parts of the two speeds
LEAST_ELAPSED = 0.03
LEAST_REQUESTS = 5
ON_PACE = 5  # points to either side
ROUNDING = 0.01  # of the limit
_COUNTED = frozenset({"metered", "window"})
_MESSAGES = frozenset({"requests", "messages", "completions"})


@dataclass(frozen=True, slots=True)
class Pace:
    """`points` are per cent of the limit ahead of an even pace (below zero: behind it).

    `on`: within five points. `ahead`: more. `lasts`: less, and enough until the reset. `faster`:
    not ahead, but the last week's speed uses it up before the reset. `runs_out` is in epoch
    seconds, None if it lasts; `by_reset` what will be used by then in the meter's unit, None where
    GitHub tells shares only.
    """

    kind: Literal["on", "ahead", "lasts", "faster"]
    points: int
    runs_out: float | None = None
    by_reset: float | None = None


def pace(meter: Meter, now: float, week: float | None = None) -> Pace | None:
    """Where `meter` stands; None where nothing honest can be said.

    `week` is what was used on a day of the last week, in the meter's unit (`speed`).
    """
    start, end, share = meter.window_start, meter.resets_at, share_used(meter)
    if meter.kind not in _COUNTED or share is None or share >= 1 or not start or not end:
        return None
    elapsed = (now - start) / (end - start) if end > start else 0.0
    if not LEAST_ELAPSED <= elapsed < 1:
        return None
    if meter.unit in _MESSAGES and (meter.used or 0) < LEAST_REQUESTS:
        return None
    rate = share / (now - start) * DAY  # of the limit, a day
    if week is not None and meter.limit:
        rate = RECENT * week / meter.limit + WHOLE * rate
    whole = share + rate * (end - now) / DAY
    runs_out = now + (1 - share) / rate * DAY if whole > 1 else None
    points = round((share - elapsed) * 100)
    by_reset = whole * meter.limit if meter.limit and meter.used is not None else None
    if points > ON_PACE:
        return Pace("ahead", points, runs_out, by_reset)
    if runs_out is not None and whole > 1 + ON_PACE / 100:
        return Pace("faster", points, runs_out, by_reset)
    if whole > 1:  # as good as even; an amount beyond the limit would only confuse
        by_reset = None
    return Pace("on" if points >= -ON_PACE else "lasts", points, None, by_reset)


def share_used(meter: Meter) -> float | None:
    """0 and up; None if nothing is known."""
    if meter.overage > 0 and meter.limit:
        return 1 + meter.overage / meter.limit
    if meter.percent_used is not None:
        return max(0.0, meter.percent_used / 100)
    if meter.limit and meter.used is not None:
        return max(0.0, meter.used / meter.limit)
    return None


def speed(readings: Iterable[MeterDay], today: str) -> float | None:
    """Used on a day of the last week, in the meter's unit; None before a week of readings exists.

    `readings` are those of one meter. A reading that is lower than the one before belongs to a new
    period: then all of it is new. A little lower is only another rounding: headers tell a
    percentage, the account an amount.
    """
    found = sorted(readings, key=lambda reading: reading.day)
    now = date.fromisoformat(today)
    ages = [(now - date.fromisoformat(reading.day)).days for reading in found]
    base = max((place for place, age in enumerate(ages) if age >= WEEK), default=None)
    if base is None:
        return None
    used = 0.0
    for before, after in zip(found[base:], found[base + 1 :], strict=False):
        more = after.used - before.used
        anew = -more > ROUNDING * (after.limit or before.used)
        used += after.used if anew else more
    return max(0.0, used) / ages[base]


def per_day(values: Sequence[float], period: int) -> float | None:
    """What to expect of a coming day, after `values` (today last, which is not over yet).

    `period` is how many of them lie in the present period, today included. None without anything
    to go by.
    """
    past = list(values[:-1]) or list(values)
    if not any(past):
        return None
    whole = past[-max(1, min(period - 1, len(past))) :]
    rate = sum(whole) / len(whole)
    if len(past) < WEEK:
        return rate
    return RECENT * sum(past[-WEEK:]) / WEEK + WHOLE * rate
