"""Laws of healing: whatever a client has sent, a refusal of it never becomes a fault of ours."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.canonical import Effort
from copilot_desktop.model import CHAT, MESSAGES, RESPONSES, Model
from copilot_desktop.upstream.avoiding import avoided
from copilot_desktop.upstream.healing import Case, cure
from copilot_desktop.upstream.quirks import Fixed
from tests.laws import junk

REFUSALS = (
    "messages.1.content.0: Invalid `signature` in `thinking` block",
    "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.",
    '"thinking.type.enabled" is not supported for this model.',
    '"thinking.type.disabled" is not supported for this model. Use "between_tools".',
    "effort: supported values: [low, medium]",
    "invalid_reasoning_effort",
    "tools.0.custom.cache_control: Extra inputs are not permitted",
    "messages.0.content.0.text.cache_control: Extra inputs are not permitted",
    "The conversation must end with a user message.",
    "final assistant content cannot end with trailing whitespace",
    "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
    "Unsupported value: 'temperature' does not support 2",
    "Unsupported parameter: 'text.verbosity'",
    "`tool_use` ids were found without `tool_result` blocks",
    "A maximum of 4 blocks with cache_control may be provided. Found 6.",
    "Encrypted content item_id did not match the target item id.",
    "Invalid 'input[0].id': 'x'.",
    "input item ID does not belong to this connection",
    "tool_choice: forcing a tool is not supported",
    "Function call is missing a thought_signature in functionCall parts.",
    "Corrupted thought signature.",
    "At least one of the image dimensions exceed max allowed size: 8000 pixels",
    "image exceeds 5 MB maximum: 5316852 bytes > 10 bytes",
    "x-anthropic-billing-header is a reserved keyword in system",
    "Unknown parameter: stream_options",
    "unsupported beta header(s): context-management-1, b-2",
)
MODEL = Model("m", efforts=(Effort.LOW,))
WARY = Model(
    "m",
    no_prefill=True,
    no_forced_tool=True,
    no_temperature=True,
    bad_paths=frozenset({"tools.*.custom.strict", "system.*.cache_control", "text.format", "n"}),
)
# More often than by chance with a conversation in it.
shaped = junk.bodies | st.builds(
    lambda body, turns: body | {"messages": turns, "input": turns}, junk.bodies, junk.lists
)
each_endpoint = pytest.mark.parametrize("endpoint", [CHAT, RESPONSES, MESSAGES])


@each_endpoint
@given(body=shaped, said=st.sampled_from(REFUSALS))
def test_no_body_breaks_it_or_is_changed_in_place(
    endpoint: str, body: dict[str, Any], said: str
) -> None:
    before = copy.deepcopy(body)
    case = Case(endpoint, body, MODEL, said, betas=("context-management-1", "a-1"))
    found = cure(case)
    assert body == before
    if found is not None:
        json.dumps(found.body)
        assert found.body != body or found.betas != case.betas
        again = cure(Case(endpoint, found.body, MODEL, said, betas=found.betas), {found.row})
        assert again is None or again.row != found.row


@each_endpoint
@given(body=shaped)
def test_what_is_avoided_once_need_not_be_avoided_again(
    endpoint: str, body: dict[str, Any]
) -> None:
    before = copy.deepcopy(body)
    once = avoided(Fixed(), body, endpoint, WARY)
    assert body == before
    twice = avoided(Fixed(), once.body or body, endpoint, WARY)
    assert twice.body is None, twice.notes
