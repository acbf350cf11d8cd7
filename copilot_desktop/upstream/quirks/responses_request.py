"""What a Responses body must lose or change before Copilot takes it unchanged otherwise.

The support matrix is `upstream.md` §7.3, the rules are `translation.md` §10.3. Dropping is for
hints and for what other fields make up for; what would change the answer unseen is refused.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from copilot_desktop.errors import InvalidRequest
from copilot_desktop.model import LADDER, Model
from copilot_desktop.schemas import legal_schema
from copilot_desktop.sealing import is_sealed, unseal
from copilot_desktop.upstream.quirks.responses_glance import BOUND, OWN_ID, PREFIXES, are_plain
from copilot_desktop.upstream.quirks.responses_history import paired_items, seen_items
from copilot_desktop.upstream.quirks.responses_namespaces import flatten, spell
from copilot_desktop.upstream.quirks.tool_names import told_once

Json = dict[str, Any]
TrueId = Callable[[str], str | None]

HOSTED = "dropped=tools."  # of all notes made here the only ones that a caller may notice
_SMALLEST_OUTPUT = 16  # tokens
_MOST_TOOLS = 128
_ENCRYPTED = "reasoning.encrypted_content"
_CLIENT_TOOLS = ("function", "custom", "namespace", "tool_search")
_DROPPED = ("service_tier", "client_metadata", "background", "previous_response_id")
_STORED = ("conversation", "prompt")


def fixed_request(
    body: Mapping[str, Any], model: Model, true_id: TrueId
) -> tuple[Json | None, tuple[str, ...]]:
    """The body to send, None if it can go as it is, and notes on what was changed.

    Raises InvalidRequest.
    """
    items = body.get("input")
    plain = not isinstance(items, list) or are_plain(items)
    _refuse(body, plain=plain)
    fixed: Json = dict(body)
    notes: list[str] = []
    for name in _DROPPED:
        if name in fixed:
            value = fixed.pop(name)
            if value not in (None, False):
                notes.append(f"dropped={name}")
    _fix_limits(fixed, model, notes)
    _fix_reasoning(fixed, model, notes)
    _fix_tools(fixed, notes, plain=plain)
    if isinstance(items := fixed.get("input"), list):
        fixed["input"] = _fixed_items(items, model, true_id, notes, plain=plain)
    return (None if fixed == body else fixed), tuple(notes)


def _invalid(path: str, words: str, code: str | None = None) -> InvalidRequest:
    return InvalidRequest(f"{path}: {words}", fields={"param": path}, code=code)


def _refuse(body: Mapping[str, Any], *, plain: bool) -> None:
    if body.get("previous_response_id"):
        raise _invalid(
            "previous_response_id",
            "answers are not stored here; send the whole conversation in input, "
            "as frameworks do with `store` set to false",
            "previous_response_not_found",
        )
    for name in _STORED:
        if body.get(name):
            raise _invalid(name, "nothing is stored here; send the whole conversation in input")
    if body.get("background"):
        raise _invalid("background", "answers cannot be made in the background through Copilot")
    for place, item in enumerate(() if plain else body["input"]):
        if not isinstance(item, dict):
            raise _invalid(f"input[{place}]", "must be an object")
        _refuse_item(item, f"input[{place}]")


def _refuse_item(item: Mapping[str, Any], path: str) -> None:
    if item.get("type") == "item_reference":
        raise _invalid(
            path,
            "answers are not stored here, so items cannot be referred to by id; "
            "set `store` to false, and they are sent whole",
        )
    for name in ("content", "output"):
        parts = item.get(name)
        for place, part in enumerate(parts if isinstance(parts, list) else ()):
            if isinstance(part, dict):
                _refuse_part(part, f"{path}.{name}[{place}]")


def _refuse_part(part: Mapping[str, Any], path: str) -> None:
    """Copilot fetches nothing and stores nothing."""
    kind = part.get("type")
    if kind == "input_audio":
        raise _invalid(path, "content of type input_audio is not available through Copilot")
    if kind not in ("input_image", "input_file"):
        return
    if part.get("file_id"):
        raise _invalid(f"{path}.file_id", "files are not stored here; send the content itself")
    remote = part.get("image_url") if kind == "input_image" else part.get("file_url")
    if isinstance(remote, str) and not remote.startswith("data:"):
        raise _invalid(path, "Copilot reads nothing from the web; send a data URL")


def _fix_limits(fixed: Json, model: Model, notes: list[str]) -> None:
    """Nothing is stored; the limit of the output is one that the model can take."""
    if fixed.get("store") is True:
        notes.append("dropped=store")
    fixed["store"] = False
    wanted = fixed.get("max_output_tokens")
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        if wanted < 1:
            raise _invalid("max_output_tokens", "must be at least 1")
        limit = min(max(wanted, _SMALLEST_OUTPUT), model.max_output)
        if limit != wanted:
            fixed["max_output_tokens"] = limit
            notes.append(f"mapped=max_output_tokens>{limit}")


def _fix_reasoning(fixed: Json, model: Model, notes: list[str]) -> None:
    include = fixed.get("include")
    include = include if isinstance(include, list) else []
    if _ENCRYPTED not in include:
        fixed["include"] = [*include, _ENCRYPTED]
    reasoning = fixed.get("reasoning")
    if isinstance(reasoning, dict) and reasoning.get("effort") is not None:
        fixed["reasoning"] = reasoning = _clamped(reasoning, model, notes)
    # Models that reason refuse sampling parameters unless they are told not to reason.
    quiet = isinstance(reasoning, dict) and reasoning.get("effort") == "none"
    if model.efforts and not quiet:
        for name in ("temperature", "top_p"):
            if fixed.get(name) is not None:
                del fixed[name]
                notes.append(f"dropped={name}")


def _clamped(reasoning: Json, model: Model, notes: list[str]) -> Json:
    """An effort that the model takes, or none."""
    asked = reasoning["effort"]
    wish = next((effort for effort in LADDER if effort == asked), None)
    if wish is None:
        raise _invalid("reasoning.effort", f"must be one of {', '.join(LADDER)}")
    taken = model.effort(wish)
    if taken is None:
        notes.append("dropped=reasoning.effort")
        return {key: value for key, value in reasoning.items() if key != "effort"}
    if taken == asked:
        return reasoning
    notes.append(f"mapped=reasoning.effort>{taken.value}")
    return {**reasoning, "effort": taken.value}


# ---------------------------------------------------------------------------------------- tools


def _fix_tools(fixed: Json, notes: list[str], *, plain: bool) -> None:
    """Hosted tools go if others remain, in `tools` and in `additional_tools` items alike."""
    hosted: list[str] = []
    remaining = 0
    if isinstance(tools := fixed.get("tools"), list):
        fixed["tools"] = kept = _kept(tools, hosted, notes)
        remaining += len(kept)
    if not plain:
        items, fixed["input"] = fixed["input"], []
        for item in items:
            if item.get("type") == "additional_tools" and isinstance(item.get("tools"), list):
                kept = _kept(item["tools"], hosted, notes)
                remaining += len(kept)
                fixed["input"] += [{**item, "tools": kept}] if kept else []
            else:
                fixed["input"].append(item)
    if hosted and not remaining:
        raise _invalid("tools", f"the hosted tool {hosted[0]} is not available through Copilot")
    notes += [f"{HOSTED}{kind}" for kind in dict.fromkeys(hosted)]
    if flatten(fixed, plain=plain):
        notes.append("mapped=tools.namespace>function")
    if spell(fixed, plain=plain):
        notes.append("mapped=tools.name")
    if isinstance(tools := fixed.get("tools"), list):
        single, twins = told_once(tools)
        notes += twins
        legal = [_legal(tool) for tool in single]
        if twins or any(map(operator.is_not, legal, tools)):
            fixed["tools"] = legal
    count = len(fixed["tools"]) if isinstance(fixed.get("tools"), list) else 0
    if count > _MOST_TOOLS:
        raise _invalid("tools", f"{count} tools were sent, the limit is {_MOST_TOOLS}")
    choice = fixed.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") in hosted:
        raise _invalid("tool_choice", f"{choice['type']} cannot be chosen through Copilot")


def _kept(tools: list[Any], hosted: list[str], notes: list[str]) -> list[Any]:
    kept: list[Any] = []
    for tool in tools:
        kind = tool.get("type") if isinstance(tool, dict) else None
        if isinstance(kind, str) and kind not in _CLIENT_TOOLS:
            hosted.append(kind[:64])
        elif kind == "namespace" and not tool.get("tools"):
            notes.append("dropped=namespace (empty)")
        elif kind == "namespace" and not tool.get("description"):
            # Where groups stay groups: Copilot refuses the empty description of Codex's own.
            kept.append({**tool, "description": str(tool.get("name") or "tools")})
        else:
            kept.append(tool)
    same = len(kept) == len(tools) and all(map(operator.is_, kept, tools))
    return tools if same else kept


def _legal(tool: Any) -> Any:
    """The tool itself if its schema is one that OpenAI takes (P10): an object with properties."""
    schema = tool.get("parameters") if isinstance(tool, dict) else None
    if not isinstance(schema, dict) or tool.get("type") != "function":
        return tool
    legal = legal_schema(schema)
    return tool if legal == schema else {**tool, "parameters": legal}


# ---------------------------------------------------------------------------------------- items


def _fixed_items(
    items: list[Any], model: Model, true_id: TrueId, notes: list[str], *, plain: bool
) -> list[Any]:
    """The list itself if nothing changes."""
    kept = [
        _fixed_item(item, model, true_id) if not plain or item.get("type") in BOUND else item
        for item in items
    ]
    left = [item for item in kept if item is not None]
    if len(left) < len(kept):
        notes.append("dropped=input.reasoning")
    if not plain:
        paired = paired_items(left)
        if paired is not left:
            notes.append("mapped=tool results")
        left = seen_items(paired, model)
    same = len(left) == len(items) and all(map(operator.is_, left, items))
    return items if same else left


def _fixed_item(item: Json, model: Model, true_id: TrueId) -> Json | None:
    """Item ids as Copilot accepts them: its own, or none. None if the item cannot be replayed."""
    kind = str(item.get("type") or ("message" if "role" in item else ""))
    if kind in BOUND:
        return _fixed_reasoning(item, model, true_id)
    if "id" not in item or (OWN_ID(str(item["id"])) and _fits(str(item["id"]), kind)):
        return item
    return {key: value for key, value in item.items() if key != "id"}


def _fits(identifier: str, kind: str) -> bool:
    if kind in PREFIXES:
        return identifier.startswith(PREFIXES[kind])
    return not kind.endswith("_output")


def _fixed_reasoning(item: Json, model: Model, true_id: TrueId) -> Json | None:
    """Reasoning with the id it was made with.

    Without its encrypted content nobody knows it any more; what another model or endpoint made
    was sealed by us on the way to the client and cannot be read here.
    """
    blob = item.get("encrypted_content")
    if not isinstance(blob, str) or not blob:
        return None
    if is_sealed(blob):
        parts = unseal(blob, "gr1.", model.id)
        if not parts or not parts.get("i") or not parts.get("e"):
            return None
        return {**item, "id": parts["i"], "encrypted_content": parts["e"]}
    known = true_id(blob)
    return item if known is None or item.get("id") == known else {**item, "id": known}
