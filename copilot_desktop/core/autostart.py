"""Start at login as the rest of the core sees it: what the system says, and a switch.

The system's own list is the only truth, so it is read again whenever somebody looks, and after each
switch; nothing of it is kept in the settings. Reading and switching run programs and touch the
disk, so both happen on another thread. A demo has a list of its own: it must not make itself start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from copilot_desktop.errors import InvalidRequest
from copilot_desktop.system.login_items import LoginItem, LoginItemState

LOOK_LIMIT = 5.0  # seconds for the system's own programs


class Autostart:
    """`note` is called on the core's loop with what was found."""

    def __init__(
        self, item: LoginItem, note: Callable[[LoginItemState | Literal["unknown"]], None]
    ) -> None:
        self._item = item
        self._note = note

    @property
    def has_settings(self) -> bool:
        """Whether the system has a page where people switch such things."""
        return bool(self._item.settings_page)

    async def look(self) -> LoginItemState:
        """What the system says right now. Raises InvalidRequest if it does not answer."""
        try:
            async with asyncio.timeout(LOOK_LIMIT):
                state = await asyncio.to_thread(self._item.state)
        except TimeoutError:
            self._note("unknown")
            raise InvalidRequest(
                "The system did not say whether the app starts at login."
            ) from None
        self._note(state)
        return state

    async def switch(self, on: bool) -> LoginItemState:
        """What the system says afterwards. Raises InvalidRequest."""
        try:
            async with asyncio.timeout(LOOK_LIMIT):
                await asyncio.to_thread(self._item.switch, on)
        except (OSError, TimeoutError) as error:
            await self.look()
            reason = getattr(error, "strerror", None) or str(error) or "it did not answer"
            raise InvalidRequest(f"The system did not take it: {reason}.") from None
        return await self.look()

    async def open_settings(self) -> None:
        """Show the system's page. Raises InvalidRequest."""
        if not await asyncio.to_thread(self._item.open_settings):
            raise InvalidRequest("The system's settings did not open.")
