"""A model that writes white space into a tool call without end (`translation.md` §6.2, point 4).

Some models fall into this, and the client waits until the output limit is used up. More than 20
line ends or tabs in a row, or more than 200 spaces, are the sign, but only outside JSON strings:
inside one they may be what the model wants to write. Reads each character once, however the text
was cut into pieces.
"""

from __future__ import annotations

import re

STUCK = "The model got stuck while writing a tool call."

_BLANK = re.compile(r"[\n\t\r]{21}| {201}")
_LONGEST = 200
_MARK = re.compile(r'["\\]')


class Runaway:
    """Reads along with the argument text of one call. `in_string`: it has come into a JSON string;
    `escaped`: a backslash there was the last that was read."""

    __slots__ = ("_tail", "escaped", "in_string")

    def __init__(self) -> None:
        self.in_string = False
        self.escaped = False
        self._tail = ""

    def stuck(self, text: str) -> bool:
        """Whether the arguments run away with `text`, their next piece."""
        start = 0
        place = 1 if self.escaped else 0
        self.escaped = self.escaped and not text
        while (mark := _MARK.search(text, place)) is not None:
            found = mark.start()
            if text[found] == "\\":
                place = found + (2 if self.in_string else 1)
                self.escaped = place > len(text)
                continue
            if not self.in_string and self._blank(text[start:found]):
                return True
            self.in_string = not self.in_string
            self._tail = ""
            start = place = found + 1
        return not self.in_string and self._blank(text[start:])

    def _blank(self, piece: str) -> bool:
        if not piece:
            return False
        run = self._tail + piece
        self._tail = run[-_LONGEST:]
        return _BLANK.search(run) is not None
