"""From one run to the next with the real window: where it was, in which colours, and its end."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from copilot_desktop.shell.window import BACKGROUND
from tests.gui.app import App, assert_gone
from tests.gui.desk import Desk, colours, session_members, until
from tests.gui.sni import Panel
from tests.gui.test_ending import streaming
from tests.gui.test_tray import signed_in
from tests.gui.test_window import DRAWN, is_drawn

pytestmark = pytest.mark.gui

Launch = Callable[..., App]
Box = tuple[int, int, int, int]


def box(desk: Desk, app: App) -> Box:
    """Left, top, width and height of the inside of the window."""
    told = desk.run("xwininfo", "-id", app.shown().id)
    names = ("Absolute upper-left X", "Absolute upper-left Y", "Width", "Height")
    left, top, width, height = (int(re.search(rf"{n}: +(-?\d+)", told)[1]) for n in names)  # type: ignore[index]
    return left, top, width, height


def kept(app: App) -> dict[str, object]:
    try:
        found = json.loads((app.folder / "last.json").read_text())
    except (OSError, ValueError):
        return {}
    return dict(found.get("place") or {})


def test_the_window_comes_back_where_it_was(desk: Desk, panel: Panel, launch: Launch) -> None:
    app = launch().ready()
    app.shown()
    desk.run("wmctrl", "-i", "-r", app.shown().id, "-e", "0,150,60,800,600")
    until(lambda: box(desk, app)[2:] == (800, 600), "the new size", otherwise=app.story)
    until(lambda: kept(app).get("width") == 800, "the place to be kept", otherwise=app.story)
    before = box(desk, app)

    app.do("hide_window")
    app.hidden()
    app.do("show_window")
    app.shown()
    until(lambda: box(desk, app) == before, f"the window at {before} after it was hidden")
    app.do("quit")
    assert_gone(app)

    for _ in range(2):  # it must not wander by the height of its frame
        again = launch().ready()
        again.shown()
        until(lambda again=again: box(desk, again) == before, f"the window at {before} again")
        again.do("quit")
        assert_gone(again)


def test_a_maximised_window_stays_so_and_remembers_what_it_was(
    desk: Desk, panel: Panel, launch: Launch
) -> None:
    app = launch().ready()
    desk.run("wmctrl", "-i", "-r", app.shown().id, "-e", "0,150,60,800,600")
    until(lambda: kept(app).get("width") == 800, "the place to be kept", otherwise=app.story)
    desk.run("wmctrl", "-i", "-r", app.shown().id, "-b", "add,maximized_vert,maximized_horz")
    until(lambda: kept(app).get("maximized"), "the new look to be kept", otherwise=app.story)
    app.do("quit")
    assert_gone(app)

    again = launch().ready()
    until(lambda: box(desk, again)[2] == 1280, "a maximised window", otherwise=again.story)
    desk.run("wmctrl", "-i", "-r", again.shown().id, "-b", "remove,maximized_vert,maximized_horz")
    until(lambda: box(desk, again)[2:] == (800, 600), "the size from before")


def test_a_window_is_never_smaller_than_its_least_size(
    desk: Desk, panel: Panel, launch: Launch
) -> None:
    app = launch().ready()
    desk.run("wmctrl", "-i", "-r", app.shown().id, "-e", "0,50,50,300,200")
    until(lambda: box(desk, app)[2:] == (720, 520), "the least size", otherwise=app.story)


def test_where_all_is_twice_as_large_the_window_still_fits_the_screen(
    desk: Desk, panel: Panel, launch: Launch
) -> None:
    app = launch(environ={"GDK_SCALE": "2"}).ready()
    until(lambda: app.frame() and box(desk, app)[2:] > (0, 0), "a window", otherwise=app.story)
    width, height = box(desk, app)[2:]
    assert width <= 1280
    assert height <= 800


def held(app: App) -> int:
    """Kilobytes that the app and its web views hold alone: files are shared with whoever runs."""
    total = 0
    for pid in session_members(app.process.pid):
        try:
            rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(row.split()[1]) for row in rows if row.startswith("Pss_Anon:"))
    return total


def test_a_hidden_window_can_give_its_memory_back(
    desk: Desk, panel: Panel, launch: Launch, tmp_path: Path
) -> None:
    app = launch(environ={"COPILOT_DESKTOP_FREE_MEMORY": "true"}).ready()
    until(lambda: is_drawn(desk, app, tmp_path), "the page to be drawn", otherwise=app.story)
    full = held(app)

    for _ in range(3):
        app.do("hide_window")
        app.hidden()
        until(
            lambda: "WebKitWebProces" not in session_members(app.process.pid).values(),
            "the page's process to end",
        )
        assert held(app) < full - 20_000, (held(app), full)
        assert app.answers()

        panel.press("Open Copilot Desktop")
        app.shown()
        until(lambda: is_drawn(desk, app, tmp_path), "the page again", otherwise=app.story)
    app.do("quit")
    assert_gone(app)


def brightest(picture: Path) -> float:
    """The share of bright pixels inside the window."""
    with Image.open(picture) as found:
        grey = found.convert("L")
        return sum(grey.histogram()[128:]) / (grey.width * grey.height)


def corner(picture: Path) -> str:
    """The colour of the window's lower left corner, as "#131619"."""
    with Image.open(picture) as found:
        red, green, blue = found.convert("RGB").getpixel((3, found.height - 3))  # type: ignore[misc]
    return f"#{red:02X}{green:02X}{blue:02X}"


