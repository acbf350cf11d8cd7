"""`logs`: what is in the file, by level, as JSON, and as it grows."""

from __future__ import annotations

import asyncio
import errno
import json
import signal
import sys
import time
from pathlib import Path

import pytest

from copilot_desktop.cli.logs import Records, run
from copilot_desktop.cli.parser import read
from copilot_desktop.core import settings_file
from tests.cli.terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

LINES = """\
2026-01-02 03:04:05,678 INFO copilot_desktop.proxy.controller: proxy running on 127.0.0.1:4141
2026-01-02 03:04:06,000 ERROR copilot_desktop.core.tasks: The task failed unexpectedly
    Traceback (most recent call last):
    ValueError: no
2026-01-02 03:04:07,000 WARNING copilot_desktop.upstream.client: Copilot refused /responses
"""


def write(terminal: Terminal, text: str, name: str = "copilot-desktop.log") -> None:
    path = terminal.folder / "logs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)


async def test_the_file_is_shown_by_level_and_as_json(terminal: Terminal) -> None:
    async with terminal.commands() as commands:
        none = await commands.run("logs")
        assert (none.code, none.out) == (1, "")
        assert "There is no log yet." in none.err
        write(terminal, LINES)
        assert (await commands.run("logs")).out == LINES
        told = await commands.run("logs", "--level", "warning")
        assert (told.code, told.out) == (0, "".join(LINES.splitlines(keepends=True)[1:]))
        records = [
            json.loads(line) for line in (await commands.run("logs", "--json")).out.splitlines()
        ]
        assert [each["level"] for each in records] == ["info", "error", "warning"]
        assert records[0]["name"] == "copilot_desktop.proxy.controller"
        assert records[1]["message"].endswith("\n    ValueError: no")
        assert time.localtime(records[0]["at"])[:6] == (2026, 1, 2, 3, 4, 5)


@pytest.mark.parametrize("words", [["logs"], ["logs", "--follow"]])
async def test_a_log_that_cannot_be_read_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    """As where a start with sudo has made it."""

    def shut(_: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    preferences = settings_file.load({"data_dir": str(tmp_path)}, {})
    with monkeypatch.context() as others:
        others.setattr(Path, "is_file", shut)
        assert await run(preferences, read(words)) == 1
    assert capsys.readouterr().err.startswith("The log cannot be read (Permission denied): ")


async def test_a_command_does_not_say_that_it_stopped_a_proxy(terminal: Terminal) -> None:
    async with terminal.commands() as commands:
        await commands.run("status")
        await commands.run("accounts")
        assert "proxy stopped" not in (await commands.run("logs")).out


async def test_new_lines_are_followed_also_into_a_new_file(terminal: Terminal) -> None:
    write(terminal, LINES)
    async with terminal.start("logs", "--follow", "--level", "warning") as following:
        await following.until("Copilot refused /responses")
        write(terminal, "2026-01-02 03:04:08,000 INFO a.b: quiet\n")
        write(terminal, "2026-01-02 03:04:08,000 ERROR a.b: in the old file\n")
        folder = terminal.folder / "logs"
        (folder / "copilot-desktop.log").rename(folder / "copilot-desktop.log.1")
        write(terminal, "2026-01-02 03:04:09,000 ERROR a.b: in the new file\n")
        await following.until("in the new file")
        assert "in the old file" in following.out
        assert "quiet" not in following.out
        (folder / "copilot-desktop.log").write_text("")  # as "Reset everything" does
        # Less than before: where it is emptied and filled between two looks, only that shows it.
        write(terminal, "2026-01-02 03:04:10,000 ERROR a.b: emptied\n")
        await following.until("emptied")
        assert (await following.end(signal.SIGINT)).code == 130


def test_lines_before_the_first_record_belong_to_nothing() -> None:
    records = Records()
    found = [each for line in ("half a line", *LINES.splitlines()) for each in records.feed(line)]
    assert [each.level for each in (*found, *records.rest())] == ["info", "error", "warning"]


async def test_it_ends_when_nobody_reads(terminal: Terminal) -> None:
    write(terminal, LINES * 3000)
    async with asyncio.timeout(20):
        process = await asyncio.create_subprocess_shell(
            f"{sys.executable} -m copilot_desktop logs --follow | head -1",
            env=terminal.environ,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
    assert out.decode().startswith("2026-01-02 03:04:0")
