"""What a JSON value from a client must be, and the sentence if it is not.

Knows nothing of the conversation; `where` is the path of the value, as Anthropic writes it in its
own errors (`messages.0.content.1`), so that people find the place. `string_in` writes the path of
a member only where it is told: a long conversation has thousands that are as they should be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from copilot_desktop.errors import InvalidRequest


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """`value` as an object. Raises InvalidRequest."""
    if not isinstance(value, dict):
        raise InvalidRequest(f"{where}: must be an object")
    return value


def items(value: Any, where: str) -> Sequence[Any]:
    """`value` as an array. Raises InvalidRequest."""
    if not isinstance(value, list | tuple):
        raise InvalidRequest(f"{where}: must be an array")
    return value


def string(value: Any, where: str) -> str:
    """`value` as a string. Raises InvalidRequest."""
    if not isinstance(value, str):
        raise InvalidRequest(f"{where}: must be a string")
    return value


def string_in(holder: Mapping[str, Any], key: str, where: str, absent: Any = None) -> str:
    """The string at `key` of the object at `where`. Raises InvalidRequest."""
    value = holder.get(key, absent)
    if not isinstance(value, str):
        raise InvalidRequest(f"{where}.{key}: must be a string")
    return value


def whole(value: Any, where: str) -> int | None:
    """`value` as a whole number, or None if it is absent. Raises InvalidRequest."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequest(f"{where}: must be a whole number")
    return value


def number(value: Any, where: str) -> float | None:
    """`value` as a number, or None if it is absent. Raises InvalidRequest."""
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidRequest(f"{where}: must be a number")
    return float(value)
