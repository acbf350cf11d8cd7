"""When sending stops by itself, for how long, and what a restart changes: nothing."""

from __future__ import annotations

import json

import pytest

from copilot_desktop.errors import Blocked, Busy, Overloaded, Paused, Problem, RateLimited
from copilot_desktop.proxy.circuit import COOL_DOWN, Circuit

MODEL, OTHER = "gpt-4.1", "claude-sonnet-5"


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit(clock)


def warning(**more: object) -> Blocked:
    return Blocked("Unusual activity was detected.", upstream_status=403, **more)


def door() -> Blocked:
    return Blocked("forbidden", upstream_status=403)


def limit(seconds: float | None = 20.0, code: str = "user_model_rate_limited") -> RateLimited:
    return RateLimited("Slow down.", code=code, retry_after=seconds, upstream_status=429)


def refused(circuit: Circuit, model: str = MODEL) -> Problem | None:
    try:
        circuit.check(model)
    except Problem as problem:
        return problem
    return None


# --- warnings ----------------------------------------------------------------------------------


def test_one_warning_stops_every_model_until_the_user_resumes(circuit, clock):
    assert circuit.heard(warning(code="extension_blocked"), MODEL)
    for model in (MODEL, OTHER, ""):
        problem = refused(circuit, model)
        assert isinstance(problem, Paused)
        assert "Unusual activity was detected." in problem.message
        assert "resume" in problem.message
        assert problem.retry_after is None
    clock.now += 400 * 86_400.0
    assert isinstance(refused(circuit), Paused), "it ended by itself"
    circuit.resume()
    assert refused(circuit) is None


def test_its_countdown_is_githubs_own_where_that_is_longer(circuit, clock):
    circuit.heard(warning())
    assert circuit.halt.until == clock.now + COOL_DOWN
    circuit.resume()
    problem = RateLimited("abuse detection", retry_after=7200.0, upstream_status=403)
    circuit.heard(problem)
    assert circuit.halt.until == clock.now + 7200.0


def test_the_same_problem_told_again_does_not_undo_a_resume(circuit):
    problem = warning()
    assert circuit.heard(problem)
    circuit.resume()
    assert not circuit.heard(problem)
    assert refused(circuit) is None
    assert circuit.heard(warning())


def test_problems_that_are_told_in_turns_count_once_each(circuit):
    one, other = door(), warning()
    for problem in (one, other, one, other, one):
        circuit.heard(problem)
    circuit.resume()
    for problem in (other, one, other, one, one):
        assert not circuit.heard(problem)
    assert refused(circuit) is None
    first, second = door(), door()
    for problem in (first, second, first, second, first):
        circuit.heard(problem)
    assert refused(circuit) is None, "two closed doors were taken for five"


def test_an_answer_that_was_under_way_ends_no_halt(circuit, clock):
    began = clock.now
    clock.now += 5
    circuit.heard(warning())
    clock.now += 5
    circuit.well(MODEL, began)
    assert circuit.halt is not None


# --- closed doors ------------------------------------------------------------------------------


def test_three_closed_doors_in_ten_seconds_stop_for_half_a_minute(circuit, clock):
    for _ in range(2):
        assert not circuit.heard(door())
        clock.now += 4
    assert refused(circuit) is None
    assert circuit.heard(door())
    problem = refused(circuit, OTHER)
    assert isinstance(problem, Paused)
    assert problem.retry_after == pytest.approx(30)
    assert "30 seconds" in problem.message
    clock.now += 31
    assert refused(circuit) is None, "it resumes by itself"


def test_doors_that_are_far_apart_stop_nothing(circuit, clock):
    for _ in range(10):
        circuit.heard(door())
        clock.now += 6
    assert refused(circuit) is None


def test_the_pause_doubles_up_to_five_minutes_until_an_answer_comes(circuit, clock):
    lengths = []
    for _ in range(3):
        circuit.heard(door())
    for _ in range(6):
        lengths.append(circuit.halt.until - clock.now)
        clock.now += lengths[-1] + 1
        circuit.heard(door())  # one is enough now
    assert lengths == pytest.approx([30, 60, 120, 240, 300, 300])
    clock.now += 301
    circuit.well(MODEL, clock.now)
    clock.now += 1
    circuit.heard(door())
    assert circuit.halt is None


def test_an_answer_in_between_starts_the_count_again(circuit, clock):
    for _ in range(2):
        circuit.heard(door())
    clock.now += 1
    circuit.well(MODEL, clock.now)
    for _ in range(2):
        circuit.heard(door())
    assert refused(circuit) is None


# --- limits ------------------------------------------------------------------------------------


def test_after_three_limits_the_next_request_is_answered_here_with_what_is_left(circuit, clock):
    for _ in range(2):
        circuit.heard(limit(), MODEL)
        assert refused(circuit) is None
    circuit.heard(limit(), MODEL)
    clock.now += 8
    problem = refused(circuit)
    assert isinstance(problem, RateLimited)
    assert problem.retry_after == pytest.approx(12)
    assert problem.code == "user_model_rate_limited"
    assert problem.message == "GitHub Copilot asks to wait 12 seconds. Slow down."
    assert refused(circuit, OTHER) is None
    clock.now += 12.5
    assert refused(circuit) is None
    circuit.heard(limit(40), MODEL)
    assert refused(circuit).retry_after == pytest.approx(40), "a limit that goes on counts at once"


def test_a_limit_of_the_account_holds_for_every_model(circuit):
    for model in (MODEL, OTHER, "third"):
        circuit.heard(limit(5400, "user_global_rate_limited"), model)
    assert refused(circuit, "fourth").retry_after == pytest.approx(5400)


