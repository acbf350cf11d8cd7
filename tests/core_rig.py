"""A whole core over the fake upstream, for tests of core and control plane."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Preferences, Settings
from copilot_desktop.core.settings_file import FILE_NAME
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.core.state import State
from copilot_desktop.demo import FakeUpstream, Scenario
from copilot_desktop.system.fake import FakeSystem

QUICK = Scenario(interval=1, enforce_interval=False, approve_after=0.0)


@dataclass
class CoreRig:
    core: Core
    fake: FakeUpstream
    system: FakeSystem

    def snapshot(self) -> dict[str, Any]:
        return snapshot(self.core.store.state)

    async def do(self, verb: str, **arguments: Any) -> dict[str, Any]:
        return (await self.core.verbs.do(verb, arguments)).to_json()

    async def until(self, condition: Callable[[State], Any], limit: float = 10.0) -> State:
        """The first state that meets `condition`; fails after `limit` seconds."""
        async with asyncio.timeout(limit):
            async for state in self.core.store.watch():
                if condition(state):
                    return state
        raise AssertionError("the core ended first")


@asynccontextmanager
async def running_core(
    folder: Path,
    scenario: Scenario = QUICK,
    *,
    signed_in: bool = False,
    system: FakeSystem | None = None,
    fake: FakeUpstream | None = None,
    **settings: Any,
) -> AsyncIterator[CoreRig]:
    """`signed_in`: the token comes from the environment and works at once."""
    system = system or FakeSystem(folder)
    fake = fake or FakeUpstream(scenario)
    async with fake:
        chosen = {
            "data_dir": folder,
            "port": 0,
            "token_store": "memory",
            "github_url": fake.url,
            "github_api_url": fake.url,
            "copilot_url": fake.url,
            **settings,
        }
        environ = {"COPILOT_GITHUB_TOKEN": fake.github_token} if signed_in else {}
        preferences = Preferences.of(Settings(**chosen), folder / FILE_NAME)
        async with Core.running(preferences, environ=environ, system=system) as core:
            yield CoreRig(core, fake, system)
