"""Asking the user before a client's request goes out, where that is wanted.

A question names the client and the model, never content. One answer can cover more than one
request:

    once          this request, and those that the client's agent sends of itself afterwards, until
                  its user says something new: a task must not ask forty times
    ten_minutes   all of this client for so long
    always        all of this client, kept in the settings
    deny          none, for half a minute: some agents repeat what was refused several times at
                  once (Codex five times in seven seconds), and one no must be enough

A client is known by the name that it gives itself; that keeps programs apart, it does not prove who
they are. A question that nobody answers is a refusal.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from copilot_desktop.errors import NotApproved, Problem

PATIENCE = 120.0  # seconds until a question counts as denied
TEN_MINUTES = 600.0
HALF_A_MINUTE = 30.0
LONGEST_TURN = 3600.0  # seconds between two requests of one turn
MOST = 32  # questions at once

Choice = Literal["once", "ten_minutes", "always", "deny"]


@dataclass(frozen=True, slots=True)
class Question:
    """`at` and `until` in seconds since the epoch: asked, and denied if nobody answers."""

    id: int
    client: str
    model: str
    at: float
    until: float


class Approvals:
    """`clock` is monotonic seconds, `wall` seconds since the epoch."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        patience: float = PATIENCE,
    ) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self.patience = patience
        self._clock = clock
        self._wall = wall
        self._wanted = False
        self._always: frozenset[str] = frozenset()
        self._until: dict[str, float] = {}
        self._turns: dict[str, float] = {}
        self._denied: dict[str, float] = {}
        self._next = 1
        self._open: dict[int, tuple[Question, asyncio.Future[Choice]]] = {}

    @property
    def questions(self) -> tuple[Question, ...]:
        """The oldest first."""
        return tuple(question for question, _ in self._open.values())

    def use(self, *, wanted: bool, always: frozenset[str]) -> None:
        """Whether to ask at all, and who need not be asked about."""
        self._wanted, self._always = wanted, always
        if not wanted:
            self._until.clear()
            self._turns.clear()
            self._denied.clear()
        self._settle(lambda client: not wanted or client in always)

    def granted(self, client: str, *, by_agent: bool) -> bool:
        """May this client send without a question?"""
        if not self._wanted or client in self._always:
            return True
        now = self._clock()
        if self._until.get(client, 0.0) > now:
            return True
        if by_agent and now - self._turns.get(client, float("-inf")) < LONGEST_TURN:
            self._turns[client] = now
            return True
        return False

    async def ask(self, client: str, model: str) -> None:
        """Wait for the user's word about this request. Raises NotApproved."""
        if self._denied.get(client, 0.0) > self._clock():
            raise _denied(client, "the answer was no a moment ago")
        if len(self._open) >= MOST:
            raise _denied(client, "too many requests are waiting for an answer")
        now, number = self._wall(), self._next
        self._next += 1
        question = Question(number, client, model, now, now + self.patience)
        answer: asyncio.Future[Choice] = asyncio.get_running_loop().create_future()
        self._open[number] = (question, answer)
        self.on_change()
        try:
            async with asyncio.timeout(self.patience):
                choice = await answer
        except TimeoutError:
            self._refuse(client)
            raise _denied(client, "nobody answered the question in time") from None
        finally:
            del self._open[number]
            self.on_change()
        if choice == "deny":
            raise _denied(client, "the answer was no")

    def decide(self, number: int, choice: Choice) -> bool:
        """The user's word; false if this question is not open (any more)."""
        question, answer = self._open.get(number, (None, None))
        if question is None or answer is None or answer.done():
            return False
        client = question.client
        self._denied.pop(client, None)
        match choice:
            case "once":
                self._turns[client] = self._clock()
            case "ten_minutes":
                self._until[client] = self._clock() + TEN_MINUTES
            case "always":
                self._always |= {client}
            case "deny":
                self._turns.pop(client, None)
                self._refuse(client)
        answer.set_result(choice)
        if choice != "once":
            self._settle(lambda other: other == client, choice)
        return True

    def client_of(self, number: int) -> str | None:
        """Whom a question is about, while it is open."""
        question, _ = self._open.get(number, (None, None))
        return question.client if question else None

    def turn_away(self, why: Callable[[], Problem]) -> None:
        """Nobody needs to be asked any more: nothing is sent anyway."""
        for _, answer in self._open.values():
            if not answer.done():
                answer.set_exception(why())

    def _refuse(self, client: str) -> None:
        now = self._clock()
        self._denied = {name: until for name, until in self._denied.items() if until > now}
        self._denied[client] = now + HALF_A_MINUTE

    def _settle(self, fits: Callable[[str], bool], choice: Choice = "always") -> None:
        for question, answer in self._open.values():
            if fits(question.client) and not answer.done():
                answer.set_result(choice)


def _denied(client: str, reason: str) -> NotApproved:
    return NotApproved(fields={"client": client, "reason": reason})
