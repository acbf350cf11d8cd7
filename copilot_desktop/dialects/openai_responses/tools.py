"""Tools and tool choice of the Responses API, both ways.

Three kinds of tools are run by the client: functions, custom tools (free text instead of JSON) and
namespaces (groups of both; Codex sends its tools so, sometimes inside `additional_tools` items).
Hosted tools are run by OpenAI's servers: they are left out beside others and refused alone, since
an answer without the only thing that was asked for would be a false success (`translation.md` §5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from copilot_desktop.canonical import Loss, Request, Tool, ToolChoice
from copilot_desktop.dialects.openai_responses.fields import (
    invalid,
    list_of,
    object_of,
    text_of,
)
from copilot_desktop.dialects.openai_responses.items import TOOL_ITEMS, flat_name
from copilot_desktop.errors import NotExpressible
from copilot_desktop.model import Model
from copilot_desktop.schemas import is_closed

Json = dict[str, Any]


def read_tools(body: Mapping[str, Any], losses: list[Loss]) -> tuple[Tool, ...]:
    """All tools of a request; those of `tools` win over later ones of the same name.

    Raises InvalidRequest, and NotExpressible if there are hosted tools only.
    """
    found: dict[str, Tool] = {}
    hosted: list[str] = []
    for path, declaration in _declarations(body):
        if not isinstance(declaration, dict):
            raise invalid(path, "must be an object")
        for tool in _read(declaration, path, hosted):
            found.setdefault(tool.name, tool)
    if hosted and not found:
        what = f"The hosted tool {hosted[0]}"
        raise NotExpressible(fields={"what": what, "model": str(body.get("model", ""))})
    losses += [Loss(f"tools.{kind}", marked=True) for kind in dict.fromkeys(hosted)]
    return tuple(found.values())


def _declarations(body: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for place, declaration in enumerate(list_of(body.get("tools"), "tools")):
        yield f"tools[{place}]", declaration
    items = body.get("input")
    for number, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict) and item.get("type") in TOOL_ITEMS:
            path = f"input[{number}].tools"
            for place, declaration in enumerate(list_of(item.get("tools"), path)):
                yield f"{path}[{place}]", declaration


def _read(declaration: Mapping[str, Any], path: str, hosted: list[str]) -> Iterable[Tool]:
    match declaration.get("type"):
        case "function" | "custom":
            yield _read_tool(declaration, path, "")
        case "namespace":
            namespace = text_of(declaration.get("name"), f"{path}.name")
            for place, inner in enumerate(list_of(declaration.get("tools"), f"{path}.tools")):
                within = f"{path}.tools[{place}]"
                yield _read_tool(object_of(inner, within), within, namespace)
        case kind:
            hosted.append(str(kind)[:64])


def _read_tool(declaration: Mapping[str, Any], path: str, namespace: str) -> Tool:
    name = text_of(declaration.get("name"), f"{path}.name")
    if not name:
        raise invalid(f"{path}.name", "is missing")
    custom = declaration.get("type") == "custom"
    strict = declaration.get("strict")
    return Tool(
        name=flat_name(namespace, name),
        description=text_of(declaration.get("description"), f"{path}.description"),
        schema=dict(object_of(declaration.get("parameters"), f"{path}.parameters")),
        strict=strict if isinstance(strict, bool) and not custom else None,
        custom=custom,
        original=name if namespace else "",
        namespace=namespace,
        grammar=_grammar(declaration) if custom else None,
    )


def _grammar(declaration: Mapping[str, Any]) -> tuple[str, str] | None:
    match declaration.get("format"):
        case {"syntax": str(syntax), "definition": str(definition)}:
            return syntax, definition
    return None


# -------------------------------------------------------------------------------------- choice


def read_choice(value: Any, tools: tuple[Tool, ...]) -> tuple[ToolChoice | None, tuple[Tool, ...]]:
    """The choice, and the tools that it leaves. Raises InvalidRequest."""
    if value is None:
        return None, tools
    if value in ("auto", "none", "required"):
        return ToolChoice(value), tools
    if not isinstance(value, dict):
        raise invalid("tool_choice", "must be auto, none, required or an object")
    match value.get("type"):
        case "function" | "custom":
            return ToolChoice("tool", _chosen(value, tools, "tool_choice")), tools
        case "allowed_tools":
            return _read_allowed(value, tools)
        case kind:
            raise invalid("tool_choice", f"{kind} cannot be chosen through Copilot")


def _read_allowed(
    value: Mapping[str, Any], tools: tuple[Tool, ...]
) -> tuple[ToolChoice, tuple[Tool, ...]]:
    allowed = list_of(value.get("tools"), "tool_choice.tools")
    names = {
        _chosen(entry, tools, "tool_choice.tools")
        for entry in allowed
        if isinstance(entry, dict) and entry.get("type") in ("function", "custom")
    }
    left = tuple(tool for tool in tools if tool.name in names)
    if not left:
        raise invalid("tool_choice.tools", "none of the allowed tools can be called")
    return ToolChoice("required" if value.get("mode") == "required" else "auto"), left


def _chosen(value: Mapping[str, Any], tools: tuple[Tool, ...], path: str) -> str:
    """The flat name of a chosen tool; its namespace may be left out."""
    name = text_of(value.get("name"), f"{path}.name")
    flat = flat_name(text_of(value.get("namespace"), f"{path}.namespace"), name)
    if any(tool.name == flat for tool in tools):
        return flat
    return next((tool.name for tool in tools if tool.original == name), flat)


# -------------------------------------------------------------------------------------- writing


def render_tools(tools: Iterable[Tool], model: Model) -> list[Json]:
    """Flat declarations. Strictness is off unless asked for: its default would refuse schemas."""
    return [_render(tool, model) for tool in tools]


def _render(tool: Tool, model: Model) -> Json:
    words: Json = {"description": tool.description} if tool.description else {}
    if tool.custom:
        if tool.grammar is not None:
            syntax, definition = tool.grammar
            words["format"] = {"type": "grammar", "syntax": syntax, "definition": definition}
        return {"type": "custom", "name": tool.name, **words}
    return {
        "type": "function",
        "name": tool.name,
        **words,
        "parameters": tool.schema or {"type": "object", "properties": {}},
        "strict": is_strict(tool, model),
    }


def is_strict(tool: Tool, model: Model) -> bool:
    """Anthropic's strict tools may have optional fields; OpenAI refuses those."""
    return tool.strict is True and model.structured and is_closed(tool.schema)


def render_choice(choice: ToolChoice, request: Request) -> str | Json:
    """`auto`, `none`, `required`, or the object that names a tool."""
    if choice.mode != "tool":
        return choice.mode
    tool = request.tool(choice.name)
    kind = "custom" if tool is not None and tool.custom else "function"
    return {"type": kind, "name": tool.name if tool is not None else choice.name}
