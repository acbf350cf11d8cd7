"""What the benchmark makes of its figures, and that it writes only where it may."""

from __future__ import annotations

import math
from pathlib import Path

from bench import report
from bench.goals import FIGURES, GOALS, Goal, judged
from bench.targets import OURS

ADDED = Goal("ttft1", 4.0, 3.0, "nginx", added=True)


def test_an_added_figure_is_compared_within_each_round() -> None:
    samples = {
        "direct": {"ttft1": [1.0, 10.0, 1.0]},
        "nginx": {"ttft1": [2.0, 20.0, 2.0]},  # a busy round in the middle
        OURS: {"ttft1": [4.0, 40.0, 6.0]},
    }
    verdict = judged(ADDED, samples, OURS)
    assert verdict is not None
    assert (verdict.middle, verdict.low, verdict.high) == (3.0, 3.0, 5.0)
    assert verdict.reached == "aim"


def test_what_cannot_be_told_from_nothing_is_no_ratio() -> None:
    samples = {"direct": {"ttft1": [2.0]}, "nginx": {"ttft1": [1.9]}, OURS: {"ttft1": [4.0]}}
    assert judged(ADDED, samples, OURS) is None
    assert judged(ADDED, {"direct": {"ttft1": [1.0]}, OURS: {"ttft1": [2.0]}}, OURS) is None


def test_never_and_too_few_are_not_reached() -> None:
    leaving = next(goal for goal in GOALS if goal.figure == "leaving")
    running = next(goal for goal in GOALS if goal.figure == "open_running")
    never = judged(leaving, {OURS: {"leaving": [math.inf]}}, OURS)
    some = judged(running, {OURS: {"open_running": [352]}}, OURS)
    everyone = judged(running, {OURS: {"open_running": [500]}}, OURS)
    assert never is not None
    assert some is not None
    assert everyone is not None
    assert (never.reached, some.reached, everyone.reached) == ("no", "no", "aim")


def test_every_goal_names_a_figure() -> None:
    assert {goal.figure for goal in GOALS} <= FIGURES.keys()
    assert {goal.beside for goal in GOALS} - {None} <= FIGURES.keys()


def test_the_page_is_changed_between_its_marks_only(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    begin, end = report.BEGIN.format("desktop"), report.END.format("desktop")
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    facts = {"system": "x", "processor": "", "cores": 2, "python": "3", "date": "d",
             "load before": 0.0}  # fmt: skip
    results = {"facts": facts, "desktop": {"window visible, s": 0.9}, "page": {"weight": 1.0}}

    assert report.write(results, page) == ["desktop"]
    text = page.read_text()
    assert text.startswith(f"before\n{begin}\n")
    assert text.endswith(f"{end}\nafter\n")
    assert "old" not in text
    assert "| window visible, s | 1.5 | 0.9 | yes |" in text


def test_the_real_page_has_a_place_for_each_part() -> None:
    text = report.PAGE.read_text(encoding="utf-8")
    for part in ("tls", "plain", "desktop", "page"):
        assert text.count(report.BEGIN.format(part)) == 1
        assert text.count(report.END.format(part)) == 1


def test_a_kept_run_is_read_as_it_was(tmp_path: Path) -> None:
    kept = {"modes": {"tls": {"samples": {OURS: {"leaving": [math.inf, 1.5, None]}}}}}
    report.dump(kept, tmp_path / "run.json")
    assert report.load(tmp_path / "run.json") == kept
