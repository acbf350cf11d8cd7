"""Which engine shows the page: the best that is there, and a true reason for it."""

from __future__ import annotations

import _ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from copilot_desktop.shell.engine import choose_engine

SCREEN = {"DISPLAY": ":0"}
NO_GTK, NO_QT = "No GTK.", "No Qt."


def chosen(environ: dict[str, str], *, gtk: bool = True, qt: bool = True) -> tuple[str, str]:
    engine = choose_engine(
        "Linux",
        environ,
        webview_missing=lambda: None,
        gtk_missing=lambda: None if gtk else NO_GTK,
        qt_missing=lambda: None if qt else NO_QT,
    )
    return engine.name, engine.reason


def test_gtk_comes_first_then_qt_then_the_browser() -> None:
    assert chosen(SCREEN)[0] == "gtk"
    assert chosen(SCREEN, gtk=False)[0] == "qt"
    assert chosen(SCREEN, gtk=False, qt=False) == ("browser", f"{NO_GTK} {NO_QT}")
    assert chosen({"WAYLAND_DISPLAY": "wayland-0"})[0] == "gtk"


def test_a_wish_is_followed_where_it_can_be() -> None:
    assert chosen({**SCREEN, "COPILOT_DESKTOP_ENGINE": "qt"})[0] == "qt"
    assert chosen({**SCREEN, "COPILOT_DESKTOP_ENGINE": "browser"})[0] == "browser"
    assert chosen({**SCREEN, "COPILOT_DESKTOP_ENGINE": "qt"}, qt=False) == (
        "gtk",
        f"WebKitGTK is installed. {NO_QT}",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a choice of toolkits")
def test_qt_without_what_it_needs_of_the_system_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would end the whole app, proxy and all, in the moment in which it opens its window."""
    platforms = tmp_path / "PySide6" / "Qt" / "plugins" / "platforms"
    platforms.mkdir(parents=True)
    (tmp_path / "qtpy.py").touch()
    (tmp_path / "PySide6" / "__init__.py").touch()
    (tmp_path / "PySide6" / "QtWebEngineCore.py").touch()
    (platforms / "libqxcb.so").write_bytes(b"no library")
    (platforms / "libqwayland.so").symlink_to(_ctypes.__file__)
    for name in [name for name in sys.modules if name.split(".")[0] in {"PySide6", "qtpy"}]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)

    def engine(**environ: str) -> tuple[str, str]:
        found = choose_engine(
            "Linux", environ, webview_missing=lambda: None, gtk_missing=lambda: NO_GTK
        )
        monkeypatch.delitem(sys.modules, "PySide6")
        return found.name, found.reason

    name, reason = engine(DISPLAY=":0")
    assert name == "browser"
    assert "Qt needs a library" in reason
    assert engine(DISPLAY=":0", WAYLAND_DISPLAY="wayland-0")[0] == "qt"
    assert engine(DISPLAY=":0", QT_QPA_PLATFORM="offscreen")[0] == "qt"
    (platforms / "libqxcb.so").unlink()  # as Debian has it, whose packages need what Qt needs
    assert engine(DISPLAY=":0")[0] == "qt"


@pytest.mark.parametrize("wish", ["", "gtk", "browser"])
def test_without_a_screen_there_is_no_window(wish: str) -> None:
    def never() -> str | None:
        raise AssertionError("a toolkit was looked at without a screen")

    engine = choose_engine(
        "Linux",
        {"COPILOT_DESKTOP_ENGINE": wish},
        webview_missing=never,
        gtk_missing=never,
        qt_missing=never,
    )
    assert engine.name == "none"
    assert not engine.has_window


def test_other_systems_bring_their_own() -> None:
    assert choose_engine("Windows", {}).name == "webview2"
    assert choose_engine("macOS", {}).name == "cocoa"
    assert choose_engine("macOS", {}).has_window
    for system in ("Windows", "macOS"):
        assert choose_engine(system, {"COPILOT_DESKTOP_ENGINE": "browser"}).name == "browser"


@pytest.mark.parametrize("system", ["Linux", "Windows", "macOS"])
def test_the_wheel_without_its_extra_opens_the_browser(system: str) -> None:
    engine = choose_engine(system, SCREEN, webview_missing=lambda: "No extra.")
    assert (engine.name, engine.reason, engine.missing) == ("browser", "No extra.", "pywebview")


def test_looking_for_the_engines_of_this_machine_never_fails() -> None:
    assert choose_engine("Linux", SCREEN).reason


class Registry:
    """`winreg` with the versions that are given for a machine and for its user."""

    HKEY_LOCAL_MACHINE, HKEY_CURRENT_USER = "machine", "user"

    def __init__(self, **versions: str) -> None:
        self.versions = versions

    @contextmanager
    def OpenKey(self, root: str, path: str) -> Iterator[str]:  # noqa: N802
        assert path.endswith(r"Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}")
        if root not in self.versions:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        yield self.versions[root]

    def QueryValueEx(self, key: str, name: str) -> tuple[str, int]:  # noqa: N802
        assert name == "pv"
        return key, 1


@pytest.mark.parametrize(
    ("versions", "name"),
    [
        ({}, "browser"),
        ({"machine": "0.0.0.0"}, "browser"),
        ({"machine": ""}, "browser"),
        ({"machine": "120.0.2210.91"}, "webview2"),
        ({"user": "120.0.2210.91"}, "webview2"),
    ],
)
def test_windows_without_its_web_view_opens_the_browser(
    monkeypatch: pytest.MonkeyPatch, versions: dict[str, str], name: str
) -> None:
    monkeypatch.setitem(sys.modules, "winreg", Registry(**versions))
    engine = choose_engine("Windows", {}, webview_missing=lambda: None)
    assert engine.name == name
    assert engine.missing == ("WebView2" if name == "browser" else "")
