"""A request that one look finds plain is one that all the repairs would leave as it is."""

from __future__ import annotations

import copy
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from copilot_desktop.canonical import Effort
from copilot_desktop.errors import Problem
from copilot_desktop.model import CHAT, MESSAGES, RESPONSES, Model
from copilot_desktop.upstream.quirks import chat, messages, quirks_for, responses_request
from tests.laws import nearly

MODELS = (
    Model("m", vendor="OpenAI", vision=True, structured=True, efforts=(Effort.LOW,)),
    Model("m", vendor="Anthropic", thinking="budget"),
    Model("m", vendor="Anthropic", vision=True, thinking="required", efforts=(Effort.LOW,)),
    Model("n", vendor="Google"),
)
GLANCES = {
    CHAT: (chat, "is_plain"),
    MESSAGES: (messages, "is_plain"),
    RESPONSES: (responses_request, "are_plain"),
}
models = st.sampled_from(MODELS)
many = settings(max_examples=1000)


def sent(endpoint: str, body: dict[str, Any], model: Model) -> Any:
    """What goes out, with all that is said about it."""
    before = copy.deepcopy(body)
    try:
        fixed = quirks_for(endpoint).fix_request(body, model, ())
    except Problem as problem:
        return type(problem), problem.detail
    finally:
        assert body == before
    return fixed.body, fixed.betas, fixed.notes, fixed.marked


def same_without_the_glance(endpoint: str, body: dict[str, Any], model: Model) -> None:
    shortly = sent(endpoint, body, model)
    with patch.object(*GLANCES[endpoint], return_value=False):
        assert shortly == sent(endpoint, body, model)


@many
@given(body=nearly.bodies(CHAT), model=models)
@example({"messages": [{"role": "user", "content": "x", "function": {"cache_control": {}}}]},
         MODELS[1])  # fmt: skip
def test_chat(body: dict[str, Any], model: Model) -> None:
    same_without_the_glance(CHAT, body, model)


@many
@given(body=nearly.bodies(MESSAGES), model=models)
def test_messages(body: dict[str, Any], model: Model) -> None:
    same_without_the_glance(MESSAGES, body, model)


@many
@given(body=nearly.bodies(RESPONSES), model=models)
def test_responses(body: dict[str, Any], model: Model) -> None:
    if isinstance(body.get("input"), list):  # else there is nothing to look at
        same_without_the_glance(RESPONSES, body, model)


@pytest.mark.parametrize("endpoint", GLANCES)
def test_the_sound_ones_are_plain(endpoint: str) -> None:
    module, name = GLANCES[endpoint]
    with patch.object(module, name, wraps=getattr(module, name)) as glance:
        sent(endpoint, nearly.WHOLE[endpoint], MODELS[0])
    key = "input" if endpoint == RESPONSES else "messages"
    assert glance.call_args.args == (nearly.WHOLE[endpoint][key],)
    assert getattr(module, name)(*glance.call_args.args, **glance.call_args.kwargs)
