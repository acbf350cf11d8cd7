"""Repairs of a `/responses` history that Copilot would refuse (`translation.md` §2, P7, P9, P11).

Items are single acts, so a call and its output may stand apart; what is asked for is only that each
call has one output somewhere behind it. Everything else of an item stays as the client sent it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from copilot_desktop.model import Model
from copilot_desktop.spelling import FAILED_WITHOUT_RESULT, CallIds
from copilot_desktop.upstream.quirks.pictures import Sight, true_url

Json = dict[str, Any]

ID_LIMIT = 64
NO_OUTPUT = "(no output)"
_CALLS = ("function_call", "custom_tool_call")


# ------------------------------------------------------------------------------------ pairs


def paired_items(items: list[Json]) -> list[Json]:
    """Legal call ids, one output for each call; the list itself if all is well."""
    if not any("call_id" in item or _kind(item) in _CALLS for item in items):
        return items
    named = _identified(items)
    outputs: dict[str, Json] = {}
    calls = {item["call_id"] for item in named if _kind(item) in _CALLS}
    issued: set[str] = set()
    for item in named:
        if _kind(item) in _CALLS:
            issued.add(item["call_id"])
        elif _is_output(item) and item["call_id"] in issued:
            said = item.get("output") is not None
            # Of several the last one counts.
            outputs[item["call_id"]] = item if said else {**item, "output": NO_OUTPUT}
    out = list(_answered(named, calls, outputs))
    return items if out == items else out


def _answered(items: list[Json], calls: set[str], outputs: dict[str, Json]) -> Iterator[Json]:
    told: set[str] = set()
    issued: set[str] = set()
    for item in items:
        if _kind(item) in _CALLS:
            call_id = item["call_id"]
            issued.add(call_id)
            yield item
            if call_id not in outputs:
                kind = f"{_kind(item)}_output"
                yield {"type": kind, "call_id": call_id, "output": FAILED_WITHOUT_RESULT}
        elif not _is_output(item):
            yield item
        elif item["call_id"] in issued:
            if item["call_id"] not in told:
                told.add(item["call_id"])
                yield outputs[item["call_id"]]
        elif words := _words(item.get("output")):
            text = f"[Result of an earlier tool call {item['call_id']}]\n{words}"
            content = [{"type": "input_text", "text": text}]
            yield {"type": "message", "role": "user", "content": content}


def _identified(items: list[Json]) -> list[Json]:
    """Calls with legal ids, each its own, and outputs with those of their calls."""
    ids = CallIds(ID_LIMIT)
    out: list[Json] = []
    for place, item in enumerate(items):
        given, own = item.get("call_id"), None
        known = given if isinstance(given, str) else ""
        if _kind(item) in _CALLS:
            arguments = item.get("arguments", item.get("input"))
            own = ids.of_call(known, str(place), str(item.get("name")), str(arguments))
            read = item.get("arguments")
            if _kind(item) == "function_call" and not isinstance(read, str):  # as some keep them
                read = read if isinstance(read, dict) else {}
                item = {**item, "arguments": json.dumps(read, separators=(",", ":"))}
        elif _is_output(item):
            own = ids.of_result(known, str(place))
        out.append(item if own in (None, given) else {**item, "call_id": own})
    return out


def _kind(item: Mapping[str, Any]) -> str:
    return str(item.get("type") or "")


def _is_output(item: Mapping[str, Any]) -> bool:
    return _kind(item) in ("function_call_output", "custom_tool_call_output")


def _words(output: Any) -> str:
    if isinstance(output, str):
        return output.strip()
    parts = output if isinstance(output, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str)).strip()


# ------------------------------------------------------------------------------------ pictures


def seen_items(items: list[Json], model: Model) -> list[Json]:
    """P11; the list itself if nothing changes. Raises InvalidRequest."""
    total = sum(_is_picture(part) for item in items for part in _parts(item))
    if not total:
        return items
    sight = Sight(model, total)
    users = [place for place, item in enumerate(items) if item.get("role") == "user"]
    last = users[-1] if users else -1
    seen = [_seen(item, sight, newest=place == last) for place, item in enumerate(items)]
    return seen if any(new is not old for new, old in zip(seen, items, strict=True)) else items


def _parts(item: Mapping[str, Any]) -> Iterator[Any]:
    for name in ("content", "output"):
        parts = item.get(name)
        yield from parts if isinstance(parts, list) else ()


def _is_picture(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "input_image"


def _seen(item: Json, sight: Sight, *, newest: bool) -> Json:
    changes: Json = {}
    for name in ("content", "output"):
        parts = item.get(name)
        if isinstance(parts, list) and any(map(_is_picture, parts)):
            seen = [_seen_part(part, sight, newest=newest and name == "content") for part in parts]
            if seen != parts:
                changes[name] = seen
    return {**item, **changes} if changes else item


def _seen_part(part: Any, sight: Sight, *, newest: bool) -> Any:
    if not _is_picture(part):
        return part
    if (words := sight.instead(newest=newest)) is not None:
        return {"type": "input_text", "text": words}
    url = part.get("image_url")
    true = true_url(url) if isinstance(url, str) else url
    return part if true == url else {**part, "image_url": true}
