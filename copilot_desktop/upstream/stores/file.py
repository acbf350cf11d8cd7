"""A file that only its owner can read: the fallback where there is no keyring.

The content goes into a new file that has mode 0600 before it has content, and is then moved over
the old one; the final path is never opened for writing. Links, pipes and directories in its place
are refused. Used after the user agreed, or headless.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from copilot_desktop.atomic import folder_mode, put_in_place, unfinished
from copilot_desktop.errors import StorageFailed
from copilot_desktop.upstream.stores import StoredAccount, from_text, storage_failed, to_text
from copilot_desktop.upstream.stores.worker import Worker

LIMIT = 5.0  # seconds for one call, on a disk that may be a network
_LARGEST = 65_536  # bytes; a sign-in has 200
# Not every system has all of these; one that lacks them has no such danger either.
_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _SAFE
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE

T = TypeVar("T")


class FileStore:
    """`protect` restricts a new, still empty file further where modes mean nothing (Windows)."""

    name = "file"
    read_only = False

    def __init__(
        self,
        path: Path,
        *,
        host: str = "github.com",
        protect: Callable[[Path], None] | None = None,
        limit: float = LIMIT,
    ) -> None:
        self.where = str(path)
        self._path = path
        self._host = host
        self._protect = protect
        self._worker = Worker(limit)

    def why_not(self) -> str | None:
        parent = next((one for one in self._path.parents if one.exists()), self._path.parent)
        if not os.access(parent, os.W_OK | os.X_OK):
            return f"{parent} cannot be written to."
        return None

    async def load(self) -> StoredAccount | None:
        text = await self._call(self._read)
        return None if text is None else from_text(text, host=self._host)

    async def save(self, account: StoredAccount) -> None:
        text = to_text(account)

        def write() -> str | None:
            self._write(text.encode())
            return self._read()

        if await self._call(write) != text:
            raise storage_failed(self.where, "What was read back is not what was stored.")

    async def delete(self) -> None:
        await self._call(self._remove)

    async def _call(self, action: Callable[[], T]) -> T:
        try:
            return await self._worker.run(action)
        except TimeoutError:
            reason = f"The disk did not answer within {self._worker.limit:g} seconds."
            raise storage_failed(self.where, reason) from None
        except StorageFailed:
            raise
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else type(error).__name__
            raise storage_failed(self.where, f"{reason}.") from None

    def _read(self) -> str | None:
        self._refuse_odd()
        try:
            descriptor = os.open(self._path, _READ)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise storage_failed(self.where, "It is not a regular file.")
            if stat.S_IMODE(found.st_mode) & 0o077 and hasattr(os, "fchmod"):
                # Not by path: that may be another file by now. A read-only disk stays as it is, and
                # on Windows modes mean nothing: there it is refused for a file open for reading.
                with contextlib.suppress(OSError):
                    os.fchmod(descriptor, 0o600)
            return file.read(_LARGEST).decode("utf-8", "replace")

    def _write(self, content: bytes) -> None:
        folder = self._path.parent
        folder.mkdir(mode=folder_mode(folder), parents=True, exist_ok=True)
        self._tighten(folder)
        self._refuse_odd()
        new = folder / f"{unfinished(self._path)}{secrets.token_hex(8)}"
        try:
            with os.fdopen(os.open(new, _CREATE, 0o600), "wb") as file:
                if self._protect is not None:
                    self._protect(new)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            put_in_place(new, self._path)
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
            raise

    def _remove(self) -> None:
        self._refuse_odd()
        self._path.unlink(missing_ok=True)
        for left_over in self._path.parent.glob(f"{unfinished(self._path)}*"):
            left_over.unlink(missing_ok=True)

    def _refuse_odd(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(self._path.lstat().st_mode):
                raise storage_failed(self.where, "It is not a regular file.")

    def _tighten(self, folder: Path) -> None:
        """Close the folder to others, unless it is a shared one such as /tmp or not ours."""
        found = folder.stat()
        ours = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
        if ours and not found.st_mode & stat.S_ISVTX and stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)
