"""One value in a text: look for it, put it there, take it away. The same for every format.

No format is trusted with the outcome. A change is accepted only if reading the new text again
gives the old values with exactly this change; and since a change is made of splices (`splice.py`),
an addition may only add characters, a removal may only take some away, and a new value may only
stand where the old one stood. What does not pass is refused, with the text as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from copilot_desktop.integrations.edits import ABSENT, Absent, Format, Item, Place, Step, Value
from copilot_desktop.integrations.formats import json_text, toml_text, yaml_text
from copilot_desktop.integrations.formats.splice import (
    CannotKeep,
    Splice,
    Unreadable,
    check_newlines,
    entry_of,
    line_at,
    named,
    spliced,
    wrapped,
)

__all__ = ["CannotKeep", "Unreadable", "drop", "find", "missing", "put", "read"]


@dataclass(frozen=True, slots=True)
class _Grammar:
    read: Callable[[str], Value | Absent]
    put: Callable[[str, Sequence[Step], Value], list[Splice]]
    drop: Callable[[str, Sequence[Step]], list[Splice]]


def _grammar(format: Format) -> _Grammar:  # noqa: A002 - the field's own word
    match format:
        case "json":
            return _Grammar(json_text.read, json_text.put, json_text.drop)
        case "toml":
            return _Grammar(toml_text.read, toml_text.put, toml_text.drop)
        case "yaml":
            return _Grammar(yaml_text.read, yaml_text.put, yaml_text.drop)
        case _:
            assert_never(format)


@lru_cache(maxsize=4)
def read(format: Format, text: str) -> Value | Absent:  # noqa: A002
    """The whole document; ABSENT where a JSON text holds no value. Raises Unreadable.

    A change reads the text of before and the one of after, which the next change begins with.
    Nobody may change what is returned.
    """
    try:
        return _grammar(format).read(text)
    except RecursionError:
        raise Unreadable(1, "too_deep") from None


def find(format: Format, text: str, place: Place) -> Value | Absent:  # noqa: A002
    """What stands at a place. Raises Unreadable."""
    return _at(read(format, text), place)


def missing(format: Format, text: str, place: Place) -> tuple[Place, ...]:  # noqa: A002
    """The mappings and lists on the way that a `put` would have to make; `()` is the top.

    A JSON text without a value lacks its top as well. Raises Unreadable.
    """
    document = read(format, text)
    ways = (place[:length] for length in range(len(place)))
    return tuple(way for way in ways if _at(document, way) is ABSENT)


def put(format: Format, text: str, place: Place, value: Value) -> str:  # noqa: A002
    """The text with `value` at `place`; the same text where it already stands there.

    A mapping over a mapping changes only the keys that differ. Raises Unreadable, CannotKeep.
    """
    document, value = read(format, text), _plain(value)
    present = _at(document, place)
    if same(present, value):
        return text
    if isinstance(present, dict) and isinstance(value, dict) and value:
        return _put_keys(format, text, place, present, value)
    splices = _tried(text, lambda: _grammar(format).put(text, place, value))
    new = spliced(text, splices)
    only_adds = all(each.start == each.end for each in splices)
    outcome = _reread(format, text, new, splices)
    if not _alike(outcome, _with(document, place, value)):
        raise _cannot(text, splices)
    if not only_adds and (present is ABSENT or len(splices) != 1):
        raise _cannot(text, splices)
    return new


def _put_keys(
    format: Format,  # noqa: A002
    text: str,
    place: Place,
    present: Mapping[str, Value],
    value: Mapping[str, Value],
) -> str:
    new = text
    for key, each in value.items():
        new = put(format, new, (*place, key), each)
    for key in present:
        if key not in value:
            new = drop(format, new, (*place, key))
    if not same(find(format, new, place), value):  # an empty table that no header of TOML names
        raise CannotKeep(1, "layout")
    return new


def drop(format: Format, text: str, place: Place, made: int = 0) -> str:  # noqa: A002
    """The text without what stands at `place`; the same text where nothing stands there.

    Of the mappings and lists on the way the innermost `made` go too, as far as they are empty then
    (an entry of a list is empty when only the key that names it is left). If all were made, so is
    the top. Raises Unreadable, CannotKeep.
    """
    document = read(format, text)
    if _at(document, place) is ABSENT:
        return text
    while made and place and _lonely(_at(document, place[:-1]), place):
        place, made = place[:-1], made - 1
    splices = _tried(text, lambda: _grammar(format).drop(text, place))
    if any(each.new for each in splices):
        raise _cannot(text, splices)
    new = spliced(text, splices)
    outcome = _reread(format, text, new, splices)
    if not any(_alike(outcome, each) for each in _without(document, place)):
        raise _cannot(text, splices)
    return new


def same(one: object, other: object) -> bool:
    """Whether two values are one: `1`, `1.0` and `true` are not. The order of keys is free."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and repr(one) == repr(other)  # repr: nan is nan


