"""Which GitHub and Copilot tokens are good, and the knobs that make them bad."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from copilot_desktop.demo import opaque
from copilot_desktop.demo.scenario import Scenario


@dataclass(slots=True)
class CopilotToken:
    """One exchanged token. `dies_at` is on the server's clock."""

    text: str
    github: str
    dies_at: float
    number: int
    misdirected: bool = False


class Tokens:
    """All tokens of one fake. `prepared` is a GitHub token that is good from the start."""

    def __init__(self, scenario: Scenario, clock: Callable[[], float] = time.monotonic) -> None:
        self.scenario = scenario
        self._clock = clock
        self._github: set[str] = set()
        self._people: dict[str, int] = {}
        self._copilot: dict[str, CopilotToken] = {}
        self._made = 0
        self.exchanges = 0
        """Successful exchanges so far."""
        self.prepared = self.give("ghu_")
        self._signed_in = 0

    def sign_in(self, kind: str) -> str:
        """A new token for the next person of the scenario."""
        token = self.give(kind, self._signed_in)
        self._signed_in += 1
        return token

    def person(self, token: str) -> int:
        """Whose GitHub token this is, by number."""
        return self._people.get(token, 0)

    def give(self, kind: str = "ghu_", person: int = 0) -> str:
        """A new good GitHub token that begins with `kind`."""
        self._made += 1
        realm = self.scenario.people[0].login if self.scenario.people else ""
        token = f"{kind}DEMO{opaque.word(f'{kind}{self._made}{realm}', 32)}"
        self._github.add(token)
        self._people[token] = person
        return token

    def accept(self, token: str) -> None:
        """Take a token that was made elsewhere as a good GitHub token."""
        self._github.add(token)

    def knows(self, token: str) -> bool:
        """True for a GitHub token that is good now."""
        return token in self._github

    def revoke(self, token: str | None = None) -> None:
        """GitHub forgets this token, or all of them. Copilot tokens live on until they expire."""
        self._github.difference_update(list(self._github) if token is None else [token])

    def expire(self) -> None:
        """Every Copilot token that was given out is too old from now on."""
        for token in self._copilot.values():
            token.dies_at = self._clock()

    def direct(self, token: str) -> bool:
        """True if Copilot takes this GitHub token without an exchange."""
        return token.startswith(self.scenario.direct_kinds) and self.knows(token)

    def exchange(self, github: str, sku: str) -> CopilotToken:
        """A new Copilot token for a good GitHub token."""
        scenario = self.scenario
        self.exchanges += 1
        seed = f"copilot{self.exchanges}{github}"
        expires = int(time.time() + scenario.lifetime) + scenario.clock_skew
        text = (
            f"tid={opaque.hexes(seed, 32)};exp={expires};sku={sku};"
            f"proxy-ep=proxy.individual.githubcopilot.com;st=dotcom;chat=1;cit=1;malfil=1;"
            f"editor_preview_features=1;agent_mode=1;mcp=1;ccr=1;8kp=1;ip=203.0.113.7;"
            f"asn=AS64496:{opaque.hexes(seed + 'mac', 64)}"
        )
        token = CopilotToken(
            text,
            github,
            self._clock() + scenario.lifetime,
            self.exchanges,
            misdirected=self.exchanges <= scenario.misdirected,
        )
        self._copilot[text] = token
        return token

    def copilot(self, text: str) -> CopilotToken | None:
        """The Copilot token of this text, good or not."""
        return self._copilot.get(text)

    def fresh(self, token: CopilotToken) -> bool:
        return self._clock() < token.dies_at
