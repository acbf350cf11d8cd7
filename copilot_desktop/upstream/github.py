"""The three calls that the user's GitHub token is sent to: exchange, account, person.

One call each, no state, no retry. A refusal becomes a Problem through `failures`; the little that
is special about the exchange is here: its 403 means "no Copilot" unless GitHub says otherwise, and
its 404 means that this token's app may not exchange tokens (`upstream.md` §2.5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from copilot_desktop.errors import Blocked, NoCopilot, NotUnderstood, Problem, Unreachable
from copilot_desktop.upstream.failures import problem_from
from copilot_desktop.upstream.http import Answer, fetch_json
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.payloads import CopilotToken, GitHubUser, read

SIGN_UP = "https://github.com/features/copilot/plans"


class GitHub:
    """`timeout` in seconds bounds each call; `wall` is the clock for dates in headers."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        origins: Origins,
        identity: Identity,
        *,
        timeout: float,
        wall: Callable[[], float],
    ) -> None:
        self._http = http
        self._api = origins.api
        self._identity = identity
        self._timeout = timeout
        self._wall = wall

    async def exchange(self, token: str) -> CopilotToken | None:
        """A Copilot token for a GitHub token; None if this token's app may not ask for one.

        Raises SignInExpired (401), NoCopilot or Blocked (403), RateLimited, Unreachable,
        UpstreamTimeout, UpstreamFault.
        """
        answer = await self._get("/copilot_internal/v2/token", token)
        if answer.status != 200:
            problem = self._problem(answer)
            if answer.status == 404 and not isinstance(problem, Unreachable):
                return None
            raise _without_copilot(problem)
        return read(CopilotToken, answer.body, what="The Copilot token")

    async def account(self, token: str) -> dict[str, Any]:
        """`/copilot_internal/user`, raw: plan, access, limits (§10.2). Raises as `exchange`."""
        answer = await self._get("/copilot_internal/user", token)
        if answer.status != 200:
            problem = self._problem(answer)
            if answer.status == 404 and not isinstance(problem, Unreachable):
                raise no_copilot(status=404)
            raise problem
        if not isinstance(answer.body, dict):
            raise NotUnderstood("The account could not be understood.")
        return answer.body

    async def person(self, token: str) -> GitHubUser:
        """`/user`: login and id (§10.1)."""
        answer = await self._get("/user", token)
        if answer.status != 200:
            raise self._problem(answer)
        return read(GitHubUser, answer.body, what="The GitHub user")

    async def _get(self, path: str, token: str) -> Answer:
        headers = self._identity.github_headers(token)
        return await fetch_json(
            self._http, "GET", self._api + path, headers=headers, timeout=self._timeout
        )

    def _problem(self, answer: Answer) -> Problem:
        return refused(answer, url=self._api, now=self._wall())


def refused(answer: Answer, *, url: str, now: float) -> Problem:
    """The Problem of an answer that is not a success."""
    headers: Mapping[str, str] = answer.headers
    return problem_from(answer.status, headers, answer.text.encode(), url=url, now=now)


def no_copilot(detail: str = "", *, status: int | None = None) -> NoCopilot:
    """The account is fine and has no Copilot; with the place where GitHub offers it."""
    return NoCopilot(detail, upstream_status=status, url=SIGN_UP)


def _without_copilot(problem: Problem) -> Problem:
    """A 403 without GitHub's reasons is "no Copilot" too, and each such answer has a link."""
    if isinstance(problem, NoCopilot) and not problem.url:
        problem.url = SIGN_UP
    if isinstance(problem, Blocked) and not problem.code and problem.upstream_status == 403:
        found = no_copilot(problem.detail, status=403)
        found.request_id = problem.request_id
        return found
    return problem
