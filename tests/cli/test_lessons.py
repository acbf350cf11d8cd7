"""`models learned` and `models forget`, with and without a running app."""

from __future__ import annotations

import json
import signal
import sys
import time

import pytest

from copilot_desktop.demo import FakeUpstream
from copilot_desktop.upstream.lessons import FILE_NAME, Lesson, Lessons
from tests.cli.terminal import Commands, Terminal
from tests.cli.test_facts import sign_in

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


async def remember(terminal: Terminal) -> None:
    lessons = Lessons(terminal.folder / FILE_NAME)
    lessons.learn("gpt-4.1", Lesson("no_temperature"))
    lessons.learn("gpt-4.1", Lesson("bad_path", "user"))
    lessons.learn("gpt-4o", Lesson("efforts", "low,high"))
    lessons.learn("gpt-5-mini", Lesson("efforts", ""))
    await lessons.keep()


async def check(commands: Commands) -> None:
    told = await commands.run("models", "learned")
    assert (told.code, told.err) == (0, "")
    day = time.strftime("%Y-%m-%d")
    assert f"gpt-4.1\n  {day}  Takes no temperature.\n  {day}  Does not know user.\n" in told.out
    assert "Takes these efforts: low, high." in told.out
    assert "Takes no effort." in told.out
    listed = json.loads((await commands.run("models", "learned", "--json")).out)
    assert [each["about"] for each in listed["gpt-4.1"]] == ["no_temperature", "bad_path"]
    assert (await commands.run("models", "forget", "gpt-4.1")).out == "2 lessons forgotten.\n"
    assert "gpt-4.1" not in (await commands.run("models", "learned")).out
    assert (await commands.run("models", "forget", "--json")).out == '{"forgotten": 2}\n'
    assert (await commands.run("models", "learned")).out == "Nothing has been learned.\n"
    assert (await commands.run("models", "forget")).out == "Nothing has been learned.\n"


async def test_with_a_running_app_and_without(terminal: Terminal) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        await remember(terminal)
        async with terminal.start("serve") as serve, terminal.commands() as commands:
            await serve.until("Signed in as octo-user")
            await commands.run("models")
            await check(commands)
            assert (await serve.end(signal.SIGTERM)).code == 0
        await remember(terminal)
        async with terminal.commands() as commands:
            await check(commands)
