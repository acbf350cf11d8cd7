"""One entry of GitHub's model list becomes a `Model` (`upstream.md` §5.1, `translation.md` §1.3).

Two tiers: an entry without an id is left out, everything else is optional and a value of the wrong
type counts as missing. Ids and names go into files, variables and terminals, so they are one line
of what can be seen. Both billing eras are read; prices end up in AI credits per million tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from copilot_desktop.errors import NotUnderstood
from copilot_desktop.model import CHAT, EMBEDDINGS, LADDER, MESSAGES, Model
from copilot_desktop.spelling import whole
from copilot_desktop.upstream.quota_headers import number

Thinking = Literal["none", "budget", "optional", "required"]

_PRICES = (
    ("input", ("input_price",)),
    ("output", ("output_price",)),
    ("cache_read", ("cache_price", "cache_read_price")),
    ("cache_write", ("cache_write_price",)),
)
_BILLIONTHS = 1_000_000.0  # from here on: no model costs a credit for each token
_NEW_OPENAI = re.compile(r"(gpt-(5|[6-9]|\d\d)|o\d)")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
# Tokens of a prompt, of an answer, and of both, where the list does not say: what conversations
# usually have, and what `/embeddings` takes of one text (`upstream.md` §9.1).
_USUAL, _ONE_TEXT = (64_000, 16_384, 128_000), (8191, 0, 8191)
_TEXT_LIMIT = 4000
_MOST = 1000  # entries that are read; GitHub lists some sixty
_MOST_NOTICES = 20  # of one model


def models_of(payload: object) -> tuple[Model, ...]:
    """The models of a `/models` answer, each id once (the first wins). Raises NotUnderstood."""
    entries = payload.get("data") if isinstance(payload, Mapping) else payload
    if not isinstance(entries, list):
        raise NotUnderstood("The list of models has an unexpected form.")
    found: dict[str, Model] = {}
    for entry in entries[:_MOST]:
        if (model := model_of(entry)) is not None:
            found.setdefault(model.id, model)
    return tuple(found.values())


def model_of(entry: object) -> Model | None:
    """One entry, or None if it has no usable id or is of a kind that we cannot call."""
    if not isinstance(entry, Mapping):
        return None
    name = _text(entry.get("id"))
    capabilities = _object(entry.get("capabilities"))
    kind = capabilities.get("type", "chat")
    named = 0 < len(name) <= 200 and name.isprintable() and name == entry["id"]
    if not named or kind not in ("chat", "embeddings", "completion"):
        return None
    supports, limits = _object(capabilities.get("supports")), _object(capabilities.get("limits"))
    endpoints, websocket = _endpoints(entry.get("supported_endpoints"), kind)
    efforts = _list(supports.get("reasoning_effort"))
    prompt, output, both = _ONE_TEXT if kind == "embeddings" else _USUAL
    policy = _object(entry.get("policy"))
    billing = _object(entry.get("billing"))
    prices = token_prices(_object(billing.get("token_prices")))
    multiplier = None if prices else number(billing.get("multiplier"))
    seeing = _object(limits.get("vision"))
    vendor, family = _text(entry.get("vendor")), _text(capabilities.get("family"))
    return Model(
        id=name,
        name=_line(entry.get("name")) or name,
        vendor=vendor,
        family=family,
        version=_text(entry.get("version")),
        kind=kind,
        endpoints=endpoints,
        websocket=websocket,
        in_picker=_flag(entry.get("model_picker_enabled"), missing=True),
        preview=_flag(entry.get("preview")),
        is_default=_flag(entry.get("is_chat_default")),
        is_fallback=_flag(entry.get("is_chat_fallback")),
        policy=_policy(policy.get("state")),
        policy_terms=_text(policy.get("terms")),
        max_prompt=_count(limits.get("max_prompt_tokens"), prompt),
        max_output=_count(limits.get("max_output_tokens"), output),
        max_context=_count(limits.get("max_context_window_tokens"), both),
        max_inputs=_count(limits.get("max_inputs"), 0),
        vision=_flag(supports.get("vision")),
        max_images=_count(seeing.get("max_prompt_images"), 0),
        pdf=_reads_pdf(seeing, vendor, endpoints),
        tools=_flag(supports.get("tool_calls"), missing=kind == "chat"),
        parallel_tools=_flag(supports.get("parallel_tool_calls"), missing=True),
        structured=_flag(supports.get("structured_outputs")),
        thinking=_thinking(supports),
        budget_min=_count(supports.get("min_thinking_budget"), 1024),
        budget_max=_count(supports.get("max_thinking_budget"), 32_000),
        efforts=tuple(effort for effort in LADDER if effort in efforts),
        max_tokens_key=_max_tokens_key(vendor, family or name),
        multiplier=multiplier,
        premium=_flag(billing.get("is_premium")) or bool(multiplier),
        token_prices=prices,
        request_headers=_headers(entry.get("request_headers")),
        notices=_notices(entry, billing),
    )


def _reads_pdf(seeing: Mapping[str, Any], vendor: str, endpoints: tuple[str, ...]) -> bool:
    """The list says so; every Claude reads PDF files over its own endpoint."""
    listed = "application/pdf" in _list(seeing.get("supported_media_types"))
    return listed or (vendor == "Anthropic" and MESSAGES in endpoints)


def token_prices(prices: Mapping[str, Any]) -> dict[str, float]:
    """AI credits per million tokens: `input`, `output`, `cache_read`, `cache_write`.

    Some clients are told them in billionths, as answers tell costs (§6.5).
    The tier for long prompts has the same names with `long_` before them and applies beyond
    `long_from` tokens (`upstream.md` §5.2; some samples leave the `default` level out).
    """
    batch = number(prices.get("batch_size")) or 1_000_000.0
    if batch <= 0:
        return {}
    usual = _object(prices.get("default")) or prices
    found: dict[str, float] = {}
    for prefix, tier in (("", usual), ("long_", _object(prices.get("long_context")))):
        for ours, theirs in _PRICES:
            price = next((p for name in theirs if (p := number(tier.get(name))) is not None), None)
            if price is not None and price >= 0:
                a_million = price * 1_000_000 / batch
                found[prefix + ours] = a_million / (1 if a_million < _BILLIONTHS else 1e9)
    if "long_input" in found and (start := number(usual.get("context_max"))) is not None:
        found["long_from"] = start
    return found


def _endpoints(listed: object, kind: str) -> tuple[tuple[str, ...], bool]:
    """HTTP endpoints, and whether Responses are offered over a WebSocket as well."""
    names = [name for name in _list(listed) if isinstance(name, str)]
    if not names:
        usual = {"chat": (CHAT,), "embeddings": (EMBEDDINGS,)}
        return usual.get(kind, ()), False
    http = tuple(dict.fromkeys(name for name in names if name.startswith("/")))
    return http, any(name.startswith("ws:") for name in names)


def _thinking(supports: Mapping[str, Any]) -> Thinking:
    match supports.get("adaptive_thinking"):
        case "required":
            return "required"
        case "optional" | True:
            return "optional"
    return "budget" if _count(supports.get("max_thinking_budget"), 0) else "none"


def _max_tokens_key(vendor: str, family: str) -> Literal["max_tokens", "max_completion_tokens"]:
    newer = vendor in {"OpenAI", "Azure OpenAI"} and _NEW_OPENAI.match(family)
    return "max_completion_tokens" if newer else "max_tokens"


def _policy(state: object) -> Literal["enabled", "disabled", "unconfigured"]:
    if state == "disabled":
        return "disabled"
    return "unconfigured" if state == "unconfigured" else "enabled"


def _headers(listed: object) -> dict[str, str]:
    return {
        name: value
        for name, value in _object(listed).items()
        if _HEADER_NAME.fullmatch(name) and isinstance(value, str) and value.isprintable()
    }


def _notices(entry: Mapping[str, Any], billing: Mapping[str, Any]) -> tuple[str, ...]:
    found = [_text(entry.get("warning_text")), _text(_object(billing.get("promo")).get("message"))]
    for group in ("warning_messages", "info_messages"):
        found += [_text(_object(notice).get("message")) for notice in _list(entry.get(group))]
    return tuple(dict.fromkeys(notice for notice in found if notice))[:_MOST_NOTICES]


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _text(value: object) -> str:
    return whole(value[:_TEXT_LIMIT]) if isinstance(value, str) else ""


def _line(value: object) -> str:
    return "".join(c for c in " ".join(_text(value).split()) if c.isprintable())


def _flag(value: object, *, missing: bool = False) -> bool:
    return value if isinstance(value, bool) else missing


def _count(value: object, missing: int) -> int:
    found = number(value)
    return int(found) if found is not None and found >= 1 else missing
