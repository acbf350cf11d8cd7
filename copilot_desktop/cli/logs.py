"""`logs`: the log file in the terminal, filtered, and as it grows.

Reads the file, so it works with and without a running app, and after a crash. What is in the file
has been through the redactor. A record may have several lines (a traceback is set in below its
message); they belong together.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from copilot_desktop.cli import DONE, FAILED, complain
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core import logs, settings_file
from copilot_desktop.core.settings import Preferences

LEVELS = ("debug", "info", "warning", "error", "critical")
KEPT = 2000  # records at the start
_NONE = "There is no log yet. It would be"
_LOOK = 0.25  # seconds between two looks at the file
_HEAD = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) ([A-Z]+) ([\w.]+): (.*)")


@dataclass(slots=True)
class Record:
    """`raw` as it stands in the file; `at` in seconds since the epoch."""

    at: float
    level: str
    name: str
    message: str
    raw: str

    def add(self, line: str) -> None:
        self.message += f"\n{line}"
        self.raw += f"\n{line}"

    def to_json(self) -> str:
        told = {"at": self.at, "level": self.level, "name": self.name, "message": self.message}
        return json.dumps(told)


class Records:
    """Lines to records. `rest` is the last one, to which more lines may belong."""

    def __init__(self) -> None:
        self._last: Record | None = None

    def feed(self, line: str) -> Iterator[Record]:
        if (found := _HEAD.fullmatch(line)) is None:
            if self._last is not None:
                self._last.add(line)
            return
        yield from self.rest()
        when, thousandth, level, name, message = found.groups()
        at = time.mktime(time.strptime(when, "%Y-%m-%d %H:%M:%S")) + int(thousandth) / 1000
        self._last = Record(at, level.lower(), name, message, line)

    def rest(self) -> Iterator[Record]:
        if self._last is not None:
            yield self._last
            self._last = None


async def run(preferences: Preferences, invocation: Invocation) -> int:
    """0 when shown, 1 if there is no log. With `--follow` until it is interrupted, or until
    nobody reads."""
    path = settings_file.data_dir(preferences) / logs.FOLDER / logs.FILE_NAME
    if (reason := _why_not(path)) and not (invocation.follow and reason == _NONE):
        complain(f"{reason} {path}")
        return FAILED
    least = LEVELS.index(invocation.level)
    tail = _Tail(path)
    found = [each for each in tail.read() if LEVELS.index(each.level) >= least]
    reading = _tell(found[-KEPT:], as_json=invocation.json)
    try:
        while reading and invocation.follow:
            await asyncio.sleep(_LOOK)
            new = [each for each in tail.read() if LEVELS.index(each.level) >= least]
            reading = _tell(new, as_json=invocation.json)
    finally:
        tail.close()
    return DONE


def _why_not(path: Path) -> str:
    """Why there is nothing to be read; the path comes behind."""
    try:
        if not path.is_file():
            return _NONE
        with path.open("rb"):
            return ""
    except OSError as error:
        return f"The log cannot be read ({error.strerror}):"


def _tell(records: list[Record], *, as_json: bool) -> bool:
    """False if nobody reads any more."""
    try:
        for record in records:
            print(record.to_json() if as_json else record.raw)
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        return False
    return True


class _Tail:
    """A file that grows, and that is replaced by a new one when it is full."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._records = Records()
        self._line = ""

    def read(self) -> list[Record]:
        """What is new since the last call."""
        found = list(self._from_here())
        if self._replaced():
            self.close()
            found += self._from_here()
        return [each for each in (*found, *self._records.rest()) if each.level in LEVELS]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _from_here(self) -> Iterator[Record]:
        if self._file is None:
            with contextlib.suppress(OSError):
                self._file = self._path.open(encoding="utf-8", errors="replace", newline="\n")
        if self._file is None:
            return
        *lines, self._line = (self._line + self._file.read()).split("\n")
        for line in lines:
            yield from self._records.feed(line)

    def _replaced(self) -> bool:
        if self._file is None:
            return False
        try:
            here, there = os.fstat(self._file.fileno()), self._path.stat()
        except OSError:
            return False
        read = os.lseek(self._file.fileno(), 0, os.SEEK_CUR)  # less now: it was emptied
        return (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino) or there.st_size < read
