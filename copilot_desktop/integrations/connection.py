"""Connecting a tool: look, show, write, show what an undo does, undo. The same for every tool.

Everything is derived from three things: what the tool wants (`Tool.edits`), what was written
(`records.py`) and what the files say now. All methods may block, so they are called in threads.
They raise `InvalidRequest` with a fixed sentence (`refusals.py`) and then have changed nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from copilot_desktop.integrations import finding
from copilot_desktop.integrations.carrying import BACKUPS, Carrier
from copilot_desktop.integrations.document import (
    Document,
    check_writable,
    digest_of,
    read,
)
from copilot_desktop.integrations.edits import Absent, Block, Edit, Place, Put
from copilot_desktop.integrations.entries import find_at, spoken
from copilot_desktop.integrations.planning import (
    NO_KEY,
    Change,
    check_extras,
    digest,
    firm,
    key_digest,
    points_at_us,
    port_of,
    standing,
    stands,
    to_undo,
    to_write,
)
from copilot_desktop.integrations.records import Connected, Ledger, Written
from copilot_desktop.integrations.refusals import Unusable, because, refused, shortened
from copilot_desktop.integrations.shown import FileChange, lines_of
from copilot_desktop.integrations.tool import Link, Machine, Tool

State = Literal[
    "connected", "old_port", "old_key", "changed", "overridden", "not_connected", "unreadable",
    "read_only", "by_hand", "impossible", "not_found",
]  # fmt: skip
OLD = ("old_port", "old_key")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a tool stands. `detail` holds plain values only: path, line, reason (a phrase), code,
    port, variable, at, backup, changed (places as text), stale (other models by now)."""

    state: State
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preview:
    """`count` is the number of lines that are written; `digest` stands for exactly this."""

    files: tuple[FileChange, ...]
    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class UndoPreview:
    """The places that go back to what they were, and those that stay since they were changed."""

    back: tuple[tuple[Path, str], ...]
    stay: tuple[tuple[Path, str], ...]
    digest: str


