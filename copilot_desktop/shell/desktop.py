"""The desktop app: who does what on which thread, and in which order it starts and ends.

    main thread   the toolkit's loop: window, and on Linux and macOS the tray icon as well
    core thread   the event loop: everything that thinks
    tray thread   turns snapshots into icon and menu; presses are carried out on short threads

Start: one instance, core, tray (before the toolkit's loop, or GTK breaks), window. End: tray,
window, core, lock (`gui-lab.md` §2.6). Nothing here decides anything: it passes snapshots out and
verbs in.
"""

from __future__ import annotations

import logging
import signal
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copilot_desktop import resources
from copilot_desktop.control.app import ControlPlane, open_control
from copilot_desktop.control.instance import Instance, claim, show_running
from copilot_desktop.core import logs, settings_file
from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Preferences
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.core.state import Ask
from copilot_desktop.core.thread import CoreThread
from copilot_desktop.shell import clipboard
from copilot_desktop.shell.engine import Engine
from copilot_desktop.shell.menu import Item, menu_for, tooltip
from copilot_desktop.shell.tray import PystrayTray, background, panel_present
from copilot_desktop.shell.window import Window
from copilot_desktop.strings import words

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Running:
    core: Core
    control: ControlPlane


def run_desktop(preferences: Preferences, engine: Engine, *, demo: str | None, hidden: bool) -> int:
    """Run until the user quits; returns the exit code. A second launch shows the first window."""
    folder = settings_file.data_dir(preferences)
    logs.start(folder, preferences.settings.log_level, terminal="warning")
    instance = claim(folder)
    if instance is None:
        return 0 if show_running(folder) else 1
    try:
        return Desktop(preferences, engine, instance, demo=demo, hidden=hidden).run()
    finally:
        instance.release()


class Desktop:
    """One run of the app with a window. It is the `Shell` of the core."""

    def __init__(
        self,
        preferences: Preferences,
        engine: Engine,
        instance: Instance,
        *,
        demo: str | None,
        hidden: bool,
    ) -> None:
        self._engine = engine
        self._hidden = hidden or preferences.settings.start_hidden
        self._quitting = threading.Event()
        self._told_hidden = False
        self._tray = PystrayTray(background(self._press))
        self._window: Window | None = None

        @asynccontextmanager
        async def everything() -> AsyncIterator[_Running]:
            running = Core.running(preferences, demo=demo)
            async with running as core, open_control(core, instance) as control:
                yield _Running(core, control)

        self._thread = CoreThread(everything)

    def run(self) -> int:
        """Main thread only."""
        core = self._thread.start().core
        try:
            core.shell = self
            self._start_tray(core)
            self._listen_to_signals()
            if self._engine.has_window:
                self._run_window(core)
            else:
                self._run_without_window()
        finally:
            self._quitting.set()
            self._tray.stop()
            ended = self._thread.stop()
        return 0 if ended else 1

    # ------------------------------------------------------------------------ the core's Shell

    def show_window(self) -> None:
        """At once, from any thread."""
        self._aside(self._show)

    def hide_window(self) -> None:
        self._aside(self._hide)

    def quit(self) -> None:
        self._aside(self._end)

    # ------------------------------------------------------------------------ window

    def _run_window(self, core: Core) -> None:
        icon = resources.assets() / "icon-256.png"
        self._window = Window(
            self._thread.value.control.url(),
            self._engine,
            hidden=self._hidden,
            dark=self._is_dark(core),
            icon=icon if Path(icon).exists() else None,
            asked_to_close=self._asked_to_close,
        )
        self._note(window_shown=not self._hidden)
        self._window.run(self._listen_to_signals, lambda: log.info("the window is ready"))

    def _run_without_window(self) -> None:
        """The default browser shows the same page; the tray, if any, needs a loop of its own."""
        if not self._hidden:
            webbrowser.open(self._thread.value.control.url())
        while not self._quitting.wait(0.5):
            continue

    def _show(self) -> None:
        if self._window is not None:
            self._window.show()
            self._note(window_shown=True)
        else:
            webbrowser.open(self._thread.value.control.url())

    def _hide(self) -> None:
        if self._window is None:
            return
        self._window.hide()
        self._note(window_shown=False)
        if not self._told_hidden and self._tray.available:
            self._told_hidden = True
            text = words().text
            self._tray.notify(text("notification.hidden.title"), text("notification.hidden.body"))

    def _asked_to_close(self) -> None:
        """The close button was pressed: hide, quit, or ask in the window."""
        core = self._thread.value.core
        choice = core.settings.on_close
        present = self._tray.available and panel_present(core.system.name)
        self._note(tray="ok" if present else "missing")
        if choice == "ask":
            self._thread.call_soon(lambda: core.ask(Ask("close")))
        else:
            self._do("close_choice", {"choice": choice})

    def _end(self) -> None:
        if self._quitting.is_set():
            return
        self._quitting.set()
        self._tray.stop()
        if self._window is not None:
            self._window.destroy()

    # ------------------------------------------------------------------------ tray

    def _start_tray(self, core: Core) -> None:
        self._tray.start()
        present = self._tray.available and panel_present(core.system.name)
        self._note(
            tray="ok" if present else "missing",
            engine=self._engine.name,
            engine_reason=self._engine.reason,
        )
        if self._tray.available:
            threading.Thread(target=self._keep_tray_true, name="tray", daemon=True).start()

    def _keep_tray_true(self) -> None:
        """Redraw on each new snapshot; a burst of changes is drawn once."""
        changed = threading.Event()
        core = self._thread.value.core

        async def follow() -> None:
            async for _ in core.store.watch():
                changed.set()

        self._thread.post(follow())
        while not self._quitting.is_set():
            if not changed.wait(1.0):
                continue
            changed.clear()
            shown = snapshot(core.store.state)
            language = words(shown["app"]["lang"])
            rows = menu_for(shown, language)
            self._tray.show(shown["headline"]["glyph"], tooltip(shown, language), rows)

    def _press(self, item: Item) -> None:
        """On a thread of its own."""
        if item.copies:
            self._copy(item.copies)
        elif item.verb == "copy_key":
            self._copy(self._thread.value.core.key)
        elif item.verb:
            self._do(item.verb, dict(item.arguments))

    def _copy(self, text: str) -> None:
        if not clipboard.copy(text):
            log.warning("nothing on this system could take a text for the clipboard")

    # ------------------------------------------------------------------------ small pieces

    def _do(self, verb: str, arguments: dict[str, Any]) -> None:
        outcome = self._thread.submit(self._thread.value.core.verbs.do(verb, arguments))
        if not outcome.ok:
            log.warning("%s: %s", verb, outcome.message)

    def _note(self, **facts: Any) -> None:
        core = self._thread.value.core
        self._thread.call_soon(lambda: core.surroundings(**facts))

    def _aside(self, action: Any) -> None:
        threading.Thread(target=action, name="shell", daemon=True).start()

    def _is_dark(self, core: Core) -> bool:
        theme = core.settings.theme
        return bool(core.store.state.app.dark) if theme == "system" else theme == "dark"

    def _listen_to_signals(self) -> None:
        """After each toolkit start: both GTK's tray and Qt put their own handlers in place."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.quit())
