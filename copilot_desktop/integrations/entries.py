"""One value of ours in one text: whether it still stands, what stood there before, the way back.

What was written is remembered as digests, leaf by leaf, so that the records need no copy of a key.
A mapping counts as ours as far as its leaves do: what a person adds beside them is theirs, stays,
and changes nothing; what they change of ours is theirs from then on. All functions are pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from copilot_desktop.integrations.edits import (
    ABSENT,
    Absent,
    Edit,
    Format,
    Item,
    Place,
    Put,
    Value,
)
from copilot_desktop.integrations.refusals import Unusable

Tree = str | Mapping[str, "Tree"]  # digests in the shape of the value
Ours = Callable[[Value], bool]  # whether a value points at this app


@dataclass(frozen=True, slots=True)
class Entry:
    """A value that we have written. `format` None: a block of lines, whose name is the place.

    `former` is what stood there before, as far as we have replaced it. `gently`: nobody is told
    if a person changes it.
    """

    place: Place
    format: Format | None
    former: Value | Absent
    written: Tree
    gently: bool = False

    @property
    def mark(self) -> tuple[object, ...]:
        """What tells entries of one file apart."""
        return (self.format is None, *self.place)


@dataclass(frozen=True, slots=True)
class Undone:
    """A text after an entry was taken back: `back` is where it was, `stay` where it was not."""

    text: str
    back: tuple[Place, ...] = ()
    stay: tuple[Place, ...] = ()


def spoken(place: Place) -> str:
    """A place as people read it: `models[name=gpt-5].api_url`."""
    words = ""
    for step in place:
        if isinstance(step, Item):
            words += f"[{step.key}={step.value}]"
        else:
            words += f".{step}" if words else step
    return words


def tree_of(value: Value) -> Tree:
    if isinstance(value, Mapping) and value:
        return {key: tree_of(each) for key, each in value.items()}
    return hashlib.sha256(_canonical(value).encode()).hexdigest()


def differences(present: Value | Absent, tree: Tree | None, place: Place = ()) -> Iterator[Place]:
    """Where `present` is not what was written."""
    if isinstance(present, Absent) or tree is None:
        yield place
    elif isinstance(tree, str):
        if tree_of(present) != tree:
            yield place
    elif not isinstance(present, Mapping):
        yield place
    else:
        for key, below in tree.items():
            yield from differences(present.get(key, ABSENT), below, (*place, key))


def matches(present: Value | Absent, tree: Tree | None) -> bool:
    return not any(True for _ in differences(present, tree))


def same(one: Value | Absent, other: Value | Absent) -> bool:
    if isinstance(one, Absent) or isinstance(other, Absent):
        return one is other
    return _canonical(one) == _canonical(other)


def value_of(edit: Edit) -> Value:
    return edit.value if isinstance(edit, Put) else edit.lines


def entry_for(
    edit: Edit, present: Value | Absent, old: Entry | None, ours: Ours, *, keep: bool = False
) -> Entry:
    """What to remember of an edit that is made where `present` stands. `keep`: what a person has
    changed is not written over, so what was there before it still counts."""
    value = value_of(edit)
    tree, before = (old.written, old.former) if old else (None, ABSENT)
    former = _former(present, value, tree, before, ours, keep=keep)
    if isinstance(edit, Put):
        return Entry(edit.place, edit.format, former, tree_of(value), edit.gently)
    return Entry((edit.name,), None, former, tree_of(value))


def with_changes(present: Value, value: Value, tree: Tree) -> tuple[Value, Tree]:
    """`value` and its tree, but what a person has changed of ours stays as it is, and changed."""
    if not (
        isinstance(tree, Mapping) and isinstance(value, Mapping) and isinstance(present, Mapping)
    ):
        return (value, tree_of(value)) if matches(present, tree) else (present, tree)
    values: dict[str, Value] = {}
    trees: dict[str, Tree] = {}
    for key, each in value.items():
        if key not in tree:
            values[key], trees[key] = each, tree_of(each)
        elif key in present:
            values[key], trees[key] = with_changes(present[key], each, tree[key])
        else:  # taken out by a person
            trees[key] = tree[key]
    return values, trees


def _former(
    present: Value | Absent,
    value: Value,
    tree: Tree | None,
    before: Value | Absent,
    ours: Ours,
    *,
    keep: bool,
) -> Value | Absent:
    """What stood there before us: `before` as far as our own writing still stands, else `present`.
    What points at this app counts as nothing: going back to it would help nobody."""
    if isinstance(present, Absent):
        return ABSENT
    if isinstance(value, Mapping) and isinstance(present, Mapping):
        found: dict[str, Value] = {}
        for key in value.keys() & present.keys():
            below = tree.get(key) if isinstance(tree, Mapping) else None
            under = before.get(key, ABSENT) if isinstance(before, Mapping) else ABSENT
            kept = _former(present[key], value[key], below, under, ours, keep=keep)
            if not isinstance(kept, Absent):
                found[key] = kept
        if found:
            return found
        if tree is not None:
            return {} if isinstance(before, Mapping) else before
        foreign = present.keys() - value.keys()
        return ABSENT if present and not foreign else {}
    if tree is not None and (keep or matches(present, tree)):
        return before
    return ABSENT if ours(present) else present


# ------------------------------------------------------------------------ in a text


def find(text: str, entry: Entry) -> Value | Absent:
    return find_at(text, entry.format, entry.place)


def find_at(text: str, of: Format | None, place: Place) -> Value | Absent:
    """Raises the errors of the formats; see `blamed`."""
    if of is None:
        from copilot_desktop.integrations.formats import block_text  # noqa: PLC0415

        return block_text.find_block(text, str(place[0]))
    from copilot_desktop.integrations.formats import text as formats  # noqa: PLC0415  (parsers)

    return formats.find(of, text, place)


def apply(text: str, of: Format | None, place: Place, value: Value) -> str:
    """`text` with `value` at `place`. A mapping that is there keeps what else it holds."""
    present = find_at(text, of, place)
    if same(present, value):
        return text
    if isinstance(present, Mapping) and isinstance(value, Mapping) and value:
        for key, each in value.items():
            text = apply(text, of, (*place, key), each)
        return text
    if of is None:
        from copilot_desktop.integrations.formats import block_text  # noqa: PLC0415

        assert isinstance(value, tuple | list)
        return block_text.put_block(text, str(place[0]), tuple(str(line) for line in value))
    from copilot_desktop.integrations.formats import text as formats  # noqa: PLC0415

    return formats.put(of, text, place, value)


def missing_parents(text: str, of: Format | None, place: Place) -> tuple[Place, ...]:
    """The mappings and lists that have to be made on the way to `place`; none for a block."""
    if of is None:
        return ()
    from copilot_desktop.integrations.formats import text as formats  # noqa: PLC0415

    return formats.missing(of, text, place)


def undo(text: str, entry: Entry, made: frozenset[Place]) -> Undone:
    """Take back what is still ours. `made`: the parents in this file that we have made."""
    present = find(text, entry)
    if isinstance(present, Absent) or same(present, entry.former):
        return Undone(text)
    if isinstance(present, Mapping) and isinstance(entry.written, Mapping):
        whole = not isinstance(entry.former, Mapping) and not _foreign(present, entry.written)
        if not (whole and matches(present, entry.written)):
            return _undo_leaves(text, entry, made)
    if not matches(present, entry.written):
        return Undone(text, stay=() if entry.gently else (entry.place,))
    return Undone(_restored(text, entry, made), back=(entry.place,))


def stale(entry: Entry, value: Value, place: Place = ()) -> Iterator[Entry]:
    """The leaves of `entry` that a new `value` in its place has no more."""
    for key, below in entry.written.items() if isinstance(entry.written, Mapping) else ():
        former = entry.former.get(key, ABSENT) if isinstance(entry.former, Mapping) else ABSENT
        leaf = Entry((*(place or entry.place), key), entry.format, former, below)
        if isinstance(value, Mapping) and key in value:
            yield from stale(leaf, value[key])
        elif isinstance(value, Mapping):
            yield leaf


def still_there(text: str, of: Format, places: frozenset[Place]) -> frozenset[Place]:
    return frozenset(p for p in places if not isinstance(find_at(text, of, p), Absent))


@contextmanager
def blamed(path: Path) -> Iterator[None]:
    """Errors of the formats as `Unusable`."""
    from copilot_desktop.integrations.formats.text import (  # noqa: PLC0415
        CannotKeep,
        Unreadable,
    )

    try:
        yield
    except Unreadable as error:
        raise Unusable("unreadable", path, line=error.line, why=error.reason) from None
    except CannotKeep as error:
        raise Unusable("cannot_keep", path, line=error.line, why=error.reason) from None


def _undo_leaves(text: str, entry: Entry, made: frozenset[Place]) -> Undone:
    assert isinstance(entry.written, Mapping)
    name = entry.place[-1].key if isinstance(entry.place[-1], Item) else None
    back: tuple[Place, ...] = ()
    stay: tuple[Place, ...] = ()
    for key, below in reversed(tuple(entry.written.items())):
        if key == name:
            continue  # without it the item could not be found
        former = entry.former.get(key, ABSENT) if isinstance(entry.former, Mapping) else ABSENT
        leaf = Entry((*entry.place, key), entry.format, former, below)
        done = undo(text, leaf, frozenset())
        text, back, stay = done.text, back + done.back, stay + done.stay
    rest = find(text, entry)
    if isinstance(entry.former, Absent) and isinstance(rest, Mapping) and not rest.keys() - {name}:
        text = _restored(text, entry, made)
    return Undone(text, back, stay)


def _restored(text: str, entry: Entry, made: frozenset[Place]) -> str:
    if not isinstance(entry.former, Absent):
        return apply(text, entry.format, entry.place, entry.former)
    if entry.format is None:
        from copilot_desktop.integrations.formats import block_text  # noqa: PLC0415

        return block_text.drop_block(text, str(entry.place[0]))
    from copilot_desktop.integrations.formats import text as formats  # noqa: PLC0415

    return formats.drop(entry.format, text, entry.place, made=_ours_above(entry.place, made))


def _ours_above(place: Place, made: frozenset[Place]) -> int:
    """How many parents of `place`, from the nearest one up, are of our making."""
    count = 0
    for length in range(len(place) - 1, -1, -1):
        if place[:length] not in made:
            break
        count += 1
    return count


def _foreign(present: Value, tree: Tree) -> bool:
    """Whether there is more than we have written."""
    if not (isinstance(present, Mapping) and isinstance(tree, Mapping)):
        return False
    return bool(present.keys() - tree.keys()) or any(
        _foreign(present[key], below) for key, below in tree.items() if key in present
    )


def _canonical(value: Value) -> str:
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=True, default=str)


def _plain(value: Value) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value
