"""Which window engine shows the page, and why: asked before anything graphical is imported.

On Linux WebKitGTK comes first, Qt second, the default browser on the same local page last; without
a screen there is no window at all (`gui-lab.md` §1). On Windows without WebView2 pywebview would
show the page in Internet Explorer, which cannot read it; there it is the browser too. Importing a
toolkit without its libraries can end the process, so availability is looked up instead of tried.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_WEBVIEW2 = r"Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}"

EngineName = Literal["gtk", "qt", "webview2", "cocoa", "browser", "none"]


@dataclass(frozen=True, slots=True)
class Engine:
    """`reason` is a sentence for Help and `status`; `missing` what a window would need."""

    name: EngineName
    reason: str
    missing: str = ""

    @property
    def has_window(self) -> bool:
        return self.name not in {"browser", "none"}


# Where a toolkit is there, but makes no window.
INSTEAD = Engine("browser", "The window could not be made; the log says why.")


def choose_engine(
    system: str,
    environ: Mapping[str, str],
    *,
    webview_missing: Callable[[], str | None] | None = None,
    gtk_missing: Callable[[], str | None] | None = None,
    qt_missing: Callable[[], str | None] | None = None,
    webview2_missing: Callable[[], str | None] | None = None,
) -> Engine:
    """The engine for this session. `COPILOT_DESKTOP_ENGINE` may name one (gtk, qt, browser)."""
    wish = environ.get("COPILOT_DESKTOP_ENGINE", "")
    screen = system != "Linux" or environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")
    if screen and wish == "browser":
        return Engine("browser", "The default browser was asked for.")
    if screen and (why := (webview_missing or _webview_missing)()):
        return Engine("browser", why, missing="pywebview")
    if system == "macOS":
        return Engine("cocoa", "The system's own web view.")
    if system == "Windows":
        if why := (webview2_missing or _webview2_missing)():
            return Engine("browser", why, missing="WebView2")
        return Engine("webview2", "The system's own web view.")
    if not screen:
        return Engine("none", "There is no screen, so there is no window.")
    why_no_gtk = (gtk_missing or _gtk_missing)()
    if why_no_gtk is None and wish != "qt":
        return Engine("gtk", "WebKitGTK is installed.")
    why_no_qt = qt_missing() if qt_missing else _qt_missing(environ)
    if why_no_qt is None:
        return Engine("qt", "Qt is installed.")
    if why_no_gtk is None:
        return Engine("gtk", f"WebKitGTK is installed. {why_no_qt}")
    return Engine("browser", f"{why_no_gtk} {why_no_qt}", missing="WebKitGTK")


def _webview_missing() -> str | None:
    """The wheel alone brings no window."""
    if importlib.util.find_spec("webview") is None:
        return "The extra `desktop` with the window (pywebview) is not installed."
    return None


def _webview2_missing(load: Callable[[str], Any] = importlib.import_module) -> str | None:
    """By the version that its installer leaves in the registry, as Microsoft's guide to
    distributing it says."""
    try:
        registry = load("winreg")
    except ImportError:
        return None  # nobody can tell here
    for root, folder in (
        (registry.HKEY_LOCAL_MACHINE, "SOFTWARE\\WOW6432Node"),
        (registry.HKEY_CURRENT_USER, "Software"),
    ):
        try:
            with registry.OpenKey(root, f"{folder}\\{_WEBVIEW2}") as key:
                version = registry.QueryValueEx(key, "pv")[0]
        except OSError:
            continue
        if version not in {"", "0.0.0.0"}:  # noqa: S104 - a version, left by its removal
            return None
    return "Microsoft's WebView2 Runtime is not installed."


def _gtk_missing() -> str | None:
    if importlib.util.find_spec("gi") is None:
        return "GTK's Python bindings (python3-gi) are not installed."
    import gi  # noqa: PLC0415 - the bindings alone open no display

    for name, version in (("Gtk", "3.0"), ("WebKit2", "4.1")):
        try:
            gi.require_version(name, version)
        except ValueError:
            return f"{name} {version} for GTK is not installed."
    return None


def _qt_missing(environ: Mapping[str, str]) -> str | None:
    for name in ("qtpy", "PySide6.QtWebEngineCore"):
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            return "Qt (PySide6) is not installed."
    if "QT_QPA_PLATFORM" in environ:
        return None
    # A wheel of PySide6 brings Qt, but not all that Qt's way to the screen needs of the system
    # (libxcb-cursor0, as a rule). Qt finds that out when it makes the window, and aborts.
    found = importlib.util.find_spec("PySide6")
    assert found is not None
    wanted = [
        plugin
        for folder in found.submodule_search_locations or ()
        for variable, name in (("WAYLAND_DISPLAY", "libqwayland*.so"), ("DISPLAY", "libqxcb.so"))
        if environ.get(variable)
        for plugin in Path(folder, "Qt", "plugins", "platforms").glob(name)
    ]
    return _unusable(wanted)


def _unusable(libraries: Iterable[Path]) -> str | None:
    """Why none of `libraries` can be loaded. None if one can, or there is none."""
    why = ""
    for library in libraries:
        try:
            ctypes.CDLL(str(library))
        except OSError as error:
            why = str(error).partition(":")[0]
        else:
            return None
    return f"Qt needs a library of the system that is not installed ({why})." if why else None
