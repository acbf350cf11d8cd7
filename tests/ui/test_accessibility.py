"""axe-core over every screen, state and sheet, in both themes (`ui-design.md` §11, §15).

axe is a test of the drawn page: contrast as it is seen, names, roles, landmarks, the order of
headings. What it cannot know (where the focus goes, what is announced) is in the tests beside this.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest

from tests.ui import snapshots
from tests.ui.test_every_screen import BARE, SCREENS, everything

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Json = dict[str, Any]
THEMES = ["light", "dark"]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# It does not count a visible name that is tied to its field by aria-labelledby.
OFF = {"label-title-only": {"enabled": False}}
SHEETS: dict[str, Json] = {
    "sign_out": {"login": "octo-hana"},
    "remove_account": {
        "account": {"login": "octo-hana", "host": "github.com", "key": "7@github.com"}
    },
    "lan": {},
    "new_key": {},
    "store": {"where": "GNOME Keyring"},
    "enterprise": {},
    "resume": {},
    "clear_history": {"n": 90},
    "quit": {"n": 2},
    "close": {},
}


@pytest.fixture(scope="session")
def axe() -> str:
    package = pytest.importorskip("axe_playwright_python")
    return resources.files(package).joinpath("axe.min.js").read_text("utf-8")


async def faults(page: Any, axe: str) -> list[str]:
    """What axe finds wrong: rule, and the elements with what is the matter."""
    await page.page.evaluate(axe + "; undefined")  # past the content policy, which stays in force
    found = await page.page.evaluate(
        "([tags, off]) => axe.run(document, { runOnly: tags, rules: off,"
        " resultTypes: ['violations'] })",
        [RULES, OFF],
    )
    return [
        f"{fault['id']}: {node['html']} {node['failureSummary']}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


def themed(state: Json, theme: str) -> Json:
    return snapshots.merged(state, {"settings": {"theme": theme}})


@pytest.mark.parametrize("theme", THEMES)
async def test_every_screen(window: Any, axe: str, theme: str) -> None:
    page = await window(themed(everything(), theme), reduced_motion="reduce")
    for screen in SCREENS:
        await page.go(screen)
        assert await faults(page, axe) == [], screen
        if screen in {"models", "activity"}:
            await page.page.locator(".row-button").first.click()
            await page.page.locator("#panel-title").wait_for()
            assert await faults(page, axe) == [], f"the panel of {screen}"
            await page.page.keyboard.press("Escape")


@pytest.mark.parametrize("theme", THEMES)
async def test_every_state(window: Any, axe: str, theme: str) -> None:
    states: dict[str, Callable[[], Json]] = BARE
    for name, state in states.items():
        page = await window(themed(state(), theme), reduced_motion="reduce")
        assert await faults(page, axe) == [], name
        await page.page.close()


@pytest.mark.parametrize("theme", THEMES)
async def test_every_sheet(window: Any, axe: str, theme: str) -> None:
    page = await window(themed(snapshots.snapshot(), theme), reduced_motion="reduce")
    for name, fields in SHEETS.items():
        await page.page.evaluate(
            "(sheet) => import('/ui/store.js').then((m) => m.setLocal({ sheet }))",
            {"id": name, **fields},
        )
        await page.page.locator("#sheet[open] #sheet-title").wait_for()
        assert await faults(page, axe) == [], name
        await page.page.keyboard.press("Escape")
