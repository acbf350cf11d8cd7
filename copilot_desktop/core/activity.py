"""What can be looked at of the requests: the latest log lines, recorded contents, the playground,
and the list as a file.

The owner of the parts of Activity that hold something of their own. It decides which exchange gets
a tape, and sees to it that nothing of what was recorded outlives the app.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copilot_desktop.core.logs import LatestLines
from copilot_desktop.core.playground import Playground, Question
from copilot_desktop.core.recording import Recorder
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.proxy.tape import Tape

if TYPE_CHECKING:
    from copilot_desktop.core.core import Core

log = logging.getLogger(__name__)

Json = dict[str, Any]


class Activity:
    """Made with the core; `begin` and `close` frame its life."""

    def __init__(self, core: Core) -> None:
        self.lines = LatestLines()
        self.recorder = Recorder(core.data_dir, core.tasks)
        self.playground = Playground(self._reach, core.tasks)
        self._core = core
        self._begun = False
        traffic = core.traffic
        traffic.tape_for = self._tape_for
        traffic.on_taped = self._taped
        self.recorder.on_change = lambda: core.store.set(recording_until=self.recorder.until)

    async def begin(self) -> None:
        """Listen to the log, and delete what an earlier run could not."""
        self._begun = True
        self.lines.open()
        await self.recorder.clear()

    async def close(self) -> None:
        if self._begun:  # a single command leaves alone what belongs to the app
            self.playground.stop()
            await self.recorder.stop()
            self.lines.close()

    def play(self, question: Question) -> int:
        """Ask a model from the playground; the number of the run. Raises InvalidRequest."""
        models = self._core.catalogue.models
        limit = next((each.max_output for each in models if each.id == question.model), None)
        if limit is not None:
            question = replace(question, longest=limit)
        return self.playground.ask(question)

    async def export(self) -> Path:
        """The list of requests as a file in the user's downloads, or beside the settings where
        there is no such folder. Raises InvalidRequest."""
        from copilot_desktop.core import exports  # noqa: PLC0415

        core = self._core
        exchanges = core.traffic.recent
        downloads = await asyncio.to_thread(core.system.downloads_dir)
        for folder in (downloads, core.data_dir):
            if not await asyncio.to_thread(folder.is_dir):
                continue
            try:
                return await asyncio.to_thread(exports.write, exchanges, folder)
            except OSError as error:
                log.warning("No list of requests can be written: %s", error.strerror)
        raise InvalidRequest(f"The file could not be written to {downloads}")

    async def contents(self, number: int) -> Json:
        """The four sides of an exchange. Raises InvalidRequest."""
        found = await self.recorder.read(number)
        if found is None:
            raise InvalidRequest("The contents of this request were not recorded.")
        return found

    def _tape_for(self, agent: str) -> Tape | None:
        return self.playground.tape_for(agent) or self.recorder.tape()

    def _taped(self, exchange: Exchange, tape: Tape) -> None:
        self.playground.ended(exchange, tape)
        self.recorder.keep(exchange, tape)

    def _reach(self) -> ProxyConfig | None:
        running = self._core.controller.state.phase == "running"
        return self._core.listening.config if running else None
