"""Copy a text from the tray menu. (The page copies by itself.)"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from copilot_desktop.system.programs import QUIET, child_environment

_PROGRAMS = (
    ("pbcopy",),
    ("clip.exe",),
    ("wl-copy",),
    ("xclip", "-selection", "clipboard"),
    ("xsel", "--clipboard", "--input"),
)
_LIMIT = 3.0  # seconds


def copy(text: str) -> bool:
    """Whether something took `text`. From any thread."""
    if "gi.repository.Gtk" in sys.modules:
        return _copy_with_gtk(text)
    for program in _PROGRAMS:
        path = shutil.which(program[0])
        # Not what lies in the folder that we were started in.
        if path is not None and Path(path).is_absolute():
            try:
                # Standard input, never an argument: arguments can be read by other users.
                subprocess.run(  # noqa: S603 - a fixed list of programs
                    [path, *program[1:]],
                    input=text.encode(),
                    timeout=_LIMIT,
                    check=True,
                    env=child_environment(),
                    creationflags=QUIET,
                )
            except (OSError, subprocess.SubprocessError):
                continue
            return True
    return False


def _copy_with_gtk(text: str) -> bool:
    from gi.repository import Gdk, GLib, Gtk  # noqa: PLC0415

    def store() -> bool:
        clipboard = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
        clipboard.set_text(text, -1)
        clipboard.store()
        return False  # once

    GLib.idle_add(store)  # GTK may only be touched on its own thread
    return True
