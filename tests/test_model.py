"""What a model takes: effort and thinking budgets (`translation.md` §3.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.canonical import Effort
from copilot_desktop.model import LADDER, Model, budget_of_effort, effort_of_budget

efforts = st.sets(st.sampled_from(LADDER), min_size=1).map(tuple)


@pytest.mark.parametrize(
    ("listed", "wish", "given_effort"),
    [
        ("low medium high", "high", "high"),
        ("medium", "high", "medium"),
        ("medium", "low", "medium"),
        ("low high", "medium", "low"),
        ("low high max", "xhigh", "high"),
        ("none low", "minimal", "none"),
        ("low medium", "none", "low"),
    ],
)
def test_the_nearest_effort_is_below_first(listed: str, wish: str, given_effort: str) -> None:
    model = Model("m", efforts=tuple(Effort(word) for word in listed.split()))
    assert model.effort(Effort(wish)) == given_effort


@given(efforts, st.sampled_from(LADDER))
def test_an_effort_is_always_one_of_the_list(listed: tuple[Effort, ...], wish: Effort) -> None:
    assert Model("m", efforts=listed).effort(wish) in listed


def test_a_model_without_a_list_gets_no_effort() -> None:
    assert Model("m").effort(Effort.HIGH) is None


@pytest.mark.parametrize(
    ("wish", "max_tokens", "granted"),
    [
        (5000, None, 5000),
        (100, None, 1024),
        (90_000, None, 32_000),
        (5000, 4000, 3999),
        (5000, 1025, 1024),
        (5000, 1024, None),
        (5000, 1, None),
    ],
)
def test_budgets_stay_below_the_answer(wish: int, max_tokens: int | None, granted: int) -> None:
    assert Model("m").budget(wish, max_tokens) == granted


@pytest.mark.parametrize(
    ("tokens", "effort"),
    [
        (-1, "none"),
        (0, "none"),
        (1, "low"),
        (4096, "low"),
        (4097, "medium"),
        (16_384, "medium"),
        (16_385, "high"),
        (32_768, "high"),
        (32_769, "xhigh"),
    ],
)
def test_what_a_budget_means(tokens: int, effort: str) -> None:
    assert effort_of_budget(tokens) == effort


def test_budgets_rise_with_the_effort() -> None:
    budgets = [budget_of_effort(effort) for effort in LADDER]
    assert budgets == sorted(budgets)
    assert budgets[0] == 0
    assert (budget_of_effort(Effort.LOW), budget_of_effort(Effort.HIGH)) == (4096, 24_576)


def test_vendors_and_what_can_be_called() -> None:
    assert Model("m", vendor="Anthropic").is_claude
    assert Model("m", vendor="Azure OpenAI").is_openai
    assert Model("m").callable
    assert not Model("m", policy="disabled").callable
    assert not Model("auto").callable
