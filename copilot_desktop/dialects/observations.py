"""Results of tools that are told in a turn of the user's, since the calls were made in words.

LlamaIndex's ReActAgent and smolagents ask for tools so. Each step of theirs would count as a
person's request, though nobody has spoken (`upstream.md` §4.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_CALLED = re.compile(r"^(?:Action:|Calling tools:\n\[)", re.MULTILINE)
_TOLD = ("Observation:", "Error:\n", "Call id: ")
_FAILED = "\nNow let's retry: take care not to repeat previous errors!"
_NEXT = "\nNew task:\n"  # smolagents puts what a person asks next into the same turn


def is_observation(turn: Mapping[str, Any], before: Any) -> bool:
    """Whether this turn of the user's tells what came of the calls in the turn before it."""
    first = next(_texts(turn), "")
    if not first.startswith(_TOLD):
        return False  # as nearly always: nothing long is searched
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
