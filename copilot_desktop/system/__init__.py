"""What differs between operating systems, behind one protocol.

`current()` is the only place in the package that asks which system this is. Everything here is
synchronous and may block (a subprocess, a walk through /proc): callers on the event loop use a
worker thread. Nothing here knows settings, accounts or the proxy. What cannot be found out is
None, never an exception: the app works without it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from copilot_desktop.system.login_items import LoginItem

NAME = "copilot-desktop"


@dataclass(frozen=True, slots=True)
class PortHolder:
    """A program that listens on a port. `pid` is None where only the name could be found."""

    name: str
    pid: int | None = None

    def __str__(self) -> str:
        return self.name if self.pid is None else f"{self.name} (process {self.pid})"


class System(Protocol):
    """One operating system. All methods are safe to call from any thread."""

    name: str  # for people: "Linux", "macOS", "Windows"

    def data_dir(self) -> Path:
        """The folder for everything that the app keeps; may not exist yet."""

    def home_dir(self) -> Path:
        """The user's own folder, where programs keep their settings."""

    def downloads_dir(self) -> Path:
        """Where people look for files that a program gave them; may not exist."""

    def open_url(self, url: str) -> bool:
        """Show a web address in the user's browser. False if no browser could be started.

        The caller has checked the address against a fixed list; only http(s) is accepted.
        """

    def open_folder(self, path: Path) -> bool:
        """Show a folder in the file browser. False if that is not possible here."""

    def port_holder(self, port: int) -> PortHolder | None:
        """Who listens on a TCP port of this machine, if the system tells us."""

    def harden(self) -> None:
        """New files for the owner only, no core dumps (`security-rules.md` 12)."""

    def protect(self, path: Path) -> None:
        """Let only the owner open a file, where its mode does not say so (`security-rules.md` 11).

        Does nothing where that is not possible.
        """

    def shared_machine(self) -> bool:
        """Whether more than one person can log in here (`security-rules.md` 8)."""

    def dark_mode(self) -> bool | None:
        """Whether the desktop asks for a dark look; None if it does not say."""

    def languages(self) -> tuple[str, ...]:
        """The user's languages, best first, as tags such as `de-AT` or `de_AT`."""

    def dark_panel(self) -> bool | None:
        """Whether tray icons stand on a dark ground; None if the system does not say."""

    def login_item(self, data_dir: Path | None = None) -> LoginItem:
        """The app's place among what starts when the user logs in.

        `data_dir` None: it starts with the default folder.
        """


def current() -> System:
    """The system that this process runs on."""
    match sys.platform:
        case "win32":
            from copilot_desktop.system.windows import Windows  # noqa: PLC0415

            return Windows()
        case "darwin":
            from copilot_desktop.system.macos import MacOS  # noqa: PLC0415

            return MacOS()
        case _:
            from copilot_desktop.system.linux import Linux  # noqa: PLC0415

            return Linux()
