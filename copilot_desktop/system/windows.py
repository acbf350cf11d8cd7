"""Windows: local app data, the shell's own opener, netstat and tasklist for a held port."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import platformdirs

from copilot_desktop.system import NAME, PortHolder, programs
from copilot_desktop.system.login_items import RunKey, own_command
from copilot_desktop.system.programs import of_windows

_NOT_PEOPLE = frozenset({"public", "default", "default user", "all users", "defaultapppool"})
_PERSONALIZE = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"

_LANGUAGES = (
    (r"HKCU\Control Panel\Desktop", "PreferredUILanguages"),  # only where several are installed
    (r"HKCU\Control Panel\International", "LocaleName"),
)


class Windows:
    """See `System`. `harden` has no effect on access lists: the profile folder is private."""

    name = "Windows"

    def data_dir(self) -> Path:
        return Path(platformdirs.user_data_dir(NAME, appauthor=False))

    def home_dir(self) -> Path:
        return Path.home()

    def downloads_dir(self) -> Path:
        return platformdirs.user_downloads_path()

    def open_url(self, url: str) -> bool:
        return programs.is_web_address(url) and programs.browse(url)

    def open_folder(self, path: Path) -> bool:
        start = getattr(os, "startfile", None)
        if start is None:
            return False
        try:
            start(str(path))
        except OSError:
            return False
        return True

    def port_holder(self, port: int) -> PortHolder | None:
        pid = read_netstat(programs.ask([of_windows("netstat"), "-ano", "-p", "TCP"]), port)
        if pid is None:
            return None
        tasklist = [of_windows("tasklist"), "/FI", f"PID eq {pid}", "/FO", "CSV", "/NH"]
        tasks = programs.ask(tasklist)
        return PortHolder(read_tasklist(tasks) or "another program", pid)

    def harden(self) -> None:
        programs.close_to_others()

    def protect(self, path: Path) -> None:
        user, domain = os.environ.get("USERNAME"), os.environ.get("USERDOMAIN")
        if user:
            owner = f"{domain}\\{user}" if domain else user
            icacls = of_windows("icacls")
            programs.ask([icacls, str(path), "/inheritance:r", "/grant:r", f"{owner}:F"])

    def shared_machine(self) -> bool:
        try:
            homes = {entry.name.lower() for entry in Path.home().parent.iterdir() if entry.is_dir()}
        except OSError:
            return False
        return len(homes - _NOT_PEOPLE) > 1

    def dark_mode(self) -> bool | None:
        answer = _registered(_PERSONALIZE, "AppsUseLightTheme")
        return answer.split()[-1] == "0x0" if "AppsUseLightTheme" in answer else None

    def languages(self) -> tuple[str, ...]:
        answers = (_registered(key, name) for key, name in _LANGUAGES)
        return tuple(tag for answer in answers for tag in read_languages(answer))

    def dark_panel(self) -> bool | None:
        # The taskbar has a look of its own, apart from the one of the apps.
        answer = _registered(_PERSONALIZE, "SystemUsesLightTheme")
        return answer.split()[-1] == "0x0" if "SystemUsesLightTheme" in answer else None

    def login_item(self, data_dir: Path | None = None) -> RunKey:
        return RunKey(own_command(data_dir))


def _registered(key: str, name: str) -> str:
    return programs.ask([of_windows("reg"), "query", key, "/v", name])


def read_languages(answer: str) -> list[str]:
    """The tags in a line such as `LocaleName REG_SZ de-DE`; several stand between \\0."""
    values = re.search(r"\sREG_(?:MULTI_)?SZ\s+(\S+)", answer)
    return [tag for tag in values[1].split("\\0") if tag] if values else []


def read_netstat(answer: str, port: int) -> int | None:
    """The process id in `netstat -ano` lines such as `TCP 127.0.0.1:4141 0.0.0.0:0 LISTENING 7`.

    The word LISTENING is translated on some systems; a listener is known by its remote port 0.
    """
    for line in answer.splitlines():
        columns = line.split()
        if len(columns) < 5 or columns[0] != "TCP" or not columns[-1].isdigit():
            continue
        if columns[1].endswith(f":{port}") and columns[2].endswith(":0"):
            return int(columns[-1])
    return None


def read_tasklist(answer: str) -> str | None:
    """The image name in the first CSV row, without its ending."""
    row = next(csv.reader(answer.splitlines()), [])
    return row[0].removesuffix(".exe") if len(row) > 1 else None
