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
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copilot_desktop import resources
from copilot_desktop.control.app import ControlPlane, open_control
from copilot_desktop.control.instance import (
    Instance,
    NotAnswering,
    claim,
    find,
    show_running,
)
from copilot_desktop.core import logs, settings_file
from copilot_desktop.core.alerts import Alert
from copilot_desktop.core.core import Core
from copilot_desktop.core.last_run import Place
from copilot_desktop.core.settings import Preferences
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.core.state import Ask
from copilot_desktop.core.thread import CoreThread
from copilot_desktop.errors import Problem
from copilot_desktop.shell import clipboard, endings
from copilot_desktop.shell.activation import Dock, let_come_to_front
from copilot_desktop.shell.engine import INSTEAD, Engine
from copilot_desktop.shell.menu import Item, menu_for, tooltip
from copilot_desktop.shell.telling import reason, told
from copilot_desktop.shell.tray import PystrayTray, background, panel_present
from copilot_desktop.shell.window import Window
from copilot_desktop.strings import words
from copilot_desktop.system import current
from copilot_desktop.system.programs import SECRET_NAMES
from copilot_desktop.system.signals import ending

if TYPE_CHECKING:
    from copilot_desktop.core.verbs import Outcome

log = logging.getLogger(__name__)

PATIENCE = 20.0  # seconds that a second launch waits for the first one
LOOK = 1.0  # seconds between two looks at whether it has ended
PANEL_LOOK = 5.0  # seconds between two looks for a panel while there is none


@dataclass(frozen=True, slots=True)
class _Running:
    core: Core
    control: ControlPlane


def run_desktop(preferences: Preferences, engine: Engine, *, demo: str | None, hidden: bool) -> int:
    """Run until the user quits; returns the exit code. A second launch shows the first window."""
    folder = settings_file.data_dir(preferences)
    logs.start(folder, preferences.settings.log_level, terminal="warning")
    instance = _claimed(folder)
    if instance is None:
        return 0
    try:
        return Desktop(preferences, engine, instance, demo=demo, hidden=hidden).run()
    finally:
        instance.release()


def _claimed(folder: Path) -> Instance | None:
    """Being the first one; None if there is one that has shown its window.

    One that is about to end is waited for, and one that has only begun as well. Raises Problem.
    """
    deadline = time.monotonic() + PATIENCE
    while (instance := claim(folder)) is None:
        let_come_to_front(folder)
        if show_running(folder, wait=LOOK):
            return None
        if _serves(folder):
            raise Problem("Copilot Desktop is already running without a window, as `serve`.")
        if time.monotonic() >= deadline:
            raise Problem("Copilot Desktop is already running, but it does not show its window.")
    return instance