class Connection:
    """`folder` is for our own records and backups; nothing is made before the first write."""

    def __init__(
        self, machine: Machine, folder: Path, clock: Callable[[], float] = time.time
    ) -> None:
        self.machine = machine
        self.backups = folder / BACKUPS
        self._carrier = Carrier(folder, machine.home)
        self._clock = clock

    # ------------------------------------------------------------------------ looking

    def installed(self, tool: Tool) -> bool:
        return finding.installed(tool, self.machine)

    def connected(self) -> tuple[str, ...]:
        """The ids of tools that something was written for."""
        return tuple(self._carrier.ledger().tools)

    def chosen(self, tool: Tool) -> Mapping[str, str]:
        """Role → model, as last written."""
        return self._carrier.ledger().chosen.get(tool.id, {})

    def check(self, tool: Tool, link: Link) -> Standing:
        ledger = self._carrier.ledger()
        record = ledger.tools.get(tool.id)
        found = self.installed(tool)
        if tool.way != "automatic":
            return Standing(tool.way if found else "not_found")
        try:
            edits = tool.edits(self.machine, link)
            documents = self._documents(edits, record)
            self._check_read(tool, edits, documents)
            if record is not None:
                written = self._check_written(tool, link, record, documents, ledger)
                if written is not None:
                    return written
            return self._check_free(tool, link, documents, ledger, found=found)
        except Unusable as trouble:
            if record is None and not found:
                return Standing("not_found")
            return Standing(trouble.state, self._told(trouble))

    def _check_written(
        self,
        tool: Tool,
        link: Link,
        record: Connected,
        documents: Mapping[Path, Document],
        ledger: Ledger,
    ) -> Standing | None:
        """None where nothing of ours is left. Where a part of it is gone, that is a change: what is
        left may not lead here, such as a key without the address."""
        kept: list[Place] = []
        changed: list[Place] = []
        gone: list[Place] = []
        for written in record.files:
            found = standing(documents[written.path], written.entries)
            for places, more in zip((kept, changed, gone), found, strict=True):
                places += more
        if not kept and not changed:
            return None
        changed += gone
        newest = record.files[0]
        path = shortened(newest.path, self.machine.home)
        detail: dict[str, object] = {"at": record.at, "path": path, "backup": newest.backup}
        if changed:
            detail["changed"] = [spoken(place) for place in changed]
        if kept and record.address != link.address:
            return Standing("old_port", {**detail, "port": port_of(record.address)})
        as_now = _stand(tool.edits(self.machine, link), documents)
        # A file may name the place of the key, which was another one before a move.
        if kept and (record.key != key_digest(link.key) or (record.moved and not as_now)):
            return Standing("old_key", detail)
        if changed:
            return Standing("changed", detail)
        if link.models and not as_now:
            detail["stale"] = True
        if variable := self._overriding(tool, link, documents, ledger):
            return Standing("overridden", {**detail, "variable": variable})
        return Standing("connected", detail)

    def _check_free(
        self,
        tool: Tool,
        link: Link,
        documents: Mapping[Path, Document],
        ledger: Ledger,
        *,
        found: bool,
    ) -> Standing:
        edits = tool.edits(self.machine, link)
        # Without a list of models, an editor that is only a list of them would ask for nothing.
        stand = any(map(firm, edits)) and _stand(edits, documents)
        if not found and not stand:
            return Standing("not_found")
        variable = self._overriding(tool, link, documents, ledger)
        detail: dict[str, object] = {"variable": variable} if variable else {}
        if documents:
            first = next(iter(documents.values()))
            detail["path"] = shortened(first.path, self.machine.home)
        if stand:  # set up by hand, exactly as we would
            return Standing("overridden" if variable else "connected", detail)
        for document in documents.values():
            check_writable(document)
        return Standing("not_connected", detail)

    def lines(self, tool: Tool, link: Link) -> str:
        """What would stand in new files, for people who write it themselves. Holds the key."""
        edits = tool.edits(self.machine, link)
        empty = {edit.file: Document(edit.file, edit.file, None) for edit in edits}
        with self._refusing():
            changes = to_write(edits, empty, None, Ledger(), link)
        parts = [(shortened(c.document.path, self.machine.home), _text(c)) for c in changes]
        return "\n".join(f"# {path}\n{text}" for path, text in parts)

    # ------------------------------------------------------------------------ writing

    def preview(self, tool: Tool, link: Link) -> Preview:
        """What `write` would do."""
        ledger = self._carrier.ledger()
        with self._refusing():
            changes = self._planned(tool, link, ledger)
        return self._preview(changes, tool, link)

    def write(self, tool: Tool, link: Link, digest_shown: str) -> Preview:
        """Do what was shown, and nothing if it would be something else by now."""
        return self._write(tool, link, digest_shown, keep_changed=False)

    def update(self, tool: Tool, link: Link) -> Preview:
        """Bring what is still ours to the address and key of `link`. What was changed stays."""
        return self._write(tool, link, None, keep_changed=True)

    def _write(
        self, tool: Tool, link: Link, digest_shown: str | None, *, keep_changed: bool
    ) -> Preview:
        with self._refusing(), self._carrier.held() as ledger:
            changes = self._planned(tool, link, ledger, keep_changed=keep_changed)
            if digest_shown is not None and digest(changes) != digest_shown:
                raise refused("changed_since")
            preview = self._preview(changes, tool, link)
            self._carrier.carry_out(
                ledger, changes, lambda names: self._after(ledger, tool, link, changes, names)
            )
        return preview

    def _planned(
        self, tool: Tool, link: Link, ledger: Ledger, *, keep_changed: bool = False
    ) -> tuple[Change, ...]:
        if tool.way != "automatic":
            raise refused(tool.way)
        edits = tool.edits(self.machine, link)
        if not edits:
            raise refused("by_hand")
        record = ledger.tools.get(tool.id)
        documents = self._documents(edits, record)
        self._check_read(tool, edits, documents)
        changes = to_write(edits, documents, record, ledger, link, keep_changed=keep_changed)
        for change in changes:
            if change.moves:
                check_writable(change.document)
        return changes

    def _after(
        self,
        ledger: Ledger,
        tool: Tool,
        link: Link,
        changes: Sequence[Change],
        names: Mapping[Path, str],
    ) -> Ledger:
        old = ledger.tools.get(tool.id)
        former = {each.path: each for each in old.files} if old else {}
        files = tuple(
            _written(change, former.get(change.document.path), names.get(change.document.path, ""))
            for change in changes
            if change.entries
        )
        unmoved = old and not any(change.moves for change in changes)
        at = old.at if old and unmoved else self._clock()
        connected = Connected(at, link.address, key_digest(link.key), files)
        tools = {**ledger.tools, tool.id: connected}
        return replace(
            _with_origins(replace(ledger, tools=tools), changes),
            chosen={**ledger.chosen, tool.id: dict(link.chosen)},
            ports=ledger.ports | {port_of(link.address)},
            keys=ledger.keys | {key_digest(link.key)},
        )

    # ------------------------------------------------------------------------ going back

    def preview_undo(self, tool: Tool) -> UndoPreview:
        """What `undo` would do."""
        ledger = self._carrier.ledger()
        with self._refusing():
            return _undo_preview(self._planned_undo(tool, ledger))

    def undo(self, tool: Tool, digest_shown: str | None = None) -> UndoPreview:
        """Take everything back that is still ours, and forget the tool."""
        with self._refusing(), self._carrier.held() as ledger:
            changes = self._planned_undo(tool, ledger)
            preview = _undo_preview(changes)
            if digest_shown is not None and preview.digest != digest_shown:
                raise refused("changed_since")
            after = _with_origins(ledger.without(tool.id), changes)
            self._carrier.carry_out(ledger, changes, lambda _names: after)
        return preview

    def leave(self, tool: Tool) -> None:
        """Forget what was written; the files stay as they are."""
        with self._carrier.held() as ledger:
            if tool.id in ledger.tools:
                self._carrier.keep(_with_origins(ledger.without(tool.id), ()))

    def _planned_undo(self, tool: Tool, ledger: Ledger) -> tuple[Change, ...]:
        record = ledger.tools.get(tool.id)
        if record is None:
            raise refused("not_written")
        documents = self._documents((), record)
        contents = self._carrier.backups.content
        changes = to_undo(record, documents, ledger.without(tool.id), contents)
        for change in changes:
            if change.moves:
                check_writable(change.document)
        return changes

    # ------------------------------------------------------------------------ inner workings

    def _documents(self, edits: Iterable[Edit], record: Connected | None) -> dict[Path, Document]:
        """Every file that has to do with it, in the order of the edits. Raises Unusable."""
        paths = [edit.file for edit in edits] + [w.path for w in (record.files if record else ())]
        return {path: read(path, self.machine.home) for path in dict.fromkeys(paths)}

    def _check_read(
        self, tool: Tool, edits: Iterable[Edit], documents: Mapping[Path, Document]
    ) -> None:
        """Raises Unusable where the tool would not read its file, or one of the user's any more."""
        for path in dict.fromkeys(edit.file for edit in edits if _is_json(edit)):
            check_extras(documents[path], tool.rejects)
        if (hidden := tool.hides(self.machine)) is not None:
            raise Unusable("unreadable", hidden, line=1, why="hidden")

    def _overriding(
        self, tool: Tool, link: Link, documents: Mapping[Path, Document], ledger: Ledger
    ) -> str:
        """A variable that wins over the file and leads elsewhere."""
        ours = points_at_us(ledger, link)
        edits = tool.edits(self.machine, link)
        models = {*link.chosen.values(), *_models(edits, link)}
        for name in tool.overrides:
            for value in (self.machine.env.get(name, ""), *_variables(name, edits, documents)):
                off = value.lower() in {"", "0", "false", "no", "off"}
                if not off and not ours(value) and value not in models:
                    return name
        return ""

    def _preview(self, changes: Sequence[Change], tool: Tool, link: Link) -> Preview:
        secrets = _secrets(tool.edits(self.machine, link), link, changes)
        backups = self._carrier.backups
        files = tuple(
            FileChange(
                path=change.document.path,
                new=change.document.content is None,
                backup=backups.next_name(change.document.path) if change.document.content else "",
                lines=lines_of(change.document.text, _text(change), secrets),
            )
            for change in changes
            if change.moves
        )
        count = sum(1 for file in files for sign, _ in file.lines if sign == "+")
        return Preview(files, count, digest(changes))

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except Unusable as trouble:
            path = shortened(trouble.path, self.machine.home)
            raise refused(trouble.reason, path=path, line=trouble.line, why=trouble.why) from None

    def _told(self, trouble: Unusable) -> dict[str, object]:
        path = shortened(trouble.path, self.machine.home)
        told: dict[str, object] = {
            "path": path,
            "reason": because(trouble),
            "code": trouble.why or trouble.reason,
        }
        return {**told, "line": trouble.line} if trouble.line else told


