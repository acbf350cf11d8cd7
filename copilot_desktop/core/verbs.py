"""The verbs by name: what each accepts, and what its outcome looks like from outside.

Page, tray, terminal and a second launch all come through `Verbs.do`. Arguments are checked strictly
before anything happens; a failure is one of a fixed set of codes with a sentence, never the text of
an exception (`security-rules.md` 16).

No verb takes a path or a command. Files are named by the app itself, or by a person in a dialog of
the system. Three verbs take a place, each checked for what it is: `update_settings` the address of
a proxy (scheme, name, password, host and port; nothing of it is opened), `sign_in` the host of a
GitHub (a tenant of `ghe.com`), `allow_origin` one that has asked (`docs/decisions/023`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from copilot_desktop.core.commands import Commands
from copilot_desktop.errors import Problem

log = logging.getLogger(__name__)

Json = dict[str, Any]
Method = Callable[..., Awaitable[Json | None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a verb came to. `result` never holds a GitHub or Copilot token."""

    ok: bool
    code: str = ""
    message: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> Json:
        if self.ok:
            return {"ok": True, **self.result}
        return {
            "ok": False,
            "code": self.code,
            "message": self.message,
            "fields": dict(self.fields),
        }


class Verbs:
    """Carries out verbs by name on the core's loop."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def do(self, name: str, arguments: Mapping[str, Any] | None = None) -> Outcome:
        """Never raises, except for cancellation."""
        from copilot_desktop.core import verb_shapes  # noqa: PLC0415  (not for a start)

        try:
            given = verb_shapes.checked(name, arguments or {})
        except KeyError:
            return Outcome(False, "unknown_verb", "The app does not know this action.")
        except ValueError:
            return Outcome(False, "bad_arguments", "The app does not understand this request.")
        method: Method = getattr(self._commands, name)
        try:
            result = await method(**given)
        except Problem as problem:
            log.info("%s: %s", name, problem.kind)
            return Outcome(False, problem.kind, str(problem), problem.fields)
        except Exception:  # the caller must get an answer, and it must hold nothing of the error
            log.exception("The verb %s failed unexpectedly", name)
            return Outcome(False, Problem.kind, Problem.sentence)
        return Outcome(True, result=result or {})
