"""A document of JSON with one value of another type, for each kind of place in it."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

Way = tuple[Any, ...]
JUNK: tuple[Any, ...] = (None, True, 7, "x", [], {}, [7], {"type": 7})
_SHORT = 3


def twists(
    document: Any, dice: random.Random, number: int, seen: set[object], where: object = None
) -> Iterator[Any]:
    """`number` of them for each kind of place that was not `seen` before in `where`."""
    for path, kind in values(document):
        if (where, kind) not in seen:
            seen.add((where, kind))
            for value in dice.sample(JUNK, number):
                yield put(document, path, value)


def values(found: Any, path: Way = (), kind: Way = ()) -> Iterator[tuple[Way, Way]]:
    """The way to every value, and what kind of place it leads to."""
    yield path, kind
    if isinstance(found, dict):
        for key, each in found.items():
            yield from values(each, (*path, key), (*kind, str(found.get("type")), key))
    elif isinstance(found, list):
        for number, each in enumerate(found):
            of_its_own = len(found) <= _SHORT and not isinstance(each, dict)
            inner = (*kind, number) if of_its_own else kind  # a pair has two kinds of places
            yield from values(each, (*path, number), inner)


def put(found: Any, path: Way, value: Any) -> Any:
    """`found` with `value` at the end of `path`."""
    if not path:
        return value
    changed = copy.copy(found)
    changed[path[0]] = put(found[path[0]], path[1:], value)
    return changed