def _is_json(edit: Edit) -> bool:
    return isinstance(edit, Put) and edit.format == "json"


def _models(edits: Iterable[Edit], link: Link) -> Iterator[str]:
    """The chosen models as the tool writes them, such as `openai/gpt-5`."""
    ends = tuple(f"/{model}" for model in link.chosen.values())
    for edit in edits:
        if isinstance(edit, Put) and isinstance(edit.value, str) and edit.value.endswith(ends):
            yield edit.value


def _variables(
    name: str, edits: Iterable[Edit], documents: Mapping[Path, Document]
) -> Iterator[str]:
    """What a variable is given by files that give variables to their tool."""
    for file in {e.file for e in edits if isinstance(e, Put) and e.place[:-1] == ("env",)}:
        found = find_at(documents[file].text, "json", ("env", name))
        if isinstance(found, str):
            yield found


def _stand(edits: Sequence[Edit], documents: Mapping[Path, Document]) -> bool:
    """Whether writing would change nothing."""
    return all(stands(documents[edit.file], edit) for edit in edits)


def _written(change: Change, old: Written | None, backup: str) -> Written:
    original = change.original
    if original and original.digest and not original.backup:
        original = replace(original, backup=backup) if backup else None
    shown = backup or (old.backup if old else "")
    return Written(change.document.path, change.entries, digest_of(change.content), original, shown)


