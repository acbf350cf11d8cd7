"""axe-core over Activity and the playground with everything in them that can be there."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.ui import snapshots
from tests.ui.test_accessibility import axe, faults
from tests.ui.test_activity_list import SIDES, many
from tests.ui.test_log import line
from tests.ui.test_playground import news

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
__all__ = ["axe"]  # the fixture


def prepare(plane: Any) -> None:
    ran = snapshots.request(5, notes=["dropped=top_k"])
    plane.told = {
        "requests": [{"rows": many()[-60:], "cleared": 0, "emptied": False}],
        "log": [{"lines": [line(n) for n in range(1, 201)]}],
        "playground": [news(phase="done", text="words", thinking="hm", row=ran, sides=SIDES)],
    }
    plane.answers["contents"] = {"ok": True, **SIDES}


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_on_full_screens(window: Any, axe: str, theme: str) -> None:
    recording = {"until": time.time() + 1800}
    state = snapshots.snapshot(settings={"theme": theme}, recording=recording)
    page = await window(state, prepare=prepare)
    await page.go("activity")
    await page.see("60 requests")
    await page.page.locator("[data-request='2000']").click()
    await page.press("Show contents")
    await page.page.get_by_text("What Copilot sent").click()
    assert await faults(page, axe) == []
    await page.page.keyboard.press("Escape")
    await page.page.get_by_role("radio", name="Log").click()
    await page.see("200 lines")
    await page.page.locator("#log-lines").evaluate("e => e.scrollTo(0, 0)")
    await page.see("Jump to latest")
    assert await faults(page, axe) == []
    await page.go("playground")
    await page.see("What passed")
    await page.page.get_by_text("What Copilot sent").click()
    assert await faults(page, axe) == []
