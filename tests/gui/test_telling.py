"""Notifications as a desktop gets them: over the session bus, once, and in whole sentences."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.gui.app import App, assert_gone
from tests.gui.desk import Desk, until
from tests.gui.sni import Panel

pytest.importorskip("dbus_fast", reason="no notification service here: dbus-fast is not installed")

from dbus_fast import BusType
from dbus_fast.aio import MessageBus
from dbus_fast.service import ServiceInterface, method

pytestmark = pytest.mark.gui

Launch = Callable[..., App]
NAME = "org.freedesktop.Notifications"


class _Service(ServiceInterface):
    def __init__(self) -> None:
        super().__init__(NAME)
        self.told: list[tuple[str, str]] = []

    @method()
    def Notify(  # type: ignore[no-untyped-def]  # noqa: N802, PLR0917
        self,
        app: "s",  # noqa: F821, UP037
        replaces: "u",  # noqa: F821, UP037
        icon: "s",  # noqa: F821, UP037
        title: "s",  # noqa: F821, UP037
        body: "s",  # noqa: F821, UP037
        actions: "as",  # noqa: F722
        hints: "a{sv}",  # noqa: F722
        expires: "i",  # noqa: F821, UP037
    ) -> "u":  # noqa: F821, UP037
        self.told.append((title, body))
        return 1


@pytest.fixture
def told(desk: Desk) -> Iterator[list[tuple[str, str]]]:
    """What a notification service of this desktop is asked to show."""
    loop, service = asyncio.new_event_loop(), _Service()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> Any:
        address = desk.environ["DBUS_SESSION_BUS_ADDRESS"]
        bus = await MessageBus(bus_address=address, bus_type=BusType.SESSION).connect()
        bus.export("/org/freedesktop/Notifications", service)
        await bus.request_name(NAME)
        return bus

    bus = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    yield service.told
    loop.call_soon_threadsafe(bus.disconnect)
    asyncio.run_coroutine_threadsafe(bus.wait_for_disconnect(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_the_first_hide_ever_is_told_and_no_other_one(
    panel: Panel, launch: Launch, told: list[tuple[str, str]]
) -> None:
    still = (
        "Still running",
        "Copilot Desktop is in the tray. Open it from there, or start the app again.",
    )
    app = launch().ready()
    app.shown()
    app.do("hide_window")
    app.hidden()
    until(lambda: still in told, "the notice of the hidden window", otherwise=app.story)
    app.do("show_window")
    app.shown()
    app.do("hide_window")
    app.hidden()
    app.do("quit")
    assert_gone(app)

    again = launch().ready()
    again.shown()
    again.do("hide_window")
    again.hidden()
    again.do("quit")
    assert_gone(again)
    assert told.count(still) == 1


def test_a_port_that_is_taken_at_a_hidden_start_is_told(
    panel: Panel, launch: Launch, told: list[tuple[str, str]]
) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        app = launch("--hidden", port=port).ready()
        until(lambda: told, "the notice", otherwise=app.story)
    assert told[0][0] == "Proxy did not start"
    assert told[0][1].startswith(f"Port {port} is in use by ")


def test_start_at_login_is_switched_in_the_tray(panel: Panel, launch: Launch) -> None:
    app = launch("--hidden").ready()
    app.until("the system's word", lambda s: s["app"]["login_item"]["state"] == "off")
    panel.press("Start at login")
    app.until("the switch", lambda s: s["app"]["login_item"]["state"] == "on")
    panel.press("Start at login")
    app.until("the switch again", lambda s: s["app"]["login_item"]["state"] == "off")
