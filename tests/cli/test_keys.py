"""`keys`: made, limited, renamed and revoked from the terminal, with and without the app."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

import openai
import pytest

from copilot_desktop.cli import Ended
from copilot_desktop.cli.keys import limits_of, words_for
from copilot_desktop.demo import FakeUpstream, Scenario
from tests.cli.terminal import Terminal, settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

QUICK = Scenario(interval=1, enforce_interval=False, approve_after=0.0)


async def test_a_key_from_the_terminal(terminal: Terminal) -> None:
    async with FakeUpstream(QUICK) as fake, terminal.commands() as commands:
        terminal.at(fake)
        assert (await commands.run("keys")).out == "There are no keys with a name.\n"
        ended = await commands.run("keys", "make", "codex", "--models", "gpt-5*", "--credits", "5")
        assert ended.code == 0
        key = ended.out.strip()
        assert re.fullmatch(r"cd-[\w-]{43}", key)
        assert "shown this once" in ended.err
        ended = await commands.run("keys", "limit", "Codex", "--max-effort", "low", "--stop")
        assert ended.code == 0
        line = (await commands.run("keys", "list")).out
        assert line == (
            f"codex  Ends in {key[-4:]} · not used yet · Only gpt-5* · Effort up to low · "
            "Stops at 5 credits a day\n"
        )
        assert (await commands.run("keys", "rename", "codex", "Codex CLI")).code == 0
        (shown,) = json.loads((await commands.run("keys", "--json")).out)
        assert (shown["name"], shown["models"], shown["max_effort"]) == (
            "Codex CLI", ["gpt-5*"], "low",
        )  # fmt: skip
        assert key not in json.dumps(shown)
        for words, said in (
            (("make", "codex cli"), "already"),
            (("make", "a/b"), "This name does not work"),
            (("make", "x", "--models", "a b"), "These models do not work"),
            (("make", "x", "--requests", "-1"), "Give a number above 0"),
            (("revoke", "nobody"), "There is no key named nobody"),
        ):
            ended = await commands.run("keys", *words)
            assert (ended.code, ended.out) == (1, ""), words
            assert said in ended.err, words
        for words in (
            ("limit", "Codex CLI"),
            ("limit", "Codex CLI", "--no-budget", "--stop"),
            ("make", "x", "--stop"),
        ):
            ended = await commands.run("keys", *words)
            assert (ended.code, ended.out) == (2, ""), "it must not seem to have been done"
        assert "It stops at once" in (await commands.run("keys", "revoke", "Codex CLI")).out
        assert json.loads((await commands.run("keys", "--json")).out) == []
        assert not fake.ledger


async def test_the_running_app_takes_the_change_at_once(terminal: Terminal) -> None:
    async with FakeUpstream(QUICK) as fake, terminal.commands() as commands:
        terminal.at(fake)
        assert (await commands.run("login", "--no-browser")).code == 0
        terminal.environ["COPILOT_DESKTOP_REQUIRE_KEY"] = "true"
        async with terminal.start("serve") as serving:
            url = f"http://127.0.0.1:{await serving.port()}"
            ended = await commands.run("keys", "make", "codex", "--json")
            made = json.loads(ended.out)
            client = openai.AsyncOpenAI(
                base_url=f"{url}/v1", api_key=made["key"], max_retries=0, timeout=60
            )
            async with client:
                await client.models.list()
                assert (await commands.run("keys", "revoke", "codex")).code == 0
                with pytest.raises(openai.AuthenticationError):
                    await client.models.list()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
async def test_a_key_that_could_not_be_printed_is_said(terminal: Terminal) -> None:
    """Nobody has seen it, and nobody ever will."""
    command = f"exec {sys.executable} -m copilot_desktop keys make codex > /dev/full"
    async with terminal.start(through=("sh", "-c", command)) as made:
        ended = await made.end()
    assert ended.code == 1
    assert "could not be printed" in ended.err


async def test_commands_at_the_same_time_do_not_undo_each_other(terminal: Terminal) -> None:
    made = await asyncio.gather(*(terminal.run("keys", "make", f"key {n}") for n in range(4)))
    assert [each.code for each in made] == [0, 0, 0, 0]
    listed = json.loads((await terminal.run("keys", "--json")).out)
    assert {each["hint"] for each in listed} == {each.out.strip()[-4:] for each in made}


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that takes nothing, even from root")
async def test_a_key_that_is_kept_nowhere_is_not_handed_out(terminal: Terminal) -> None:
    """Without a running app it would be good for nothing."""
    terminal.environ |= settings(data_dir="/proc/copilot-desktop")
    made = await terminal.run("keys", "make", "codex")
    assert (made.code, made.out) == (1, "")
    assert "nothing is changed" in made.err


def test_flags_change_only_what_they_name() -> None:
    before = {
        "models": ["a"],
        "max_effort": "low",
        "budget": {"unit": "credits", "amount": 5.0, "stops": True},
    }
    assert limits_of(before, {}) == before
    assert limits_of(before, {"models": "all"})["models"] == []
    assert limits_of(before, {"models": " b , c,"})["models"] == ["b", "c"]
    assert limits_of(before, {"max_effort": "any"})["max_effort"] is None
    assert limits_of(before, {"no_budget": True})["budget"] is None
    changed = limits_of(before, {"requests": 3.0})["budget"]
    assert changed == {"unit": "requests", "amount": 3.0, "stops": True}
    assert limits_of(before, {"stop": False})["budget"]["stops"] is False
    assert limits_of({}, {"stop": False})["budget"] is None
    with pytest.raises(Ended, match="Add a budget"):
        limits_of({}, {"stop": True})
    with pytest.raises(Ended):
        limits_of({}, {"credits": float("nan")})


def test_a_key_says_how_it_stands() -> None:
    key = {
        "hint": "abcd", "last_day": "2026-11-21", "models": [], "max_effort": None,
        "level": "spent",
        "budget": {"unit": "requests", "amount": 20.0, "stops": False},
        "today": {"requests": 1, "credits": 0.0, "premium": 20.0},
    }  # fmt: skip
    assert words_for(key) == (
        "Ends in abcd · last used 2026-11-21 · 1 request today, 20 premium requests · "
        "Budget used up today · Warns at 20 premium requests a day"
    )
