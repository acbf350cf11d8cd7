"""An archive with the frozen program and an installer for one user, for any Linux that is not too
old: `tar -xf` and `./install.sh`. GTK and WebKit are the system's here, too.
"""

from __future__ import annotations

import platform
import shutil
import tarfile
from pathlib import Path

from tree import NAME, Product, lay_share, settle


def build(product: Product, *, quick: bool = False) -> Path:
    """`dist/copilot-desktop-VERSION-linux-ARCH.tar.xz`; larger if it has to be quick."""
    top = f"{NAME}-{product.version}"
    result = product.dist / f"{top}-linux-{platform.machine()}.tar.xz"
    with product.stage() as folder:
        stage = folder / top
        stage.mkdir()
        lay(product, stage)
        settle(stage, product.epoch)
        preset = 0 if quick else 6
        with tarfile.open(result, "w:xz", format=tarfile.PAX_FORMAT, preset=preset) as archive:
            for path in [stage, *sorted(stage.rglob("*"))]:
                name = path.relative_to(folder).as_posix()
                archive.add(path, name, recursive=False, filter=_nobodys)
    return result


def lay(product: Product, stage: Path) -> None:
    shutil.copytree(product.folder, stage / "app", symlinks=True)
    lay_share(product, stage / "share")
    for script in ("install.sh", "uninstall.sh"):
        shutil.copy(product.root / "packaging" / "linux" / script, stage / script)
    shutil.copyfile(product.root / "LICENSE", stage / "LICENSE")


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whoever unpacks it owns it."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
