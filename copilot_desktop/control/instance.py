"""One app for each data folder, and how a second launch or the terminal finds the first.

A lock that the kernel releases when the process dies says who is first. The first one writes
`instance.json` (mode 0600: port, token, process id) beside it; whoever can read that file may talk
to the running app. Requests to it go straight to this machine, whatever `http_proxy` says.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from copilot_desktop.system.files import private_folder, read_private, write_private

log = logging.getLogger(__name__)

LOCK_NAME, FILE_NAME = "instance.lock", "instance.json"
ANSWER_SECONDS = 5.0
VERB_SECONDS = 60.0  # more than any verb gives itself: its own sentence says what took so long
_ANSWER_LIMIT = 16 * 1024 * 1024  # bytes
_RETRY = 0.1
_LOOKED = 0.2

Json = dict[str, Any]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Our token goes to our own port and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


class NotAnswering(Exception):
    """No running app answered."""


@dataclass(frozen=True, slots=True)
class Running:
    """Where the running app can be asked. `token` opens its control plane."""

    port: int
    token: str = field(repr=False)
    pid: int = 0

    def state(self, timeout: float = ANSWER_SECONDS) -> Json:
        """The snapshot. Raises NotAnswering."""
        return self._ask("GET", "/state", None, timeout)

    def do(
        self,
        verb: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        timeout: float = VERB_SECONDS,
    ) -> Json:
        """Carry out a verb: `{ok: true, …}` or `{ok: false, code, …}`. Raises NotAnswering."""
        return self._ask("POST", f"/do/{verb}", dict(arguments or {}), timeout)

    def _ask(self, method: str, path: str, body: Json | None, timeout: float) -> Json:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
        )
        straight = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())
        try:
            with straight.open(request, timeout=timeout) as answer:
                found = json.loads(answer.read(_ANSWER_LIMIT))
        except urllib.error.HTTPError as error:
            with error:
                found = _json_or_none(error.read(_ANSWER_LIMIT))
        except (OSError, ValueError) as error:
            raise NotAnswering(f"The running app does not answer: {error}") from None
        if not isinstance(found, dict):
            raise NotAnswering("Another program answers on the port of the running app.")
        return found


class Instance:
    """Being the first. `release` lets the next one be."""

    def __init__(self, data_dir: Path, lock: FileLock | None) -> None:
        self.token = secrets.token_urlsafe(32)
        self._path = data_dir / FILE_NAME
        self._lock = lock

    def publish(self, port: int) -> None:
        """Say where the control plane is. On a disk that takes nothing, nobody can find it."""
        content = {"port": port, "token": self.token, "pid": os.getpid()}
        try:
            write_private(self._path, json.dumps(content).encode())
        except OSError as error:
            log.warning("A second launch cannot find this one: %s", error.strerror)

    def release(self) -> None:
        if (found := find(self._path.parent)) is not None and found.token == self.token:
            with suppress(OSError):  # what stays points nowhere once the lock is free
                self._path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.release()


def claim(data_dir: Path) -> Instance | None:
    """Be the one instance for `data_dir`; None if another one is running."""
    try:
        private_folder(data_dir)
        # Taken and released on whatever threads the shell has: not bound to one.
        lock = FileLock(data_dir / LOCK_NAME, timeout=0, mode=_mode(), thread_local=False)
        # Long enough for somebody who only looked whether it is held.
        lock.acquire(timeout=_LOOKED, poll_interval=_LOOKED / 4)
    except Timeout:
        return None
    except (OSError, NotImplementedError) as error:
        log.warning("No lock could be taken, so a second launch is not noticed: %s", error)
        return Instance(data_dir, None)
    return Instance(data_dir, lock)


def take_turn(data_dir: Path, name: str, limit: float) -> Callable[[], object] | None:
    """For what commands do one after the other, under the lock `name`: what ends the turn. None if
    another one takes longer than `limit` seconds. Where no lock can be made each has a turn."""
    lock = FileLock(data_dir / name, timeout=limit, mode=_mode(), thread_local=False)
    try:
        private_folder(data_dir)
        lock.acquire()
    except Timeout:
        return None
    except (OSError, NotImplementedError) as error:
        log.debug("No turn could be taken: %s", error)
    return lock.release


def _mode() -> int:
    """Of a lock. On Windows it takes over who may open its folder: filelock would close one with
    0600 to its user as well where the program runs elevated."""
    return 0o600 if hasattr(os, "geteuid") else 0o666


def find(data_dir: Path) -> Running | None:
    """What the running instance has published; None if it has died since.

    By now its port may belong to somebody else, who must not be asked to sign anybody in.
    """
    try:
        content = _json_or_none(read_private(data_dir / FILE_NAME))
    except OSError:
        return None
    if _nobody_holds(data_dir / LOCK_NAME):
        return None
    match content:
        case {"port": int(port), "token": str(token), "pid": int(pid)}:
            return Running(port, token, pid)
    return None


def _nobody_holds(path: Path) -> bool:
    """Whether the lock is free. Where locks do not work, nobody knows: false."""
    try:
        with FileLock(path, timeout=0, mode=_mode()):
            return True
    except (Timeout, OSError, NotImplementedError):
        return False


def show_running(data_dir: Path, wait: float = 5.0) -> bool:
    """Ask the running app to show its window; it may be just about to publish itself."""
    deadline = time.monotonic() + wait
    while True:
        running = find(data_dir)
        try:
            if running is not None and running.do("show_window", timeout=wait).get("ok"):
                return True
        except NotAnswering as problem:
            log.debug("%s", problem)
        if time.monotonic() >= deadline:
            return False
        time.sleep(_RETRY)


def _json_or_none(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
