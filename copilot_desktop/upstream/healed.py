"""One call to Copilot, healed where a refusal says what is wrong with it.

Stands between whoever has a finished request and the carrier that takes it upstream. A 400 before
any byte is looked up in `healing`; the mended request goes out at once, at most twice for one
request and each remedy once. All attempts share the allowance of three calls that a request has
(`security-rules.md` 22). What was learned is remembered when the mended request was taken: a guess
that did not help, or that only brought up the next refusal, teaches nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from copilot_desktop.errors import InvalidRequest
from copilot_desktop.model import Model
from copilot_desktop.upstream.client import Call, Tries
from copilot_desktop.upstream.lessons import Lessons
from copilot_desktop.upstream.reply import UpstreamReply
from copilot_desktop.upstream.token import Authority

if TYPE_CHECKING:
    from copilot_desktop.upstream.healing import Cure

log = logging.getLogger(__name__)

HEALS = 2  # of one request
_MARK = "heal: "


class Carrier(Protocol):
    """What takes a call to Copilot: `CopilotClient`, or a socket that stays open."""

    def converse(
        self, call: Call, authority: Authority, tries: Tries | None = None
    ) -> AbstractAsyncContextManager[UpstreamReply]: ...


@asynccontextmanager
async def healed(
    carrier: Carrier,
    call: Call,
    model: Model,
    authority: Authority,
    *,
    tries: Tries,
    notes: list[str],
    lessons: Lessons,
) -> AsyncIterator[UpstreamReply]:
    """The 200 answer to `call`, or to what it was mended to. Raises Problem.

    `notes` gets a word for each heal, also for those that did not help.
    """
    way = _Way(call, model, tries, notes, lessons)
    async with AsyncExitStack() as stack:
        reply: UpstreamReply | None = None
        while reply is None:
            try:
                sending = carrier.converse(way.call, authority, tries)
                reply = await stack.enter_async_context(sending)
            except InvalidRequest as problem:
                way.refused(problem)
                if not way.mend(problem):
                    raise
        way.taken()
        if way.cures:
            await lessons.keep()
        yield reply
        await lessons.keep(now=False)


class _Way:
    """The attempts of one request."""

    def __init__(
        self, call: Call, model: Model, tries: Tries, notes: list[str], lessons: Lessons
    ) -> None:
        self.call = call
        self.cures: list[Cure] = []
        self._model = model
        self._tries = tries
        self._notes = notes
        self._lessons = lessons
        self._said = ""
        self._unproven: list[Cure] = []

    def refused(self, problem: InvalidRequest) -> None:
        """Another refusal: if the same words come back, the last change was no remedy."""
        if self._unproven and problem.detail == self._said:
            self._unproven.pop()
        self._said = problem.detail

    def taken(self) -> None:
        """The request is right as it is now: remember what made it so."""
        for found in self._unproven:
            for lesson in found.lessons:
                self._lessons.learn(self._model.id, lesson)
        self._unproven.clear()

    def mend(self, problem: InvalidRequest) -> bool:
        """Change the call, if it is known how."""
        found = _cure(self.call, self._model, problem, self._tries)
        if found is None:
            return False
        log.info("Copilot refused %s: changing %s", self.call.endpoint, found.row)
        self._tries.taken.add(_MARK + found.row)
        self._notes.append(found.note)
        self.cures.append(found)
        self._unproven.append(found)
        body = json.dumps(found.body, separators=(",", ":")).encode()
        self.call = replace(self.call, body=body, betas=found.betas)
        return True


def _cure(call: Call, model: Model, problem: InvalidRequest, tries: Tries) -> Cure | None:
    if problem.upstream_status not in (400, 401, 422) or not tries.left:
        return None
    taken = {each.removeprefix(_MARK) for each in tries.taken if each.startswith(_MARK)}
    if len(taken) >= HEALS:
        return None
    from copilot_desktop.upstream.healing import Case, cure  # noqa: PLC0415  (a refusal is rare)

    body = json.loads(call.body)
    case = Case(call.endpoint, body, model, problem.detail, problem.code or "", call.betas)
    return cure(case, taken)
