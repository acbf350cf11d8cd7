"""What views see of the editors: one row for each tool, in the order in which they are shown.

Values only; `core.editors` makes them. They hold no key and no former value, only where something
stands and how it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from copilot_desktop.errors import Problem

Json = dict[str, Any]

PROBLEMS = ("old_port", "old_key", "overridden", "changed", "unreadable", "read_only")
OLD = ("old_port", "old_key")
_ORDER = (PROBLEMS, ("connected",), ("not_connected", "by_hand", "impossible"), ("not_found",))


@dataclass(frozen=True, slots=True)
class EditorRow:
    """One tool; the names are those of the snapshot. `written`: something of ours is recorded."""

    id: str
    name: str
    way: str
    state: str
    paths: tuple[str, ...] = ()
    detail: Mapping[str, object] = field(default_factory=dict)
    roles: tuple[tuple[str, str], ...] = ()  # name and model; empty where none is known
    after: str = "new_session"
    dialect: str = "openai"
    steps: tuple[tuple[str, str], ...] = ()  # name of the words, and what can be copied
    written: bool = False

    def to_json(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "way": self.way,
            "state": self.state,
            "paths": list(self.paths),
            "detail": dict(self.detail),
            "roles": [{"name": name, "model": model or None} for name, model in self.roles],
            "after": self.after,
            "dialect": self.dialect,
            "steps": [{"text": text, "copy": copy} for text, copy in self.steps],
            "at": self.detail.get("at"),
            "backup": self.detail.get("backup") or None,
            "written": self.written,
        }


@dataclass(frozen=True, slots=True)
class EditorList:
    """`checked` is epoch seconds of the last look; `problem` is why it has failed."""

    checked: float | None = None
    running: bool = False
    problem: Problem | None = None
    rows: tuple[EditorRow, ...] = ()

    @property
    def problems(self) -> int:
        """How many tools need the user: those that were connected and do not work as written."""
        return sum(row.written and row.state in PROBLEMS for row in self.rows)


def in_order(rows: Iterable[EditorRow]) -> tuple[EditorRow, ...]:
    """Problems, connected, found, not found; by name within."""
    return tuple(sorted(rows, key=lambda row: (_rank(row.state), row.name.casefold())))


def _rank(state: str) -> int:
    return next((n for n, states in enumerate(_ORDER) if state in states), len(_ORDER))
