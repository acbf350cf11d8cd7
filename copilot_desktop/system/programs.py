"""How other programs are started on any system, and how this one is closed to others.

A child gets a fixed argument list without a shell, no input, a deadline, and an environment
without our secrets: a browser or file manager has no use for them (`security-rules.md` 9).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence

ANSWER_SECONDS = 3.0
# Windows opens a console for a program of the console that an app without one starts, and closes it
# again: a black window that flashes.
QUIET: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)
SECRET_NAMES = (
    "COPILOT_GITHUB_TOKEN",
    "COPILOT_DESKTOP_API_KEY",
    "COPILOT_DESKTOP_OUTGOING_PROXY",
)


def child_environment() -> dict[str, str]:
    """Our environment without secrets, and with the library path from before we were frozen."""
    kept = {name: value for name, value in os.environ.items() if name not in SECRET_NAMES}
    # A frozen bundle points LD_LIBRARY_PATH at its own libraries, which break a system browser.
    if "LD_LIBRARY_PATH_ORIG" in kept:
        kept["LD_LIBRARY_PATH"] = kept.pop("LD_LIBRARY_PATH_ORIG")
    return kept


def ask(command: Sequence[str]) -> str:
    """What a program prints within three seconds; empty if it is missing, fails or hangs."""
    try:
        done = subprocess.run(  # noqa: S603  (a fixed list, no shell)
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_SECONDS,
            check=False,
            env=child_environment(),
            creationflags=QUIET,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")


def of_windows(name: str) -> str:
    """A program of Windows by its whole path. For a bare name it looks first into the folder in
    which a command was typed, and that may be a stranger's repository."""
    root = os.environ.get("SYSTEMROOT") or r"C:\Windows"
    return rf"{root}\System32\{name}.exe"


def launch(command: Sequence[str]) -> bool:
    """Start a program and leave it alone. False if it cannot be started or fails at once."""
    try:
        child = subprocess.Popen(  # noqa: S603  (a fixed list, no shell)
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=child_environment(),
            start_new_session=True,
            creationflags=QUIET,
        )
    except (OSError, ValueError):
        return False
    try:
        return child.wait(ANSWER_SECONDS) == 0
    except subprocess.TimeoutExpired:
        return True  # still running: it is the browser itself


def is_web_address(url: str) -> bool:
    return url.startswith(("https://", "http://127.0.0.1:", "http://localhost:", "http://[::1]:"))


def browse(url: str) -> bool:
    """Python's own search for a browser. It takes no environment, so ours is cleaned meanwhile."""
    import webbrowser  # noqa: PLC0415

    kept = {name: os.environ.pop(name) for name in SECRET_NAMES if name in os.environ}
    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False
    finally:
        os.environ.update(kept)


def close_to_others() -> None:
    """`umask 077` and, where limits exist, no core dump."""
    os.umask(0o077)
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415  (not on Windows)

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
