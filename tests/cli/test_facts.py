"""`status`, `models`, `quota`: for people and for programs, with and without a running app."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from dataclasses import asdict, replace

import aiohttp
import pytest

from copilot_desktop.canonical import Usage
from copilot_desktop.cli.facts import _brake_words, _meter_words, _request_words
from copilot_desktop.core.snapshot import request_row
from copilot_desktop.demo import FakeUpstream, Scenario
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.upstream.quota import Meter
from copilot_desktop.upstream.stores import StoredAccount, to_text
from tests.cli.terminal import Commands, Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

FACTS = ("status", "models", "quota")
# What terminals obey: here the title is set, the screen cleared, and a line written over.
STEERING = "\x1b]0;mine\x07\x9b2J\r\nSending  fine"


def sign_in(terminal: Terminal, fake: FakeUpstream) -> None:
    terminal.at(fake)
    terminal.token_file.parent.mkdir(parents=True)
    kept = StoredAccount("127.0.0.1", "octo-user", 7, fake.github_token)
    terminal.token_file.write_text(to_text(kept))


def test_a_meter_is_told_as_in_the_window() -> None:
    known = Meter("a", "AI credits", "metered", "credits", used=1500.0, limit=1500.0, left=0.0)
    beyond = replace(known, overage=120.0, overage_ok=True)
    window = Meter("session", "Session limit", "window", "percent", percent_used=99.6)
    assert [_meter_words(asdict(each)) for each in (known, beyond, window)] == [
        "AI credits: 1,500 of 1,500 used, 0 left",
        "AI credits: 1,620 of 1,500 used, 120 extra",
        "Session limit: 99 % used",
    ]


def test_a_limit_of_hours_is_told_with_the_time_at_which_it_ends() -> None:
    soon, later = time.time() + 3 * 3600, time.time() + 20 * 86_400
    window = Meter("session", "Session limit", "window", "percent", percent_used=58, resets_at=soon)
    month = replace(window, resets_at=later)
    assert [_meter_words(asdict(each)).partition("resets ")[2] for each in (window, month)] == [
        time.strftime("%a %H:%M", time.localtime(soon)),
        time.strftime("%Y-%m-%d", time.localtime(later)),
    ]


@pytest.mark.parametrize(
    ("nano", "words"),
    [
        (123_400_000_000, "123.4 credits"),
        (99_600_000_000, "99.6 credits"),
        (1_259_620_000_000, "1,259.62 credits"),
        (1_000_000_000, "1 credits"),
        (259_000, "0.000259 credits"),
    ],
)
def test_the_latest_request_says_all_that_was_read_and_what_it_cost(nano: int, words: str) -> None:
    exchange = Exchange(1, "Claude Code", "anthropic_messages", model_used="claude-opus-4.8")
    exchange.usage = Usage(input=3, output=77, cache_read=16_000, cache_write=2500)
    exchange.status, exchange.nano_credits = 200, nano
    exchange.finish("ok")
    told = _request_words(request_row(exchange))
    assert told == f"Claude Code, claude-opus-4.8, 200, 18503 (16000 cached) in, 77 out, {words}"


def test_a_limit_of_weeks_is_told_with_its_date() -> None:
    until = time.time() + 20 * 86_400
    limits = [{"model": "", "until": until}, {"model": "gpt-5", "until": time.time() + 60}]
    far, near = _brake_words({"halt": None, "limits": limits, "waiting": 0})
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(until))
    assert far == f"Limit    all models, until {day}"
    assert "-" not in near.replace("gpt-5", "")


async def check(commands: Commands, *, running: bool) -> None:
    """The same facts, whoever knows them."""
    status = await commands.run("status")
    assert (status.code, status.err) == (0, "")
    assert "octo-user" in status.out
    assert ("http://127.0.0.1:" in status.out) is running
    found = json.loads((await commands.run("status", "--json")).out)
    facts = {"running", "app", "account", "proxy", "headline", "models", "requests"}
    assert set(found) == facts
    assert found["running"] is running
    assert (found["account"]["login"], found["account"]["source"]) == ("octo-user", "file")
    assert found["app"]["engine"] == "none"
    assert found["app"]["engine_reason"]

    models = await commands.run("models")
    assert (models.code, models.err) == (0, "")
    lines = {line.split()[0]: line for line in models.out.splitlines()}
    assert "Chat" in lines["gpt-4.1"]
    assert "Messages" in lines["claude-sonnet-4.6"]
    listed = json.loads((await commands.run("models", "--json")).out)
    assert set(lines) <= {model["id"] for model in listed}

    quota = await commands.run("quota")
    assert (quota.code, quota.err) == (0, "")
    assert quota.out.startswith("Plan  Pro\n")
    shown = json.loads((await commands.run("quota", "--json")).out)
    assert ", ".join(shown) == "plan, state, fetched_at, source, error, meters, budget"  # the page
    assert shown["plan"] == "Pro"
    assert shown["meters"]
    for meter in shown["meters"]:
        assert meter["name"] in quota.out


async def test_signed_in_without_a_running_app(terminal: Terminal) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.commands() as commands:
            for words in (("status",), ("status", "--json")):
                assert (await commands.run(*words)).code == 0
            assert len(fake.ledger) == 0, "status asks nobody"
            await check(commands, running=False)


async def test_signed_in_with_a_running_app(terminal: Terminal) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.start("serve") as serve, terminal.commands() as commands:
            port = await serve.port()
            await serve.until("Signed in as octo-user")
            await check(commands, running=True)
            status = await commands.run("status")
            assert f"running, http://127.0.0.1:{port}\n" in status.out
            assert (await commands.run("logout")).code == 0
            for name in FACTS:
                assert (await commands.run(name)).code == 3
            assert (await serve.end(signal.SIGTERM)).code == 0


async def test_nobody_is_signed_in(terminal: Terminal) -> None:
    async with FakeUpstream() as fake, terminal.commands() as commands:
        terminal.at(fake)
        status = await commands.run("status", "--json")
        assert status.code == 3
        assert json.loads(status.out)["account"]["state"] == "signed_out"
        assert "signed out" in (await commands.run("status")).out
        for name in ("models", "quota"):
            for words in ((name,), (name, "--json")):
                ended = await commands.run(*words)
                assert (ended.code, ended.out) == (3, "")
                assert ended.err.startswith("Nobody is signed in. ")
                assert "`copilot-desktop login`" in ended.err  # there may be no window at all


async def test_trouble_is_told_and_not_taken_for_an_empty_list(terminal: Terminal) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
    async with terminal.commands() as commands:  # GitHub has gone away
        for name in ("models", "quota"):
            ended = await commands.run(name, "--json")
            assert (ended.code, ended.out) == (1, "")
            assert "could not be reached" in ended.err


async def test_a_sign_in_without_copilot(terminal: Terminal) -> None:
    async with FakeUpstream(Scenario(name="no_access", who="no_access")) as fake:
        sign_in(terminal, fake)
        async with terminal.commands() as commands:
            ended = await commands.run("models")
            assert (ended.code, ended.out) == (1, "")
            assert ended.err.startswith("GitHub Copilot subscription required. ")
            assert "reports no limits" not in (await commands.run("quota")).out


async def test_a_name_that_somebody_else_chose_does_not_steer_the_terminal(
    terminal: Terminal,
) -> None:
    async with FakeUpstream() as fake:
        terminal.at(fake)
        terminal.environ |= {
            "COPILOT_GITHUB_TOKEN": fake.github_token,
            "COPILOT_DESKTOP_REQUIRE_KEY": "false",
        }
        async with terminal.start("serve") as serve, terminal.commands() as commands:
            port = await serve.port()
            await serve.until("Signed in as octo-user")
            asked = {"model": f"nobody{STEERING}", "messages": []}
            async with (
                aiohttp.ClientSession(headers={"User-Agent": "Bad\x9b2J"}) as http,
                http.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=asked) as answer,
            ):
                assert answer.status == 404
            for words in (("status",), ("models", "enable", f"gpt{STEERING}")):
                told = await commands.run(*words)
                assert re.findall(r"[^\n -~\xa0-\uffff]", told.out + told.err) == [], words
                assert "\nSending  fine" not in told.out, words
            assert "nobody" in (await commands.run("status")).out
            shown = json.loads((await commands.run("status", "--json")).out)
            assert shown["requests"][0]["model_asked"] == f"nobody{STEERING}"
            assert (await serve.end(signal.SIGTERM)).code == 0
