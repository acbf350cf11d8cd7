"""Ids, names and arguments of tools, spelled so that every endpoint of Copilot takes them, and
every client can read them (`translation.md` §2.1).

Copilot takes letters, digits, `_` and `-`, and not many of them; clients send `functions.ls:0`, ids
with `|` and names of 80 letters. The new spelling depends on the old one alone, so that a call and
its result still meet, on this request and the next, without any memory. The way back is a map that
whoever renames tools keeps for the length of one exchange.
"""

from __future__ import annotations

import json
import math
import re
from collections import deque
from collections.abc import Container
from hashlib import sha256
from typing import Any

LONGEST_NAME = 64
# In place of a result that never came (§2.3), and the same where an error is a prefix.
NO_RESULT = "No result was recorded for this tool call."
FAILED_WITHOUT_RESULT = f"[tool error] {NO_RESULT}"
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")
_HALF = re.compile("[\\ud800-\\udfff]")
_MARK = re.compile(r'\\.|["\x00-\x1f]', re.DOTALL)


def whole(text: str) -> str:
    """Without halves of characters: JSON can say them, but no file and no request can hold them."""
    return text if text.isascii() else _HALF.sub("\N{REPLACEMENT CHARACTER}", text)


def legal_id(identifier: str, limit: int) -> str:
    """A call id of at most `limit` characters. An empty one is not made up here."""
    shown = identifier.partition("|")[0] if identifier.startswith("call_") else identifier
    if len(shown) <= limit and not _ILLEGAL.search(shown):
        return shown
    stem = _ILLEGAL.sub("_", shown).rstrip("_")[: limit - 9]
    return f"{stem or 'call'}_{_digest(shown)[:8]}"


def made_id(place: str, name: str, arguments: str) -> str:
    """An id for a call that came without one; the same for the same call at the same place."""
    return f"call_{_digest(place + name + arguments)[:16]}"


class CallIds:
    """The ids of one history's calls, of at most `limit` characters, each for one call (§2.3).

    Some models count their calls anew in each turn, and Claude refuses an id that comes again. A
    result finds its call by the id that both came with; of several such calls, and of those that
    came without one, by its order. One too many belongs to the last of them.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}  # the last one behind an id
        self.next_turn()

    def next_turn(self) -> None:
        """Calls from here on are answered by later results."""
        self._nameless = deque[str]()
        self._waiting: dict[str, deque[str]] = {}  # what calls without a result are called now
        self._answered: dict[str, str] = {}  # and the last one with a result

    def of_call(self, given: str, place: str, name: str, arguments: str = "") -> str:
        """`place`, `name` and `arguments` make the id of a call that has none."""
        legal = legal_id(given, self._limit)
        if not legal:
            legal = made_id(place, name, arguments)
            self._nameless.append(legal)
        number, own = self._numbers.get(legal, 1), legal
        while own in self._taken:
            number += 1
            own = legal_id(f"{legal}_{number}", self._limit)
        self._taken.add(own)
        self._numbers[legal] = number
        self._waiting.setdefault(legal, deque()).append(own)
        return own

    def of_result(self, given: str, place: str) -> str:
        legal = legal_id(given, self._limit)
        if not legal:
            legal = self._nameless.popleft() if self._nameless else made_id(place, "", "")
        if calls := self._waiting.get(legal):
            self._answered[legal] = calls.popleft()
        return self._answered.get(legal, legal)


def legal_name(name: str) -> str:
    """A tool name that is legal everywhere (§2.2)."""
    if name and len(name) <= LONGEST_NAME and not _ILLEGAL.search(name):
        return name
    return f"{_ILLEGAL.sub('_', name)[: LONGEST_NAME - 9]}_{_digest(name)[:8]}"


def free_name(name: str, taken: Container[str]) -> str:
    """`name`, or `name_2`, `name_3`, ... if that is taken; never longer than the limit."""
    number, free = 2, name
    while free in taken:
        free = f"{name[: LONGEST_NAME - 3]}_{number}"
        number += 1
    return free


def legal_arguments(text: str, *, in_string: bool = False, escaped: bool = False) -> str:
    """`text` with escapes for line ends and tabs that a model has written into a string as they
    are: JSON has them only outside. A backslash before one is meant, as where a shell's line goes
    on. `in_string`, `escaped`: where the text before this piece has ended.
    """
    if text.isprintable():
        return text
    parts, at = [], 0
    if escaped:
        parts.append("\\" + _escape(text[0]) if text[0] < " " else text[0])
        at = 1
    for mark in _MARK.finditer(text, at):
        found = mark[0]
        if found == '"':
            in_string = not in_string
        elif in_string and found[-1] < " ":
            parts += [text[at : mark.start()], "\\\\" if len(found) > 1 else "", _escape(found[-1])]
            at = mark.end()
    return "".join([*parts, text[at:]]) if parts else text


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(text)
    return value


def _number(text: str) -> float | None:
    """What JSON has no word for (`NaN`, 1e999) is null, as where JavaScript writes it."""
    return value if math.isfinite(value := float(text)) else None


# Python reads and writes numbers that nobody else takes for JSON. The first one refuses them.
read_exactly = json.JSONDecoder(parse_float=_finite, parse_constant=_finite).decode
read_json = json.JSONDecoder(parse_float=_number, parse_constant=_number).decode


def object_of(given: object) -> dict[str, Any]:
    """The arguments of a call as the object that they should be, whatever a program has kept of
    them: text is read, and what is no object has none."""
    if isinstance(given, str):
        try:
            given = read_json(legal_arguments(given))
        except (ValueError, RecursionError):
            given = None
    return given if isinstance(given, dict) else {}


def _escape(character: str) -> str:
    return json.dumps(character)[1:-1]


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
