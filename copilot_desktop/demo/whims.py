"""What Copilot refuses on some days, for some models, or only since lately (`upstream.md` §6–§8).

GitHub's list of models does not tell these; a client finds out by being refused. A scenario names
the whims that hold. Each looks at the body (and the beta header) and says no in the words of the
vendor; what it wants instead is in those words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from copilot_desktop.demo.ask import parts
from copilot_desktop.demo.catalogue import CHAT, MESSAGES, RESPONSES
from copilot_desktop.demo.refusals import Refused, anthropic, example, gateway, openai

Body = Mapping[str, Any]

_FEW = ("low", "medium")
_BETA = "interleaved-thinking-2025-05-14"


def check(names: tuple[str, ...], path: str, body: Body, headers: Mapping[str, str]) -> None:
    """Raises Refused."""
    for name in names:
        refusal = _WHIMS[name](path, body, headers)
        if refusal is not None:
            raise refusal


def _say(path: str, text: str, *, param: str | None = None, code: str | None = None) -> Refused:
    return anthropic(text) if path == MESSAGES else openai(text, param=param, code=code)


def _turns(path: str, body: Body) -> list[Any]:
    found = body.get("input" if path == RESPONSES else "messages")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _signature(path: str, body: Body, _headers: Mapping[str, str]) -> Refused | None:
    """A back end of another region cannot read what the last one has signed."""
    for place, turn in enumerate(_turns(path, body)):
        kinds = [part.get("type") for part in parts(turn.get("content"))]
        if turn.get("reasoning_opaque") or "thinking" in kinds:
            return anthropic(f"messages.{place}.content.0: Invalid `signature` in `thinking` block")
    return None


def _thinking(kind: str, instead: str) -> Callable[..., Refused | None]:
    def refuse(_path: str, body: Body, _headers: Mapping[str, str]) -> Refused | None:
        if (body.get("thinking") or {}).get("type") != kind:
            return None
        return anthropic(f'"thinking.type.{kind}" is not supported for this model. {instead}')

    return refuse


def _efforts(path: str, body: Body, _headers: Mapping[str, str]) -> Refused | None:
    holder, name = {
        CHAT: (body, "reasoning_effort"),
        RESPONSES: (body.get("reasoning") or {}, "effort"),
        MESSAGES: (body.get("output_config") or {}, "effort"),
    }[path]
    value = holder.get(name)
    if value in (None, *_FEW):
        return None
    text = f'{name} "{value}" is not supported by this model; supported values: [low, medium]'
    return gateway(text, "invalid_reasoning_effort")


def _extra(path: str, body: Body, _headers: Mapping[str, str]) -> Refused | None:
    for place, tool in enumerate(body.get("tools") or ()):
        if path == MESSAGES and "cache_control" in tool:
            return anthropic(f"tools.{place}.custom.cache_control: Extra inputs are not permitted")
    return None


def _format(path: str, body: Body, _headers: Mapping[str, str]) -> Refused | None:
    if path == MESSAGES and (body.get("output_config") or {}).get("format"):
        return anthropic("output_config.format: Extra inputs are not permitted")
    return None


def _prefill(path: str, body: Body, _headers: Mapping[str, str]) -> Refused | None:
    turns = _turns(path, body)
    if not turns or turns[-1].get("role") != "assistant":
        return None
    return _say(
        path,
        "This model does not support assistant message prefill. "
        "The conversation must end with a user message.",
    )


def _white_space(path: str, body: Body, _headers: Mapping[str, str]) -> Refused | None:
    for turn in _turns(path, body):
        content = turn.get("content")
        if turn.get("role") == "assistant" and isinstance(content, str) and content[-1:].isspace():
            text = "messages: final assistant content cannot end with trailing whitespace"
            return _say(path, text)
    return None


def _limit(path: str, body: Body, _headers: Mapping[str, str]) -> Refused | None:
    if path == CHAT and body.get("max_tokens") is not None:
        return example("400-max-tokens-parameter")
    return None


def _parameter(name: str) -> Callable[..., Refused | None]:
    def refuse(path: str, body: Body, _headers: Mapping[str, str]) -> Refused | None:
        if body.get(name) is None:
            return None
        text = f"Unsupported parameter: '{name}' is not supported with this model."
        return _say(path, text, param=name, code="unsupported_parameter")

    return refuse


def _item_ids(_path: str, body: Body, _headers: Mapping[str, str]) -> Refused | None:
    for place, item in enumerate(_turns(RESPONSES, body)):
        if item.get("id") is not None and item.get("type") != "reasoning":
            return openai(f"Invalid 'input[{place}].id': '{item['id']}'.", code="invalid_value")
    return None


def _connection(_path: str, body: Body, _headers: Mapping[str, str]) -> Refused | None:
    """The load went to another back end, which knows no items of this one."""
    if any(item.get("id") is not None for item in _turns(RESPONSES, body)):
        return example("401-stale-input-item")
    return None


def _forced(path: str, body: Body, _headers: Mapping[str, str]) -> Refused | None:
    choice = body.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, dict) else choice
    if kind in (None, "auto", "none"):
        return None
    return _say(path, f"tool_choice: forcing a tool ('{kind}') is not supported for this model.")


def _beta(path: str, _body: Body, headers: Mapping[str, str]) -> Refused | None:
    if path == MESSAGES and _BETA in headers.get("anthropic-beta", ""):
        return gateway(f"unsupported beta header(s): {_BETA}")
    return None


_WHIMS: Mapping[str, Callable[[str, Body, Mapping[str, str]], Refused | None]] = {
    "signature": _signature,
    "thinking enabled": _thinking(
        "enabled", 'Use "thinking.type.adaptive" and "output_config.effort" to control thinking.'
    ),
    "thinking disabled": _thinking("disabled", "This model always thinks."),
    "efforts": _efforts,
    "cache_control": _extra,
    "format": _format,
    "prefill": _prefill,
    "white space": _white_space,
    "max_tokens": _limit,
    "temperature": _parameter("temperature"),
    "presence_penalty": _parameter("presence_penalty"),
    "stream_options": _parameter("stream_options"),
    "item ids": _item_ids,
    "connection": _connection,
    "forced tool": _forced,
    "beta": _beta,
}
NAMES = tuple(_WHIMS)
