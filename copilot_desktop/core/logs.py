"""One log file for the owner only, and the terminal where there is one.

Every record goes through the redactor. Prompts are never logged. A full disk, a read-only folder
or a closed stderr must not stop the app or print tracebacks, so logging swallows its own errors.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from copilot_desktop.redaction import RedactingFormatter
from copilot_desktop.system.files import private_folder

FOLDER = "logs"
FILE_NAME = "copilot-desktop.log"
FILE_BYTES = 1024 * 1024
KEPT_FILES = 3
_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_SHORT = "%(levelname)s: %(message)s"


class _PrivateFile(RotatingFileHandler):
    """A rotating file that has mode 0600 from its first byte."""

    def _open(self) -> io.TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self.baseFilename, flags, 0o600)
        return open(descriptor, "a", encoding="utf-8")  # noqa: PTH123


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
        _attach(logging.StreamHandler(sys.stderr), _SHORT, terminal)
    path = data_dir / FOLDER / FILE_NAME
    try:
        private_folder(path.parent)
        output = _PrivateFile(path, maxBytes=FILE_BYTES, backupCount=KEPT_FILES, delay=False)
    except OSError as error:
        ours.warning("No log file can be written: %s", error.strerror)
        return None
    _attach(output, _LINE, level)
    return path


def stop() -> None:
    """Close what `start` opened."""
    root = logging.getLogger()
    for output in list(root.handlers):
        if isinstance(output.formatter, RedactingFormatter):
            root.removeHandler(output)
            output.close()


def _attach(output: logging.Handler, line: str, level: str) -> None:
    output.setFormatter(RedactingFormatter(line))
    output.setLevel(level.upper())
    logging.getLogger().addHandler(output)
