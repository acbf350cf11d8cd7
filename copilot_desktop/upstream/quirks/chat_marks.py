"""Cache marks on `/chat/completions`: Copilot's `copilot_cache_control` (`translation.md` §3.4).

Claude caches only what is marked; there, a whole message or a tool carries the mark, and at most
four do. Clients write Anthropic's `cache_control`, on parts as well (LiteLLM, OpenRouter). Other
vendors cache by themselves, so their requests lose all marks. Of too many those stay that save
most: the instructions, the last tool, the latest messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
Place = tuple[str, int]

LIMIT = 4
FIELDS = ("messages", "tools")  # of a body, whose entries may be marked
_OWN, _THEIRS = "copilot_cache_control", "cache_control"
NAMES = frozenset({_OWN, _THEIRS})
_MARK = {"type": "ephemeral"}


def settled_marks(
    body: Mapping[str, Any], *, is_claude: bool, among: tuple[str, ...] = FIELDS
) -> Json:
    """The fields of `body` that have to change, with their new values; empty if none has to.

    Only those in `among` may hold marks.
    """
    marked = [
        (key, place)
        for key in among
        if isinstance(entries := body.get(key), list)
        for place, entry in enumerate(entries)
        if is_marked(entry)
    ]
    if not marked:
        return {}
    kept = set(_ranked(body, marked)[:LIMIT]) if is_claude else set()
    changed: Json = {}
    for key in dict.fromkeys(key for key, _ in marked):
        entries = list(body[key])
        for place in (place for name, place in marked if name == key):
            entries[place] = _settled(entries[place], keep=(key, place) in kept)
        if entries != body[key]:
            changed[key] = entries
    return changed


def is_marked(entry: Any) -> bool:
    """Whether there is any mark on a message, a tool or, of the former, a part."""
    if not isinstance(entry, dict):
        return False
    if not NAMES.isdisjoint(entry):
        return True
    inner = entry.get("content")
    if isinstance(inner, list):
        return not all(NAMES.isdisjoint(each) for each in inner if isinstance(each, dict))
    function = entry.get("function")
    return isinstance(function, dict) and not NAMES.isdisjoint(function)


def _holders(entry: Any) -> list[Mapping[str, Any]]:
    """Where the mark of a message or tool may stand."""
    if not isinstance(entry, dict):
        return []
    inner = entry.get("content")
    if isinstance(inner, list):
        return [entry, *(each for each in inner if isinstance(each, dict))]
    function = entry.get("function")
    return [entry, function] if isinstance(function, dict) else [entry]


def _ranked(body: Mapping[str, Any], marked: list[Place]) -> list[Place]:
    """Those that save most first. A mark that says nothing (null) is none."""
    true = [
        (key, place)
        for key, place in marked
        if any(each.get(_THEIRS) or each.get(_OWN) for each in _holders(body[key][place]))
    ]
    messages = [place for key, place in true if key == "messages"]
    tools = [place for key, place in true if key == "tools"]
    first = [place for place in messages if _is_system(body["messages"][place])][:1]
    latest = [place for place in reversed(messages) if place not in first]
    return [
        *(("messages", place) for place in first),
        *(("tools", place) for place in tools[-1:]),
        *(("messages", place) for place in latest),
        *(("tools", place) for place in reversed(tools[:-1])),
    ]


def _is_system(message: Mapping[str, Any]) -> bool:
    return message.get("role") in ("system", "developer")


def _settled(entry: Mapping[str, Any], *, keep: bool) -> Json:
    bare = _bare(entry)
    for name in ("content", "function"):
        if isinstance(inner := bare.get(name), list):
            bare[name] = [_bare(each) if isinstance(each, dict) else each for each in inner]
        elif isinstance(inner, dict):
            bare[name] = _bare(inner)
    return {**bare, _OWN: dict(_MARK)} if keep else bare


def _bare(holder: Mapping[str, Any]) -> Json:
    return {key: value for key, value in holder.items() if key not in NAMES}
