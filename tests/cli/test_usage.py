"""`usage`: the history in words and as JSON, with and without a running app."""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import Any

import pytest

from copilot_desktop.cli.usage import _tokens, words_for
from copilot_desktop.core.books import FILE_NAME
from copilot_desktop.core.history import history
from copilot_desktop.core.ledger import Ledger, Use
from copilot_desktop.days import day_of
from copilot_desktop.demo import FakeUpstream
from tests.cli.terminal import Commands, Terminal
from tests.cli.test_facts import sign_in

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def remember(terminal: Terminal) -> None:
    ledger = Ledger(terminal.folder / FILE_NAME)
    for ago, client, nano in ((0, "Codex", 5), (1, "Zed", 2), (40, "Codex", 90)):
        day = day_of(time.time() - ago * 86_400)
        ledger.add(
            Use(
                day, "", client, "gpt-5", requests=1200, input=900_000, cache_read=100_000,
                output=7, nano_credits=nano * 10**9,
            )
        )  # fmt: skip
    ledger.flush()


async def check(commands: Commands) -> None:
    told = await commands.run("usage", "--by", "client")
    assert (told.code, told.err) == (0, "")
    lines = told.out.splitlines()
    assert lines[0] == "Use of this app in the last 30 days"
    assert lines[1].split() == ["Client", "Requests", "Input", "From", "cache", "Output", "Credits"]
    assert lines[2].split() == ["Codex", "1,200", "1.0", "M", "10", "%", "7", "5"]
    assert lines[4].split()[:2] == ["Total", "2,400"]
    assert len({len(line) for line in lines[1:5]}) == 1, "columns stand below each other"
    found = json.loads((await commands.run("usage", "--days", "90", "--by", "day", "--json")).out)
    assert [row["credits"] for row in found["rows"]] == [5, 2, 90]
    assert len(found["values"]) == 90
    assert found["budget"] is None
    limited = await commands.run("usage", COPILOT_DESKTOP_BUDGET_CREDITS="500")
    assert "Budget:" in limited.out, "the budget is told without a running app"
    for wrong in (["--days", "0"], ["--days", "91"], ["--days", "x"], ["--by", "moon"]):
        assert (await commands.run("usage", *wrong)).code == 2


@pytest.mark.parametrize(
    ("count", "words"),
    [(999, "999"), (1499, "1.5 K"), (9400, "9.4 K"), (10_400, "10 K"), (1_340_000, "1.3 M")],
)
def test_tokens_have_as_many_digits_as_in_the_window(count: int, words: str) -> None:
    assert _tokens(count) == words


@posix
async def test_with_a_running_app_and_without(terminal: Terminal) -> None:
    remember(terminal)
    async with terminal.commands() as commands:
        await check(commands)
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.start("serve") as serve, terminal.commands() as commands:
            await serve.until("Signed in as octo-user")
            told = await commands.run("usage")
            assert (told.code, told.out) == (0, "Nothing has been used through this app yet.\n"), (
                "what others used is not this account's"
            )
            assert (await serve.end(signal.SIGTERM)).code == 0


def told(*uses: Use, budget: dict[str, Any] | None = None) -> list[str]:
    now = time.mktime((2026, 11, 21, 12, 0, 0, 0, 0, -1))
    return words_for({**history(uses, (), days=30, by="client", now=now), "budget": budget})


def test_a_plan_without_amounts_has_no_column_for_them() -> None:
    lines = told(Use("2026-11-21", "", "Codex", "m", requests=1))
    assert lines[1].split()[-1] == "Output"
    assert lines[2].split() == ["Codex", "1", "0", "–", "0"]


@pytest.mark.parametrize(
    ("nano", "shown"),
    [(0, "0"), (40_000, "0.00004"), (4_200_000, "0.0042"), (50_000_000, "0.05"), (10**9, "1")],
)
def test_a_cost_is_never_told_as_nothing(nano: int, shown: str) -> None:
    lines = told(
        Use("2026-11-21", "", "Codex", "m", requests=1, nano_credits=nano),
        Use("2026-11-21", "", "Zed", "m", requests=1, nano_credits=12 * 10**9),
    )
    [row] = [line for line in lines if line.startswith("Codex")]
    assert row.split()[-1] == shown


def test_the_budget_and_the_hint_are_told() -> None:
    budget = {"unit": "credits", "period": "day", "limit": 20.0, "used": 12.345}
    use = Use("2026-11-21", "", "a\x1b[31mb", "m", requests=50, input=900_000, nano_credits=1)
    lines = told(use, budget=budget)
    assert "Budget: 12.3 of 20 credits used today" in lines
    assert any("prompt cache" in line for line in lines)
    assert not any("\x1b" in line for line in lines)
