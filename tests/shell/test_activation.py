"""The Dock and the foreground, told in the words of the two systems that ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from copilot_desktop.control.instance import Instance, claim
from copilot_desktop.shell.activation import Dock, let_come_to_front


class Cocoa:
    """AppKit and its way to the main thread, with a memory."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, name: str) -> Any:
        if name == "PyObjCTools.AppHelper":
            return SimpleNamespace(callAfter=self.waiting.append)
        app = SimpleNamespace(
            setActivationPolicy_=self.told.append,
            activateIgnoringOtherApps_=lambda _: self.told.append("front"),
        )
        return SimpleNamespace(NSApplication=SimpleNamespace(sharedApplication=lambda: app))


def test_the_dock_shows_the_app_while_its_window_is_shown() -> None:
    cocoa = Cocoa()
    dock = Dock("cocoa", cocoa)
    dock.window_hidden()
    dock.window_shown()
    assert cocoa.told == []  # not on this thread
    for change in cocoa.waiting:
        change()
    assert cocoa.told == [1, 0, "front"]


def test_without_a_dock_nothing_is_loaded() -> None:
    def load(name: str) -> Any:
        raise AssertionError(name)

    Dock("gtk", load).window_shown()
    Dock("webview2", load).window_hidden()


def test_a_dock_that_cannot_be_told_harms_nobody() -> None:
    def load(name: str) -> Any:
        raise ImportError(name)

    Dock("cocoa", load).window_shown()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    first = claim(tmp_path)
    assert first is not None
    first.publish(4711)
    yield first
    first.release()


def test_the_first_one_may_come_to_the_front(tmp_path: Path, instance: Instance) -> None:
    allowed: list[int] = []
    user32 = SimpleNamespace(AllowSetForegroundWindow=allowed.append)
    let_come_to_front(tmp_path, SimpleNamespace(user32=user32))
    assert len(allowed) == 1
    assert allowed[0] > 0


def test_without_windows_or_without_a_first_one_nothing_happens(tmp_path: Path) -> None:
    def refuse(pid: int) -> None:
        raise AssertionError(pid)

    user32 = SimpleNamespace(AllowSetForegroundWindow=refuse)
    let_come_to_front(tmp_path, SimpleNamespace(user32=user32))
    let_come_to_front(tmp_path)
