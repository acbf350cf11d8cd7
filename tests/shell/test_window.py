"""What the web view is told: no way from page script into Python, and no page but ours."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Self

import pytest

from copilot_desktop.core.last_run import Place
from copilot_desktop.shell.engine import Engine, EngineName
from copilot_desktop.shell.window import Window

HOME = "http://127.0.0.1:4242/"


class Event:
    def __init__(self) -> None:
        self.calls: list[Any] = []

    def __iadd__(self, call: Any) -> Self:
        self.calls.append(call)
        return self


class View:
    """A pywebview that only remembers."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self.created: list[tuple[Any, dict[str, Any]]] = []
        self.started: dict[str, Any] = {}
        self.address = HOME
        self.loaded: list[str] = []
        names = (
            "closing", "before_show", "loaded", "shown", "closed",
            "moved", "resized", "maximized", "restored",
        )  # fmt: skip
        self.events = SimpleNamespace(**{name: Event() for name in names})

    def create_window(self, *given: Any, **named: Any) -> View:
        self.created.append((given, named))
        return self

    def start(self, **named: Any) -> None:
        self.started = named

    def get_current_url(self) -> str:
        return self.address

    def load_url(self, url: str) -> None:
        self.loaded.append(url)


def run(
    monkeypatch: pytest.MonkeyPatch,
    engine: EngineName = "cocoa",
    place: Place | None = None,
    moved: Callable[[Place], None] = lambda _: None,
    screens: tuple[Any, ...] = (),
) -> View:
    view = View()
    guilib = SimpleNamespace(initialize=lambda _: SimpleNamespace(get_screens=lambda: screens))
    monkeypatch.setitem(sys.modules, "webview", view)
    monkeypatch.setitem(sys.modules, "webview.guilib", guilib)
    window = Window(
        f"{HOME}?k=once",
        Engine(engine, ""),
        hidden=True,
        dark=False,
        icon=None,
        asked_to_close=lambda: None,
        place=place,
        moved=moved,
    )
    window.run(lambda: None, lambda: None)
    return view


@pytest.fixture
def view(monkeypatch: pytest.MonkeyPatch) -> View:
    return run(monkeypatch)


def test_page_script_has_no_bridge_into_python(view: View) -> None:
    (_, named), started = view.created[0], view.started
    assert "js_api" not in named
    assert started["debug"] is False
    assert not {"http_server", "ssl", "func"} & started.keys()
    assert view.settings["ALLOW_FILE_URLS"] is False
    assert view.settings["ALLOW_DOWNLOADS"] is False


@pytest.mark.parametrize(
    ("address", "brought_back"),
    [
        (HOME, []),
        (f"{HOME}#usage", []),
        ("https://evil.example/", [HOME]),
        ("http://127.0.0.1:42421/", [HOME]),
        ("http://127.0.0.1:4242.evil.example/", [HOME]),
        ("file:///etc/passwd", [HOME]),
    ],
)
def test_another_page_does_not_stay(view: View, address: str, brought_back: list[str]) -> None:
    view.address = address
    view.events.loaded.calls[0]()
    assert view.loaded == brought_back


SECOND = SimpleNamespace(x=1280, y=0, width=1920, height=1080)


@pytest.mark.parametrize(("engine", "x"), [("webview2", 1400), ("cocoa", 120)])
def test_a_window_opens_where_it_was_in_the_words_of_its_toolkit(
    monkeypatch: pytest.MonkeyPatch, engine: EngineName, x: int
) -> None:
    place = Place(1400, 50, 1000, 700, maximized=True)
    _, named = run(monkeypatch, engine, place, screens=(SECOND,)).created[0]
    assert (named["x"], named["y"], named["width"], named["height"]) == (x, 50, 1000, 700)
    assert named["maximized"] is True


def test_a_toolkit_without_screens_still_shows_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    _, named = run(monkeypatch, "webview2", Place(1400, 50, 1000, 700)).created[0]
    assert (named["x"], named["y"], named["width"]) == (None, None, 1000)


def test_a_drag_is_told_once_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Place] = []
    over = threading.Event()
    view = run(monkeypatch, "webview2", moved=lambda place: (told.append(place), over.set()))
    for x in range(30):
        view.events.moved.calls[0](x, 9.6)
    view.events.resized.calls[0](900, 640)
    assert over.wait(10)
    assert told == [Place(29, 10, 900, 640)]


def test_a_maximised_window_keeps_the_place_to_come_back_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Place] = []
    over = threading.Event()
    before = Place(5, 6, 900, 640)
    view = run(
        monkeypatch,
        "webview2",
        before,
        lambda place: (told.append(place), over.set()),
    )
    view.events.resized.calls[0](1920, 1080)
    view.events.moved.calls[0](0, 0)
    view.events.maximized.calls[0]()
    assert over.wait(10)
    assert told == [Place(5, 6, 900, 640, maximized=True)]


