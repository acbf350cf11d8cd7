"""The extra certificate file, chosen by a person in a dialog of the system.

Whoever vouches for GitHub's certificate can read everything that goes there. So the page cannot
name this file: it can only ask for the dialog, which the app's own window opens and which page
script can neither fill in nor answer (`security-rules.md` 16). Where there is no such window the
settings file, the environment and the start's options are the places for it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copilot_desktop.core.settings import bad
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.upstream.outgoing import LOOK_SECONDS, why_unusable
from copilot_desktop.upstream.stores.worker import Worker

if TYPE_CHECKING:
    from copilot_desktop.core.core import Core

PATIENCE = 600.0  # seconds that a dialog may stay open
_WINDOWLESS = (
    "Only the app's own window can ask for a file. "
    "Set COPILOT_DESKTOP_EXTRA_CA to its path and start the app again."
)


class Certificates:
    """Made with the commands; knows whether its dialog is open."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._disk = Worker(LOOK_SECONDS)
        self._open = False

    async def choose(self) -> dict[str, Any]:
        """`file` is None if nothing was chosen. Raises InvalidRequest, or BadSetting for a file
        that cannot vouch for anybody or a setting that is fixed."""
        if self._open:
            raise InvalidRequest("The dialog is open already.")
        self._core.store.state.preferences.changed({"extra_ca": None})  # raises where it is fixed
        self._open = True
        try:
            path = await self._asked()
        finally:
            self._open = False
        if path is None:
            return {"file": None, "saved": True}
        await self.check(path)
        return {"file": str(path), "saved": await self._core.change({"extra_ca": str(path)})}

    async def remove(self) -> dict[str, Any]:
        return {"saved": await self._core.change({"extra_ca": None})}

    async def check(self, path: Path) -> None:
        """Raises BadSetting."""
        try:
            reason = await self._disk.run(lambda: why_unusable(path))
        except TimeoutError:
            reason = "its disk does not answer"
        if reason is not None:
            raise bad("The certificate file", reason)

    async def _asked(self) -> Path | None:
        loop = asyncio.get_running_loop()
        chosen: asyncio.Future[Path | None] = loop.create_future()

        def answer(path: Path | None) -> None:
            if not chosen.done():
                chosen.set_result(path)

        shell = self._core.shell
        if shell is None or not shell.ask_for_file(answer):
            raise InvalidRequest(_WINDOWLESS)
        try:
            async with asyncio.timeout(PATIENCE):
                return await chosen
        except TimeoutError:
            return None
