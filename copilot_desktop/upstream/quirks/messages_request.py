"""The top level of a `/v1/messages` request, as Copilot takes it (`upstream.md` §8).

Knows which fields, tools and betas Copilot has: it answers 400 to the first one it does not know,
so that everything else is left out here and named in a note. Claude Code is the main client: it
sends a billing line, its own betas and context management to every model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from copilot_desktop.errors import InvalidRequest, NotExpressible
from copilot_desktop.model import Model
from copilot_desktop.schemas import ILLEGAL, claude_schema, legal_schema
from copilot_desktop.upstream.quirks.messages_draft import Draft, Json
from copilot_desktop.upstream.quirks.tool_names import told_once

_FIELDS = frozenset({
    "model", "messages", "system", "max_tokens", "stream", "temperature", "top_p", "top_k",
    "stop_sequences", "tools", "tool_choice", "thinking", "output_config", "context_management",
    "cache_control",
})  # fmt: skip
_FORMATS = frozenset({"output_config", "output_format"})
_BETAS = ("interleaved-thinking-", "context-management-", "advanced-tool-use-")
_IS_BETA = re.compile(r"[A-Za-z0-9._-]{1,100}").fullmatch  # it becomes a header
_BILLING = "x-anthropic-billing-header"
_SERVER = ("web_search", "web_fetch", "code_execution", "mcp_toolset", "advisor")
_MOST_TOOLS = 128  # what Copilot's own client keeps to
_SEARCH = "tool_search_tool"
_TOOL = frozenset({"type", "name", "description", "input_schema", "cache_control", "strict"})
_TOOL_SEARCH = frozenset({"defer_loading", "input_examples"})
_TOOL_EXTRAS = frozenset({"eager_input_streaming", "allowed_callers"})


def allowed_betas(betas: tuple[str, ...], tools: Any) -> list[str]:
    """Of the client's `anthropic-beta` values those that Copilot knows; it refuses all others."""
    if not betas:
        return []
    screens = any(
        isinstance(tool, dict) and str(tool.get("type")).startswith("computer_")
        for tool in (tools if isinstance(tools, list) else [])
    )
    known = (*_BETAS, "computer-use-") if screens else _BETAS
    named = (beta.strip() for value in betas for beta in value.split(","))
    kept = (beta for beta in named if beta.startswith(known) and _IS_BETA(beta))
    return list(dict.fromkeys(kept))


def mend_fields(draft: Draft, model: Model) -> None:
    """Model, limit, instructions, output format, and whatever Copilot does not know."""
    body = draft.body
    if body.get("mcp_servers"):
        raise NotExpressible("mcp_servers: MCP servers cannot be reached through Copilot.")
    if body.get("model") != model.id:
        draft.put("model", model.id)
    _mend_format(draft)
    for key in [key for key in body if key not in _FIELDS]:
        draft.drop(key)
    _mend_limit(draft, model)
    _mend_system(draft)


def _mend_limit(draft: Draft, model: Model) -> None:
    limit = draft.body.get("max_tokens")
    if not isinstance(limit, int) or isinstance(limit, bool):
        return
    if limit == 0:
        raise NotExpressible("max_tokens: 0 (warming the cache) is not available through Copilot.")
    if limit > model.max_output:
        draft.put("max_tokens", model.max_output, f"clamped=max_tokens:{model.max_output}")


def _mend_system(draft: Draft) -> None:
    """Claude Code's billing line is a reserved word upstream; empty text is refused."""
    system = draft.body.get("system")
    if isinstance(system, str):
        if system.lstrip().startswith(_BILLING):
            system = system.lstrip().partition("\n")[2]
            draft.put("system", system, "dropped=system billing header")
        if not system.strip():
            draft.drop("system", note="")
    if not isinstance(system, list):
        return
    kept = [block for block in system if not _idle(block)]
    if len(kept) == len(system):
        return
    if kept:
        draft.put("system", kept)
    else:
        draft.drop("system", note="")


def _idle(block: Any) -> bool:
    text = block.get("text") if isinstance(block, dict) else None
    return isinstance(text, str) and (not text.strip() or text.lstrip().startswith(_BILLING))


def _mend_format(draft: Draft) -> None:
    """`output_config.format` flat and bare; the older `output_format` moves there."""
    if _FORMATS.isdisjoint(draft.body):
        return
    given = draft.body.get("output_config")
    config: Json = dict(given) if isinstance(given, dict) else {}
    older = draft.body.get("output_format")
    if isinstance(older, dict) and config.get("format") is None:
        config["format"] = older
    if isinstance(older, dict) or older is None:
        draft.drop("output_format", note="")
    wanted = config.get("format")
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        nested = wanted.get("json_schema")
        inner = nested if isinstance(nested, dict) else wanted
        schema = wanted.get("schema", inner.get("schema"))
        config["format"] = {"type": "json_schema", "schema": schema}
    for key in [key for key in config if key not in ("effort", "format")]:
        del config[key]
        draft.note(f"dropped=output_config.{key}")
    if config != (given if isinstance(given, dict) else {}):
        if config:
            draft.put("output_config", config)
        else:
            draft.drop("output_config", note="")


