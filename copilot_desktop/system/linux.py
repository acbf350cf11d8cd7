"""Linux: XDG paths, xdg-open, and /proc for the question who holds a port."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import platformdirs

from copilot_desktop.system import NAME, PortHolder, programs
from copilot_desktop.system.login_items import AutostartEntry, own_command

_LISTENING = "0A"  # state column of /proc/net/tcp
_FIRST_PERSON, _LAST_PERSON = 1000, 59_999  # ids that distributions give to people
_DIRECTORIES = frozenset({"sss", "ldap", "winbind", "nis"})  # of users, in `nsswitch.conf`


class Linux:
    """See `System`. Files are parameters so that a test can bring its own."""

    name = "Linux"

    def __init__(
        self,
        proc: Path = Path("/proc"),
        passwd: Path = Path("/etc/passwd"),
        switch: Path = Path("/etc/nsswitch.conf"),
    ) -> None:
        self._proc = proc
        self._passwd = passwd
        self._switch = switch

    def data_dir(self) -> Path:
        return Path(platformdirs.user_data_dir(NAME, appauthor=False))

    def home_dir(self) -> Path:
        return Path.home()

    def downloads_dir(self) -> Path:
        return platformdirs.user_downloads_path()

    def open_url(self, url: str) -> bool:
        if not programs.is_web_address(url) or not self._has_display():
            return False
        opener = shutil.which("xdg-open")
        return (opener is not None and programs.launch([opener, url])) or programs.browse(url)

    def open_folder(self, path: Path) -> bool:
        opener = shutil.which("xdg-open")
        return opener is not None and self._has_display() and programs.launch([opener, str(path)])

    def port_holder(self, port: int) -> PortHolder | None:
        sockets = {f"socket:[{inode}]" for inode in self._listening_inodes(port)}
        if not sockets:
            return None
        for process in self._processes():
            if any(link in sockets for link in _links(process / "fd")):
                return PortHolder(_process_name(process), int(process.name))
        return None

    def harden(self) -> None:
        programs.close_to_others()

    def protect(self, path: Path) -> None:
        """The mode says it all here."""

    def shared_machine(self) -> bool:
        return sum(1 for _ in self._people()) > 1 or self._has_a_directory()

    def dark_mode(self) -> bool | None:
        answer = programs.ask(["gsettings", "get", "org.gnome.desktop.interface", "color-scheme"])
        return "prefer-dark" in answer if answer.strip() else None

    def languages(self) -> tuple[str, ...]:
        return read_locale(os.environ)

    def dark_panel(self) -> bool | None:
        return None  # panels have themes of their own

    def login_item(self, data_dir: Path | None = None) -> AutostartEntry:
        return AutostartEntry(own_command(data_dir))

    def _has_display(self) -> bool:
        # Without one, xdg-open starts a text browser on our own terminal.
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

    def _listening_inodes(self, port: int) -> Iterator[str]:
        wanted = f"{port:04X}"
        for table in ("tcp", "tcp6"):
            for line in _lines(self._proc / "net" / table)[1:]:
                columns = line.split()
                if len(columns) < 10 or columns[3] != _LISTENING:
                    continue
                if columns[1].rpartition(":")[2] == wanted:
                    yield columns[9]

    def _processes(self) -> Iterator[Path]:
        try:
            yield from (entry for entry in self._proc.iterdir() if entry.name.isdigit())
        except OSError:
            return

    def _has_a_directory(self) -> bool:
        """Whether this user is in a company's or a school's list: others can log in as well."""
        sources = [line.split()[1:] for line in _lines(self._switch) if line.startswith("passwd:")]
        if not any(map(_DIRECTORIES.intersection, sources)):
            return False
        return [str(os.getuid())] not in (line.split(":")[2:3] for line in _lines(self._passwd))

    def _people(self) -> Iterator[str]:
        for line in _lines(self._passwd):
            columns = line.split(":")
            if len(columns) < 7 or not columns[2].isdigit():
                continue
            person = _FIRST_PERSON <= int(columns[2]) <= _LAST_PERSON
            if person and not columns[6].strip().endswith(("nologin", "false", "sync")):
                yield columns[0]


def read_locale(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The tags of LANGUAGE and of the locale, in the order that gettext looks at them."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environ[name] for name in names if environ.get(name)), "").partition(".")[0]
    if locale in {"", "C", "POSIX"}:
        return ()  # LANGUAGE does not count without a locale
    listed = [tag for tag in environ.get("LANGUAGE", "").split(":") if tag]
    return (*listed, locale.partition("@")[0])


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _links(folder: Path) -> Iterator[str]:
    """Where the open files of a process point; none for another user's process."""
    try:
        entries = list(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        try:
            yield str(entry.readlink())
        except OSError:
            continue


def _process_name(process: Path) -> str:
    name = next(iter(_lines(process / "comm")), "").strip()
    return name or "another program"
