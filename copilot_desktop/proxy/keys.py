"""Named local keys as the proxy sees them: who came with which key, and what that key may do.

A key names its client for certain, where `User-Agent` is only what a client says of itself. So a
client without a key never goes by the name of one: it gets `(no key)` behind it. Which models a key
may use is told as a model that does not exist, since every client understands that, and the lists
of models leave it out; an effort that is too high is lowered and said so (`capping`). The daily
budget is counted by the core.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from copilot_desktop.canonical import Effort
from copilot_desktop.errors import UnknownModel
from copilot_desktop.model import AUTO, Model
from copilot_desktop.upstream.auto import by_auto

WITHOUT = "{name} (no key)"
_NAMED = 5  # models that a refusal lists


@dataclass(frozen=True, slots=True)
class DailyBudget:
    """So much of `unit` on a day; `stops`: then no more, else it is only shown."""

    unit: Literal["credits", "requests"]
    amount: float
    stops: bool = False


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """`models`: ids, or patterns with `*` and `?`; none: every model. `max_effort` None: any."""

    models: tuple[str, ...] = ()
    max_effort: Effort | None = None
    budget: DailyBudget | None = None

    @property
    def narrow(self) -> bool:
        """Whether what a request asks for has to be looked at."""
        return bool(self.models) or self.max_effort is not None

    def allow(self, model: Model) -> bool:
        """Whether `model` may be used. Who may use `auto` may use what GitHub chooses there."""
        names = (model.id, AUTO) if by_auto(model) else (model.id,)
        return not self.models or any(
            fnmatchcase(name.lower(), pattern.lower()) for name in names for pattern in self.models
        )


_NO_LIMITS = KeyLimits()


@dataclass(frozen=True, slots=True)
class NamedKey:
    """`created` in epoch seconds."""

    name: str
    secret: str = field(repr=False)
    created: float
    limits: KeyLimits = _NO_LIMITS


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: `name` as lists show it, and the key of its own, where it came with one."""

    name: str
    key: NamedKey | None = None

    @property
    def limits(self) -> KeyLimits:
        return self.key.limits if self.key is not None else _NO_LIMITS

    def permit(self, model: Model) -> None:
        """Raises UnknownModel for a model that is not on the key's list."""
        if self.key is None or self.limits.allow(model):
            return
        shown = ", ".join(self.limits.models[:_NAMED])
        more = ", …" if len(self.limits.models) > _NAMED else ""
        reason = f"The key {self.key.name} may use only: {shown}{more}."
        raise UnknownModel(fields={"model": model.id, "reason": reason})


def without_key(name: str, keys: Iterable[NamedKey]) -> str:
    """The name of a client that came without a key, which is never the name of one."""
    taken = {key.name.casefold() for key in keys}
    return WITHOUT.format(name=name) if name.casefold() in taken else name
