"""Whether the screen that the environment names is there (Linux).

A terminal outlives its screen: one in `tmux`, or left by an SSH session with forwarding, goes on
naming it. A toolkit that cannot open its screen ends the process with words of its own, so the
socket is tried first, which takes microseconds. Only what is certainly not there counts: who is not
let in by a password of the screen's still hears the toolkit.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from pathlib import Path

_X11 = re.compile(r"(?:unix|(?P<host>[^:/]*)):(?P<number>\d{1,4})(?:\.\d+)?")
_X11_SOCKET = "/tmp/.X11-unix/X"  # noqa: S108 - where X servers have it
_X11_PORT = 6000
_WAIT = 2.0  # seconds for a screen elsewhere
_GONE = (FileNotFoundError, ConnectionRefusedError, PermissionError)


def missing(environ: Mapping[str, str]) -> str:
    """The screens that are named, if none of them is there; empty if one is, or none is named."""
    wayland, x11 = environ.get("WAYLAND_DISPLAY", ""), environ.get("DISPLAY", "")
    if (wayland and _wayland(wayland, environ)) or (x11 and _x11(x11)):
        return ""
    return ", ".join(each for each in (wayland, x11) if each)


def _wayland(name: str, environ: Mapping[str, str]) -> bool:
    if not name.startswith("/") and not environ.get("XDG_RUNTIME_DIR"):
        return False
    return _answers(str(Path(environ.get("XDG_RUNTIME_DIR", ""), name)))


def _x11(name: str) -> bool:
    found = _X11.fullmatch(name)
    if found is None or int(found["number"]) > 65_535 - _X11_PORT:
        return True  # a form that only the toolkit knows
    number = int(found["number"])
    if found["host"]:
        return _listens(found["host"], number)
    place = f"{_X11_SOCKET}{number}"
    return _answers(f"\0{place}") or _answers(place) or _listens("127.0.0.1", number)


def _answers(place: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_WAIT)
            probe.connect(place)
    except _GONE:
        return False
    except OSError:
        return True
    return True


def _listens(host: str, number: int) -> bool:
    try:
        socket.create_connection((host, _X11_PORT + number), timeout=_WAIT).close()
    except _GONE:
        return False
    except OSError:
        return True
    return True
