"""A desktop for one test session, seen by nobody: X server, window manager, session bus.

Each piece is started on its own, waited for by what it does, and ended by its process. Traps that
cost time elsewhere: Xvfb writes its display number and the line end separately, so reading stops
at the line end only; without `-noreset` the server forgets everything when a short-lived program
leaves; the session bus must know the display before it starts anything.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

NEEDED = (
    "Xvfb",
    "openbox",
    "dbus-daemon",
    "wmctrl",
    "xprop",
    "xwininfo",
    "xclip",
    "xdotool",
    "import",
)
STARTUP = 20.0  # seconds for a piece of the desktop to come up
PATIENCE = 15.0  # seconds for something that a person would call "at once"
_LOOK = 0.04
_KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH")


def missing(*more: str) -> str | None:
    """What this machine lacks for these tests, in words; None if nothing."""
    absent = [name for name in (*NEEDED, *more) if shutil.which(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    from copilot_desktop.shell.engine import choose_engine

    engine = choose_engine("Linux", {"DISPLAY": ":0"})
    return None if engine.name == "gtk" else engine.reason


def until(
    look: Callable[[], T | None],
    what: str,
    *,
    within: float = PATIENCE,
    otherwise: Callable[[], str] = lambda: "",
) -> T:
    """The first true result of `look`; fails with `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        if found := look():
            return found
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within:g} s: {what}\n{otherwise()}")
        time.sleep(_LOOK)


def end(process: subprocess.Popen[bytes], patience: float = 5.0) -> None:
    """End a process that a test has started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(patience)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


@dataclass(frozen=True, slots=True)
class Frame:
    """A window as the window manager lists it. `pid` is what the window says about itself."""

    id: str
    pid: int
    title: str


class Desk:
    """`environ` is what a program needs to appear here. `tray` starts a classic X11 tray."""

    def __init__(self, folder: Path, *, tray: bool = False) -> None:
        self._folder = folder
        self._pieces: list[subprocess.Popen[bytes]] = []
        self.environ = self._bare_environment()
        try:
            self.environ["DISPLAY"] = self._start_x_server()
            self.environ["DBUS_SESSION_BUS_ADDRESS"] = self._start_bus()
            self._start("openbox")
            until(self._is_managed, "a window manager", within=STARTUP)
            if tray:
                self._start("trayer", "--widthtype", "request", "--height", "28")
                until(self.has_classic_tray, "a classic tray", within=STARTUP)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for piece in reversed(self._pieces):
            end(piece)
        self._pieces.clear()

    # ------------------------------------------------------------------------ looking

    def run(self, *command: str, **more: str) -> str:
        """The output of a short program on this desktop; empty if it failed."""
        done = subprocess.run(
            command, env={**self.environ, **more}, capture_output=True, timeout=20, check=False
        )
        return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""

    def frames(self) -> list[Frame]:
        """The windows that are shown (a hidden one is not listed)."""
        rows = [line.split(maxsplit=4) for line in self.run("wmctrl", "-l", "-p").splitlines()]
        return [Frame(row[0], int(row[2]), row[4]) for row in rows if len(row) == 5]

    def picture(self, target: Path, window: str = "root") -> Path:
        """No file is there afterwards if the window cannot be seen (yet, or any more)."""
        target.unlink(missing_ok=True)
        self.run("import", "-window", window, str(target))
        return target

    def has_the_keys(self, frame: Frame) -> bool:
        """Whether what is typed goes to this window."""
        active = self.run("xdotool", "getactivewindow")
        return active.isdigit() and int(active) == int(frame.id, 16)

    def clipboard(self) -> str:
        return self.run("xclip", "-selection", "clipboard", "-o")

    def tray_icon(self) -> str:
        """The id of the app's icon in the classic tray; empty if there is none."""
        rows = self.run("xwininfo", "-root", "-tree").splitlines()
        inside = itertools.dropwhile(lambda row: '("panel" "trayer")' not in row, rows)
        return next((row.split()[0] for row in inside if '"Copilot Desktop: ' in row), "")

    def has_classic_tray(self) -> bool:
        return '("panel" "trayer")' in self.run("xwininfo", "-root", "-tree")

    # ------------------------------------------------------------------------ pieces

    def _bare_environment(self) -> dict[str, str]:
        """Nothing of the person who runs the tests: no home, no bus, no settings."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        for name in ("home", "run", "cache"):
            (self._folder / name).mkdir(mode=0o700, parents=True)
        return kept | {
            "HOME": str(self._folder / "home"),
            "XDG_RUNTIME_DIR": str(self._folder / "run"),
            "XDG_CACHE_HOME": str(self._folder / "cache"),
            "TMPDIR": str(self._folder / "run"),
            "NO_AT_BRIDGE": "1",
            "GTK_A11Y": "none",
            "GSETTINGS_BACKEND": "memory",
            "PYTHONUNBUFFERED": "1",
            "TZ": "UTC",
        }

    def _start(self, *command: str, **options: object) -> subprocess.Popen[bytes]:
        log = (self._folder / f"{command[0]}.log").open("wb")
        with log:
            process = subprocess.Popen(  # type: ignore[call-overload]
                command,
                env=self.environ,
                stderr=log,
                start_new_session=True,
                **{"stdout": log, **options},
            )
        self._pieces.append(process)
        return process

    def _start_x_server(self) -> str:
        reading, writing = os.pipe()
        try:
            self._start(
                "Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24",
                "-nolisten", "tcp", "-noreset", pass_fds=(writing,),
            )  # fmt: skip
        finally:
            os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            return f":{int(pipe.readline())}"

    def _start_bus(self) -> str:
        bus = self._start(
            "dbus-daemon", "--session", "--print-address=1", "--nofork", "--nopidfile",
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert bus.stdout is not None
        return bus.stdout.readline().decode().strip()

    def _is_managed(self) -> bool:
        return "window id" in self.run("xprop", "-root", "_NET_SUPPORTING_WM_CHECK")


def colours(picture: Path) -> int:
    """How many colours a picture has; a window that shows nothing has one or two, one that could
    not be seen none."""
    from PIL import Image

    if not picture.exists():
        return 0
    with Image.open(picture) as opened:
        found = opened.convert("RGB").getcolors(maxcolors=1 << 24)
    return len(found or ())


def session_members(session: int) -> dict[int, str]:
    """The living processes of a session (as `setsid` means it): id and name."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "stat").read_text()
        except OSError:
            continue
        name, rest = re.match(r"\d+ \((.*)\) (.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
        columns = rest.split()
        if columns[0] != "Z" and int(columns[3]) == session:
            found[int(entry.name)] = name
    return found


def end_session(session: int) -> None:
    """Clean up after a test that failed half-way: what is left of an app and its web views."""
    for pid in session_members(session):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
