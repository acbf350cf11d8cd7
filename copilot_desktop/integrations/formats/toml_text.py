"""TOML, changed in place.

New scalars become lines of the table they belong to; new mappings become sections of their own,
behind the last section of their parent; what lies in an inline table or was written with dotted
keys stays in that form. Python's own reader is the judge before and after.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from copilot_desktop.integrations.edits import Item, Step, Value
from copilot_desktop.integrations.formats.splice import (
    CannotKeep,
    Splice,
    Unreadable,
    added_lines,
    dropped_lines,
    entry_of,
    indent_at,
    last_written,
    line_at,
    line_end,
    line_start,
    named,
    newline_of,
    wrapped,
)
from copilot_desktop.integrations.formats.toml_scan import Entry, Inline, Path, Section, sections

_LINE: Final = re.compile(r"at line (\d+)")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_FIRST_REMARK: Final = re.compile(r"(?:[ \t]*#[^\n]*\n)+(?=\r?\n)")


@lru_cache(maxsize=2)  # asked for again on the way to a place
def read(text: str) -> Value:
    """The document as plain values; dates and times as they would be written. Raises Unreadable."""
    import tomllib  # noqa: PLC0415 - only where a file of a tool is looked at

    try:
        return _plain(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        at = _LINE.search(str(error))
        raise Unreadable(int(at[1]) if at else line_at(text, len(text)), "not_valid") from None
    except RecursionError:
        raise Unreadable(1, "too_deep") from None
    except ValueError:  # a number with more digits than Python converts
        raise Unreadable(1, "not_valid") from None


def _plain(value: object) -> Value:
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case str() | bool() | int() | float():
            return value
        case _:
            return str(value)


@dataclass(frozen=True, slots=True)
class _Where:
    """How far a place exists: the whole path of what is there, its value, and the steps left."""

    path: Path
    value: Value
    rest: tuple[Step, ...]


def _where(text: str, place: Sequence[Step]) -> _Where:
    value = read(text)
    path: Path = ()
    for index, step in enumerate(place):
        if isinstance(step, Item):
            if not isinstance(value, list):
                raise CannotKeep(_line(text, path), "no_list")
            found = entry_of(value, step)
            if found is not None and entry_of(value[found + 1 :], step) is not None:
                raise CannotKeep(_line(text, (*path, found)), "doubled_key")
            if found is None:
                return _Where(path, value, tuple(place[index:]))
            value, path = value[found], (*path, found)
        else:
            if not isinstance(value, dict):
                raise CannotKeep(_line(text, path), "no_mapping")
            if step not in value:
                return _Where(path, value, tuple(place[index:]))
            value, path = value[step], (*path, step)
    return _Where(path, value, ())


def _line(text: str, path: Path) -> int:
    """The line where what stands at a path begins."""
    parts = sections(text)
    found = _inline(parts, path)
    headers = (each.start for each in parts if each.path[: len(path)] == path)
    return line_at(text, found[1].start if found else next(headers, 0))


def put(text: str, place: Sequence[Step], value: Value) -> list[Splice]:
    """How `value` gets to `place`. Raises Unreadable, CannotKeep."""
    where = _where(text, place)
    parts = sections(text)
    if not where.rest:
        there = _inline(parts, where.path)
        if there is None:  # tables all over the file
            raise CannotKeep(_line(text, where.path), "layout")
        return [Splice(there[1].start, there[1].end, _flow(value))]
    first, inner = where.rest[0], wrapped(where.rest[1:], value)
    new = named(first, inner) if isinstance(first, Item) else inner
    key = "" if isinstance(first, Item) else first
    there = _inline(parts, where.path)
    if there is not None:
        return [_into_inline(text, there[1], key, new)]
    if not key:
        return [_new_section(text, parts, where.path, new, entry=True)]
    dotted = _dotted(parts, where.path)
    if dotted is not None:
        name = ".".join(_key(each) for each in (*dotted[1], key))
        return [_below(text, dotted[0], f"{name} = {_flow(new)}")]
    if isinstance(new, dict):
        return [_new_section(text, parts, (*where.path, key), new)]
    return [_new_line(text, parts, where.path, key, new)]


def drop(text: str, place: Sequence[Step]) -> list[Splice]:
    """How what stands at `place` goes. The place is there, or empty: everything."""
    path = _where(text, place).path
    parts = sections(text)
    found = _inline(parts, path)
    if found is not None and found[0] is not None:
        return [_out_of_inline(text, found[0], found[1])]
    gone: list[Splice] = []
    for section in parts:
        if section.header and section.path[: len(path)] == path:
            gone.append(_without_section(text, section))
            continue
        lines = [each for each in section.entries if _whole(section, each)[: len(path)] == path]
        sole = len(lines) == len(section.entries) and not section.header and len(parts) > 1
        gone += [_without_line(text, each, sole and each is lines[0]) for each in lines]
    return _merged(text, gone)


def _merged(text: str, splices: list[Splice]) -> list[Splice]:
    """Deletions with those joined that touch. At the very start the newline behind goes too."""
    kept: list[Splice] = []
    for each in sorted(splices, key=lambda splice: splice.start):
        if kept and each.start <= kept[-1].end:
            kept[-1] = Splice(kept[-1].start, max(kept[-1].end, each.end))
        else:
            kept.append(each)
    if kept and not kept[0].start and not text[: kept[0].end].endswith("\n"):
        kept[0] = Splice(0, dropped_lines(text, 0, kept[0].end).end)
    return kept


def _whole(section: Section, entry: Entry) -> Path:
    return (*section.path, *entry.keys)


def _inline(parts: Sequence[Section], path: Path) -> tuple[Inline | None, Inline] | None:
    """What is written behind one `=` at a path, and the inline table or list it lies in."""
    for section in parts:
        for entry in section.entries:
            whole = _whole(section, entry)
            if path[: len(whole)] == whole:
                return _deeper(None, entry.value, path[len(whole) :])
    return None


def _deeper(
    around: Inline | None, value: Inline, path: Path
) -> tuple[Inline | None, Inline] | None:
    if not path:
        return around, value
    if isinstance(path[0], int):
        return _deeper(value, value.parts[path[0]].value, path[1:])
    for entry in value.parts:
        if path[: len(entry.keys)] == entry.keys:
            return _deeper(value, entry.value, path[len(entry.keys) :])
    return None  # dotted keys within an inline table: no one value


def _into_inline(text: str, inline: Inline, key: str, value: Value) -> Splice:
    if inline.kind == "scalar":
        raise CannotKeep(line_at(text, inline.start), "no_mapping")
    new = f"{_key(key)} = {_flow(value)}" if inline.kind == "table" else _flow(value)
    if inline.parts:
        end = inline.parts[-1].value.end
        return Splice(end, end, f", {new}")
    space = " " if inline.kind == "table" else ""
    return Splice(inline.start + 1, inline.start + 1, f"{space}{new}{space}")


def _out_of_inline(text: str, around: Inline, value: Inline) -> Splice:
    index = next(i for i, each in enumerate(around.parts) if each.value is value)
    if index:
        return Splice(around.parts[index - 1].value.end, value.end)
    if len(around.parts) > 1:
        return Splice(around.parts[0].start, around.parts[1].start)
    start, end = around.parts[0].start, value.end
    if around.kind == "table":
        start -= text[start - 1] == " "
        end += text[end] == " "
    return Splice(start, end)


def _dotted(parts: Sequence[Section], path: Path) -> tuple[Entry, tuple[str, ...]] | None:
    """Where a table is made by dotted keys: the last of its lines, and its path in that section."""
    found = None
    for section in parts:
        for entry in section.entries:
            depth = len(path) - len(section.path)
            if 0 < depth < len(entry.keys) and _whole(section, entry)[: len(path)] == path:
                found = entry, entry.keys[:depth]
    return found


def _below(text: str, entry: Entry, line: str) -> Splice:
    return added_lines(text, entry.value.end, [indent_at(text, entry.start) + line])


def _new_line(text: str, parts: Sequence[Section], path: Path, key: str, value: Value) -> Splice:
    """A scalar or list as a line of the table at `path`, which has a header, is the top, or only
    shows in the headers of the tables below it: then with a dotted key, one level up."""
    section = next((each for each in parts if each.path == path), None)
    if section is None:
        above = [each for each in parts if path[: len(each.path)] == each.path]
        section = max(above, key=lambda each: len(each.path))
    names = path[len(section.path) :]
    line = f"{'.'.join(_key(str(each)) for each in (*names, key))} = {_flow(value)}"
    if section.entries:
        return _below(text, section.entries[-1], line)
    if section.header:
        return added_lines(text, section.head_end, [line])
    if len(parts) == 1:
        return added_lines(text, last_written(text), [line])
    remark = _FIRST_REMARK.match(text)  # about the file, so it stays first
    newline = newline_of(text)
    if remark:
        return Splice(remark.end(), remark.end(), newline + line + newline)
    return Splice(0, 0, line + newline * 2)


def _without_line(text: str, entry: Entry, sole: bool) -> Splice:
    """The lines of an entry; with the blank line that sets a first one apart where it was alone."""
    start, end = line_start(text, entry.start), line_end(text, entry.value.end)
    if not sole:
        return dropped_lines(text, entry.start, entry.value.end)
    newline = newline_of(text)
    if start == 0:
        after = end + len(newline)
        return Splice(0, after + len(newline) if text.startswith(newline, after) else after)
    if text[:start].endswith(newline * 2):
        return Splice(start - len(newline), end + len(newline))
    return dropped_lines(text, entry.start, entry.value.end)


def _new_section(
    text: str, parts: Sequence[Section], path: Path, value: Value, *, entry: bool = False
) -> Splice:
    """A mapping as a section, behind the last one below the same parent; the top's are last."""
    parent = path if entry else path[:-1]
    headers = _header(path), entry
    lines = list(_section_lines(headers[0], value, entry=entry))
    inside = [each for each in parts if each.path[: len(parent)] == parent]
    last = inside[-1] if inside else parts[-1]
    if last is parts[-1]:
        position = last_written(text)
        if position == 0 and not text.strip():
            return added_lines(text, 0, lines)
        return added_lines(text, position, ["", *lines])
    return added_lines(text, last.end, ["", *lines])


