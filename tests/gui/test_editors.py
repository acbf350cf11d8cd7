"""An editor is connected and undone in the real window, and its file on the disk says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from tests.gui.app import App
from tests.gui.desk import Desk, until
from tests.gui.sni import Panel
from tests.gui.test_window import is_drawn

pytestmark = pytest.mark.gui

Launch = Callable[..., App]
Json = dict[str, Any]
SIDEBAR = 240  # pixels; there the screen is chosen before it is shown
ANOTHER = 0.2  # of the pixels change with a screen or a sheet, a quarter of it with words behind it


def state_of(state: Json) -> str:
    rows = {row["id"]: row["state"] for row in state["editors"]["rows"]}
    return str(rows.get("claude-code", ""))


def read(picture: Path) -> Image.Image | None:
    if not picture.exists():
        return None
    with Image.open(picture) as opened:
        return opened.convert("L")


def difference(one: Image.Image, other: Image.Image) -> float:
    """The share of pixels in which two pictures of the window differ, right of the screens."""
    place = (SIDEBAR, 0, *one.size)
    same = ImageChops.difference(one.crop(place), other.crop(place)).histogram()[0]
    return 1 - same / ((one.width - SIDEBAR) * one.height)


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
    until(lambda: desk.has_the_keys(app.shown()), "the keyboard to be the window's")

    def seen() -> Image.Image | None:
        return read(desk.picture(tmp_path / "window.png", app.shown().id))

    def press(*keys: str, until_it_shows: str) -> None:
        """And wait for what it is pressed for."""
        last = until(seen, "the window")
        desk.run("xdotool", "key", *keys)

        def shows() -> bool:
            now = seen()
            return now is not None and difference(last, now) > ANOTHER

        until(shows, until_it_shows, otherwise=app.story)

    press("ctrl+4", until_it_shows="the list")
    desk.run("xdotool", "key", "slash")
    desk.run("xdotool", "type", "--delay", "30", "claude-code")
    desk.run("xdotool", "key", "Tab", "Tab", "Tab")  # past what clears, and the name
    # The next button has the focus each time.
    press("Return", until_it_shows="the choice")
    press("Return", until_it_shows="the lines")
    press("Return", until_it_shows="that it is done")
    env = json.loads(file.read_text())["env"]
    assert env["ANTHROPIC_BASE_URL"] == f"http://127.0.0.1:{app.port}"
    app.until("the state", lambda s: state_of(s) == "connected")

    press("Return", until_it_shows="the list again")
    press("Return", until_it_shows="the question")  # the row's button says "Undo" now
    desk.run("xdotool", "key", "Tab")  # past Cancel

    def restored() -> bool:
        desk.run("xdotool", "key", "Return")  # nothing happens before the page knows what returns
        return file.read_bytes() == before

    until(restored, "the file to be as it was", otherwise=app.story)
    app.until("the state", lambda s: state_of(s) == "not_connected")