def test_limits_of_different_kinds_or_models_are_not_added_up(circuit):
    circuit.heard(limit(), MODEL)
    circuit.heard(limit(), OTHER)
    circuit.heard(limit(code="user_global_rate_limited"), MODEL)
    circuit.heard(limit(code="rate_limited"), MODEL)
    circuit.heard(limit(), MODEL)
    assert refused(circuit) is None


def test_an_answer_breaks_the_row_but_not_a_limit_that_came_later(circuit, clock):
    for _ in range(2):
        circuit.heard(limit(), MODEL)
    clock.now += 1
    circuit.well(MODEL, clock.now)
    circuit.heard(limit(), MODEL)
    assert refused(circuit) is None
    began = clock.now - 10  # a long answer from before
    circuit.heard(limit(), MODEL)
    circuit.heard(limit(), MODEL)
    circuit.well(MODEL, began)
    assert refused(circuit) is not None
    circuit.well(OTHER, clock.now + 1)
    assert refused(circuit) is not None


def test_hits_an_hour_apart_are_not_in_a_row_and_a_limit_without_a_time_is_short(circuit, clock):
    for _ in range(5):
        circuit.heard(limit(), MODEL)
        clock.now += 3700
    assert refused(circuit) is None
    for _ in range(3):
        circuit.heard(limit(None), MODEL)
    assert refused(circuit).retry_after == pytest.approx(30)


def test_an_overload_is_no_limit_and_the_list_of_limits_is_bounded(circuit):
    for _ in range(5):
        circuit.heard(Overloaded("busy", upstream_status=503), MODEL)
    assert refused(circuit) is None
    for number in range(500):
        for _ in range(3):
            circuit.heard(limit(), f"model-{number}")
    assert len(circuit.limits) <= 64


def test_our_own_full_line_is_no_limit_of_githubs(circuit):
    for _ in range(5):
        assert not circuit.heard(Busy("Too many at once.", retry_after=20.0), MODEL)
    assert refused(circuit) is None


def test_resuming_leaves_limits(circuit):
    for _ in range(3):
        circuit.heard(limit(), MODEL)
    circuit.heard(warning())
    circuit.resume()
    assert isinstance(refused(circuit), RateLimited)


def test_another_plan_leaves_a_warning(circuit):
    for _ in range(3):
        circuit.heard(limit(), MODEL)
    circuit.heard(warning())
    circuit.forget_limits()
    assert isinstance(refused(circuit), Paused)
    circuit.resume()
    assert refused(circuit) is None


# --- over restarts -----------------------------------------------------------------------------


def test_a_restart_changes_nothing(circuit, clock):
    for _ in range(3):
        circuit.heard(limit(5400), MODEL)
    circuit.heard(warning(code="extension_blocked"))
    kept = json.loads(json.dumps(circuit.memory()))
    clock.now += 600
    again = Circuit(clock)
    again.recall(kept)
    assert again.halt == circuit.halt
    assert isinstance(refused(again), Paused)
    again.resume()
    assert refused(again).retry_after == pytest.approx(4800)
    assert refused(again, OTHER) is None


def test_what_is_over_is_not_taken_up_and_the_pause_goes_on_growing(circuit, clock):
    for _ in range(3):
        circuit.heard(door())
    kept = json.loads(json.dumps(circuit.memory()))
    clock.now += 31
    again = Circuit(clock)
    again.recall(kept)
    assert again.halt is None
    again.heard(door())
    assert again.halt.until == pytest.approx(clock.now + 60)


@pytest.mark.parametrize(
    "memory",
    [
        {},
        {"halt": 3, "stops": "x", "limits": 7},
        {"halt": {"reason": "because", "since": 1, "until": 2}},
        {"halt": {"reason": "refused", "since": 1, "until": "soon"}},
        {"limits": [None, {}, {"model": 3, "until": 1}, {"model": "a", "until": None}]},
        {"stops": -4, "limits": {"model": "a"}},
        {"halt": {"reason": "warned", "since": 1, "until": 10**400}},
        {"halt": {"reason": "warned", "since": float("nan"), "until": float("nan")}},
        {"limits": [{"model": MODEL, "until": 10**400}, {"model": MODEL, "until": float("inf")}]},
        {"limits": [{"model": MODEL, "until": 1.0, "since": 10**400}]},
    ],
)
def test_nonsense_in_the_memory_is_passed_over(circuit, memory):
    circuit.recall(memory)
    assert refused(circuit) is None


def test_a_pause_from_a_clock_that_was_wrong_is_no_longer_than_the_longest(circuit, clock):
    circuit.recall({"halt": {"reason": "refused", "since": 0, "until": clock.now + 1e9}})
    assert circuit.halt.until <= clock.now + 300


def test_what_began_by_a_clock_that_ran_ahead_ends_when_it_is_set_right(circuit, clock):
    clock.now += 86_400  # another system had left local time in it
    for _ in range(3):
        circuit.heard(limit(20), MODEL)
    kept = json.loads(json.dumps(circuit.memory()))
    clock.now -= 86_400
    again = Circuit(clock)
    again.recall(kept)
    assert refused(circuit) is None
    assert refused(again) is None
    circuit.well(MODEL, clock.now)
    clock.now += 86_400
    assert refused(circuit) is None, "an answer has broken the row"
    for _ in range(3):
        circuit.heard(door())
    clock.now -= 86_400
    assert refused(circuit) is None


def test_the_next_change_is_the_first_countdown_that_ends(circuit, clock):
    assert circuit.next_change is None
    for _ in range(3):
        circuit.heard(limit(20), MODEL)
    circuit.heard(warning())
    assert circuit.next_change == pytest.approx(clock.now + 20)
    clock.now += 21
    assert circuit.next_change == pytest.approx(clock.now - 21 + COOL_DOWN)
    clock.now += COOL_DOWN
    assert circuit.next_change is None
