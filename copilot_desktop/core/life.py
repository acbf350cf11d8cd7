"""The life of the app around its work: at login, from one run to the next, and what it tells.

Puts together what belongs to no single part of the core: the system's login item, what the last run
has left, notifications, newer versions, and how long trouble with the network lasts until it is
worth a word.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from copilot_desktop.core.alerting import FILE_NAME as ALERTS_FILE
from copilot_desktop.core.alerting import Alerting
from copilot_desktop.core.autostart import Autostart
from copilot_desktop.core.last_run import FILE_NAME as LAST_FILE
from copilot_desktop.core.last_run import PAUSE, LastRun
from copilot_desktop.core.memory import Memory
from copilot_desktop.core.reach import Reach
from copilot_desktop.core.settings_file import chosen_dir
from copilot_desktop.core.updates import FILE_NAME as UPDATES_FILE
from copilot_desktop.core.updates import Updates
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.system.fake import FakeLoginItem
from copilot_desktop.system.login_items import LoginItemState

if TYPE_CHECKING:
    from copilot_desktop.core.core import Core


class Life:
    """Belongs to one core."""

    def __init__(self, core: Core) -> None:
        self._core = core
        folder, tasks = core.data_dir, core.tasks
        chosen = chosen_dir(core.store.state.preferences)
        item = FakeLoginItem() if core.store.state.app.demo else core.system.login_item(chosen)
        self.autostart = Autostart(item, self._note_login_item)
        self.last = LastRun(Memory(folder / LAST_FILE, tasks, pause=PAUSE))
        self.reach = Reach(core.store)
        self.show_wanted = False  # asked for before there was a shell
        self.alerting = Alerting(core.store, Memory(folder / ALERTS_FILE, tasks), tasks)
        self.updates = Updates(core, Memory(folder / UPDATES_FILE, tasks))

    async def begin(self) -> None:
        """Before anything is started. Asks the system in the background."""
        await self.last.load()
        page = self.autostart.has_settings
        self._core.surroundings(login_settings=page, last_screen=self.last.screen)
        self.look_at_login()

    @property
    def proxy_wanted(self) -> bool:
        """Whether the proxy starts with the app."""
        wish = self._core.settings.start_proxy
        return self.last.proxy is not False if wish == "last" else wish

    def look_at_login(self) -> None:
        """Find out in the background what the system says now."""
        self._core.tasks.replace(self._look_at_login(), "login item")

    def proxy_changed(self) -> None:
        core, state = self._core, self._core.controller.state
        if state.phase == "running" and core.store.state.app.listener != "fine":
            core.surroundings(listener="fine")
        core.store.set(proxy=state)

    async def settle(self) -> None:
        """Let nothing be lost that was to be kept."""
        await asyncio.gather(self.last.settle(), self.alerting.settle(), self.updates.settle())

    async def _look_at_login(self) -> None:
        try:
            await self.autostart.look()
        except InvalidRequest:
            return  # the state says that it is not known

    def _note_login_item(self, state: LoginItemState | Literal["unknown"]) -> None:
        self._core.surroundings(login_item=state)
