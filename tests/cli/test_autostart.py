"""`autostart`: the system's own list, with and without a running app."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from copilot_desktop.demo import FakeUpstream
from tests.cli.terminal import Commands, Terminal
from tests.cli.test_facts import sign_in

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux's own entry")


def switch_off(entry: Path) -> None:
    """As a desktop's own settings do it."""
    text = entry.read_text()
    assert "--hidden" in text
    entry.write_text(text + "Hidden=true\n")


def is_there(entry: Path) -> bool:
    return entry.exists()


async def check(commands: Commands, entry: Path) -> None:
    assert (await commands.run("autostart")).out == "The app does not start when you log in.\n"
    on = await commands.run("autostart", "on")
    assert (on.code, on.out, on.err) == (0, "The app starts when you log in.\n", "")
    assert json.loads((await commands.run("autostart", "status", "--json")).out) == {"state": "on"}
    switch_off(entry)
    assert (await commands.run("autostart")).out == "Switched off in system settings.\n"
    assert (await commands.run("autostart", "off")).code == 0
    assert not is_there(entry)


async def test_with_a_running_app_and_without(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.environ["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    entry = tmp_path / "config" / "autostart" / "copilot-desktop.desktop"
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.start("serve") as serve, terminal.commands() as commands:
            await serve.until("Signed in as octo-user")
            await check(commands, entry)
            assert (await serve.end(signal.SIGTERM)).code == 0
        async with terminal.commands() as commands:
            await check(commands, entry)


async def test_a_demo_and_an_unknown_word_are_refused(terminal: Terminal) -> None:
    async with terminal.commands() as commands:
        assert (await commands.run("--demo", "autostart", "on")).code == 1
        assert (await commands.run("autostart", "maybe")).code == 2
