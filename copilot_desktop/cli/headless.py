"""`serve`: the whole app without a window. Prints where it answers and, if need be, the code.

Ends on SIGTERM and SIGINT with exit code 0. A sign-in that is missing is started by itself, because
nobody could press a button.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal

from copilot_desktop.cli import complain, say
from copilot_desktop.cli.account import announce_code
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.control.app import open_control
from copilot_desktop.control.instance import claim
from copilot_desktop.core import logs, settings_file
from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Preferences
from copilot_desktop.core.tasks import Tasks
from copilot_desktop.errors import Problem, SignInCancelled, SignInCodeExpired


async def serve(preferences: Preferences, invocation: Invocation) -> int:
    """Serve until told to stop. Returns 1 if the proxy could not start."""
    folder = settings_file.data_dir(preferences)
    logs.start(folder, preferences.settings.log_level, terminal="warning")
    instance = await asyncio.to_thread(claim, folder)
    if instance is None:
        complain("Copilot Desktop is already running with this data folder.")
        return 1
    try:
        running = Core.running(preferences, demo=invocation.demo, headless=True)
        async with running as core, open_control(core, instance):
            _end_on_signals(core)
            core.surroundings(engine="none", engine_reason="Started without a window.")
            if problem := core.store.state.proxy.problem:
                complain(problem.message)
                return 1
            _announce(core)
            async with _signing_in(core):
                await core.quit_wanted.wait()
    finally:
        instance.release()
    return 0


def _announce(core: Core) -> None:
    proxy = core.store.state.proxy
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    base = f"http://{host}:{proxy.port}"
    if core.store.state.app.demo:
        say("Demo: the answers are made on this computer; nothing is sent to GitHub.")
    if proxy.phase == "running":
        say(f"OpenAI     {base}/v1")
        say(f"Anthropic  {base}")
    else:
        say("The proxy is not started (start_proxy is off).")
    account = core.session.account
    if account.usable and account.login:
        say(f"Signed in as {account.login}.")


@contextlib.asynccontextmanager
async def _signing_in(core: Core):  # type: ignore[no-untyped-def]  # noqa: ANN202
    tasks = Tasks()
    managed = core.settings.auth_mode == "managed"
    if managed and core.session.account.state == "signed_out":
        tasks.start(_sign_in(core), "sign in")
    try:
        yield
    finally:
        await tasks.close()


async def _sign_in(core: Core) -> None:
    """Ask for a code, and for a new one each time the old one has expired."""
    while True:
        try:
            started = await core.commands.sign_in()
            announce_code(started["user_code"], started["uri"])
            account = await core.session.poll()
        except SignInCodeExpired:
            complain("The code has expired. Here is a new one.")
            continue
        except SignInCancelled:
            return
        except Problem as problem:
            complain(f"{problem.message} Run `copilot-desktop login` to try again.")
            return
        say(f"Signed in as {account.login}.")
        if account.problem is not None:
            complain(account.problem.message)
        return


def _end_on_signals(core: Core) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, core.quit_wanted.set)
        except NotImplementedError:  # Windows has no signal handlers on the loop
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(core.quit_wanted.set))
