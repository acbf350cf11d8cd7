"""The life of an installed app, in the steps that every package has in common."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.gui.app import TITLE
from tests.gui.desk import Desk, until
from tests.packaging.roots import Inside
from tests.ports import free_port


def sockets(desk: Desk) -> tuple[Path, Path]:
    """Of its X server and its session bus."""
    address = desk.environ["DBUS_SESSION_BUS_ADDRESS"]
    screen = desk.environ["DISPLAY"].removeprefix(":")
    bus = address.removeprefix("unix:path=").partition(",")[0]
    return Path("/tmp/.X11-unix", f"X{screen}"), Path(bus)


class Life:
    """An app on `desk` that knows only the fake GitHub at `github`.

    `launch` starts it as a menu does, with the environment that it is given.
    """

    def __init__(self, desk: Desk, github: str, launch: Callable[[dict[str, str]], object]) -> None:
        names = ("GITHUB_URL", "GITHUB_API_URL", "COPILOT_URL")
        self._desk, self._launch, self._port = desk, launch, free_port()
        self.environ = {
            **desk.environ,
            **{f"COPILOT_DESKTOP_{name}": github for name in names},
            "COPILOT_DESKTOP_TOKEN_STORE": "file",
            "COPILOT_DESKTOP_PORT": str(self._port),
            "PATH": "/usr/bin:/bin",
        }
        self.home = Path(desk.environ["HOME"])
        self.app = Inside(self.home / ".local" / "share" / "copilot-desktop")

    def start(self) -> None:
        """Until window and tray icon are there."""
        self._launch(self.environ)
        self.app.until("the app to start", lambda s: s["app"]["tray"] != "unknown")
        until(lambda: any(f.title == TITLE for f in self._desk.frames()), "the window", within=30)
        until(self._desk.tray_icon, "the tray icon")

    def begin(self) -> None:
        """The first start: signed in, and something chosen."""
        self.start()
        assert self.app.ask("/do/accept_notice", {})["ok"]
        assert self.app.ask("/do/sign_in", {})["ok"]
        self.app.until("the sign-in", lambda s: s["login"] and s["login"]["state"] == "done")
        assert self.app.ask("/do/update_settings", {"patch": {"theme": "dark"}})["ok"]

    def is_the_same(self) -> None:
        """What `begin` has done still holds, in an app that was started again."""
        state = self.app.until("the account", lambda s: s["auth"]["login"])
        assert state["settings"]["theme"] == "dark"

    def quit(self, gone: Callable[[], bool]) -> None:
        self.app.ask("/do/quit", {})
        until(gone, "the app to end")

    def answers(self) -> None:
        """A question through the official SDK, in a program of its own."""
        code = (
            "import sys, openai\n"
            "client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)\n"
            "said = client.chat.completions.create(model='gpt-5-mini',\n"
            "    messages=[{'role': 'user', 'content': 'Say hello'}])\n"
            "print(said.choices[0].message.content)\n"
        )
        key = (self.app.folder / "local-key").read_text().strip()
        done = subprocess.run(
            [sys.executable, "-c", code, f"http://127.0.0.1:{self._port}/v1", key],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stdout.strip()

    def left(self) -> set[str]:
        """Every file in the home."""
        found = (path for path in self.home.rglob("*") if path.is_file() or path.is_symlink())
        return {path.relative_to(self.home).as_posix() for path in found}
