"""Turns of the user's in which no person speaks, as agents and frameworks send them in any format.

LlamaIndex's ReActAgent and smolagents call tools in words, so results are told in such turns.
opencode has a conversation shortened in one, and goes on with another; with a Copilot provider of
its own it counts both as the agent's. Each would be a person's request (`upstream.md` §4.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_CALLED = re.compile(r"^(?:Action:|Calling tools:\n\[)", re.MULTILINE)
_TOLD = ("Observation:", "Error:\n", "Call id: ")
_FAILED = "\nNow let's retry: take care not to repeat previous errors!"
_NEXT = "\nNew task:\n"  # smolagents puts what a person asks next into the same turn
_SHORTEN = "Here is the conversation so far:\n\n<conversation>\n"
GOES_ON = (
    "Continue if you have next steps, "
    "or stop and ask for clarification if you are unsure how to proceed."
)


def is_unspoken(turn: Mapping[str, Any], before: Any) -> bool:
    """Whether this turn of the user's is a framework's. `before` is the turn before it."""
    first = next(_texts(turn), "")
    if first.startswith(_TOLD):
        return _tells_result(turn, first, before)
    if first.startswith(_SHORTEN) or first == GOES_ON:
        return len([*_texts(turn)]) == 1
    return False


def _tells_result(turn: Mapping[str, Any], first: str, before: Any) -> bool:
    """Whether it tells what came of the calls in the turn before it."""
    if not isinstance(before, Mapping) or before.get("role") != "assistant":
        return False
    told = "\n".join(_texts(turn))
    if _NEXT in told or not (first.startswith(_TOLD[0]) or _FAILED in told):
        return False
    return any(map(_CALLED.search, _texts(before)))


def _texts(turn: Mapping[str, Any]) -> Iterator[str]:
    content = turn.get("content")
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else ():
        if isinstance(part, Mapping) and isinstance(text := part.get("text"), str):
            yield text
