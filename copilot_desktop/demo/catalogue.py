"""The models of the demo: a plausible mix of both billing eras (`upstream.md` 5).

Rows that a careless reader trips over are here on purpose: a duplicate, models without
`supported_endpoints`, one that waits for the user's consent, one that the organisation switched
off, one for inline completions and some for embeddings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from copilot_desktop.demo.scenario import Scenario
from copilot_desktop.demo.transcripts import body

CHAT = "/chat/completions"
RESPONSES = "/responses"
MESSAGES = "/v1/messages"
_BOTH = (CHAT, RESPONSES, "ws:/responses")
_RESPONSES_ONLY = (RESPONSES, "ws:/responses")
_PAID = ["pro", "pro_plus", "max", "individual_trial", "business", "enterprise"]
_IMAGES = ["image/jpeg", "image/png", "image/webp", "image/gif"]


@dataclass(frozen=True, slots=True)
class Row:
    """One model in short. Limits in thousands of tokens, prices in AI credits per million."""

    id: str
    name: str
    vendor: str
    limits: tuple[float, float, float]
    prices: tuple[float, float, float] = (0, 0, 0)
    multiplier: float = 0
    endpoints: tuple[str, ...] = ()
    efforts: tuple[str, ...] = ()
    budget: tuple[int, int] | None = None
    adaptive: bool = False
    structured: bool = False
    images: int = 1
    paid: bool = False
    kind: str = "chat"
    picker: bool = True
    preview: bool = False
    policy: str = ""
    terms: str = ""
    version: str = ""
    category: str = "versatile"
    price_category: str = "low"
    default: bool = False
    notice: tuple[str, str] | None = None


_LMH = ("low", "medium", "high")


def _rows() -> Iterable[Row]:
    yield Row(
        "gpt-5-mini", "GPT-5 mini", "Azure OpenAI", (264, 128, 64), (25, 200, 2),
        endpoints=_BOTH, efforts=_LMH, structured=True, default=True, category="lightweight",
    )  # fmt: skip
    yield Row(
        "gpt-4.1", "GPT-4.1", "Azure OpenAI", (128, 128, 16.384), structured=True,
        version="gpt-4.1-2025-04-14",
        notice=("pending_deprecation", "GPT-4.1 will be retired soon."),
    )  # fmt: skip
    yield Row(
        "gpt-4o", "GPT-4o", "Azure OpenAI", (128, 64, 4.096), version="gpt-4o-2024-11-20",
    )  # fmt: skip
    yield Row(
        "gpt-5.1", "GPT-5.1", "OpenAI", (264, 128, 64), (125, 1000, 13), 1, _BOTH,
        ("none", *_LMH), structured=True, paid=True, policy="enabled",
    )  # fmt: skip
    yield Row(
        "gpt-5.4", "GPT-5.4", "OpenAI", (400, 272, 128), (250, 1500, 25), 1, _BOTH,
        ("none", *_LMH, "xhigh"), structured=True, paid=True, policy="enabled",
        category="powerful", price_category="medium",
    )  # fmt: skip
    yield Row(
        "gpt-5.3-codex", "GPT-5.3-Codex", "OpenAI", (400, 272, 128), (175, 1400, 18), 1,
        _RESPONSES_ONLY, _LMH, structured=True, paid=True, policy="enabled", category="powerful",
    )  # fmt: skip
    yield Row(
        "gpt-5.6-sol", "GPT-5.6 Sol", "OpenAI", (400, 272, 128), (300, 1800, 30), 2,
        _RESPONSES_ONLY, ("none", *_LMH, "xhigh", "max"), structured=True, paid=True,
        policy="enabled", category="powerful", price_category="medium",
    )  # fmt: skip
    yield from _claude_rows()
    yield from _other_rows()


def _claude_rows() -> Iterable[Row]:
    chat_too = (CHAT, MESSAGES)
    yield Row(
        "claude-haiku-4.5", "Claude Haiku 4.5", "Anthropic", (200, 136, 64), (100, 500, 10), 0.33,
        chat_too, budget=(1024, 32000), structured=True, images=5, policy="enabled",
    )  # fmt: skip
    yield Row(
        "claude-sonnet-4.5", "Claude Sonnet 4.5", "Anthropic", (200, 168, 32), (300, 1500, 30), 1,
        chat_too, budget=(1024, 32000), structured=True, images=5, paid=True, policy="enabled",
        price_category="medium",
    )  # fmt: skip
    yield Row(
        "claude-sonnet-4.6", "Claude Sonnet 4.6", "Anthropic", (200, 168, 32), (300, 1500, 30), 1,
        chat_too, _LMH, (1024, 32000), adaptive=True, structured=True, images=5, paid=True,
        policy="enabled", price_category="medium",
    )  # fmt: skip
    yield Row(
        "claude-sonnet-5", "Claude Sonnet 5", "Anthropic", (400, 336, 64), (300, 1500, 30), 1,
        (MESSAGES,), (*_LMH, "max"), adaptive=True, structured=True, images=5, paid=True,
        policy="enabled", price_category="medium",
    )  # fmt: skip
    yield Row(
        "claude-opus-4.6", "Claude Opus 4.6", "Anthropic", (200, 168, 32), (500, 2500, 50), 3,
        (MESSAGES, CHAT), _LMH, (1024, 32000), adaptive=True, structured=True, paid=True,
        policy="unconfigured", category="powerful", price_category="high",
        terms="Enable access to the latest Claude Opus 4.6 model from Anthropic. "
        "[Learn more](https://gh.io/example).",
    )  # fmt: skip
    yield Row(
        "claude-opus-4.8", "Claude Opus 4.8", "Anthropic", (1000, 872, 128), (500, 2500, 50), 9,
        (MESSAGES, CHAT), (*_LMH, "xhigh", "max"), adaptive=True, structured=True, images=5,
        paid=True, policy="enabled", category="powerful", price_category="high",
    )  # fmt: skip


def _other_rows() -> Iterable[Row]:
    yield Row(
        "gemini-3.1-pro-preview", "Gemini 3.1 Pro", "Google", (200, 136, 64), (200, 1200, 20), 1,
        (CHAT,), _LMH, (256, 32000), images=10, paid=True, preview=True, policy="enabled",
        category="powerful",
    )  # fmt: skip
    yield Row(
        "gemini-3.5-flash", "Gemini 3.5 Flash", "Google", (128, 128, 64), (50, 300, 5), 0.33,
        (), _LMH, (256, 32000), images=10, paid=True, policy="enabled", category="lightweight",
    )  # fmt: skip
    yield Row(
        "grok-code-fast-1", "Grok Code Fast 1", "xAI", (128, 128, 64), (20, 150, 2), 0.25,
        (CHAT,), images=0, policy="enabled", category="lightweight",
    )  # fmt: skip
    yield Row(
        "gpt-5.5", "GPT-5.5", "OpenAI", (400, 272, 128), (500, 3000, 50), 2, _RESPONSES_ONLY,
        _LMH, structured=True, paid=True, policy="disabled", category="powerful",
        terms="Disabled by your organization.", price_category="very_high",
    )  # fmt: skip
    yield Row("gpt-41-copilot", "GPT-4.1 Copilot", "Azure OpenAI", (0, 0, 0), kind="completion",
              images=0)  # fmt: skip
    for name in ("text-embedding-3-small", "text-embedding-ada-002"):
        yield Row(name, name, "Azure OpenAI", (0, 0, 0), kind="embeddings", images=0, picker=False)
    for _ in range(2):  # listed twice, as the real list does
        yield Row("gpt-4", "GPT 4", "Azure OpenAI", (32.768, 32.768, 4.096), images=0, picker=False,
                  version="gpt-4-0613")  # fmt: skip


def _limits(row: Row) -> dict[str, Any]:
    if row.kind == "embeddings":
        return {"max_inputs": 512}
    if row.kind != "chat":
        return {}
    window, prompt, output = (int(thousands * 1000) for thousands in row.limits)
    limits: dict[str, Any] = {
        "max_context_window_tokens": window,
        "max_output_tokens": output,
        "max_prompt_tokens": prompt,
    }
    if row.vendor == "Anthropic":
        limits["max_non_streaming_output_tokens"] = 16000
    if row.images:
        limits["vision"] = {
            "max_prompt_image_size": 3145728,
            "max_prompt_images": row.images,
            "supported_media_types": _IMAGES,
        }
    return limits


def _supports(row: Row) -> dict[str, Any]:
    if row.kind == "embeddings":
        return {"dimensions": True}
    supports: dict[str, Any] = {"streaming": True}
    if row.kind != "chat":
        return supports
    supports |= {"tool_calls": True, "parallel_tool_calls": True}
    if row.images:
        supports["vision"] = True
    if row.structured:
        supports["structured_outputs"] = True
    if row.efforts:
        supports["reasoning_effort"] = list(row.efforts)
    if row.adaptive:
        supports["adaptive_thinking"] = True
        supports["context_editing"] = True
        supports["tool_search"] = True
    if row.budget:
        supports["min_thinking_budget"], supports["max_thinking_budget"] = row.budget
    return supports


def _billing(row: Row, era: str) -> dict[str, Any]:
    restricted = {"restricted_to": _PAID} if row.paid else {}
    if era == "multiplier":
        return {"is_premium": row.multiplier > 0, "multiplier": row.multiplier, **restricted}
    credit, output, cached = row.prices
    prices = {"input_price": credit, "output_price": output, "cache_price": cached}
    if row.vendor == "Anthropic":
        prices["cache_write_price"] = credit * 1.25
    tiers: dict[str, Any] = {"batch_size": 1000000, "default": prices}
    if row.limits[0] >= 1000:
        prices["context_max"] = 200000
        tiers["long_context"] = {
            name: price * (1.5 if name == "output_price" else 2) for name, price in prices.items()
        } | {"context_max": int(row.limits[1] * 1000)}
    return {"token_prices": tiers, **restricted}


def entry(row: Row, era: str) -> dict[str, Any]:
    """One row as an entry of `/models`."""
    model: dict[str, Any] = {
        "billing": _billing(row, era),
        "capabilities": {
            "family": row.id.removesuffix("-preview"),
            "limits": _limits(row),
            "object": "model_capabilities",
            "supports": _supports(row),
            "tokenizer": "cl100k_base" if row.kind == "embeddings" else "o200k_base",
            "type": row.kind,
        },
        "id": row.id,
        "is_chat_default": row.default,
        "is_chat_fallback": row.default,
        "model_picker_enabled": row.picker,
        "name": row.name,
        "object": "model",
        "preview": row.preview,
        "vendor": row.vendor,
        "version": row.version or row.id,
    }
    if row.picker:
        model["model_picker_category"] = row.category
        if era == "tokens":
            model["model_picker_price_category"] = row.price_category
    if row.endpoints:
        model["supported_endpoints"] = list(row.endpoints)
    if row.policy:
        terms = row.terms or f"Enable access to the latest {row.name} model."
        model["policy"] = {"state": row.policy, "terms": terms}
    if row.notice:
        model["info_messages"] = [{"code": row.notice[0], "message": row.notice[1]}]
    return model


def models(scenario: Scenario) -> list[dict[str, Any]]:
    """The `data` of `/models` for this account."""
    wanted = scenario.catalogue
    if isinstance(wanted, tuple):
        return [dict(model) for model in wanted]
    if wanted != "demo":
        return list(body(wanted.removeprefix("example-"))["data"])
    free = scenario.who == "free"
    rows = [row for row in _rows() if not (free and row.paid)]
    if scenario.auto_only:
        rows = [replace(row, picker=False) for row in rows]
    return [entry(row, scenario.era) for row in rows]


class Facts:
    """Questions to one entry of the list."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.entry = entry
        self.id: str = entry["id"]
        self.vendor: str = entry.get("vendor", "")
        self.kind: str = entry["capabilities"]["type"]
        self.limits: Mapping[str, Any] = entry["capabilities"].get("limits", {})
        self.supports: Mapping[str, Any] = entry["capabilities"].get("supports", {})
        self.version: str = entry.get("version") or self.id
        self.endpoints: list[str] = entry.get("supported_endpoints") or [CHAT]
        self.efforts: list[str] = self.supports.get("reasoning_effort", [])

    @property
    def claude(self) -> bool:
        return self.vendor == "Anthropic"

    @property
    def gemini(self) -> bool:
        return self.vendor == "Google"

    @property
    def openai(self) -> bool:
        return self.vendor in {"OpenAI", "Azure OpenAI"}

    @property
    def reasons(self) -> bool:
        """An OpenAI model of the kind that thinks and takes no sampling settings."""
        return self.openai and self.id.startswith(("gpt-5", "o1", "o3", "o4"))

    @property
    def wants_completion_tokens(self) -> bool:
        """`max_tokens` is refused: gpt-5.4 and later (`upstream.md` 6.1)."""
        _, _, rest = self.id.partition("gpt-5.")
        number = rest.split("-")[0]
        return self.openai and number.isdigit() and int(number) >= 4

    @property
    def spelled(self) -> str:
        """How replies of this model name it."""
        return self.id.replace(".", "-") if self.claude else self.version

    @property
    def multiplier(self) -> float:
        return float(self.entry.get("billing", {}).get("multiplier") or 0)

    @property
    def prices(self) -> Mapping[str, float] | None:
        """AI credits per million tokens, None for accounts billed by requests."""
        found = self.entry.get("billing", {}).get("token_prices")
        return None if found is None else found.get("default", found)

    @property
    def costs(self) -> bool:
        """Using it draws on the allowance."""
        prices = self.prices
        return self.multiplier > 0 if prices is None else bool(prices.get("output_price"))
