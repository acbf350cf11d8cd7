"""Why a file is not touched: one short name for each reason, and its sentence for people.

Inside the package a reason travels as `Unusable`, which a look turns into a state. Where somebody
asked for a change, it becomes an `InvalidRequest` whose sentence is a string of the product
(`editors.refused.<reason>`). Neither ever holds a part of a file's content.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from copilot_desktop import strings
from copilot_desktop.errors import InvalidRequest

Reason = Literal[
    "unreadable",  # not what its format allows; `line` and `why` say where
    "cannot_keep",  # it is, but a change would not leave the rest as it stands
    "not_text",
    "too_large",
    "special",  # a device, a pipe, a folder
    "outside",  # a link that leads out of the home folder
    "denied",  # reading is not allowed
    "write_protected",
    "cannot_write",
    "changed_since",
    "busy",
    "slow",
    "records",
    "loop",
    "by_hand",
    "impossible",
    "unknown_tool",
    "unknown_model",
    "not_written",
    "left",
    "no_models",
    "not_running",
    "no_answer",
    "no_folder",
    "no_launch",
    "no_line",
]
FILE_STATES = {"write_protected": "read_only", "cannot_write": "read_only"}


class Unusable(Exception):
    """A file that is left alone. `line` is 1 for the first; 0 where no line is to blame. `why` is
    the name of a phrase, `editors.because.<why>`."""

    def __init__(self, reason: Reason, path: Path, *, line: int = 0, why: str = "") -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.path = path
        self.line = line
        self.why = why

    @property
    def state(self) -> Literal["unreadable", "read_only"]:
        """How a look tells it."""
        return "read_only" if self.reason in FILE_STATES else "unreadable"


def refused(reason: Reason, *, path: str = "", line: int = 0, why: str = "") -> InvalidRequest:
    """The error for people. `path` is shown as it is given: shorten it before."""
    fields = {"reason": reason, "path": path, "line": str(line), "why": why}
    told = {**fields, "why": _phrase(why)}
    return InvalidRequest(strings.text(f"editors.refused.{reason}", **told), fields=fields)


def because(trouble: Unusable) -> str:
    """A phrase for what is wrong with a file, to stand behind its name."""
    return _phrase(trouble.why or trouble.reason)


def _phrase(why: str) -> str:
    key = f"editors.because.{why}"
    return strings.text(key) if strings.words().has(key) else why


def shortened(path: Path, home: Path) -> str:
    """`path` with `~` for the home folder."""
    try:
        return "~/" + path.relative_to(home).as_posix()
    except ValueError:
        return str(path)
