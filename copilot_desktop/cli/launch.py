"""`run`: start an agent so that it uses this proxy, for this once, and touch no file.

The app says which arguments and variables the tool needs. The key travels in the environment
wherever the tool takes it from there, never among arguments, which everybody on the machine can
read. What the tool prints and answers is its own: its exit code becomes ours (128 and its number
where a signal has ended it), and signals are passed on. It gets the mask for new files that the
terminal had, and not the strict one of this app.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from copilot_desktop.cli import Ended, editors
from copilot_desktop.cli.account import running_app
from copilot_desktop.cli.either import Alone, Desk, signed_in_for
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.cli.proxies import kept_here
from copilot_desktop.control.app import open_control
from copilot_desktop.control.instance import claim
from copilot_desktop.core import logs, settings_file
from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Preferences
from copilot_desktop.errors import NotSignedIn
from copilot_desktop.integrations import shims
from copilot_desktop.integrations.finding import program
from copilot_desktop.integrations.tool import Machine, Tool
from copilot_desktop.system import current, threads
from copilot_desktop.system.programs import SECRET_NAMES

Json = Mapping[str, Any]
Ending = Coroutine[Any, Any, int]  # of the tool, with its exit code

_READY = 30.0  # seconds for sign-in and models of a proxy that is started
_PASSED_ON = ("SIGTERM", "SIGHUP", "SIGINT")


def run(preferences: Preferences, invocation: Invocation, umask: int) -> int:
    """The tool's exit code. `umask` is the one that it gets. Raises Problem or Ended."""
    tool = editors.named(invocation.tool)
    if tool.launch is None:
        raise Ended(
            f"{tool.name} cannot be told in its environment. "
            f"Connect it instead: copilot-desktop connect {tool.id}"
        )
    wish = {"id": tool.id, "chosen": editors.with_roles(tool, invocation.chosen)}
    found = _program(tool)
    go = partial(_go, invocation, found, umask)
    return threads.run(_run(preferences, invocation, wish, go))


async def _run(
    preferences: Preferences, invocation: Invocation, wish: Json, go: Callable[[Json], Ending]
) -> int:
    starts = "start" in invocation.options
    app = await running_app(preferences)
    if app is None and starts:
        async with _served(preferences, invocation) as at:
            return await go(await at.do("launch_editor", wish))
    if app is None:
        raise Ended(_not_running("The app is not running"))
    if (await app.state())["proxy"]["phase"] != "running":
        if not starts:
            raise Ended(_not_running("The proxy is not running"))
        await app.do("start_proxy")
    await signed_in_for(app, editors.named(invocation.tool))
    return await go(await app.do("launch_editor", wish))


def _go(invocation: Invocation, found: Path, umask: int, start: Json) -> Ending:
    words = command(found, start, invocation.words)
    return follow(words, environment(os.environ, start), umask)


def _not_running(what: str) -> str:
    return (
        f"{what}. Open it, run `copilot-desktop serve` in another terminal, "
        "or type --start behind run."
    )


def _program(tool: Tool) -> Path:
    system = current()
    found = program(tool, Machine.of(system.name, system.home_dir(), os.environ))
    if found is None:
        raise Ended(f"{tool.name} was not found on this computer.")
    return found


@asynccontextmanager
async def _served(preferences: Preferences, invocation: Invocation) -> AsyncIterator[Desk]:
    """The whole app without a window, for as long as the tool runs."""
    current().harden()
    folder = settings_file.data_dir(preferences)
    # The terminal belongs to the tool.
    logs.start(folder, preferences.settings.log_level, terminal=None)
    instance = await asyncio.to_thread(claim, folder)
    if instance is None:
        raise Ended("Copilot Desktop is about to start or to end. Try again in a moment.")
    try:
        running = Core.running(preferences, demo=invocation.demo, headless=True)
        async with running as core, open_control(core, instance):
            core.surroundings(engine="none", engine_reason="Started for one tool.")
            if core.store.state.proxy.phase != "running":
                await core.start_proxy()
            if problem := core.store.state.proxy.problem:
                raise problem
            await _ready(core, demo=invocation.demo is not None)
            yield Alone(core)
    finally:
        instance.release()


async def _ready(core: Core, *, demo: bool) -> None:
    """Until somebody is signed in and models are known. Raises Problem."""
    asked = False
    with suppress(TimeoutError):
        async with asyncio.timeout(_READY):
            async for state in core.store.watch():
                account = state.account
                if state.models.items and account.usable:
                    return
                if core.settings.auth_mode == "passthrough":
                    return
                if account.state == "signed_out" and demo and not asked:
                    asked = True
                    await core.commands.sign_in()
                elif account.problem is not None:
                    raise account.problem
                elif account.state == "signed_out" and not asked:
                    raise NotSignedIn


def command(found: Path, start: Json, words: tuple[str, ...]) -> tuple[str, ...]:
    """The whole command. Raises Ended where it would not arrive as it is."""
    chosen = () if _choose(words) else start.get("model", ())
    arguments = (*start["arguments"], *chosen, *words)
    begin = shims.begun(found)
    if begin is None:
        if found.suffix.lower() == ".ps1" or not shims.passes(arguments):
            raise Ended(f"{found} is a script that cannot be given these words.")
        begin = (str(found),)
    return (*begin, *arguments)


def _choose(words: tuple[str, ...]) -> bool:
    """Whether the user's own words choose a model; twice is an error to some tools."""
    return any(word in {"-m", "--model"} or word.startswith("--model=") for word in words)


def environment(present: Mapping[str, str], start: Json) -> dict[str, str]:
    """The terminal's own variables with what the tool needs and without secrets that are for us;
    what is on this computer is not asked for through a proxy elsewhere."""
    without = {*start["without"], *SECRET_NAMES}
    env = {name: value for name, value in present.items() if name not in without}
    env |= start["env"]
    return env | kept_here(env)


async def follow(words: tuple[str, ...], env: Mapping[str, str], umask: int) -> int:
    """Run a program in this terminal to its end; its exit code. Raises Ended."""
    child: asyncio.subprocess.Process | None = None
    early: list[int] = []

    def pass_on(number: int) -> None:
        if child is None:
            early.append(number)
        elif not (number == signal.SIGINT and _typed()):
            with suppress(ProcessLookupError):
                child.send_signal(number)

    _on_signals(pass_on)
    try:
        child = await asyncio.create_subprocess_exec(*words, env=dict(env), umask=umask)
    except OSError as error:
        raise Ended(f"{words[0]} could not be started: {error.strerror}.") from None
    for number in early:
        pass_on(number)
    code = await child.wait()
    return 128 - code if code < 0 else code


def _typed() -> bool:
    """Ctrl-C reaches the tool by itself: it has the same terminal."""
    try:
        return os.isatty(0)
    except OSError:
        return False


def _on_signals(pass_on: Callable[[int], None]) -> None:
    loop = asyncio.get_running_loop()
    for name in _PASSED_ON:
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) == signal.SIG_IGN:
            continue
        try:
            loop.add_signal_handler(number, pass_on, number)
        except NotImplementedError:  # Windows has no signal handlers on the loop
            signal.signal(number, lambda *_: None)
