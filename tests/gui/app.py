"""The real app as a process: started as a person starts it, driven as a second launch drives it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.gui.desk import Desk, Frame, end_session, session_members, until

TITLE = "Copilot Desktop"
ROOT = Path(__file__).resolve().parents[2]
START = 25.0  # seconds from a cold start to an answer of the control plane
_straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Json = dict[str, Any]


def asked(folder: Path, path: str, arguments: Json | None = None) -> Json:
    """One request with the token that only the owner of the data folder can read."""
    where = json.loads((folder / "instance.json").read_text())
    request = urllib.request.Request(
        f"http://127.0.0.1:{where['port']}{path}",
        data=None if arguments is None else json.dumps(arguments).encode(),
        headers={
            "Authorization": f"Bearer {where['token']}",
            "Content-Type": "application/json",
        },
    )
    with _straight.open(request, timeout=20) as answer:
        found: Json = json.load(answer)
    return found


class App:
    """One run. `folder` is where it keeps its things; `port` the public one."""

    def __init__(
        self,
        desk: Desk,
        folder: Path,
        *arguments: str,
        port: int,
        scenario: str = "pro",
        environ: Mapping[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "copilot_desktop"),
    ) -> None:
        # A demo keeps to a folder of its own, apart from the real account.
        self.desk, self.folder, self.port = desk, folder / "demo", port
        self.log = folder.parent / f"{folder.name}.err"
        command = [
            *program, f"--demo={scenario}",
            "--port", str(port), "--data-dir", str(folder), *arguments,
        ]  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**desk.environ, **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    # ------------------------------------------------------------------------ control plane

    def ask(self, path: str, arguments: Json | None = None) -> Json:
        return asked(self.folder, path, arguments)

    def do(self, verb: str, **arguments: Any) -> Json:
        return self.ask(f"/do/{verb}", arguments)

    def state(self) -> Json:
        return self.ask("/state")

    def until(self, what: str, look: Callable[[Json], Any], within: float = 15.0) -> Json:
        """The first state that `look` accepts."""

        def accepted() -> Json | None:
            state = self._state_or_none()
            return state if state is not None and look(state) else None

        return until(accepted, what, within=within, otherwise=self.story)

    def ready(self) -> App:
        """Wait until the control plane answers and the shell has told what it found."""
        self.until("the app to start", lambda s: s["app"]["tray"] != "unknown", START)
        return self

    def _state_or_none(self) -> Json | None:
        if self.process.poll() is not None:
            raise AssertionError(f"the app ended ({self.process.returncode})\n{self.story()}")
        try:
            return self.state()
        except (OSError, ValueError):
            return None

    def story(self) -> str:
        """What the app had to say, for a failing test."""
        return self.log.read_text(errors="replace")[-3000:]

    # ------------------------------------------------------------------------ window

    def frame(self) -> Frame | None:
        """The app's window, if it is shown."""
        shown = (frame for frame in self.desk.frames() if frame.title == TITLE)
        return next((frame for frame in shown if frame.pid == self.process.pid), None)

    def shown(self, *, within: float = START) -> Frame:
        return until(self.frame, "the window", within=within, otherwise=self.story)

    def hidden(self) -> None:
        until(lambda: self.frame() is None, "the window to go", otherwise=self.story)

    def press_close(self) -> None:
        """The window manager's close button."""
        self.desk.run("wmctrl", "-i", "-c", self.shown().id)

    # ------------------------------------------------------------------------ the public port

    def answers(self) -> bool:
        """Whether the proxy answers a request."""
        try:
            with _straight.open(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    # ------------------------------------------------------------------------ the end

    def ended(self, within: float = 15.0) -> int:
        """The exit code, once the process has ended by itself."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the app does not end\n{self.story()}") from None

    def left_behind(self) -> dict[int, str]:
        """Processes that outlive the app: there must be none (web views may take a moment)."""
        return session_members(self.process.pid)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def discard(self) -> None:
        """For the end of a test, however it went."""
        end_session(self.process.pid)
        self.process.wait(15)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def assert_gone(app: App) -> None:
    """Exit code 0, nothing listening, nothing running, nothing on disk that says it runs."""
    code = app.ended()
    assert code == 0, f"it ended with {code}\n{app.story()}"
    assert not is_open(app.port)
    assert not (app.folder / "instance.json").exists()
    until(
        lambda: not app.left_behind(),
        "child processes to end",
        otherwise=lambda: str(app.left_behind()),
    )
