"""The real window with the real page: it appears, hides, comes back, and asks before it goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.gui.app import App, assert_gone
from tests.gui.desk import Desk, colours, end_session, session_members, until
from tests.gui.sni import Panel

pytestmark = pytest.mark.gui

DRAWN = 20  # colours; an empty web view has one, letters alone have dozens

Launch = Callable[..., App]


def is_drawn(desk: Desk, app: App, folder: Path) -> bool:
    frame = app.frame()
    return frame is not None and colours(desk.picture(folder / "window.png", frame.id)) > DRAWN


def test_the_page_is_seen_and_the_state_tells_window_and_tray(
    desk: Desk, panel: Panel, launch: Launch, tmp_path: Path
) -> None:
    app = launch().ready()

    app.shown()
    until(lambda: is_drawn(desk, app, tmp_path), "the page to be drawn", otherwise=app.story)
    shell = app.state()["app"]
    assert (shell["engine"], shell["tray"]) == ("gtk", "ok")
    until(lambda: panel.status() == "Active", "an icon that wants to be seen")
    assert "copilot-desktop" in desk.run("xprop", "-id", app.shown().id, "WM_CLASS")


def test_closing_asks_once_and_a_hidden_window_leaves_the_proxy_running(
    desk: Desk, panel: Panel, launch: Launch, tmp_path: Path
) -> None:
    app = launch().ready()
    until(lambda: is_drawn(desk, app, tmp_path), "the page to be drawn")

    app.press_close()
    app.until("the question", lambda s: s["ask"] == {"id": "close", "fields": {}})
    assert app.frame() is not None

    assert app.do("close_choice", choice="hide", remember=True)["ok"]
    app.hidden()
    assert app.process.poll() is None
    assert app.answers()
    assert app.state()["ask"] is None

    panel.press("Open Copilot Desktop")
    app.shown()
    until(lambda: is_drawn(desk, app, tmp_path), "the page to be drawn again")
    app.press_close()  # the choice was remembered
    app.hidden()
    assert app.state()["ask"] is None


def test_the_question_is_answered_in_the_window_with_the_keyboard(
    desk: Desk, panel: Panel, launch: Launch, tmp_path: Path
) -> None:
    app = launch().ready()
    until(lambda: is_drawn(desk, app, tmp_path), "the page to be drawn")
    before = (tmp_path / "window.png").read_bytes()
    app.press_close()
    app.until("the question", lambda s: s["ask"] is not None)

    def sheet_is_drawn() -> bool:
        return is_drawn(desk, app, tmp_path) and (tmp_path / "window.png").read_bytes() != before

    until(sheet_is_drawn, "the sheet")

    def answered() -> bool:
        desk.run("xdotool", "key", "Return")
        return app.state()["ask"] is None

    until(answered, "the answer", otherwise=app.story)
    app.hidden()
    assert app.answers()


def test_the_close_button_works_even_when_nobody_answers_the_question(
    panel: Panel, launch: Launch
) -> None:
    app = launch().ready()
    app.press_close()
    app.until("the question", lambda s: s["ask"] is not None)

    app.press_close()

    app.hidden()
    assert app.answers()


def test_quit_as_the_answer_ends_the_app(panel: Panel, launch: Launch) -> None:
    app = launch().ready()
    app.press_close()
    app.until("the question", lambda s: s["ask"] is not None)

    app.do("close_choice", choice="quit")

    assert_gone(app)


def test_a_second_launch_shows_the_hidden_window_and_ends(
    desk: Desk, panel: Panel, launch: Launch, tmp_path: Path
) -> None:
    app = launch("--hidden").ready()
    until(lambda: panel.first() == "Sign in to GitHub", "the menu of the tray icon")
    app.until("a hidden start", lambda s: s["proxy"]["phase"] == "running")
    assert app.frame() is None

    second = launch()

    assert second.ended() == 0, second.story()
    app.shown()
    until(lambda: is_drawn(desk, app, tmp_path), "the page to be drawn")
    assert app.process.poll() is None
    assert not second.left_behind()


def test_a_killed_app_does_not_keep_the_next_one_from_starting(launch: Launch) -> None:
    first = launch().ready()
    end_session(first.process.pid)
    first.process.wait(15)

    second = launch().ready()

    assert second.process.poll() is None
    second.shown()


def test_web_views_do_not_inherit_secrets(launch: Launch) -> None:
    secret = {"COPILOT_DESKTOP_API_KEY": "k" * 40, "COPILOT_GITHUB_TOKEN": "ghu_" + "s" * 36}
    app = launch(environ=secret).ready()
    app.shown()

    def members() -> dict[int, str]:
        return session_members(app.process.pid)

    def is_drawing() -> bool:
        return "WebKitWebProces" in members().values()

    until(is_drawing, "the web view's own processes", otherwise=app.story)
    own, seen = Path(f"/proc/{app.process.pid}/exe").readlink(), []
    for pid, name in members().items():
        try:
            program = Path(f"/proc/{pid}/exe").readlink()
            inherited = Path(f"/proc/{pid}/environ").read_text(errors="replace")
        except OSError:
            continue  # it was there for a moment
        if program != own:  # or it is about to become another program, and still a copy of the app
            seen.append(name)
            assert not any(value in inherited for value in secret.values()), name
    assert "WebKitWebProces" in seen


@pytest.fixture
def asking(launch: Launch, desk: Desk) -> Iterator[tuple[App, Future[dict[str, object]]]]:
    """The app with the system's dialog for a file open."""
    app = launch().ready()
    app.shown()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(app.do, "choose_certificates")

        def dialog() -> bool:
            ours = [frame for frame in desk.frames() if frame.pid == app.process.pid]
            return any(frame.title != "Copilot Desktop" for frame in ours)

        until(dialog, "the dialog", otherwise=app.story)
        yield app, answer


