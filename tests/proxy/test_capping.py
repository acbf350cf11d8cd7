"""The highest effort of a key, in each of the ways in which requests say how hard to think."""

from __future__ import annotations

import pytest

from copilot_desktop.canonical import Effort, Message, Request, Text
from copilot_desktop.model import CHAT, LADDER, MESSAGES, RESPONSES, Model
from copilot_desktop.proxy.capping import capped_body, capped_request

THINKER = Model("m", efforts=LADDER, thinking="optional")
ALWAYS = Model("m", efforts=LADDER, thinking="required")
PLAIN = Model("m")
ENABLED = {"type": "enabled", "budget_tokens": 20_000}


@pytest.mark.parametrize(
    ("endpoint", "model", "body", "most", "after"),
    [
        (CHAT, THINKER, {"reasoning_effort": "high"}, "low", {"reasoning_effort": "low"}),
        (CHAT, THINKER, {"reasoning_effort": "HIGH"}, "low", {"reasoning_effort": "low"}),
        (CHAT, THINKER, {"reasoning_effort": 5}, "medium", {"reasoning_effort": "medium"}),
        (CHAT, THINKER, {"reasoning_effort": "low", "reasoning": {"effort": "high"}}, "low",
         {"reasoning_effort": "low", "reasoning": {"effort": "low"}}),
        (RESPONSES, THINKER, {"reasoning": {"effort": "most"}}, "low",
         {"reasoning": {"effort": "low"}}),
        (MESSAGES, THINKER, {"output_config": {"effort": "Max"}}, "low",
         {"output_config": {"effort": "low"}}),
        (CHAT, THINKER, {"thinking_budget": 30_000.0}, "medium",
         {"reasoning_effort": None, "thinking_budget": 12_288}),
        (CHAT, THINKER, {"thinking_budget": 30_000}, "medium",
         {"reasoning_effort": None, "thinking_budget": 12_288}),
        (RESPONSES, THINKER, {"reasoning": {"effort": "max", "summary": "auto"}}, "medium",
         {"reasoning": {"effort": "medium", "summary": "auto"}}),
        (RESPONSES, THINKER, {"reasoning": {"summary": "auto"}}, "low",
         {"reasoning": {"effort": "low", "summary": "auto"}}),
        (RESPONSES, THINKER, {}, "low", {"reasoning": {"effort": "low"}}),
        (MESSAGES, THINKER, {"output_config": {"effort": "max", "format": 1}}, "high",
         {"output_config": {"effort": "high", "format": 1}}),
        (MESSAGES, THINKER, {"thinking": ENABLED}, "low",
         {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
        (MESSAGES, THINKER, {"thinking": {"type": "adaptive"}}, "low",
         {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        (MESSAGES, THINKER, {"thinking": ENABLED}, "none", {"thinking": {"type": "disabled"}}),
        (MESSAGES, ALWAYS, {}, "medium", {"output_config": {"effort": "medium"}}),
    ],
)  # fmt: skip
def test_too_much_is_lowered(endpoint, model, body, most, after) -> None:
    kept = {"stream": True, **body}
    found, notes = capped_body(kept, model, endpoint, Effort(most))
    assert notes
    assert all(note.startswith("limited=") and note.endswith(f">{most}") for note in notes)
    assert {name: found.get(name) for name in after} == after
    assert kept == {"stream": True, **body}, "the client's own body is not touched"
    assert capped_body(found, model, endpoint, Effort(most))[0] is found, "once is enough"


@pytest.mark.parametrize(
    ("endpoint", "model", "body", "most"),
    [
        (CHAT, THINKER, {"reasoning_effort": "high"}, None),
        (CHAT, THINKER, {"reasoning_effort": "low"}, "low"),
        (CHAT, THINKER, {}, "medium"),
        (CHAT, PLAIN, {}, "none"),
        (RESPONSES, THINKER, {"reasoning": "odd"}, "high"),
        (MESSAGES, THINKER, {}, "none"),
        (MESSAGES, THINKER, {"thinking": ENABLED}, "high"),
        (MESSAGES, THINKER, {"thinking": {"type": "disabled"}}, "low"),
        (MESSAGES, ALWAYS, {"output_config": {"effort": "low"}}, "medium"),
    ],
)
def test_what_is_within_the_limit_stays_as_it_came(endpoint, model, body, most) -> None:
    found, notes = capped_body(body, model, endpoint, Effort(most) if most else None)
    assert found is body
    assert notes == []


@pytest.mark.parametrize(
    ("endpoint", "wish", "budget", "most", "after"),
    [
        (RESPONSES, "high", None, "low", ("low", None)),
        (RESPONSES, None, None, "low", ("low", None)),
        (RESPONSES, None, None, "high", (None, None)),
        (MESSAGES, None, None, "low", (None, None)),
        (MESSAGES, None, 30_000, "medium", (None, 12_288)),
        (MESSAGES, None, 30_000, "none", ("none", None)),
        (MESSAGES, "max", 30_000, "medium", ("medium", 12_288)),
        (MESSAGES, "max", 30_000, None, ("max", 30_000)),
    ],
)
def test_translated_requests_keep_to_it_too(endpoint, wish, budget, most, after) -> None:
    request = Request(
        "m",
        (Message("user", (Text("hi"),)),),
        effort=Effort(wish) if wish else None,
        thinking_budget=budget,
    )
    found, notes = capped_request(request, THINKER, endpoint, Effort(most) if most else None)
    assert (found.effort, found.thinking_budget) == after
    assert bool(notes) == (found is not request)
