"""A made-up past for the account of a scenario, so that charts and tables have something to show.

The same every time: weekdays are busy, weekends mostly quiet, and some days are empty. Amounts stay
below what the account's own numbers say, as with a Copilot that is used in other places, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from copilot_desktop.demo.scenario import SCENARIOS, Scenario

DAYS = 75
_NANO = 1_000_000_000

# Client, model, requests on a busy day, thousands of tokens read for each, the part from the cache,
# tokens written for each, credits for each, premium requests for each turn of a person.
_HABITS = (
    ("Claude Code", "claude-sonnet-4.5", 46, 21.0, 0.86, 640, 0.27, 1.0),
    ("Claude Code", "claude-haiku-4.5", 18, 3.2, 0.41, 120, 0.03, 0.33),
    ("Codex", "gpt-5.3-codex", 22, 17.5, 0.79, 850, 0.21, 1.0),
    ("Zed", "gpt-4.1", 9, 2.4, 0.12, 310, 0.02, 0.0),
    ("aider", "gpt-5-mini", 26, 9.1, 0.07, 420, 0.015, 0.0),
)


def past(name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """`(days ago, row)`, yesterday first; a row has the columns of a usage table."""
    scenario = SCENARIOS[name]
    if scenario.who in {"no_access", "blocked"}:
        return
    for ago in range(1, DAYS):
        for place, habit in enumerate(_HABITS):
            share = _busy(ago, place)
            if share > 0:
                yield ago, _row(scenario, share, habit)


def _busy(ago: int, place: int) -> float:
    """0 to 1: how much of a busy day's work was done with one habit, so many days ago."""
    wave = math.sin(ago * 1.7 + place * 2.3) + math.sin(ago * 0.61 + place)
    quiet = ago % 7 in {0, 6} and place != 0
    share = (wave + 1.1) / 3.1 * (0.3 if ago % 7 in {0, 6} else 1.0)
    return 0.0 if quiet or ago % 19 == 11 else max(0.0, min(1.0, share))


def _row(scenario: Scenario, share: float, habit: tuple[Any, ...]) -> dict[str, Any]:
    client, model, busy, read, cached, written, credit, premium = habit
    requests = max(1, round(busy * share))
    whole = round(requests * read * 1000)
    tokens = scenario.era == "tokens" and scenario.who != "free"
    people = math.ceil(requests / 6)
    return {
        "client": client,
        "model": model,
        "requests": requests,
        "failed": requests // 40,
        "input": round(whole * (1 - cached)),
        "cache_read": round(whole * cached),
        "output": requests * written,
        "nano_credits": round(requests * credit * _NANO) if tokens else 0,
        "premium": people * premium if scenario.era == "multiplier" else 0.0,
    }