def test_a_file_is_named_in_a_dialog_of_the_system(
    asking: tuple[App, Future[dict[str, object]]], desk: Desk, tmp_path: Path
) -> None:
    app, answer = asking
    (tmp_path / "nonsense.pem").write_text("no certificate")
    desk.run("xdotool", "type", "--delay", "20", str(tmp_path / "nonsense.pem"))

    def answered() -> bool:
        desk.run("xdotool", "key", "Return")
        return answer.done()

    until(answered, "the file to be taken", otherwise=app.story)
    refused = answer.result(5)
    assert not refused["ok"]
    assert "no certificates" in str(refused["message"]), app.story()


def test_an_open_dialog_does_not_keep_the_app_from_ending(
    asking: tuple[App, Future[dict[str, object]]],
) -> None:
    app, _ = asking
    app.do("quit")
    assert_gone(app)


def test_without_a_web_engine_the_browser_shows_the_page_and_the_tray_still_works(
    panel: Panel, launch: Launch, tmp_path: Path
) -> None:
    seen = tmp_path / "opened"
    # The system's own way to a browser: which one it takes differs from one release to the next.
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\necho "$1" > "{seen}.part" && mv "{seen}.part" "{seen}"\n')
    opener.chmod(0o700)
    path = f"{tmp_path}:{os.environ['PATH']}"
    app = launch(environ={"COPILOT_DESKTOP_ENGINE": "browser", "PATH": path}).ready()

    until(seen.exists, "the browser to be started", otherwise=app.story)
    assert seen.read_text().startswith("http://127.0.0.1:")
    assert "?k=" in seen.read_text()
    assert app.state()["app"]["engine"] == "browser"
    seen.unlink()
    panel.press("Open Copilot Desktop")
    until(seen.exists, "the browser to be started again", otherwise=app.story)
    panel.press("Quit Copilot Desktop")
    assert_gone(app)
