"""The window: pywebview showing the loopback control plane, and nothing else.

No `js_api`: pywebview's bridge would let page script walk into Python, and its replies need `eval`,
which the content policy forbids (`security-rules.md` 16). The page talks HTTP like any other view.
pywebview owns the main thread; its calls may block, so `show`, `hide` and `destroy` must come from
other threads.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from copilot_desktop.shell.engine import Engine

log = logging.getLogger(__name__)

TITLE = "Copilot Desktop"
SIZE, MINIMUM = (960, 680), (720, 520)
BACKGROUND = {False: "#F5F6F8", True: "#131619"}  # the page's own --bg: no white flash
_PYWEBVIEW_NAMES: dict[str, Any] = {
    "gtk": "gtk", "qt": "qt", "webview2": "edgechromium", "cocoa": "cocoa",
}  # fmt: skip


class Window:
    """One window for the life of the app. `asked_to_close` decides what the close button does."""

    def __init__(
        self,
        url: str,
        engine: Engine,
        *,
        hidden: bool,
        dark: bool,
        icon: Path | None,
        asked_to_close: Callable[[], None],
    ) -> None:
        self._url = url
        self._engine = engine
        self._hidden = hidden
        self._dark = dark
        self._icon = icon
        self._asked_to_close = asked_to_close
        self._window: Any = None
        self._leaving = threading.Event()

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
        window: Any = webview.create_window(
            TITLE,
            self._url,
            width=SIZE[0],
            height=SIZE[1],
            min_size=MINIMUM,
            hidden=self._hidden,
            background_color=BACKGROUND[self._dark],
            text_select=True,
        )
        self._window = window
        if self._leaving.is_set():
            return  # told to end before there was anything to destroy
        window.events.closing += self._closing
        window.events.before_show += before_show
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
        if self._window is not None:
            self._window.show()
            self._window.restore()

    def hide(self) -> None:
        if self._window is not None:
            self._window.hide()

    def destroy(self) -> None:
        """Close for good; `run` returns."""
        self._leaving.set()
        if self._window is not None:
            self._window.destroy()

    # ------------------------------------------------------------------------ inner workings

    def _closing(self) -> bool:
        """On the GUI thread: refuse, and let another thread find out what was meant."""
        if self._leaving.is_set():
            return True
        threading.Thread(target=self._asked_to_close, name="close", daemon=True).start()
        return False

    def _stay_home(self) -> None:
        """A page that is not ours has no business in this window."""
        home = self._url.split("?", 1)[0]
        shown = self._window.get_current_url() or home
        if not shown.startswith(home):
            log.warning("the window left its page and was brought back")
            self._window.load_url(home)

    def _prepare_toolkit(self) -> None:
        if self._engine.name == "gtk":
            # Blank windows with some NVIDIA drivers; a user's own choice wins.
            os.environ.setdefault("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            from gi.repository import GLib  # noqa: PLC0415

            GLib.set_prgname("copilot-desktop")
        elif self._engine.name == "qt" and getattr(os, "geteuid", lambda: 1)() == 0:
            # Chromium refuses its sandbox for root; the page is local and ours.
            os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")
