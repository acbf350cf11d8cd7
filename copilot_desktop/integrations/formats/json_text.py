"""JSON with comments and trailing commas, changed in place.

The scanner keeps where values stand; the grammar is RFC 8259 plus `//` and `/* */` comments and one
comma before a closing bracket, which is what editors take for their settings. It is slow, so what
lies off the way to a place is left to Python's own reader, as far as that reads it.
What is between two values (spaces, comments, commas) is looked at again only where a change is
made. An object is written over several lines or on one, as it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from copilot_desktop.integrations.edits import ABSENT, Absent, Extra, Item, Step, Value
from copilot_desktop.integrations.formats.splice import (
    DEPTH,
    CannotKeep,
    Splice,
    Unreadable,
    added_lines,
    dropped_lines,
    indent_at,
    last_written,
    line_at,
    line_start,
    named,
    newline_of,
    wrapped,
)

_BETWEEN: Final = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*(?s:.*?)\*/)*")
_REMARK: Final = re.compile(r"//[^\r\n]*|/\*(?s:.*?)\*/")
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD: Final = re.compile(r"true|false|null")
_WORDS: Final[dict[str, Value]] = {"true": True, "false": False, "null": None}
_TOKEN: Final = re.compile(f"(?:{_STRING.pattern})|(?:{_REMARK.pattern})|,")
_INDENT: Final = re.compile(r"^([ \t]+)\S", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Member:
    """One entry of an object (with `key`) or a list; `start` is where its key, else value, begins.

    `comma` is where the comma after it stands, -1 where there is none.
    """

    key: str
    start: int
    value: _Node
    comma: int


@dataclass(frozen=True, slots=True)
class _Node:
    """`passed`: nobody has looked for its members, and `scalar` is the whole value."""

    kind: Literal["object", "list", "scalar"]
    start: int
    end: int
    scalar: Value = None
    members: list[_Member] = field(default_factory=list)
    passed: bool = False

    @property
    def plain(self) -> Value:
        """What it says; of a key that stands there twice the last, as every reader has it."""
        if self.passed:
            return self.scalar
        match self.kind:
            case "object":
                return {each.key: each.value.plain for each in self.members}
            case "list":
                return [each.value.plain for each in self.members]
            case "scalar":
                return self.scalar


class _Scanner:
    """Reads one document. Positions are in characters of the text. With a `place`, members are
    looked for on the way there only."""

    def __init__(self, text: str, place: Sequence[Step] | None = None) -> None:
        self._text = text
        self._at = 0
        self._place = place

    def document(self) -> _Node | None:
        """The value; None where the text is blank or holds comments only."""
        self._skip()
        if self._at == len(self._text):
            return None
        node = self._value(0, self._place)
        self._skip()
        if self._at != len(self._text):
            raise self._wrong()
        return node

    def _wrong(self) -> Unreadable:
        return Unreadable(line_at(self._text, self._at), "not_valid")

    def _skip(self) -> None:
        found = _BETWEEN.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        return found[0]

    def _ahead(self) -> str:
        return self._text[self._at : self._at + 1]

    def _value(self, depth: int, way: Sequence[Step] | None) -> _Node:
        """`way` is what is left of the place from here; nothing left: it may be passed over."""
        if depth > DEPTH:
            raise Unreadable(line_at(self._text, self._at), "too_deep")
        match self._ahead():
            case "{" | "[" if way is not None and not way and (node := self._passed(depth)):
                return node
            case "{":
                return self._container("object", "}", depth, way)
            case "[":
                return self._container("list", "]", depth, way)
        start = self._at
        if (string := self._take(_STRING)) is not None:
            return _Node("scalar", start, self._at, json.loads(string))
        if (number := self._take(_NUMBER)) is not None:
            return _Node("scalar", start, self._at, self._number(number))
        if (word := self._take(_WORD)) is not None:
            return _Node("scalar", start, self._at, _WORDS[word])
        raise self._wrong()

    def _passed(self, depth: int) -> _Node | None:
        """A mapping or list as Python reads it; None where it holds what Python does not take."""
        start = self._at
        try:
            value, end = _PLAIN_READER.raw_decode(self._text, start)
        except (ValueError, RecursionError):
            return None
        opened = self._text.count("{", start, end) + self._text.count("[", start, end)
        if depth + opened > DEPTH and not _shallow(value, depth):
            return None
        self._at = end
        kind: Literal["object", "list"] = "object" if isinstance(value, dict) else "list"
        return _Node(kind, start, end, value, passed=True)

    def _number(self, digits: str) -> Value:
        try:
            number: Value = json.loads(digits)
        except ValueError as error:  # more digits than Python converts
            raise self._wrong() from error
        return number

    def _container(
        self,
        kind: Literal["object", "list"],
        close: str,
        depth: int,
        way: Sequence[Step] | None,
    ) -> _Node:
        start = self._at
        self._at += 1
        members: list[_Member] = []
        while True:
            self._skip()
            if self._ahead() == close:
                self._at += 1
                return _Node(kind, start, self._at, members=members)
            if members and members[-1].comma < 0:
                raise self._wrong()
            members.append(self._member(kind, depth, way))

    def _member(
        self, kind: Literal["object", "list"], depth: int, way: Sequence[Step] | None
    ) -> _Member:
        start, key = self._at, ""
        if kind == "object":
            written = self._take(_STRING)
            if written is None:
                raise self._wrong()
            key = json.loads(written)
            self._skip()
            if self._ahead() != ":":
                raise self._wrong()
            self._at += 1
            self._skip()
        value = self._value(depth + 1, self._onwards(kind, key, way))
        after = self._at
        self._skip()
        if self._ahead() == ",":
            self._at += 1
            return _Member(key, start, value, self._at - 1)
        self._at = after  # comments behind the last value belong to nobody
        return _Member(key, start, value, -1)

    @staticmethod
    def _onwards(
        kind: Literal["object", "list"], key: str, way: Sequence[Step] | None
    ) -> Sequence[Step] | None:
        """The way within a member. Which entry of a list it leads to is not known yet."""
        if way is None or (way and kind == "list"):
            return None
        return way[1:] if way and key == way[0] else ()


def _not_json(_word: str) -> Value:
    raise ValueError("NaN and Infinity are Python's own")


_PLAIN_READER: Final = json.JSONDecoder(parse_constant=_not_json)


def _shallow(value: Value, depth: int) -> bool:
    """Whether what begins at `depth` goes no deeper than the scanner would."""
    if depth > DEPTH:
        return False
    if isinstance(value, dict):
        return all(_shallow(each, depth + 1) for each in value.values() if _holds(each))
    if isinstance(value, list):
        return all(_shallow(each, depth + 1) for each in value if _holds(each))
    return True


def _holds(value: Value) -> bool:
    return isinstance(value, dict | list)


def read(text: str) -> Value | Absent:
    """The document as plain values; absent where there is none. Raises Unreadable."""
    node = _Scanner(text, ()).document()
    return ABSENT if node is None else node.plain


def check(text: str, rejected: Collection[Extra]) -> None:
    """Raises Unreadable where a text that is fine holds what is `rejected`."""
    for found in _TOKEN.finditer(text):
        start = found.start()
        if found[0][0] == "/":
            if "comments" in rejected or (found[0][1] == "*" and "block_comments" in rejected):
                line = line_at(text, start)
                raise Unreadable(line, "comment")
        elif found[0] == "," and "trailing_commas" in rejected:
            after = _BETWEEN.match(text, found.end())
            if after and text[after.end() : after.end() + 1] in {"}", "]"}:
                line = line_at(text, start)
                raise Unreadable(line, "trailing_comma")


def put(text: str, place: Sequence[Step], value: Value) -> list[Splice]:
    """How `value` gets to `place`. Raises Unreadable, CannotKeep."""
    node = _Scanner(text, place).document()
    if node is None:
        whole = wrapped(place, value)
        return [added_lines(text, last_written(text), _lines(text, whole, ""))]
    for index, step in enumerate(place):
        member = _entry(text, node, step)
        if member is None:
            inner = wrapped(place[index + 1 :], value)
            if isinstance(step, Item):
                return _insert(text, node, "", named(step, inner))
            return _insert(text, node, step, inner)
        node = member.value
    indent = indent_at(text, node.start)
    written = newline_of(text).join(_lines(text, value, indent))
    return [Splice(node.start, node.end, written)]


def drop(text: str, place: Sequence[Step]) -> list[Splice]:
    """How what stands at `place` goes, with its comma. The place is there, or empty: everything."""
    node = _Scanner(text, place).document()
    assert node is not None, "the caller has found the place"
    if not place:
        if text[line_start(text, node.start) : node.start].strip():
            return [Splice(node.start, node.end)]
        return [dropped_lines(text, node.start, node.end)]
    for step in place[:-1]:
        member = _entry(text, node, step)
        assert member is not None, "the caller has found the place"
        node = member.value
    gone = _entry(text, node, place[-1])
    assert gone is not None, "the caller has found the place"
    return _remove(text, node, node.members.index(gone))


def _entry(text: str, node: _Node, step: Step) -> _Member | None:
    if isinstance(step, Item):
        if node.kind != "list":
            raise CannotKeep(line_at(text, node.start), "no_list")
        found = [each for each in node.members if _is(each.value, step)]
    else:
        if node.kind != "object":
            raise CannotKeep(line_at(text, node.start), "no_mapping")
        found = [each for each in node.members if each.key == step]
    if len(found) > 1:
        raise CannotKeep(line_at(text, found[1].start), "doubled_key")
    return found[0] if found else None


def _is(node: _Node, item: Item) -> bool:
    if node.kind != "object":
        return False
    return any(each.key == item.key and each.value.plain == item.value for each in node.members)


def _remarks(text: str, start: int, end: int) -> list[re.Match[str]]:
    """The comments between two tokens."""
    return list(_REMARK.finditer(text, start, end))


def _insert(text: str, node: _Node, key: str, value: Value) -> list[Splice]:
    """A new last member of an object (with `key`) or list."""
    inside = node.end - 1
    last = node.members[-1] if node.members else None
    after = max(last.value.end, last.comma + 1) if last else node.start + 1
    name = f"{_written(key)}: " if node.kind == "object" else ""
    if last and not _over_lines(text, node):
        line = json.dumps(value, ensure_ascii=False)
        if last.comma < 0:
            return [Splice(last.value.end, last.value.end, f", {name}{line}")]
        return [Splice(last.comma + 1, last.comma + 1, f" {name}{line},")]
    outer = indent_at(text, node.start)
    indent = indent_at(text, last.start) if last else outer + _step(text)
    remarks = _remarks(text, after, inside)
    if remarks:
        after = remarks[-1].end()
    newline = newline_of(text)
    lines = _lines(text, value, indent)
    new = newline + indent + name + newline.join(lines)
    if last and last.comma >= 0:
        new += ","
    if not last and not remarks:
        new += newline + outer
    commas = [Splice(last.value.end, last.value.end, ",")] if last and last.comma < 0 else []
    return [*commas, Splice(after, after, new)]


def _remove(text: str, node: _Node, index: int) -> list[Splice]:
    """Takes a member out: exactly what `_insert` had put there, if it was the last."""
    gone = node.members[index]
    before = node.members[index - 1] if index else None
    start = max(before.value.end, before.comma + 1) if before else node.start + 1
    remarks = _remarks(text, start, gone.start)
    if remarks:
        start = remarks[-1].end()
    end = max(gone.value.end, gone.comma + 1)
    lines = "\n" in text[start : gone.start]
    if remarks and remarks[-1][0].startswith("//") and not _ends_line(text, end):
        start = gone.start  # what follows must not become a part of the comment
    if len(node.members) == 1 and not remarks and lines:
        closing = newline_of(text) + indent_at(text, node.start)
        end += len(closing) if text.startswith(closing, end) else 0
    if not before and len(node.members) > 1 and not lines:
        end = node.members[1].start
    commas = []
    if before and index == len(node.members) - 1 and gone.comma < 0:
        commas = [Splice(before.comma, before.comma + 1)]
        start = max(start, before.comma + 1)
    return [*commas, Splice(start, end)]


def _ends_line(text: str, position: int) -> bool:
    return re.compile(r"[ \t]*(?:\r?\n|\Z)").match(text, position) is not None


def _over_lines(text: str, node: _Node) -> bool:
    """Whether its members stand on lines of their own."""
    first, last = node.members[0], node.members[-1]
    after = max(last.value.end, last.comma + 1)
    return "\n" in text[node.start : first.start] or "\n" in text[after : node.end]


def _step(text: str) -> str:
    """One level of the file's own indentation; two spaces where it shows none."""
    found = _INDENT.search(text)
    return found[1] if found else "  "


def _lines(text: str, value: Value, indent: str) -> list[str]:
    """A value over lines; all but the first one begin with `indent`."""
    step = _step(text)
    lines = json.dumps(value, ensure_ascii=False, indent=step).split("\n")
    return [lines[0], *(indent + line for line in lines[1:])]


def _written(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)
