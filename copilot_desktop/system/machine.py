"""What this machine is, and the names it goes by: for reports, to be said or to be masked."""

from __future__ import annotations

import getpass
import os
import platform
from pathlib import Path


def described() -> str:
    """System, kind of processor and Python, such as `Linux-6.1 x86_64, Python 3.12.1`."""
    system = f"{platform.platform(terse=True)} {platform.machine()}"
    return f"{system}, Python {python_version()}"


def python_version() -> str:
    return platform.python_version()


def names() -> tuple[str, ...]:
    """The machine's own names on a network, the long one first."""
    node = platform.node()
    return tuple(dict.fromkeys((node, node.split(".")[0])))


def domain() -> str:
    """The Windows domain that the session belongs to; empty elsewhere."""
    return os.environ.get("USERDOMAIN", "")


def user() -> str:
    """Whose session this is; empty where nobody knows."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def home() -> Path:
    return Path.home()
