"""How a program that was found is started, on a system where a name may stand for a script.

npm on Windows puts a `.cmd` beside each program. What is given to it goes through the Command
Prompt, which takes quotes, percents and ampersands for its own, so no JSON gets through whole. The
`.cmd` says in its last line what it starts, and that is started instead.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

_SCRIPTS = (".cmd", ".bat")
_TARGET = re.compile(r'"%~?dp0%?\\(?P<target>[^"%]+)"\s+%\*')
_MOST = 16_384  # bytes; theirs have some hundred
_OWN = frozenset('"%!^&|<>()\r\n')  # letters that the Command Prompt does not pass on as they are


def begun(program: Path) -> tuple[str, ...] | None:
    """The words that a command begins with to start `program`. None: only a shell can start it."""
    if program.suffix.lower() == ".ps1":
        return None
    if program.suffix.lower() not in _SCRIPTS:
        return (str(program),)
    target = _target(program)
    if target is None:
        return None
    if target.suffix.lower() == ".exe":
        return (str(target),)
    beside = program.with_name("node.exe")
    node = str(beside) if beside.exists() else shutil.which("node")
    return (node, str(target)) if node else None


def passes(words: tuple[str, ...]) -> bool:
    """Whether the Command Prompt hands all of `words` on as they are."""
    return not any(_OWN & set(word) for word in words)


def _target(shim: Path) -> Path | None:
    """What npm's script starts; None where it is another kind of script."""
    try:
        with shim.open("rb") as file:
            text = file.read(_MOST).decode("utf-8", "replace")
    except OSError:
        return None
    found = _TARGET.search(text)
    if found is None:
        return None
    target = shim.parent.joinpath(*found["target"].split("\\"))
    return target if target.is_file() else None
