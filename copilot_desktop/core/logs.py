"""One log file for the owner only, the terminal where there is one, and the latest lines for views.

Every record goes through the redactor. Prompts are never logged. A full disk, a read-only folder
or a closed stderr must not stop the app or print tracebacks, so logging swallows its own errors.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections import deque
from dataclasses import dataclass
from itertools import takewhile
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from copilot_desktop.core.wakers import Wakers
from copilot_desktop.redaction import RedactingFormatter
from copilot_desktop.system.files import private_folder
from copilot_desktop.system.speaking import speaker

FOLDER = "logs"
FILE_NAME = "copilot-desktop.log"
FILE_BYTES = 1024 * 1024
KEPT_FILES = 3
KEPT_LINES = 2000
LONGEST_LINE = 8000  # characters, in memory
_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_SHORT = "%(levelname)s: %(message)s"


class _PrivateFile(RotatingFileHandler):
    """A rotating file that has mode 0600 from its first byte.

    One that cannot be moved now (somebody reads it on Windows, the folder takes nothing) grows on,
    up to what all of them may have together; the older ones stay where they are.
    """

    def doRollover(self) -> None:  # noqa: N802
        if self.stream is not None:
            self.stream.close()
            self.stream = None
        aside = f"{self.baseFilename}.0"
        try:
            os.replace(self.baseFilename, aside)  # noqa: PTH105
            try:
                super().doRollover()
            except OSError:  # one of the older ones cannot be moved
                os.replace(aside, self.baseFilename)  # noqa: PTH105
                raise
        except OSError:
            if Path(self.baseFilename).stat().st_size >= FILE_BYTES * (1 + KEPT_FILES):
                raise  # the line is lost
            self.stream = self._open()

    def rotate(self, source: str, dest: str) -> None:
        """The last step of moving them all: `source` was moved first."""
        os.replace(f"{source}.0", dest)  # noqa: PTH105

    def _open(self) -> io.TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        flags |= getattr(os, "O_NONBLOCK", 0)  # a pipe in its place is refused, not waited for
        descriptor = os.open(self.baseFilename, flags, 0o600)
        # The line ends of Windows would be a letter more to whoever reads the lines.
        return open(  # noqa: PTH123
            descriptor, "a", encoding="utf-8", errors="replace", newline="\n"
        )


class _Terminal(logging.StreamHandler[TextIO]):
    """Nobody waits for it while the app runs."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            said = speaker.say(self.format(record), self.stream)
        except Exception:  # noqa: BLE001  (as logging does: never a reason to stop)
            self.handleError(record)
            return
        if not said:
            super().emit(record)


@dataclass(frozen=True, slots=True)
class Line:
    """One record as views show it: `at` in seconds since the epoch, `text` without secrets. A
    traceback stands below its message, in the same line."""

    n: int
    at: float
    level: str
    name: str
    text: str


class LatestLines(logging.Handler):
    """The last 2,000 records of this app, in memory. Safe to write to from any thread."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(RedactingFormatter("%(message)s"))
        self._lines: deque[Line] = deque(maxlen=KEPT_LINES)
        self._count = 0
        self._wakers = Wakers()
        self.waking = self._wakers.waking  # after each line, on the thread that wrote it

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)[:LONGEST_LINE]
        except Exception:  # noqa: BLE001  (as logging does: never a reason to stop)
            self.handleError(record)
            return
        self._count += 1
        name = record.name.removeprefix("copilot_desktop.")
        line = Line(self._count, record.created, record.levelname.lower(), name, text)
        self._lines.append(line)
        self._wakers.wake()

    def since(self, first: int) -> list[Line]:
        """The lines from number `first` on, the oldest first."""
        self.acquire()
        try:
            newer = takewhile(lambda line: line.n >= first, reversed(self._lines))
            return list(newer)[::-1]
        finally:
            self.release()

    def clear(self) -> None:
        """Forget the lines; the count goes on."""
        self.acquire()
        try:
            self._lines.clear()
        finally:
            self.release()

    def open(self) -> None:
        """Listen to what is logged from now on."""
        logging.getLogger().addHandler(self)

    def close(self) -> None:
        logging.getLogger().removeHandler(self)
        super().close()


def start(data_dir: Path, level: str, *, terminal: str | None = None) -> Path | None:
    """Log to `logs/` below `data_dir` at `level`, and to stderr at level `terminal`.

    Returns the file, or None if it cannot be written. Calling it again replaces the outputs.
    """
    logging.raiseExceptions = False
    stop()
    root = logging.getLogger()
    root.setLevel(logging.WARNING)  # other libraries: only what went wrong
    ours = logging.getLogger("copilot_desktop")
    ours.setLevel(level.upper())
    if terminal is not None and sys.stderr is not None:
        _attach(_Terminal(sys.stderr), _SHORT, terminal)
    path = data_dir / FOLDER / FILE_NAME
    try:
        private_folder(path.parent)
        output = _PrivateFile(path, maxBytes=FILE_BYTES, backupCount=KEPT_FILES, delay=False)
    except OSError as error:
        ours.warning("No log file can be written: %s", error.strerror)
        return None
    _attach(output, _LINE, level)
    return path


def use_level(level: str) -> None:
    """Log at `level` from now on, the terminal excepted."""
    logging.getLogger("copilot_desktop").setLevel(level.upper())
    for output in logging.getLogger().handlers:
        if isinstance(output, _PrivateFile):
            output.setLevel(level.upper())


def stop() -> None:
    """Close what `start` opened."""
    root = logging.getLogger()
    for output in list(root.handlers):
        ours = isinstance(output.formatter, RedactingFormatter)
        if ours and not isinstance(output, LatestLines):
            root.removeHandler(output)
            output.close()


def _attach(output: logging.Handler, line: str, level: str) -> None:
    output.setFormatter(RedactingFormatter(line))
    output.setLevel(level.upper())
    logging.getLogger().addHandler(output)
