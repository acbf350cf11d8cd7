"""Windows and macOS end the app when they ask for it; its window is not what keeps them from it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

from copilot_desktop.control.instance import claim
from copilot_desktop.core.settings import Preferences, Settings
from copilot_desktop.shell import desktop as desktops
from copilot_desktop.shell.desktop import Desktop
from copilot_desktop.shell.endings import follow_app, follow_form, follow_signals
from copilot_desktop.shell.engine import Engine
from copilot_desktop.system import current

PATIENCE = 10.0  # seconds


class Handlers:
    """An event of .NET: whoever was added first is called first."""

    def __init__(self) -> None:
        self.calls: list[Callable[..., Any]] = []

    def __iadd__(self, call: Callable[..., Any]) -> Self:
        self.calls.append(call)
        return self


class Form:
    """WinForms' window with pywebview's handler, which refuses what `closing` refuses."""

    def __init__(self, refuses: bool) -> None:
        self.FormClosing, self.FormClosed = Handlers(), Handlers()
        self.FormClosing += lambda _, event: setattr(event, "Cancel", refuses)

    def asked(self, reason: str) -> bool:
        """Whether it would close, as WM_QUERYENDSESSION and WM_CLOSE are answered."""
        event = SimpleNamespace(CloseReason=reason, Cancel=False)
        for call in self.FormClosing.calls:
            call(self, event)
        return not event.Cancel

    def close(self, reason: str) -> None:
        for call in self.FormClosed.calls:
            call(self, SimpleNamespace(CloseReason=reason))


@pytest.mark.parametrize(
    ("reason", "refused", "closes", "told"),
    [
        ("UserClosing", True, False, ["asked"]),
        ("TaskManagerClosing", True, False, ["asked"]),
        ("UserClosing", False, True, []),  # the app itself ends it
        ("ApplicationExitCall", True, False, []),
        ("WindowsShutDown", True, True, ["end"]),
    ],
)
def test_a_window_of_windows_stands_in_the_way_of_no_shutdown(
    reason: str, refused: bool, closes: bool, told: list[str]
) -> None:
    """WinForms answers WM_QUERYENDSESSION with `not Cancel`; its documentation of CloseReason."""
    form, found = Form(refused), list[str]()
    follow_form(form, lambda: found.append("asked"), lambda: found.append("end"))
    assert form.asked(reason) is closes
    if closes:
        form.close(reason)
    assert found == told


def test_a_shutdown_that_another_program_has_stopped_ends_nothing() -> None:
    form, found = Form(True), list[str]()
    follow_form(form, lambda: found.append("asked"), lambda: found.append("end"))
    assert form.asked("WindowsShutDown")
    assert found == []


def test_quit_of_macos_ends_everything_before_the_system_ends_the_process() -> None:
    """`applicationShouldTerminate:` is asked at Command-Q, by the Dock and at the end of a session;
    0 (NSTerminateCancel), which pywebview's own answers, stops the session from ending."""

    class AppDelegate:
        def applicationShouldTerminate_(self, _app: object) -> int:  # noqa: N802
            return 0

    views: Any = SimpleNamespace(AppDelegate=AppDelegate)
    found: list[str] = []
    follow_app(views, lambda: found.append("end"), lambda: found.append("show"))
    assert views.AppDelegate().applicationShouldTerminate_(None) == 1
    assert found == ["end"]


def test_a_second_start_on_macos_shows_the_window() -> None:
    """LaunchServices starts no second process of an app: it sends the first one a "reopen"."""
    views: Any = SimpleNamespace(AppDelegate=object)
    found: list[str] = []
    follow_app(views, lambda: found.append("end"), lambda: found.append("show"))
    app = views.AppDelegate()
    assert not app.applicationShouldHandleReopen_hasVisibleWindows_(None, False)
    assert found == ["show"]


@pytest.fixture
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    descriptor = signal.set_wakeup_fd(-1)
    yield
    signal.set_wakeup_fd(descriptor)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals")
def test_a_signal_is_heard_whatever_handler_a_toolkit_puts_in_place() -> None:
    told = threading.Semaphore(0)
    follow_signals(told.release)
    signal.signal(signal.SIGINT, lambda *_: None)
    for _ in range(2):
        signal.raise_signal(signal.SIGINT)
        assert told.acquire(timeout=PATIENCE)


class WindowsView:
    """pywebview on Windows: it takes SIGINT, and its events come on the thread of the window."""

    made: list[WindowsView] = []  # noqa: RUF012

    def __init__(self, *_: object, icon: Any, end: Callable[[], None], **named: object) -> None:
        self.icon, self.end = icon, end
        self.gone = threading.Event()
        self.wrong: list[BaseException] = []
        WindowsView.made.append(self)

    def run(self, before_show: Callable[[], None], _ready: Callable[[], None]) -> None:
        signal.signal(signal.SIGINT, lambda *_: None)

        def create() -> None:
            try:
                before_show()
            except BaseException as error:
                self.wrong.append(error)

        thread = threading.Thread(target=create)
        thread.start()
        thread.join(PATIENCE)
        signal.raise_signal(signal.SIGINT)
        self.gone.wait(PATIENCE)

    def destroy(self) -> None:
        self.gone.set()


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    monkeypatch.setattr(WindowsView, "made", [])
    monkeypatch.setattr(desktops, "Window", WindowsView)
    for name in ("_start_tray", "_note"):
        monkeypatch.setattr(Desktop, name, lambda *_, **__: None)
    preferences = Preferences.of(Settings(data_dir=tmp_path, start_proxy=False))
    instance = claim(tmp_path)
    assert instance is not None
    return Desktop(preferences, Engine("webview2", ""), instance, demo="pro", hidden=True)


@pytest.mark.usefixtures("_signals")
def test_ctrl_c_ends_the_app_on_windows(desktop: Desktop) -> None:
    assert desktop.run() == 0
    (view,) = WindowsView.made
    assert view.gone.is_set()
    assert view.wrong == [], "only the main thread may set a handler"


@pytest.mark.usefixtures("_signals")
def test_a_window_of_windows_gets_an_icon_that_windows_takes(desktop: Desktop) -> None:
    """System.Drawing.Icon throws for whatever does not begin like an ICO file, and the exception
    ends the thread of the window."""
    desktop.run()
    (view,) = WindowsView.made
    assert view.icon.read_bytes()[:4] == bytes([0, 0, 1, 0])


@pytest.mark.usefixtures("_signals")
def test_a_window_that_cannot_be_made_is_a_page_in_the_browser(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pywebview raises where .NET does not load, as from an archive that Windows has marked as
    coming from the web (pywebview 1292); the proxy must not end with that."""
    opened: list[str] = []

    def run(*_: object) -> None:
        raise RuntimeError("You must have pythonnet installed in order to use pywebview.")

    def open_url(_system: object, url: str) -> bool:
        opened.append(url)
        desktop.quit()
        return True

    monkeypatch.setattr(WindowsView, "run", run)
    monkeypatch.setattr(type(current()), "open_url", open_url)
    desktop._hidden = False
    assert desktop.run() == 0
    assert [url.startswith("http://127.0.0.1:") for url in opened] == [True]


@pytest.mark.usefixtures("_signals")
def test_what_the_system_ends_has_ended_in_order(
    desktop: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[bool] = []

    def run(view: WindowsView, *_: object) -> None:
        view.end()
        found.append(not desktop._thread.alive and claim(tmp_path) is not None)

    monkeypatch.setattr(WindowsView, "run", run)
    assert desktop.run() == 0
    assert found == [True]
