"""`login` and `logout`: through the running app if there is one, else on our own."""

from __future__ import annotations

import asyncio
import textwrap
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from copilot_desktop import strings
from copilot_desktop.cli import FAILED, SIGNED_OUT, Ended, complain, say
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.control.instance import NotAnswering, Running, find
from copilot_desktop.core import logs, settings_file
from copilot_desktop.core.account import AccountDesk
from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Preferences
from copilot_desktop.errors import Blocked, InvalidRequest, NoCopilot, NotSignedIn, StorageFailed

Json = dict[str, Any]

_LOOK = 0.3  # seconds between two looks at the running app
_CODE_LIFE = 1000.0  # seconds; a code lasts 15 minutes
# The sign-in is kept, but this account will not answer any call.
_USELESS = (NoCopilot.kind, Blocked.kind)
_SIGNED_OUT = (NotSignedIn.kind, *(each.kind for each in NotSignedIn.__subclasses__()))


class App:
    """The running app as the terminal sees it. What it refuses ends the command."""

    def __init__(self, running: Running) -> None:
        self._running = running

    async def do(self, verb: str, arguments: Mapping[str, Any] | None = None) -> Json:
        """Carry out a verb. Raises Ended with the app's own sentence."""
        try:
            outcome = await asyncio.to_thread(self._running.do, verb, arguments)
        except NotAnswering as trouble:
            raise Ended(str(trouble)) from None
        if not outcome.get("ok"):
            code = SIGNED_OUT if outcome.get("code") in _SIGNED_OUT else FAILED
            raise Ended(str(outcome.get("message", "")), code)
        return outcome

    async def state(self) -> Json:
        """The snapshot. Raises Ended."""
        try:
            return await asyncio.to_thread(self._running.state)
        except NotAnswering as trouble:
            raise Ended(str(trouble)) from None


async def login(preferences: Preferences, invocation: Invocation) -> int:
    """0 when the sign-in is stored; else 1, with the reason on stderr. Raises Problem or Ended."""
    if (app := await running_app(preferences)) is not None:
        return await _login_through(app, invocation.server, open_browser=invocation.browser)
    if preferences.settings.token_store == "memory" and invocation.demo is None:  # noqa: S105
        raise InvalidRequest(
            "With the token store `memory` a sign-in ends with this command. "
            "Start the app or `copilot-desktop serve` first."
        )
    async with core_alone(preferences, invocation) as core:
        started = await core.desk.ask_for_code(invocation.server or None)
        announce_code(started["user_code"], started["uri"])
        if invocation.browser:
            await asyncio.to_thread(core.system.open_url, started["uri"])
        await core.desk.approval()
        account = core.session.account
    problem = account.problem
    code = _signed_in(
        account.login,
        account.where,
        problem.kind if problem else "",
        problem.message if problem else "",
    )
    await _tell_app(preferences)
    return code


async def _tell_app(preferences: Preferences) -> None:
    """One that was started while the code waited has found nobody signed in."""
    if (app := await running_app(preferences)) is not None:
        with suppress(Ended):  # it knows its own trouble
            await app.do("check_account")


async def logout(preferences: Preferences, invocation: Invocation) -> int:
    """Delete every stored token of the account in use. Raises Problem or Ended if one could not be
    deleted."""
    unseen = ""
    if (app := await running_app(preferences)) is not None:
        await app.do("sign_out")
        others = (await app.state())["auth"]["others"]
    else:
        async with core_alone(preferences, invocation) as core:
            unseen = await unseen_sign_in(core)
            await core.commands.sign_out()
            others = core.store.state.parked
    if unseen:
        complain(unseen)
    else:
        say("Signed out. The stored sign-in is deleted.")
    if others:
        say("Other accounts are still signed in; see `copilot-desktop accounts`.")
    return 0


async def unseen_sign_in(core: Core) -> str:
    """What to say where no sign-in was found, and a place could not be looked into; else nothing.

    A terminal over SSH may not reach the keyring in which a desktop has kept one.
    """
    home, closed = core.session.home, ""
    for place in (home.store, *home.others):
        try:
            if await place.load() is not None:
                return ""
        except StorageFailed as problem:
            closed = (
                "Nobody is signed in as far as can be seen here. If there is a sign-in in "
                f"{place.where}, it stays. {problem.detail}"
            )
    return closed


def announce_code(user_code: str, uri: str) -> None:
    """What a person needs to know and to do to sign in."""
    say()
    say(textwrap.fill(strings.text("first_run.fair_use"), 78))
    say()
    say(f"  Open   {uri}")
    say(f"  Enter  {user_code}")
    say()
    say("Only go on if you started this yourself. Waiting for GitHub…")


async def running_app(preferences: Preferences) -> App | None:
    """The app that runs with the same data folder, if it answers."""
    found = find(settings_file.data_dir(preferences))
    if found is None:
        return None
    try:
        await asyncio.to_thread(found.state)
    except NotAnswering:
        return None
    return App(found)


@asynccontextmanager
async def core_alone(preferences: Preferences, invocation: Invocation) -> AsyncIterator[Core]:
    """A core for one command: no proxy, no window, nothing by itself."""
    logs.start(
        settings_file.data_dir(preferences), preferences.settings.log_level, terminal="error"
    )
    running = Core.running(preferences, demo=invocation.demo, headless=True, alone=True)
    async with running as core:
        yield core


def signed_in(core: Core) -> AccountDesk:
    """The account's desk. Raises what keeps the account from being used, else NotSignedIn."""
    if not core.session.account.usable:
        raise core.session.account.problem or NotSignedIn()
    return core.desk


async def _login_through(app: App, server: str, *, open_browser: bool) -> int:
    started = await app.do("sign_in", {"host": server} if server else None)
    announce_code(started["user_code"], started["uri"])
    try:
        if open_browser:
            await _show_page(app)
        return await _outcome(app, started["user_code"])
    except asyncio.CancelledError:  # Ctrl-C: the code on the screen is not wanted any more
        await app.do("cancel_sign_in")
        raise


async def _show_page(app: App) -> None:
    try:
        await app.do("open_link", {"id": "device_page"})
    except Ended:
        return  # there is no browser; the address is on the screen


async def _outcome(app: App, user_code: str) -> int:
    deadline = time.monotonic() + _CODE_LIFE
    while time.monotonic() < deadline:
        state = await app.state()
        shown = state["login"] or {}
        if shown.get("user_code") != user_code:
            raise Ended("Another sign-in was started in the meantime.")
        error = shown.get("error") or {}
        match shown.get("state"):
            case "done" | "no_access":
                auth = state["auth"]
                trouble = auth["error"] or {}
                return _signed_in(
                    auth["login"],
                    auth["source_where"],
                    trouble.get("kind", ""),
                    trouble.get("message", ""),
                )
            case "expired" | "denied" | "failed" | "cancelled":
                raise Ended(error.get("message") or "The sign-in did not work.")
        await asyncio.sleep(_LOOK)
    raise Ended("The code has expired before it was entered on GitHub.")


def _signed_in(login: str, where: str, kind: str, message: str) -> int:
    """Say how it ended. `kind` and `message` tell what is in the way, if anything is."""
    who = f"Signed in as {login}." if login else "Signed in."
    say(f"{who} The sign-in is kept in: {where}.")
    if message:
        complain(message)
    return FAILED if kind in _USELESS else 0