def test_a_minimised_window_keeps_its_place_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows moves it to -32000, -32000 and leaves a bare title of it; a quit from the tray then
    must not be what the next start goes by."""
    told: list[Place] = []
    over = threading.Event()
    view = run(
        monkeypatch,
        "webview2",
        Place(5, 6, 900, 640),
        lambda place: (told.append(place), over.set()),
    )
    view.events.moved.calls[0](-21333, -21333)
    view.events.resized.calls[0](106, 18)
    assert not over.wait(1.5)
    view.events.moved.calls[0](7, 8)
    view.events.resized.calls[0](900, 640)
    assert over.wait(10)
    assert told == [Place(7, 8, 900, 640)]


class Form:
    """A window of Windows."""

    def __init__(self, state: str = "Normal") -> None:
        self.WindowState = state
        self.FormClosing, self.FormClosed = Event(), Event()


def windows(monkeypatch: pytest.MonkeyPatch, form: Form, asked: Callable[[], None]) -> Any:
    """A window that is on the screen, with pywebview's part as `view`."""
    view = View()
    done: list[str] = []
    view.__dict__ |= {
        "native": form, "done": done,
        "show": lambda: done.append("show"), "restore": lambda: done.append("restore"),
    }  # fmt: skip
    guilib = SimpleNamespace(initialize=lambda _: SimpleNamespace(get_screens=list))
    monkeypatch.setitem(sys.modules, "webview", view)
    monkeypatch.setitem(sys.modules, "webview.guilib", guilib)
    engine = Engine("webview2", "")
    window = Window(HOME, engine, hidden=False, dark=False, icon=None, asked_to_close=asked)
    window.run(lambda: None, lambda: None)
    for call in view.events.before_show.calls:
        call()
    return SimpleNamespace(window=window, view=view)


@pytest.mark.parametrize(
    ("state", "done"),
    [("Normal", ["show"]), ("Maximized", ["show"]), ("Minimized", ["show", "restore"])],
)
def test_a_window_comes_back_as_large_as_it_was(
    monkeypatch: pytest.MonkeyPatch, state: str, done: list[str]
) -> None:
    """pywebview's `restore` makes a maximised window on Windows a normal one."""
    shown = windows(monkeypatch, Form(state), lambda: None)
    shown.window.show()
    assert shown.view.done == done


def test_a_session_that_ends_is_not_taken_for_the_close_button(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, form = threading.Semaphore(0), Form()
    shown = windows(monkeypatch, form, asked.release)

    def close(reason: str) -> bool:
        refused = shown.view.events.closing.calls[0]() is False
        event = SimpleNamespace(CloseReason=reason, Cancel=refused)
        for call in form.FormClosing.calls:
            call(form, event)
        return not event.Cancel

    assert close("WindowsShutDown")
    assert not asked.acquire(timeout=0.3)
    assert not close("UserClosing")
    assert asked.acquire(timeout=10)


def test_what_macos_asks_the_app_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    views = SimpleNamespace(AppDelegate=type("AppDelegate", (), {}))
    cocoa = SimpleNamespace(BrowserView=views)
    monkeypatch.setitem(sys.modules, "webview.platforms", SimpleNamespace(cocoa=cocoa))
    monkeypatch.setitem(sys.modules, "webview.platforms.cocoa", cocoa)
    run(monkeypatch, "cocoa")
    delegate = views.AppDelegate()
    assert delegate.applicationShouldTerminate_(None) == 1
    delegate.applicationShouldHandleReopen_hasVisibleWindows_(None, True)


class Native:
    """A GTK window that must be left alone once it is destroyed. `turns` is the loop's queue."""

    def __init__(self) -> None:
        self.turns: list[Callable[[], object]] = []
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., bool]:
        def call(*_: object) -> bool:
            assert "destroy" not in self.calls, f"{name} of a window that is gone"
            self.calls.append(name)
            return False

        return call

    def turn(self) -> None:
        while self.turns:
            self.turns.pop(0)()


@pytest.fixture
def gtk(monkeypatch: pytest.MonkeyPatch) -> tuple[Window, Native]:
    """A window as pywebview makes it with GTK: everything happens on a later turn of the loop."""
    monkeypatch.setenv("WEBKIT_DISABLE_DMABUF_RENDERER", "1")  # as it is set at the start
    native, view = Native(), View()
    later = native.turns.append

    def on(name: str) -> Callable[[], None]:
        return lambda: later(getattr(native, name))

    view.__dict__ |= {
        "native": native, "show": on("show_all"), "destroy": on("destroy"),
        "restore": lambda: later(lambda: later(native.present)),
    }  # fmt: skip
    glib = SimpleNamespace(idle_add=later, set_prgname=lambda _: None)
    toplevels = SimpleNamespace(Window=SimpleNamespace(list_toplevels=list))
    repository = SimpleNamespace(GLib=glib, Gtk=toplevels)
    monkeypatch.setitem(sys.modules, "gi", SimpleNamespace(repository=repository))
    monkeypatch.setitem(sys.modules, "gi.repository", repository)
    monkeypatch.setitem(sys.modules, "webview", view)
    guilib = SimpleNamespace(initialize=lambda _: SimpleNamespace(get_screens=list))
    monkeypatch.setitem(sys.modules, "webview.guilib", guilib)
    window = Window(
        HOME,
        Engine("gtk", ""),
        hidden=True,
        dark=False,
        icon=None,
        asked_to_close=lambda: None,
        place=Place(10, 20, 800, 600),
    )
    window.run(lambda: None, lambda: None)
    return window, native


def test_a_window_comes_to_the_front_where_it_was(gtk: tuple[Window, Native]) -> None:
    window, native = gtk
    window.show()
    native.turn()
    assert native.calls == ["get_visible", "move", "show_all", "deiconify", "present"]


@pytest.mark.parametrize("turns", range(4))
def test_a_window_that_is_gone_is_left_alone(gtk: tuple[Window, Native], turns: int) -> None:
    window, native = gtk
    window.show()
    for _ in range(turns):
        native.turns.pop(0)()
    window.destroy()
    window.show()  # by a second launch, which came too late
    native.turn()
    assert native.calls[-1] == "destroy"
