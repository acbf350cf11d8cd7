"""The tray icon: pystray behind a small port, because it has sharp edges (`gui-lab.md` §2).

Importing pystray without a display can raise anything; starting it without a session bus raises and
leaves a thread that never ends; nothing tells when no panel shows the icon. Each of that is guarded
here, so that the rest of the app only knows "there is a tray" or "there is none, because …".
On Linux and macOS `start` must be called on the main thread before the window's loop begins.
"""

from __future__ import annotations

import importlib
import itertools
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from copilot_desktop import resources
from copilot_desktop.shell import notices
from copilot_desktop.shell.icons import DARK_INK, LIGHT_INK, Glyph, paint
from copilot_desktop.shell.menu import Item
from copilot_desktop.shell.telling import BODY_LIMIT, TITLE_LIMIT, clipped

log = logging.getLogger(__name__)

ICON_SIZE = 48
_GTK_BACKENDS = frozenset({"_appindicator", "_gtk"})
_LOOK = 0.25  # seconds between two looks at whether the app is to end
_PRESSES = 1000  # rows of menus that may still be open
OnPress = Callable[[Item], None]
OnCall = Callable[..., object]


class PystrayTray:
    """`available` is false when no icon was made; `why_not` says why. `press` is called on the GUI
    thread and must return at once."""

    def __init__(self, press: OnPress, *, dark_panel: bool | None = None) -> None:
        self.available = False
        self.why_not = "The tray has not been started."
        self._press = press
        self._ink, self._outline = _inks(dark_panel)
        self._icon: Any = None
        self._backend = ""
        self._folder: Path | None = None
        self._glyph: Glyph = "busy"
        self._tooltip = ""
        self._rows: tuple[Item, ...] = ()

    def start(self) -> None:
        try:
            self._icon = self._made()
            self._tame()
            # Its own way of showing itself touches the icon off the main thread: macOS ends that.
            self._icon.run_detached(*([_leave_alone] if self._backend == "_darwin" else []))
        except Exception as error:  # noqa: BLE001 - GLib, Xlib and D-Bus raise their own kinds
            log.warning("There is no tray icon: %s", error)
            self.why_not = "This desktop shows no tray icons."
            self._release_setup_thread()
            self._forget_pictures()
            return
        self.available, self.why_not = True, ""
        self._quieten_notifier()
        if self._backend == "_darwin":
            self._on_gui(lambda: setattr(self._icon, "visible", True))

    def show(self, glyph: Glyph, tooltip: str, rows: tuple[Item, ...]) -> None:
        before = (self._glyph, self._tooltip, self._rows)
        self._glyph, self._tooltip, self._rows = glyph, tooltip, rows
        if not self.available:
            return
        if glyph != before[0]:
            picture = self._picture(glyph)
            self._on_gui(lambda: setattr(self._icon, "icon", picture))
        if tooltip != before[1]:
            self._on_gui(lambda: setattr(self._icon, "title", tooltip))
        if rows != before[2]:
            self._on_gui(self._icon.update_menu)
        if self._backend in _GTK_BACKENDS and (tooltip, rows) != before[1:]:
            self._complete(tooltip, [row.default for row in rows])

    def notify(self, title: str, body: str) -> None:
        """Not on the GUI thread: a notification service may take its time."""
        title, body = clipped(title, TITLE_LIMIT), clipped(body, BODY_LIMIT)
        if self._backend in _GTK_BACKENDS or not self.available:  # a notice needs no tray
            notices.notify(title, body, resources.assets() / "icon-128.png")
        elif self._icon.HAS_NOTIFICATION:
            try:
                self._icon.notify(body, title)
            except Exception as error:  # noqa: BLE001 - a notification is never worth a crash
                log.info("The notification was not shown: %s", error)

    def hold(self, until: threading.Event) -> None:
        """Keep the icon alive where no window does: runs the toolkit's loop on the main thread."""
        if not (self.available and self._backend in _GTK_BACKENDS):
            while not until.wait(_LOOK):
                continue
            return
        from gi.repository import GLib  # noqa: PLC0415

        loop = GLib.MainLoop()

        def look() -> bool:
            if until.is_set():
                loop.quit()
            return not until.is_set()

        GLib.timeout_add(round(_LOOK * 1000), look)
        loop.run()

    def stop(self) -> None:
        if not self.available:
            return
        self.available = False
        try:
            if self._backend == "_darwin":
                # Stopping the icon would stop the loop of the whole app with it.
                self._on_gui(lambda: setattr(self._icon, "visible", False))
            else:
                self._icon.visible = False
                self._icon.stop()
        except Exception as error:  # noqa: BLE001 - the icon goes with the process anyway
            log.info("The tray icon did not stop: %s", error)
        self._forget_pictures()

    # ------------------------------------------------------------------------ inner workings

    def _made(self) -> Any:
        import pystray  # noqa: PLC0415 - may raise without a display

        kind = pystray.Icon
        if kind.__module__ == "pystray._appindicator" and _only_classic():
            # An indicator has a stand-in there whose every press opens the menu. A plain icon
            # opens the window on a left press, as people expect of such a tray.
            kind = importlib.import_module("pystray._gtk").Icon
        self._backend = kind.__module__.rpartition(".")[2]
        if self._backend == "_xorg":
            raise RuntimeError("the X11 fallback of the tray library has no menu")
        menu = pystray.Menu(lambda: tuple(self._entry(pystray, row) for row in self._rows))
        return kind("copilot-desktop", self._picture(self._glyph), "Copilot Desktop", menu)

    def _picture(self, glyph: Glyph) -> Any:
        return paint(glyph, ICON_SIZE, self._ink, outline=self._outline)

    def _entry(self, pystray: Any, row: Item) -> Any:
        if row.is_separator:
            return pystray.Menu.SEPARATOR
        if row.rows:
            action: Any = pystray.Menu(*(self._entry(pystray, each) for each in row.rows))
        else:
            action = lambda _icon, _item: self._press(row)  # noqa: E731
        checked: Any = None if row.checked is None else (lambda _item: row.checked)
        return pystray.MenuItem(
            row.text, action, checked=checked, default=row.default, enabled=row.enabled
        )

    def _complete(self, tooltip: str, defaults: list[bool]) -> None:
        """What the library leaves out: a classic icon's tooltip, and what a middle press on an
        indicator does (a left one is the panel's, which opens the menu)."""
        try:
            from gi.repository import GLib  # noqa: PLC0415
        except ImportError:  # a stand-in for the library
            return

        def complete() -> bool:
            icon = self._icon
            if self._backend == "_gtk":
                icon._status_icon.set_tooltip_text(tooltip)  # noqa: SLF001
            elif self.available and (menu := icon._menu_handle) is not None:  # noqa: SLF001
                for item, default in zip(menu.get_children(), defaults, strict=False):
                    if default:
                        icon._appindicator.set_secondary_activate_target(item)  # noqa: SLF001
            return False

        GLib.idle_add(complete)  # behind the library's own changes, which wait there as well

    def _on_gui(self, action: Callable[[], object]) -> None:
        """GTK and Windows icons hand calls over by themselves; AppKit ends a wrong thread."""
        if self._backend == "_darwin":
            importlib.import_module("PyObjCTools.AppHelper").callAfter(action)
        else:
            action()

    def _keep_presses(self) -> None:
        """macOS: a menu that is open stays on the screen while a newer one takes its place, and a
        press in it tells only a number, which the library would look up in the newer one."""
        icon, presses = self._icon, _Presses()

        def update() -> None:
            menu = icon._create_menu(icon.menu, presses)  # noqa: SLF001
            icon._status_item.setMenu_(menu)  # noqa: SLF001
            icon._menu_handle = (menu, presses)  # noqa: SLF001

        icon._update_menu = update  # noqa: SLF001

    def _tame(self) -> None:
        """Pictures for the panel go into a folder of our own that is removed at the end.

        The library would leave files with guessable names in the shared temporary folder.
        """
        if self._backend == "_darwin":
            self._keep_presses()
        if self._backend not in _GTK_BACKENDS:
            return
        icon, numbers = self._icon, itertools.count()
        folder = self._folder = Path(tempfile.mkdtemp(prefix="copilot-desktop-"))

        def write() -> None:
            # A new name each time: panels keep what they have read under the old one.
            path = folder / f"{next(numbers)}.png"
            icon.icon.save(path, "PNG")
            icon._icon_path, icon._icon_valid = str(path), True  # noqa: SLF001

        icon._update_fs_icon = write  # noqa: SLF001

    def _forget_pictures(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _release_setup_thread(self) -> None:
        """A failed start leaves a thread waiting for the icon; let it go, or the app never ends."""
        queue = getattr(self._icon, "_Icon__queue", None)
        if queue is not None:
            self._icon._icon_valid = True  # noqa: SLF001
            self._icon._show = lambda: None  # noqa: SLF001
            queue.put(True)

    def _quieten_notifier(self) -> None:
        """Without a notification service pystray's exit hook raises."""
        notifier = getattr(self._icon, "_notifier", None)
        if notifier is None:
            return
        hide = notifier.hide

        def quiet(*arguments: Any) -> None:
            try:
                hide(*arguments)
            except Exception as error:  # noqa: BLE001
                log.debug("no notification to hide: %s", error)

        notifier.hide = quiet


class _Presses:
    """What the rows of the latest menus do, each under a number of its own. In the form that the
    library fills and asks, a list."""

    def __init__(self) -> None:
        self._calls: dict[int, OnCall] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, call: OnCall) -> None:
        self._calls[self._count] = call
        self._calls.pop(self._count - _PRESSES, None)
        self._count += 1

    def __getitem__(self, number: int) -> OnCall:
        return self._calls.get(number, _leave_alone)


