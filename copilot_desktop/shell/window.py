"""The window: pywebview showing the loopback control plane, and nothing else.

No `js_api`: pywebview's bridge would let page script walk into Python, and its replies need `eval`,
which the content policy forbids (`security-rules.md` 16). The page talks HTTP like any other view.
pywebview owns the main thread; its calls may block, so `show`, `hide` and `destroy` must come from
other threads.
"""

from __future__ import annotations

import importlib
import logging
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from copilot_desktop.core.last_run import Place
from copilot_desktop.shell import endings
from copilot_desktop.shell.engine import Engine
from copilot_desktop.shell.placing import MINIMUM, Opening, opening

log = logging.getLogger(__name__)

TITLE = "Copilot Desktop"
BACKGROUND = {False: "#F5F6F8", True: "#131619"}  # the page's own --bg: no white flash
_SETTLED = 0.4  # seconds without a change until a move or a resize is over
_AGAIN = 10.0  # seconds: a page that ends again within them is not opened at once
# These add the corner of the screen to the position that they are given.
_RELATIVE = frozenset({"gtk", "qt", "cocoa"})
_PYWEBVIEW_NAMES: dict[str, Any] = {
    "gtk": "gtk", "qt": "qt", "webview2": "edgechromium", "cocoa": "cocoa",
}  # fmt: skip