def _alike(one: object, other: object) -> bool:
    """`same` for whole documents, which are written alike nearly always; that is soon seen."""
    return repr(one) == repr(other) or same(one, other)


def _plain(value: Value) -> Value:
    """The value in lists and dicts, whatever sequences and mappings it came in."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value


def _tried(text: str, change: Callable[[], list[Splice]]) -> list[Splice]:
    check_newlines(text)
    try:
        splices = sorted(change(), key=lambda splice: splice.start)
    except RecursionError:
        raise Unreadable(1, "too_deep") from None
    at = 0
    for each in splices:
        if not at <= each.start <= each.end:
            raise _cannot(text, splices)
        at = each.end
    return splices


def _reread(format: Format, text: str, new: str, splices: list[Splice]) -> Value | Absent:  # noqa: A002
    try:
        return read(format, new)
    except Unreadable:
        raise _cannot(text, splices) from None


def _cannot(text: str, splices: list[Splice]) -> CannotKeep:
    first = min((each.start for each in splices), default=0)
    return CannotKeep(line_at(text, first), "layout")


def _at(document: Value | Absent, place: Sequence[Step]) -> Value | Absent:
    for step in place:
        if isinstance(step, Item):
            index = entry_of(document, step)
            if index is None or not isinstance(document, list):
                return ABSENT
            document = document[index]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            return ABSENT
    return document


def _lonely(parent: object, place: Place) -> bool:
    """Whether nothing is left in a mapping or list once the last step of `place` is gone."""
    left = len(parent) - 1 if isinstance(parent, dict | list) else 0
    around = place[-2] if len(place) > 1 else None
    if isinstance(around, Item) and isinstance(parent, dict) and place[-1] != around.key:
        left -= around.key in parent
    return left == 0


def _with(document: Value | Absent, place: Place, value: Value) -> Value:
    """The document with `value` at `place`."""
    if not place:
        return value
    step, rest = place[0], place[1:]
    if isinstance(step, Item):
        entries = list(document) if isinstance(document, list) else []
        index = entry_of(entries, step)
        if index is None:
            return [*entries, named(step, wrapped(rest, value))]
        entries[index] = _with(entries[index], rest, value)
        return entries
    pairs = dict(document) if isinstance(document, dict) else {}
    return {**pairs, step: _with(pairs.get(step, ABSENT), rest, value)}


def _without(document: Value | Absent, place: Place) -> list[Value | Absent]:
    """What may remain: a mapping or list that has lost its last entry may be empty, may be nothing
    (YAML writes it so), or may be gone (a TOML table that no header names)."""
    if not place:
        return [ABSENT, {}]
    step, rest = place[0], place[1:]
    if isinstance(step, Item):
        assert isinstance(document, list), "the caller has found the place"
        index = entry_of(document, step)
        assert index is not None, "the caller has found the place"
        inner = _without(document[index], rest) if rest else [ABSENT]
        before, after = document[:index], document[index + 1 :]
        left: list[Value | Absent] = [
            [*before, *after] if isinstance(each, Absent) else [*before, each, *after]
            for each in inner
        ]
    else:
        assert isinstance(document, dict), "the caller has found the place"
        inner = _without(document[step], rest) if rest else [ABSENT]
        others = {key: each for key, each in document.items() if key != step}
        left = [others if isinstance(each, Absent) else {**others, step: each} for each in inner]
    if any(not each for each in left):
        left += [None, ABSENT, {}]
    return left
