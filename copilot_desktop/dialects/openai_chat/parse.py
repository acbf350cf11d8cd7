"""A Chat Completions request, read into the canonical conversation (`translation.md` §4).

Knows every field an OpenAI client may send and which of them have no counterpart elsewhere. What
would change the answer without a trace is refused with a sentence; what is only advice becomes a
`Loss`. Must not know any model or what Copilot can do: the target of the translation knows that.
Fields nobody has heard of are ignored, since every client brings some.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from copilot_desktop.canonical import (
    Effort,
    Loss,
    Request,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from copilot_desktop.dialects.openai_chat.history import is_marked, read_conversation
from copilot_desktop.dialects.parameters import number, stop_sequences
from copilot_desktop.errors import InvalidRequest, NotExpressible

Json = dict[str, Any]

_ADVICE = (
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "prediction",
    "store",
    "metadata",
    "safety_identifier",
    "service_tier",
)
_UNSET: tuple[Any, ...] = (None, False, 0, "", [], {})


def parse_request(body: Mapping[str, Any]) -> Request:
    """Raises InvalidRequest for what makes no sense, NotExpressible for what Copilot lacks."""
    model = model_of(body)
    _refuse(body, model)
    conversation = read_conversation(_list(body, "messages"), model)
    tools, choice = _tools(body)
    older = bool(body.get("functions")) and not body.get("tools")
    effort, budget, unknown = _reasoning(body)
    options = body.get("stream_options")
    advice = [name for name in _ADVICE if body.get(name) not in _UNSET]
    lost = [*conversation.dropped, *unknown, *advice]
    losses = [Loss(name) for name in dict.fromkeys(lost)]
    if body.get("web_search_options") is not None:
        losses.append(Loss("web_search_options", marked=True))
    return Request(
        model=model,
        messages=tuple(conversation.messages),
        system=tuple(conversation.system),
        tools=tools,
        tool_choice=choice,
        # The older `function_call` has room for one call alone.
        parallel_tools=False if older else _flag(body, "parallel_tool_calls"),
        max_tokens=_limit(body),
        temperature=number(body, "temperature"),
        top_p=number(body, "top_p"),
        stop=stop_sequences(body),
        effort=effort,
        thinking_budget=budget,
        response_format=_response_format(body.get("response_format")),
        user=_words(body, "user"),
        verbosity=_words(body, "verbosity"),
        cache_key=_words(body, "prompt_cache_key"),
        cache_retention=_words(body, "prompt_cache_retention"),
        stream=body.get("stream") is True,
        echo_usage=isinstance(options, dict) and options.get("include_usage") is True,
        echo_functions=older,
        losses=tuple(losses),
    )


def model_of(body: Mapping[str, Any]) -> str:
    """The model's name as the client spells it. Raises InvalidRequest if there is none."""
    model = body.get("model")
    if not isinstance(model, str) or not model.strip():
        raise InvalidRequest("model must be a non-empty string.")
    return model


def _refuse(body: Mapping[str, Any], model: str) -> None:
    """What no model behind Copilot can do, and what must not be dropped silently."""
    modalities = body.get("modalities")
    n = body.get("n")
    wanted = {
        "More than one answer (n > 1)": isinstance(n, int) and n > 1,
        "logit_bias": body.get("logit_bias") not in _UNSET,
        "logprobs": body.get("logprobs") not in _UNSET or body.get("top_logprobs") not in _UNSET,
        "Audio": body.get("audio") not in _UNSET
        or (isinstance(modalities, list) and "audio" in modalities),
    }
    for what, is_wanted in wanted.items():
        if is_wanted:
            raise NotExpressible(fields={"what": what, "model": model})


# ------------------------------------------------------------------------------------- tools


def _tools(body: Mapping[str, Any]) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """The tools and the choice among them."""
    tools: list[Tool] = []
    for place, item in enumerate(_list(body, "tools", optional=True)):
        tools.append(_tool(item, f"tools[{place}]"))
    for place, item in enumerate(_list(body, "functions", optional=True)):
        tools.append(_function(item, f"functions[{place}]"))
    wish = body.get("tool_choice")
    if wish is None:
        wish = body.get("function_call")
    if isinstance(wish, dict) and wish.get("type") == "allowed_tools":
        return _allowed(wish, tools)
    return tuple(tools), _choice(wish)


def _tool(item: Any, place: str) -> Tool:
    if not isinstance(item, dict):
        raise InvalidRequest(f"{place} must be an object.")
    match item.get("type", "function"):
        case "function":
            # Some clients send the flat form of the Responses API here.
            tool = _function(item.get("function", item), place)
        case "custom":
            tool = _custom(item.get("custom"), place)
        case _:
            raise InvalidRequest(f"{place}.type must be function or custom.")
    return replace(tool, cached=True) if is_marked(item) else tool


