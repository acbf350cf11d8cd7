"""Where the page, its strings and the icons are: in a checkout, in an installed wheel, frozen.

Knows three layouts and nothing about what the files are for. A path from here always exists; a
build that forgot to pack a folder fails at the first use, with the name of the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


class ResourceMissing(RuntimeError):
    """The app was built without a folder that it needs."""


def ui() -> Path:
    """The folder with `index.html`, the scripts, the style sheet and `strings/`."""
    return folder("ui")


def assets() -> Path:
    """The folder with the application icons."""
    return folder("assets")


def folder(name: str) -> Path:
    """The first folder `name` of: frozen bundle, installed wheel, checkout."""
    for root in roots():
        if (root / name).is_dir():
            return root / name
    raise ResourceMissing(f"the folder {name} is missing from this installation")


def roots() -> tuple[Path, ...]:
    """Where resources can be, the best place first."""
    frozen = getattr(sys, "_MEIPASS", None)
    bundle = (Path(frozen) / "copilot_desktop" / "_resources", Path(frozen)) if frozen else ()
    return (*bundle, _PACKAGE / "_resources", _PACKAGE.parent)
