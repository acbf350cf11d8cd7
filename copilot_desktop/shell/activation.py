"""Being an app with a window or only an icon, as the operating systems see it.

macOS: an app is "regular" (Dock icon, menu bar) or "accessory" (neither). The toolkit makes itself
regular, so hiding the window has to say otherwise, and showing it has to bring it to the front
(`gui-lab.md` §2.5). Windows lets a program come to the front only if the one that has just been
started hands the right over. Elsewhere nothing is needed. Nothing here is worth a failure.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from copilot_desktop.control.instance import find
from copilot_desktop.shell.engine import EngineName

log = logging.getLogger(__name__)

_REGULAR, _ACCESSORY = 0, 1  # NSApplicationActivationPolicy


class Dock:
    """From any thread. Without a Dock nothing happens."""

    def __init__(
        self, engine: EngineName, load: Callable[[str], Any] = importlib.import_module
    ) -> None:
        self._has_dock = engine == "cocoa"
        self._load = load

    def window_shown(self) -> None:
        self._be(_REGULAR)

    def window_hidden(self) -> None:
        self._be(_ACCESSORY)

    def _be(self, policy: int) -> None:
        if not self._has_dock:
            return

        def change() -> None:
            app = self._load("AppKit").NSApplication.sharedApplication()
            app.setActivationPolicy_(policy)
            if policy == _REGULAR:
                app.activateIgnoringOtherApps_(True)

        try:
            # AppKit ends a program that touches it on another thread.
            self._load("PyObjCTools.AppHelper").callAfter(change)
        except Exception as error:  # noqa: BLE001 - the window is there with or without it
            log.info("The Dock was not told: %s", error)


def let_come_to_front(folder: Path, windows: Any = None) -> None:
    """Hand the right to come to the front to the app that runs with this data folder."""
    user32 = getattr(windows or getattr(ctypes, "windll", None), "user32", None)
    running = find(folder) if user32 is not None else None
    if user32 is None or running is None:
        return
    try:
        user32.AllowSetForegroundWindow(running.pid)
    except (OSError, ValueError) as error:
        log.info("The right to come to the front was not handed over: %s", error)
