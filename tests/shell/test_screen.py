"""A screen that is named and gone, before a toolkit ends the process over it."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from copilot_desktop.shell import screen
from copilot_desktop.shell.screen import missing
from tests.cli.terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="screens of Linux")


@pytest.fixture
def screens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where X servers of the test have their sockets."""
    monkeypatch.setattr(screen, "_X11_SOCKET", str(tmp_path / "X"))
    return tmp_path


def test_a_screen_that_listens_is_there(screens: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(screens / "X7"))
        server.listen()
        for name in (":7", ":7.0", "unix:7"):
            assert missing({"DISPLAY": name}) == ""
        runtime = {"XDG_RUNTIME_DIR": str(screens)}
        assert missing({"WAYLAND_DISPLAY": "X7", **runtime}) == ""
        assert missing({"WAYLAND_DISPLAY": str(screens / "X7")}) == ""
        assert missing({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":7", **runtime}) == ""


def test_over_ssh_it_is_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(screen, "_X11_PORT", server.getsockname()[1] - 10)
        assert missing({"DISPLAY": "127.0.0.1:10.0"}) == ""
    assert missing({"DISPLAY": "127.0.0.1:10.0"}) == "127.0.0.1:10.0"


def test_a_socket_that_nobody_listens_on_is_none(
    screens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket() as port:
        server.bind(str(screens / "X7"))  # left by a server that was killed
        port.bind(("127.0.0.1", 0))
        monkeypatch.setattr(screen, "_X11_PORT", port.getsockname()[1] - 7)
        assert missing({"DISPLAY": ":7"}) == ":7"
        assert missing({"DISPLAY": ":7", "WAYLAND_DISPLAY": "wayland-0"}) == "wayland-0, :7"
    assert missing({"WAYLAND_DISPLAY": "wayland-0"})
    assert missing({"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": str(screens)})


def test_what_only_the_toolkit_knows_is_left_to_it() -> None:
    for name in ("tcp/here:1", "/private/tmp/x:0", "odd", ":99999"):
        assert missing({"DISPLAY": name}) == ""
    assert missing({}) == ""


async def test_without_its_screen_the_app_serves(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.environ["DISPLAY"] = ":947"
    async with terminal.start("--demo") as app:
        await app.until(r"The screen :947 does not answer, so there is no window\. ", "err")
        await app.until(r"Signed in as \S+\.")
