"""Two generations of OpenAI's format tell everything that can go wrong in the same words."""

from __future__ import annotations

import pytest

from copilot_desktop.canonical import StopReason, Usage
from copilot_desktop.dialects.openai_chat import OpenAIChat
from copilot_desktop.dialects.openai_completions import OpenAICompletions
from copilot_desktop.dialects.openai_words import FINISH_REASONS, mint, write_usage
from copilot_desktop.errors import QuotaExhausted, RateLimited, UnknownModel


@pytest.mark.parametrize(
    "problem", [QuotaExhausted(), RateLimited(retry_after=5), UnknownModel(fields={"model": "x"})]
)
def test_an_error_is_the_same_in_both(problem):
    old, new = OpenAICompletions(), OpenAIChat()
    assert old.render_problem(problem) == new.render_problem(problem)
    assert old.problem_status(problem) == new.problem_status(problem)
    assert old.fault(problem) == new.fault(problem)


def test_every_ending_has_a_word():
    assert set(FINISH_REASONS) == set(StopReason)


def test_cached_tokens_are_part_of_the_prompt():
    told = write_usage(Usage(1, 2, cache_read=3, cache_write=4, reasoning=1))
    assert (told["prompt_tokens"], told["completion_tokens"], told["total_tokens"]) == (8, 2, 10)
    assert told["prompt_tokens_details"] == {"cached_tokens": 3, "cache_write_tokens": 4}


def test_ids_are_never_the_same():
    made = {mint("cmpl-") for _ in range(100)}
    assert len(made) == 100
    assert all(one.startswith("cmpl-") and len(one) == 29 for one in made)