def _serves(folder: Path) -> bool:
    """Whether the running one will never have a window."""
    running = find(folder)
    try:
        app = running.state()["app"] if running is not None else {}
    except (NotAnswering, KeyError):
        return False
    # One that has only begun has found out nothing about its engine yet.
    return app.get("engine") == "none" and bool(app.get("engine_reason"))


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
        self._instance = instance
        self._hidden = hidden or preferences.settings.start_hidden
        self._quitting = threading.Event()
        self._changed = threading.Event()
        self._panel = False
        self._wanted: Callable[[], None] = self._show  # what the window was asked for last
        self._windowing = threading.Lock()  # held while the window is shown, hidden or emptied
        self._dock = Dock(engine.name)
        self._tray = PystrayTray(background(self._press), dark_panel=current().dark_panel())
        self._window: Window | None = None
        # The web view's processes inherit our environment; secrets are not for them.
        environ = dict(os.environ)
        for name in SECRET_NAMES:
            os.environ.pop(name, None)

        @asynccontextmanager
        async def everything() -> AsyncIterator[_Running]:
            running = Core.running(preferences, demo=demo, environ=environ)
            async with running as core, open_control(core, instance) as control:
                yield _Running(core, control)

        self._thread = CoreThread(everything)

    def run(self) -> int:
        """Main thread only."""
        self._listen_to_signals()
        if self._engine.name in {"webview2", "cocoa"}:
            endings.follow_signals(self.quit)
        try:
            core = self._thread.start().core
            core.shell = self
            if core.life.show_wanted:  # by a second launch, before there was a shell
                self._hidden = False
            if core.quit_wanted.is_set():  # by a second program, before there was a shell
                self._quitting.set()
            if not self._quitting.is_set():
                self._start_tray(core)
                self._listen_to_signals()
                self._show_until_the_end(core)
        finally:
            self._quitting.set()
            self._tray.stop()
            ended = self._thread.stop()
        return 0 if ended else 1

    # ------------------------------------------------------------------------ the core's Shell

    def show_window(self) -> None:
        """At once, from any thread."""
        self._wanted = self._show
        self._aside(self._follow_wish)

    def hide_window(self) -> None:
        self._wanted = self._hide
        self._aside(self._follow_wish)

    def ask_for_file(self, answer: Callable[[Path | None], None]) -> bool:
        window = self._window
        if window is None:
            return False

        def ask() -> None:
            path = window.choose_file()
            self._thread.call_soon(lambda: answer(path))

        self._aside(ask)
        return True

    def quit(self) -> None:
        self._aside(self._end)

    # ------------------------------------------------------------------------ window

    def _show_until_the_end(self, core: Core) -> None:
        if self._engine.has_window:
            try:
                self._run_window(core)
            except Exception:  # each toolkit has errors of its own
                if self._quitting.is_set():
                    raise
                log.exception("the window could not be made")
            else:
                return
            self._window = None
            self._engine = INSTEAD
            self._note(engine=self._engine.name, engine_reason=self._engine.reason)
        if not self._hidden:
            self.show_window()
        self._tray.hold(self._quitting)

    def _run_window(self, core: Core) -> None:
        # Windows takes nothing else for an icon, and shows no window instead.
        name = "icon.ico" if self._engine.name == "webview2" else "icon-256.png"
        icon = resources.assets() / name
        window = Window(
            self._thread.value.control.url(),
            self._engine,
            hidden=self._hidden,
            dark=self._is_dark(core),
            icon=icon if Path(icon).exists() else None,
            asked_to_close=self._asked_to_close,
            asked_to_show=self.show_window,
            end=self._end_here,
            place=core.life.last.place,
            moved=self._moved,
        )
        self._window = window
        if self._quitting.is_set():
            return  # asked before there was a window to destroy
        self._note(window_shown=not self._hidden)
        window.run(self._listen_to_signals, self._ready)

    def _ready(self) -> None:
        log.info("the window is ready")
        with self._windowing:
            if self._hidden:
                self._dock.window_hidden()
                if self._window is not None and self._thread.value.core.settings.free_memory:
                    self._window.free()

    def _follow_wish(self) -> None:
        """One at a time, and always the last one: wishes come on threads in no order, and a page
        must not be given up behind a window that was shown meanwhile."""
        with self._windowing:
            self._wanted()

    def _show(self) -> None:
        if not self._engine.has_window:
            # The same page in the default browser.
            if not self._thread.value.core.system.open_url(self._thread.value.control.url()):
                log.warning("No browser could be started to show the window in.")
            return
        self._hidden = False
        if self._window is not None:
            self._dock.window_shown()
            self._window.refill(self._thread.value.control.url())
            self._window.show()
            self._note(window_shown=True)

    def _hide(self) -> None:
        if self._window is None:
            return
        self._window.hide()
        self._dock.window_hidden()
        self._note(window_shown=False, window_front=False)
        core = self._thread.value.core
        if core.settings.free_memory:
            self._window.free()
        if self._look_for_panel():
            words = "hidden_mac" if core.system.name == "macOS" else "hidden"
        else:
            words = "hidden_no_tray"
        self._thread.call_soon(lambda: self._tell_once("hidden", words))

    def _moved(self, place: Place) -> None:
        self._thread.call_soon(lambda: self._thread.value.core.life.last.note_place(place))

    def _asked_to_close(self) -> None:
        """The close button was pressed: hide, quit, or ask in the window."""
        core = self._thread.value.core
        self._look_for_panel()
        choice = core.settings.on_close
        if choice == "ask" and core.store.state.ask is not None:
            choice = "hide"  # pressed again instead of an answer: nothing must be lost
        if choice == "ask":
            self._thread.call_soon(lambda: core.ask(Ask("close")))
        else:
            self._do("close_choice", {"choice": choice})

    def _end(self) -> None:
        if self._quitting.is_set():
            return
        self._quitting.set()
        # A second launch must not count on a window that is about to go.
        core = self._thread.value.core
        self._thread.call_soon(core.quit_wanted.set)
        self._changed.set()
        self._tray.stop()
        if self._window is not None:
            self._window.destroy()

    def _end_here(self) -> None:
        """On the GUI thread. The system ends the process as soon as this returns."""
        self._quitting.set()
        self._changed.set()
        self._thread.stop()
        self._instance.release()

    # ------------------------------------------------------------------------ tray

    def _start_tray(self, core: Core) -> None:
        self._tray.start()
        self._thread.call_soon(lambda: core.life.alerting.start(self._alert))
        engine = self._engine
        self._note(engine=engine.name, engine_reason=engine.reason, engine_missing=engine.missing)
        self._look_for_panel()
        if self._tray.available:
            threading.Thread(target=self._keep_tray_true, name="tray", daemon=True).start()

    def _look_for_panel(self) -> bool:
        """Whether the icon can be seen right now; the state says so, too."""
        name = self._thread.value.core.system.name
        self._panel = self._tray.available and panel_present(name)
        self._note(tray="ok" if self._panel else "missing")
        return self._panel

    def _keep_tray_true(self) -> None:
        """Redraw on each new snapshot; a burst of changes is drawn once."""
        core = self._thread.value.core

        async def follow() -> None:
            async for _ in core.store.watch():
                self._changed.set()

        self._thread.post(follow())
        while not self._quitting.is_set():
            # At login the app may be there before the panel is.
            if not self._changed.wait(None if self._panel else PANEL_LOOK):
                self._look_for_panel()
                continue
            self._changed.clear()
            try:
                self._draw(snapshot(core.store.state))
            except Exception:  # one bad picture must not be the last one
                log.exception("The tray could not be brought up to date")

    def _draw(self, shown: dict[str, Any]) -> None:
        language = words(shown["app"]["lang"])
        rows = menu_for(shown, language)
        self._tray.show(shown["headline"]["glyph"], tooltip(shown, language), rows)

    def _press(self, item: Item) -> None:
        """On a thread of its own."""
        if item.copies:
            self._copy(item.copies, item.copies)
        elif item.verb == "copy_key":
            self._copy(self._thread.value.core.key, item.text)
        elif item.verb and not (outcome := self._do(item.verb, dict(item.arguments))).ok:
            self._notify("failed", reason=reason(outcome, self._language))

    def _copy(self, text: str, what: str) -> None:
        """`what` names the text for people: a key must not stand in a notification."""
        if clipboard.copy(text):
            self._notify("copied", what=what)
        else:
            log.warning("nothing on this system could take a text for the clipboard")
            self._notify("not_copied")

    def _notify(self, key: str, **fields: str) -> None:
        self._tell(Alert(key, fields))

    def _alert(self, alert: Alert) -> None:
        """On the core's loop: a notification service may take its time."""
        self._aside(partial(self._tell, alert))

    def _tell_once(self, id: str, words: str) -> None:  # noqa: A002  (the strings' own word)
        if self._thread.value.core.life.alerting.once(id):
            self._alert(Alert(words))

    def _tell(self, alert: Alert) -> None:
        self._tray.notify(*told(alert, words(self._language)))

    # ------------------------------------------------------------------------ small pieces

    @property
    def _language(self) -> str:
        return self._thread.value.core.store.state.language

    def _do(self, verb: str, arguments: dict[str, Any]) -> Outcome:
        outcome = self._thread.submit(self._thread.value.core.verbs.do(verb, arguments))
        if not outcome.ok:
            log.warning("%s: %s", verb, outcome.message)
        return outcome

    def _note(self, **facts: Any) -> None:
        core = self._thread.value.core
        self._thread.call_soon(lambda: core.surroundings(**facts))

    def _aside(self, action: Callable[[], None]) -> None:
        threading.Thread(target=action, name="shell", daemon=True).start()

    def _is_dark(self, core: Core) -> bool:
        theme = core.settings.theme
        return bool(core.store.state.app.dark) if theme == "system" else theme == "dark"

    def _listen_to_signals(self) -> None:
        """After each toolkit start: both GTK's tray and Qt put their own handlers in place."""
        if threading.current_thread() is not threading.main_thread():
            return  # a window of Windows is made on a thread of its own
        for number in ending("SIGTERM", "SIGINT", "SIGHUP"):
            signal.signal(number, lambda *_: self.quit())
