"""Tray and window never disagree: for every pair of proxy and account state they say one sentence.

The states are the core's own, the snapshot is the one that both read, and the names in it are as
long as they can be.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import pytest

from copilot_desktop.core.headline import headline
from copilot_desktop.core.settings import Preferences, Settings
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.core.state import Requests, State
from copilot_desktop.errors import BadSetting, Blocked, NoCopilot, PortTaken, Problem
from copilot_desktop.proxy.approvals import Question
from copilot_desktop.proxy.brakes import BrakesState
from copilot_desktop.proxy.circuit import Limit
from copilot_desktop.proxy.controller import Phase, ProxyState
from copilot_desktop.shell.menu import (
    ROW_LIMIT,
    TOOLTIP_LIMIT,
    Item,
    clipped,
    headline_text,
    menu_for,
    tooltip,
)
from copilot_desktop.strings import words
from copilot_desktop.upstream.account import Account, AccountState
from copilot_desktop.upstream.quota import Meter, QuotaSnapshot

NOW = 1_787_400_000.0
HOST = "fe80:1234:5678:9abc:def0:1234:5678:9abc"
LONG = "Premium interactions of the whole organisation, shared between all of its seats 🚀"
LOGIN = "octo-hana-of-the-long-name-with-39-signs"[:39]

PROXIES = (
    *(ProxyState(phase, HOST, 65535, NOW) for phase in get_args(Phase)),
    *(
        ProxyState("error", HOST, 65535, NOW, problem)
        for problem in (
            PortTaken(fields={"port": "65535", "holder": LONG, "next": "49152"}),
            BadSetting(fields={"name": "Port 80", "reason": "the system does not allow it"}),
            BadSetting(fields={"name": HOST, "reason": "this computer has no such address"}),
            Problem(LONG),
        )
    ),
)
ACCOUNTS = (
    *(
        Account(state, login=LOGIN, host="long-company-name.ghe.com")
        for state in get_args(AccountState)
    ),
    Account("no_access", login=LOGIN, problem=NoCopilot()),
    Account("no_access", login=LOGIN, problem=Blocked()),
)
USED_UP = Meter("m", LONG, "metered", percent_used=100, resets_at=NOW + 9e6, exhausted=True)
LOW = Meter("l", LONG, "metered", percent_used=99.4, resets_at=NOW + 9e6)
WINDOW = Meter("weekly", LONG, "window", percent_used=100, resets_at=NOW + 9e5, exhausted=True)
METERS = ((), (LOW,), (USED_UP, LOW), (WINDOW,))
BRAKES = (
    BrakesState(),
    BrakesState(limits=(Limit("", NOW + 60, LONG),), waiting=9999),
    BrakesState(questions=(Question(1, "C" * 32, "gpt-5", NOW, NOW + 60),)),
)
TROUBLES = (None, "offline", "github_down")


def pairs() -> Iterator[State]:
    """Every pair; with them in turn everything else that may be said."""
    settings = Settings(notice_accepted=True)
    rest = itertools.cycle(itertools.product(METERS, BRAKES, TROUBLES, ("", "E-USAGE")))
    for proxy, account in itertools.product(PROXIES, ACCOUNTS):
        plain = State(
            preferences=Preferences.of(settings),
            proxy=proxy,
            account=account,
            requests=Requests(in_flight=9999),
        )
        yield plain
        for _ in range(72 // 2):
            meters, brakes, degraded, fault = next(rest)
            yield replace(
                plain, quota=QuotaSnapshot("ready", meters), brakes=brakes,
                degraded=degraded, fault=fault,
            )  # fmt: skip
        next(rest)  # so that the next pair meets the others


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def every_row(rows: tuple[Item, ...]) -> Iterator[Item]:
    for row in rows:
        yield row
        yield from every_row(row.rows)


@pytest.mark.parametrize("language", ["en", "de"])
def test_tray_line_and_tooltip_are_the_headline_in_every_pair(language: str) -> None:
    spoken = words(language)
    seen = set()
    for state in pairs():
        shown = snapshot(state, now=NOW, monotonic=0.0)
        key = headline(state).key
        seen.add((state.proxy.phase, state.account.state))
        assert shown["headline"]["key"] == key
        assert spoken.has(f"headline.{key}"), key
        line = headline_text(shown, spoken)
        rows = menu_for(shown, spoken)
        assert rows[0] == Item(clipped(line), enabled=False)
        hint = tooltip(shown, spoken)
        assert units(hint) <= TOOLTIP_LIMIT
        whole = spoken.text("tray.tooltip", headline=line)
        assert hint == whole if units(whole) <= TOOLTIP_LIMIT else whole.startswith(hint[:-1])
        for row in every_row(rows):
            assert len(row.text) <= ROW_LIMIT, row
            assert "{" not in row.text
    assert seen == set(itertools.product(get_args(Phase), get_args(AccountState)))
