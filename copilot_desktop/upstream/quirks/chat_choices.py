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
from uuid import uuid4

from copilot_desktop.fragments import CallKeys
from copilot_desktop.runaway import Runaway
from copilot_desktop.spelling import free_name, legal_arguments
from copilot_desktop.upstream.quirks.tool_names import ToolNames

Json = dict[str, Any]

# What beats what when split choices end differently: a cut call must not look complete.
_RANK = ("stop", "tool_calls", "content_filter", "length", "error")
_JOINED = ("content", "refusal", "reasoning_text", "reasoning_content", "reasoning_opaque")
FILTERS = frozenset({"content_filter_results", "content_filter_offsets", "padding"})


class Calls:
    """The calls of one answer: a contiguous number for each, and what was already told of it.

    A call is told from its name on; what comes before is held, and a call that never gets a name
    never appears. `is_stuck`: the model writes nothing but white space.
    """

    __slots__ = (
        "_arguments", "_held", "_keys", "_names", "_shown", "_told", "_watched", "is_stuck",
    )  # fmt: skip

    def __init__(self, names: ToolNames) -> None:
        self.is_stuck = False
        self._names = names
        self._keys = CallKeys()
        self._told: dict[int, str] = {}  # the ids that the client knows
        self._shown: dict[int, int] = {}
        self._held: dict[int, str] = {}
        self._arguments: set[int] = set()
        self._watched: dict[int, Runaway] = {}

    @property
    def usable(self) -> int:
        """How many can be run: those with a name."""
        return len(self._shown)

    def mended(self, call: Json, choice: int) -> Json | None:
        """One fragment (or whole call) with its number, its id and name told only once; None if
        there is nothing to tell yet."""
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        name, arguments = function.get("name"), function.get("arguments")
        number = self._keys.key(choice, call.get("index"), call.get("id"), name)
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments, separators=(",", ":"))
        arguments = self._watched_text(number, arguments)
        text = arguments if isinstance(arguments, str) else ""
        if "custom" in call:  # free text: nothing of it is parsed
            self._arguments.add(number)
        elif number not in self._shown and not (isinstance(name, str) and name):
            self._held[number] = self._held.get(number, "") + text
            return None
        new: Json = {key: value for key, value in call.items() if key not in ("id", "function")}
        said: Json = {key: value for key, value in function.items() if key != "name"}
        if number not in self._shown:
            self._shown[number] = len(self._shown)
            if isinstance(name, str):
                said["name"] = self._names.shown(name)
        if held := self._held.pop(number, ""):
            arguments = held + text
        if arguments is not None:
            said["arguments"] = arguments
        new["index"] = self._shown[number]
        if number in self._keys.ids and number not in self._told:
            # Of two calls with one id the second gets another: their results must find them.
            own = free_name(self._keys.ids[number], self._told.values())
            new["id"] = self._told[number] = own
            new.setdefault("type", "function")
        if function:
            new["function"] = said
        return call if new == call else new

    def missing(self) -> list[Json]:
        """Fragments with what must not be missing at the end: a client parses the arguments of a
        call, and answers it by its id."""
        pieces: list[Json] = []
        for number, index in self._shown.items():
            piece: Json = {"index": index}
            if number not in self._told:
                self._told[number] = own = f"call_{uuid4().hex[:24]}"
                piece |= {"id": own, "type": "function"}
            arguments = "" if number in self._arguments else "{}"
            if arguments or "id" in piece:
                self._arguments.add(number)
                pieces.append(piece | {"function": {"arguments": arguments}})
        return pieces

    def _watched_text(self, number: int, arguments: Any) -> Any:
        """`arguments`, text of which is such that a client can parse it."""
        if not isinstance(arguments, str) or not arguments:
            return arguments
        self._arguments.add(number)
        read = self._watched.setdefault(number, Runaway())
        legal = legal_arguments(arguments, in_string=read.in_string, escaped=read.escaped)
        if read.stuck(arguments):
            self.is_stuck = True
        return legal


def merged(choices: list[Any], part: str) -> Json:
    """Split choices as one; `part` is `delta` or `message`. Reads them in order."""
    whole: Json = {}
    calls: list[Any] = []
    reason: str | None = None
    out: Json = {}
    for place, choice in enumerate(choices):
        if not isinstance(choice, dict):
            continue
        out = {**choice, **out}
        said = spoken(choice, part)
        found = said.get("tool_calls") or said.get("toolCalls")
        if isinstance(found, list):
            number = choice.get("index")
            # The choice tells apart calls that have the same number in different choices.
            number = number if isinstance(number, int) else place
            calls += [(call, number) for call in found if isinstance(call, dict)]
        if whole:
            _join(whole, said)
        else:
            whole = said
        reason = worse(reason, choice.get("finish_reason"))
    for key in ("tool_calls", "toolCalls"):
        whole.pop(key, None)
    out |= {"index": 0, part: whole, "finish_reason": reason, "calls": calls}
    return out


def _join(whole: Json, said: Json) -> None:
    """Add to what earlier choices have said."""
    for key, value in said.items():
        if key in _JOINED and isinstance(value, str) and isinstance(whole.get(key), str):
            whole[key] += value
        elif whole.get(key) is None:
            whole[key] = value


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
    """A copy without the content filter's bookkeeping."""
    if FILTERS.isdisjoint(choice):
        return dict(choice)
    return {key: value for key, value in choice.items() if key not in FILTERS}
