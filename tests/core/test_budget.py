"""The user's own limit: what counts, when it is reached, when it begins anew."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from copilot_desktop.core.budget import (
    Budget,
    Limit,
    amount,
    ends,
    free,
    limits_of,
    refusal,
    spent,
    standings,
    worst,
)
from copilot_desktop.core.ledger import Use
from copilot_desktop.core.settings import Settings

NOON = time.mktime((2026, 11, 21, 12, 0, 0, 0, 0, -1))
CREDITS = Limit("credits", 10.0, "day", stops=True)
REQUESTS = Limit("requests", 300.0, "month", stops=False)


def use(day: str, *, cost: float = 0, premium: float = 0, account: str = "") -> Use:
    return Use(day, account, "Codex", "m", nano_credits=int(cost * 1e9), premium=premium)


USES = (
    use("2026-11-21", cost=4.0, premium=10),
    use("2026-11-21", cost=4.5, account="github.com:2"),
    use("2026-11-20", cost=50.0, premium=100),
    use("2026-10-31", cost=900.0, premium=900),
)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (CREDITS, 8.5),
        (Limit("credits", 10.0, "month", stops=True), 58.5),
        (REQUESTS, 110.0),
        (Limit("requests", 300.0, "day", stops=True), 10.0),
    ],
)
def test_what_the_present_period_has_used_over_all_accounts(limit: Limit, expected: float) -> None:
    assert spent(limit, USES, NOON) == pytest.approx(expected)


@pytest.mark.parametrize(("multiplier", "times"), [(0.33, 100), (0.9, 30), (0.1, 10)])
def test_many_small_parts_reach_the_limit_when_they_should(multiplier: float, times: int) -> None:
    row = use("2026-11-21")
    for _ in range(times):
        row.premium += multiplier
    [found] = standings([Limit("requests", times * multiplier, "day", stops=True)], [row], NOON)
    assert found.stops
    assert found.level == "spent"


def test_only_what_is_set_is_a_limit() -> None:
    assert limits_of(Settings()) == ()
    given = Settings(budget_credits=10, budget_period="day", budget_action="stop")
    assert limits_of(given) == (CREDITS,)
    assert limits_of(Settings(budget_requests=300)) == (REQUESTS,)


def test_the_limit_that_is_used_most_is_the_one_to_watch() -> None:
    found = worst(standings((CREDITS, REQUESTS), USES, NOON))
    assert found is not None
    assert (found.limit.unit, found.level) == ("credits", "low")
    assert worst(standings((), USES, NOON)) is None


@pytest.mark.parametrize(
    ("used", "level", "stops"),
    [
        (0, "ok", False),
        (7.99, "ok", False),
        (8, "low", False),
        (9.99, "low", False),
        (10, "spent", True),
        (12, "spent", True),
    ],
)
def test_levels(used: float, level: str, stops: bool) -> None:
    found = Budget(CREDITS, used, NOON)
    assert (found.level, found.stops) == (level, stops)
    assert not Budget(REQUESTS, 999, NOON).stops


@pytest.mark.parametrize(
    ("period", "now", "until"),
    [
        ("day", (2026, 11, 21, 23, 59), (2026, 11, 22)),
        ("month", (2026, 11, 21, 12, 0), (2026, 12, 1)),
        ("month", (2026, 12, 31, 23, 0), (2027, 1, 1)),
        ("month", (2028, 2, 29, 1, 0), (2028, 3, 1)),
        ("day", (2026, 12, 31, 1, 0), (2027, 1, 1)),
    ],
)
def test_the_next_period_begins_at_local_midnight(
    period: str, now: tuple[int, ...], until: tuple[int, ...]
) -> None:
    moment = time.mktime((*now, 0, 0, 0, -1))
    found = datetime.fromtimestamp(ends(period, moment)).astimezone()  # type: ignore[arg-type]
    assert (found.year, found.month, found.day) == until
    assert (found.hour, found.minute) == (0, 0)


@pytest.mark.parametrize(
    ("unit", "multiplier", "by_agent", "expected"),
    [
        ("credits", None, False, False),
        ("credits", None, True, False),
        ("credits", 0.0, False, True),
        ("requests", 1.0, False, False),
        ("requests", 1.0, True, True),
        ("requests", 0.0, False, True),
    ],
)
def test_what_costs_nothing_is_free(
    unit: str, multiplier: float | None, by_agent: bool, expected: bool
) -> None:
    limit = Limit(unit, 1.0, "day", stops=True)  # type: ignore[arg-type]
    assert free(limit, multiplier=multiplier, by_agent=by_agent) is expected


def test_a_small_budget_is_not_told_as_none() -> None:
    assert amount(Limit("credits", 0.004, "day", stops=True)) == "0.004 AI credits a day"


def test_the_client_is_told_whose_budget_it_is_and_where_to_change_it() -> None:
    found = refusal(
        Budget(Limit("requests", 1234.5, "month", stops=True), 2000, ends("month", NOON))
    )
    assert str(found) == (
        "Your own budget of 1,234.5 premium requests a month is used up until 2026-12-01. "
        "Change it in Copilot Desktop under Usage, Budget."
    )
    assert found.status == 402
    assert not found.retryable
