"""The tray library's own code for macOS, above a toolkit that only remembers."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from copilot_desktop.shell.menu import Item
from copilot_desktop.shell.tray import PystrayTray


class Thing:
    """Any object of AppKit: takes every message, and gives itself back."""

    @classmethod
    def alloc(cls) -> Any:
        return cls()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_: self


class NSObject(Thing):
    def init(self) -> NSObject:
        return self


class NSMenuItem(Thing):
    def initWithTitle_action_keyEquivalent_(self, title: str, *_: object) -> NSMenuItem:  # noqa: N802
        self.title = title
        return self

    def setTarget_(self, target: Any) -> None:  # noqa: N802
        self.target = target

    def setTag_(self, tag: int) -> None:  # noqa: N802
        self.number = tag

    def tag(self) -> int:
        return self.number


class NSMenu(Thing):
    def initWithTitle_(self, _title: str) -> NSMenu:  # noqa: N802
        self.items: list[NSMenuItem] = []
        return self

    def addItem_(self, item: NSMenuItem) -> None:  # noqa: N802
        self.items.append(item)


class NSStatusItem(Thing):
    menu: NSMenu

    def setMenu_(self, menu: NSMenu) -> None:  # noqa: N802
        self.menu = menu


@pytest.fixture
def status(monkeypatch: pytest.MonkeyPatch) -> NSStatusItem:
    """What holds the menu. The library's module for macOS is the one in use."""
    item, bar = NSStatusItem(), Thing()
    bar.__dict__ |= {"statusItemWithLength_": lambda _: item, "thickness": lambda: 22}
    names = ("NSApplication", "NSImage", "NSFont", "NSEvent")
    kit = {
        **{name: Thing() for name in names},
        "NSMenu": NSMenu, "NSMenuItem": NSMenuItem, "NSVariableStatusItemLength": -1,
        "NSStatusBar": SimpleNamespace(systemStatusBar=lambda: bar),
        "NSOnState": 1, "NSOffState": 0, "NSFontAttributeName": "font",
    }  # fmt: skip
    foundation = {
        "NSObject": NSObject, "NSData": lambda data: data,
        "NSAttributedString": Thing, "NSDictionary": Thing,
    }  # fmt: skip
    helper, signals = SimpleNamespace(callAfter=lambda call: call()), SimpleNamespace()
    stand_ins = {
        "AppKit": SimpleNamespace(**kit), "Foundation": SimpleNamespace(**foundation),
        "objc": SimpleNamespace(namedSelector=lambda _name: lambda method: method),
        "PyObjCTools": SimpleNamespace(AppHelper=helper, MachSignals=signals),
        "PyObjCTools.AppHelper": helper, "PyObjCTools.MachSignals": signals,
    }  # fmt: skip
    for name, module in stand_ins.items():
        monkeypatch.setitem(sys.modules, name, module)
    for name in [each for each in sys.modules if each.partition(".")[0] == "pystray"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("PYSTRAY_BACKEND", "darwin")
    importlib.import_module("pystray")
    return item


def press(item: NSMenuItem) -> None:
    item.target.activate_menu_item(item)


def row(menu: NSMenu, title: str) -> NSMenuItem:
    (found,) = (each for each in menu.items if getattr(each, "title", "") == title)
    return found


def test_a_press_in_a_menu_that_is_open_is_not_looked_up_in_a_newer_one(
    status: NSStatusItem,
) -> None:
    """The menu that somebody looks at stays as it is while the status item gets another one, and a
    press tells only a number: with a row more above it, it would be another row's."""
    pressed: list[str] = []
    shown = PystrayTray(lambda item: pressed.append(item.verb))
    shown.start()
    assert shown.available
    stop, copy, end = Item("Stop", "stop"), Item("Copy", "copy"), Item("Quit", "quit")
    shown.show("running", "Running", (stop, copy, end))
    looked_at = status.menu

    shown.show("running", "Running", (Item("Limit", enabled=False), stop, copy, end))
    press(row(looked_at, "Copy"))
    assert pressed == ["copy"]
    press(row(status.menu, "Quit"))
    assert pressed == ["copy", "quit"]


def test_only_so_many_old_menus_are_kept(status: NSStatusItem) -> None:
    shown = PystrayTray(lambda _: None)
    shown.start()
    shown.show("running", "Running", (Item("Stop", "stop"),))
    oldest = status.menu
    for n in range(3000):
        shown.show("running", "Running", (Item(f"Row {n}", "x"),))
    calls: Any = shown._icon._menu_handle[1]
    assert len(calls._calls) <= 1000
    press(row(oldest, "Stop"))  # nobody looks at one for so long; it does nothing
