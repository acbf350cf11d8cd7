"""`version`: what exactly this is; whether there is a newer one only where it is asked."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

from copilot_desktop import __version__
from copilot_desktop.demo import FakeUpstream, Scenario
from copilot_desktop.upstream.releases import DOWNLOADS, PATH
from tests.cli.terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


async def test_the_build_is_told_and_nothing_is_asked(terminal: Terminal) -> None:
    async with FakeUpstream(Scenario(release="v99.1.0")) as fake:
        terminal.at(fake)
        async with terminal.commands() as commands:
            for words in (("--version",), ("version",)):
                told = await commands.run(*words)
                first, second = told.out.splitlines()
                assert (told.code, told.err) == (0, "")
                assert first == f"copilot-desktop {__version__}"
                assert f"Python {sys.version.split()[0]}" in second
            facts = json.loads((await commands.run("version", "--json")).out)
            assert (facts["version"], facts["commit"], facts["newer"]) == (__version__, None, None)
            assert len(fake.ledger) == 0


async def test_a_check_names_the_page_and_asks_once_a_day(terminal: Terminal) -> None:
    async with FakeUpstream(Scenario(release="v99.1.0")) as fake:
        terminal.at(fake)
        async with terminal.commands() as commands:
            for _ in range(2):
                told = await commands.run("version", "--check")
                assert told.code == 0
                assert "Version 99.1.0 is available." in told.out
                assert told.err.strip() == DOWNLOADS
            facts = json.loads((await commands.run("version", "--check", "--json")).out)
            assert facts["newer"] == "99.1.0"
            assert [each.path for each in fake.ledger] == [PATH]


async def test_no_newer_one_and_no_answer(terminal: Terminal) -> None:
    async with FakeUpstream(Scenario(release="")) as fake:
        terminal.at(fake)
        async with terminal.commands() as commands:
            refused = await commands.run("version", "--check")
            assert (refused.code, "404" in refused.err) == (1, True)
            fake.scenario = replace(fake.scenario, release=f"v{__version__}")
            told = await commands.run("version", "--check")
            assert (told.code, told.out.splitlines()[-1]) == (0, "This is the newest version.")