def _inks(dark_panel: bool | None) -> tuple[str, str | None]:
    """Ink and outline. Where nobody tells what the panel looks like, both inks are used."""
    if dark_panel is None:
        return LIGHT_INK, DARK_INK
    return (LIGHT_INK if dark_panel else DARK_INK), None


def _leave_alone(_icon: Any) -> None:
    """A set-up that does nothing: the icon is shown from the main thread instead."""


def background(press: Callable[[Item], None]) -> OnPress:
    """Carry out presses on a thread of their own: the GUI thread must never wait."""

    def start(item: Item) -> None:
        threading.Thread(target=press, args=(item,), name="tray-press", daemon=True).start()

    return start


def panel_present(system: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether anything would show an icon right now. Panels come and go: ask again each time."""
    return system != "Linux" or _notifier_host() or _xembed_host(environ)


def _only_classic() -> bool:
    """Whether there is a classic X11 tray and nothing newer."""
    return not _notifier_host() and _xembed_host(os.environ)


def _notifier_host() -> bool:
    """A StatusNotifier host on the session bus (KDE, XFCE, GNOME with its extension)."""
    try:
        from jeepney import DBusAddress, Properties  # noqa: PLC0415
        from jeepney.bus_messages import message_bus  # noqa: PLC0415
        from jeepney.io.blocking import open_dbus_connection  # noqa: PLC0415

        connection = open_dbus_connection("SESSION")
    except Exception:  # noqa: BLE001 - no bus, no library: no host
        return False
    name = "org.kde.StatusNotifierWatcher"
    try:
        owned = connection.send_and_get_reply(message_bus.NameHasOwner(name), timeout=1)
        if not owned.body[0]:
            return False
        address = DBusAddress("/StatusNotifierWatcher", name, name)
        ask = Properties(address).get("IsStatusNotifierHostRegistered")
        return bool(connection.send_and_get_reply(ask, timeout=1).body[0][1])
    except Exception:  # noqa: BLE001
        return False
    finally:
        connection.close()


def _xembed_host(environ: Mapping[str, str]) -> bool:
    """A classic X11 tray."""
    if not environ.get("DISPLAY"):
        return False
    try:
        from Xlib import X, display  # noqa: PLC0415

        screen = display.Display()
        try:
            atom = screen.intern_atom(f"_NET_SYSTEM_TRAY_S{screen.get_default_screen()}")
            return bool(screen.get_selection_owner(atom) != X.NONE)
        finally:
            screen.close()
    except Exception:  # noqa: BLE001
        return False
