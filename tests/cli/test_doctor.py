"""`doctor`: each part looked at, with and without a running app; a report that can be shown."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from copilot_desktop.cli import Ended, doctor
from copilot_desktop.demo import FakeUpstream
from tests.cli.terminal import Commands, Terminal
from tests.cli.test_facts import sign_in

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

ACCOUNT = {"session", "models", "usage"}


async def levels(commands: Commands, code: int) -> dict[str, str]:
    told = await commands.run("doctor", "--json")
    assert told.code == code
    return {each["id"]: each["level"] for each in json.loads(told.out)["checks"]}


async def test_without_a_running_app(terminal: Terminal) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.commands() as commands:
            found = await levels(commands, 0)
            assert found["own_address"] == "look"
            assert {found[name] for name in ACCOUNT | {"github", "clock", "logs"}} == {"ok"}
            told = await commands.run("doctor")
            assert "127.0.0.1 answered in" in told.out
            assert told.out.endswith("Nothing failed.\n")


async def test_with_a_running_app(terminal: Terminal, tmp_path: Path) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.start("serve") as serve, terminal.commands() as commands:
            await serve.until("Signed in as octo-user")
            assert (await levels(commands, 0))["own_address"] == "ok"
            file = tmp_path / "report.txt"
            assert (await commands.run("doctor", "--report", str(file))).code == 0
            text = file.read_text("utf-8")
            assert "GitHub: 127.0.0.1 answered in" in text
            for secret in ("octo-user", fake.github_token, str(terminal.folder)):
                assert secret not in text
            again = await commands.run("doctor", "--report", str(file))
            assert (again.code, "could not be written" in again.err) == (1, True)
            assert file.read_text("utf-8") == text
            assert (await serve.end(signal.SIGTERM)).code == 0


async def test_nobody_is_signed_in(terminal: Terminal) -> None:
    async with FakeUpstream() as fake, terminal.commands() as commands:
        terminal.at(fake)
        found = await levels(commands, 3)
        assert found["sign_in"] == "look"
        assert not ACCOUNT & found.keys()


async def test_github_cannot_be_reached(terminal: Terminal) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
    async with terminal.commands() as commands:
        told = await commands.run("doctor")
        assert told.code == 1
        assert "refused the connection" in told.out
        assert "checks failed." in told.out


def test_a_disk_that_is_full_leaves_no_half_of_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("copilot_desktop.atomic.os.fsync", full)
    with pytest.raises(Ended, match="No space left"):
        doctor._write(tmp_path / "report.txt", "half")
    assert list(tmp_path.iterdir()) == []


def test_the_terminal_speaks_english_whatever_the_window_speaks() -> None:
    check = {
        "id": "port",
        "level": "ok",
        "words": "Port 4141 ist frei.",
        "key": "finding.port.free",
        "fields": {"port": "4141"},
        "action": "",
    }
    assert "Port 4141 is free." in doctor.lines([check])[0]
