"""Lines for people, written on a thread of their own for as long as the app runs.

A terminal may take nothing for a while: somebody has pressed Ctrl-S or selects text in a window of
Windows, a connection sleeps, or whoever started the app does not read what it says. Whoever writes
there waits, and if that is the event loop, so do all streams, windows and signals. Here only this
thread waits; what is said after many lines that wait is left out.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

MOST = 1000  # lines that wait
AT_THE_END = 1.0  # seconds for what was said last

_Lines = queue.Queue[tuple[TextIO, str] | None]


class Speaker:
    """One for the process: `speaker`."""

    def __init__(self) -> None:
        self._lines: _Lines | None = None

    def say(self, line: str, stream: TextIO) -> bool:
        """Write it soon; false while nobody is at work: then whoever asks writes it."""
        if (lines := self._lines) is None:
            return False
        with suppress(queue.Full):
            lines.put_nowait((stream, line))
        return True

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Until the block ends, and then for a moment longer at most."""
        lines = self._lines = _Lines(MOST)
        thread = threading.Thread(target=_write, args=(lines,), name="terminal", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._lines = None
            with suppress(queue.Full):
                lines.put_nowait(None)
            thread.join(AT_THE_END)


speaker = Speaker()


def _write(lines: _Lines) -> None:
    own: dict[TextIO, TextIO] = {}
    while (said := lines.get()) is not None:
        stream, line = said
        with suppress(OSError, ValueError):  # closed or broken: nobody is reading
            if stream not in own:
                own[stream] = _another(stream)
            own[stream].write(f"{line}\n")
            own[stream].flush()
    for stream, other in own.items():
        if other is not stream:
            with suppress(OSError, ValueError):
                other.close()


def _another(stream: TextIO) -> TextIO:
    """To the same place, with a lock of its own: at the end `stream` is flushed, and would wait."""
    try:
        number = os.dup(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return stream
    return open(number, "w", encoding=stream.encoding, errors="replace")  # noqa: PTH123
