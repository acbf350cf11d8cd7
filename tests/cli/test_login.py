"""`login` and `logout`: what a person reads, what a script sees, and what is left on the disk."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from pathlib import Path

import pytest

from copilot_desktop.control.instance import find
from copilot_desktop.demo import FakeUpstream, Scenario
from copilot_desktop.upstream.stores import StoredAccount, to_text
from tests.cli.terminal import Finished, Process, Terminal, settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

QUICK = Scenario(interval=1, enforce_interval=False, approve_after=0.0)
LEFT = "ghu_" + "L" * 36


ENDINGS = {
    "denied": Scenario(interval=1, polls=("denied",)),
    "expired": Scenario(interval=1, polls=("expired",)),
    "no_access": Scenario(who="no_access", interval=1, approve_after=0),
    "done": QUICK,
}


async def attempt(place: Path, scenario: Scenario) -> tuple[Terminal, Finished, str]:
    """One `login` against a GitHub of its own, and that GitHub's address."""
    terminal = Terminal(place)
    async with FakeUpstream(scenario) as fake:
        terminal.at(fake)
        return terminal, await terminal.run("login", "--no-browser"), fake.url


async def test_the_ways_a_sign_in_can_end(tmp_path: Path) -> None:
    """All at the same time, since each waits as long as GitHub asks."""
    attempts = [attempt(tmp_path / name, scenario) for name, scenario in ENDINGS.items()]
    found = dict(zip(ENDINGS, await asyncio.gather(*attempts), strict=True))

    terminal, ended, url = found["done"]
    assert (ended.code, ended.err) == (0, "")
    assert "may be against its terms" in " ".join(ended.out.split())
    assert re.search(r"Open   " + re.escape(url) + "/login/device\n", ended.out)
    assert re.search(r"Enter  [A-Z0-9]{4}-[A-Z0-9]{4}\n", ended.out)
    where = f"Signed in as octo-user. The sign-in is kept in: {terminal.token_file}.\n"
    assert ended.out.endswith(where)
    token = json.loads(terminal.token_file.read_text())["token"]
    assert token.startswith("ghu_")
    assert token not in ended.out
    assert terminal.token_file.stat().st_mode & 0o777 == 0o600

    terminal, ended, _ = found["denied"]
    assert (ended.code, ended.err) == (1, "Access was refused on GitHub.\n")
    assert not terminal.token_file.exists()

    terminal, ended, _ = found["expired"]
    assert ended.code == 1
    assert ended.err == "The code has expired before it was entered on GitHub.\n"
    assert not terminal.token_file.exists()

    _, ended, _ = found["no_access"]
    assert ended.code == 1
    assert ended.err.startswith("GitHub Copilot subscription required. ")


async def test_what_makes_a_sign_in_pointless_is_said_before_a_code_is_shown(
    terminal: Terminal,
) -> None:
    async with FakeUpstream(QUICK) as fake, terminal.commands() as commands:
        terminal.at(fake)
        with socket.socket() as nobody:  # bound, but not listening
            nobody.bind(("127.0.0.1", 0))
            away = f"http://127.0.0.1:{nobody.getsockname()[1]}"
            ended = await commands.run("login", **settings(github_url=away))
        assert (ended.code, ended.out) == (1, "")
        assert re.fullmatch(r"127\.0\.0\.1:?\d* could not be reached: .+\.\n", ended.err)

        ended = await commands.run("login", **settings(token_store="memory"))
        assert (ended.code, ended.out) == (1, "")
        assert "`copilot-desktop serve` first" in ended.err

        ended = await commands.run("login", COPILOT_GITHUB_TOKEN=fake.github_token)
        assert (ended.code, ended.out) == (1, "")
        assert "Remove the variable to sign in here." in ended.err
        assert not fake.ledger.to("/login/device/code")


async def test_ctrl_c_ends_the_wait(terminal: Terminal) -> None:
    async with FakeUpstream(Scenario(interval=1, approval="manual")) as fake:
        terminal.at(fake)
        async with terminal.start("login", "--no-browser") as login:
            await login.code()
            ended = await login.end(signal.SIGINT)
        assert (ended.code, ended.err) == (130, "")
        assert not terminal.token_file.exists()


