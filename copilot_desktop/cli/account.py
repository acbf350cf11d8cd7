"""`login` and `logout`: through the running app if there is one, else on our own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from copilot_desktop.cli import complain, say
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.control.instance import NotAnswering, Running, find
from copilot_desktop.core import logs, settings_file
from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Preferences
from copilot_desktop.errors import Problem

_LOOK = 0.5  # seconds between two looks at the running app
_CODE_LIFE = 1000.0  # seconds; a code lasts 15 minutes


async def login(preferences: Preferences, invocation: Invocation) -> int:
    """0 when the sign-in is stored; else 1, with the reason on stderr. Raises Problem."""
    if (app := running_app(preferences)) is not None:
        return await asyncio.to_thread(_login_through, app, open_browser=invocation.browser)
    async with core_alone(preferences, invocation) as core:
        started = await core.session.start()
        announce_code(started.user_code, started.uri)
        if invocation.browser:
            await asyncio.to_thread(core.system.open_url, started.uri)
        account = await core.session.poll()
        say(f"Signed in as {account.login}. The sign-in is kept in: {account.where}.")
        if account.problem is not None:
            raise account.problem
    return 0


async def logout(preferences: Preferences, invocation: Invocation) -> int:
    """Delete every stored token. Raises Problem if one could not be deleted."""
    if (app := running_app(preferences)) is not None:
        _check(await asyncio.to_thread(app.do, "sign_out"))
    else:
        async with core_alone(preferences, invocation) as core:
            await core.commands.sign_out()
    say("Signed out. The stored sign-in is deleted.")
    return 0


def announce_code(user_code: str, uri: str) -> None:
    """What a person needs to sign in."""
    say()
    say(f"  Open   {uri}")
    say(f"  Enter  {user_code}")
    say()
    say("Only go on if you started this yourself. Waiting for GitHub…")


def running_app(preferences: Preferences) -> Running | None:
    """The app that runs with the same data folder, if it answers."""
    found = find(settings_file.data_dir(preferences))
    if found is None:
        return None
    try:
        found.state()
    except NotAnswering:
        return None
    return found


@asynccontextmanager
async def core_alone(preferences: Preferences, invocation: Invocation) -> AsyncIterator[Core]:
    """A core for one command: no proxy, no window."""
    quiet = Preferences.of(
        preferences.settings.model_copy(update={"start_proxy": False}), preferences.path
    )
    logs.start(
        settings_file.data_dir(preferences), preferences.settings.log_level, terminal="error"
    )
    async with Core.running(quiet, demo=invocation.demo, headless=True) as core:
        yield core


def _login_through(app: Running, *, open_browser: bool) -> int:
    started = _check(app.do("sign_in"))
    announce_code(started["user_code"], started["uri"])
    if open_browser:
        app.do("open_link", {"id": "device_page"})
    deadline = time.monotonic() + _CODE_LIFE
    while time.monotonic() < deadline:
        state = app.state()
        shown = state["login"] or {}
        match shown.get("state"):
            case "done" | "no_access":
                auth = state["auth"]
                say(
                    f"Signed in as {auth['login']}. The sign-in is kept in: {auth['source_where']}."
                )
                if auth["error"]:
                    complain(auth["error"]["message"])
                    return 1
                return 0
            case "expired" | "denied" | "failed" | "cancelled":
                error = shown.get("error") or {}
                complain(error.get("message") or "The sign-in did not work.")
                return 1
        time.sleep(_LOOK)
    complain("The code has expired before it was entered on GitHub.")
    return 1


def _check(outcome: dict[str, Any]) -> dict[str, Any]:
    if not outcome.get("ok"):
        raise Problem(str(outcome.get("message", "")))
    return outcome
