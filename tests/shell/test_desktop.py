"""Which thread may do what with the window: wishes that come at once end as the last one says."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from copilot_desktop.core.settings import Preferences, Settings
from copilot_desktop.core.verbs import Outcome
from copilot_desktop.shell.desktop import Desktop
from copilot_desktop.shell.engine import Engine
from copilot_desktop.shell.menu import Item

PATIENCE = 5.0  # seconds


class Window:
    """One whose page is given up slowly; `seen` says whether a page can be looked at."""

    def __init__(self) -> None:
        self.shown, self.page = True, True
        self.hiding, self.go_on = threading.Event(), threading.Event()
        self.calls: list[str] = []

    @property
    def seen(self) -> bool:
        return self.shown and self.page

    def show(self) -> None:
        self.calls.append("show")
        self.shown = True

    def hide(self) -> None:
        self.calls.append("hide")
        self.shown = False
        self.hiding.set()
        assert self.go_on.wait(PATIENCE)

    def free(self) -> None:
        self.calls.append("free")
        self.page = False

    def refill(self, _url: str) -> None:
        self.calls.append("refill")
        self.page = True


class Thread:
    """The core, as far as the window asks for it."""

    def __init__(self) -> None:
        settings = Settings(free_memory=True)
        core = SimpleNamespace(
            settings=settings,
            system=SimpleNamespace(name="Linux"),
            store=SimpleNamespace(state=SimpleNamespace(language="en")),
            verbs=SimpleNamespace(do=lambda *_: None),
        )
        self.value = SimpleNamespace(core=core, control=SimpleNamespace(url=lambda: "once"))

        self.outcome = Outcome(True)

    def submit(self, _work: Any) -> Outcome:
        return self.outcome

    def call_soon(self, _action: Any) -> None: ...


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    preferences = Preferences.of(Settings(data_dir=tmp_path, free_memory=True))
    desktop = Desktop(preferences, Engine("gtk", ""), None, demo="pro", hidden=False)  # type: ignore[arg-type]
    monkeypatch.setattr(desktop, "_thread", Thread())
    monkeypatch.setattr(desktop, "_window", Window())
    monkeypatch.setattr("copilot_desktop.shell.desktop.panel_present", lambda _: True)
    return desktop


def settled() -> None:
    for thread in threading.enumerate():
        if thread.name == "shell":
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_a_show_while_the_page_is_given_up_ends_with_a_page_to_look_at(desktop: Desktop) -> None:
    window: Any = desktop._window
    desktop.hide_window()
    assert window.hiding.wait(PATIENCE)

    desktop.show_window()
    # Without order the show would be over now, before the page is given up.
    threads = [each for each in threading.enumerate() if each.name == "shell"]
    threads[-1].join(0.3)
    window.go_on.set()
    settled()

    assert window.seen, window.calls


def test_a_start_that_was_hidden_does_not_empty_a_window_that_was_shown_meanwhile(
    desktop: Desktop,
) -> None:
    window: Any = desktop._window
    desktop._hidden = True
    desktop.show_window()
    settled()

    desktop._ready()

    assert window.seen, window.calls


def test_the_last_wish_counts_whatever_thread_is_first(desktop: Desktop) -> None:
    window: Any = desktop._window
    window.go_on.set()
    for _ in range(5):
        desktop.show_window()
        desktop.hide_window()
    settled()
    assert not window.shown

    desktop.hide_window()
    desktop.show_window()
    settled()
    assert window.seen, window.calls


def test_what_a_press_in_the_tray_did_not_do_is_told(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread: Any = desktop._thread
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(desktop._tray, "notify", lambda *words: told.append(words))
    press = Item("Start at login", "start_at_login", {"on": True})
    desktop._press(press)
    assert told == []
    why = "The system did not take it: Read-only file system."
    thread.outcome = Outcome(False, "invalid_request", why)
    desktop._press(press)
    assert told == [("That did not work", why)]

    monkeypatch.setattr("copilot_desktop.shell.clipboard.copy", lambda _: False)
    desktop._press(Item("OpenAI", copies="http://127.0.0.1:4141/v1"))
    assert told[1][0] == "Not copied"
