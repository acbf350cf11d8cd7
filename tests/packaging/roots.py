"""A small Debian of its own for each test, thrown away afterwards, and a desktop around it.

The base is made once with debootstrap, with what the package depends on (half a gigabyte, a
minute), and kept in the user's cache; each test gets a layer above it. Screen, session bus and tray
host stand outside, as the kernel and the fake GitHub do.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from tests.gui.app import asked
from tests.gui.desk import until

_HERE = platform.freedesktop_os_release() if sys.platform == "linux" else {}
# What is built here wants a C library as new as the one here.
RELEASE = (_HERE.get("ID") == "debian" and _HERE.get("VERSION_CODENAME")) or "bookworm"
MIRROR = os.environ.get("DEBIAN_MIRROR", "")  # where there is none, debootstrap's own
# A launcher, and what carries it out.
LAUNCHER = ("libglib2.0-bin", "desktop-file-utils")
CHROOT = shutil.which("chroot") or "/usr/sbin/chroot"
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_MAKING = 600  # seconds

Json = dict[str, Any]


class CannotMakeError(Exception):
    """No root can be made here."""


def base(needed: Sequence[str]) -> Path:
    """A root with the packages `needed`. Raises CannotMakeError."""
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise CannotMakeError("debootstrap and root are needed")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "copilot-desktop"
    name = f"root-{RELEASE}-{hashlib.sha256(repr(sorted(needed)).encode()).hexdigest()[:8]}"
    place, making = cache / name, cache / f"{name}.new"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f"{name}.lock", timeout=3 * _MAKING):  # tests run side by side
        if not place.exists():
            _clear(making)
            mirror = [MIRROR] if MIRROR else []
            _call("debootstrap", "--variant=minbase", RELEASE, str(making), *mirror)
            install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
            _call(CHROOT, str(making), "apt-get", "update", "-qq")
            _call(CHROOT, str(making), *install, *needed, *LAUNCHER)
            making.rename(place)
    return place


def _clear(making: Path) -> None:
    """What a kill has left: the machine's own /proc may still be mounted in it."""
    for each in (making / "proc", making / "sys"):
        if each.is_mount():
            subprocess.run(["umount", "-l", str(each)], check=True)
    shutil.rmtree(making, ignore_errors=True)


def _call(*command: str) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, env=quiet, capture_output=True, timeout=_MAKING, check=False)
    except subprocess.TimeoutExpired:
        raise CannotMakeError(f"{command[0]} takes too long") from None
    if done.returncode:
        raise CannotMakeError(done.stdout.decode(errors="replace")[-500:])


class Root:
    """A layer above `base`; `shared` is at the same place inside and outside.

    No folder of the machine is mounted. A test that is killed leaves its mounts behind, and whoever
    deletes its folder later goes through them: below a mounted /dev that would be the machine's own
    devices. A single file that is mounted keeps its original. So devices and sockets are shared one
    by one, and a folder only if it is the test's own.
    """

    def __init__(self, base: Path, folder: Path, shared: Sequence[Path]) -> None:
        self.top = folder / "top"
        layer, work = folder / "layer", folder / "work"
        self._mounted: list[Path] = []
        for each in (self.top, layer, work):
            each.mkdir(parents=True)
        options = f"lowerdir={base},upperdir={layer},workdir={work}"
        try:
            self._mount(self.top, "-t", "overlay", "overlay", "-o", options)
            self._mount(self.top / "proc", "-t", "proc", "proc")
            self._make_dev()
            for each in shared:
                assert not each.is_dir() or each.is_relative_to(folder.parent), each
                self._share(each)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for pid in self.processes():
            os.kill(pid, 9)
        for each in reversed(self._mounted):
            subprocess.run(["umount", "-l", str(each)], check=False)

    def run(self, *command: str, environ: Mapping[str, str] | None = None) -> str:
        """What it prints. Fails with it if it does not end with 0."""
        plain = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
        # Into a file: what it leaves running would hold a pipe open.
        with tempfile.TemporaryFile() as out:
            done = subprocess.run(
                [CHROOT, str(self.top), *command],
                env={**plain, **(environ or {})},
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=90, check=False,
            )  # fmt: skip
            out.seek(0)
            said = out.read().decode(errors="replace")
        assert done.returncode == 0, f"{command}: {said[-3000:]}"
        return said

    def put(self, file: Path) -> str:
        """Copy a file in; its path inside."""
        shutil.copy(file, self.top / file.name)
        return f"/{file.name}"

    def processes(self) -> list[int]:
        """What runs inside."""
        found = []
        for each in Path("/proc").iterdir():
            if each.name.isdigit():
                try:
                    inside = (each / "root").readlink() == self.top
                except OSError:
                    continue
                found += [int(each.name)] if inside else []
        return found

    def names(self) -> set[str]:
        """Every file but what dpkg and apt write about themselves, and what is shared."""
        own = ("proc", "dev", "tmp", "var/lib/dpkg", "var/lib/apt", "var/cache", "var/log", "run")
        found = set()
        for folder, folders, files in os.walk(self.top):
            here = Path(folder).relative_to(self.top).as_posix()
            if here in own or here.startswith(tuple(f"{each}/" for each in own)):
                folders.clear()
                continue
            found |= {f"{here}/{name}" for name in files}
        return {name for name in found if not name.endswith((".cache", ".pyc"))}

    def _make_dev(self) -> None:
        """Enough of /dev for what is started inside, and nothing that reaches out."""
        dev = self.top / "dev"
        self._mount(dev, "-t", "tmpfs", "-o", "mode=755", "dev")
        for name in DEVICES:
            self._share(Path("/dev", name))
        for name, target in (
            ("fd", "fd"),
            ("stdin", "fd/0"),
            ("stdout", "fd/1"),
            ("stderr", "fd/2"),
        ):
            (dev / name).symlink_to(f"/proc/self/{target}")
        (dev / "pts").mkdir()
        self._mount(dev / "pts", "-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts")
        (dev / "ptmx").symlink_to("pts/ptmx")
        (dev / "shm").mkdir()
        (dev / "shm").chmod(0o1777)

    def _share(self, path: Path) -> None:
        inside = self.top / path.relative_to("/")
        if path.is_dir():
            inside.mkdir(parents=True, exist_ok=True)
        else:  # a socket or a device
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.touch()
        self._mount(inside, "--bind", str(path))

    def _mount(self, place: Path, *words: str) -> None:
        subprocess.run(["mount", *words, str(place)], check=True, capture_output=True)
        self._mounted.append(place)


class Inside:
    """The app that runs in a root, over its control plane. `folder` is its data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ask(self, path: str, arguments: Json | None = None) -> Json:
        return asked(self.folder, path, arguments)

    def state(self) -> Json | None:
        try:
            return self.ask("/state")
        except (OSError, ValueError):
            return None

    def until(self, what: str, look: Any, within: float = 30.0) -> Json:
        def accepted() -> Json | None:
            state = self.state()
            return state if state is not None and look(state) else None

        return until(accepted, what, within=within, otherwise=lambda: str(self.state())[:3000])
