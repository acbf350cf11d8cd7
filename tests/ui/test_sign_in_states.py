"""Each line of the table of sign-in states (`ui-design.md` §7.2), reached over the fake GitHub.

As in `test_states.py`: the real core, words as a user reads them, nothing cut or overlapping, and
pictures for eyes.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.control.app import open_control
from copilot_desktop.control.instance import claim
from copilot_desktop.demo import SCENARIOS, Scenario, Slow
from copilot_desktop.system.fake import FakeSystem
from copilot_desktop.upstream.credentials import token_file
from tests.company import Company, company
from tests.core_rig import running_core
from tests.ui.test_states import inspect, keep, shown, wear

__all__ = ["shown"]  # the page that all states share

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LOOKS = [("light", (960, 680, 100)), ("dark", (720, 520, 140))]
HOST = r"127\.0\.0\.1(:\d+)?"
WAITING = (
    "Cop(y|ied)", "Open GitHub in browser", "Copy link", "Cancel", "Get a new code",
    "GitHub Enterprise…",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """`words` is a pattern for a line on the screen; `buttons` are all of those below its title."""

    scenario: Scenario
    words: str
    buttons: tuple[str, ...]
    press: str = ""
    prepare: Callable[[Path], None] = lambda _folder: None
    settings: Callable[[Company], Mapping[str, Any]] = lambda _there: {}


def quick(name: str, **changes: Any) -> Scenario:
    usual = {"interval": 1, "enforce_interval": False, "approve_after": 0.0, "pace": 0.0}
    return replace(SCENARIOS[name], **{**usual, **changes})


def no_place(folder: Path) -> None:
    """A file where the folder of the sign-in should be: nothing can be kept there."""
    token_file(folder).parent.write_text("")


def through(there: Company) -> Mapping[str, Any]:
    """To the real names, and no further than a proxy here that opens connections unasked."""
    return {"github_url": None, "github_api_url": None, "outgoing_proxy": there.url}


ENDED = ("Try again", "Cancel", "Copy details")
OUTGOING = ("Try again", "Cancel", "Outgoing connection", "Copy details")
ROWS = {
    "requesting": Row(
        quick("pro", faults=(Slow("/login/device/code", seconds=3600),)),
        "Asking GitHub for a code…", ("Cancel",),
    ),
    "waiting": Row(
        quick("manual"),
        r"This window notices by itself\. Waiting for GitHub… 1[45]:\d\d left\.", WAITING,
    ),
    "last_minute": Row(
        quick("manual", expires_in=50),
        r"Waiting for GitHub… \d+ s left\. You can get a new code at any time\.", WAITING,
    ),
    "slowed": Row(
        quick("manual", polls=("slow_down",) * 9),
        r"GitHub asks for fewer checks\. Next look in \d+ s\. 1[45]:\d\d left\.", WAITING,
    ),
    "unreachable": Row(
        quick("unreachable"),
        rf"No answer from {HOST}\. Still trying\. 1[45]:\d\d left\.", WAITING,
    ),
    "browser_failed": Row(
        quick("manual"), r"The browser did not open\. Copy the link and open it yourself\.",
        WAITING, press="Open GitHub in browser",
    ),
    "checking": Row(
        quick("pro", faults=(Slow("/copilot_internal/v2/token", seconds=3600),)),
        r"Signed in.*\. Checking Copilot access…", (*WAITING,),
    ),
    "expired": Row(quick("expired"), "The code has expired", ("Get a new code", "Cancel")),
    "denied": Row(quick("denied"), "Access was refused on GitHub", ("Try again", "Cancel")),
    "network": Row(quick("no_network"), "GitHub could not be reached", OUTGOING),
    "portal": Row(quick("portal_first"), rf"{HOST} did not answer like GitHub", OUTGOING),
    "tls": Row(
        quick("pro"), r"The connection to github\.com is not trusted", OUTGOING, settings=through
    ),
    "flow_off": Row(quick("flow_off"), "This server does not allow sign-in by code", ("Back",)),
    "bad_code": Row(quick("bad_code"), "GitHub did not recognise the code", ("Get a new code",)),
    "server": Row(quick("broken_sign_in"), r"GitHub answered with an error \(502\)", ENDED),
    "no_access": Row(
        quick("no_access"), "nobody has no Copilot",
        ("Use another account", "Read more on GitHub", "Check again"),
    ),
    "chat_off": Row(
        quick("blocked"), "Copilot is there, but chat is switched off",
        ("Check again", "Use another account"),
    ),
    "storage": Row(
        quick("pro"), "The sign-in could not be saved",
        ("Try again", "Only until I quit"),
        prepare=no_place,
    ),
    "done": Row(quick("pro"), r"Signed in as octo-user \(Pro\)\.", ()),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
async def test_each_state_of_a_sign_in_says_so_and_offers_the_way_on(
    shown: Any, name: str, tmp_path: Path
) -> None:
    row, page = ROWS[name], shown
    instance = claim(tmp_path)
    assert instance is not None
    system = FakeSystem(tmp_path, browser=name != "browser_failed")
    chosen = {"token_store": "file", "notice_accepted": True, "system": system}
    async with (
        company(tmp_path) as there,
        running_core(tmp_path, row.scenario, **chosen, **row.settings(there)) as rig,
        open_control(rig.core, instance) as control,
    ):
        await page.set_viewport_size({"width": 960, "height": 680})
        await page.goto(control.url())
        await rig.do("show_window", screen="sign_in")
        await page.get_by_role("button", name="Get a code").wait_for()
        row.prepare(tmp_path)
        work: Awaitable[Any] = rig.core.tasks.start(rig.do("sign_in"), "press of a button")
        if row.press:
            await page.get_by_role("button", name=row.press).click()
        await page.get_by_text(re.compile(f"^{row.words}$")).first.wait_for()
        if row.buttons:
            found = await page.locator("#main button").evaluate_all(
                "all => all.map(e => e.innerText.trim())"
            )
            assert len(found) == len(row.buttons), found
            for text, wanted in zip(found, row.buttons, strict=True):
                assert re.fullmatch(wanted, text), found
        for theme, look in LOOKS:
            await wear(page, rig, theme, look)
            await keep(page, f"sign-in-{name}-{theme}-{look[0]}-{look[2]}")
            await inspect(page, name)
        await page.goto("about:blank")
        if name != "requesting":
            await work
    instance.release()
