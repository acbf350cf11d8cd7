"""The app's verbs for a command: carried out by the running app, or by a core for this one command.

Both answer alike and refuse alike, so that a command does not know which one it is talking to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from copilot_desktop.cli import FAILED, Ended
from copilot_desktop.cli.account import core_alone, running_app
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Preferences
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.errors import NotSignedIn, Problem
from copilot_desktop.integrations.tool import Tool

Json = dict[str, Any]


class Desk(Protocol):
    """Whoever carries out verbs. Both methods raise Ended with a sentence."""

    async def do(self, verb: str, arguments: Mapping[str, Any] | None = None) -> Json: ...
    async def state(self) -> Json: ...


class Alone:
    """A core of our own, without a proxy."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def do(self, verb: str, arguments: Mapping[str, Any] | None = None) -> Json:
        outcome = await self._core.verbs.do(verb, arguments)
        if not outcome.ok:
            raise Ended(outcome.message, FAILED)
        return outcome.to_json()

    async def state(self) -> Json:
        return snapshot(self._core.store.state)


@asynccontextmanager
async def desk(
    preferences: Preferences, invocation: Invocation, *, models: bool = False
) -> AsyncIterator[Desk]:
    """The running app, else a core. `models`: they are needed, so a core without a kept list asks
    Copilot for it, if somebody is signed in."""
    if (app := await running_app(preferences)) is not None:
        yield app
        return
    async with core_alone(preferences, invocation) as core:
        if models and not core.catalogue.models and core.session.account.usable:
            with suppress(Problem):  # what cannot be done without models says so itself
                await core.desk.refresh_models()
        yield Alone(core)


async def signed_in_for(at: Desk, tool: Tool) -> None:
    """Raises NotSignedIn where the tool has to be told models, and they come with a sign-in."""
    if not tool.needs_models:
        return
    state = await at.state()
    if not state["models"]["items"] and state["auth"]["state"] == "signed_out":
        raise NotSignedIn
