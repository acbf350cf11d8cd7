"""Which notifications are due: each once for its cause, and again only in the next cycle.

Pure: a state and what has been told before give what to tell now and what to remember. A cause is a
word such as `low|90|1234|chat`; as long as it is remembered, it is not told again. A cause of a
meter is forgotten when its period ends, or as soon as the meter has clearly more room again (a
bigger plan); the others when the state says that they are over, not merely nothing yet: the first
moments of a start know no account. The memory survives a restart, so that a used-up allowance is
not news at every start. Words: `notification.*` in the strings file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from copilot_desktop.core.state import State
from copilot_desktop.errors import PortTaken
from copilot_desktop.upstream.quota import Meter

LONGEST_CYCLE = 40 * 86_400.0  # seconds; for meters that do not say when they come back
CLEARLY = 10.0  # percentage points below a threshold; numbers that waver are no news
_MOST = 200

Memory = Mapping[str, float | None]  # cause -> when it ends, epoch seconds; None: not by itself


@dataclass(frozen=True, slots=True)
class Alert:
    """`id` is a key below `notification.`; `fields["when"]` is in seconds since the epoch."""

    id: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Cause:
    """`alert` None: remembered without a word, because another cause says more."""

    key: str
    alert: Alert | None
    until: float | None = None


def due(state: State, told: Memory, now: float) -> tuple[tuple[Alert, ...], Memory]:
    """What to tell now, and what has been told afterwards. `now` in seconds since the epoch."""
    causes = {cause.key: cause for cause in _causes(state, now)}
    kept = {
        key: until
        for key, until in told.items()
        if not (_is_over(key, state) if until is None else _has_ended(key, until, state, now))
    }
    fresh = [cause.alert for key, cause in causes.items() if key not in kept]
    alerts = [alert for alert in fresh if alert is not None]
    alerts += _back(state, told, kept)
    kept |= {key: cause.until for key, cause in causes.items() if key not in kept}
    # Two thresholds passed at once are one piece of news: the last one says it all.
    newest = {
        (alert.id, alert.fields.get("meter"), alert.fields.get("client")): alert for alert in alerts
    }
    return tuple(newest.values()), dict(list(kept.items())[-_MOST:])


def _causes(state: State, now: float) -> Iterator[_Cause]:
    if state.account.state == "expired":
        yield _Cause(f"signin|{state.account.id or 0}", Alert("signin"))
    if state.proxy.phase == "error":
        yield from _proxy_causes(state)
    for question in state.brakes.questions:
        asked = Alert("approval", {"client": question.client})
        yield _Cause(f"approval|{question.id}", asked)
    halt = state.brakes.halt
    if halt is not None and halt.by_hand:
        yield _Cause(f"paused|{halt.since:.0f}", Alert("paused"))
    yield from _budget_causes(state)
    if version := state.update.version:
        fields = {"version": version, "current": state.app.version}
        yield _Cause(f"update|{version}", Alert("update", fields))
    for meter in state.quota.meters:
        # A period that is over says nothing about the next one.
        if meter.can_run_out and (meter.resets_at is None or meter.resets_at > now):
            yield from _meter_causes(meter, state, now)


def _proxy_causes(state: State) -> Iterator[_Cause]:
    problem = state.proxy.problem
    if state.app.listener == "lost":
        yield _Cause("crashed", Alert("crashed"))
    elif state.app.listener == "new" and isinstance(problem, PortTaken):
        yield _Cause("port_login", Alert("port_login", dict(problem.fields)))


def _budget_causes(state: State) -> Iterator[_Cause]:
    """The user's own limit: a larger one is another cause, and one for another period."""
    budget = state.spending.budget
    if budget is None or budget.level == "ok":
        return
    fields = {"p": budget.share * 100, "when": budget.resets_at}
    which = f"{budget.limit.unit}-{budget.limit.limit:g}-{budget.limit.period}"
    spent = budget.level == "spent"
    low = None if spent else Alert("budget_low", fields)
    yield _Cause(f"budget|low|{which}", low, budget.resets_at)
    if spent:
        yield _Cause(f"budget|spent|{which}", Alert("budget_spent", fields), budget.resets_at)


def _meter_causes(meter: Meter, state: State, now: float) -> Iterator[_Cause]:
    until = meter.resets_at or now + LONGEST_CYCLE
    whose = f"{state.account.id or 0}|{meter.id}"
    percent = meter.percent_used or 0.0
    left = meter.left if meter.left is not None and math.isfinite(meter.left) else None
    fields = {
        "meter": meter.name,
        "kind": meter.kind,
        "p": percent,
        "left": None if meter.unit == "percent" else left,
        "unit": meter.unit,
        "when": meter.resets_at,
    }
    over = meter.overage_ok and meter.overage > 0
    if over:
        yield _Cause(f"overage|0|{whose}", Alert("overage", fields), until)
    elif meter.exhausted:
        yield _Cause(f"exhausted|100|{whose}", Alert("exhausted", fields), until)
    quiet = over or meter.exhausted
    for threshold in sorted({state.settings.alert_low, state.settings.alert_high}):
        if quiet or percent >= threshold:
            alert = None if quiet else Alert("low", fields)
            yield _Cause(f"low|{threshold}|{whose}", alert, until)


def _has_ended(key: str, until: float, state: State, now: float) -> bool:
    """Whether the cycle of a meter's cause is over, as far as its newest number tells."""
    meter = _meter_of(key, state)
    if meter is None:
        return until <= now
    if meter.resets_at is not None and meter.resets_at <= now:
        return False  # the number is from before; the next one decides
    threshold = key.split("|")[1]
    enough = int(threshold) - CLEARLY if threshold.isdecimal() else 0.0
    return until <= now or (meter.percent_used is not None and meter.percent_used < enough)


def _meter_of(key: str, state: State) -> Meter | None:
    _, _, account, name = [*key.split("|", 3), "", "", ""][:4]
    if account != str(state.account.id or 0):
        return None
    return next((meter for meter in state.quota.meters if meter.id == name), None)


def _is_over(key: str, state: State) -> bool:
    match key.partition("|")[0]:
        case "signin":
            return state.account.usable
        case "crashed" | "port_login":
            return state.proxy.phase == "running"
        case "approval":
            return all(key != f"approval|{each.id}" for each in state.brakes.questions)
        case "update":
            return bool(state.update.version) and key != f"update|{state.update.version}"
        case "paused":
            halt = state.brakes.halt
            return halt is None or key != f"paused|{halt.since:.0f}"
    return False


def _back(state: State, told: Memory, kept: Memory) -> list[Alert]:
    """Meters that were told as used up, and have room again."""
    found = []
    for key in told.keys() - kept.keys():
        meter = _meter_of(key, state) if key.startswith("exhausted|") else None
        if meter is not None and not meter.exhausted and meter.percent_used is not None:
            found.append(Alert("reset", {"meter": meter.name}))
    return found
