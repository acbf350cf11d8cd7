"""Auto mode's sessions: which token lets whom use which models (`upstream.md` 5.4)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from copilot_desktop.demo import opaque
from copilot_desktop.demo.scenario import Scenario

LEAST_VERSION = "2025-07-16"
_DISCOUNT = 0.1


@dataclass(frozen=True, slots=True)
class Session:
    """`owner` is the GitHub token it was made for, `dies_at` on the server's clock."""

    token: str
    owner: str
    models: tuple[str, ...]
    dies_at: float


class Sessions:
    """All sessions of one fake."""

    def __init__(self, scenario: Scenario, clock: Callable[[], float] = time.monotonic) -> None:
        self.scenario = scenario
        self._clock = clock
        self._known: dict[str, Session] = {}
        self._made = 0

    def begin(self, owner: str, listed: Sequence[str]) -> dict[str, Any] | None:
        """The answer to whoever asks for a session; None if no model of the list can be chosen."""
        names = tuple(name for name in self.scenario.auto_models if name in listed)
        if not names:
            return None
        self._made += 1
        label = f"auto{self._made}{owner}"
        token = f"DEMO.{opaque.word(label, 12)}.{opaque.signature('session', label)[:40]}"
        lifetime = self.scenario.auto_lifetime
        self._known[token] = Session(token, owner, names, self._clock() + lifetime)
        answer: dict[str, Any] = {
            "available_models": list(names),
            "selected_model": names[0],
            "session_token": token,
            "discounted_costs": dict.fromkeys(names, _DISCOUNT),
        }
        if self.scenario.auto_tells_end:
            answer["expires_at"] = int(time.time() + lifetime)
        return answer

    def good(self, token: str, owner: str) -> Session | None:
        """The session of this token, if it is this owner's and still lives."""
        found = self._known.get(token)
        if found is None or found.owner != owner or self._clock() >= found.dies_at:
            return None
        return found

    def expire(self) -> None:
        """Every session so far is over."""
        self._known.clear()

    @property
    def tokens(self) -> tuple[str, ...]:
        return tuple(self._known)