def mend_context(draft: Draft, *, thinks: bool) -> None:
    """`context_management` needs its beta; clearing old thinking needs a request that thinks."""
    context = draft.body.get("context_management")
    if not any(beta.startswith("context-management-") for beta in draft.betas):
        draft.drop("context_management")
        return
    if thinks or not isinstance(context, dict):
        return
    if not isinstance(edits := context.get("edits"), list):
        return
    kept = [edit for edit in edits if not _clears_thinking(edit)]
    if not kept:
        draft.drop("context_management")
    elif len(kept) < len(edits):
        note = "dropped=context_management.clear_thinking"
        draft.put("context_management", {**context, "edits": kept}, note)


def _clears_thinking(edit: Any) -> bool:
    return isinstance(edit, dict) and str(edit.get("type")).startswith("clear_thinking")


# ------------------------------------------------------------------------------------ tools


def mend_tools(draft: Draft, model: Model) -> None:
    """Server tools go, unless nothing is left. Raises NotExpressible."""
    given = draft.body.get("tools")
    if not isinstance(given, list):
        _mend_choice(draft, offered=False, gone=frozenset())
        return
    search = any(beta.startswith("advanced-tool-use-") for beta in draft.betas)
    own: list[Any] = []
    served: dict[str, str] = {}  # its name to its kind
    for tool in given:
        kind = tool.get("type") if isinstance(tool, dict) else None
        if isinstance(kind, str) and kind.startswith(_SERVER if search else (*_SERVER, _SEARCH)):
            served[str(tool.get("name"))] = _server_name(kind)
        else:
            own.append(tool)
    single, twins = told_once(own)  # one of a client's may be called as a server's
    for twin in twins:
        draft.note(twin, marked=True)
    kept = [_tool(tool, draft, model, search=search) for tool in single]
    if len(kept) > _MOST_TOOLS:
        raise InvalidRequest(f"tools: {len(kept)} tools were sent, the limit is {_MOST_TOOLS}")
    if served and not kept:
        kind = next(iter(served.values()))
        raise NotExpressible(f"The server tool {kind} is not available through Copilot.")
    for kind in served.values():
        draft.note(f"dropped=tools.{kind}", marked=True)
    if served or twins or any(new is not old for new, old in zip(kept, single, strict=True)):
        draft.put("tools", kept)
    names = {str(tool.get("name")) for tool in kept if isinstance(tool, dict)}
    _mend_choice(draft, offered=bool(kept), gone=frozenset(served) - names)


def _server_name(kind: str) -> str:
    """`web_search_20250305 -> web_search`."""
    stem, _, date = kind.rpartition("_")
    return stem if date.isdigit() else kind


def _tool(tool: Any, draft: Draft, model: Model, *, search: bool) -> Any:
    if not isinstance(tool, dict):
        return tool
    unknown = _TOOL_EXTRAS if search else _TOOL_EXTRAS | _TOOL_SEARCH
    if is_custom := tool.get("type") in (None, "custom"):
        unknown = frozenset(tool) - _TOOL - (_TOOL_SEARCH - unknown)
    if not model.structured:
        unknown |= {"strict"}
    gone = sorted(unknown & tool.keys())
    for key in gone:
        draft.note(f"dropped=tools.{key}")
    schema = tool.get("input_schema")
    legal = schema
    if (schema is None and is_custom) or (isinstance(schema, dict) and _is_odd(schema)):
        legal = legal_schema(schema)
    elif isinstance(schema, dict):
        legal = claude_schema(schema)
    if not gone and legal == schema:
        return tool
    mended = {key: value for key, value in tool.items() if key not in unknown}
    return mended if legal == schema else {**mended, "input_schema": legal}


def _is_odd(schema: Mapping[str, Any]) -> bool:
    """Claude takes any object; what else there is at the outermost level it refuses."""
    return schema.get("type") != "object" or not ILLEGAL.isdisjoint(schema)


def _mend_choice(draft: Draft, *, offered: bool, gone: frozenset[str]) -> None:
    """A choice needs tools, and not one that had to go."""
    choice = draft.body.get("tool_choice")
    if choice is None:
        return
    if not offered:
        draft.drop("tool_choice")
    elif isinstance(choice, dict) and isinstance(name := choice.get("name"), str) and name in gone:
        raise NotExpressible(f"tool_choice: the tool {name} is not available through Copilot.")
