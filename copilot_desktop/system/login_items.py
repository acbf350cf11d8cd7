"""What makes the app start when its user logs in, one form for each system.

The system's own place is the only truth: it is read each time, because people switch such things
off in their system settings as well. Then the item is still there, but blocked, and only they can
unblock it. Nothing is kept in our settings. An item whose program is gone starts nothing: that is
off, as after the app was moved or installed in another way.

All functions block and raise OSError where writing fails; reading never raises.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol

from copilot_desktop.atomic import replace_file, sweep
from copilot_desktop.system import programs

LoginItemState = Literal["on", "off", "blocked"]

LABEL = "io.github.copilot-desktop"
_RUN = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run"
_APPROVED = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
_VALUE = "CopilotDesktop"
_ENTRY_LIMIT = 65_536  # bytes
_FOR_ONE_RUN = "/AppTranslocation/"  # where macOS runs what was downloaded and not moved since
_SPELLED = {"n": "\n", "r": "\r", "s": " ", "t": "\t"}  # in a desktop entry, behind a backslash
_LONGEST_RUN = 260  # characters of a value that Windows starts


class LoginItem(Protocol):
    """The app in one system's list of what starts at login.

    `settings_page` is where people switch such items; empty where there is no such place.
    """

    settings_page: str

    def state(self) -> LoginItemState:
        """`blocked`: our item is there, and the system or its user has switched it off."""

    def switch(self, on: bool) -> None:
        """Add or remove the item. Raises OSError."""

    def open_settings(self) -> bool:
        """Show that page; false if it did not open."""


def own_command(data_dir: Path | None = None) -> list[str]:
    """How this very program is started without showing its window.

    `data_dir` None is the default folder. Another one is named: at login nobody else would name it.
    """
    # On Windows the program for terminals has one beside it that opens no console.
    frozen = getattr(sys, "frozen", False)
    silent = Path(sys.executable).with_name("copilot-desktopw.exe" if frozen else "pythonw.exe")
    program = str(silent) if silent.exists() else sys.executable
    # -P: a module in the folder where the session starts, which is home, is none of ours.
    start = [program] if frozen else [program, "-P", "-m", "copilot_desktop"]
    folder = ["--data-dir", str(data_dir)] if data_dir is not None else []
    return [*start, *folder, "--hidden"]


class AutostartEntry:
    """A desktop entry in the XDG autostart folder."""

    settings_page = ""  # each desktop has its own, or none

    def __init__(self, command: Sequence[str], folder: Path | None = None) -> None:
        named = Path(os.environ.get("XDG_CONFIG_HOME", ""))
        home = named if named.is_absolute() else Path.home() / ".config"  # as the desktop takes it
        self._path = (folder or home / "autostart") / "copilot-desktop.desktop"
        self._command = command

    def state(self) -> LoginItemState:
        try:
            with self._path.open("rb") as file:
                text = file.read(_ENTRY_LIMIT).decode("utf-8", "replace")
        except OSError:
            return "off"
        lines = (line.partition("=") for line in text.splitlines())
        keys = {key.strip(): value.strip() for key, sign, value in lines if sign}
        if _gone(first_word(keys.get("Exec", "")), self._command):
            return "off"
        # Desktops switch an entry off with one of these instead of deleting it.
        hidden = keys.get("Hidden", "").lower() == "true"
        shut = keys.get("X-GNOME-Autostart-enabled", "").lower() == "false"
        return "blocked" if hidden or shut else "on"

    def switch(self, on: bool) -> None:
        sweep(self._path.parent)
        if not on:
            self._path.unlink(missing_ok=True)
            return
        entry = (
            "[Desktop Entry]\nType=Application\nVersion=1.4\nName=Copilot Desktop\n"
            f"Exec={exec_line(self._command)}\nTerminal=false\nNoDisplay=true\n"
            "X-GNOME-Autostart-enabled=true\n"
        )
        replace_file(self._path, entry.encode())

    def open_settings(self) -> bool:
        return False


def exec_line(command: Sequence[str]) -> str:
    r"""The value of `Exec`: quoted as the desktop entry specification asks, twice.

    First the argument (`\` before `"`, `` ` ``, `$` and `\`), then the string value (`\` again);
    `%` would start a field code.
    """
    words = []
    for word in command:
        escaped = "".join("\\" + c if c in '"`$\\' else c for c in word).replace("%", "%%")
        words.append(f'"{escaped}"' if escaped != word or not _plain(word) else word)
    return " ".join(words).replace("\\", "\\\\").replace("\n", "\\n")


def first_word(line: str) -> str:
    """The program in the value of an `Exec`: `exec_line` the other way round."""
    line = re.sub(r"\\(.)", lambda found: _SPELLED.get(found[1], found[1]), line)
    if (quoted := re.match(r'"((?:[^"\\]|\\.)*)"', line)) is not None:
        return re.sub(r"\\(.)", r"\1", quoted[1]).replace("%%", "%")
    return line.partition(" ")[0].replace("%%", "%")


def _gone(program: str, own: Sequence[str]) -> bool:
    """Whether an item names a program that is not there any more."""
    place = Path(program)
    try:
        return program != own[0] and place.is_absolute() and not place.exists()
    except OSError:
        return False


def _plain(word: str) -> bool:
    return bool(word) and not any(c in " \t\n\"'\\><~|&;$*?#()`" for c in word)


class LaunchAgent:
    """A property list in the user's LaunchAgents folder. `ask` runs a program (see `programs`)."""

    settings_page = "x-apple.systempreferences:com.apple.LoginItems-Settings.extension"

    def __init__(
        self,
        command: Sequence[str],
        folder: Path | None = None,
        ask: Callable[[Sequence[str]], str] = programs.ask,
    ) -> None:
        self._path = (folder or Path.home() / "Library" / "LaunchAgents") / f"{LABEL}.plist"
        self._command = command
        self._ask = ask

    def state(self) -> LoginItemState:
        import plistlib  # noqa: PLC0415  (not where there are no such files)
        from xml.parsers.expat import ExpatError  # noqa: PLC0415

        try:
            with self._path.open("rb") as file:
                entry = plistlib.loads(file.read(_ENTRY_LIMIT))
        except (OSError, ValueError, plistlib.InvalidFileException, ExpatError):
            return "off"
        if not isinstance(entry, dict) or entry.get("Label") != LABEL:
            return "off"
        match entry.get("ProgramArguments"):
            case [str(program), *_] if _gone(program, self._command):
                return "off"
        user = getattr(os, "getuid", lambda: 0)()
        listed = self._ask(["/bin/launchctl", "print-disabled", f"gui/{user}"])
        off = any(
            LABEL in line and line.rstrip(" ;").endswith(("disabled", "true"))
            for line in listed.splitlines()
        )
        return "blocked" if off or entry.get("Disabled") is True else "on"

    def switch(self, on: bool) -> None:
        import plistlib  # noqa: PLC0415

        sweep(self._path.parent)
        if not on:
            self._path.unlink(missing_ok=True)
            return
        if _FOR_ONE_RUN in self._command[0]:
            raise OSError("the app has to be moved to Applications first")
        entry = {
            "Label": LABEL,
            "ProgramArguments": list(self._command),
            "RunAtLoad": True,
            "ProcessType": "Interactive",
        }
        replace_file(self._path, plistlib.dumps(entry))

    def open_settings(self) -> bool:
        return programs.launch(["/usr/bin/open", self.settings_page])


class RunKey:
    """A value under the user's Run key. `ask` runs `reg`, which is on every Windows."""

    settings_page = "ms-settings:startupapps"

    def __init__(
        self, command: Sequence[str], ask: Callable[[Sequence[str]], str] = programs.ask
    ) -> None:
        self._command = command
        self._ask = ask
        self._reg = programs.of_windows("reg")

    def state(self) -> LoginItemState:
        told = self._ask([self._reg, "query", _RUN, "/v", _VALUE])
        if _VALUE not in told:
            return "off"
        found = re.search(r'REG_SZ\s+(?:"([^"]+)"|(\S+))', told)
        program = (found[1] or found[2]) if found else ""
        # Other letters come in the terminal's code, which nobody names.
        if program.isascii() and _gone(program, self._command):
            return "off"
        # Task Manager writes twelve bytes here; an odd first one means "switched off".
        approved = self._ask([self._reg, "query", _APPROVED, "/v", _VALUE]).split()
        mark = approved[-1] if _VALUE in approved else ""
        try:
            return "blocked" if int(mark[:2], 16) & 1 else "on"
        except ValueError:
            return "on"

    def switch(self, on: bool) -> None:
        if on:
            line = subprocess.list2cmdline(self._command)
            if len(line) > _LONGEST_RUN:
                raise OSError("the names of its folders are too long for Windows")
            self._ask([self._reg, "add", _RUN, "/v", _VALUE, "/t", "REG_SZ", "/d", line, "/f"])
        else:
            self._ask([self._reg, "delete", _RUN, "/v", _VALUE, "/f"])
        if (self.state() == "off") is on:
            raise OSError("the registry did not take it")

    def open_settings(self) -> bool:
        start = getattr(os, "startfile", None)
        if start is None:
            return False
        try:
            start(self.settings_page)
        except OSError:
            return False
        return True