def _custom(item: Any, place: str) -> Tool:
    if not isinstance(item, dict):
        raise InvalidRequest(f"{place}.custom must be an object.")
    grammar: tuple[str, str] | None = None
    match item.get("format"):
        case {"grammar": {"syntax": str(syntax), "definition": str(definition)}}:
            grammar = (syntax, definition)
        case {"syntax": str(syntax), "definition": str(definition)}:  # the flat form of Responses
            grammar = (syntax, definition)
    name, description = _name(item, place), _words(item, "description")
    return Tool(name, description, custom=True, grammar=grammar)


def _function(item: Any, place: str) -> Tool:
    if not isinstance(item, dict):
        raise InvalidRequest(f"{place}.function must be an object.")
    schema = item.get("parameters")
    if schema is not None and not isinstance(schema, dict):
        raise InvalidRequest(f"{place}.function.parameters must be a JSON schema.")
    strict = item.get("strict")
    return Tool(
        _name(item, place),
        _words(item, "description"),
        schema or {},
        strict=strict if isinstance(strict, bool) else None,
        cached=is_marked(item),
    )


def _choice(wish: Any) -> ToolChoice | None:
    match wish:
        case None:
            return None
        case "auto":
            return ToolChoice("auto")
        case "none":
            return ToolChoice("none")
        case "required" | "any":
            return ToolChoice("required")
        case {"function": {"name": str(name)}} | {"custom": {"name": str(name)}}:
            return ToolChoice("tool", name)
        case {"name": str(name)}:
            return ToolChoice("tool", name)
    raise InvalidRequest("tool_choice must be auto, none, required or name a tool.")


def _allowed(wish: Mapping[str, Any], tools: list[Tool]) -> tuple[tuple[Tool, ...], ToolChoice]:
    """`allowed_tools` is said everywhere by offering only those tools."""
    allowed = wish.get("allowed_tools", wish)
    listed = allowed.get("tools") if isinstance(allowed, dict) else None
    if not isinstance(allowed, dict) or not isinstance(listed, list):
        raise InvalidRequest("tool_choice.allowed_tools must list tools.")
    names = {choice.name for item in listed if (choice := _choice(item)) is not None}
    choice = ToolChoice("required" if allowed.get("mode") == "required" else "auto")
    return tuple(tool for tool in tools if tool.name in names), choice


# ------------------------------------------------------------------------------------- options


def _reasoning(body: Mapping[str, Any]) -> tuple[Effort | None, int | None, list[str]]:
    """Effort and budget: OpenAI's own field, and the vendor extras that people send as well."""
    reasoning, thinking = body.get("reasoning"), body.get("thinking")
    reasoning = reasoning if isinstance(reasoning, dict) else {}
    thinking = thinking if isinstance(thinking, dict) else {}
    word = body.get("reasoning_effort") or reasoning.get("effort")
    effort = next((known for known in Effort if known.value == word), None)
    unknown = ["reasoning_effort"] if word and effort is None else []
    if effort is None and (thinking.get("type") == "disabled" or reasoning.get("enabled") is False):
        effort = Effort.NONE
    if effort is None and (
        thinking.get("type") in ("adaptive", "auto") or reasoning.get("enabled") is True
    ):
        effort = Effort.MEDIUM
    budgets = (
        body.get("thinking_budget"),
        thinking.get("budget_tokens"),
        reasoning.get("max_tokens"),
    )
    budget = next((count for count in budgets if is_count(count)), None)
    return effort, budget, unknown


def is_count(value: Any) -> bool:
    """Whether this is a whole number above nought (`True` is not)."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _limit(body: Mapping[str, Any]) -> int | None:
    for key in ("max_completion_tokens", "max_tokens"):
        value = body.get(key)
        if value is None:
            continue
        if not is_count(value):
            raise InvalidRequest(f"{key} must be a whole number above 0.")
        return int(value)
    return None


def _flag(body: Mapping[str, Any], key: str) -> bool | None:
    value = body.get(key)
    if value is not None and not isinstance(value, bool):
        raise InvalidRequest(f"{key} must be true or false.")
    return value


def _response_format(value: Any) -> ResponseFormat | None:
    match value:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return ResponseFormat()
        case {"type": "json_schema", "json_schema": {"schema": dict(schema), **rest}}:
            name, strict = rest.get("name"), rest.get("strict")
            return ResponseFormat(
                schema,
                name if isinstance(name, str) and name else "response",
                strict if isinstance(strict, bool) else None,
            )
    raise InvalidRequest("response_format must be text, json_object or json_schema with a schema.")


# ------------------------------------------------------------------------------------- pieces


def _list(body: Mapping[str, Any], key: str, *, optional: bool = False) -> list[Any]:
    value = body.get(key)
    if value is None and optional:
        return []
    if not isinstance(value, list):
        raise InvalidRequest(f"{key} must be a list.")
    return value


def _name(item: Mapping[str, Any], place: str) -> str:
    name = item.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidRequest(f"{place} needs a name.")
    return name


def _words(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""
