"""The whole life of the package on a system that has nothing of ours: installed, started from its
menu entry, signed in, used by an SDK, upgraded while it runs, started again, removed.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from copilot_desktop.demo import FakeUpstream, Scenario
from tests.gui.desk import Desk, until
from tests.packaging.lives import Life, sockets
from tests.packaging.roots import CannotMakeError, Root, base

ENTRY = "/usr/share/applications/copilot-desktop.desktop"


@pytest.fixture
def root(
    desk: Desk, tmp_path: Path, part: Callable[[str], ModuleType], product: Any
) -> Iterator[Root]:
    deb = part("deb")
    first = [each.split(" | ")[0].split(" (")[0] for each in deb.depends(product)]
    try:
        root = Root(base(first), tmp_path / "root", (tmp_path / "desk", *sockets(desk)))
    except (CannotMakeError, subprocess.CalledProcessError) as trouble:
        pytest.skip(f"no clean root here: {trouble}")
    yield root
    root.close()


async def test_install_use_upgrade_remove(
    root: Root, desk: Desk, part: Callable[[str], ModuleType], product: Any
) -> None:
    build = part("deb").build
    older, newer = (build(replace(product, version=v), quick=True) for v in ("0.0.1", "0.0.2"))
    async with FakeUpstream(Scenario()) as fake:
        await asyncio.to_thread(_live, root, desk, fake.url, older, newer)


def _live(root: Root, desk: Desk, github: str, older: Path, newer: Path) -> None:
    before = root.names()
    life = Life(desk, github, lambda environ: root.run("gio", "launch", ENTRY, environ=environ))
    apt = ("apt-get", "install", "-y", "--no-install-recommends")

    root.run(*apt, root.put(older))
    root.run("desktop-file-validate", ENTRY)
    life.begin()
    life.answers()

    told = root.run(*apt, root.put(newer))
    assert "start it again" in told
    life.answers()  # the old one goes on
    life.quit(lambda: not root.processes())
    assert "0.0.2" in root.run("dpkg-query", "-W", "copilot-desktop")

    life.start()
    life.is_the_same()
    life.answers()

    told = root.run("apt-get", "remove", "-y", "copilot-desktop")
    assert "remove-everything" in told
    assert "still running" in told
    for pid in root.processes():
        subprocess.run(["kill", str(pid)], check=False)
    until(lambda: not root.processes(), "the app to end")
    assert root.names() - before == {"./" + older.name, "./" + newer.name}
    assert life.app.folder.is_dir()  # as was told

    root.run(*apt, f"/{newer.name}")
    gone = root.run("copilot-desktop", "remove-everything", "--yes", environ=life.environ)
    assert "octo-user" in gone
    assert "Traceback" not in gone
    assert life.left() == set()
