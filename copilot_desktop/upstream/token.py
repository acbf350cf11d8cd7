"""What allows a call to Copilot: a bearer and the place it may be sent to.

A Copilot token lives about half an hour, in memory only. One cache belongs to one GitHub token:

    empty ──first call──> renewing ──ok──> held ──renewal due, slept, or refused──> renewing
                             │                                                        │
                             └──failure──> resting (callers get the failure, or the old token
                                           while it has not been refused) ──> renewing

* One renewal at a time, however many callers wait for it.
* Due after `refresh_in` on the monotonic clock, never by the wall clock; a wall clock that ran
  ahead means the machine slept, and then the token is renewed before it is used.
* Renewal is lazy: no timer that could pile up or die in its sleep. A caller that brings a usable
  token along waits for a slow renewal only briefly.
* A caller names the token that was refused; if a newer one is here already, it just gets that.

`base_url` is derived in the order of `upstream.md` §3 and pinned by `Origins`. Tokens of apps that
may not exchange, and those of GHE.com, are used directly as the bearer (§1.5, §2.6).
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import aiohttp

from copilot_desktop.errors import (
    Blocked,
    NoCopilot,
    NotSignedIn,
    Problem,
    RateLimited,
    SignInExpired,
    Unreachable,
    UpstreamFault,
    UpstreamTimeout,
)
from copilot_desktop.upstream.github import GitHub, no_copilot
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.payloads import (
    CopilotToken,
    CopilotUser,
    read,
    token_fields,
)

log = logging.getLogger(__name__)

MARGIN = 60.0  # seconds before `refresh_in` is over
SHORTEST, LONGEST = 60.0, 86_400.0  # bounds for the time to the next renewal
SLEPT = 60.0  # seconds by which the wall clock may run ahead of the monotonic one
PATIENCE = 2.0  # seconds a caller with a usable token waits for a renewal
TRANSIENT = (Unreachable, UpstreamTimeout, UpstreamFault, RateLimited)
_STOPPED = frozenset({"programmatic_token_generation", "go_http_client"})
_REFUSALS = 8  # refused tokens within a minute that mean: fresh ones do not help


@dataclass(frozen=True, slots=True)
class Grant:
    """A bearer for `base_url` (no trailing slash). `direct`: it is a GitHub token."""

    token: str = field(repr=False)
    base_url: str
    direct: bool = False


class Authority(Protocol):
    """Whoever can say with which token a call is made."""

    async def grant(self, *, stale: str | None = None) -> Grant:
        """`stale` is the token that Copilot has just refused.

        Raises NotSignedIn, SignInExpired, NoCopilot, Blocked, RateLimited, Unreachable,
        UpstreamTimeout or UpstreamFault.
        """

    def outdate(self, token: str) -> None:
        """`token` still works, but a new one may say more: the next grant asks for it."""


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What the exchange said beside the token."""

    sku: str = ""
    chat_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    grant: Grant
    renew_at: float
    received: float
    received_wall: float


