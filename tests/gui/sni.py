"""A panel that shows nothing: a StatusNotifier host, so that a test can read the tray and press it.

It owns the watcher's name on the session bus, hears which icon registers itself, and then asks the
icon as a real panel does: its picture, its title, its menu over `com.canonical.dbusmenu`. Ayatana
registers an object path, others a bus name.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dbus_fast import BusType, Message, MessageType, PropertyAccess, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.service import ServiceInterface, dbus_property, method

from tests.gui.desk import until

T = TypeVar("T")

WATCHER = "org.kde.StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
_ANSWER = 20.0  # seconds; an app that starts on a busy machine may not hear for a while


class _Watcher(ServiceInterface):
    """The part of the panel that icons and apps ask whether anybody looks."""

    def __init__(self) -> None:
        super().__init__(WATCHER)

    @method()
    def RegisterStatusNotifierItem(self, service: "s"):  # type: ignore[name-defined]  # noqa: F821, N802, UP037
        """Heard by `Panel._hear`, which also knows the sender."""

    @method()
    def RegisterStatusNotifierHost(self, service: "s"):  # type: ignore[name-defined]  # noqa: F821, N802, UP037
        """There is only this one."""

    @dbus_property(access=PropertyAccess.READ)
    def IsStatusNotifierHostRegistered(self) -> "b":  # type: ignore[name-defined]  # noqa: F821, N802, UP037
        return True

    @dbus_property(access=PropertyAccess.READ)
    def ProtocolVersion(self) -> "i":  # type: ignore[name-defined]  # noqa: F821, N802, UP037
        return 0

    @dbus_property(access=PropertyAccess.READ)
    def RegisteredStatusNotifierItems(self) -> "as":  # type: ignore[name-defined]  # noqa: F722, N802
        return []


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the menu. `text` is empty for a line between rows."""

    id: int
    text: str
    enabled: bool
    rows: tuple[Row, ...]


class Panel:
    """`address` is the session bus. The panel lives on a thread of its own."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._item: tuple[str, str] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._bus: Any = self._wait(self._open())

    def close(self) -> None:
        self._wait(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER)
        self._loop.close()

    # ------------------------------------------------------------------------ the icon

    def icon(self) -> Path:
        """The picture that the app wants to be shown."""
        return Path(str(self._property("IconName")))

    def title(self) -> str:
        return str(self._property("Title"))

    def status(self) -> str:
        """ "Active" while the icon wants to be seen; "" if there is none."""
        try:
            return str(self._property("Status"))
        except AssertionError:
            return ""

    # ------------------------------------------------------------------------ the menu

    def rows(self) -> tuple[Row, ...]:
        """All rows. The icon comes a moment before its menu, so that is waited for."""
        return until(self._rows, "the menu of the tray icon")

    def _rows(self) -> tuple[Row, ...] | None:
        """None while there is no menu."""
        try:
            _, root = self._call(self._menu_path(), MENU, "GetLayout", "iias", 0, -1, [])
        except AssertionError:
            return None
        return _row(root).rows

    def texts(self) -> list[str]:
        return [row.text for row in self.rows()]

    def first(self) -> str:
        """What the first row says; "" while there is no menu yet."""
        rows = self._rows()
        return rows[0].text if rows else ""

    def press(self, *path: str) -> None:
        """Press the row at `path`: its text, or a submenu's and the row's."""
        row = until(lambda: self._find(path), f"the row {' > '.join(path)} to press")
        self._call(self._menu_path(), MENU, "Event", "isvu", row.id, "clicked", Variant("i", 0), 0)

    def press_middle(self) -> None:
        """What Ayatana's indicators know beside their menu."""
        path = until(lambda: self._item, "a tray icon")[1]
        self._call(path, ITEM, "XAyatanaSecondaryActivate", "u", 0)

    def _find(self, path: Sequence[str]) -> Row | None:
        rows, found = self._rows() or (), None
        for text in path:
            found = next((row for row in rows if row.text == text), None)
            if found is None:
                return None
            rows = found.rows
        return found if found and found.enabled else None

    # ------------------------------------------------------------------------ the bus

    def _menu_path(self) -> str:
        return str(self._property("Menu"))

    def _property(self, name: str) -> Any:
        item = until(lambda: self._item, "a tray icon")
        properties = "org.freedesktop.DBus.Properties"
        return self._call(item[1], properties, "Get", "ss", ITEM, name)[0].value

    def _call(self, path: str, interface: str, member: str, signature: str, *body: Any) -> Any:
        item = until(lambda: self._item, "a tray icon")
        message = Message(
            destination=item[0],
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        answer = self._wait(self._bus.call(message))
        assert answer.message_type != MessageType.ERROR, f"{answer.error_name}: {answer.body}"
        return answer.body

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ANSWER)

    async def _open(self) -> MessageBus:
        bus = await MessageBus(bus_type=BusType.SESSION, bus_address=self._address).connect()
        bus.add_message_handler(self._hear)
        bus.export("/StatusNotifierWatcher", _Watcher())
        await bus.request_name(WATCHER)
        return bus

    async def _leave(self) -> None:
        self._bus.disconnect()
        await self._bus.wait_for_disconnect()

    def _hear(self, message: Message) -> None:
        if (
            message.message_type == MessageType.METHOD_CALL
            and message.member == "RegisterStatusNotifierItem"
        ):
            named = str(message.body[0])
            path = named if named.startswith("/") else "/StatusNotifierItem"
            self._item = (str(message.sender), path)


def _row(node: Sequence[Any]) -> Row:
    number, properties, children = node
    shown = {name: variant.value for name, variant in properties.items()}
    separator = shown.get("type") == "separator"
    return Row(
        int(number),
        "" if separator else str(shown.get("label", "")).replace("__", "_"),
        bool(shown.get("enabled", True)),
        tuple(_row(child.value) for child in children),
    )
