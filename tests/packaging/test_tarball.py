"""The whole life of the archive, for somebody without root: unpacked, installed into the home,
started from the menu, signed in, used by an SDK, upgraded while it runs, started again, removed.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from copilot_desktop.demo import FakeUpstream, Scenario
from tests.gui.desk import Desk, until
from tests.packaging.lives import Life

FINDS = """
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gio, Gtk
entry = Gio.DesktopAppInfo.new("copilot-desktop.desktop")
icon = Gtk.IconTheme.get_default().lookup_by_gicon(entry.get_icon(), 48, 0)
print(entry.get_name(), icon.get_filename(), sep="\\n")
"""


async def test_install_use_upgrade_remove(
    desk: Desk, part: Callable[[str], ModuleType], product: Any, tmp_path: Path
) -> None:
    def unpacked() -> Path:
        archive = part("tarball").build(product, quick=True)
        subprocess.run(["tar", "-xf", str(archive)], cwd=tmp_path, check=True)
        return tmp_path / archive.name.partition("-linux")[0]

    folder = await asyncio.to_thread(unpacked)
    async with FakeUpstream(Scenario()) as fake:
        try:
            await asyncio.to_thread(_live, desk, fake.url, folder)
        finally:
            for pid in running(Path(desk.environ["HOME"])):
                os.kill(pid, 9)


def _live(desk: Desk, github: str, unpacked: Path) -> None:
    home = Path(desk.environ["HOME"])
    lib = home / ".local" / "lib" / "copilot-desktop"
    entry = home / ".local" / "share" / "applications" / "copilot-desktop.desktop"
    life = Life(desk, github, lambda environ: call(environ, "gio", "launch", entry))
    environ = life.environ
    left = unpacked / "app" / "_internal" / "of-an-older-version"

    left.touch()
    call(environ, unpacked / "install.sh")
    call(environ, "desktop-file-validate", entry)
    name, icon = call(environ, "/usr/bin/python3", "-c", FINDS).splitlines()
    assert name == "Copilot Desktop"
    assert Path(icon).is_relative_to(home)
    life.begin()
    life.answers()

    left.unlink()
    assert "start it again" in call(environ, unpacked / "install.sh")
    assert not (lib / "_internal" / left.name).exists()
    life.answers()  # the old one goes on
    life.quit(lambda: not running(home))

    life.start()
    life.is_the_same()
    life.answers()
    call(environ, lib / "copilot-desktop", "autostart", "on")

    told = call(environ, lib / "uninstall.sh")
    assert "stays" in told
    assert "still running" in told
    assert life.left()
    assert all(name.startswith(".local/share/copilot-desktop/") for name in life.left())
    life.quit(lambda: not running(home))

    call(environ, unpacked / "install.sh")
    life.start()
    life.is_the_same()
    gone = call(environ, lib / "uninstall.sh", "--everything", "--yes")
    assert "octo-user" in gone
    assert "Traceback" not in gone
    assert life.left() == set()
    until(lambda: not running(home), "the app to end")


def call(environ: dict[str, str], *command: str | Path) -> str:
    """What it prints. Fails with it if it does not end with 0."""
    # Into a file: what it leaves running would hold a pipe open.
    with tempfile.TemporaryFile() as out:
        done = subprocess.run(
            [str(word) for word in command], env=environ, cwd=environ["HOME"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=60, check=False,
        )  # fmt: skip
        out.seek(0)
        said = out.read().decode(errors="replace")
    assert done.returncode == 0, f"{command}: {said[-3000:]}"
    return said


def running(folder: Path) -> list[int]:
    """Processes of a program in `folder`, also of one that was deleted since."""
    found = []
    for each in Path("/proc").iterdir():
        try:
            program = (each / "exe").readlink() if each.name.isdigit() else Path()
        except OSError:
            continue
        if str(program).startswith(f"{folder}/"):
            found.append(int(each.name))
    return found
