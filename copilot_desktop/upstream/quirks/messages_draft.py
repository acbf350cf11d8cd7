"""A request body on its way to `/v1/messages`: what was changed, and the notes about it.

Never touches the client's own object: every change is made in a shallow copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class Draft:
    """`body` may be read freely and is changed only through `put` and `drop`."""

    body: Json
    notes: dict[str, None] = field(default_factory=dict)  # in their order, each once
    marked: list[str] = field(default_factory=list)
    betas: list[str] = field(default_factory=list)
    changed: bool = False

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Draft:
        return cls(dict(body))

    def put(self, key: str, value: Any, note: str = "") -> None:
        """Give `key` a value that differs from what stands there."""
        self.body[key] = value
        self.changed = True
        self.note(note)

    def drop(self, key: str, note: str | None = None) -> None:
        """Take `key` out, if it is there; noted as dropped unless another note is given."""
        if key in self.body:
            value = self.body.pop(key)
            self.changed = True
            if value is not None:
                self.note(f"dropped={key}" if note is None else note)

    def note(self, note: str, *, marked: bool = False) -> None:
        """Say once what was changed; `marked` if the caller may notice it in the answer."""
        if note and note not in self.notes:
            self.notes[note] = None
            self.marked += [note] if marked else []
