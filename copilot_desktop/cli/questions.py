"""What the brakes have to say in a terminal: pauses, and the question whether a client may send.

The question is asked only where somebody can answer: on a terminal, and while this program has it
(`serve &` would be stopped by the system for reading). Elsewhere the window answers, or nobody
does. One letter and Enter; anything else asks again. Also `resume`, for after a warning.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from copilot_desktop.cli import FAILED, complain, say
from copilot_desktop.cli.account import core_alone, running_app
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core.settings import Preferences
from copilot_desktop.proxy.circuit import paused
from copilot_desktop.redaction import one_line

if TYPE_CHECKING:
    from copilot_desktop.core.core import Core
    from copilot_desktop.proxy.approvals import Question

_LOOK = 0.5  # seconds between two looks at whether the terminal is ours
_CHOICES = {"y": "once", "t": "ten_minutes", "a": "always", "n": "deny"}
_LINE = 1024  # bytes of an answer


async def resume(preferences: Preferences, invocation: Invocation) -> int:
    """Let the app, or the next one that starts, send again. 1 if sending is not paused."""
    if (app := await running_app(preferences)) is not None:
        if not (await app.state())["brakes"]["halt"]:
            complain("Sending is not paused.")
            return FAILED
        await app.do("resume_sending")
    else:
        async with core_alone(preferences, invocation) as core:
            if core.brakes.state.halt is None:
                complain("Sending is not paused.")
                return FAILED
            await core.commands.resume_sending()
    say("Sending goes on.")
    return 0


async def follow_brakes(core: Core) -> None:
    """Say when sending stops and goes on; ask about clients that wait."""
    halted = None
    asked = 0
    terminal = Terminal()
    try:
        async for state in core.store.watch():
            brakes = state.brakes
            halt = brakes.halt.since if brakes.halt else None
            if halt != halted:
                halted = halt
                complain(
                    paused(brakes.halt, core.brakes.circuit.clock()).message
                    if brakes.halt
                    else "Sending goes on."
                )
            if not brakes.questions:
                terminal.listen(None)
                asked = 0
            elif brakes.questions[0].id != asked:
                asked = brakes.questions[0].id
                _ask(core, terminal, brakes.questions[0])
    finally:
        terminal.listen(None)


def _ask(core: Core, terminal: Terminal, question: Question) -> None:
    say()
    say(one_line(f"{question.client} wants to use Copilot ({question.model})."))
    if not terminal.can_answer:
        say("It cannot be allowed here and is denied in two minutes, unless the window answers.")
        say("To let it in from the start, name it in the setting approved_clients.")
        return
    say("Allow?  y once, t for 10 minutes, a always, n no. Once also covers what its agent sends")
    say("of itself until you say something new.")

    def heard(line: str) -> None:
        choice = _CHOICES.get(line.strip().lower()[:1])
        if choice is None:
            say("Type y, t, a or n, then Enter.")
            return
        terminal.listen(None)
        core.tasks.start(_decide(core, question.id, choice), "answer from the terminal")

    terminal.listen(heard)


async def _decide(core: Core, number: int, choice: str) -> None:
    outcome = await core.verbs.do("decide", {"id": number, "choice": choice})
    if outcome.ok:
        say("Denied." if choice == "deny" else "Allowed.")
    else:
        complain(outcome.message)


class Terminal:
    """Lines that are typed while somebody listens."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = _stdin() if descriptor is None else descriptor
        self._hear: Callable[[str], None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._reading = False

    @property
    def can_answer(self) -> bool:
        """Is there a terminal, and a loop that can wait for it?"""
        return self._descriptor >= 0 and hasattr(os, "tcgetpgrp")

    def listen(self, hear: Callable[[str], None] | None) -> None:
        """Give each line to `hear`; None: leave the terminal alone."""
        self._hear = hear
        self._stop()
        if hear is not None and self.can_answer:
            self._start()

    def _start(self) -> None:
        """Read as soon as this program is in the terminal's foreground."""
        self._watch = None
        loop = asyncio.get_running_loop()
        if _in_foreground(self._descriptor):
            loop.add_reader(self._descriptor, self._read)
            self._reading = True
        else:
            self._watch = loop.call_later(_LOOK, self._start)

    def _stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._reading:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            self._reading = False

    def _read(self) -> None:
        if not _in_foreground(self._descriptor):
            self._stop()
            self._start()
            return
        try:
            typed = os.read(self._descriptor, _LINE)
        except OSError:
            typed = b""
        if not typed:  # closed: nobody will answer here any more
            self._stop()
        elif self._hear is not None:
            self._hear(typed.decode("utf-8", "replace"))


def _stdin() -> int:
    """The terminal's descriptor, or -1 where input is none."""
    try:
        descriptor = sys.stdin.fileno()
        return descriptor if os.isatty(descriptor) else -1
    except (AttributeError, OSError, ValueError):
        return -1


def _in_foreground(descriptor: int) -> bool:
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return False