def test_a_dark_window_is_dark_from_its_first_picture(
    desk: Desk, panel: Panel, launch: Launch, tmp_path: Path
) -> None:
    app = launch(environ={"COPILOT_DESKTOP_THEME": "dark"})
    frame = app.shown()
    shots: list[Path] = []

    def page_is_there() -> bool:
        shot = desk.picture(tmp_path / f"{len(shots)}.png", frame.id)
        if shot.exists():
            shots.append(shot)
        return len(shots) >= 25 and colours(shot) > DRAWN

    until(page_is_there, "the page to be drawn", within=40, otherwise=app.story)
    bright = [round(brightest(shot), 3) for shot in shots]
    assert max(bright) < 0.2, bright  # letters, never a page
    # On a busy machine the first of them are of a window in which nothing is drawn yet: black.
    drawn = [colour for shot in shots if (colour := corner(shot)) != "#000000"]
    assert drawn[0] == BACKGROUND[True], drawn


def test_quit_in_the_tray_asks_once_while_an_answer_is_under_way(
    panel: Panel, launch: Launch
) -> None:
    app = signed_in(launch("--hidden", scenario="slow").ready())
    state = app.until("the models", lambda s: s["models"]["items"])
    model = next(m["id"] for m in state["models"]["items"] if "/chat/completions" in m["endpoints"])
    with streaming(app, model) as answer:
        assert answer.readline().startswith(b"data: {")
        app.until("the open answer", lambda s: s["proxy"]["in_flight"] == 1)
        panel.press("Quit Copilot Desktop")
        app.until("the question", lambda s: s["ask"] == {"id": "quit", "fields": {"n": 1}})
        app.shown()  # where it can be seen
        app.do("close_choice", choice="cancel")
        assert app.state()["ask"] is None
        assert app.answers()
        panel.press("Quit Copilot Desktop")
        app.until("the question again", lambda s: s["ask"] is not None)
        app.do("close_choice", choice="quit")
    assert_gone(app)


def test_a_launch_while_the_first_one_ends_becomes_the_next_one(
    panel: Panel, launch: Launch
) -> None:
    first = launch().ready()
    first.shown()
    first.do("quit")

    second = launch().ready()

    second.shown()
    assert first.ended() == 0
    assert second.process.poll() is None


def test_a_launch_while_the_first_one_starts_hidden_shows_its_window(
    panel: Panel, launch: Launch
) -> None:
    first = launch("--hidden")
    until((first.folder / "instance.lock").exists, "the first one to begin")

    second = launch()

    assert second.ended() == 0, second.story()
    first.shown()


def test_a_launch_beside_one_without_a_window_says_so(launch: Launch) -> None:
    first = launch("serve")
    until(first.answers, "the one that serves", within=25, otherwise=first.story)

    second = launch()

    assert second.ended(25) == 1
    assert "already running without a window" in second.story()
    assert first.process.poll() is None


def test_a_page_that_crashed_is_opened_anew(
    desk: Desk, panel: Panel, launch: Launch, tmp_path: Path
) -> None:
    """As the system does where memory is short; an empty window would stay for good."""

    def pages() -> set[int]:
        members = session_members(app.process.pid)
        return {pid for pid, name in members.items() if name == "WebKitWebProces"}

    def crash() -> set[int]:
        ended = pages()
        assert ended
        for pid in ended:
            os.kill(pid, signal.SIGKILL)
        return ended

    app = launch().ready()
    until(lambda: is_drawn(desk, app, tmp_path), "the page to be drawn", otherwise=app.story)

    first = crash()
    until(lambda: pages() - first, "another page", otherwise=app.story)
    until(lambda: is_drawn(desk, app, tmp_path), "the page at once", otherwise=app.story)

    crash()  # so soon after, it is left alone until somebody looks
    until(lambda: not pages(), "no page", otherwise=app.story)
    app.do("hide_window")
    app.hidden()
    panel.press("Open Copilot Desktop")
    app.shown()
    until(lambda: is_drawn(desk, app, tmp_path), "the page again", otherwise=app.story)
    app.do("quit")
    assert_gone(app)
