"""An editor is connected and undone in the real window, and its file on the disk says so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gui.app import App
from tests.gui.desk import Desk, until
from tests.gui.sni import Panel
from tests.gui.test_window import is_drawn

pytestmark = pytest.mark.gui

Launch = Callable[..., App]
Json = dict[str, Any]


def state_of(state: Json) -> str:
    rows = {row["id"]: row["state"] for row in state["editors"]["rows"]}
    return str(rows.get("claude-code", ""))


def test_claude_code_is_connected_and_undone_with_the_keyboard(
    desk: Desk, panel: Panel, launch: Launch, tmp_path: Path
) -> None:
    app = launch().ready()
    app.do("accept_notice")
    app.do("sign_in")
    app.until("the models", lambda s: s["models"]["items"])
    app.until("the editors", lambda s: state_of(s) == "not_connected")
    (file,) = tmp_path.rglob(".claude/settings.json")  # of the demo, not of the user
    before = file.read_bytes()
    until(lambda: is_drawn(desk, app, tmp_path), "the page to be drawn", otherwise=app.story)

    def press(*keys: str) -> None:
        for key in keys:
            desk.run("xdotool", "key", key)
            time.sleep(0.3)  # the page follows keys at the speed of a person

    press("ctrl+4", "slash")
    desk.run("xdotool", "type", "--delay", "30", "claude-code")
    press("Tab", "Tab", "Tab")  # the button that clears, the name, the button of the row

    def written() -> bool:
        if file.read_bytes() == before:
            press("Return")  # choose, check, write: the next button has the focus each time
        return file.read_bytes() != before

    until(written, "the file to be written", within=30, otherwise=app.story)
    env = json.loads(file.read_text())["env"]
    assert env["ANTHROPIC_BASE_URL"] == f"http://127.0.0.1:{app.port}"
    app.until("the state", lambda s: state_of(s) == "connected")

    press("Return", "Return", "Tab")  # close; the row's button, which says "Undo" now; past Cancel

    def restored() -> bool:
        if file.read_bytes() != before:
            press("Return")
        return file.read_bytes() == before

    until(restored, "the file to be as it was", within=30, otherwise=app.story)
    app.until("the state", lambda s: state_of(s) == "not_connected")
