"""What would change: from edits, records and files as they were read to their new bytes. Pure.

A value that stands already is left as it is, so a second writing changes nothing. Values that were
written earlier and are wanted no more are taken back in the same go. What goes back, goes value by
value; only where nobody has touched a file since are the very bytes of before brought back.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from copilot_desktop.integrations.document import BOM, Document, digest_of, missing_folders
from copilot_desktop.integrations.edits import (
    ABSENT,
    Absent,
    Edit,
    Extra,
    Format,
    Item,
    Place,
    Put,
    Value,
)
from copilot_desktop.integrations.entries import (
    Entry,
    Ours,
    apply,
    blamed,
    differences,
    entry_for,
    find,
    find_at,
    matches,
    missing_parents,
    same,
    stale,
    still_there,
    tree_of,
    undo,
    value_of,
    with_changes,
)
from copilot_desktop.integrations.records import Connected, Ledger, Origin, Original, Written
from copilot_desktop.integrations.refusals import Unusable
from copilot_desktop.integrations.tool import Link
from copilot_desktop.redaction import LOCAL_KEY

NO_KEY = "copilot-desktop"  # stands where tools want some key and the proxy asks for none
_LOOPBACK = {"localhost", "0.0.0.0"}  # noqa: S104  (a name that people write for this computer)


@dataclass(frozen=True, slots=True)
class Change:
    """One file: as it was read, as it shall be (`content` None: not there), and what to remember.

    `back` and `stay` are the places of an undo.
    """

    document: Document
    content: bytes | None
    entries: tuple[Entry, ...] = ()
    origin: Origin = field(default_factory=Origin)
    original: Original | None = None  # its backup is named when it is made
    back: tuple[Place, ...] = ()
    stay: tuple[Place, ...] = ()

    @property
    def moves(self) -> bool:
        return self.content != self.document.content


Contents = Callable[[str], bytes | None]  # of a backup, by its name


def key_digest(key: str) -> str:
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def port_of(address: str) -> int:
    return urlsplit(address).port or 80


def points_at_us(ledger: Ledger, link: Link | None) -> Ours:
    """Whether a value is an address of this app, or a key that it has given."""
    ports = ledger.ports | ({port_of(link.address)} if link else set())
    keys = ledger.keys | {key_digest(NO_KEY)} | ({key_digest(link.key)} if link else set())

    def ours(value: Value) -> bool:
        if isinstance(value, Mapping):
            return any(ours(each) for each in value.values())
        if isinstance(value, str):
            known = key_digest(value) in keys or LOCAL_KEY.fullmatch(value) is not None
            return known or _loopback_port(value) in ports
        return isinstance(value, Sequence) and any(ours(each) for each in value)

    return ours


def digest(changes: Iterable[Change]) -> str:
    """A name for exactly these changes of exactly these files."""
    parts = [[str(c.document.path), c.document.digest, digest_of(c.content)] for c in changes]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def to_write(
    edits: Sequence[Edit],
    documents: Mapping[Path, Document],
    record: Connected | None,
    ledger: Ledger,
    link: Link,
    *,
    keep_changed: bool = False,
) -> tuple[Change, ...]:
    """One change for each file. Raises Unusable. `keep_changed`: values of ours that a person has
    changed since stay as they are."""
    ours = points_at_us(ledger, link)
    known = {each.path: each for each in record.files} if record else {}
    changes = []
    for path, document in documents.items():
        here = tuple(edit for edit in edits if edit.file == path)
        origin = ledger.origins.get(path, Origin())
        if here:
            old = known.get(path)
            change = _written(document, here, old, origin, ours, keep_changed=keep_changed)
        else:  # a file that the tool needs no more
            old = replace(known[path], original=None)
            change = _taken_back(document, old, origin, _nothing, shared=_shared(ledger, path, 1))
        changes.append(change)
    return tuple(changes)


def to_undo(
    record: Connected,
    documents: Mapping[Path, Document],
    ledger: Ledger,
    contents: Contents,
) -> tuple[Change, ...]:
    """One change for each file of `record`. `ledger` is the one without it. Raises Unusable."""
    return tuple(
        _taken_back(
            documents[written.path],
            written,
            ledger.origins.get(written.path, Origin()),
            contents,
            shared=_shared(ledger, written.path, 0),
        )
        for written in record.files
    )


def _nothing(_name: str) -> None:
    return None


def _shared(ledger: Ledger, path: Path, own: int) -> bool:
    """Whether more tools than our `own` have something in this file."""
    users = [tool for tool in ledger.tools.values() if any(w.path == path for w in tool.files)]
    return len(users) > own


def _written(
    document: Document,
    edits: tuple[Edit, ...],
    written: Written | None,
    origin: Origin,
    ours: Ours,
    *,
    keep_changed: bool,
) -> Change:
    known = {entry.mark: entry for entry in written.entries} if written else {}
    edited = {_mark(edit): edit for edit in edits}
    text, made = document.text, origin.made
    suppressed: list[Value] = []

    def noting(value: Value) -> bool:
        if found := ours(value):
            suppressed.append(value)
        return found

    with blamed(document.path):
        before = {mark: find(text, entry) for mark, entry in known.items()}
        text = _cleared(text, known, edited, made)
        entries: list[Entry] = []
        for mark, edit in edited.items():
            of, place = _where(edit)
            parents = frozenset(missing_parents(text, of, place))
            old, found = known.get(mark), before.get(mark, ABSENT)
            new, entry = _applied(text, edit, old, found, noting, keep_changed=keep_changed)
            entries += [entry] if entry else []
            made, text = (made | parents if new != text else made), new
        made = _left(text, _format_of(entries), made)
    content = document.content if text == document.text else document.encoded(text)
    origin = Origin(
        new=origin.new or document.content is None,
        folders=tuple(dict.fromkeys((*origin.folders, *missing_folders(document.target)))),
        made=made,
    )
    original = _original(document, written, clean=not suppressed)
    return Change(document, content, tuple(entries), origin, original)


def _cleared(
    text: str,
    known: Mapping[tuple[object, ...], Entry],
    edited: Mapping[tuple[object, ...], Edit],
    made: frozenset[Place],
) -> str:
    """Without what was written earlier and is wanted no more."""
    for mark, entry in reversed(tuple(known.items())):
        if mark not in edited:
            text = undo(text, entry, made).text
        else:
            for leaf in stale(entry, value_of(edited[mark])):
                text = undo(text, leaf, frozenset()).text
    return text


def _applied(
    text: str,
    edit: Edit,
    old: Entry | None,
    found: Value | Absent,
    ours: Ours,
    *,
    keep_changed: bool,
) -> tuple[str, Entry | None]:
    """The text with an edit made, and what to remember of it. `found` stood there before anything
    was taken back."""
    of, place = _where(edit)
    present = find_at(text, of, place)
    if old and isinstance(found, Absent) and keep_changed:
        return text, old
    if old and not isinstance(found, Absent) and (keep_changed or old.gently):
        value, tree = with_changes(found, value_of(edit), old.written)
        entry = entry_for(edit, present, old, ours, keep=True)
        return apply(text, of, place, value), replace(entry, written=tree)
    if _gently(edit) and not isinstance(present, Absent):
        return text, None
    return apply(text, of, place, value_of(edit)), entry_for(edit, present, old, ours)


def _original(document: Document, written: Written | None, *, clean: bool) -> Original | None:
    """The bytes of before, as long as nobody else has written between our own writings."""
    if written is not None:
        return written.original if written.after == document.digest else None
    return Original(document.digest, "") if clean else None


def _taken_back(
    document: Document, written: Written, origin: Origin, contents: Contents, *, shared: bool
) -> Change:
    places = tuple(entry.place for entry in written.entries)
    if document.content is None:
        return Change(document, None)
    if written.original and written.after == document.digest:
        before = contents(written.original.backup) if written.original.digest else None
        if digest_of(before) == written.original.digest:
            origin = replace(origin, made=_made_in(document, before, written, origin))
            return Change(document, before, origin=origin, back=places)
    text = document.text
    back: tuple[Place, ...] = ()
    stay: tuple[Place, ...] = ()
    with blamed(document.path):
        for entry in reversed(written.entries):
            done = undo(text, entry, origin.made)
            text, back, stay = done.text, back + done.back, stay + done.stay
        if not _is_empty(text) or not origin.new:
            text = _with_lists(text, document.text, written.entries)
        made = _left(text, _format_of(written.entries), origin.made)
    content: bytes | None = document.encoded(text) if text != document.text else document.content
    if origin.new and not shared and _is_empty(text):
        content = None
    return Change(document, content, (), replace(origin, made=made), None, back, stay)


def _with_lists(text: str, before: str, entries: Iterable[Entry]) -> str:
    """YAML writes a list that has lost its last entry as nothing at all, which readers take for
    something else: llm fails on such a file, and Continue on `models:` with nothing behind."""
    from copilot_desktop.integrations.formats import text as formats  # noqa: PLC0415  (parsers)

    for entry in entries:
        above = entry.place[:-1]
        if entry.format != "yaml" or not isinstance(entry.place[-1], Item):
            continue
        if above and find_at(text, "yaml", above) is None:
            with suppress(formats.CannotKeep):
                text = formats.put("yaml", text, above, [])
        elif not above and not isinstance(formats.read("yaml", text), list):
            newline = "\r\n" if "\r\n" in before else "\n"
            text += "" if not text or text.endswith("\n") else newline
            text += f"[]{newline}"
    return text


def _made_in(
    document: Document, before: bytes | None, written: Written, origin: Origin
) -> frozenset[Place]:
    if before is None:
        return frozenset()
    text = replace(document, content=before).text
    with blamed(document.path):
        return _left(text, _format_of(written.entries), origin.made)


def _format_of(entries: Iterable[Entry]) -> Format | None:
    return next((entry.format for entry in entries if entry.format is not None), None)


def _left(text: str, of: Format | None, made: frozenset[Place]) -> frozenset[Place]:
    """Those of our parents that are (still) there."""
    return still_there(text, of, made) if of and made else made


def _is_empty(text: str) -> bool:
    return "".join(text.split()) in {"", "{}", "[]", "---"}


def _mark(edit: Edit) -> tuple[object, ...]:
    of, place = _where(edit)
    return (of is None, *place)


def _where(edit: Edit) -> tuple[Format | None, Place]:
    return (edit.format, edit.place) if isinstance(edit, Put) else (None, (edit.name,))


def _loopback_port(text: str) -> int | None:
    """The port of an address on this computer; None for any other text."""
    if not text.startswith(("http://", "https://", "ws://")):
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if host in _LOOPBACK:
        return port
    try:
        return port if ipaddress.ip_address(host).is_loopback else None
    except ValueError:
        return None


def standing(
    document: Document, entries: Iterable[Entry]
) -> tuple[list[Place], list[Place], list[Place]]:
    """Where our values stand as we wrote them, where a person has put something else, and where
    they are gone or again as they were before."""
    kept: list[Place] = []
    changed: list[Place] = []
    gone: list[Place] = []
    with blamed(document.path):
        for entry in entries:
            present = find(document.text, entry)
            if entry.gently:
                continue
            if matches(present, entry.written):
                kept.append(entry.place)
            elif isinstance(present, Absent) or same(present, entry.former):
                gone.append(entry.place)
            else:
                changed += differences(present, entry.written, entry.place)
    return kept, changed, gone


def check_extras(document: Document, rejected: Collection[Extra]) -> None:
    """Raises Unusable where a JSON file holds what its tool does not take."""
    if "mark" in rejected and (document.content or b"").startswith(BOM):
        why = "byte_order_mark"
        raise Unusable("unreadable", document.path, line=1, why=why)
    if rejected:
        from copilot_desktop.integrations.formats import json_text  # noqa: PLC0415  (parsers)

        with blamed(document.path):
            json_text.check(document.text, rejected)


def stands(document: Document, edit: Edit) -> bool:
    """Whether an edit would change nothing."""
    of, place = _where(edit)
    with blamed(document.path):
        present = find_at(document.text, of, place)
    if _gently(edit) and not isinstance(present, Absent):
        return True
    return matches(present, tree_of(value_of(edit)))


def firm(edit: Edit) -> bool:
    """Whether it has to stand as it is; a gentle one is content with anything."""
    return not _gently(edit)


def _gently(edit: Edit) -> bool:
    return isinstance(edit, Put) and edit.gently
