"""`usage`: what this app has used, by client, model or day, as the window's Usage screen tells it.

The running app is asked first; without one its history is read from the disk. Needs no network. As
JSON: the answer of the verb `usage_history` (`core.history`) with `budget` added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from copilot_desktop import strings
from copilot_desktop.cli import DONE, Ended, say
from copilot_desktop.cli.account import core_alone, running_app
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core.settings import Preferences
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.core.state import Spending
from copilot_desktop.redaction import one_line

Json = Mapping[str, Any]

_COLUMNS = ("requests", "input", "cached", "output")


async def show(preferences: Preferences, invocation: Invocation) -> int:
    """Print the history. Raises Ended."""
    wanted = {"days": invocation.days, "by": invocation.by}
    if (app := await running_app(preferences)) is not None:
        found = await app.do("usage_history", wanted)
        state = await app.state()
    else:
        async with core_alone(preferences, invocation) as core:
            outcome = await core.verbs.do("usage_history", wanted)
            if not outcome.ok:
                raise Ended(outcome.message)
            found = outcome.to_json()
            spending = Spending(budget=core.books.present())  # the store is told a moment later
            state = snapshot(replace(core.store.state, spending=spending))
    told = {name: value for name, value in found.items() if name != "ok"}
    told["budget"] = state["usage"]["budget"]
    if invocation.json:
        say(json.dumps(told, indent=2))
        return DONE
    for line in words_for(told):
        say(line)
    return DONE


def words_for(told: Json) -> list[str]:
    """The history as lines for people."""
    if told["since"] is None:
        return [strings.text("usage.history.empty"), *_budget(told["budget"])]
    amount = _amount_column(told["unit"])
    columns = [*_COLUMNS, *([amount] if amount else [])]
    head = [strings.text(f"usage.history.col.{told['by']}")]
    head += [strings.text(f"usage.history.col.{name}") for name in columns]
    rows = [[one_line(row["name"]), *_cells(row, columns)] for row in told["rows"]]
    total = [strings.text("usage.history.total"), *_cells(told["total"], columns)]
    lines = [strings.text("usage.history.last_days", n=told["days"])]
    lines += _table([head, *rows, total])
    if told["more"]:
        lines.append(strings.text("usage.history.more", n=told["more"]))
    if (low := told["low_cache"]) is not None:
        share = _percent(low["share"])
        lines.append(
            strings.text("usage.history.low_cache", client=one_line(low["client"]), p=share)
        )
    return [*lines, *_budget(told["budget"]), strings.text("usage.chart.note")]


def _budget(budget: Json | None) -> list[str]:
    if budget is None:
        return []
    key = f"usage.budget.used_{budget['unit']}_{budget['period']}"
    used, limit = _number(budget["used"]), _number(budget["limit"])
    return [strings.text(key, used=used, limit=limit)]


def _amount_column(unit: str) -> str:
    return "" if unit == "requests" else unit


def _cells(row: Json, columns: Sequence[str]) -> list[str]:
    shown = {
        "requests": f"{row['requests']:,}",
        "input": _tokens(row["input"]),
        "cached": "–" if row["cached"] is None else f"{_percent(row['cached'])}\u202f%",
        "output": _tokens(row["output"]),
        "credits": _number(row["credits"]),
        "premium": _number(row["premium"]),
    }
    return [shown[name] for name in columns]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names to the left, numbers to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _percent(share: float) -> int:
    return round(share * 100)


def _tokens(count: int) -> str:
    if count < 1000:
        return str(count)
    if count < 1_000_000:
        return f"{count / 1000:.{1 if count < 10_000 else 0}f} K"
    return f"{count / 1_000_000:.1f} M"


def _number(value: float) -> str:
    if float(value).is_integer():
        return f"{value:,.0f}"
    if value < 0.01:  # so little would look like nothing
        return f"{value:.9f}".rstrip("0")
    return f"{value:,.1f}" if value >= 10 else f"{value:,.2f}"
