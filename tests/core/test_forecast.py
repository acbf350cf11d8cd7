"""Pace and forecast: what is said of a meter, and when it is better to say nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from copilot_desktop.core.forecast import DAY, Pace, pace, per_day, share_used, speed
from copilot_desktop.core.ledger import MeterDay
from copilot_desktop.upstream.quota import Meter
from copilot_desktop.upstream.quota_meters import meters_of

NOW = 1_795_262_400.0
TODAY = date(2026, 11, 21)


def plan(used: float, passed: float, **more: Any) -> Meter:
    """1,500 credits in 30 days, of which `passed` days are over."""
    usual = Meter(
        "premium_interactions",
        "AI credits",
        "metered",
        "credits",
        used=used,
        limit=1500.0,
        left=1500.0 - used,
        percent_used=used / 15,
        window_start=NOW - passed * DAY,
        resets_at=NOW + (30 - passed) * DAY,
    )
    return replace(usual, **more)


@pytest.mark.parametrize(
    ("given", "said", "runs_out_in", "by_reset"),
    [
        ((750, 15, None), ("on", 0), None, 1500),
        ((700, 15, None), ("on", -3), None, 1400),
        ((300, 15, None), ("lasts", -30), None, 600),
        ((1200, 15, None), ("ahead", 30), 3.75, 2400),
        ((840, 15, None), ("ahead", 6), 11.79, 1680),
        # A quiet week after a wild start: ahead of pace, and yet it lasts.
        ((900, 15, 0.0), ("ahead", 10), None, 900 + 15 * 18),
        # A slow start and a wild week: behind the pace, and yet it does not last.
        ((600, 15, 150.0), ("faster", -10), 7.69, 600 + 15 * 117),
        ((750, 15, 50.0), ("on", 0), None, 1500),
    ],
)
def test_pace(
    given: tuple[float, float, float | None],
    said: tuple[str, int],
    runs_out_in: float | None,
    by_reset: float,
) -> None:
    used, passed, week = given
    found = pace(plan(used, passed), NOW, week)
    assert found is not None
    assert (found.kind, found.points) == said
    assert found.by_reset == pytest.approx(by_reset)
    if runs_out_in is None:
        assert found.runs_out is None
    else:
        assert found.runs_out is not None
        assert (found.runs_out - NOW) / DAY == pytest.approx(runs_out_in, abs=0.01)


@pytest.mark.parametrize(
    "meter",
    [
        plan(10, 0.5),  # less than 3 % of the period
        plan(1500, 15),  # used up: there is no pace any more
        plan(1500, 15, overage=38.0, overage_ok=True),
        plan(100, 31),  # the period is over, GitHub has not said so yet
        plan(100, 15, resets_at=None),
        plan(100, 15, window_start=None),
        plan(100, 15, percent_used=None, limit=None),
        plan(4, 15, unit="requests"),  # a handful
        plan(0, 15, kind="included"),
        plan(0, 15, kind="unmetered"),
        plan(0, 15, kind="unknown"),
        plan(0, 15, limit=0.0, percent_used=None),  # a pooled seat's 0/0
    ],
)
def test_nothing_is_said_where_nothing_is_known(meter: Meter) -> None:
    assert pace(meter, NOW) is None


def test_a_window_of_which_only_the_share_is_known_has_a_pace_without_amounts() -> None:
    weekly = Meter(
        "weekly",
        "Weekly limit",
        "window",
        "percent",
        percent_used=81.0,
        window_start=NOW - 5 * DAY,
        resets_at=NOW + 2 * DAY,
    )
    found = pace(weekly, NOW)
    assert found is not None
    assert (found.kind, found.points, found.by_reset) == ("ahead", 10, None)
    assert found.runs_out is not None
    assert NOW < found.runs_out < NOW + 2 * DAY


def test_no_amount_beyond_the_limit_is_told_of_what_is_on_pace() -> None:
    found = pace(plan(770, 15), NOW)
    assert found is not None
    assert (found.kind, found.by_reset) == ("on", None)


def test_nothing_used_lasts() -> None:
    assert pace(plan(0, 15), NOW) == Pace("lasts", -50, None, 0.0)


def test_a_share_is_never_below_zero() -> None:
    assert share_used(plan(0, 15, percent_used=-12.5)) == 0.0
    assert share_used(plan(1500, 15, overage=75.0)) == pytest.approx(1.05)
    assert share_used(Meter("x", "x", "unknown")) is None


def readings(*pairs: tuple[int, float]) -> list[MeterDay]:
    """`(days ago, used)`"""
    return [
        MeterDay((TODAY - timedelta(days=ago)).isoformat(), "", "credits", used)
        for ago, used in pairs
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], None),
        ([(0, 50.0)], None),
        ([(6, 10.0), (0, 50.0)], None),  # not yet a week
        ([(7, 10.0), (0, 80.0)], 10.0),
        ([(20, 1.0), (7, 10.0), (3, 45.0), (0, 80.0)], 10.0),
        ([(10, 10.0), (0, 110.0)], 10.0),  # the app was not started in between
        ([(7, 90.0), (4, 100.0), (3, 4.0), (0, 60.0)], 10.0),  # a new period began
        ([(9, 50.0)], 0.0),
        ([(7, 545.6), (3, 556.5), (0, 555.6)], 10 / 7),  # told in per cent, then as an amount
        ([(7, 80.2), (0, 80.0)], 0.0),
    ],
)
def test_speed_of_the_last_week(given: list[tuple[int, float]], expected: float | None) -> None:
    assert speed(readings(*given), TODAY.isoformat()) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "period", "expected"),
    [
        ([], 1, None),
        ([0.0, 0.0], 2, None),
        ([4.0], 1, 4.0),  # only today
        ([2.0, 4.0, 9.0], 3, 3.0),  # today is not over, so it does not count
        ([1.0] * 20 + [0.0], 21, 1.0),
        ([0.0] * 10 + [2.0] * 7 + [0.0], 18, pytest.approx(0.7 * 2 + 0.3 * 14 / 17)),
        ([9.0] * 10 + [2.0] * 7 + [0.0], 8, pytest.approx(2.0)),  # the last period is over
    ],
)
def test_what_to_expect_of_a_coming_day(
    values: list[float], period: int, expected: float | None
) -> None:
    assert per_day(values, period) == expected


RESET = {"quota_reset_date_utc": "2026-12-01T00:00:00.000Z", "token_based_billing": True}


def answer(name: str = "premium_interactions", **snapshot: Any) -> dict[str, Any]:
    return {**RESET, "quota_snapshots": {name: snapshot}}


@pytest.mark.parametrize(
    ("given", "kind", "used", "said"),
    [
        pytest.param(
            answer(entitlement=1500, quota_remaining=944.4, percent_remaining=62.9),
            "metered", 555.6, "lasts", id="credits",
        ),
        pytest.param(
            answer(entitlement=300, remaining=20, percent_remaining=6.7)
            | {"token_based_billing": False},
            "metered", 280.0, "ahead", id="premium requests",
        ),
        pytest.param(
            {
                "limited_user_quotas": {"chat": 420},
                "monthly_quotas": {"chat": 500},
                "limited_user_reset_date": "2026-12-01",
            },
            "metered", 80.0, "lasts", id="Free",
        ),
        pytest.param(
            answer(entitlement=-1, unlimited=True), "included", None, None, id="unlimited"
        ),
        pytest.param(
            answer(entitlement=0, remaining=0, percent_remaining=100),
            "unmetered", None, None, id="pooled 0/0",
        ),
        pytest.param(
            answer(
                entitlement=300, remaining=0, percent_remaining=0,
                overage_count=38, overage_permitted=True,
            ),
            "metered", 300.0, None, id="over the limit",
        ),
        pytest.param(
            answer(entitlement=300, quota_remaining=-1.0, percent_remaining=-0.33),
            "metered", 300.0, None, id="a negative percentage",
        ),
        pytest.param(
            answer(entitlement="300", remaining="150", percent_remaining="50"),
            "metered", 150.0, "lasts", id="texts instead of numbers",
        ),
        pytest.param(
            answer("nightly_gizmos", entitlement=300, remaining=30, percent_remaining=10),
            "metered", 270.0, "ahead", id="a name nobody knows",
        ),
        pytest.param(answer("odd"), "unknown", None, None, id="nothing told"),
        pytest.param(
            {"quota_snapshots": {"chat": {"entitlement": 300, "remaining": 30}}},
            "metered", 270.0, None, id="no reset date",
        ),
    ],
)  # fmt: skip
def test_every_way_of_counting_ends_in_honest_words(
    given: dict[str, Any], kind: str, used: float | None, said: str | None
) -> None:
    (meter,) = meters_of(given)
    found = pace(meter, NOW)
    assert meter.kind == kind
    assert meter.used == (None if used is None else pytest.approx(used))
    assert (found.kind if found else None) == said
