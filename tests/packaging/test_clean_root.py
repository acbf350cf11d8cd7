"""The whole life of the package on a system that has nothing of ours: installed, started from its
menu entry, signed in, used by an SDK, upgraded while it runs, started again, removed.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from copilot_desktop.demo import FakeUpstream, Scenario
from tests.gui.app import TITLE, free_port
from tests.gui.desk import Desk, missing, until
from tests.packaging.roots import CannotMakeError, Inside, Root, base

X11 = Path("/tmp/.X11-unix")
ENTRY = "/usr/share/applications/copilot-desktop.desktop"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    if (lacking := missing("trayer")) is not None:
        pytest.skip(f"no desktop here: {lacking}")
    desk = Desk(tmp_path / "desk", tray=True)
    yield desk
    desk.close()


@pytest.fixture
def root(
    desk: Desk, tmp_path: Path, part: Callable[[str], ModuleType], product: Any
) -> Iterator[Root]:
    deb = part("deb")
    first = [each.split(" | ")[0].split(" (")[0] for each in deb.depends(product)]
    try:
        root = Root(base(first), tmp_path / "root", (tmp_path / "desk", X11, _bus(desk)))
    except (CannotMakeError, subprocess.CalledProcessError) as trouble:
        pytest.skip(f"no clean root here: {trouble}")
    yield root
    root.close()


def _bus(desk: Desk) -> Path:
    """The session bus's socket."""
    address = desk.environ["DBUS_SESSION_BUS_ADDRESS"]
    return Path(address.removeprefix("unix:path=").partition(",")[0])


def ask(port: int, key: str) -> str:
    """A question through the official SDK, in a program of its own."""
    code = (
        "import sys, openai\n"
        "client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)\n"
        "said = client.chat.completions.create(model='gpt-5-mini',\n"
        "    messages=[{'role': 'user', 'content': 'Say hello'}])\n"
        "print(said.choices[0].message.content)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"http://127.0.0.1:{port}/v1", key],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


async def test_install_use_upgrade_remove(
    root: Root, desk: Desk, part: Callable[[str], ModuleType], product: Any
) -> None:
    build = part("deb").build
    older, newer = (build(replace(product, version=v), quick=True) for v in ("0.0.1", "0.0.2"))
    async with FakeUpstream(Scenario()) as fake:
        await asyncio.to_thread(_live, root, desk, fake.url, older, newer)


def _live(root: Root, desk: Desk, github: str, older: Path, newer: Path) -> None:
    before = root.names()
    port = free_port()
    names = ("GITHUB_URL", "GITHUB_API_URL", "COPILOT_URL")
    environ = {
        **desk.environ,
        **{f"COPILOT_DESKTOP_{name}": github for name in names},
        "COPILOT_DESKTOP_TOKEN_STORE": "file",
        "COPILOT_DESKTOP_PORT": str(port),
        "PATH": "/usr/bin:/bin",
    }
    home = Path(desk.environ["HOME"])
    app = Inside(home / ".local" / "share" / "copilot-desktop")
    apt = ("apt-get", "install", "-y", "--no-install-recommends")

    root.run(*apt, root.put(older))
    root.run("desktop-file-validate", ENTRY)
    _start(root, desk, app, environ)
    assert app.ask("/do/accept_notice", {})["ok"]
    assert app.ask("/do/sign_in", {})["ok"]
    app.until("the sign-in", lambda s: s["login"] and s["login"]["state"] == "done")
    assert app.ask("/do/update_settings", {"patch": {"theme": "dark"}})["ok"]
    assert ask(port, _key(app))

    told = root.run(*apt, root.put(newer))
    assert "start it again" in told
    assert ask(port, _key(app))  # the old one goes on
    app.ask("/do/quit", {})
    until(lambda: not root.processes(), "the app to end")
    assert "0.0.2" in root.run("dpkg-query", "-W", "copilot-desktop")

    _start(root, desk, app, environ)
    state = app.until("the account", lambda s: s["auth"]["login"])
    assert state["settings"]["theme"] == "dark"
    assert ask(port, _key(app))

    told = root.run("apt-get", "remove", "-y", "copilot-desktop")
    assert "remove-everything" in told
    for pid in root.processes():
        subprocess.run(["kill", str(pid)], check=False)
    until(lambda: not root.processes(), "the app to end")
    assert root.names() - before == {"./" + older.name, "./" + newer.name}
    assert app.folder.is_dir()  # as was told

    root.run(*apt, f"/{newer.name}")
    gone = root.run("copilot-desktop", "remove-everything", "--yes", environ=environ)
    assert "octo-user" in gone
    left = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
    assert left == set()


def _start(root: Root, desk: Desk, app: Inside, environ: dict[str, str]) -> None:
    """As a menu does it, until window and tray icon are there."""
    root.run("gio", "launch", ENTRY, environ=environ)
    app.until("the app to start", lambda s: s["app"]["tray"] != "unknown")
    until(lambda: any(f.title == TITLE for f in desk.frames()), "the window", within=30)
    until(desk.tray_icon, "the tray icon")


def _key(app: Inside) -> str:
    return (app.folder / "local-key").read_text().strip()
