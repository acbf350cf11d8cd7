"""The tables, for people and for `docs/performance.md`: all from one value, which is the JSON."""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.goals import FIGURES, GOALS, LIMITS, Samples, judged, reached
from bench.targets import NAMES, OURS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- written by bench: {} -->", "<!-- end of {} -->"
Results = Mapping[str, Any]


def number(value: float | None) -> str:
    if value is None:
        return "–"
    if math.isinf(value):
        return "never"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.005 else f"{value:.2g}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def middle(values: Sequence[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return statistics.median(found) if found else None


def figures(samples: Samples) -> str:
    """Medians of all targets."""
    names = [name for name in NAMES if name in samples]
    rows = []
    for figure, words in FIGURES.items():
        values = [middle(samples[name].get(figure, ())) for name in names]
        if any(value is not None for value in values):
            rows.append([words, *map(number, values)])
    return table(["figure", *names], rows)


def goals(samples: Samples, target: str = OURS) -> str:
    rows = []
    for goal in GOALS:
        verdict = judged(goal, samples, target)
        words = FIGURES[goal.figure] if goal.of is None else FIGURES[goal.figure].rpartition(",")[0]
        words = words.replace("– the same", "CPU per chunk, paced" if "paced" in goal.figure
                              else "CPU per chunk, full speed")  # fmt: skip
        against = "" if goal.of is None else f" × {goal.of}"
        if verdict is None:
            found, spread, word = "–", "–", "–"
        else:
            found, word = number(verdict.middle), verdict.reached
            spread = f"{number(verdict.low)} to {number(verdict.high)}"
        name = f"added: {words}" if goal.added else words
        limit = "≥ " if goal.least else ""
        must = f"{limit}{number(goal.must)}{against}"
        rows.append([name, must, f"{limit}{number(goal.aim)}", found, spread, word])
    return table(["goal", "must", "aim", "measured", "rounds", "reached"], rows)


def apart(found: Mapping[str, float]) -> str:
    """The window's and the page's figures, with their limits where there are any."""
    limits = {limit.figure: limit for limit in LIMITS}
    rows = []
    for name, value in found.items():
        limit = limits.get(name)
        word = "–" if limit is None else {"no": "no"}.get(reached(limit, value), "yes")
        rows.append([name, number(limit.must) if limit else "–", number(value), word])
    return table(["figure", "limit", "measured", "reached"], rows)


def strength(found: Mapping[str, Any]) -> str:
    """Whether the fake and the client were fast enough to measure our app."""
    return (
        f"Fake and client ({found['loop']}): with a pace they used at most {found['fake']:.0%} and "
        f"{found['client']:.0%} of a core; without one {OURS} needed "
        f"{number(found['app to fake'])} times the fake's CPU and "
        f"{number(found['app to client'])} times the client's."
    )


def opening(results: Results) -> str:
    facts = results["facts"]
    told = [
        f"{facts['system']}, {facts['processor'] or 'processor unknown'}, {facts['cores']} cores",
        f"Python {facts['python']}",
        f"{facts['date']}",
        f"load {facts['load before']} before the run",
    ]
    return "; ".join(told) + "."


def parts(results: Results) -> dict[str, str]:
    """Name of a part → its text in Markdown, for the page's places of these names."""
    found = {}
    for mode, one in results.get("modes", {}).items():
        rounds = f"Medians; rounds: {one['rounds']}. {strength(one['strength'])}"
        note = f"{opening(results)}\n{rounds}"
        found[mode] = "\n\n".join([note, goals(one["samples"]), figures(one["samples"])])
    for part in ("desktop", "page"):
        if results.get(part):
            found[part] = f"{opening(results)}\n\n{apart(results[part])}"
    return found


def write(results: Results, page: Path = PAGE) -> list[str]:
    """Put the parts into their places on the page. Returns those it has a place for."""
    text, written = page.read_text(encoding="utf-8"), []
    for name, part in parts(results).items():
        begin, end = BEGIN.format(name), END.format(name)
        place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if (found := place.search(text)) is not None:
            text = f"{text[: found.start()]}{begin}\n\n{part}\n\n{end}{text[found.end() :]}"
            written.append(name)
    page.write_text(text, encoding="utf-8")
    return written


def dump(results: Results, path: Path) -> None:
    """As JSON, where never is the text `never`."""
    path.write_text(json.dumps(_spoken(results), indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = _heard(json.loads(path.read_text(encoding="utf-8")))
    return found


def _spoken(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _spoken(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_spoken(each) for each in value]
    return "never" if value == math.inf else value


def _heard(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _heard(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_heard(each) for each in value]
    return math.inf if value == "never" else value
