"""`remove-everything`: what the app has written and kept goes, before the app itself does.

Editors get back what stood in their files, sign-ins are deleted where they are kept, start at login
is switched off, and then the data folder goes. A running app is ended first, since it would go on
writing. What could not be undone is said, and then what is needed to undo it stays.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from copilot_desktop.cli import DONE, FAILED, Ended, complain, editors, say
from copilot_desktop.cli.account import core_alone, running_app, unseen_sign_in
from copilot_desktop.cli.either import desk
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.control.instance import claim
from copilot_desktop.core import logs, reset, settings_file
from copilot_desktop.core.settings import Preferences
from copilot_desktop.errors import Problem

_ENDING = 20.0  # seconds for a running app to let its requests end
_LOOK = 0.1
_ASK = "Add --yes to delete it."


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to take back, in words for people."""

    editors: tuple[str, ...]
    accounts: tuple[str, ...]
    starts_at_login: bool
    folder: Path
    own: bool  # the app's, not one that somebody has chosen
    there: bool
    running: bool

    def lines(self) -> Iterator[str]:
        """What will happen."""
        if self.running:
            yield "The running app is ended."
        if self.editors:
            yield f"Taken back from: {', '.join(self.editors)}."
        if self.accounts:
            yield f"Signed out: {', '.join(self.accounts)}."
        if self.starts_at_login:
            yield "The app does not start at login any more."
        if self.there and self.own:
            yield f"Deleted: {self.folder}, with settings, keys, usage and log."
        elif self.there:
            yield f"Deleted in {self.folder}: settings, keys, usage and log."


async def run(preferences: Preferences, invocation: Invocation) -> int:
    """0 if nothing is left; 1 if nobody agreed or something is left. Raises Ended."""
    found = await _look(preferences, invocation)
    if lines := list(found.lines()):
        say("This will be done:")
        for line in lines:
            say(f"  {line}")
    else:
        say("There is nothing to delete.")
        _leave_nothing(preferences, found)
        return DONE
    if "dry_run" in invocation.options:
        return DONE
    if "yes" not in invocation.options and not editors.agreed("Do all this?", _ASK):
        complain("Nothing was changed.")
        return FAILED
    await _end_app(preferences)
    return await _remove(preferences, invocation, found)


def _leave_nothing(preferences: Preferences, found: Found) -> None:
    """Looking has begun a log."""
    logs.stop()
    reset.delete_folder(found.folder, whole=found.own)


async def _look(preferences: Preferences, invocation: Invocation) -> Found:
    folder = settings_file.data_dir(preferences)
    there = folder.is_dir()  # looking makes it
    running = await running_app(preferences) is not None
    async with desk(preferences, invocation) as at:
        await at.do("look_for_editors")
        login = (await at.do("look_at_login"))["state"] if invocation.demo is None else "off"
        state = await at.state()
    auth = state["auth"]
    # What the environment says about an account is not ours to delete.
    own = [auth["login"]] if auth["source"] not in {"", "environment", None} else []
    return Found(
        editors=tuple(row["name"] for row in state["editors"]["rows"] if row["written"]),
        accounts=tuple(name for name in (*own, *(e["login"] for e in auth["others"])) if name),
        starts_at_login=login != "off",
        folder=folder,
        own=settings_file.chosen_dir(preferences) is None,
        there=there,
        running=running,
    )


async def _end_app(preferences: Preferences) -> None:
    """Raises Ended if it does not end, or hangs: it would go on with what is deleted."""
    if (app := await running_app(preferences)) is not None:
        await app.do("quit")
    deadline = time.monotonic() + _ENDING
    while (held := await asyncio.to_thread(claim, settings_file.data_dir(preferences))) is None:
        if time.monotonic() >= deadline:
            raise Ended("The app does not end. Quit it, then run this again.")
        await asyncio.sleep(_LOOK)
    held.release()


async def _remove(preferences: Preferences, invocation: Invocation, found: Found) -> int:
    troubles = []
    async with core_alone(preferences, invocation) as core:
        unseen = await unseen_sign_in(core)
        try:
            await reset.everything(core)
        except Problem as problem:
            troubles.append(problem.message)
    logs.stop()  # an open file cannot be deleted everywhere
    if unseen:
        complain(unseen)
    if troubles:
        complain(troubles[0])
        complain(f"Not everything could be taken back, so this stays: {found.folder}")
        return FAILED
    left = await asyncio.to_thread(reset.delete_folder, found.folder, whole=found.own)
    if left:
        complain(f"Not ours, or not deletable: {', '.join(map(str, left))}")
        return FAILED
    say("Done. The app itself can be removed now.")
    return DONE
