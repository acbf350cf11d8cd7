"""Turns of the user's in which no person speaks: results of tools that are told in words, and what
opencode asks where a conversation is too long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from copilot_desktop.dialects.registry import ALL

Turn = Mapping[str, Any]

TASK = "What is the weather in Oslo?"
# As LlamaIndex's ReActAgent and smolagents keep their calls and tell what came of them.
IN_WORDS = "Thought: I have to look.\nAction: weather\nAction Input: {'city': 'Oslo'}"
LISTED = (
    "I look.\n<code>\nweather('Oslo')\n</code>\nCalling tools:\n[{'id': 'call_2', 'function': 1}]"
)
FOUND = "Observation: Sunny in Oslo"
PRINTED = "Observation:\nExecution logs:\nSunny"
FAILED = "Error:\nno such city\nNow let's retry: take care not to repeat previous errors!"
NAMED = f"Call id: call_2\n{FAILED}"
SHORTEN = "Here is the conversation so far:\n\n<conversation>\nhi\n</conversation>\nSum it up."
GO_ON = (
    "Continue if you have next steps, "
    "or stop and ask for clarification if you are unsure how to proceed."
)
ASKED = f"{PRINTED}\nNew task:\nAnd in Rome?"


def turn(role: str, text: str) -> Turn:
    return {"role": role, "content": text}


def in_parts(role: str, text: str) -> Turn:
    """As smolagents does, with a picture of a tool's before what it says."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
    shown = [picture] if role == "user" else []
    return {"role": role, "content": [*shown, {"type": "text", "text": text}]}


def initiators(*turns: Turn) -> set[str]:
    """What each format of conversations says of these."""
    said = [dict(each) for each in turns]
    return {
        dialect.peek({"model": "m", "messages": said, "input": said}).initiator
        for dialect in ALL
        if dialect.paths not in (("/completions",), ("/api/generate",))
    }


@pytest.mark.parametrize("shape", [turn, in_parts])
@pytest.mark.parametrize("result", [FOUND, PRINTED, FAILED, NAMED])
@pytest.mark.parametrize("call", [IN_WORDS, LISTED])
def test_what_a_tool_gave_back_is_the_agents(
    call: str, result: str, shape: Callable[[str, str], Turn]
) -> None:
    heard = shape("user", TASK), shape("assistant", call), shape("user", result)
    assert initiators(*heard) == {"agent"}
    assert initiators(*heard, turn("system", "Be brief.")) == {"agent"}


@pytest.mark.parametrize("shape", [turn, in_parts])
def test_what_a_human_says_is_theirs(shape: Callable[[str, str], Turn]) -> None:
    said, answer = shape("user", TASK), shape("assistant", IN_WORDS)
    assert initiators(said) == {"user"}
    assert initiators(said, answer, shape("user", "And in Rome?")) == {"user"}
    # Something was asked before the last call had its result: both stand in one turn.
    assert initiators(said, answer, shape("user", ASKED)) == {"user"}
    # Nothing was called, or somebody else has spoken since.
    assert initiators(shape("user", FOUND)) == {"user"}
    assert initiators(said, shape("assistant", "Sunny, I think."), shape("user", FOUND)) == {"user"}
    assert initiators(said, answer, shape("user", FOUND), shape("user", "Thanks.")) == {"user"}


@pytest.mark.parametrize("shape", [turn, in_parts])
def test_a_conversation_that_opencode_shortens_is_the_agents(
    shape: Callable[[str, str], Turn],
) -> None:
    said, answer = shape("user", TASK), shape("assistant", "Sunny.")
    assert initiators(shape("user", SHORTEN)) == {"agent"}
    assert initiators(said, answer, shape("user", GO_ON)) == {"agent"}
    assert initiators(said, answer, shape("user", f"{GO_ON} And be brief.")) == {"user"}
    assert initiators(said, answer, shape("user", f"Why this? {SHORTEN}")) == {"user"}
    assert initiators(shape("user", GO_ON), answer, said) == {"user"}
