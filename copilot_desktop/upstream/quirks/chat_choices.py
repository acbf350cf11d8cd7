"""Choices of a Chat Completions answer: split ones made one, calls numbered, endings corrected.

Copilot spreads one assistant turn over several choices, numbers or names its calls carelessly and
says `stop` after a tool call (`upstream.md` §6.2, §6.3). Strict clients read `choices[0]` and join
repeated pieces. Works on parsed JSON, on the `delta` of a chunk and the `message` of a whole answer
alike; gives back the very object it was given where nothing had to change, so that the caller can
keep the bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

MAX_BLANK = 500  # characters of white space in a row within tool arguments
# What beats what when split choices end differently: a cut call must not look complete.
_RANK = ("stop", "tool_calls", "content_filter", "length", "error")
_JOINED = ("content", "refusal", "reasoning_text", "reasoning_content", "reasoning_opaque")
_FILTERS = ("content_filter_results", "content_filter_offsets", "padding")


class Calls:
    """The calls of one answer: a contiguous number for each, and what was already told of it."""

    __slots__ = ("_blank", "_ids", "_last", "_named", "_places", "_renamed", "count")

    def __init__(self, renamed: Mapping[str, str]) -> None:
        self.count = 0
        self._renamed = renamed
        self._places: dict[tuple[int, int], int] = {}
        self._ids: dict[int, str] = {}
        self._named: set[int] = set()
        self._last = -1
        self._blank = 0

    @property
    def is_stuck(self) -> bool:
        """Whether the model writes nothing but white space."""
        return self._blank > MAX_BLANK

    def mended(self, call: Json, choice: int) -> Json:
        """One fragment (or whole call) with its number, its id and name told only once."""
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        name, arguments = function.get("name"), function.get("arguments")
        call_id = call.get("id")
        number = self._number(call.get("index"), call_id, name, choice)
        self._watch(arguments)
        new: Json = {key: value for key, value in call.items() if key not in ("id", "function")}
        new["index"] = number
        if isinstance(call_id, str) and call_id and number not in self._ids:
            self._ids[number] = call_id
            new["id"] = call_id
            new.setdefault("type", "function")
        said: Json = {key: value for key, value in function.items() if key != "name"}
        if isinstance(name, str) and name and number not in self._named:
            self._named.add(number)
            said["name"] = self._renamed.get(name, name)
        if isinstance(arguments, dict):
            said["arguments"] = json.dumps(arguments, separators=(",", ":"))
        if function:
            new["function"] = said
        return call if new == call else new

    def _number(self, index: Any, call_id: Any, name: Any, choice: int) -> int:
        known = next((n for n, seen in self._ids.items() if call_id and seen == call_id), None)
        if known is not None:
            number = known
        elif isinstance(index, int):
            number = self._places.get((choice, index), -1)
            other = call_id and name and self._ids.get(number, call_id) != call_id
            if number < 0 or other:
                number = self._places[choice, index] = self._new()
        elif call_id or self._last < 0:
            number = self._new()
        else:
            number = self._last
        self._last = number
        return number

    def _new(self) -> int:
        self.count += 1
        return self.count - 1

    def _watch(self, arguments: Any) -> None:
        if isinstance(arguments, str) and arguments:
            self._blank = self._blank + len(arguments) if arguments.isspace() else 0


def merged(choices: list[Any], part: str) -> Json:
    """Split choices as one; `part` is `delta` or `message`. Reads them in order."""
    whole: Json = {}
    calls: list[Any] = []
    reason: str | None = None
    out: Json = {}
    for place, choice in enumerate(choices):
        if not isinstance(choice, Mapping):
            continue
        out = {**choice, **out}
        said = spoken(choice, part)
        for key, value in said.items():
            if key in _JOINED and isinstance(value, str) and isinstance(whole.get(key), str):
                whole[key] += value
            elif whole.get(key) is None:
                whole[key] = value
        found = said.get("tool_calls") or said.get("toolCalls")
        number = choice.get("index")
        # The choice tells apart calls that have the same number in different choices.
        number = number if isinstance(number, int) else place
        calls += (
            [(call, number) for call in found if isinstance(call, dict)]
            if isinstance(found, list)
            else []
        )
        reason = worse(reason, choice.get("finish_reason"))
    for key in ("tool_calls", "toolCalls"):
        whole.pop(key, None)
    out |= {"index": 0, part: whole, "finish_reason": reason}
    return out | {"calls": calls}


def spoken(choice: Mapping[str, Any], part: str) -> Json:
    """What this choice says: under `part`, or under the name of the other kind of answer."""
    for key in (part, "message", "delta"):
        if isinstance(said := choice.get(key), dict):
            return dict(said)
    return {}


def worse(one: str | None, other: Any) -> str | None:
    """Of two reasons to finish, the one that must not get lost."""
    if not isinstance(other, str) or not other:
        return one
    if one is None:
        return other
    return max(one, other, key=lambda reason: _RANK.index(reason) if reason in _RANK else 0)


def corrected(reason: str | None, calls: int) -> str | None:
    """`stop` after a call means the call, and the other way round. Unknown words mean `stop`."""
    if reason is None or reason in ("length", "content_filter", "error"):
        return reason
    return "tool_calls" if calls else "stop"


def without_filters(choice: Mapping[str, Any]) -> Json:
    """Without the content filter's bookkeeping."""
    return {key: value for key, value in choice.items() if key not in _FILTERS}
