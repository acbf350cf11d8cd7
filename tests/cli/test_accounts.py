"""`accounts` and `login --server`: several sign-ins, one in use, chosen by a word."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

from copilot_desktop.cli.accounts import listed
from copilot_desktop.demo import FakeUpstream, Scenario
from copilot_desktop.demo.scenario import PEOPLE
from tests.cli.terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

QUICK = Scenario(interval=1, enforce_interval=False, approve_after=0.0, people=PEOPLE[:2])
FIRST, SECOND = (person.login for person in PEOPLE[:2])


async def test_two_accounts_from_the_terminal(terminal: Terminal) -> None:
    async with FakeUpstream(QUICK) as fake, terminal.commands() as commands:
        terminal.at(fake)
        ended = await commands.run("accounts")
        assert (ended.code, ended.out) == (0, "Nobody is signed in.\n")
        for _ in range(2):
            assert (await commands.run("login", "--no-browser")).code == 0
        ended = await commands.run("accounts", "--json")
        shown = json.loads(ended.out)
        assert [(each["login"], each["in_use"]) for each in shown] == [
            (SECOND, True),
            (FIRST, False),
        ]
        seen = len(fake.ledger)

        ended = await commands.run("accounts", "use", FIRST)
        assert ended.code == 0
        first, second = ended.out.splitlines()
        assert first.split()[:2] == ["*", FIRST]
        assert "A file only I can read" in first
        assert second.split()[0] == SECOND
        assert len(fake.ledger) == seen, "choosing needs no network"

        ended = await commands.run("accounts", "remove", FIRST)
        assert (ended.code, "in use" in ended.err) == (1, True)
        ended = await commands.run("accounts", "use", "nobody")
        assert (ended.code, ended.out) == (1, "")
        assert "No account nobody" in ended.err

        ended = await commands.run("logout")
        assert "Other accounts are still signed in" in ended.out
        ended = await commands.run("accounts", "remove", f"127.0.0.1:{PEOPLE[1].id}")
        assert (ended.code, ended.out) == (0, "Nobody is signed in.\n")
        assert list((terminal.token_file.parent).iterdir()) == []


async def test_the_running_app_is_asked(terminal: Terminal) -> None:
    async with FakeUpstream(QUICK) as fake:
        terminal.at(fake)
        async with terminal.commands() as commands:
            for _ in range(2):
                assert (await commands.run("login", "--no-browser")).code == 0
            async with terminal.start("serve"):
                ended = await commands.run("accounts", "use", FIRST.upper())
                assert ended.code == 0
                ended = await commands.run("accounts", "--json")
                assert [each["login"] for each in json.loads(ended.out)] == [FIRST, SECOND]


async def test_an_unknown_server_is_refused_without_a_word_to_it(terminal: Terminal) -> None:
    async with FakeUpstream(replace(QUICK)) as fake, terminal.commands() as commands:
        terminal.at(fake)
        ended = await commands.run("login", "--server", "github.example.com")
        assert (ended.code, ended.out) == (1, "")
        assert "only github.com and NAME.ghe.com are known" in ended.err
        assert not fake.ledger


def test_a_locked_store_is_not_listed_as_an_account() -> None:
    auth = {"state": "storage_locked", "login": "", "others": []}
    assert listed({"auth": auth}) == []
