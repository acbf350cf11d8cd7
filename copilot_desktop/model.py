"""What is known about one Copilot model, as every layer needs it.

Made from GitHub's model list by `upstream.catalogue` (`upstream.md` §5.1, `translation.md` §1.3).
Nothing here is hard-coded by model name: names change with each release, capabilities do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from copilot_desktop.canonical import Effort

LADDER: tuple[Effort, ...] = tuple(Effort)

AUTO = "auto"  # the name under which GitHub chooses; no model of its own

CHAT = "/chat/completions"
RESPONSES = "/responses"
MESSAGES = "/v1/messages"
EMBEDDINGS = "/embeddings"


@dataclass(frozen=True, slots=True)
class Model:
    """Limits are in tokens; `multiplier` is the premium-request factor, if any.

    The `no_...` flags and `bad_paths` (fields of a body) are what Copilot has refused before
    (`translation.md` §14).
    """

    id: str
    name: str = ""
    vendor: str = ""
    family: str = ""
    version: str = ""
    kind: Literal["chat", "embeddings", "completion"] = "chat"
    endpoints: tuple[str, ...] = (CHAT,)
    websocket: bool = False
    in_picker: bool = True
    preview: bool = False
    is_default: bool = False
    is_fallback: bool = False
    policy: Literal["enabled", "disabled", "unconfigured"] = "enabled"
    policy_terms: str = ""
    max_prompt: int = 64_000
    max_output: int = 16_384
    max_context: int = 128_000
    max_inputs: int = 0
    vision: bool = False
    max_images: int = 0
    pdf: bool = False
    tools: bool = True
    parallel_tools: bool = True
    structured: bool = False
    thinking: Literal["none", "budget", "optional", "required"] = "none"
    budget_min: int = 1024
    budget_max: int = 32_000
    efforts: tuple[Effort, ...] = ()
    max_tokens_key: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    no_prefill: bool = False
    no_forced_tool: bool = False
    no_temperature: bool = False
    bad_paths: frozenset[str] = frozenset()
    multiplier: float | None = None
    premium: bool = False
    token_prices: Mapping[str, float] = field(default_factory=dict)
    request_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    notices: tuple[str, ...] = ()

    @property
    def is_claude(self) -> bool:
        return self.vendor == "Anthropic"

    @property
    def is_openai(self) -> bool:
        return self.vendor in {"OpenAI", "Azure OpenAI"}

    @property
    def is_google(self) -> bool:
        return self.vendor == "Google"

    @property
    def callable(self) -> bool:
        """Usable by this account now: policy accepted. The literal `auto` entry never is."""
        return self.policy == "enabled" and self.id != AUTO

    @property
    def factor(self) -> float | None:
        """What a request counts for; 0 also where each token is priced at nothing."""
        prices = [price for name, price in self.token_prices.items() if name != "long_from"]
        return 0.0 if prices and not any(prices) else self.multiplier

    def effort(self, wish: Effort) -> Effort | None:
        """The nearest effort this model takes: below first, then above; None if it takes none."""
        if not self.efforts or wish in self.efforts:
            return wish if self.efforts else None
        place = LADDER.index(wish)
        below = [effort for effort in self.efforts if LADDER.index(effort) < place]
        return max(below, key=LADDER.index) if below else min(self.efforts, key=LADDER.index)

    def budget(self, wish: int, max_tokens: int | None) -> int | None:
        """A thinking budget this model takes, or None if there is no room for one."""
        ceiling = self.budget_max if max_tokens is None else min(self.budget_max, max_tokens - 1)
        return None if ceiling < self.budget_min else max(self.budget_min, min(wish, ceiling))


def effort_of_budget(tokens: int) -> Effort:
    """`translation.md` §3.5: how hard a budget in tokens means."""
    for limit, effort in ((0, Effort.NONE), (4096, Effort.LOW), (16384, Effort.MEDIUM)):
        if tokens <= limit:
            return effort
    return Effort.HIGH if tokens <= 32768 else Effort.XHIGH


_BUDGETS = {
    Effort.NONE: 0,
    Effort.MINIMAL: 1024,
    Effort.LOW: 4096,
    Effort.MEDIUM: 12288,
    Effort.HIGH: 24576,
    Effort.XHIGH: 32000,
    Effort.MAX: 32000,
}


def budget_of_effort(effort: Effort) -> int:
    """`translation.md` §3.5: the budget in tokens that stands for an effort."""
    return _BUDGETS[effort]
