"""The history in numbers: sums, days, forecast, and the hint about the cache."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import Any

import pytest

from copilot_desktop.core.history import MOST_ROWS, grouped, history, low_cache, unit_of
from copilot_desktop.core.ledger import Use
from copilot_desktop.upstream.quota import Meter

NOON = time.mktime((2026, 11, 21, 12, 0, 0, 0, 0, -1))
TODAY = date(2026, 11, 21)
CREDITS = Meter(
    "premium_interactions",
    "AI credits",
    "metered",
    "credits",
    used=100.0,
    limit=1500.0,
    window_start=time.mktime((2026, 11, 1, 0, 0, 0, 0, 0, -1)),
    resets_at=time.mktime((2026, 12, 1, 0, 0, 0, 0, 0, -1)),
)
PREMIUM = Meter("premium", "Premium requests", "metered", "requests", used=1.0, limit=300.0)
CHAT = Meter("chat", "Chat messages", "metered", "messages", used=1.0, limit=500.0)
INCLUDED = Meter("chat", "Chat", "included", "credits")


def use(ago: int, client: str = "Codex", model: str = "m", **more: Any) -> Use:
    cost = more.pop("credits", 1.0)
    day = (TODAY - timedelta(days=ago)).isoformat()
    usual = {"requests": 1, "nano_credits": int(cost * 1e9)}
    return Use(day, "", client, model, **(usual | more))


def told(uses: list[Use], meters: tuple[Meter, ...] = (CREDITS,), **more: Any) -> dict[str, Any]:
    return history(uses, meters, **({"days": 7, "by": "client", "now": NOON} | more))


def test_each_day_has_one_number_and_today_is_the_last() -> None:
    found = told([use(0, credits=2.5), use(0, "Zed"), use(3), use(6), use(7, credits=99)])
    assert found["first"] == "2026-11-15"
    assert found["values"] == [1.0, 0, 0, 1.0, 0, 0, 3.5]
    assert found["requests"] == [1, 0, 0, 1, 0, 0, 2]
    assert found["since"] == "2026-11-14", "the oldest there is, shown or not"
    assert found["total"]["credits"] == 5.5


def test_rows_are_sums_by_what_was_chosen() -> None:
    uses = [
        use(0, "Codex", "a", input=100, cache_read=300, output=5, credits=1),
        use(1, "Codex", "b", input=50, cache_write=50, credits=4, failed=1),
        use(1, "Zed", "a", credits=2, premium=1.5),
    ]
    by_client = told(uses)["rows"]
    assert [row["name"] for row in by_client] == ["Codex", "Zed"]
    assert by_client[0] == {
        "name": "Codex",
        "requests": 2,
        "failed": 1,
        "input": 500,
        "output": 5,
        "cached": 0.6,
        "credits": 5.0,
        "premium": 0.0,
    }
    assert by_client[1]["cached"] is None, "nothing was read, so there is no share"
    assert [row["name"] for row in told(uses, by="model")["rows"]] == ["b", "a"]
    assert [row["name"] for row in told(uses, by="day")["rows"]] == ["2026-11-21", "2026-11-20"]


def test_many_names_stay_small() -> None:
    found = told([use(0, f"client {n}", credits=n) for n in range(MOST_ROWS + 7)])
    assert len(found["rows"]) == MOST_ROWS
    assert found["more"] == 7
    assert found["total"]["requests"] == MOST_ROWS + 7


@pytest.mark.parametrize(
    ("meters", "uses", "unit"),
    [
        ((CREDITS, CHAT), [], "credits"),
        ((PREMIUM, INCLUDED), [use(0)], "premium"),
        ((CHAT,), [use(0)], "requests"),
        ((INCLUDED,), [use(0)], "credits"),
        ((), [use(0, credits=0, premium=0.33)], "premium"),
        ((), [use(0, credits=0)], "requests"),
        ((), [], "requests"),
        ((Meter("x", "x", "unmetered", "credits"),), [], "requests"),
    ],
)
def test_the_unit_is_the_one_of_the_plan(
    meters: tuple[Meter, ...], uses: list[Use], unit: str
) -> None:
    assert unit_of(meters, uses) == unit
    assert told(uses, meters)["unit"] == unit


def test_the_forecast_covers_the_days_until_the_reset() -> None:
    found = told([use(ago, credits=2) for ago in range(1, 15)])
    assert found["forecast"] == [2.0] * 9  # 22 to 30 November


@pytest.mark.parametrize(
    "meters",
    [
        (),
        (INCLUDED,),
        (PREMIUM,),  # no dates
        (Meter("p", "p", "metered", "credits", window_start=NOON - 1e6, resets_at=NOON - 1),),
    ],
)
def test_no_forecast_without_a_reset(meters: tuple[Meter, ...]) -> None:
    assert told([use(ago) for ago in range(9)], meters)["forecast"] == []


def test_nothing_used_is_an_empty_history() -> None:
    found = told([])
    assert found["since"] is None
    assert found["rows"] == []
    assert found["forecast"] == []
    assert found["values"] == [0.0] * 7


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        (
            [use(0, requests=30, input=300_000, cache_read=20_000)],
            {"client": "Codex", "share": 0.0625},
        ),
        ([use(0, requests=30, input=300_000, cache_read=200_000)], None),  # well cached
        ([use(0, requests=30, input=30_000)], None),  # short requests have nothing to cache
        ([use(0, requests=5, input=900_000)], None),  # a few say nothing
        ([], None),
    ],
)
def test_a_low_share_of_cache_is_told_only_where_it_means_something(
    uses: list[Use], expected: dict[str, Any] | None
) -> None:
    assert low_cache(grouped(uses, "client", "credits")) == expected


def test_of_several_the_one_that_costs_most_is_named() -> None:
    uses = [
        use(0, "Zed", requests=30, input=300_000),
        use(0, "aider", requests=30, input=900_000),
    ]
    assert told(uses)["low_cache"]["client"] == "aider"
