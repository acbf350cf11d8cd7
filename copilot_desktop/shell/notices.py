"""Desktop notifications on Linux, sent over the session bus from the calling thread.

The tray library would send them on the GUI thread and wait up to 25 s for a notification service
that hangs; here a service gets three seconds, and only a short-lived thread waits. A notice that
nobody shows is no error: everything it says can also be seen in the window.
"""

from __future__ import annotations

import logging
from html import escape
from pathlib import Path

log = logging.getLogger(__name__)

_PATIENCE = 3.0  # seconds
_NAME = "org.freedesktop.Notifications"
_PATH = "/org/freedesktop/Notifications"
_USUAL_TIME = -1  # the service decides how long a notice stays


def notify(title: str, body: str, icon: Path | None = None) -> bool:
    """Show a notice; false if nothing on this desktop took it. May block: never the GUI thread."""
    try:
        from jeepney import DBusAddress, new_method_call  # noqa: PLC0415
        from jeepney.io.blocking import open_dbus_connection  # noqa: PLC0415
        from jeepney.low_level import MessageType  # noqa: PLC0415

        connection = open_dbus_connection("SESSION")
    except Exception as error:  # noqa: BLE001 - no bus or no library: nobody to tell
        log.info("No notification can be shown: %s", error)
        return False
    hints = {"desktop-entry": ("s", "copilot-desktop")}
    actions: list[str] = []
    service = DBusAddress(_PATH, _NAME, _NAME)
    try:
        asked = new_method_call(service, "GetCapabilities")
        able = connection.send_and_get_reply(asked, timeout=_PATIENCE).body
        # Most read the body as markup, and others chose some of its words.
        shown = escape(body, quote=False) if able and "body-markup" in able[0] else body
        content = ("Copilot Desktop", 0, str(icon or ""), title, shown, actions, hints, _USUAL_TIME)
        call = new_method_call(service, "Notify", "susssasa{sv}i", content)
        answer = connection.send_and_get_reply(call, timeout=_PATIENCE)
    except Exception as error:  # noqa: BLE001
        log.info("The notification was not shown: %s", error)
        return False
    finally:
        connection.close()
    return bool(answer.header.message_type is MessageType.method_return)
