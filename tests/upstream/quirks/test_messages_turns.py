"""The order of turns, once it is known which of them there are."""

from __future__ import annotations

import time
from typing import Any

from copilot_desktop.model import Model
from copilot_desktop.upstream.quirks.messages import MessagesQuirks

CLAUDE = Model("claude-x", vendor="Anthropic", thinking="budget")
LONE = {
    "role": "user",
    "content": [{"type": "tool_result", "tool_use_id": "gone", "content": ""}],
}
SAID = {"role": "assistant", "content": [{"type": "text", "text": "ok"}]}
MORE = {"role": "user", "content": [{"type": "text", "text": "more"}]}


def turns(*messages: Any) -> list[Any]:
    body = {"model": "claude-x", "max_tokens": 10, "messages": list(messages)}
    fixed = MessagesQuirks().fix_request(body, CLAUDE, ()).body
    return list((fixed or body)["messages"])


def roles(*messages: Any) -> list[str]:
    return [turn["role"] for turn in turns(*messages)]


def test_without_a_lone_result_that_says_nothing_the_user_still_begins_and_ends() -> None:
    assert roles(LONE, SAID, MORE) == ["user", "assistant", "user"]
    assert roles(MORE, SAID, LONE) == ["user", "assistant", "user"]


def test_what_was_said_before_and_after_a_lone_result_that_says_nothing_is_one_turn() -> None:
    told = turns(MORE, SAID, LONE, SAID, MORE)
    assert told == [MORE, {**SAID, "content": SAID["content"] * 2}, MORE]


def test_many_turns_of_one_side_are_put_together_at_once() -> None:
    """A program that tells what many people said, and gives each turn a name of its own."""
    each = [{"role": "user", "content": f"{n}", f"of_{n}": True} for n in range(20_000)]
    begun = time.perf_counter()
    (one,) = turns(*each)
    assert time.perf_counter() - begun < 5
    assert [block["text"] for block in one["content"]] == [turn["content"] for turn in each]
