"""Words of others, hostile ones, on every screen: shown as they are, and nothing else.

Names of accounts, models, clients and keys, sentences of GitHub, paths of this computer and origins
that were refused all come from outside (`security-rules.md` 17).
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

EVIL = (
    "<img src=x onerror='window.pwned=1'><script>window.pwned=1</script>"
    "<a href='javascript:window.pwned=1'>x</a>\u202e{login}</script><!--"
)
FREE = frozenset({
    "login", "name", "client", "model_asked", "model_used", "error", "message", "detail", "vendor",
    "notices", "notes", "sentence", "paths", "organizations", "plan", "plan_name", "where",
    "data_dir", "fields", "hint", "version", "family", "refused_origins", "holder", "organisation",
})  # fmt: skip
SCREENS = ("overview", "editors", "models", "usage", "activity", "playground", "settings", "help")


def poisoned(value: Any, *, free: bool = False) -> Any:
    """`value` with hostile words wherever a word of somebody else may stand."""
    match value:
        case dict():
            return {key: poisoned(each, free=free or key in FREE) for key, each in value.items()}
        case list():
            return [poisoned(each, free=free) for each in value]
        case str() if free and value:
            return f"{value} {EVIL}"
    return value


def hostile() -> dict[str, Any]:
    usual = snapshots.snapshot(refused_origins=["https://x.example"])
    models = [snapshots.model(each["id"]) | each for each in snapshots.some_models()]
    usual["models"] = usual["models"] | {"items": models}
    usual["requests"] = snapshots.some_requests()
    return poisoned(usual)


async def test_no_screen_takes_words_for_anything_but_words(window: Any) -> None:
    state = hostile()
    rows = state["requests"]
    told = {"rows": rows, "cleared": 0, "emptied": False}
    page = await window(state, prepare=lambda plane: plane.told.update(requests=[told]))
    shown = ""
    for screen in SCREENS:
        await page.go(screen)
        shown += await page.text("body")
        row = page.page.locator("[data-row], [data-request]").first
        if await row.count():
            await row.click()
            shown += await page.text("body")
            await page.page.keyboard.press("Escape")
        assert await page.page.evaluate("window.pwned") is None, screen
        found = "img[src=x], a[href^=javascript], main script, #panel script"
        assert await page.page.locator(found).count() == 0, screen
    assert "<img src=x onerror='window.pwned=1'>" in shown, "nothing hostile was shown"
    assert page.complaints == []  # a broken policy would be told on the console
