"""What the web view is told: no way from page script into Python, and no page but ours."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any, Self

import pytest

from copilot_desktop.shell.engine import Engine
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
        names = ("closing", "before_show", "loaded", "shown", "closed")
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


@pytest.fixture
def view(monkeypatch: pytest.MonkeyPatch) -> View:
    view = View()
    monkeypatch.setitem(sys.modules, "webview", view)
    window = Window(
        f"{HOME}?k=once",
        Engine("cocoa", ""),
        hidden=True,
        dark=False,
        icon=None,
        asked_to_close=lambda: None,
    )
    window.run(lambda: None, lambda: None)
    return view


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
