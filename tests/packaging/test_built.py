"""The frozen program by itself: complete, without the system's libraries, with window and tray."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop import __version__
from tests.gui.app import TITLE
from tests.gui.desk import Desk, end, until
from tests.packaging.roots import Inside
from tests.ports import free_port

straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def program(product: Any) -> str:
    return str(product.folder / product.folder.name)


def test_it_knows_its_version_and_where_it_came_from(program: str, tmp_path: Path) -> None:
    said = subprocess.run(
        [program, "version", "--json"], env={"HOME": str(tmp_path)}, timeout=60,
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = json.loads(said)
    assert found["version"] == __version__
    assert found["date"]


def test_it_holds_page_and_icons_and_nothing_of_the_desktop(product: Any) -> None:
    names = {path.relative_to(product.folder).as_posix() for path in product.folder.rglob("*")}
    for name in ("ui/index.html", "ui/strings/en.json", "assets/icon-256.png", "LICENSE"):
        assert f"_internal/{name}" in names
    told = (product.folder / "_internal" / "LICENCES.txt").read_text(encoding="utf-8")
    for name in ("Python", "PyGObject", "pystray: COPYING.LGPL"):
        assert f"\n{name}\n---" in told, "a licence with its text"
    libraries = ("libgtk", "libwebkit", "libglib", "libstdc++", "libssl", "libsqlite", "libX11")
    assert [n for n in names if Path(n).name.startswith(libraries)] == []
    assert not any("tests" in Path(n).parts for n in names)


def test_every_command_can_be_loaded(program: str, tmp_path: Path) -> None:
    """Commands are imported by name, which a recipe may forget."""
    environ = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "COPILOT_DESKTOP_TOKEN_STORE": "file",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    for words in (
        ("accounts",), ("autostart",), ("completions", "bash"), ("connect",), ("doctor", "--json"),
        ("env", "bash"), ("keys",), ("logs",), ("status",), ("usage",),
        ("remove-everything", "--yes"),
    ):  # fmt: skip
        done = subprocess.run(
            [program, "--demo", *words], env=environ, cwd=tmp_path, timeout=60,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, f"{words}: {done.stderr[-2000:]}"
        assert done.returncode in {0, 1, 3}, words


def test_window_and_tray_come_and_programs_get_a_plain_environment(
    program: str, desk: Desk
) -> None:
    port = free_port()
    with (Path(desk.environ["HOME"]) / "out").open("wb") as out:
        process = subprocess.Popen(
            [program, "--demo", "--port", str(port)], env=desk.environ, stdout=out, stderr=out
        )
    try:
        app = Inside(Path(desk.environ["HOME"], ".local", "share", "copilot-desktop", "demo"))
        state = app.until("the start", lambda s: s["app"]["tray"] != "unknown")
        assert (state["app"]["engine"], state["app"]["tray"]) == ("gtk", "ok")
        until(lambda: any(f.title == TITLE for f in desk.frames()), "the window", within=30)
        until(desk.tray_icon, "the tray icon")
        with straight.open(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
            assert answer.status == 200
        views = until(lambda: web_views(process.pid), "the web view's own process", within=30)
        for view in views:
            assert "_internal" not in Path(f"/proc/{view}/environ").read_text(errors="replace")
        app.ask("/do/quit", {})
        assert process.wait(20) == 0
    finally:
        end(process)


def web_views(parent: int) -> list[int]:
    """WebKit's processes below the app, which inherit its environment."""
    children = Path(f"/proc/{parent}/task")
    pids = [pid for each in children.glob("*/children") for pid in each.read_text().split()]
    return [int(pid) for pid in pids if "WebKit" in Path(f"/proc/{pid}/comm").read_text()]
