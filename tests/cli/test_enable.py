"""`models enable`: nothing is accepted that a person has not been shown and asked about."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from copilot_desktop.demo import FakeUpstream, Scenario
from tests.cli.terminal import END, START, Terminal
from tests.cli.test_facts import sign_in

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")

WAITING = "claude-opus-4.6"
PATH = f"/models/{WAITING}/policy"
ENABLE = ("models", "enable", WAITING)


class Screen:
    """A command on a real terminal: what it prints, and what a person types."""

    def __init__(self, process: asyncio.subprocess.Process, number: int) -> None:
        self.process = process
        self._number = number
        self.text = ""
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(number, self._read)

    def _read(self) -> None:
        try:
            piece = os.read(self._number, 65536)
        except OSError:  # the other side is closed
            piece = b""
        if not piece:
            asyncio.get_running_loop().remove_reader(self._number)
        self.text += piece.decode(errors="replace").replace("\r\n", "\n")
        self._news.set()

    async def until(self, words: str) -> None:
        async with asyncio.timeout(START):
            while words not in self.text:
                self._news.clear()
                await self._news.wait()

    def type(self, words: str) -> None:
        os.write(self._number, words.encode())

    async def end(self) -> int:
        async with asyncio.timeout(END):
            return await self.process.wait()


@asynccontextmanager
async def on_screen(terminal: Terminal, *words: str) -> AsyncIterator[Screen]:
    ours, theirs = os.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "copilot_desktop", *words,
        stdin=theirs, stdout=theirs, stderr=theirs,
        env=terminal.environ, cwd=terminal.home, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    screen = Screen(process, ours)
    try:
        yield screen
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)


def state(fake: FakeUpstream, name: str = WAITING) -> str:
    entry = next(entry for entry in fake.models if entry["id"] == name)
    return str(entry["policy"]["state"])


@pytest.mark.parametrize(("typed", "wanted"), [("y\n", "enabled"), ("\n", ""), ("n\n", "")])
async def test_a_person_reads_and_decides(terminal: Terminal, typed: str, wanted: str) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with on_screen(terminal, *ENABLE) as screen:
            await screen.until("[y/N]")
            assert "latest Claude Opus 4.6 model from Anthropic" in screen.text
            assert fake.ledger.to(PATH) == [], "nothing happens before the answer"
            screen.type(typed)
            assert await screen.end() == (0 if wanted else 1)
            await screen.until(f"{WAITING} is enabled." if wanted else "Nothing was accepted.")
        assert state(fake) == (wanted or "unconfigured")


async def test_ctrl_c_at_the_question_accepts_nothing(terminal: Terminal) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with on_screen(terminal, *ENABLE) as screen:
            await screen.until("[y/N]")
            screen.process.send_signal(signal.SIGINT)
            assert await screen.end() == 130
        assert fake.ledger.to(PATH) == []


async def test_terms_cannot_steer_the_terminal(terminal: Terminal) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        entry = next(entry for entry in fake.models if entry["id"] == WAITING)
        entry["policy"] = {**entry["policy"], "terms": "First\n\x1b[2J\x1b]0;x\x07Second"}
        shown = await terminal.run(*ENABLE, "--accept-terms")
        assert (shown.code, "\x1b" in shown.out, "\x07" in shown.out) == (0, False, False)
        assert "Second" in shown.out


async def test_where_nobody_can_be_asked_a_flag_has_to_say_it(terminal: Terminal) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        refused = await terminal.run(*ENABLE)
        assert refused.code == 1
        assert "--accept-terms" in refused.err
        assert state(fake) == "unconfigured"
        done = await terminal.run(*ENABLE, "--accept-terms", "--json")
        assert (done.code, json.loads(done.out)) == (0, {"id": WAITING, "state": "enabled"})
        assert "latest Claude Opus 4.6" in done.err
        again = await terminal.run(*ENABLE)
        assert (again.code, again.out) == (0, f"{WAITING} is enabled.\n")
        assert len(fake.ledger.to(PATH)) == 1


async def test_the_running_app_is_asked_and_knows_it_at_once(terminal: Terminal) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.start("serve") as serve, terminal.commands() as commands:
            await serve.port()
            await serve.until("Signed in as octo-user")
            assert (await commands.run(*ENABLE)).code == 1
            exchanges = fake.tokens.exchanges
            assert (await commands.run(*ENABLE, "--accept-terms")).code == 0
            assert fake.tokens.exchanges == exchanges, "no second sign-in beside the app"
            assert (await serve.end(signal.SIGTERM)).code == 0
        assert state(fake) == "enabled"


async def test_what_cannot_be_enabled_says_why(terminal: Terminal) -> None:
    async with FakeUpstream() as fake, terminal.commands() as commands:
        sign_in(terminal, fake)
        unknown = await commands.run("models", "enable", "no-such", "--accept-terms")
        assert unknown.code == 1
        assert "Model no-such is not available." in unknown.err
        blocked = await commands.run("models", "enable", "gpt-5.5", "--accept-terms")
        assert blocked.code == 1
        assert "Your organisation or your plan does not allow this model." in blocked.err
        fake.scenario = Scenario(who="business")
        decided = await commands.run(*ENABLE, "--accept-terms")
        assert decided.code == 1
        assert f"decides about {WAITING}" in decided.err
        fake.tokens.revoke()
        assert (await commands.run("models", "enable")).code == 2


async def test_nobody_signed_in_accepts_nothing(terminal: Terminal) -> None:
    async with FakeUpstream() as fake:
        terminal.at(fake)
        assert (await terminal.run(*ENABLE, "--accept-terms")).code == 3


async def test_every_model_says_why_it_is_missing(terminal: Terminal) -> None:
    async with FakeUpstream() as fake, terminal.commands() as commands:
        sign_in(terminal, fake)
        listed = {each["id"]: each for each in json.loads(
            (await commands.run("models", "--json")).out
        )}  # fmt: skip
        assert listed["gpt-4.1"]["why"] == ""
        assert "terms have been accepted" in listed[WAITING]["why"]
        assert "organisation or your plan" in listed["gpt-5.5"]["why"]
        assert "embeddings" in listed["text-embedding-3-small"]["why"]
        assert "completes code" in listed["gpt-41-copilot"]["why"]
        assert "own list" in listed["gpt-4"]["why"]
        fake.scenario = Scenario(who="free", auto_only=True)
        listed = {each["id"]: each for each in json.loads(
            (await commands.run("models", "--json")).out
        )}  # fmt: skip
        assert "GitHub chooses" in listed["auto"]["why"]
        assert "Ask for the model auto." in listed["gpt-5-mini"]["why"]