class Window:
    """One window for the life of the app. `asked_to_close` decides what the close button does.

    `end` ends everything but the window before it returns: for a system that is about to end us.
    `asked_to_show` is called where a second start of the app begins no process of its own.
    `place` is where it was; `moved` is told where it is, from any thread, when it has come to rest.
    """

    def __init__(
        self,
        url: str,
        engine: Engine,
        *,
        hidden: bool,
        dark: bool,
        icon: Path | None,
        asked_to_close: Callable[[], None],
        asked_to_show: Callable[[], None] = lambda: None,
        end: Callable[[], None] = lambda: None,
        place: Place | None = None,
        moved: Callable[[Place], None] = lambda _: None,
    ) -> None:
        self._url = url
        self._home = url.split("?", 1)[0]
        self._engine = engine
        self._hidden = hidden
        self._dark = dark
        self._icon = icon
        self._asked_to_close = asked_to_close
        self._asked_to_show = asked_to_show
        self._end = end
        self._place = place or Place()
        self._moved = moved
        self._news: dict[str, int | bool] = {}
        self._placing = threading.Lock()
        self._resting: threading.Timer | None = None
        self._window: Any = None
        self._emptied = False
        self._told_why = False  # why it is to close, which only Windows says
        self._revived = -math.inf
        self._leaving = threading.Event()
        self._asking = threading.Lock()  # nothing is asked of it once it is to be destroyed

    def run(self, before_show: Callable[[], None], ready: Callable[[], None]) -> None:
        """Show the window and stay until it is destroyed. Main thread only.

        `before_show` runs on the main thread when the toolkit is up, `ready` on a thread of its
        own once the page has loaded.
        """
        self._prepare_toolkit()
        import webview  # noqa: PLC0415 - loads a GUI toolkit

        webview.settings["ALLOW_DOWNLOADS"] = False
        webview.settings["ALLOW_FILE_URLS"] = False
        webview.settings["SHOW_DEFAULT_MENUS"] = False
        where = self._opening()
        relative: Any = where.screen if self._engine.name in _RELATIVE else None
        window: Any = webview.create_window(
            TITLE,
            self._url,
            x=where.x if where.x is None or relative is None else where.x - relative.x,
            y=where.y if where.y is None or relative is None else where.y - relative.y,
            screen=relative,
            width=where.width,
            height=where.height,
            maximized=where.maximized,
            min_size=where.least,
            hidden=self._hidden,
            background_color=BACKGROUND[self._dark],
            text_select=True,
        )
        self._window = window
        if self._leaving.is_set():
            return  # told to end before there was anything to destroy
        window.events.closing += self._closing
        window.events.before_show += before_show
        if self._engine.name == "gtk":
            window.events.before_show += self._watch_page
        elif self._engine.name == "webview2":
            window.events.before_show += self._follow_form
        elif self._engine.name == "cocoa":
            self._follow_app()
        self._follow_place(window)
        window.events.loaded += self._stay_home
        window.events.loaded += lambda: threading.Thread(target=ready, daemon=True).start()
        webview.start(
            gui=_PYWEBVIEW_NAMES[self._engine.name],
            debug=False,
            icon=str(self._icon) if self._icon else None,
        )

    def show(self) -> None:
        """Bring the window to the front. Before `run` has made it: let it start visible."""
        self._hidden = False
        with self._asking:
            if self._window is None or self._leaving.is_set():
                return
            self._go_back()
            self._window.show()
            if self._engine.name == "gtk":
                self._come_forward()
            elif not self._in_sight():
                self._window.restore()

    def hide(self) -> None:
        if self._window is not None:
            self._window.hide()

    def free(self) -> None:
        """Give back what the hidden page holds; `refill` shows a new one. GTK only so far."""
        if self._window is not None and self._engine.name == "gtk" and not self._emptied:
            self._emptied = True
            self._on_gtk(lambda view: view.terminate_web_process())

    def refill(self, url: str) -> None:
        """Open the page anew, at an address that works once, if it was given up."""
        if self._window is not None and self._emptied:
            self._emptied = False
            self._on_gtk(lambda view: view.load_uri(url))

    def choose_file(self) -> Path | None:
        """Ask for one file in a dialog of the system, and wait for the answer; None: no file."""
        if self._window is None or self._leaving.is_set():
            return None
        try:
            chosen = self._window.create_file_dialog(directory=str(Path.home()))
        except Exception as error:  # noqa: BLE001 - each toolkit has errors of its own
            log.warning("The dialog for a file did not open: %s", error)
            return None
        return Path(chosen[0]) if chosen and chosen[0] else None

    def destroy(self) -> None:
        """Close for good; `run` returns."""
        with self._asking:
            self._leaving.set()
            if self._window is not None:
                self._end_dialogs()
                self._window.destroy()

    # ------------------------------------------------------------------------ inner workings

    def _in_sight(self) -> bool:
        """Whether showing was enough. To restore it would take from a window on Windows that it is
        maximised."""
        state = getattr(self._window.native, "WindowState", "")
        return self._engine.name == "webview2" and str(state) != "Minimized"

    def _closing(self) -> bool:
        """On the GUI thread: refuse, and let another thread find out what was meant."""
        if self._leaving.is_set():
            return True
        if not self._told_why:
            self._ask()
        return False

    def _ask(self) -> None:
        threading.Thread(target=self._asked_to_close, name="close", daemon=True).start()

    def _follow_form(self) -> None:
        endings.follow_form(self._window.native, self._ask, self._end)
        self._told_why = True

    def _follow_app(self) -> None:
        try:
            cocoa = importlib.import_module("webview.platforms.cocoa")
            endings.follow_app(cocoa.BrowserView, self._end, self._asked_to_show)
        except Exception as error:  # noqa: BLE001 - the window is there with or without it
            log.warning("Quit of the system only hides the window: %s", error)

    def _on_gtk(self, action: Callable[[Any], None]) -> None:
        """Do something with the web view itself, which pywebview keeps to itself."""
        from gi.repository import GLib  # noqa: PLC0415

        views = importlib.import_module("webview.platforms.gtk").BrowserView.instances

        def act() -> bool:
            if (found := views.get(self._window.uid)) is not None:
                action(found.webview)
            return False

        GLib.idle_add(act)

    def _watch_page(self) -> None:
        self._on_gtk(lambda view: view.connect("web-process-terminated", self._page_ended))

    def _page_ended(self, view: Any, _reason: object) -> None:
        """On the GUI thread. A page that crashed, or that the system has ended for want of memory,
        leaves an empty window that nothing would ever fill again."""
        if self._emptied or self._leaving.is_set():
            return
        log.warning("the page ended unexpectedly")
        before, self._revived = self._revived, time.monotonic()
        if self._revived - before > _AGAIN:
            view.load_uri(self._home)
        else:
            self._emptied = True  # opened anew when the window is shown the next time

    def _end_dialogs(self) -> None:
        """GTK: an open dialog runs a loop of its own, which would keep the app from ending."""
        if self._engine.name != "gtk":
            return
        from gi.repository import GLib, Gtk  # noqa: PLC0415

        def cancel() -> bool:
            for each in Gtk.Window.list_toplevels():
                if isinstance(each, Gtk.FileChooserDialog):
                    each.response(Gtk.ResponseType.CANCEL)
            return False

        GLib.idle_add(cancel)

    def _opening(self) -> Opening:
        try:
            guilib = importlib.import_module("webview.guilib")
            screens = guilib.initialize(_PYWEBVIEW_NAMES[self._engine.name]).get_screens()
        except Exception as error:  # noqa: BLE001 - each toolkit has errors of its own
            log.info("The screens could not be looked at: %s", error)
            screens = []
        return opening(self._place, screens)

    def _follow_place(self, window: Any) -> None:
        """Called with each pixel of a drag, each time on another thread: only the end counts."""

        def moved(x: float, y: float) -> None:
            self._changed(x=round(x), y=round(y))

        def resized(width: float, height: float) -> None:
            self._changed(width=round(width), height=round(height))

        window.events.moved += moved
        window.events.resized += resized
        window.events.maximized += lambda: self._changed(maximized=True)
        window.events.restored += lambda: self._changed(maximized=False)

    def _changed(self, **facts: int | bool) -> None:
        with self._placing:
            self._news.update(facts)
            if self._resting is not None:
                self._resting.cancel()
            self._resting = threading.Timer(_SETTLED, self._rested)
            self._resting.daemon = True
            self._resting.start()

    def _rested(self) -> None:
        if self._leaving.is_set():
            return
        if self._engine.name == "gtk":
            from gi.repository import GLib  # noqa: PLC0415

            GLib.idle_add(self._ask_gtk)
            return
        with self._placing:
            news, self._news = self._news, {}
            if news.get("height", MINIMUM[1]) < MINIMUM[1] // 2:
                return  # minimised: Windows puts what it leaves of it far away from every screen
            if news.get("maximized", self._place.maximized):
                # Its size and corner are those of the screen, not the ones to come back to.
                news = {"maximized": True}
            self._place = replace(self._place, **news)  # type: ignore[arg-type]
        self._moved(self._place)

    def _ask_gtk(self) -> bool:
        """GTK's events name the corner inside the frame; moving wants the one of the frame."""
        native = self._window.native
        if self._leaving.is_set() or native is None or not native.get_visible():
            return False
        if native.is_maximized():
            self._place = replace(self._place, maximized=True)
        else:
            (x, y), (width, height) = native.get_position(), native.get_size()
            self._place = Place(x, y, width, height)
        self._moved(self._place)
        return False  # once

    def _go_back(self) -> None:
        """A window manager finds a new place for a window that was hidden, unless it is told."""
        place = self._place
        if self._engine.name != "gtk" or place.x is None or place.y is None or place.maximized:
            return
        from gi.repository import GLib  # noqa: PLC0415

        def move(x: int = place.x, y: int = place.y) -> bool:
            if not self._leaving.is_set() and not self._window.native.get_visible():
                self._window.native.move(x, y)
            return False

        GLib.idle_add(move)

    def _come_forward(self) -> None:
        """pywebview's `restore` takes two turns of GTK's loop. A window that was destroyed between
        them ends the whole program with a fault in memory."""
        from gi.repository import GLib  # noqa: PLC0415

        def present() -> bool:
            if not self._leaving.is_set():
                self._window.native.deiconify()
                self._window.native.present()
            return False

        GLib.idle_add(present)

    def _stay_home(self) -> None:
        """A page that is not ours has no business in this window."""
        shown = self._window.get_current_url() or self._home
        if not shown.startswith(self._home):
            log.warning("the window left its page and was brought back")
            self._window.load_url(self._home)

    def _prepare_toolkit(self) -> None:
        if self._engine.name == "gtk":
            # Blank windows with some NVIDIA drivers; a user's own choice wins.
            os.environ.setdefault("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            from gi.repository import GLib  # noqa: PLC0415

            GLib.set_prgname("copilot-desktop")
        elif self._engine.name == "qt" and getattr(os, "geteuid", lambda: 1)() == 0:
            # Chromium refuses its sandbox for root; the page is local and ours.
            os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")
