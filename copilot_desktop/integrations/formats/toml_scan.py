"""Where everything stands in a TOML text that Python's own reader has already found valid.

The reader (tomllib) judges the grammar; this only finds positions, so it may take validity for
granted. A document is a row of sections: the part before the first header, then one for each
`[table]` and `[[entry]]`. Paths are whole: entries of lists of tables are numbered, so a path
`("models", 0, "limits")` names one table (TOML 1.0, "Array of Tables").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from copilot_desktop.integrations.formats.splice import line_end

Path = tuple[str | int, ...]

_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")  # between values of a list: comments too
_SPACE: Final = re.compile(r"[ \t]*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS: Final = (
    re.compile(r'"""(?s:\\.|[^\\])*?"""(?:"{1,2}(?!"))?'),
    re.compile(r"'''(?s:.)*?'''(?:'{1,2}(?!'))?"),
    re.compile(r'"(?:\\.|[^"\\\n])*"'),
    re.compile(r"'[^'\n]*'"),
)
_SCALAR: Final = re.compile(r"[^,\]}#\n\r]*[^,\]}#\n\r \t]")


@dataclass(frozen=True, slots=True)
class Inline:
    """A value behind `=`. `parts` are what an inline table or a list holds, in order."""

    kind: Literal["table", "list", "scalar"]
    start: int
    end: int
    parts: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """`keys = value`; in a list, where `keys` is empty, the value alone."""

    keys: tuple[str, ...]
    start: int
    value: Inline


@dataclass(frozen=True, slots=True)
class Section:
    """One header (none before the first) and its entries.

    `start` is where the header begins; `end` lies in its last line that says something.
    """

    path: Path
    header: bool
    start: int
    head_end: int
    entries: list[Entry] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.entries[-1].value.end if self.entries else self.head_end


def sections(text: str) -> list[Section]:
    """The whole document. `text` is valid TOML."""
    return _Scanner(text).document()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counts: dict[Path, int] = {}  # lists of tables: how many entries so far

    def document(self) -> list[Section]:
        found = [Section((), False, 0, 0)]
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._text):
                return found
            if self._text[self._at] == "[":
                found.append(self._header())
            else:
                found[-1].entries.append(self._entry())
                self._at = line_end(self._text, self._at)

    def _header(self) -> Section:
        start = self._at
        array = self._text.startswith("[[", start)
        self._at += 2 if array else 1
        keys = self._keys()
        self._at += 2 if array else 1
        path: Path = ()
        for index, key in enumerate(keys):
            path = (*path, key)
            if array and index == len(keys) - 1:
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        section = Section(path, True, start, self._at - 1)
        self._at = line_end(self._text, self._at)
        return section

    def _entry(self) -> Entry:
        start = self._at
        keys = self._keys()
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        return Entry(keys, start, self._value())

    def _keys(self) -> tuple[str, ...]:
        keys = []
        while True:
            self._skip(_SPACE)
            keys.append(self._key())
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return tuple(keys)
            self._at += 1

    def _key(self) -> str:
        bare = self._take(_BARE)
        if bare:
            return bare
        quoted = self._string()
        return _unescaped(quoted) if quoted.startswith('"') else quoted[1:-1]

    def _value(self) -> Inline:
        start = self._at
        match self._text[start]:
            case "{":
                parts = list(self._parts("}"))
                return Inline("table", start, self._at, parts)
            case "[":
                parts = list(self._parts("]"))
                return Inline("list", start, self._at, parts)
            case '"' | "'":
                self._string()
            case _:
                self._take(_SCALAR)
        return Inline("scalar", start, self._at)

    def _parts(self, close: str) -> Iterator[Entry]:
        self._at += 1
        while True:
            self._skip(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
            elif self._text[self._at] == close:
                self._at += 1
                return
            elif close == "}":
                yield self._entry()
            else:
                yield Entry((), self._at, self._value())

    def _string(self) -> str:
        for pattern in _STRINGS:
            found = self._take(pattern)
            if found:
                return found
        raise AssertionError("valid TOML has a string here")

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def _skip(self, pattern: re.Pattern[str]) -> None:
        self._take(pattern)


def _unescaped(quoted: str) -> str:
    """A basic string as a key. Its one escape that JSON lacks has eight digits."""
    short = re.sub(
        r"(\\\\)|\\U([0-9a-fA-F]{8})",
        lambda found: found[1] or json.dumps(chr(int(found[2], 16)))[1:-1],
        quoted,
    )
    key: str = json.loads(short, strict=False)
    return key
