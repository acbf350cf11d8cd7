"""The quota headers that Copilot adds to its answers (`upstream.md` §10.3).

`x-quota-snapshot-<name>` and `x-usage-ratelimit-{session,weekly}` hold one form-encoded line each.
`rem` is a percentage, never a count; numbers may be negative, missing or nonsense.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

SNAPSHOT = "x-quota-snapshot-"
WINDOW = "x-usage-ratelimit-"
_LAST = 32.5e9  # seconds since the epoch: the year 2999, the last that Windows has in every zone


@dataclass(frozen=True, slots=True)
class Window:
    """One header. `limit` −1 means unlimited; `left` and `limit` in the meter's own unit."""

    limit: float | None = None
    percent_left: float | None = None
    left: float | None = None
    overage: float = 0.0
    overage_ok: bool = False
    resets_at: float | None = None


def window_of(value: str) -> Window:
    """Read one header value; what cannot be read is None."""
    fields = dict(parse_qsl(value, keep_blank_values=True))
    return Window(
        limit=number(fields.get("ent")),
        percent_left=number(fields.get("rem")),
        left=number(fields.get("totRem")),
        overage=number(fields.get("ov")) or 0.0,
        overage_ok=fields.get("ovPerm", "").lower() == "true",
        resets_at=moment(fields.get("rst")),
    )


def window_of_snapshot(value: Mapping[str, Any]) -> Window:
    """Read one entry of `copilot_quota_snapshots`; what cannot be read is None."""
    return Window(
        limit=number(value.get("entitlement")),
        percent_left=number(value.get("percent_remaining")),
        left=number(value.get("quota_remaining")),
        overage=number(value.get("overage_count")) or 0.0,
        overage_ok=value.get("overage_permitted") is True,
        resets_at=moment(value.get("reset_date")),
    )


def number(value: object) -> float | None:
    """A finite number, also out of a string; None for anything else, booleans included."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < 1e15 else None


def moment(value: object) -> float | None:
    """Epoch seconds of an ISO date or time (UTC where it names no zone), or of a unix number.

    None for what no calendar holds in every time zone.
    """
    epoch = number(value)
    if epoch is None and isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
            epoch = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    return epoch if epoch is not None and 0 < epoch < _LAST else None
