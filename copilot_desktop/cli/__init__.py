"""The command line: reads the words, picks a shell (window, headless or one answer), says how it
ended.

Exit codes: 0 done · 1 it did not work, the reason is on stderr · 2 the command was not understood ·
3 nobody is signed in · 130 interrupted. Imports stay inside the commands, so that `--version` and
`serve` do not pay for the window.
"""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from collections.abc import Coroutine, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from copilot_desktop.cli.parser import Invocation, read
from copilot_desktop.errors import NotSignedIn, Problem
from copilot_desktop.system import accepting, arenas, buffers, descriptors, garbage, threads
from copilot_desktop.system.speaking import speaker
from copilot_desktop.upstream import late_trust

if TYPE_CHECKING:
    from copilot_desktop.core.settings import Preferences

DONE, FAILED, SIGNED_OUT, INTERRUPTED = 0, 1, 3, 130
# Whoever sends the output into a file has to know that it is not whole. A pipe or a terminal that
# was closed is no trouble: nobody wanted more.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Where a module has another name than its command.
_MODULES = {"env": "environment", "remove-everything": "removal"}
# Their module has `run`, a coroutine.
_PLAIN = (
    "accounts", "autostart", "doctor", "env", "keys", "logs", "remove-everything", "version",
)  # fmt: skip
# What a terminal obeys, but for the colours of `editors`. Names, terms and errors come from others.
_STEERING = re.compile("(?!\x1b\\[(?:0|1|31|32)m)[\x00-\x08\x0b-\x1f\x80-\x9f]")


class Ended(Exception):
    """A command is over: `words` for stderr, and the exit code."""

    def __init__(self, words: str, code: int = FAILED) -> None:
        super().__init__(words)
        self.words, self.code = words, code


def entry() -> NoReturn:
    """The installed command. Leaves without waiting for a toolkit's own threads."""
    garbage.rest()  # until everything is imported
    arenas.share()
    buffers.keep_small()
    accepting.outlast_clients()
    _prepare_streams()
    try:
        code = main(sys.argv[1:])
    except SystemExit as ending:  # argparse: help, version, or words it does not know
        code = ending.code if isinstance(ending.code, int) else FAILED
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError as error:
            if error.errno in _NO_ROOM and code == DONE:
                complain(f"The output could not be written: {error.strerror}.")
                code = FAILED
        except ValueError:
            continue
    # Window toolkits tear down badly inside interpreter shutdown (`gui-lab.md` §2.6).
    os._exit(code)


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code. Raises SystemExit for help and unknown words."""
    invocation = read(arguments)
    try:
        return _run(invocation)
    except Ended as ended:
        complain(ended.words)
        return ended.code
    except Problem as problem:
        complain(problem.message)
        return SIGNED_OUT if isinstance(problem, NotSignedIn) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(invocation: Invocation) -> int:
    late_trust.import_aiohttp()
    _have_home()
    from copilot_desktop.cli.preferences import preferences_for  # noqa: PLC0415
    from copilot_desktop.system import current  # noqa: PLC0415

    umask = os.umask(0o077)  # as the terminal has it; `run` hands it on
    if invocation.command != "run":  # its limits would be the tool's as well
        current().harden()
        descriptors.raise_limit()
    preferences = preferences_for(invocation)
    match invocation.command:
        case "serve":
            return _serve(preferences, invocation)
        case "login" | "logout":
            from copilot_desktop.cli import account  # noqa: PLC0415

            work = account.login if invocation.command == "login" else account.logout
            return _on_loop(work(preferences, invocation))
        case name if name in _PLAIN:
            module = import_module(f"copilot_desktop.cli.{_MODULES.get(name, name)}")
            return _on_loop(module.run(preferences, invocation))
        case "connect" | "disconnect" | "completions" as name:
            module = import_module(f"copilot_desktop.cli.{name}")
            garbage.resume()
            return int(module.run(preferences, invocation))
        case "run":
            from copilot_desktop.cli import launch  # noqa: PLC0415

            garbage.resume()
            return launch.run(preferences, invocation, umask)
        case "resume":
            from copilot_desktop.cli import questions  # noqa: PLC0415

            return _on_loop(questions.resume(preferences, invocation))
        case "models" if invocation.action:
            return _of_models(preferences, invocation)
        case "usage":
            from copilot_desktop.cli import usage  # noqa: PLC0415

            return _on_loop(usage.show(preferences, invocation))
        case "status" | "models" | "quota":
            from copilot_desktop.cli import facts  # noqa: PLC0415

            return _on_loop(facts.show(preferences, invocation))
    return _window(preferences, invocation)


def _of_models(preferences: Preferences, invocation: Invocation) -> int:
    if invocation.action == "enable":
        from copilot_desktop.cli import enable  # noqa: PLC0415

        garbage.resume()
        return enable.run(preferences, invocation)
    from copilot_desktop.cli import lessons  # noqa: PLC0415

    part = lessons.show if invocation.action == "learned" else lessons.forget
    return _on_loop(part(preferences, invocation))


def _window(preferences: Preferences, invocation: Invocation) -> int:
    """Without a command: the window, or headless where none can be shown."""
    from copilot_desktop.shell import screen  # noqa: PLC0415
    from copilot_desktop.shell.engine import Engine, choose_engine  # noqa: PLC0415
    from copilot_desktop.system import current  # noqa: PLC0415

    engine = choose_engine(current().name, os.environ)
    if current().name == "Linux" and (gone := screen.missing(os.environ)):
        engine = Engine("none", f"The screen {gone} does not answer, so there is no window.")
    if engine.name == "none":
        complain(f"{engine.reason} Running headless, as with `serve`.")
        return _serve(preferences, invocation)
    from copilot_desktop.shell.desktop import run_desktop  # noqa: PLC0415

    garbage.resume()
    with speaker.at_work():
        return run_desktop(preferences, engine, demo=invocation.demo, hidden=invocation.hidden)


def _serve(preferences: Preferences, invocation: Invocation) -> int:
    from copilot_desktop.cli import headless  # noqa: PLC0415

    with speaker.at_work():
        return _on_loop(headless.serve(preferences, invocation))


def _have_home() -> None:
    """A user whom the system does not know, as in a container, has none. There it is `/`, as
    container engines say it, and what cannot be written is told where it is wanted."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"


def _on_loop(work: Coroutine[Any, Any, int]) -> int:
    garbage.resume()
    return threads.run(work)


def say(words: str = "") -> bool:
    """A line for people on stdout, which may be closed: false if it did not take the line."""
    return _print(words, sys.stdout)


def complain(words: str) -> None:
    """A line for people on stderr."""
    _print(words, sys.stderr)


def _print(words: str, stream: Any) -> bool:
    shown = _STEERING.sub(lambda found: f"\\x{ord(found[0]):02x}", words)
    if stream is not None and speaker.say(shown, stream):
        return True
    try:
        print(shown, file=stream, flush=True)
    except (OSError, ValueError, AttributeError):
        # Closed, broken or absent (a windowed program has no terminal): nobody is reading.
        return False
    return True


def _prepare_streams() -> None:
    """Words never fail for want of a letter, and no socket gets the number of a closed stream."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if isinstance(raw := getattr(sys.stdout, "buffer", None), io.RawIOBase):  # PYTHONUNBUFFERED
        # What could not be written has to be there still at the end, or nobody misses it.
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding=sys.stdout.encoding, errors="replace"
        )
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            try:
                os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
            except OSError:
                return
