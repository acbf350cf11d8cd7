"""Tools and tool choice: from Anthropic's JSON to canonical values (`translation.md` §3.3).

Anthropic has three kinds. Custom tools carry a schema. Typed client tools (bash, text editor,
memory) have one that every Claude knows by heart; other models need it spelled out. Server tools
run at Anthropic, which Copilot does not offer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import Loss, Tool, ToolChoice
from copilot_desktop.dialects.anthropic_messages.shapes import (
    items,
    mapping,
    string,
    string_in,
)
from copilot_desktop.errors import InvalidRequest, NotExpressible

_SERVER = (
    "web_search",
    "web_fetch",
    "code_execution",
    "tool_search_tool",
    "mcp_toolset",
    "advisor",
)
_SCREEN = ("computer_", "browser_toolset_")
_KEPT = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})

_TEXT = {"type": "string"}
_LINE = {"type": "integer"}
_FILE = {
    "command": _TEXT,
    "path": _TEXT,
    "file_text": _TEXT,
    "old_str": _TEXT,
    "new_str": _TEXT,
    "insert_line": _LINE,
    "insert_text": _TEXT,
}
_TYPED: tuple[tuple[str, str, dict[str, Any], tuple[str, ...]], ...] = (
    (
        "bash_",
        "Run a command in a persistent bash session. Set restart to start the session anew.",
        {"command": _TEXT, "restart": {"type": "boolean"}},
        (),
    ),
    (
        "text_editor_",
        "View, create and edit text files. Commands: view, create, str_replace, insert.",
        {**_FILE, "view_range": {"type": "array", "items": _LINE}},
        ("command", "path"),
    ),
    (
        "memory_",
        "Keep notes in files. Commands: view, create, str_replace, insert, delete, rename.",
        {**_FILE, "old_path": _TEXT, "new_path": _TEXT},
        ("command",),
    ),
)


def read_tools(value: Any, losses: list[Loss]) -> tuple[Tool, ...]:
    """The tools that can be offered. Raises InvalidRequest, NotExpressible."""
    if value is None:
        return ()
    tools: list[Tool] = []
    served: list[str] = []
    for place, entry in enumerate(items(value, "tools")):
        at = f"tools.{place}"
        declared = mapping(entry, at)
        kind = declared.get("type")
        if isinstance(kind, str) and kind.startswith(_SERVER):
            served.append(server_name(kind))
            continue
        tools.append(_tool(declared, at))
        if not _KEPT.issuperset(declared):
            losses += [Loss(f"{at}.{key}") for key in declared if key not in _KEPT]
    if served and not tools:
        raise NotExpressible(f"The server tool {served[0]} is not available through Copilot.")
    losses += [Loss(f"tools.{name}", marked=True) for name in served]
    return tuple(tools)


def server_name(kind: str) -> str:
    """`web_search_20250305 -> web_search`."""
    stem, _, date = kind.rpartition("_")
    return stem if date.isdigit() else kind


def _tool(declared: Mapping[str, Any], where: str) -> Tool:
    kind = declared.get("type")
    cached = isinstance(declared.get("cache_control"), dict)
    if isinstance(kind, str) and kind.startswith(_SCREEN):
        raise NotExpressible(f"{where}: the tool {kind} is not available for this model.")
    name = string_in(declared, "name", where)
    if not name:
        raise InvalidRequest(f"{where}.name: must not be empty")
    schema = declared.get("input_schema")
    if kind not in (None, "custom"):
        for prefix, purpose, properties, required in _TYPED:
            if isinstance(kind, str) and kind.startswith(prefix):
                implied = {"type": "object", "properties": properties, "required": list(required)}
                return Tool(name, purpose, implied, cached=cached)
        if schema is None:
            raise NotExpressible(f"{where}: the tool {kind} is not available through Copilot.")
    description = declared.get("description")
    strict = declared.get("strict")
    return Tool(
        name,
        description if isinstance(description, str) else "",
        {} if schema is None else dict(mapping(schema, f"{where}.input_schema")),
        strict if isinstance(strict, bool) else None,
        cached=cached,
    )


def read_choice(value: Any, tools: tuple[Tool, ...]) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and False if calls must not be made in parallel. Nothing without tools."""
    if value is None:
        return None, None
    choice = mapping(value, "tool_choice")
    parallel = False if choice.get("disable_parallel_tool_use") is True else None
    match choice.get("type"):
        case "auto":
            found = ToolChoice("auto")
        case "none":
            found = ToolChoice("none")
        case "any":
            found = ToolChoice("required")
        case "tool":
            found = ToolChoice("tool", string(choice.get("name"), "tool_choice.name"))
        case _:
            raise InvalidRequest("tool_choice.type: must be auto, any, tool or none")
    if not tools:
        return None, None
    if found.name and all(tool.name != found.name for tool in tools):
        raise InvalidRequest(f"tool_choice.name: there is no tool {found.name!r}")
    return found, parallel
