"""The window's side of the agreement with the tray: sidebar, title and glyph of every pair of proxy
and account state are the headline that the tray shows (`tests/shell/test_agreement.py`)."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from copilot_desktop import strings
from copilot_desktop.core.settings import Preferences, Settings
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.core.state import State
from copilot_desktop.shell.menu import headline_text
from tests.shell.test_agreement import ACCOUNTS, HOST, PROXIES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CARDS = {
    "stopped": ("stopped",),
    "starting": ("starting",),
    "stopping": ("stopping",),
    "running": ("running", "running_nobody", "running_no_access"),
    "error": ("error",),
}


def states() -> list[State]:
    preferences = Preferences.of(Settings(notice_accepted=True))
    plain = State(preferences=preferences)
    found = [
        replace(plain, proxy=proxy, account=account)
        for proxy, account in itertools.product(PROXIES, ACCOUNTS)
    ]
    running = replace(plain, proxy=PROXIES[2], account=ACCOUNTS[3])
    assert (running.proxy.phase, running.account.state) == ("running", "signed_in")
    return [
        *found,
        *(replace(running, degraded=each) for each in ("offline", "github_down")),
        replace(running, fault="E-USAGE"),
    ]


async def test_sidebar_title_and_card_say_what_the_tray_says(window: Any) -> None:
    spoken, page = strings.words("en"), None
    for seq, state in enumerate(states(), 1):
        shown = json.loads(json.dumps(snapshot(replace(state, seq=seq), now=time.time())))
        if page is None:
            page = await window(shown)
        page.plane.push(shown)
        said = headline_text(shown, spoken)
        await page.until(
            "([said, glyph]) => document.querySelector('.brand').title === said"
            " && document.querySelector('h1').textContent === `Overview: ${said}`"
            " && [...document.querySelectorAll('.glyph')].every(e => e.dataset.glyph === glyph)",
            arg=[said, shown["headline"]["glyph"]],
        )
        title = await page.page.locator("#proxy-title").inner_text()
        cards = ("offline", "github_down") if state.degraded else CARDS[state.proxy.phase]
        assert title in {spoken.text(f"overview.{name}.title", host=HOST) for name in cards}
    assert page is not None
    assert page.complaints == []
