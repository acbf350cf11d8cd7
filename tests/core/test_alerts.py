"""Each piece of news once for its cause and cycle, whatever restarts, wavers or comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from copilot_desktop.core.alerts import Alert, Memory, due
from copilot_desktop.core.budget import Budget, Limit
from copilot_desktop.core.settings import Preferences, Settings
from copilot_desktop.core.state import Spending, State, Surroundings
from copilot_desktop.errors import PortTaken, Problem
from copilot_desktop.proxy.approvals import Question
from copilot_desktop.proxy.brakes import BrakesState
from copilot_desktop.proxy.circuit import Halt
from copilot_desktop.proxy.controller import ProxyState
from copilot_desktop.upstream.quota import Meter, QuotaSnapshot
from copilot_desktop.upstream.session import Account

NOW = 1_800_000_000.0
DAY = 86_400.0
ME = Account(state="signed_in", id=7)
TAKEN = PortTaken(fields={"port": "4141", "holder": "node", "next": "4142"})


def meter(percent: float, **facts: Any) -> Meter:
    given: dict[str, Any] = {
        "id": "premium_interactions", "name": "Premium requests", "kind": "metered",
        "unit": "requests", "limit": 300.0, "percent_used": percent,
        "left": 300 - 3 * percent, "resets_at": NOW + 10 * DAY, "exhausted": percent >= 100,
    }  # fmt: skip
    return Meter(**{**given, **facts})


def used(percent: float, **facts: Any) -> State:
    return State(account=ME, quota=QuotaSnapshot("ready", (meter(percent, **facts),), NOW))


def told(state: State, memory: Memory, now: float = NOW) -> tuple[list[str], Memory]:
    alerts, kept = due(state, memory, now)
    return [alert.id for alert in alerts], kept


def story(*steps: tuple[State, float]) -> list[list[str]]:
    """What is told at each step, with the memory going from one to the next."""
    found, memory = [], dict[str, float | None]()
    for state, now in steps:
        ids, kept = told(state, memory, now)
        memory = dict(kept)
        found.append(ids)
    return found


def test_what_this_app_does_not_use_is_no_news() -> None:
    assert told(used(100, id="completions", name="Code completions"), {})[0] == []


def test_each_threshold_is_told_once_in_a_period_and_again_in_the_next() -> None:
    later = NOW + 11 * DAY
    fresh = {"resets_at": NOW + 40 * DAY}
    steps = [
        (used(74), NOW), (used(75), NOW), (used(80), NOW), (used(90), NOW), (used(95), NOW),
        (used(76, **fresh), later), (used(77, **fresh), later),
    ]  # fmt: skip
    assert story(*steps) == [[], ["low"], [], ["low"], [], ["low"], []]


def test_two_thresholds_at_once_are_one_piece_of_news() -> None:
    assert story((used(93), NOW), (used(94), NOW)) == [["low"], []]


def test_other_thresholds_are_those_of_the_settings() -> None:
    preferences = Preferences.of(Settings(alert_low=10, alert_high=20))
    state = replace(used(12), preferences=preferences)
    assert told(state, {})[0] == ["low"]
    assert told(replace(used(9), preferences=preferences), {})[0] == []


def test_used_up_is_told_once_and_wavering_numbers_are_no_news() -> None:
    steps = [(used(100), NOW), (used(99.4), NOW), (used(100), NOW), (used(99), NOW)]
    assert story(*steps) == [["exhausted"], [], [], []]


def test_an_old_number_is_no_news_after_its_period_and_the_next_one_says_that_it_is_back() -> None:
    after = NOW + 10 * DAY + 60
    steps = [
        (used(100), NOW),
        (used(100), after),  # not asked again yet
        (used(0, resets_at=NOW + 40 * DAY), after + 60),
        (used(1, resets_at=NOW + 40 * DAY), after + 90),
        (used(100, resets_at=NOW + 40 * DAY), after + 120),
    ]
    assert story(*steps) == [["exhausted"], [], ["reset"], [], ["exhausted"]]


def test_a_moment_that_wavers_is_the_same_period() -> None:
    steps = [(used(80, resets_at=NOW + 5 * DAY + wobble), NOW + wobble) for wobble in (0, 2, 1, 7)]
    assert story(*steps) == [["low"], [], [], []]


def test_a_bigger_plan_begins_anew() -> None:
    steps = [(used(100), NOW), (used(20), NOW + 60), (used(100), NOW + 120)]
    assert story(*steps) == [["exhausted"], ["reset"], ["exhausted"]]


def test_a_meter_that_does_not_say_when_it_comes_back_is_told_again_after_forty_days() -> None:
    steps = [(used(80, resets_at=None), NOW + days * DAY) for days in (0, 20, 39, 41)]
    assert story(*steps) == [["low"], [], [], ["low"]]


def test_use_beyond_the_limit_is_told_once() -> None:
    over = {"overage_ok": True, "overage": 3.0, "exhausted": False}
    assert story((used(100, **over), NOW), (used(100, **over), NOW)) == [["overage"], []]


def test_what_is_included_or_unknown_is_never_told() -> None:
    for kind in ("included", "unmetered", "unknown"):
        assert told(used(100, kind=kind), {})[0] == []


def test_each_account_has_its_own_news() -> None:
    other = replace(used(80), account=replace(ME, id=8))
    assert story((used(80), NOW), (other, NOW), (used(80), NOW)) == [["low"], ["low"], []]


def test_a_restart_tells_nothing_twice() -> None:
    """The first moments of a run know neither account nor meters."""
    state = replace(used(100), account=Account(state="expired", id=0))
    _, memory = told(state, {})
    _, memory = told(State(), memory, NOW + 5)
    assert told(state, memory, NOW + 9)[0] == []


def test_a_sign_in_that_is_lost_again_is_told_again() -> None:
    expired, fine = State(account=Account(state="expired", id=7)), State(account=ME)
    steps = [(expired, NOW), (State(), NOW), (expired, NOW), (fine, NOW), (expired, NOW)]
    assert story(*steps) == [["signin"], [], [], [], ["signin"]]


def proxy(phase: Any, listener: Any, problem: Problem | None = None) -> State:
    return State(proxy=ProxyState(phase, problem=problem), app=Surroundings(listener=listener))


def test_a_port_that_is_taken_at_the_start_and_a_listener_that_is_lost_are_two_things() -> None:
    assert told(proxy("error", "new", TAKEN), {})[0] == ["port_login"]
    assert told(proxy("error", "fine", TAKEN), {})[0] == []  # it is being brought back
    assert told(proxy("error", "lost", TAKEN), {})[0] == ["crashed"]
    lost, fine = proxy("error", "lost"), proxy("running", "fine")
    assert story((lost, NOW), (lost, NOW), (fine, NOW), (lost, NOW)) == [
        ["crashed"], [], [], ["crashed"],
    ]  # fmt: skip


def questions(*asked: tuple[int, str]) -> State:
    rows = tuple(Question(number, client, "gpt-5", NOW, NOW + 120) for number, client in asked)
    return State(brakes=BrakesState(questions=rows))


def test_each_question_is_told_once_and_a_burst_of_one_client_too() -> None:
    burst = questions((1, "Codex"), (2, "Codex"), (3, "Zed"))
    alerts, memory = due(burst, {}, NOW)
    assert alerts == (
        Alert("approval", {"client": "Codex"}),
        Alert("approval", {"client": "Zed"}),
    )
    assert told(burst, memory)[0] == []
    ids, memory = told(questions((3, "Zed"), (4, "Codex")), memory)
    assert ids == ["approval"]
    # Numbers begin anew with the app.
    _, memory = told(State(), memory)
    assert told(questions((1, "Codex")), memory)[0] == ["approval"]


def test_a_warning_is_told_once_and_a_pause_that_ends_by_itself_is_not() -> None:
    def halted(reason: Any, since: float = NOW) -> State:
        return State(brakes=BrakesState(halt=Halt(reason, since, since + 1800)))

    warned = halted("warned")
    assert story((warned, NOW), (warned, NOW), (halted("warned", NOW + 9), NOW)) == [
        ["paused"], [], ["paused"],
    ]  # fmt: skip
    assert told(halted("refused"), {})[0] == []


@pytest.mark.parametrize("odd", ["", "low", "low|x|7|premium_interactions", "exhausted||||", "|||"])
def test_a_memory_that_somebody_has_edited_stops_nothing(odd: str) -> None:
    for until in (None, NOW - 1, NOW + 1):
        assert told(used(10), {odd: until})[0] == []


def budgeted(used: float, limit: float = 20.0, resets_at: float = NOW + DAY) -> State:
    budget = Budget(Limit("credits", limit, "day", stops=True), used, resets_at)
    return State(account=ME, spending=Spending(budget=budget))


def test_a_budget_is_told_at_four_fifths_and_at_its_end_and_again_in_the_next_period() -> None:
    later, end = NOW + DAY + 1, NOW + 2 * DAY
    steps = [
        (budgeted(15), NOW), (budgeted(16), NOW), (budgeted(17), NOW), (budgeted(20), NOW),
        (budgeted(25), NOW), (budgeted(17, resets_at=end), later),
    ]  # fmt: skip
    assert story(*steps) == [[], ["budget_low"], [], ["budget_spent"], [], ["budget_low"]]


def test_a_budget_for_another_period_is_another_one() -> None:
    month = Budget(Limit("credits", 20.0, "month", stops=True), 30, NOW + 9 * DAY)
    told = State(account=ME, spending=Spending(budget=month))
    assert story((told, NOW), (budgeted(10), NOW), (budgeted(25), NOW)) == [
        ["budget_spent"], [], ["budget_spent"],
    ]  # fmt: skip


def test_a_budget_that_is_spent_at_once_is_one_piece_of_news_and_a_larger_one_is_new() -> None:
    steps = [(budgeted(30), NOW), (budgeted(30, 35.0), NOW), (budgeted(30, 100.0), NOW)]
    assert story(*steps) == [["budget_spent"], ["budget_low"], []]
