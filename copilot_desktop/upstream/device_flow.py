"""Signing in by a code that is typed in on GitHub's page (`upstream.md` §1).

One flow is one code. It asks for the code, then asks GitHub once per interval whether the person
has decided, never faster than allowed:

    requesting ──code──> waiting <──> slowed / unreachable ──token──> checking ──> done | no_access
        │                   │
        └──> failed         └──> denied | expired | failed | cancelled

A dropped connection never ends the wait; `slow_down` slows this flow for good; the end of the
code's life is measured on the monotonic clock. What GitHub sends is put on the screen only if it
looks like a code and names the known page (security rule 13). The flow ends with the token in the
caller's hands; keeping it and everything after `checking` is the session's business.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

import aiohttp

from copilot_desktop.errors import (
    Problem,
    RateLimited,
    SignInCodeExpired,
    SignInDenied,
    SignInFailed,
    Unreachable,
    UpstreamFault,
    UpstreamTimeout,
)
from copilot_desktop.upstream.github import refused
from copilot_desktop.upstream.http import Answer, fetch_json
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.payloads import DeviceCode, PollAnswer, is_github_token, read
from copilot_desktop.upstream.refusal import seconds_of

SLACK = 1.0  # seconds on top of GitHub's interval: its clock and ours differ a little
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"

SignInState = Literal[
    "requesting",
    "waiting",
    "slowed",
    "unreachable",
    "checking",
    "done",
    "no_access",
    "expired",
    "denied",
    "failed",
    "cancelled",
]
_OPEN = frozenset({"requesting", "waiting", "slowed", "unreachable"})

_DISABLED = "This server does not allow sign-in by code. An administrator can switch it on."
_REASONS = {
    "device_flow_disabled": _DISABLED,
    "incorrect_device_code": "GitHub did not recognise the code.",
    "bad_verification_code": "GitHub did not recognise the code.",
    "incorrect_client_credentials": "GitHub does not accept this app.",
    "unauthorized_client": "GitHub does not accept this app.",
}


@dataclass(frozen=True, slots=True)
class SignIn:
    """One attempt as it is shown, at GitHub's `host`. Times in seconds on the monotonic clock."""

    state: SignInState
    user_code: str = ""
    uri: str = ""
    expires_at: float | None = None
    next_poll_at: float | None = None
    problem: Problem | None = None
    host: str = ""

    @property
    def waiting(self) -> bool:
        """Is this attempt still open for the person's decision, and for cancelling?"""
        return self.state in _OPEN


