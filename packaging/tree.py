"""A tree of files that comes out the same each time: what is in it, its modes, its times.

Also what every package of Linux brings beside the program: menu entry, icons, metadata.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from origin import day

NAME = "copilot-desktop"
ICON_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
METAINFO = "io.github.copilot_desktop.metainfo.xml"
_GLIBC = re.compile(rb"GLIBC_2\.(\d+)\0")


@dataclass(slots=True)
class Product:
    """What is built. `epoch` in seconds since 1970; `left_to_system` are names of libraries."""

    root: Path
    dist: Path
    version: str
    epoch: int
    left_to_system: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The frozen program."""
        return self.dist / NAME

    @property
    def date(self) -> str:
        return day(self.epoch)

    def size(self) -> int:
        """Bytes of the frozen program."""
        return sum(path.lstat().st_size for path in files(self.folder))

    @contextmanager
    def stage(self) -> Iterator[Path]:
        """A folder to lay a package out in."""
        self.dist.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.dist, prefix=".stage-") as name:
            yield Path(name)

    def oldest_glibc(self) -> str:
        """The oldest C library that the program runs with, by the symbols that it asks for."""
        minors = {17}
        for path in files(self.folder):
            if not path.is_symlink() and (".so" in path.name or path.name == NAME):
                minors |= {int(each) for each in _GLIBC.findall(path.read_bytes())}
        return f"2.{max(minors)}"


def files(folder: Path) -> Iterator[Path]:
    """Every file and link below `folder`, in a fixed order."""
    return (path for path in sorted(folder.rglob("*")) if path.is_symlink() or path.is_file())


def lay_share(product: Product, share: Path) -> None:
    """Menu entry, icons and metadata below `share`."""
    source = product.root / "packaging" / "linux"
    (share / "applications").mkdir(parents=True)
    shutil.copyfile(source / f"{NAME}.desktop", share / "applications" / f"{NAME}.desktop")
    (share / "metainfo").mkdir()
    text = (source / METAINFO).read_text(encoding="utf-8")
    text = text.replace("@VERSION@", product.version).replace("@DATE@", product.date)
    (share / "metainfo" / METAINFO).write_text(text, encoding="utf-8")
    for size in ICON_SIZES:
        place = share / "icons" / "hicolor" / f"{size}x{size}" / "apps"
        place.mkdir(parents=True)
        shutil.copyfile(product.root / "assets" / f"icon-{size}.png", place / f"{NAME}.png")


def settle(folder: Path, epoch: int) -> None:
    """One mode for programs, one for other files, one for folders; one time for all."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)
