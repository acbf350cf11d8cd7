"""A tray that cannot be shown is no tray: nothing raises, nothing hangs, everything is accepted."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.shell import notices, tray
from copilot_desktop.shell.menu import SEPARATOR, Item
from copilot_desktop.shell.tray import PystrayTray, background, panel_present

ROWS = (Item("Running", enabled=False), SEPARATOR, Item("Quit", "quit"))


class Backend(types.ModuleType):
    """A stand-in for pystray: its icon works like the real one until `trouble` strikes."""

    def __init__(self, backend: str, trouble: Exception | None = None) -> None:
        super().__init__("pystray")
        made: list[Any] = []

        class Menu:
            SEPARATOR = object()

            def __init__(self, *entries: Any) -> None:
                self.entries = entries

        class Icon:
            HAS_NOTIFICATION = True

            def __init__(self, name: str, picture: Any, title: str, menu: Menu) -> None:
                self.icon, self.title, self.menu = picture, title, menu
                self.visible, self.menus, self.told = False, 0, []
                self.setup = threading.Thread(target=self._wait, daemon=True)
                self._Icon__queue: Any = __import__("queue").SimpleQueue()
                made.append(self)

            def run_detached(self, setup: Any = None) -> None:
                self.setup.start()
                if trouble is not None:
                    raise trouble
                self._Icon__queue.put(True)

            def _wait(self) -> None:
                self._Icon__queue.get()
                self.visible = True

            def update_menu(self) -> None:
                self.menus += 1

            def notify(self, body: str, title: str) -> None:
                self.told.append((title, body))

            def stop(self) -> None: ...

        Icon.__module__ = f"pystray.{backend}"
        self.Icon, self.Menu, self.made = Icon, Menu, made
        self.MenuItem = lambda *facts, **more: (facts, more)


def use(monkeypatch: pytest.MonkeyPatch, backend: Backend) -> Backend:
    monkeypatch.setitem(sys.modules, "pystray", backend)
    return backend


def exercise(shown: PystrayTray) -> None:
    shown.show("running", "Running", ROWS)
    shown.notify("Title", "Body")
    shown.stop()
    shown.stop()


def test_a_working_icon_follows_and_is_touched_only_where_something_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = use(monkeypatch, Backend("_win32"))
    shown = PystrayTray(lambda _: None)
    shown.start()
    assert (shown.available, shown.why_not) == (True, "")
    icon = backend.made[0]
    first = icon.icon

    shown.show("running", "Running", ROWS)
    running = icon.icon
    shown.show("running", "Running", ROWS)

    assert icon.icon is running is not first
    assert (icon.title, icon.menus) == ("Running", 1)
    shown.notify("T" * 100, "B" * 400)
    assert [len(part) for part in icon.told[0]] == [63, 255]
    shown.stop()
    assert (shown.available, icon.visible) == (False, False)


def test_a_switch_shows_how_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = use(monkeypatch, Backend("_win32"))
    shown = PystrayTray(lambda _: None)
    shown.start()
    shown.show("running", "Running", (Item("Start at login", "x", checked=True), Item("Y", "y")))
    switch, plain = (more for _, more in backend.made[0].menu.entries[0]())
    assert switch["checked"](None) is True
    assert plain["checked"] is None


def test_a_press_reaches_the_row_that_was_pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = use(monkeypatch, Backend("_win32"))
    pressed: list[Item] = []
    shown = PystrayTray(pressed.append)
    shown.start()
    shown.show("running", "Running", ROWS)

    rows = backend.made[0].menu.entries[0]()

    assert rows[1] is backend.Menu.SEPARATOR
    (text, press), more = rows[2]
    assert (text, more["enabled"], rows[0][1]["enabled"]) == ("Quit", True, False)
    press(None, None)
    assert pressed == [ROWS[2]]


def test_a_tray_that_cannot_start_leaves_no_thread_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = use(monkeypatch, Backend("_win32", RuntimeError("no session bus")))
    shown = PystrayTray(lambda _: None)

    shown.start()

    assert not shown.available
    assert shown.why_not == "This desktop shows no tray icons."
    backend.made[0].setup.join(5)
    assert not backend.made[0].setup.is_alive()
    exercise(shown)


def test_a_tray_without_a_menu_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = use(monkeypatch, Backend("_xorg"))
    shown = PystrayTray(lambda _: None)
    shown.start()
    assert not shown.available
    assert backend.made == []


def test_pictures_do_not_outlive_the_tray(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    backend = use(monkeypatch, Backend("_appindicator"))
    shown = PystrayTray(lambda _: None)
    shown.start()
    icon = backend.made[0]
    icon._update_fs_icon()
    before = Path(icon._icon_path)
    icon._update_fs_icon()
    assert before.exists()
    assert Path(icon._icon_path) != before
    assert before.parent.stat().st_mode & 0o777 == 0o700

    shown.stop()

    assert list(tmp_path.iterdir()) == []


def test_holding_a_tray_ends_when_the_app_does() -> None:
    ending = threading.Event()
    held = threading.Thread(target=PystrayTray(lambda _: None).hold, args=(ending,), daemon=True)
    held.start()
    ending.set()
    held.join(5)
    assert not held.is_alive()


def test_presses_do_not_keep_the_gui_thread_waiting() -> None:
    done, go_on = threading.Event(), threading.Event()

    def press(_: Item) -> None:
        go_on.wait(5)
        done.set()

    background(press)(ROWS[2])  # returns although the press has not been carried out

    assert not done.is_set()
    go_on.set()
    assert done.wait(5)


NO_TRAY = """
import threading
from copilot_desktop.shell.tray import PystrayTray, panel_present
tray = PystrayTray(lambda item: None)
tray.start()
tray.show("running", "Running", ())
tray.notify("Title", "Body")
tray.stop()
for thread in threading.enumerate():
    if thread is not threading.main_thread() and not thread.daemon:
        thread.join(5)
        assert not thread.is_alive(), thread
