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
import sys
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from copilot_desktop import json_bytes
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


class Healed:
    """As a block, the 200 answer to `call`, or to what it is mended to. Raises Problem.

    `notes` gets a word for each heal, also for those that did not help.
    """

    def __init__(
        self,
        carrier: Carrier,
        call: Call,
        model: Model,
        authority: Authority,
        *,
        tries: Tries,
        notes: list[str],
        lessons: Lessons,
    ) -> None:
        self._carrier = carrier
        self._call = call
        self._model = model
        self._authority = authority
        self._tries = tries
        self._notes = notes
        self._lessons = lessons
        self._said = ""
        self._unproven: list[Cure] = []
        self._sent: AbstractAsyncContextManager[UpstreamReply]

    async def __aenter__(self) -> UpstreamReply:
        while True:
            self._sent = self._carrier.converse(self._call, self._authority, self._tries)
            try:
                reply = await self._sent.__aenter__()
            except InvalidRequest as problem:
                self._refused(problem)
                if not self._mend(problem):
                    raise
                continue
            self._call.body = b""
            if self._unproven:
                await self._learn()
            return reply

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._sent.__aexit__(kind, error, trace)
        if error is None:
            await self._lessons.keep(now=False)

    def _refused(self, problem: InvalidRequest) -> None:
        """Another refusal: if the same words come back, the last change was no remedy."""
        if self._unproven and problem.detail == self._said:
            self._unproven.pop()
        self._said = problem.detail

    async def _learn(self) -> None:
        """The request is right as it is now: remember what made it so."""
        for found in self._unproven:
            for lesson in found.lessons:
                self._lessons.learn(self._model.id, lesson)
        self._unproven.clear()
        try:
            await self._lessons.keep()
        except BaseException:  # the client has left
            await self.__aexit__(*sys.exc_info())
            raise

    def _mend(self, problem: InvalidRequest) -> bool:
        """Change the call, if it is known how."""
        found = _cure(self._call, self._model, problem, self._tries)
        if found is None:
            return False
        log.info("Copilot refused %s: changing %s", self._call.endpoint, found.row)
        self._tries.taken.add(_MARK + found.row)
        self._notes.append(found.note)
        self._unproven.append(found)
        self._call.body = json_bytes.written(found.body)
        self._call.betas = found.betas
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
