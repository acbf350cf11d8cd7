"""The window: how soon the proxy answers, how soon the window is there, what the whole tree takes.

The real app in its demo, on a screen that nobody sees, started as the tests of the window start it;
`BENCH_PROGRAM` names one that was built or installed, to be measured instead of this checkout.
Needs what those need (Linux, Xvfb, GTK and WebKit).
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import machine
from tests.gui.app import App
from tests.gui.desk import Desk, missing, session_members
from tests.ports import free_port

SETTLE = 3.0  # seconds after the window, before memory and CPU are looked at
LIMIT = 30.0


def lacking() -> str | None:
    """Why it cannot be measured here, in words."""
    return missing("trayer")


def tree(app: App) -> list[int]:
    return list(session_members(app.process.pid))


def used(pids: list[int]) -> float:
    return sum(machine.cpu_seconds(pid) or 0.0 for pid in pids)


def share(app: App, seconds: float) -> float:
    """Per cent of a core that the whole tree uses."""
    pids, start = tree(app), time.monotonic()
    before = used(pids)
    time.sleep(seconds)
    return max(0.0, used(pids) - before) / (time.monotonic() - start) * 100


def one_start(desk: Desk, folder: Path, seconds: float) -> dict[str, float]:
    begun = time.monotonic()
    built = os.environ.get("BENCH_PROGRAM")
    started: dict[str, Any] = {"program": (str(Path(built).resolve()),)} if built else {}
    app = App(desk, folder, port=free_port(), **started)
    found: dict[str, float] = {}
    try:
        while len(found) < 2:
            if time.monotonic() - begun > LIMIT or app.process.poll() is not None:
                raise RuntimeError(f"the app does not start\n{app.story()}")
            for name, there in (
                ("proxy answering, s", app.answers),
                ("window visible, s", app.frame),
            ):
                if name not in found and there():
                    found[name] = time.monotonic() - begun
            time.sleep(0.005)
        app.ready()
        time.sleep(SETTLE)
        found["whole process tree, MiB"] = sum(machine.memory_mib(pid) or 0.0 for pid in tree(app))
        found["of it the app's own process, MiB"] = machine.memory_mib(app.process.pid) or 0.0
        found["window shown, nobody touches it, CPU, %"] = share(app, seconds)
        app.do("hide_window")
        app.hidden()
        time.sleep(min(SETTLE, seconds))
        found["hidden window, CPU, %"] = share(app, seconds)
        app.do("quit")
        app.ended()
    finally:
        app.discard()
    return found


def measure(starts: int, seconds: float = 5.0) -> dict[str, float]:
    """Medians of `starts`; the shares of CPU over `seconds` each."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / "desk", tray=True)
        try:
            several = [
                one_start(desk, Path(folder) / f"run-{number}", seconds) for number in range(starts)
            ]
        finally:
            desk.close()
    return {name: statistics.median(each[name] for each in several) for name in several[0]}
