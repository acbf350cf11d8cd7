"""Groups of tools, made flat for Copilot and grouped again for the client.

Codex sends tools in namespaces and, for some models, inside `additional_tools` items. What Copilot
makes of them depends on the model: seen are refusals of empty groups, of empty descriptions and of
groups that are named like its own. Plain functions work everywhere, so groups are opened on the way
out and the namespace is put back on the way in. Clients that search for tools (`tool_search`) use
models that know namespaces; nothing is changed for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from copilot_desktop.spelling import free_name, legal_name

Json = dict[str, Any]
Group = tuple[str, str]  # namespace and name, as the client spells them

_SEARCH = ("tool_search", "tool_search_call", "tool_search_output")
_CALLS = ("function_call", "custom_tool_call")
_NAMED = ("function", "custom")


def flat_names(body: Mapping[str, Any]) -> dict[Group, str]:
    """A legal name of its own for each tool of a namespace; the same for the same body."""
    if not any(tool.get("type") == "namespace" for tool in _declared(body)) or _searches(body):
        return {}
    taken = {_name(tool) for tool in _declared(body) if tool.get("type") in _NAMED}
    names: dict[Group, str] = {}
    for tool in _declared(body):
        if tool.get("type") != "namespace":
            continue
        for inner in _mappings(tool.get("tools")):
            group = (_name(tool), _name(inner))
            if group not in names:
                names[group] = name = free_name(legal_name(f"{group[0]}__{group[1]}"), taken)
                taken.add(name)
    return names


def flatten(fixed: Json, *, plain: bool) -> bool:
    """Open all groups of `fixed`; its lists are replaced, not changed. Whether there were any.

    `plain`: none is in the items (see `responses_glance`).
    """
    items = () if plain else fixed["input"]
    grouped = any(
        entry.get("type") in ("namespace", "additional_tools")
        for entry in (*_mappings(fixed.get("tools")), *_mappings(items))
    )
    if not grouped or _searches(fixed):
        return False
    names = flat_names(fixed)
    tools: dict[str, Json] = {}
    others: list[Json] = []
    for tool in _declared(fixed):
        for opened in _opened(tool, names):
            if opened.get("type") in _NAMED:
                tools.setdefault(_name(opened), opened)
            else:
                others.append(opened)
    fixed["tools"] = [*tools.values(), *others]
    if isinstance(fixed.get("input"), list):
        fixed["input"] = [
            _plain_call(item, names)
            for item in fixed["input"]
            if item.get("type") != "additional_tools"
        ]
    if isinstance(fixed.get("tool_choice"), dict):
        fixed["tool_choice"] = _plain_choice(fixed["tool_choice"], names)
    return True


def spell(fixed: Json, *, plain: bool) -> bool:
    """Give tools, calls and choice of `fixed` legal names; whether one had another.

    `plain`: the calls have legal names.
    """
    changed = False
    for key in ("tools",) if plain else ("tools", "input"):
        entries = fixed.get(key)
        if isinstance(entries, list):
            spelled = [_spelled(entry) for entry in entries]
            if any(new is not old for new, old in zip(spelled, entries, strict=True)):
                fixed[key] = spelled
                changed = True
    choice = fixed.get("tool_choice")
    if isinstance(choice, dict):
        listed = choice.get("tools")
        if isinstance(listed, list):
            fixed["tool_choice"] = {**choice, "tools": [_spelled(entry) for entry in listed]}
        else:
            fixed["tool_choice"] = _spelled(choice)
    return changed


def _spelled(entry: Any) -> Any:
    if not isinstance(entry, dict) or entry.get("type") not in (*_NAMED, *_CALLS):
        return entry
    name = entry.get("name")
    if not isinstance(name, str) or legal_name(name) == name:
        return entry
    return {**entry, "name": legal_name(name)}


def regrouped(item: Mapping[str, Any], groups: Mapping[str, Group]) -> Json:
    """A call with the namespace and name under which the client declared the tool."""
    group = groups.get(_name(item)) if item.get("type") in _CALLS else None
    return dict(item) if group is None else {**item, "namespace": group[0], "name": group[1]}


def _declared(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from _mappings(body.get("tools"))
    items = body.get("input")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("type") == "additional_tools":
            yield from _mappings(item.get("tools"))


def _searches(body: Mapping[str, Any]) -> bool:
    return any(entry.get("type") in _SEARCH for entry in _declared(body)) or any(
        item.get("type") in _SEARCH for item in _mappings(body.get("input"))
    )


def _opened(tool: Mapping[str, Any], names: Mapping[Group, str]) -> Iterator[Json]:
    if tool.get("type") != "namespace":
        yield dict(tool)
        return
    for inner in _mappings(tool.get("tools")):
        yield {**inner, "name": names[_name(tool), _name(inner)]}


def _plain_call(item: Json, names: Mapping[Group, str]) -> Json:
    return _plain(item, names) if item.get("type") in _CALLS else item


def _plain_choice(choice: Mapping[str, Any], names: Mapping[Group, str]) -> Json:
    if isinstance(choice.get("tools"), list):
        return {**choice, "tools": [_plain(entry, names) for entry in _mappings(choice["tools"])]}
    return _plain(choice, names)


def _plain(entry: Mapping[str, Any], names: Mapping[Group, str]) -> Json:
    """Without its namespace; tools that are declared no more keep a name of the same form."""
    namespace = entry.get("namespace")
    if not isinstance(namespace, str) or not namespace:
        return dict(entry)
    group = (namespace, _name(entry))
    plain = {key: value for key, value in entry.items() if key != "namespace"}
    return plain | {"name": names.get(group) or legal_name("__".join(group))}


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, dict):
            yield entry


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("name") or "")
