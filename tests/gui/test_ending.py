"""Every way to quit ends everything: exit code 0, port closed, no process and no file left."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.gui.app import App, assert_gone
from tests.gui.desk import Desk, until
from tests.gui.sni import Panel
from tests.gui.test_tray import signed_in

pytestmark = pytest.mark.gui

Launch = Callable[..., App]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_ends_the_app(panel: Panel, launch: Launch, name: str) -> None:
    app = launch().ready()
    app.shown()
    app.until("the proxy", lambda s: s["proxy"]["phase"] == "running")

    app.signal(signal.Signals[name])

    assert_gone(app)


def test_a_signal_before_the_window_is_there_ends_the_app(panel: Panel, launch: Launch) -> None:
    app = launch()
    until((app.folder / "instance.json").exists, "the control plane", otherwise=app.story)

    app.signal(signal.SIGTERM)

    assert_gone(app)


def test_quit_before_the_window_is_there_ends_the_app(launch: Launch) -> None:
    app = launch()
    until((app.folder / "instance.json").exists, "the control plane", otherwise=app.story)

    app.do("quit")

    assert_gone(app)


def test_quit_in_the_tray_ends_the_app_and_takes_the_icon_away(
    desk: Desk, panel: Panel, launch: Launch
) -> None:
    app = launch().ready()
    app.shown()
    pictures = panel.icon().parent
    assert pictures.exists()

    panel.press("Quit Copilot Desktop")

    assert_gone(app)
    assert panel.status() == ""
    assert not pictures.exists()


def test_quit_from_the_window_ends_the_app_while_it_is_hidden(panel: Panel, launch: Launch) -> None:
    app = launch("--hidden").ready()

    assert app.do("quit") == {"ok": True}

    assert_gone(app)


def test_quit_in_the_middle_of_an_answer_tells_the_client(panel: Panel, launch: Launch) -> None:
    app = signed_in(launch(scenario="slow").ready())
    state = app.until("the models", lambda s: s["models"]["items"])
    model = next(m["id"] for m in state["models"]["items"] if "/chat/completions" in m["endpoints"])
    with streaming(app, model) as answer:
        assert answer.readline().startswith(b"data: {")
        app.until("the open answer", lambda s: s["proxy"]["in_flight"] == 1)

        app.do("quit")  # without being asked
        rest = [line for line in answer.read().split(b"\n") if line.startswith(b"data: ")]

    problem = json.loads(rest[-1].removeprefix(b"data: "))
    assert "error" in problem, problem
    assert "stopping" in problem["error"]["message"]
    assert_gone(app)


@contextmanager
def streaming(app: App, model: str) -> Iterator[http.client.HTTPResponse]:
    """An answer that has begun; reading it to the end fails if it is cut off."""
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=20)
    question = {"role": "user", "content": "Tell me a long story."}
    body = json.dumps({"model": model, "stream": True, "messages": [question]})
    try:
        connection.request(
            "POST", "/v1/chat/completions", body, {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        yield answer
    finally:
        connection.close()