class DeviceFlow:
    """`show` is called with every new state; `timeout` in seconds bounds each call."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        origins: Origins,
        identity: Identity,
        *,
        timeout: float,
        clock: Callable[[], float],
        wall: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        show: Callable[[SignIn], None],
    ) -> None:
        self._http = http
        self._origins = origins
        self._identity = identity
        self._timeout = timeout
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        self._show = show
        self._now = SignIn("requesting", host=origins.host)
        self._code: DeviceCode | None = None
        self._pace = 0.0

    async def start(self) -> SignIn:
        """Ask for a code. Raises SignInFailed, RateLimited, Unreachable, UpstreamTimeout."""
        asked_at = self._clock()
        self._set(SignIn("requesting", host=self._origins.host))
        body = {"client_id": self._identity.client_id, "scope": self._identity.scope}
        answer = await self._post("/login/device/code", body, self._timeout)
        if answer.status >= 400:
            problem = refused(answer, url=self._origins.github, now=self._wall())
            if isinstance(problem, RateLimited | Unreachable):  # or a proxy on the way said no
                raise problem
        if answer.status != 200 or not isinstance(answer.body, dict) or "error" in answer.body:
            raise _not_started(answer)
        try:
            code = read(DeviceCode, answer.body, what="GitHub's answer")
            page = self._origins.device_page_of(code.verification_uri)
        except UpstreamFault as problem:
            raise SignInFailed(problem.detail) from None
        if not code.shown:
            raise SignInFailed("GitHub sent a code that does not look like one.")
        self._code, self._pace = code, code.pace
        return self._set(
            SignIn(
                "waiting",
                user_code=code.user_code,
                uri=page,
                expires_at=asked_at + code.lifetime,
                next_poll_at=self._clock() + self._pace + SLACK,
                host=self._origins.host,
            )
        )

    async def token(self) -> str:
        """Ask until the person has decided; the GitHub token. To stop, cancel the task.

        Raises SignInDenied, SignInCodeExpired or SignInFailed; never a network Problem.
        """
        code = self._code
        if code is None or self._now.expires_at is None or self._now.next_poll_at is None:
            raise SignInFailed("No code was asked for.")
        deadline, due = self._now.expires_at, self._now.next_poll_at
        slowed = 0
        while True:
            if due >= deadline:
                await self._sleep(max(0.0, deadline - self._clock()))
                raise SignInCodeExpired(_clock_hint(slowed))
            await self._sleep(max(0.0, due - self._clock()))
            answer = await self._ask(code, deadline)
            if isinstance(answer, PollAnswer) and answer.access_token is not None:
                return _usable(answer.access_token)
            state, pause = self._wait_after(answer)
            slowed += state == "slowed"
            due = self._clock() + pause
            self._set(replace(self._now, state=state, next_poll_at=due))

    async def _ask(self, code: DeviceCode, deadline: float) -> PollAnswer | float:
        """GitHub's verdict; a number if there was none: seconds it wants to be left alone."""
        body = {
            "client_id": self._identity.client_id,
            "device_code": code.device_code,
            "grant_type": GRANT_TYPE,
        }
        limit = min(self._timeout, max(1.0, deadline - self._clock()))
        try:
            answer = await self._post("/login/oauth/access_token", body, limit)
        except (Unreachable, UpstreamTimeout, UpstreamFault):
            return 0.0
        # Status 200 carries errors too, and some servers use 400 for them: the body decides.
        found = (
            read(PollAnswer, answer.body, what="GitHub's answer")
            if isinstance(answer.body, dict)
            else PollAnswer()
        )
        transient = answer.status >= 500 or answer.status == 429
        if found.error is None and found.access_token is None:
            if 200 <= answer.status < 300:
                raise SignInFailed("GitHub's answer could not be understood.")
            return _asked_pause(answer, self._wall())
        if transient and found.error not in {"authorization_pending", "slow_down"}:
            return _asked_pause(answer, self._wall())
        return found

    def _wait_after(self, answer: PollAnswer | float) -> tuple[SignInState, float]:
        """The state to show and the seconds until the next poll, or the Problem that ends it."""
        if isinstance(answer, float):
            return "unreachable", max(answer, self._pace + SLACK)
        match answer.error:
            case "authorization_pending":
                return "waiting", self._pace + SLACK
            case "slow_down":
                self._pace = answer.slower(self._pace)
                return "slowed", self._pace + SLACK
            case "access_denied":
                raise SignInDenied
            case "expired_token":
                raise SignInCodeExpired
            case error:
                detail = _REASONS.get(error or "") or answer.error_description or error or ""
                raise SignInFailed(detail, code=error)

    async def _post(self, path: str, body: dict[str, str], timeout: float) -> Answer:
        return await fetch_json(
            self._http,
            "POST",
            self._origins.github + path,
            headers=self._identity.sign_in_headers(),
            json=body,
            timeout=timeout,
        )

    def _set(self, sign_in: SignIn) -> SignIn:
        self._now = sign_in
        self._show(sign_in)
        return sign_in


def _not_started(answer: Answer) -> SignInFailed:
    """Why GitHub gave no code (§1.1)."""
    body = answer.body if isinstance(answer.body, dict) else {}
    code = body.get("error")
    code = code if isinstance(code, str) else None
    detail = _REASONS.get(code or "", "")
    if not detail and answer.status == 404:
        detail = "GitHub does not know this app."
    if not detail:
        described = body.get("error_description")
        words = described if isinstance(described, str) else ""
        detail = f"GitHub answered with status {answer.status}. {words}".strip()
    return SignInFailed(detail, code=code, upstream_status=answer.status)


def _usable(token: str) -> str:
    if not is_github_token(token):
        raise SignInFailed("GitHub sent a token that cannot be used.")
    return token


def _asked_pause(answer: Answer, now: float) -> float:
    """`Retry-After` in seconds, 0 without one."""
    value = next((v for k, v in answer.headers.items() if k.lower() == "retry-after"), "")
    seconds = seconds_of(value, now=now)
    return seconds if seconds is not None and math.isfinite(seconds) else 0.0


def _clock_hint(slowed: int) -> str:
    """Being slowed down until the end was traced to drifting clocks of virtual machines."""
    if slowed < 3:
        return ""
    return "GitHub kept asking for fewer checks. The clock of this computer may be running fast."
