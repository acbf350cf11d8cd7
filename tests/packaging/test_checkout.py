"""The first command of the README on a machine that has Python and nothing else: it sets itself up,
shows window and tray icon, and a second start finds everything in place.

The clean root has GTK and WebKit already (fetching them would take minutes); Python's way to them,
its venv module and all libraries are fetched by the command.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.source import ROOT, shown, tracked
from tests.gui.app import TITLE
from tests.gui.desk import Desk, until
from tests.packaging.lives import sockets
from tests.packaging.roots import CHROOT, CannotMakeError, Inside, Root, base
from tests.packaging.test_container import OUTSIDE
from tests.ports import free_port

SETTING_UP = 150.0  # seconds
CERTIFICATES = "/outside.crt"  # the usual place is written anew when packages are installed


@pytest.fixture
def root(desk: Desk, tmp_path: Path, part: Callable[[str], ModuleType]) -> Iterator[Root]:
    try:
        shared = (tmp_path / "desk", *sockets(desk))
        root = Root(base(part("deb").WINDOW), tmp_path / "root", shared)
    except (CannotMakeError, subprocess.CalledProcessError) as trouble:
        pytest.skip(f"no clean root here: {trouble}")
    yield root
    root.close()


def prepare(root: Root) -> dict[str, str]:
    """Python, the checkout, and the variables with which packages are fetched here."""
    for name in OUTSIDE:
        if Path(name).exists():
            inside = root.top / (CERTIFICATES if name.endswith(".crt") else name).lstrip("/")
            inside.unlink(missing_ok=True)
            shutil.copyfile(name, inside)
    root.run("apt-get", "update", "-qq")
    root.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "python3")
    for path in tracked():
        place = root.top / "checkout" / shown(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    found = {k: v for k, v in os.environ.items() if k.lower().startswith(("pip_", "http", "no_p"))}
    return {**found, "PIP_CERT": CERTIFICATES} if "PIP_CERT" in found else found


@pytest.mark.timeout(240, func_only=True)
def test_it_sets_itself_up_and_starts(root: Root, desk: Desk, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first, demo = re.findall(r"^ {4}(python3 run\.py.*)$", readme, re.MULTILINE)[:2]
    assert f"{first} --demo" == demo
    environ = {**desk.environ, **prepare(root), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    environ["COPILOT_DESKTOP_PORT"] = str(free_port())
    environ.pop("PYTHONPATH", None)
    app = Inside(Path(desk.environ["HOME"], ".local", "share", "copilot-desktop", "demo"))
    said = tmp_path / "said"
    for patience in (SETTING_UP, 30.0):
        command = [CHROOT, str(root.top), "sh", "-c", f"cd /checkout && exec {demo}"]
        with said.open("wb") as out:
            process = subprocess.Popen(
                command, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

        def started() -> bool:
            if process.poll() is not None:  # noqa: B023 - called within this turn
                pytest.fail(said.read_text()[-3000:])
            state = app.state()
            return state is not None and state["app"]["tray"] != "unknown"

        until(started, "the start", within=patience, otherwise=said.read_text)
        told = said.read_text()
        assert ("Installing" in told) is (patience == SETTING_UP), "only the first time"
        assert (app.ask("/state")["app"]["engine"]) == "gtk"
        until(lambda: any(f.title == TITLE for f in desk.frames()), "the window", within=30)
        until(desk.tray_icon, "the tray icon")
        app.ask("/do/quit", {})
        assert process.wait(20) == 0
