"""Typed looks into a JSON body, with refusals that name the place.

Knows JSON and `InvalidRequest`, nothing of the dialect's meaning. Each function takes the path
under which the client wrote the value, because nobody can act on a refusal without a place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from copilot_desktop.errors import InvalidRequest


def invalid(path: str, words: str, code: str | None = None) -> InvalidRequest:
    """`<path>: <words>`; the path becomes the `param` of the error body."""
    return InvalidRequest(f"{path}: {words}", fields={"param": path}, code=code)


def text_of(value: Any, path: str) -> str:
    """A string; an absent one is empty. Raises InvalidRequest."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(path, "must be a string")
    return value


def number_of(value: Any, path: str) -> float | None:
    """A finite number or None. Raises InvalidRequest."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise invalid(path, "must be a number")
    return value


def count_of(value: Any, path: str) -> int | None:
    """A whole number or None. Raises InvalidRequest."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(path, "must be a whole number")
    return value


def flag_of(value: Any, path: str) -> bool | None:
    """A boolean or None. Raises InvalidRequest."""
    if value is None or isinstance(value, bool):
        return value
    raise invalid(path, "must be true or false")


def object_of(value: Any, path: str) -> Mapping[str, Any]:
    """An object; an absent one is empty. Raises InvalidRequest."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(path, "must be an object")
    return value


def list_of(value: Any, path: str) -> list[Any]:
    """An array; an absent one is empty. Raises InvalidRequest."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid(path, "must be an array")
    return value
