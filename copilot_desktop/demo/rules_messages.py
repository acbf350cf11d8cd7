"""What `/v1/messages` refuses (`upstream.md` 8.2): headers and the top of the body.

The conversation itself is looked at by `rules_blocks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from copilot_desktop.demo import rules, rules_blocks
from copilot_desktop.demo.ask import parts
from copilot_desktop.demo.catalogue import Facts
from copilot_desktop.demo.refusals import anthropic, gateway
from copilot_desktop.demo.rules import Body
from copilot_desktop.demo.world import World

CONTEXT = "context-management-2025-06-27"
TOOL_USE = "advanced-tool-use-2025-11-20"
SYSTEM_TURNS = "mid-conversation-system-2026-04-07"
_BETAS = {
    CONTEXT,
    TOOL_USE,
    SYSTEM_TURNS,
    "interleaved-thinking-2025-05-14",
    "extended-cache-ttl-2025-04-11",
    "fine-grained-tool-streaming-2025-05-14",
}
_KNOWN = {
    "model", "messages", "max_tokens", "system", "tools", "tool_choice", "stream", "temperature",
    "top_p", "top_k", "stop_sequences", "thinking", "output_config", "metadata",
    "context_management", "cache_control",
}  # fmt: skip
_BREAKPOINTS = 4
_TYPED = ("bash_", "text_editor_", "memory_", "computer_")
_SEARCHED = "tool_search_tool_"
_TOOL_KEYS = {"name", "description", "input_schema", "cache_control", "type", "strict"}
_BETA_TOOL_KEYS = {"defer_loading", "input_examples", "allowed_callers"}


def pictures(body: Body) -> list[Mapping[str, Any]]:
    """All image blocks of a request, also those that tools returned."""
    messages = body.get("messages")
    found = [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    blocks = [part for m in found for part in parts(m.get("content"))]
    blocks += [part for block in blocks for part in parts(block.get("content"))]
    return [block for block in blocks if block.get("type") == "image"]


def extra(path: str) -> Exception:
    """The refusal of a field that is not known there."""
    return anthropic(f"{path}: Extra inputs are not permitted")


def check(body: Body, facts: Facts, headers: Mapping[str, str], world: World) -> None:
    """Raises Refused."""
    del world
    betas = _betas(headers)
    for name in body:
        if name not in _KNOWN:
            raise extra(name)
    if body.get("context_management") is not None and CONTEXT not in betas:
        raise extra("context_management")
    if "cache_control" in body and facts.id.endswith(("4.5", "4.6")):
        raise extra("cache_control")
    _limits(body, facts)
    _thinking(body, facts)
    _output_config(body, facts)
    names = _tools(body, facts, betas)
    _choice(body, names)
    rules_blocks.check(body, facts, names, system_turns=SYSTEM_TURNS in betas)
    _breakpoints(body)


def _betas(headers: Mapping[str, str]) -> set[str]:
    asked = {name.strip() for name in headers.get("anthropic-beta", "").split(",")} - {""}
    unknown = sorted(
        name for name in asked if name not in _BETAS and not name.startswith("computer-use-")
    )
    if unknown:
        raise gateway(f"unsupported beta header(s): {', '.join(unknown)}")
    return asked


def _limits(body: Body, facts: Facts) -> None:
    limit = body.get("max_tokens")
    if limit is None:
        raise anthropic("max_tokens: Field required")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise anthropic("max_tokens: Input should be greater than or equal to 1")
    most = facts.limits.get("max_output_tokens", limit)
    if limit > most:
        raise anthropic(
            f"max_tokens: {limit} > {most}, which is the maximum allowed number of output tokens "
            f"for {facts.spelled}"
        )
    for place, text in enumerate(body.get("stop_sequences") or ()):
        if not isinstance(text, str) or not text.strip():
            raise anthropic(
                f"stop_sequences.{place}: each stop sequence must contain non-whitespace"
            )
    rules.sampling(body, facts, effort=None, say=anthropic)


def _thinking(body: Body, facts: Facts) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type")
    if kind not in {"enabled", "adaptive", "disabled"}:
        raise anthropic("thinking.type: Input should be 'adaptive', 'disabled' or 'enabled'")
    if kind == "disabled":
        return
    known = {"type", "display", *(("budget_tokens",) if kind == "enabled" else ())}
    for name in thinking:
        if name not in known:
            raise extra(f"thinking.{kind}.{name}")
    if thinking.get("display") not in (None, "summarized", "omitted"):
        raise anthropic("thinking.display: Input should be 'summarized' or 'omitted'")
    if kind == "adaptive":
        if not facts.supports.get("adaptive_thinking"):
            raise anthropic("adaptive thinking is not supported on this model")
    else:
        _budget(thinking.get("budget_tokens"), body["max_tokens"], facts)
    _with_thinking(body)


def _budget(budget: Any, limit: int, facts: Facts) -> None:
    least = facts.supports.get("min_thinking_budget")
    most = facts.supports.get("max_thinking_budget")
    if least is None or most is None:
        raise anthropic(
            '"thinking.type.enabled" is not supported for this model. Use '
            '"thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
        )
    if not isinstance(budget, int) or isinstance(budget, bool):
        raise anthropic("thinking.enabled.budget_tokens: Field required")
    if budget < least:
        raise anthropic(
            f"thinking.enabled.budget_tokens: Input should be greater than or equal to {least}"
        )
    if budget > most:
        raise anthropic(
            f"thinking.enabled.budget_tokens: Input should be less than or equal to {most}"
        )
    if budget >= limit:
        raise anthropic("`max_tokens` must be greater than `thinking.budget_tokens`")


def _with_thinking(body: Body) -> None:
    for name in ("temperature", "top_p"):
        if body.get(name) not in (None, 1):
            raise anthropic(f"`{name}` may only be set to 1 when thinking is enabled")
    if body.get("top_k") is not None:
        raise anthropic("`top_k` must be unset when thinking is enabled")
    if (body.get("tool_choice") or {}).get("type") in {"any", "tool"}:
        raise anthropic("Thinking may not be enabled when tool_choice forces tool use.")


def _output_config(body: Body, facts: Facts) -> None:
    config = body.get("output_config")
    if config is None:
        return
    for name in config:
        if name not in {"effort", "format"}:
            raise extra(f"output_config.{name}")
    if config.get("effort") is not None and not facts.efforts:
        raise anthropic("This model does not support the effort parameter.")
    rules.effort(config.get("effort"), facts, anthropic, "output_config.effort")
    form = config.get("format")
    if form is None:
        return
    if not facts.supports.get("structured_outputs"):
        raise extra("output_config.format")
    if form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict):
        raise anthropic("output_config.format: Input should be a json_schema with a schema")
    for name in form:
        if name not in {"type", "schema"}:
            raise extra(f"output_config.format.{name}")


def _tools(body: Body, facts: Facts, betas: set[str]) -> set[str]:
    tools = body.get("tools")
    if tools is None:
        return set()
    if not isinstance(tools, list):
        raise anthropic("tools: Input should be a valid list")
    for place, tool in enumerate(tools):
        kind = tool.get("type") or "custom"
        if kind.startswith("web_search_"):
            raise anthropic("The use of the web search tool is not supported.")
        if kind == "custom":
            _custom_tool(tool, f"tools.{place}.custom", facts, betas)
        elif kind.startswith(_SEARCHED):
            if TOOL_USE not in betas:
                raise anthropic(f"tools.{place}: tool type '{kind}' needs a beta header")
        elif not kind.startswith(_TYPED):
            raise anthropic(f"tools.{place}: Input tag '{kind}' is not supported")
    names = [tool.get("name") for tool in tools]
    rules.tool_names(names, anthropic)
    return {str(name) for name in names}


def _custom_tool(tool: Body, where: str, facts: Facts, betas: set[str]) -> None:
    known = _TOOL_KEYS | (_BETA_TOOL_KEYS if TOOL_USE in betas else set())
    for name in tool:
        if name not in known:
            raise extra(f"{where}.{name}")
    if "strict" in tool and not facts.supports.get("structured_outputs"):
        raise extra(f"{where}.strict")
    schema = tool.get("input_schema")
    if schema is None:
        raise anthropic(f"{where}.input_schema: Field required")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise anthropic(f"{where}.input_schema.type: Input should be 'object'")
    if any(name in schema for name in ("oneOf", "allOf", "anyOf")):
        raise anthropic(
            f"{where}.input_schema: input_schema does not support oneOf, allOf, or anyOf "
            "at the top level"
        )
    if any(isinstance(inner.get("items"), list) for inner in rules.schemas(schema)):
        raise anthropic(
            f"{where}.input_schema: JSON schema is invalid. It must match JSON Schema "
            "draft 2020-12 (https://json-schema.org/draft/2020-12)."
        )


def _choice(body: Body, names: set[str]) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind not in {"auto", "any", "tool", "none"}:
        raise anthropic("tool_choice: Input should be one of 'auto', 'any', 'tool' or 'none'")
    if not names:
        raise anthropic("tool_choice may only be specified while providing tools.")
    if kind == "tool" and choice.get("name") not in names:
        raise anthropic(f"Tool '{choice.get('name')}' not found in provided tools")


def _breakpoints(body: Body) -> None:
    found = list(_marks(body, ""))
    for path, mark in found:
        if not isinstance(mark, dict) or mark.get("type") != "ephemeral":
            raise anthropic(f"{path}.cache_control.type: Input should be 'ephemeral'")
        for name in mark:
            if name not in {"type", "ttl"}:
                raise extra(f"{path}.cache_control.ephemeral.{name}")
        if mark.get("ttl") not in (None, "5m", "1h"):
            raise anthropic(f"{path}.cache_control.ephemeral.ttl: Input should be '5m' or '1h'")
    if len(found) > _BREAKPOINTS:
        raise anthropic(
            f"A maximum of {_BREAKPOINTS} blocks with cache_control may be provided. "
            f"Found {len(found)}."
        )


def _marks(body: Body, path: str) -> Iterator[tuple[str, Any]]:
    """Every cache mark with the place where it stands."""
    if body.get("cache_control") is not None:
        yield path.lstrip("."), body["cache_control"]
    for place, message in enumerate(body.get("messages") or ()):
        yield from _marks_in(message.get("content"), f"messages.{place}.content")
    yield from _marks_in(body.get("system"), "system")
    yield from _marks_in(body.get("tools"), "tools")


def _marks_in(found: Any, path: str) -> Iterator[tuple[str, Any]]:
    for place, block in enumerate(found if isinstance(found, list) else ()):
        if isinstance(block, dict) and block.get("cache_control") is not None:
            yield f"{path}.{place}", block["cache_control"]
