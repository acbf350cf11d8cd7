"""A package for Debian, Ubuntu and their relatives: the frozen program, and GTK and WebKit from the
system. One package serves several releases, since it brings its own Python.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tree import NAME, Product, files, lay_share, settle

# The package that has a library, by the library's name. Debian 13 and Ubuntu 24.04 renamed some.
LIBRARIES = {
    "libatomic.so.1": "",  # comes with libglib2.0-0t64, which alone needs it
    "libblkid.so.1": "",  # these come with libglib2.0-0
    "libbz2.so.1.0": "libbz2-1.0",
    "libcrypto.so.3": "libssl3 | libssl3t64",
    "libexpat.so.1": "libexpat1",
    "libffi.so.8": "libffi8",
    "libgcc_s.so.1": "libgcc-s1",
    "libgio-2.0.so.0": "libglib2.0-0 | libglib2.0-0t64",
    "libgirepository-1.0.so.1": "libgirepository-1.0-1",
    "libglib-2.0.so.0": "libglib2.0-0 | libglib2.0-0t64",
    "libgmodule-2.0.so.0": "libglib2.0-0 | libglib2.0-0t64",
    "libgobject-2.0.so.0": "libglib2.0-0 | libglib2.0-0t64",
    "liblzma.so.5": "liblzma5",
    "libmount.so.1": "",
    "libpcre2-8.so.0": "",
    "libselinux.so.1": "",
    "libsqlite3.so.0": "libsqlite3-0",
    "libssl.so.3": "libssl3 | libssl3t64",
    "libstdc++.so.6": "libstdc++6",
    "libuuid.so.1": "libuuid1",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "",  # comes with libssl3t64, which alone needs it
}
WINDOW = (
    "gir1.2-gtk-3.0",
    "gir1.2-webkit2-4.1",
    "gir1.2-ayatanaappindicator3-0.1",
)
RECOMMENDED = (
    "dbus-user-session",
    "gnome-keyring | kwalletmanager | keepassxc",
    "xdg-utils",
)
_DESCRIPTION = """\
Use your own GitHub Copilot from any editor or agent
 A window, a tray icon and a local proxy that answers in the OpenAI and
 Anthropic formats, backed by the GitHub Copilot that you have. It connects
 editors, shows what it writes, and takes it back.
 .
 Unofficial; not made or supported by GitHub."""


class UnknownLibrary(Exception):
    """The program needs a library of the system, and no package is known that has it."""


def build(product: Product, *, quick: bool = False) -> Path:
    """`dist/copilot-desktop_VERSION_ARCH.deb`, larger if `quick`. Raises UnknownLibrary."""
    result = product.dist / f"{NAME}_{product.version}_{architecture()}.deb"
    # More threads cut the content otherwise, so the bytes would depend on the machine.
    packed = ("-Zgzip", "-z1") if quick else ("-Zxz", "--threads-max=1")
    with product.stage() as stage:
        lay(product, stage)
        describe(product, stage)
        settle(stage, product.epoch)
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", *packed, "--build", str(stage), str(result)],
            env={**os.environ, "SOURCE_DATE_EPOCH": str(product.epoch)},
            stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
    return result


def describe(product: Product, stage: Path) -> None:
    """What dpkg reads of a package that is laid out."""
    control = stage / "DEBIAN"
    control.mkdir()
    sums = {path.relative_to(stage).as_posix(): digest(path) for path in content(stage)}
    (control / "md5sums").write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))
    kilobytes = sum(-(-path.stat().st_size // 1024) for path in content(stage))
    (control / "control").write_text(fields(product, architecture(), kilobytes), encoding="utf-8")
    for script in ("postinst", "prerm"):
        shutil.copy(product.root / "packaging" / "linux" / script, control / script)


def lay(product: Product, stage: Path) -> None:
    """The package's files, without what dpkg itself reads."""
    (stage / "usr" / "lib").mkdir(parents=True)
    shutil.copytree(product.folder, stage / "usr" / "lib" / NAME, symlinks=True)
    (stage / "usr" / "bin").mkdir()
    (stage / "usr" / "bin" / NAME).symlink_to(f"../lib/{NAME}/{NAME}")
    lay_share(product, stage / "usr" / "share")
    told = stage / "usr" / "share" / "doc" / NAME
    told.mkdir(parents=True)
    licence = (product.root / "LICENSE").read_text(encoding="utf-8")
    (told / "copyright").write_text(
        f"{licence}\nThe libraries inside have licences of their own, which are in\n"
        f"/usr/lib/{NAME}/_internal/LICENCES.txt.\n",
        encoding="utf-8",
    )
    changes = (product.root / "CHANGELOG.md").read_bytes()
    (told / "changelog.gz").write_bytes(gzip.compress(changes, 9, mtime=0))


def fields(product: Product, architecture: str, kilobytes: int) -> str:
    """The control file."""
    return "\n".join((
        f"Package: {NAME}",
        f"Version: {product.version}",
        f"Architecture: {architecture}",
        "Maintainer: Copilot Desktop contributors <copilot-desktop@users.noreply.github.com>",
        f"Installed-Size: {kilobytes}",
        f"Depends: {', '.join(depends(product))}",
        f"Recommends: {', '.join(RECOMMENDED)}",
        "Section: devel",
        "Priority: optional",
        "Homepage: https://github.com/copilot-desktop/copilot-desktop",
        f"Description: {_DESCRIPTION}",
        "",
    ))  # fmt: skip


def depends(product: Product) -> list[str]:
    """Packages with what was left to the system. Raises UnknownLibrary."""
    unknown = [name for name in product.left_to_system if name not in LIBRARIES]
    if unknown:
        raise UnknownLibrary(f"no package is known for {', '.join(unknown)} (see deb.py)")
    needed = {LIBRARIES[name] for name in product.left_to_system} - {""}
    return [f"libc6 (>= {product.oldest_glibc()})", *sorted(needed), *WINDOW]


def content(stage: Path) -> list[Path]:
    return [p for p in files(stage) if not p.is_symlink() and stage / "DEBIAN" not in p.parents]


def digest(path: Path) -> str:
    """What dpkg compares installed files with; it guards against accidents, not attacks."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def architecture() -> str:
    asked = ["dpkg", "--print-architecture"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
