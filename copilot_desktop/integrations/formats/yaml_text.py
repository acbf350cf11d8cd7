"""YAML, changed in place.

ruamel.yaml reads the document and says where its nodes stand; it never writes, since its writer
lays sequences out in its own way. New entries of block collections are lines below the last
entry, in the column of their neighbours; flow collections (`{}`, `[]`) get theirs in the line.
Anchors, aliases, merge keys and tags make one text mean something in two places: on the way to a
change they are refused, elsewhere they stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from copilot_desktop.integrations.edits import Item, Step, Value
from copilot_desktop.integrations.formats.splice import (
    DEPTH,
    CannotKeep,
    Splice,
    Unreadable,
    added_lines,
    dropped_lines,
    last_written,
    line_at,
    line_end,
    line_start,
    named,
    newline_of,
    wrapped,
)

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

_PLAIN: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9_./-]|:(?=[A-Za-z0-9_./-]))*")
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan"})
_COLON: Final = re.compile(r"[ \t]*:(?=[ \t\r\n]|\Z)")
_FLOW_COLON: Final = re.compile(r"[ \t\r\n]*:")
_COMMA: Final = re.compile(r"[ \t\r\n]*,")
_ALIAS: Final = re.compile(r"\s*\*[^\s,\]}]+")
_PREFIX: Final = "tag:yaml.org,2002:"
_LEVEL: Final = 2  # spaces
_LARGEST: Final = 64 * 1024  # characters: a second to read on a busy machine, for each model again


def read(text: str) -> Value:
    """The document as plain values; an empty one is an empty mapping.

    Scalars that JSON lacks (dates, foreign tags) are given as they are written.
    """
    node = _compose(text)
    return {} if node is None else _plain(node, 0)


@lru_cache(maxsize=2)  # read before a change, changed, and read again: the slow part
def _compose(text: str) -> Node | None:
    if len(text) > _LARGEST:
        raise Unreadable(1, "too_slow")
    from ruamel.yaml import YAML  # noqa: PLC0415 - slow, and rarely needed
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

    try:
        node: Node | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        many = error.context == "expected a single document in the stream"
        line = min(mark.line + 1, text.count("\n") + 1) if mark else 1
        raise Unreadable(line, "several_documents" if many else "not_valid") from None
    except YAMLError as error:  # a character that may not be there
        raise Unreadable(line_at(text, getattr(error, "position", 0)), "not_valid") from None
    except RecursionError:
        raise Unreadable(1, "too_deep") from None
    except (ValueError, AttributeError, KeyError, AssertionError, TypeError) as error:
        raise Unreadable(1, "not_valid") from error  # what the library fails on without saying so
    return node


def _plain(node: Any, depth: int) -> Value:
    if depth > DEPTH:  # also an alias inside what it names
        raise Unreadable(node.start_mark.line + 1, "too_deep")
    match node.id:
        case "mapping":
            return {_name(key): _plain(value, depth + 1) for key, value in node.value}
        case "sequence":
            return [_plain(each, depth + 1) for each in node.value]
        case _:
            return _scalar(node)


def _name(key: Any) -> str:
    return key.value if key.id == "scalar" else "?"


def _scalar(node: Any) -> Value:
    """A scalar by its tag. Numbers in forms that JSON lacks stay texts."""
    written: str = node.value
    match str(node.tag).removeprefix(_PREFIX):
        case "null":
            return None
        case "bool":
            return written.lower() in {"true", "yes", "on"}
        case "int" | "float" as kind:
            try:
                return int(written) if kind == "int" else float(written)
            except ValueError:
                return written
        case _:
            return written


@dataclass(frozen=True, slots=True)
class _Spot:
    """A node, the key it stands behind (None in a list), and where it lies in its parent."""

    node: Any
    key: Any = None
    parent: Any = None
    index: int = 0


def put(text: str, place: Sequence[Step], value: Value) -> list[Splice]:
    """How `value` gets to `place`. Raises Unreadable, CannotKeep."""
    root = _compose(text)
    if root is None:
        lines = _block(wrapped(place, value), _Style(text))
        return [added_lines(text, last_written(text), lines)]
    spot = _Spot(root)
    for index, step in enumerate(place):
        inner = wrapped(place[index + 1 :], value)
        if _is_empty(spot):
            return [_into_empty(text, spot, wrapped(place[index:], value))]
        found = _entry(text, spot, step)
        if found is None:
            if isinstance(step, Item):
                return [_insert(text, spot, "", named(step, inner))]
            return [_insert(text, spot, step, inner)]
        spot = found
    _check(spot)
    return [_replace(text, spot, value)]


def drop(text: str, place: Sequence[Step]) -> list[Splice]:
    """How what stands at `place` goes. The place is there, or empty: everything."""
    spot = _Spot(_compose(text))
    for step in place:
        found = _entry(text, spot, step)
        if found is None:  # a key that is no scalar
            raise CannotKeep(spot.node.start_mark.line + 1, "no_mapping")
        spot = found
    _check(spot)
    if spot.parent is None:
        return [dropped_lines(text, spot.node.start_mark.index, _end(text, spot))]
    if spot.parent.flow_style:
        return [_out_of_flow(text, spot)]
    return [_out_of_block(text, spot)]


def _is_alias(spot: _Spot) -> bool:
    """Whether a key is followed by a `*name`: its node is the original, further up."""
    return spot.key is not None and spot.node.start_mark.index < spot.key.start_mark.index


def _check(spot: _Spot) -> None:
    node = spot.node
    merges = node.id == "mapping" and any(_name(key) == "<<" for key, _ in node.value)
    tagged = not str(node.tag or "").startswith(_PREFIX)
    if node.anchor or merges or tagged or _is_alias(spot):
        raise CannotKeep(node.start_mark.line + 1, "anchors")


def _entry(text: str, spot: _Spot, step: Step) -> _Spot | None:
    _check(spot)
    node = spot.node
    line = node.start_mark.line + 1
    if isinstance(step, Item):
        if node.id != "sequence":
            raise CannotKeep(line, "no_list")
        found = [
            _Spot(each, None, node, index)
            for index, each in enumerate(node.value)
            if _is(each, step)
        ]
    else:
        if node.id != "mapping":
            raise CannotKeep(line, "no_mapping")
        found = [
            _Spot(value, key, node, index)
            for index, (key, value) in enumerate(node.value)
            if key.id == "scalar" and key.value == step
        ]
    if len(found) > 1:
        raise CannotKeep(found[1].node.start_mark.line + 1, "doubled_key")
    return found[0] if found else None


def _is(node: Any, item: Item) -> bool:
    if node.id != "mapping":
        return False
    return any(
        _name(key) == item.key and _plain(value, 0) == item.value for key, value in node.value
    )


def _first(spot: _Spot) -> int:
    """Where an entry begins: its key, or its value in a list."""
    index: int = (spot.key or spot.node).start_mark.index
    return index


def _behind_colon(text: str, key: Any) -> int:
    """The position after the colon of a key. Raises CannotKeep for `? key`."""
    found = _COLON.match(text, key.end_mark.index) or _FLOW_COLON.match(text, key.end_mark.index)
    if found is None:
        raise CannotKeep(key.start_mark.line + 1, "layout")
    return found.end()


def _is_empty(spot: _Spot) -> bool:
    """A key with nothing behind it."""
    node = spot.node
    return (
        spot.key is not None
        and node.id == "scalar"
        and node.tag == _PREFIX + "null"
        and (node.start_mark.index == node.end_mark.index)
    )


def _end(text: str, spot: _Spot) -> int:
    """A position just behind the last character that belongs to a node, comments left out."""
    node = spot.node
    while node.id != "scalar" and not node.flow_style and node.value and not _is_alias(spot):
        last = node.value[-1]
        key, node = last if node.id == "mapping" else (None, last)
        spot = _Spot(node, key)
    if _is_empty(spot):
        return _behind_colon(text, spot.key)
    if _is_alias(spot):
        alias = _ALIAS.match(text, _behind_colon(text, spot.key))
        return alias.end() if alias else len(text)  # the reader names the place of the original
    if node.id == "scalar" and node.style in {"|", ">"}:
        header = text[node.start_mark.index : line_end(text, node.start_mark.index)]
        body = text[: node.end_mark.index]
        return len(body if "+" in header.partition("#")[0] else body.rstrip())
    end: int = node.end_mark.index
    return end


class _Style:
    """How a text lays its lists out: how far their dashes stand from the key above."""

    def __init__(self, text: str) -> None:
        dash = re.search(
            r"^( *)[^\s#-][^\n]*:[ \t]*\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*( *)- ", text, re.MULTILINE
        )
        self.dash = len(dash[2]) - len(dash[1]) if dash else _LEVEL


def _insert(text: str, spot: _Spot, key: str, value: Value) -> Splice:
    """A new last entry of a mapping (with `key`) or list."""
    node = spot.node
    new = {key: value} if node.id == "mapping" else [value]
    if node.flow_style or not node.value:
        return _into_flow(text, node, new)
    lines = _block(new, _Style(text))
    indent = " " * _column(text, node)
    return added_lines(text, _last(text, spot), [indent + line for line in lines])


def _last(text: str, spot: _Spot) -> int:
    return max(0, _end(text, spot) - 1)


def _column(text: str, node: Any) -> int:
    """The column of the entries of a block collection."""
    start: int = node.start_mark.index
    column = start - line_start(text, start)
    if "\t" in text[start - column : start]:
        raise CannotKeep(line_at(text, start), "layout")
    return column


def _into_flow(text: str, node: Any, new: Value) -> Splice:
    written = json.dumps(new, ensure_ascii=False)[1:-1]
    if not node.value:
        start: int = node.start_mark.index + 1
        return Splice(start, start, written)
    last = node.value[-1]
    spot = _Spot(last[1], last[0]) if node.id == "mapping" else _Spot(last)
    end = _end(text, spot)
    return Splice(end, end, f", {written}")


def _into_empty(text: str, spot: _Spot, value: Value) -> Splice:
    """A collection below a key that had nothing behind it. Within a line that is a null, which a
    collection could be put into but not come back as."""
    if spot.parent.flow_style:
        raise CannotKeep(spot.node.start_mark.line + 1, "no_mapping")
    return added_lines(text, _behind_colon(text, spot.key) - 1, _below(text, spot, value))


def _below(text: str, spot: _Spot, value: Value) -> list[str]:
    """A collection as the lines below its key."""
    style = _Style(text)
    start = _first(spot)
    deeper = style.dash if isinstance(value, list) else _LEVEL
    indent = " " * (start - line_start(text, start) + deeper)
    return [indent + line for line in _block(value, style)]


def _replace(text: str, spot: _Spot, value: Value) -> Splice:
    """Another value in place of the one that is there."""
    node = spot.node
    block = node.id != "scalar" and not node.flow_style
    literal = node.id == "scalar" and node.style in {"|", ">"}
    start, end = node.start_mark.index, _end(text, spot)
    flow = spot.parent.flow_style or not (isinstance(value, dict | list) and value)
    if _is_empty(spot):
        start = end = _behind_colon(text, spot.key)
    if flow:
        written = _text(value)
        if block and spot.key is not None:
            start = _behind_colon(text, spot.key)
        return Splice(start, end, written if text[start - 1] in " \t[{," else f" {written}")
    newline = newline_of(text)
    if spot.key is None:
        lines = _block(value, _Style(text))
        indent = " " * (start - line_start(text, start))
        return Splice(start, end, (newline + indent).join(lines))
    if block and text[line_start(text, start) : start].strip() == "":
        return Splice(line_start(text, start), end, newline.join(_below(text, spot, value)))
    after = _behind_colon(text, spot.key)
    if literal or not block:
        end = max(end, after)
    return Splice(after, end, newline + newline.join(_below(text, spot, value)))


def _out_of_flow(text: str, spot: _Spot) -> Splice:
    entries = spot.parent.value
    bounds = [each if isinstance(each, tuple) else (each, each) for each in entries]
    start, end = bounds[spot.index][0].start_mark.index, bounds[spot.index][1].end_mark.index
    if spot.index:
        return Splice(bounds[spot.index - 1][1].end_mark.index, end)
    if len(bounds) > 1:
        return Splice(start, bounds[1][0].start_mark.index)
    comma = _COMMA.match(text, end)
    return Splice(start, comma.end() if comma else end)


def _out_of_block(text: str, spot: _Spot) -> Splice:
    start, end = _first(spot), _end(text, spot)
    own = line_start(text, start)
    before = text[own:start]
    if spot.key is None:
        before = before.removesuffix(" ").rstrip().removesuffix("-")
    if not before.strip():
        return dropped_lines(text, start, max(start, end - 1))
    entries = spot.parent.value
    if spot.index + 1 == len(entries) or spot.index:
        raise CannotKeep(line_at(text, start), "layout")
    follower = entries[1][0] if spot.parent.id == "mapping" else entries[1]
    return Splice(start, follower.start_mark.index)


def _block(value: Value, style: _Style) -> list[str]:
    """A mapping or list as lines."""
    lines: list[str] = []
    if isinstance(value, dict):
        for key, each in value.items():
            if isinstance(each, dict | list) and each:
                indent = " " * (style.dash if isinstance(each, list) else _LEVEL)
                lines += [f"{_text(key)}:", *(indent + line for line in _block(each, style))]
            else:
                lines.append(f"{_text(key)}: {_text(each)}")
        return lines
    assert isinstance(value, list), "only collections have lines"
    for each in value:
        below = _block(each, style) if isinstance(each, dict | list) and each else [_text(each)]
        lines += [f"- {below[0]}", *("  " + line for line in below[1:])]
    return lines


def _text(value: Value) -> str:
    """A scalar, or an empty collection. Texts are quoted wherever some reader could take them for
    something else: readers of YAML 1.1 and 1.2 disagree about words such as `no`."""
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return value if plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and "." not in repr(value):
        return repr(value).replace("e", ".0e")
    return json.dumps(value, ensure_ascii=False)