print(tray.available, panel_present("Linux"), tray.why_not)
"""


def test_without_screen_and_bus_the_real_library_does_no_harm(tmp_path: Path) -> None:
    """In a process of its own, which must also end by itself."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    nowhere = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", NO_TRAY],
        env={**kept, **nowhere},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False False This desktop shows no tray icons."


def test_a_panel_is_taken_for_granted_where_the_system_has_one() -> None:
    assert panel_present("Windows", {})
    assert panel_present("macOS", {})


@pytest.mark.parametrize(
    ("able", "shown"),
    [
        (["body", "body-markup"], "GitHub said: &lt;a href=x&gt;A &amp; B"),
        (["body"], "GitHub said: <a href=x>A & B"),
    ],
)
def test_words_of_others_are_no_markup_in_a_notice(
    monkeypatch: pytest.MonkeyPatch, able: list[str], shown: str
) -> None:
    jeepney = pytest.importorskip("jeepney", reason="it is for Linux")
    told: list[str] = []

    class Bus:
        def send_and_get_reply(self, call: Any, timeout: float) -> Any:
            if call.header.fields[jeepney.HeaderFields.member] == "GetCapabilities":
                return types.SimpleNamespace(body=(able,))
            told.append(call.body[4])
            done = types.SimpleNamespace(message_type=jeepney.MessageType.method_return)
            return types.SimpleNamespace(header=done)

        def close(self) -> None:
            pass

    monkeypatch.setattr("jeepney.io.blocking.open_dbus_connection", lambda _: Bus())
    assert notices.notify("Title", "GitHub said: <a href=x>A & B")
    assert told == [shown]


def test_nobody_to_notify_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    assert notices.notify("Title", "Body") is False
    assert tray.panel_present("Linux", {}) is False
