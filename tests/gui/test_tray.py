"""The real tray icon, read and pressed as a panel does it: it and the window always agree."""

from __future__ import annotations

import json
import os
import re
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from copilot_desktop.strings import text
from tests.gui.app import App, assert_gone, is_open
from tests.gui.desk import Desk, colours, missing, until
from tests.gui.sni import Panel
from tests.ports import free_port

pytestmark = pytest.mark.gui

Launch = Callable[..., App]


def headline(state: dict[str, object]) -> str:
    """What the window says, in the words that it shares with the tray."""
    shown = state["headline"]
    return text(f"headline.{shown['key']}", **shown["fields"])  # type: ignore[index]


def agrees(panel: Panel, app: App) -> str:
    """The tray's first row, once it is the window's headline."""

    def same() -> str | None:
        first = panel.first()
        return first if first == headline(app.state()) else None

    return until(same, "tray and window to say the same", otherwise=app.story)


def signed_in(app: App) -> App:
    """All of the way through GitHub's device flow, which the demo approves by itself."""
    code = app.do("sign_in")
    assert code["ok"], code
    assert app.state()["login"]["user_code"] == code["user_code"]
    app.until("the sign-in", lambda s: s["auth"]["state"] == "signed_in", within=25)
    return app


def test_sign_in_from_the_tray_to_the_first_answer(panel: Panel, launch: Launch) -> None:
    app = launch().ready()
    assert agrees(panel, app) == "Sign in to GitHub"
    waiting = panel.icon().read_bytes()

    panel.press("Sign in…")
    app.until("the sign-in screen", lambda s: (s["app"]["screen"] or {}).get("name") == "sign_in")
    signed_in(app)

    assert agrees(panel, app) == f"Running on 127.0.0.1:{app.port}"
    running = f"Copilot Desktop: Running on 127.0.0.1:{app.port}"
    until(lambda: panel.title() == running, "the icon to be called the same")
    until(lambda: panel.icon().read_bytes() != waiting, "another picture")
    with Image.open(panel.icon()) as picture:
        red, green, blue, opacity = picture.convert("RGBA").getpixel((24, 24))
    assert (green > red, green > blue, opacity) == (True, True, 255)
    until(lambda: "% used" in panel.texts()[1], "the worst meter below the headline")

    state = app.until("the models", lambda s: s["models"]["items"])
    model = next(m["id"] for m in state["models"]["items"] if "/chat/completions" in m["endpoints"])
    request = urllib.request.Request(
        f"http://127.0.0.1:{app.port}/v1/chat/completions",
        data=json.dumps(
            {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
        ).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.load(answer)["choices"][0]["message"]["content"]
    app.until("the request in the list", lambda s: len(s["requests"]) == 1)

    panel.press("Usage", "Refresh")
    app.do("sign_out")
    assert agrees(panel, app) == "Sign in to GitHub"


def test_stop_and_start_open_and_close_the_port_for_window_and_tray_alike(
    panel: Panel, launch: Launch
) -> None:
    app = launch().ready()
    app.until("the proxy", lambda s: s["proxy"]["phase"] == "running")
    assert app.answers()

    panel.press("Stop proxy")
    app.until("the stop", lambda s: s["proxy"]["phase"] == "stopped")
    assert not is_open(app.port)
    until(lambda: "Start proxy" in panel.texts(), "the tray to offer the start")
    assert "Copy address" not in panel.texts()

    panel.press("Start proxy")
    app.until("the start", lambda s: s["proxy"]["phase"] == "running")
    assert app.answers()

    app.do("stop_proxy")  # the same from the window
    until(lambda: "Start proxy" in panel.texts(), "the tray to follow the window")
    assert not is_open(app.port)
    agrees(panel, app)


def test_addresses_and_key_are_copied_to_the_clipboard(
    desk: Desk, panel: Panel, launch: Launch
) -> None:
    app = launch().ready()
    app.until("the proxy", lambda s: s["proxy"]["phase"] == "running")
    base = f"http://127.0.0.1:{app.port}"

    panel.press("Copy address", "OpenAI")
    until(lambda: desk.clipboard() == f"{base}/v1", "the OpenAI address on the clipboard")

    panel.press("Copy address", "Anthropic")
    until(lambda: desk.clipboard() == base, "the Anthropic address on the clipboard")

    app.do("update_settings", patch={"require_key": True})
    panel.press("Copy address", "API key")
    key = app.do("reveal_key")["key"]
    until(lambda: desk.clipboard() == key, "the key on the clipboard")


def test_a_taken_port_is_explained_and_another_one_is_offered(panel: Panel, launch: Launch) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        app = launch(port=taken).ready()

        state = app.until("the conflict", lambda s: s["proxy"]["phase"] == "error")
        error = state["proxy"]["error"]
        assert error["kind"] == "port_taken"
        assert f"(process {os.getpid()})" in error["fields"]["holder"]
        assert error["fields"]["holder"] in error["message"]
        free = int(error["fields"]["next"])
        assert free != taken
        assert state["headline"]["key"] == "port_conflict"
        assert agrees(panel, app) == f"Port {taken} is in use"

        panel.press(f"Use port {free} instead")
        moved = app.until("the other port", lambda s: s["proxy"]["phase"] == "running")

    assert moved["proxy"]["port"] == free
    app.port = free
    assert app.answers()
    until(lambda: "Stop proxy" in panel.texts(), "the tray to follow")
    assert not [row for row in panel.texts() if row.startswith("Use port")]


def test_without_a_panel_the_tray_is_missing_and_a_second_launch_brings_the_window(
    desk: Desk, launch: Launch
) -> None:
    app = launch().ready()
    assert app.state()["app"]["tray"] == "missing"
    app.press_close()
    app.until("the question", lambda s: s["ask"] is not None)
    assert app.state()["app"]["tray"] == "missing"  # so the sheet can say it
    app.do("close_choice", choice="hide")
    app.hidden()

    assert launch().ended() == 0

    app.shown()
    app.do("quit")
    assert_gone(app)


def test_without_a_session_bus_there_is_a_window_and_no_tray(launch: Launch) -> None:
    nowhere = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent/bus"}
    app = launch(environ=nowhere).ready()

    app.shown()
    assert app.state()["app"]["tray"] == "missing"
    app.do("quit")
    assert_gone(app)


def test_a_panel_that_comes_later_is_noticed(desk: Desk, launch: Launch) -> None:
    app = launch().ready()
    assert app.state()["app"]["tray"] == "missing"

    panel = Panel(desk.environ["DBUS_SESSION_BUS_ADDRESS"])
    try:
        app.until("the tray", lambda s: s["app"]["tray"] == "ok")
        assert agrees(panel, app) == "Sign in to GitHub"
    finally:
        panel.close()


def test_a_middle_press_on_an_indicator_opens_the_window(panel: Panel, launch: Launch) -> None:
    """A left one is the panel's: it opens the menu, whose first action is the window."""
    app = launch("--hidden").ready()
    agrees(panel, app)
    app.hidden()

    def opened() -> bool:
        panel.press_middle()
        return app.frame() is not None

    until(opened, "the window", otherwise=app.story)
    app.do("hide_window")
    app.hidden()
    panel.press("Open Copilot Desktop")
    app.shown()


def menu_is_open(desk: Desk) -> bool:
    """GTK's menus are windows that no manager knows, in the size of their rows."""
    for row in desk.run("xwininfo", "-root", "-tree").splitlines():
        size = re.search(r" (\d+)x(\d+)\+", row)
        if '"copilot-desktop": ' in row and size and int(size[1]) > 100 and int(size[2]) > 100:
            shown = desk.run("xwininfo", "-id", row.split()[0])
            if "IsViewable" in shown and "Override Redirect State: yes" in shown:
                return True
    return False


def test_a_classic_tray_shows_the_icon(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    if (lacking := missing("trayer")) is not None:
        pytest.skip(f"no classic tray here: {lacking}")
    desk = Desk(tmp_path_factory.mktemp("classic"), tray=True)
    app = App(desk, tmp_path / "data", "--hidden", port=free_port())
    try:
        app.ready()
        assert app.state()["app"]["tray"] == "ok"
        icon = until(desk.tray_icon, "the icon in the tray", otherwise=app.story)
        drawn = tmp_path / "icon.png"
        until(lambda: colours(desk.picture(drawn, icon)) > 5, "the icon to be drawn")
        app.hidden()
        # A left press is the default one: the window, and no menu.
        desk.run("xdotool", "mousemove", "--window", icon, "8", "8", "click", "1")
        app.shown()
        app.do("hide_window")
        app.hidden()
        desk.run("xdotool", "mousemove", "--window", icon, "8", "8", "click", "3")
        until(lambda: menu_is_open(desk), "the menu at a right press", otherwise=app.story)
        desk.run("xdotool", "key", "Escape")
        app.do("quit")
        assert_gone(app)
    finally:
        app.discard()
        desk.close()