def _without_section(text: str, section: Section) -> Splice:
    splice = dropped_lines(text, section.start, section.end)
    newline = newline_of(text)
    if splice.start and text[: splice.start].endswith(newline):
        return Splice(splice.start - len(newline), splice.end)
    return splice


def _header(path: Path) -> tuple[str, ...]:
    return tuple(each for each in path if isinstance(each, str))


def _section_lines(path: tuple[str, ...], value: Value, *, entry: bool = False) -> Iterator[str]:
    """A mapping as lines: its own values under its header, then its mappings as sections."""
    assert isinstance(value, dict), "only a mapping becomes a section"
    tables = {key: each for key, each in value.items() if isinstance(each, dict)}
    name = ".".join(_key(each) for each in path)
    if entry or len(tables) < len(value) or not tables:
        yield f"[[{name}]]" if entry else f"[{name}]"
        for key, each in value.items():
            if key not in tables:
                yield f"{_key(key)} = {_flow(each)}"
        if tables:
            yield ""
    for index, (key, each) in enumerate(tables.items()):
        if index:
            yield ""
        yield from _section_lines((*path, key), each)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _flow(value: Value) -> str:
    """A value on one line."""
    match value:
        case None:
            raise CannotKeep(1, "not_valid")  # TOML has no null
        case bool():
            return "true" if value else "false"
        case str():
            return _string(value)
        case dict():
            pairs = ", ".join(f"{_key(key)} = {_flow(each)}" for key, each in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case int() | float():
            return repr(value)
        case _:
            return f"[{', '.join(_flow(each) for each in value)}]"
