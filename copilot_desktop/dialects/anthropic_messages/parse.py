"""From an Anthropic Messages body to a canonical `Request` (`translation.md` §3).

Knows the top level of the format: which fields carry meaning, which are advice that no other
format can say (a `Loss`), and which ask for something that Copilot does not have (refused).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import Effort, Loss, Request, ResponseFormat, Text
from copilot_desktop.dialects.anthropic_messages.content import Turns, cached_to_the_end, texts
from copilot_desktop.dialects.anthropic_messages.shapes import items, mapping, number, string, whole
from copilot_desktop.dialects.anthropic_messages.tools import read_choice, read_tools
from copilot_desktop.errors import InvalidRequest, NotExpressible

BILLING = "x-anthropic-billing-header"  # Claude Code's own; upstream refuses it as a reserved word

_READ = frozenset({
    "model", "messages", "system", "tools", "tool_choice", "max_tokens", "temperature", "top_p",
    "stop_sequences", "thinking", "output_config", "output_format", "metadata", "stream",
    "cache_control", "mcp_servers",
})  # fmt: skip


def parse_request(body: Mapping[str, Any]) -> Request:
    """Raises InvalidRequest with the path of the field that cannot be understood."""
    losses: list[Loss] = []
    if not _READ.issuperset(body):
        losses += [Loss(key) for key in body if key not in _READ and body[key] is not None]
    if body.get("mcp_servers"):
        raise NotExpressible("mcp_servers: MCP servers cannot be reached through Copilot.")
    model = string(body.get("model"), "model")
    values = items(body.get("messages"), "messages")
    if not values:
        raise InvalidRequest("messages: at least one message is required")
    turns = Turns(model, losses)
    tools = read_tools(body.get("tools"), losses)
    choice, parallel = read_choice(body.get("tool_choice"), tools)
    effort, budget = _reasoning(body)
    messages = tuple([turns.read(value, f"messages.{i}") for i, value in enumerate(values)])
    if isinstance(body.get("cache_control"), dict):
        messages = (*messages[:-1], cached_to_the_end(messages[-1]))
    return Request(
        model=model,
        messages=messages,
        system=_system(body.get("system")),
        tools=tools,
        tool_choice=choice,
        parallel_tools=parallel,
        max_tokens=_max_tokens(body.get("max_tokens")),
        temperature=number(body.get("temperature"), "temperature"),
        top_p=number(body.get("top_p"), "top_p"),
        stop=_stop(body.get("stop_sequences")),
        effort=effort,
        thinking_budget=budget,
        response_format=_response_format(body),
        user=_user(body.get("metadata")),
        stream=body.get("stream") is True,
        hide_reasoning=_hides_reasoning(body.get("thinking")),
        losses=tuple(losses),
    )


def _system(value: Any) -> tuple[Text, ...]:
    """The instructions, without Claude Code's billing line and without empty blocks."""
    if value is None:
        return ()
    if isinstance(value, str) and value.lstrip().startswith(BILLING):
        value = value.lstrip().partition("\n")[2]
    found = texts(value, "system")
    return tuple(
        text for text in found if text.text.strip() and not text.text.lstrip().startswith(BILLING)
    )


def _max_tokens(value: Any) -> int | None:
    """None where absent (token counting sends none)."""
    limit = whole(value, "max_tokens")
    if limit == 0:
        raise NotExpressible("max_tokens: 0 (warming the cache) is not available through Copilot.")
    if limit is not None and limit < 0:
        raise InvalidRequest("max_tokens: must be at least 1")
    return limit


def _stop(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    found = enumerate(items(value, "stop_sequences"))
    words = [string(entry, f"stop_sequences.{i}") for i, entry in found]
    return tuple([word for word in words if word])


def _user(metadata: Any) -> str:
    user = mapping(metadata, "metadata").get("user_id") if metadata is not None else None
    return user if isinstance(user, str) else ""


def _reasoning(body: Mapping[str, Any]) -> tuple[Effort | None, int | None]:
    """Effort and budget in tokens. `thinking` says whether, `output_config.effort` how hard."""
    config = body.get("output_config")
    word = mapping(config, "output_config").get("effort") if config is not None else None
    if word is not None and word not in [effort.value for effort in Effort]:
        raise InvalidRequest(f"output_config.effort: must be one of {', '.join(Effort)}")
    effort = Effort(word) if word is not None else None
    if (value := body.get("thinking")) is None:
        return effort, None
    thinking = mapping(value, "thinking")
    match thinking.get("type"):
        case "enabled":
            budget = whole(thinking.get("budget_tokens"), "thinking.budget_tokens")
            if budget is None or budget < 1:
                raise InvalidRequest("thinking.budget_tokens: must be at least 1")
            return effort, budget
        case "adaptive":
            return effort or Effort.MEDIUM, None
        case "between_tools":
            return Effort.LOW, None
        case "disabled":
            return Effort.NONE, None
    raise InvalidRequest("thinking.type: must be enabled, adaptive, between_tools or disabled")


def _hides_reasoning(thinking: Any) -> bool:
    return isinstance(thinking, dict) and thinking.get("display") == "omitted"


def _response_format(body: Mapping[str, Any]) -> ResponseFormat | None:
    """`output_config.format`, its older spelling `output_format`, and OpenAI's nested shape."""
    config = body.get("output_config")
    value = mapping(config, "output_config").get("format") if config is not None else None
    value = body.get("output_format") if value is None else value
    if value is None:
        return None
    wanted = mapping(value, "output_config.format")
    if wanted.get("type") != "json_schema":
        raise InvalidRequest("output_config.format.type: must be json_schema")
    nested = wanted.get("json_schema")
    schema = wanted.get("schema")
    if schema is None and isinstance(nested, dict):
        schema = nested.get("schema")
    return ResponseFormat(dict(mapping(schema, "output_config.format.schema")), strict=True)
