"""Parameters that several formats take in the same form. `place` is where they stand in a body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.errors import InvalidRequest


def number(holder: Mapping[str, Any], key: str, place: str = "") -> float | None:
    """Raises InvalidRequest for what is no number."""
    value = holder.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidRequest(f"{place}{key} must be a number.")
    return value


def stop_sequences(holder: Mapping[str, Any], place: str = "") -> tuple[str, ...]:
    """`stop`, one text or several; empty ones stop nothing. Raises InvalidRequest."""
    value = holder.get("stop")
    wanted = [value] if isinstance(value, str) else value
    if wanted is None:
        return ()
    if not isinstance(wanted, list) or not all(isinstance(item, str) for item in wanted):
        raise InvalidRequest(f"{place}stop must be a string or a list of strings.")
    return tuple(item for item in wanted if item)
