"""What a refusal says about the account: a warning, a closed door without a reason, or a limit.

GitHub looks for use that does not come from its own editors, and going on after a warning is what
gets an account suspended (`upstream.md` §12). This module only reads; `circuit` decides what
follows. A code decides alone; phrases count only without one, and only in GitHub's own answers,
since a company's web filter speaks of policies too. Only refusals count: a model's own words, or a
complaint about a request's content, never do.
"""

from __future__ import annotations

import re

from copilot_desktop.errors import Blocked, NoCopilot, Problem, RateLimited

# `upstream.md` §2.5, §11.3, §12: GitHub noticed use that it does not want.
_CODES = frozenset({
    "access_revoked", "extension_blocked", "go_http_client", "programmatic_token_generation",
    "spammy_user",
})  # fmt: skip
_PHRASES = re.compile(
    r"\babus(?:e|ive|ing)\b"
    r"|\b(?:abnormal|unusual|suspicious|excessive|inauthentic)\b.{0,40}?\b(?:activity|usage|use)\b"
    r"|\b(?:account|access|copilot)\b.{0,60}?\b(?:suspended|banned|revoked)\b"
    r"|\bsuspended\b.{0,40}?\b(?:account|access)\b"
    r"|\bviolat\w+\b.{0,60}?\bterms\b"
    r"|\bacceptable use\b",
    re.IGNORECASE,
)
_NO_REASON = frozenset({"", "forbidden", "access to this endpoint is forbidden"})  # §11.2, 403
# Limits over all models (§11.3). Others are taken as limits of the model that was asked.
_GLOBAL = frozenset({
    "agent_mode_limit_exceeded", "integration_rate_limited", "user_global_rate_limited",
    "user_weekly_rate_limited",
})  # fmt: skip


def is_warning(problem: Problem) -> bool:
    """GitHub has noticed this use and does not want it to go on."""
    if not isinstance(problem, Blocked | NoCopilot | RateLimited):
        return False
    if problem.code:
        return problem.code in _CODES
    return problem.by_github and bool(_PHRASES.search(problem.detail))


def is_closed_door(problem: Problem) -> bool:
    """A 403 that gives no reason: a token, the host, or a policy that is not told."""
    if not isinstance(problem, Blocked) or problem.upstream_status != 403 or problem.code:
        return False
    return problem.detail.lower().rstrip(".") in _NO_REASON


def limited_model(problem: RateLimited, asked: str) -> str | None:
    """The model that a limit is about; empty if it is about all of them, None if about none: who
    asks too often for the list of models may still ask the models."""
    return "" if problem.code in _GLOBAL else asked or None