def _with_origins(ledger: Ledger, changes: Sequence[Change]) -> Ledger:
    """With what is of our making in each file; files that no tool uses are forgotten. A folder of
    ours that others of our files are in goes with the last of them."""
    used = {written.path for tool in ledger.tools.values() for written in tool.files}
    origins = {**ledger.origins, **{c.document.path: c.origin for c in changes}}
    left = {path: each for path, each in origins.items() if path in used}
    handed = {f for path, each in origins.items() if path not in used for f in each.folders}
    for path, each in left.items():
        folders = {*each.folders, *(folder for folder in handed if path.is_relative_to(folder))}
        outer_first = tuple(sorted(folders, key=lambda folder: len(folder.parts)))
        left[path] = replace(each, folders=outer_first)
    return replace(ledger, origins=left)


def _undo_preview(changes: Sequence[Change]) -> UndoPreview:
    back = tuple((c.document.path, spoken(place)) for c in changes for place in c.back)
    stay = tuple((c.document.path, spoken(place)) for c in changes for place in c.stay)
    return UndoPreview(back, stay, digest(changes))


def _text(change: Change) -> str:
    return replace(change.document, content=change.content).text


def _secrets(edits: Sequence[Edit], link: Link, changes: Sequence[Change]) -> set[str]:
    """What is written masked, and what stood in its place."""
    found = {link.key}
    for edit in edits:
        if isinstance(edit, Block):
            found |= set(edit.secrets)
            continue
        found |= edit.secrets(edit.value)
        for change in changes:
            if change.document.path == edit.file:
                present = find_at(change.document.text, edit.format, edit.place)
                found |= edit.secrets(present) if not isinstance(present, Absent) else set()
    return found - {NO_KEY, ""}
