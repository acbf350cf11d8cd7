"""`serve`: the whole app without a window. Prints where it answers and, if need be, the code.

Ends on SIGTERM, SIGINT, a closed terminal and Ctrl+Break (Windows) with exit code 0, from its first
moment on. A sign-in that is missing or no longer accepted is started by itself, because nobody
could press a button.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from copilot_desktop.cli import complain, say
from copilot_desktop.cli.account import announce_code
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.cli.questions import follow_brakes
from copilot_desktop.control.app import open_control
from copilot_desktop.control.instance import Instance, claim
from copilot_desktop.core import keys, logs, settings_file
from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Preferences, spoken
from copilot_desktop.core.tasks import Tasks
from copilot_desktop.errors import Problem, SignInCancelled, SignInCodeExpired
from copilot_desktop.proxy.config import own_address
from copilot_desktop.system.signals import ending

CODES = 8  # one after the other, of a quarter of an hour each


async def serve(preferences: Preferences, invocation: Invocation) -> int:
    """Serve until told to stop. Returns 1 if the proxy could not start."""
    told = asyncio.Event()
    _on_signals(told.set)
    folder = settings_file.data_dir(preferences)
    logs.start(folder, preferences.settings.log_level, terminal="warning")
    instance = await asyncio.to_thread(claim, folder)
    if instance is None:
        complain("Copilot Desktop is already running with this data folder.")
        return 1
    try:
        serving = asyncio.create_task(_serve(preferences, invocation, instance))
        telling = asyncio.create_task(told.wait())
        await asyncio.wait({serving, telling}, return_when=asyncio.FIRST_COMPLETED)
        telling.cancel()
        if serving.done():
            return serving.result()
        # Leaving is the same from every point of the way: the parts that are open close in order.
        serving.cancel()
        await asyncio.wait({serving})
        return 0 if serving.cancelled() else serving.result()
    finally:
        instance.release()


async def _serve(preferences: Preferences, invocation: Invocation, instance: Instance) -> int:
    running = Core.running(preferences, demo=invocation.demo, headless=True)
    async with running as core, open_control(core, instance):
        core.surroundings(engine="none", engine_reason="Started without a window.")
        if problem := core.store.state.proxy.problem:
            complain(problem.message)
            return 1
        _announce(core)
        tasks = Tasks()
        try:
            if core.settings.auth_mode == "managed":
                tasks.start(_follow_account(core), "follow the account")
            tasks.start(follow_brakes(core), "follow the brakes")
            await core.quit_wanted.wait()
        finally:
            await tasks.close()
    return 0


def _announce(core: Core) -> None:
    proxy, settings = core.store.state.proxy, core.settings
    base = own_address(proxy.host, proxy.port)
    if core.store.state.app.demo:
        say("Demo: the answers are made on this computer; nothing is sent to GitHub.")
    if proxy.phase == "running":
        say(f"OpenAI     {base}/v1")
        say(f"Anthropic  {base}")
    else:
        say("The proxy is not started (start_proxy is off).")
    if core.store.state.key.required:
        sources = core.store.state.preferences.sources
        given = spoken("api_key", sources["api_key"])
        place = core.data_dir / keys.FILE_NAME if settings.api_key is None else given
        say(f"Key        needed; it is in {place}")
    if settings.auth_mode == "passthrough":
        say("Each client brings its own GitHub or Copilot token.")


async def _follow_account(core: Core) -> None:
    """Say who is signed in; start a sign-in where there is none, or GitHub took it back."""
    named = told = before = ""
    async for state in core.store.watch():
        account = state.account
        if account.state in {"unknown", "checking"}:
            continue
        if account.state == "signed_in" and account.login not in {"", named}:
            say(f"Signed in as {account.login}.")
        named = account.login if account.state == "signed_in" else ""
        problem = account.problem.message if account.problem else ""
        if problem not in {"", told}:
            complain(problem)
        told = problem
        # At the start and after each loss; after a sign-out by hand it is the user's turn.
        lost = account.state == "expired" or (account.state == "signed_out" and not before)
        if lost and account.state != before and not core.session.store.read_only:
            core.tasks.start(_sign_in(core), "sign in from the terminal")
        before = account.state


async def _sign_in(core: Core) -> None:
    """Ask for a code, and for a new one when the old one has expired: GitHub is asked every few
    seconds for as long as one holds, and nobody may be there to see it."""
    for left in reversed(range(CODES)):
        try:
            started = await core.commands.sign_in()
            announce_code(started["user_code"], started["uri"])
            await core.session.poll()
        except SignInCodeExpired:
            again = "Here is a new one." if left else "Run `copilot-desktop login` for a new one."
            complain(f"The code has expired. {again}")
            continue
        except SignInCancelled:
            return
        except Problem as problem:
            complain(f"{problem.message} Run `copilot-desktop login` to try again.")
        return


def _on_signals(tell: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in ending("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        try:
            loop.add_signal_handler(number, tell)
        except NotImplementedError:  # Windows has no signal handlers on the loop
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(tell))
