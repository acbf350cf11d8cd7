"""How Windows and macOS ask the app to end, which is not how people close its window.

At the end of a session, and before an installer replaces the app, Windows asks each window whether
it may close; macOS asks the app, as it does at Quit in the menu and in the Dock. pywebview hands
both on as if the close button had been pressed. The "no" to that, with which a window is only
hidden, would be a "no" to shutting down. What is asked like this ends the app at once, on the GUI
thread: the process is gone soon after the answer. And macOS begins no second process of an app: it
tells the first one that it was started again.

Ctrl+C and SIGTERM: a handler in Python runs on the main thread, where pywebview puts its own in its
place (Windows), or where AppKit's loop lets no Python run for minutes. Python also writes the
number of a signal to a socket, at once and whatever the handler is.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

_NOW = 1  # NSTerminateNow
_SESSION_ENDS, _EXIT = "WindowsShutDown", "ApplicationExitCall"  # of WinForms' CloseReason


def follow_form(form: Any, asked: Callable[[], None], end: Callable[[], None]) -> None:
    """Windows: `asked` when somebody wants the window closed, `end` when the session ends.

    `form` is WinForms' own; pywebview's handlers have been called when these are.
    """

    def closing(_form: Any, event: Any) -> None:
        reason = str(event.CloseReason)
        if reason == _SESSION_ENDS:
            event.Cancel = False
        elif event.Cancel and reason != _EXIT:  # pywebview's own way to follow Ctrl+C
            asked()

    def closed(_form: Any, event: Any) -> None:
        if str(event.CloseReason) == _SESSION_ENDS:
            end()

    form.FormClosing += closing
    form.FormClosed += closed


def follow_app(views: Any, end: Callable[[], None], show: Callable[[], None]) -> None:
    """macOS: `end` when the app is to quit; `show` when it was started again, since no second
    process is begun for that. `views` is pywebview's class; before its first view."""

    class EndingAppDelegate(views.AppDelegate):  # type: ignore[misc]
        def applicationShouldTerminate_(self, _app: Any) -> int:  # noqa: N802
            end()
            return _NOW

        def applicationShouldHandleReopen_hasVisibleWindows_(  # noqa: N802
            self, _app: Any, _visible: bool
        ) -> bool:
            show()
            return False  # nothing is left for AppKit to do

    views.AppDelegate = EndingAppDelegate


def follow_signals(told: Callable[[], None]) -> None:
    """Call `told` on a thread of its own at each signal that has a handler in Python.

    Main thread only. For as long as the process lasts.
    """
    here, there = socket.socketpair()
    there.setblocking(False)
    signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)

    def listen(_there: socket.socket) -> None:  # which must stay open
        while here.recv(64):
            told()

    threading.Thread(target=listen, args=(there,), name="signals", daemon=True).start()
