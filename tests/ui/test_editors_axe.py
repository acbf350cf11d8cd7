"""axe-core over the sheets of editors: every state, and every step of connecting and undoing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ui import editor_snapshots, snapshots
from tests.ui.test_accessibility import axe, faults
from tests.ui.test_editors import in_sheet, press_row, step, with_all

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
__all__ = ["axe"]  # the fixture


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_on_the_sheets_of_editors(
    window: Any, axe: str, theme: str
) -> None:
    page = await window(with_all(settings={"theme": theme}), reduced_motion="reduce")
    await page.go("editors")
    for row in editor_snapshots.every_state()[:10]:
        await page.page.locator(f'[data-editor="{row["id"]}"]').click()
        await page.page.locator("#sheet[open] #sheet-title").wait_for()
        assert await faults(page, axe) == [], row["state"]
        await page.page.keyboard.press("Escape")
    await press_row(page, "codex")
    await step(page, "Choose")
    assert await faults(page, axe) == []
    await in_sheet(page, "Check the change")
    await step(page, "Check")
    assert await faults(page, axe) == []
    await in_sheet(page, "Write 4 lines")
    await step(page, "Done")
    await in_sheet(page, "Test")
    await page.see("This used one request.", "#sheet")
    assert await faults(page, axe) == []
    await in_sheet(page, "Close")
    await press_row(page, "claude-code")
    await page.see("1 value that was changed later stays.", "#sheet")
    assert await faults(page, axe) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_where_no_editor_was_found(
    window: Any, axe: str, theme: str
) -> None:
    none = snapshots.merged(snapshots.snapshot(), {"editors": editor_snapshots.editors([])})
    themed = snapshots.merged(none, {"settings": {"theme": theme}})
    page = await window(themed, reduced_motion="reduce")
    await page.go("editors")
    assert await faults(page, axe) == []
