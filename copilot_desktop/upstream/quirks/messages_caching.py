"""Cache marks of a `/v1/messages` request (`translation.md` §10.1).

Copilot takes at most four, each just `{"type": "ephemeral"}`, none inside reasoning. When there
are more, those that save most stay: the end of the instructions, the end of the tools, the latest
turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from copilot_desktop.upstream.quirks.messages_draft import Draft, Json

LIMIT = 4
_PLAIN = {"type": "ephemeral"}
_UNMARKED = ("thinking", "redacted_thinking")

# A mark's place: the top-level key, the element in it and, for messages, the block in that.
Place = tuple[str, int, int]


def settle_marks(draft: Draft) -> None:
    """Plain marks only, not too many; a top-level mark becomes one on the last block."""
    marks = dict(_marks(draft.body))
    if draft.body.get("cache_control"):
        last = _last_block(draft.body)
        if last is not None:
            marks.setdefault(last, None)
            draft.note("mapped=cache_control>last block")
    draft.drop("cache_control", note="")
    kept = _kept(list(marks))
    changes = {
        place: place in kept for place, mark in marks.items() if place not in kept or mark != _PLAIN
    }
    if len(kept) < len(marks):
        draft.note("dropped=cache_control")
    if changes:
        _apply(draft, changes)


def _marks(body: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    for key in ("tools", "system"):
        for i, entry in _marked_ones(body.get(key)):
            yield (key, i, -1), entry["cache_control"]
    messages = body.get("messages")
    for i, turn in enumerate(messages if isinstance(messages, list) else ()):
        content = turn.get("content") if isinstance(turn, dict) else None
        if isinstance(content, list):
            for j, block in _marked_ones(content):
                yield ("messages", i, j), block["cache_control"]


def _marked_ones(holders: Any) -> list[tuple[int, Json]]:
    return [
        (place, holder)
        for place, holder in enumerate(holders if isinstance(holders, list) else ())
        if isinstance(holder, dict) and holder.get("cache_control") is not None
    ]


def _last_block(body: Mapping[str, Any]) -> Place | None:
    """The last block that may carry a mark."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not isinstance(messages[-1], dict):
        return None
    content = messages[-1].get("content")
    if isinstance(content, str):
        return ("messages", len(messages) - 1, 0)
    blocks = content if isinstance(content, list) else []
    for j, block in reversed(list(enumerate(blocks))):
        if isinstance(block, dict) and block.get("type") not in _UNMARKED:
            return ("messages", len(messages) - 1, j)
    return None


def _kept(places: list[Place]) -> set[Place]:
    if len(places) <= LIMIT:
        return set(places)
    first = [[place for place in places if place[0] == key][-1:] for key in ("system", "tools")]
    turns = sorted((place for place in places if place[0] == "messages"), reverse=True)
    rest = [place for place in reversed(places) if place[0] != "messages"]
    ranked = list(dict.fromkeys([*first[0], *first[1], *turns, *rest]))
    return set(ranked[:LIMIT])


def _apply(draft: Draft, changes: dict[Place, bool]) -> None:
    """Set or remove the marks in copies of what holds them."""
    for key in {place[0] for place in changes}:
        entries = list(draft.body[key])
        for (_, i, j), marked in ((p, m) for p, m in changes.items() if p[0] == key):
            mark = _marked if marked else _unmarked
            entries[i] = mark(entries[i]) if j < 0 else _within(entries[i], j, mark)
        draft.put(key, entries)


def _within(turn: Mapping[str, Any], j: int, mark: Callable[[Mapping[str, Any]], Json]) -> Json:
    content = turn["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    blocks = list(content)
    blocks[j] = mark(blocks[j])
    return {**turn, "content": blocks}


def _marked(holder: Mapping[str, Any]) -> Json:
    return {**holder, "cache_control": dict(_PLAIN)}


def _unmarked(holder: Mapping[str, Any]) -> Json:
    return {key: value for key, value in holder.items() if key != "cache_control"}
