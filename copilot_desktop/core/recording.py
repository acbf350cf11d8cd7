"""What requests and answers say, kept for one hour because the user has asked for it.

Off unless started, and off again after an hour, at the end of the app and at its next start: then
everything is deleted. While it is on, each finished exchange becomes one file that only the owner
can read, with secrets taken out; in memory there is nothing but what is under way. Bounded in
number and size: what is oldest goes first.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from copilot_desktop.core import own_files
from copilot_desktop.core.tasks import Tasks
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.proxy.tape import Tape
from copilot_desktop.system.files import private_folder, read_private, write_private

log = logging.getLogger(__name__)

FOLDER = own_files.CONTENTS
LIFETIME = 3600.0  # seconds
KEPT = 500  # exchanges
_LOOK = 30.0  # seconds between two looks at the clock: it goes on while the computer sleeps
_LARGEST = 8 * 1024 * 1024  # bytes of one file

Json = dict[str, Any]


class Recorder:
    """`until` is when it ends, in seconds since the epoch, or None while nothing is recorded."""

    def __init__(
        self,
        data_dir: Path,
        tasks: Tasks,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        lifetime: float = LIFETIME,
    ) -> None:
        self.until: float | None = None
        self.on_change: Callable[[], None] = lambda: None
        self._folder = data_dir / FOLDER
        self._tasks = tasks
        self._wall = wall
        self._monotonic = monotonic
        self._over = 0.0  # when it ends by the clock that nobody sets, but that sleeps
        self._lifetime = lifetime
        self._lock = threading.Lock()  # between writing and deleting
        self._changing = asyncio.Lock()  # between starting and stopping
        self._ids: list[int] = []

    @property
    def on(self) -> bool:
        """Also false at once when the hour is over, by whichever clock is first."""
        return self._left > 0

    async def start(self) -> float:
        """Record from now on; `until` of an hour that is running stays. Raises InvalidRequest."""
        async with self._changing:  # a stop that comes now is not forgotten
            if self.on:
                assert self.until is not None
                return self.until
            await self.clear()
            try:
                await asyncio.to_thread(self._prepare)
            except OSError:
                raise InvalidRequest(f"Nothing can be kept in {self._folder}") from None
            self.until = self._wall() + self._lifetime
            self._over = self._monotonic() + self._lifetime
            self._tasks.replace(self._end_in_time(), "the end of recording")
            self.on_change()
            return self.until

    async def stop(self) -> None:
        """Record no more, and delete what there is."""
        self.until = None
        async with self._changing:
            self.until = None
            await self.clear()
            self.on_change()

    async def clear(self) -> None:
        """Delete everything that was recorded, also by a run that could not do so itself."""
        await asyncio.to_thread(self._delete)

    def tape(self) -> Tape | None:
        """For an exchange that begins now."""
        return Tape() if self.on else None

    def keep(self, exchange: Exchange, tape: Tape) -> None:
        """Write down an exchange that has ended."""
        if self.on:
            content = json.dumps(tape.to_json()).encode()
            self._tasks.start(asyncio.to_thread(self._write, exchange.id, content), "recording")

    async def read(self, number: int) -> Json | None:
        """The four sides of an exchange, or None if they were not recorded."""
        if not self.on or number not in self._ids:
            return None
        try:
            content = await asyncio.to_thread(read_private, self._path(number), _LARGEST)
            found = json.loads(content)
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    # ------------------------------------------------------------------------ inner workings

    @property
    def _left(self) -> float:
        """Seconds."""
        if self.until is None:
            return 0.0
        return min(self.until - self._wall(), self._over - self._monotonic())

    async def _end_in_time(self) -> None:
        while (left := self._left) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, _LOOK))
        if self.until is not None:
            await self.stop()

    def _prepare(self) -> None:
        if self._folder.is_symlink():
            raise OSError(errno.ELOOP, "a link", str(self._folder))
        private_folder(self._folder)

    def _write(self, number: int, content: bytes) -> None:
        with self._lock:
            if not self.on:  # stopped meanwhile: nothing may appear after the deletion
                return
            try:
                write_private(self._path(number), content)
            except OSError as error:
                log.warning("Contents cannot be recorded: %s", error.strerror)
                return
            self._ids.append(number)
            while len(self._ids) > KEPT:
                self._path(self._ids.pop(0)).unlink(missing_ok=True)

    def _delete(self) -> None:
        with self._lock:
            self._ids.clear()
            if self._folder.is_symlink() or not self._folder.exists():
                return
            if own_files.delete(self._folder.parent, FOLDER):
                log.warning("Recorded contents could not be deleted: %s", self._folder)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06}.json"