async def test_signing_in_and_out_through_the_running_app(terminal: Terminal) -> None:
    async with FakeUpstream(Scenario(interval=1, approval="manual")) as fake:
        terminal.at(fake)
        async with terminal.start("serve") as serve, terminal.commands() as commands:
            shown_first = await serve.code()

            async with terminal.start("login", "--no-browser") as login:
                code = await login.code()
                assert code != shown_first
                fake.deny(code)
                ended = await login.end()
            assert (ended.code, ended.err) == (1, "Access was refused on GitHub.\n")

            async with terminal.start("login", "--no-browser") as login:
                code = await login.code()
                ended = await login.end(signal.SIGINT)
            assert (ended.code, ended.err) == (130, "")
            state = json.loads((await commands.run("status", "--json")).out)
            assert state["running"] is True
            assert state["account"]["state"] == "signed_out"
            app = find(terminal.folder)
            assert app is not None
            shown = await asyncio.to_thread(app.state)
            assert shown["login"]["state"] == "cancelled", "nobody can see that code any more"
            assert not terminal.token_file.exists()

            async with terminal.start("login") as login:
                fake.approve(await login.code())
                ended = await login.end()
            assert (ended.code, ended.err) == (0, "")
            assert "Signed in as octo-user. The sign-in is kept in: " in ended.out
            await serve.until("Signed in as octo-user")
            assert terminal.token_file.exists()

            ended = await commands.run("logout")
            assert (ended.code, ended.err) == (0, "")
            assert not terminal.token_file.exists()
            assert (await commands.run("status")).code == 3
            await no_new_code(serve, fake)
            assert (await serve.end(signal.SIGTERM)).code == 0


async def test_an_app_that_is_started_while_the_code_waits_is_told(terminal: Terminal) -> None:
    async with FakeUpstream(Scenario(interval=1, approval="manual")) as fake:
        terminal.at(fake)
        async with terminal.start("login", "--no-browser") as login:
            code = await login.code()
            async with terminal.start("serve") as serve:
                await serve.code()  # nobody is signed in yet
                fake.approve(code)
                ended = await login.end()
                assert (ended.code, ended.err) == (0, "")
                await serve.until("Signed in as octo-user")
                app = find(terminal.folder)
                assert app is not None
                shown = await asyncio.to_thread(app.state)
                assert shown["auth"]["state"] == "signed_in"
                assert shown["login"]["state"] == "cancelled", "its own code is of no use any more"
                assert (await serve.end(signal.SIGTERM)).code == 0


async def no_new_code(serve: Process, fake: FakeUpstream) -> None:
    """Who has signed out by hand is not asked to sign in at once."""
    asked = len(fake.ledger.to("/login/device/code"))
    assert serve.out.count("Enter  ") == 1
    assert asked == 4


KEYRING = """\
import pathlib
from keyring.backend import KeyringBackend

class Kept(KeyringBackend):
    priority = 5
    place = pathlib.Path(__file__).with_name("entry")

    def get_password(self, service, username):
        return self.place.read_text() if self.place.exists() else None

    def set_password(self, service, username, password):
        self.place.write_text(password)

    def delete_password(self, service, username):
        self.place.unlink()
"""


@pytest.mark.parametrize("chosen", ["keyring", "file", "memory"])
async def test_signing_out_leaves_nothing_in_any_store(terminal: Terminal, chosen: str) -> None:
    """Also what an earlier choice of another store has left behind."""
    (terminal.home / "kept_keyring.py").write_text(KEYRING)
    entry = terminal.home / "entry"
    terminal.environ["PYTHONPATH"] += os.pathsep + str(terminal.home)
    terminal.environ["PYTHON_KEYRING_BACKEND"] = "kept_keyring.Kept"
    kept = to_text(StoredAccount("127.0.0.1", "octo-left", 1, LEFT))
    entry.write_text(kept)
    terminal.token_file.parent.mkdir(parents=True)
    terminal.token_file.write_text(kept)
    async with FakeUpstream(QUICK) as fake:
        terminal.at(fake)
        terminal.environ |= settings(token_store=chosen)
        ended = await terminal.run("logout")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "Signed out. The stored sign-in is deleted.\n"
    assert not entry.exists()
    assert not terminal.token_file.exists()
    for path in terminal.home.parent.rglob("*"):
        assert not path.is_file() or LEFT.encode() not in path.read_bytes(), path


async def test_a_keyring_that_is_out_of_reach_is_not_said_to_be_empty(terminal: Terminal) -> None:
    """Over SSH the desktop's keyring is closed, and the sign-in in it is still there afterwards."""
    terminal.without("TOKEN_STORE")
    async with terminal.commands() as commands:
        for words in (("logout",), ("remove-everything", "--yes")):
            ended = await commands.run(*words)
            assert ended.code == 0
            assert "Signed out" not in ended.out
            assert "in the system keyring, it stays. No system keyring is running." in ended.err
