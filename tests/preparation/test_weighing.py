"""Weighing a conversation by its length."""

from __future__ import annotations

import pytest

from copilot_desktop.canonical import Document, Image, Message, Request, Text, Tool
from copilot_desktop.errors import InputTooLarge
from copilot_desktop.model import Model
from copilot_desktop.preparation.weighing import (
    could_overflow,
    number_overflow,
    refuse_overflow,
    weigh,
    weighed,
)

GPT = Model("gpt-x", vendor="OpenAI", max_prompt=1000)
CLAUDE = Model("claude-x", vendor="Anthropic")
GROK = Model("grok-x", vendor="xAI")


def of(*blocks: Text | Image | Document, **more: object) -> Request:
    return Request("m", (Message("user", blocks),), **more)  # type: ignore[arg-type]


def test_four_characters_are_a_token_and_each_message_costs_a_little() -> None:
    assert weigh(of(Text("x" * 4000)), GPT) == 1000 + 3 + 3
    assert weigh(of(), GPT) >= 1


def test_tools_cost_what_the_vendor_says_about_them() -> None:
    tools = (Tool("f", "does it", {"type": "object", "properties": {}}),)
    plain = weigh(of(Text("x"), tools=tools), GPT)
    assert plain > weigh(of(Text("x")), GPT)
    assert weigh(of(Text("x"), tools=tools), CLAUDE) == plain + 346
    assert weigh(of(Text("x"), tools=tools), GROK) == plain + 480


def test_pictures_cost_the_same_whatever_their_size_and_files_by_theirs() -> None:
    small, large = of(Image("image/png", "x")), of(Image("image/png", "x" * 100_000))
    assert weigh(small, GPT) == weigh(large, GPT) == 1000 + 6
    assert weigh(of(Document("application/pdf", "x" * 40_000)), GPT) == 3000 + 6


def test_a_ratio_turns_a_weight_into_an_estimate() -> None:
    assert weighed(1000, 1.25) == 1250
    assert weighed(0, 0.8) == 1


@pytest.mark.parametrize(
    ("tokens", "calibrated", "refused"),
    [(1050, True, False), (1051, True, True), (1500, False, False), (1501, False, True)],
)
def test_only_what_is_surely_too_long_is_refused(
    tokens: int, calibrated: bool, refused: bool
) -> None:
    if not refused:
        refuse_overflow(tokens, GPT, calibrated=calibrated)
        return
    with pytest.raises(InputTooLarge) as caught:
        refuse_overflow(tokens, GPT, calibrated=calibrated)
    assert caught.value.fields == {"tokens": str(tokens), "limit": "1000"}


def test_a_small_body_is_not_worth_a_look() -> None:
    assert not could_overflow(4 * 1050, 1.0, GPT, calibrated=True)
    assert could_overflow(4 * 1051, 1.0, GPT, calibrated=True)
    assert not could_overflow(4 * 1051, 1.0, GPT, calibrated=False)


@pytest.mark.parametrize(("tokens", "told"), [(5000, "5000"), (200, "1001")])
def test_numbers_that_copilot_did_not_name_are_put_in(tokens: int, told: str) -> None:
    problem = InputTooLarge("input is too long")
    number_overflow(problem, tokens, GPT)
    assert problem.message.endswith(f"{told} tokens, the limit is 1000.")


def test_numbers_that_copilot_named_stay() -> None:
    problem = InputTooLarge(fields={"tokens": "9", "limit": "8"})
    number_overflow(problem, 5000, GPT)
    assert problem.fields == {"tokens": "9", "limit": "8"}
