"""One JSON object a line, and the time stamp that each of them carries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def line(payload: Mapping[str, Any]) -> bytes:
    """Compact ASCII: neither a line end nor a lone surrogate can stand in it unescaped."""
    return json.dumps(payload, separators=(",", ":")).encode() + b"\n"


def now() -> str:
    """RFC 3339 in UTC, as `2026-11-20T10:00:00.000001Z`."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
