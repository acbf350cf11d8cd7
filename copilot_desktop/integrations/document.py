"""A file of somebody else's: read strictly, written in one step, everything else as it was.

What counts is the file that a path leads to: a link is followed only inside the home folder, and
stays a link. A file is taken only if it is a regular one of at most 1 MiB in strict UTF-8; it keeps
its byte order mark, its line ends, its mode and its owner. Before it is replaced it is compared
with what was read: whoever wrote in between keeps what they wrote (`security-rules.md` 18).
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from copilot_desktop.atomic import folder_mode, put_in_place, unfinished, written_beside
from copilot_desktop.integrations.refusals import Unusable

LARGEST = 1024 * 1024  # bytes
BOM = b"\xef\xbb\xbf"
_OPEN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it was read. `content` is None where there is none yet.

    `path` is what the tool opens; `target` is where that leads. `text` has no byte order mark.
    """

    path: Path
    target: Path
    content: bytes | None
    mode: int = 0o600

    @property
    def text(self) -> str:
        return (self.content or b"").removeprefix(BOM).decode()

    @property
    def digest(self) -> str | None:
        return digest_of(self.content)

    def encoded(self, text: str) -> bytes:
        """`text` as bytes of this file. Raises Unusable for half characters, such as a path holds
        that is not UTF-8."""
        mark = BOM if (self.content or b"").startswith(BOM) else b""
        try:
            return mark + text.encode()
        except UnicodeEncodeError:
            raise Unusable("cannot_keep", self.path, line=1, why="layout") from None


def digest_of(content: bytes | None) -> str | None:
    """A name for bytes; None for a file that is not there."""
    return None if content is None else hashlib.sha256(content).hexdigest()


def read(path: Path, home: Path) -> Document:
    """The file at `path`, or what stands for one that is not there. Raises Unusable."""
    target = _target(path, home)
    try:
        before = target.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Document(path, target, None)
    except OSError:
        raise Unusable("denied", path) from None
    if not stat.S_ISREG(before.st_mode):  # opening a device or a pipe may already do something
        raise Unusable("special", path)
    if before.st_size > LARGEST:
        raise Unusable("too_large", path)
    try:
        with os.fdopen(os.open(target, _OPEN | _NO_FOLLOW), "rb") as file:
            opened = os.fstat(file.fileno())
            if not stat.S_ISREG(opened.st_mode):
                raise Unusable("special", path)
            content = file.read(LARGEST + 1)
    except OSError:
        raise Unusable("denied", path) from None
    if len(content) > LARGEST:
        raise Unusable("too_large", path)
    _check_text(content, path)
    return Document(path, target, content, stat.S_IMODE(opened.st_mode))


def check_writable(document: Document) -> None:
    """Raises Unusable where a person has protected the file or its folder, even if we could."""
    target = document.target
    if document.content is not None and not _open_for_writing(target):
        raise Unusable("write_protected", document.path)
    folder = target.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or not _open_for_writing(folder):
        raise Unusable("write_protected", document.path)


def write(document: Document, content: bytes) -> tuple[Path, ...]:
    """Put `content` in the place of what was read; the folders that had to be made, outer first.

    Raises Unusable: `changed_since` where the file is not as it was read, `cannot_write`.
    """
    target, made = document.target, missing_folders(document.target)
    try:
        for folder in made:
            folder.mkdir(mode=folder_mode(folder))
        _replace(document, content)
    except OSError:
        remove_folders(made)
        raise Unusable("cannot_write", document.path) from None
    except Unusable:
        remove_folders(made)
        raise
    _flush_folder(target.parent)
    return made


def remove(document: Document) -> None:
    """Delete a file that we made. Raises Unusable."""
    try:
        _check_unchanged(document)
        document.target.unlink(missing_ok=True)
    except OSError:
        raise Unusable("cannot_write", document.path) from None
    _flush_folder(document.target.parent)


def sweep(path: Path, home: Path) -> None:
    """Delete unfinished files that an end in the middle of a writing has left."""
    with suppress(OSError, Unusable):
        target = _target(path, home)
        for left in target.parent.iterdir():
            if left.name.startswith(unfinished(target)):
                left.unlink()


def remove_folders(folders: tuple[Path, ...]) -> None:
    """Those of our folders that are empty."""
    for folder in reversed(folders):
        with suppress(OSError):
            folder.rmdir()


def _target(path: Path, home: Path) -> Path:
    """Where `path` leads. Raises Unusable where a link leads out of the home folder."""
    target = Path(os.path.realpath(path))
    if target == Path(os.path.normpath(path)):
        return target  # no link on the way: a folder elsewhere was named by a variable
    if target.is_relative_to(os.path.realpath(home)):
        return target
    raise Unusable("outside", path)


def _check_text(content: bytes, path: Path) -> None:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unusable("not_text", path, line=line) from None
    if "\0" in text:
        raise Unusable("not_text", path, line=text.count("\n", 0, text.index("\0")) + 1)


def _open_for_writing(path: Path) -> bool:
    """By its mode as well: a superuser may write anywhere, even where he has forbidden it.

    Windows marks folders as read-only that look special, such as Documents; that forbids nothing.
    """
    found = path.stat()
    special = stat.S_ISDIR(found.st_mode) and hasattr(found, "st_file_attributes")
    return (special or bool(found.st_mode & 0o222)) and os.access(path, os.W_OK)


def missing_folders(target: Path) -> tuple[Path, ...]:
    """Those on the way to `target` that are not there, outer first."""
    missing = []
    folder = target.parent
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    return tuple(reversed(missing))


def _replace(document: Document, content: bytes) -> None:
    target = document.target
    with written_beside(target, content) as beside:
        if document.content is not None:
            _take_over(target, beside, document.mode)
        _check_unchanged(document)
        put_in_place(beside, target)


def _take_over(target: Path, beside: Path, mode: int) -> None:
    """Mode and owner of the file that is replaced. Raises OSError."""
    old, new = target.stat(), beside.stat()
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.chown(beside, old.st_uid, old.st_gid)
    beside.chmod(mode)


def _check_unchanged(document: Document) -> None:
    target = document.target
    try:
        regular = stat.S_ISREG(target.lstat().st_mode)
        present = target.read_bytes() if regular else b""
    except (FileNotFoundError, NotADirectoryError):
        regular, present = True, None
    if not regular or present != document.content:
        raise Unusable("changed_since", document.path)


def _flush_folder(folder: Path) -> None:
    """A name is on the disk only when its folder is. Not every system can say so."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