class TokenCache:
    """The Authority of one GitHub token. `direct` skips the exchange.

    `ended`: its account was signed out; nobody may call in its name any more.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        origins: Origins,
        identity: Identity,
        github_token: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        timeout: float = 15.0,
        direct: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        self.plan: TokenFacts | None = None
        self.ended = False
        self._origins = origins
        self._github = GitHub(http, origins, identity, timeout=timeout, wall=wall)
        self._github_token = github_token
        self._clock = clock
        self._wall = wall
        self._patience = patience
        self._insists = direct
        self._direct = direct or origins.direct_first
        self._held: _Held | None = None
        self._renewal: asyncio.Task[Grant | Problem] | None = None
        self._began = 0.0
        self._failure: Problem | None = None
        self._failures = 0
        self._retry_at = self._limited_until = 0.0
        self._refused: deque[float] = deque(maxlen=_REFUSALS)

    async def grant(self, *, stale: str | None = None) -> Grant:
        held = self._held
        if held is not None and stale == held.grant.token:
            self._drop_refused()
            held = None
        now = self._clock()
        slept = held is not None and self._slept(held)
        if held is not None and now < held.renew_at and not slept:
            return held.grant
        if self._failure is not None and now < self._retry_at and self._renewal is None:
            if self._failure.retry_after is not None:  # as it was said then
                self._failure.retry_after = max(1.0, self._limited_until - now)
            return self._fallback(held, self._failure)
        renewal = self._renewal or self._begin()
        usable = held is not None and not slept
        limit = max(0.0, self._patience - (now - self._began)) if usable else None
        await asyncio.wait({renewal}, timeout=limit)
        if held is not None and not renewal.done():
            return held.grant
        if renewal.cancelled():
            raise NotSignedIn
        outcome = renewal.result()
        return self._fallback(held, outcome) if isinstance(outcome, Problem) else outcome

    def outdate(self, token: str) -> None:
        """See `Authority.outdate`. The token is used on while no other one is to be had."""
        if self._held is not None and self._held.grant.token == token:
            self._held = replace(self._held, renew_at=self._clock())

    def retry_now(self) -> None:
        """Forget a failure: the user has asked to look again."""
        self._failure, self._failures, self._retry_at = None, 0, 0.0

    def doubt(self) -> None:
        """GitHub has refused the sign-in elsewhere: only a new exchange can say that it works."""
        self._held = None

    def stop(self) -> None:
        """End a renewal that is under way, without waiting for its end."""
        if self._renewal is not None:
            self._renewal.cancel()

    async def close(self) -> None:
        """The same, and wait."""
        if (renewal := self._renewal) is not None:
            renewal.cancel()
            await asyncio.wait({renewal}, timeout=1.0)

    def _fallback(self, held: _Held | None, problem: Problem) -> Grant:
        """The old token, if it has not been refused and the trouble may pass by itself."""
        kept = held is not None and self._held is not None and self._held.grant is held.grant
        if held is not None and kept and isinstance(problem, TRANSIENT):
            return held.grant
        raise problem.with_traceback(None)  # one object for many callers

    def _begin(self) -> asyncio.Task[Grant | Problem]:
        self._began = self._clock()
        task = asyncio.create_task(self._renew(), name="copilot-token")
        self._renewal = task
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Grant | Problem]) -> None:
        self._renewal = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("Renewing the Copilot token failed unexpectedly", exc_info=error)

    async def _renew(self) -> Grant | Problem:
        try:
            grant, lifetime = await self._obtain()
        except Problem as problem:
            self._rest(problem)
            return problem
        now = self._clock()
        self._held = _Held(grant, now + lifetime, now, self._wall())
        self.retry_now()
        log.info("Copilot access renewed for %s", grant.base_url)
        return grant

    async def _obtain(self) -> tuple[Grant, float]:
        """A grant and the seconds until it should be renewed."""
        if self._direct:
            return await self._use_directly()
        answer = await self._github.exchange(self._github_token)
        if answer is None:
            return await self._use_directly(entitled=False)
        self.plan = TokenFacts(sku=answer.sku or "", chat_enabled=answer.chat_enabled)
        lifetime = min(max(answer.refresh_in - MARGIN, SHORTEST), LONGEST)
        return Grant(answer.token, await self._base_of(answer)), lifetime

    async def _base_of(self, answer: CopilotToken) -> str:
        named = answer.endpoints.api if answer.endpoints else None
        if not named and not self._origins.copilot:
            try:
                named = (await self._account()).named_api
            except Problem as problem:
                log.info("The account named no address for Copilot: %s", problem.kind)
        return base_url(self._origins, named, token=answer.token)

    async def _use_directly(self, *, entitled: bool = True) -> tuple[Grant, float]:
        """The GitHub token as bearer. `entitled` False: only if the account has Copilot."""
        lifetime, named = math.inf, None
        try:
            user = await self._account()
            if not user.has_access:
                raise no_copilot()
            named = user.named_api
        except NoCopilot as problem:
            if not entitled or problem.upstream_status != 404:
                raise
        except TRANSIENT:
            if not entitled:
                raise
            lifetime = SHORTEST  # ask again soon where Copilot is
        return Grant(self._github_token, base_url(self._origins, named), direct=True), lifetime

    async def _account(self) -> CopilotUser:
        answer = await self._github.account(self._github_token)
        return read(CopilotUser, answer, what="The account")

    def _drop_refused(self) -> None:
        now = self._clock()
        held, self._held = self._held, None
        if held is not None and held.grant.direct and not self._insists:
            self._direct = False  # the bearer did not do: try the exchange next
        self._refused.append(now)
        if len(self._refused) == _REFUSALS and now - self._refused[0] < 60:
            self._refused.clear()
            self._failure = UpstreamFault("GitHub Copilot refuses every new token.")
            self._retry_at = now + 30

    def _slept(self, held: _Held) -> bool:
        wall = self._wall() - held.received_wall
        return wall - (self._clock() - held.received) > SLEPT

    def _rest(self, problem: Problem) -> None:
        """How long to leave GitHub in peace: 0.3 s doubled to 5 s for trouble on the way, 5 s
        doubled to 300 s for a refusal, as long as GitHub says for a limit."""
        doubled = 2.0 ** min(self._failures, 10)
        match problem:
            case RateLimited():
                pause = min(max(problem.retry_after or 60.0, 5.0), 3600.0)
            case Blocked() if problem.code in _STOPPED:
                pause = 3600.0
            case SignInExpired() | NoCopilot() | Blocked():
                pause = min(5.0 * doubled, 300.0)
            case _:
                pause = min(0.3 * doubled, 5.0)
        if not isinstance(problem, TRANSIENT):
            self._held = None
        self._failures += 1
        self._failure = problem
        now = self._clock()
        self._retry_at, self._limited_until = now + pause, now + (problem.retry_after or 0.0)
        log.warning("No Copilot token: %s; next attempt in %.1f s", problem.kind, pause)


def base_url(origins: Origins, named: str | None, *, token: str = "") -> str:
    """Where to send calls: the override, the address GitHub named, the token's hint, the default.

    An address that is not on the list is skipped, so that no answer can divert the token.
    """
    if origins.copilot:
        return origins.copilot
    hint = token_fields(token).get("proxy-ep", "") if token else ""
    hinted = f"https://api.{hint.removeprefix('proxy.')}" if hint.startswith("proxy.") else None
    for candidate in (named, hinted):
        if not candidate or "//proxy." in candidate:  # that host serves inline completions only
            continue
        try:
            return origins.pinned(candidate)
        except UpstreamFault as problem:
            log.warning("%s", problem)
    return origins.copilot_default
