"""What was learned about models stands in the settings and can be forgotten there."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def lesson(about: str, value: str = "") -> dict[str, Any]:
    return {"about": about, "value": value, "at": time.time() - 120, "until": time.time() + 600}


def taught() -> dict[str, Any]:
    state = snapshots.snapshot()
    first, second = state["models"]["items"][:2]
    first["learned"] = [lesson("efforts", "low,high"), lesson("bad_path", "<b>user</b>")]
    second["learned"] = [lesson("efforts")]
    return state


async def test_lessons_are_read_and_forgotten(window: Any) -> None:
    state = taught()
    name, identity = (state["models"]["items"][0][key] for key in ("name", "id"))
    page = await window(state)
    await page.go("settings")
    await page.see("Takes these efforts: low, high.", "main")
    await page.see("Does not know <b>user</b>.", "main")
    await page.see("Takes no effort.", "main")
    await page.press(f"Forget what was learned about {name}")
    assert await page.called("forget_lessons") == {"model": identity}
    page.plane.calls.clear()
    await page.press("Forget all")
    assert await page.called("forget_lessons") == {}


async def test_without_lessons_there_is_no_such_part(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.go("settings")
    await page.see("Advanced", "main")
    assert await page.page.get_by_text("Learned about models").count() == 0
