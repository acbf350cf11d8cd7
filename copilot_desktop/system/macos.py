"""macOS: Application Support, `open`, and lsof for the question who holds a port."""

from __future__ import annotations

import re
from pathlib import Path

import platformdirs

from copilot_desktop.system import NAME, PortHolder, programs
from copilot_desktop.system.login_items import LaunchAgent, own_command

_NOT_PEOPLE = frozenset({"Shared", "Guest", ".localized"})


class MacOS:
    """See `System`."""

    name = "macOS"

    def data_dir(self) -> Path:
        return Path(platformdirs.user_data_dir(NAME, appauthor=False))

    def home_dir(self) -> Path:
        return Path.home()

    def downloads_dir(self) -> Path:
        return platformdirs.user_downloads_path()

    def open_url(self, url: str) -> bool:
        return programs.is_web_address(url) and programs.launch(["/usr/bin/open", url])

    def open_folder(self, path: Path) -> bool:
        return programs.launch(["/usr/bin/open", str(path)])

    def port_holder(self, port: int) -> PortHolder | None:
        return read_lsof(
            programs.ask(["/usr/sbin/lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"])
        )

    def harden(self) -> None:
        programs.close_to_others()

    def protect(self, path: Path) -> None:
        """The mode says it all here."""

    def shared_machine(self) -> bool:
        try:
            homes = {entry.name for entry in Path("/Users").iterdir() if entry.is_dir()}
        except OSError:
            return False
        return len(homes - _NOT_PEOPLE) > 1

    def dark_mode(self) -> bool | None:
        # The key exists only in dark mode, so no answer means light.
        return "Dark" in programs.ask(["/usr/bin/defaults", "read", "-g", "AppleInterfaceStyle"])

    def languages(self) -> tuple[str, ...]:
        answer = programs.ask(["/usr/bin/defaults", "read", "-g", "AppleLanguages"])
        return tuple(re.findall(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*", answer))

    def dark_panel(self) -> bool | None:
        return None  # panels have themes of their own

    def login_item(self, data_dir: Path | None = None) -> LaunchAgent:
        return LaunchAgent(own_command(data_dir))


def read_lsof(answer: str) -> PortHolder | None:
    """The first process in `lsof -Fpc` output: lines `p<pid>` and `c<name>`."""
    pid: int | None = None
    for line in answer.splitlines():
        if line.startswith("p") and line[1:].isdigit():
            pid = int(line[1:])
        elif line.startswith("c") and line[1:]:
            return PortHolder(line[1:], pid)
    return None
