"""The only place where an upstream status and body become a `Problem`.

The table is `upstream.md` §11.2, §11.3 and §2.5 with `translation.md` §13.1 on top: a code decides
before a phrase, a phrase before the status. Nothing here sends, waits or retries; the client asks
`token_refused` whether a new Copilot token could help.

A generic 4xx keeps its number, so that clients see what upstream said.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import TypedDict
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from copilot_desktop.errors import (
    AutoChoiceOver,
    Blocked,
    BodyTooLarge,
    ContentFiltered,
    InputTooLarge,
    InvalidRequest,
    NoCopilot,
    Outdated,
    Overloaded,
    Problem,
    QuotaExhausted,
    RateLimited,
    SignInExpired,
    UnknownModel,
    Unreachable,
    UpstreamFault,
    UpstreamTimeout,
)
from copilot_desktop.upstream.http import place
from copilot_desktop.upstream.quota_headers import window_of
from copilot_desktop.upstream.refusal import Refusal, read_refusal, spoken_date

QUOTA_CODES = frozenset({
    "quota_exceeded", "free_quota_exceeded", "overage_limit_reached", "session_quota_exceeded",
    "billing_not_configured", "insufficient_quota",
})  # fmt: skip
RATE_CODES = frozenset({
    "rate_limited", "user_global_rate_limited", "user_weekly_rate_limited",
    "user_model_rate_limited", "integration_rate_limited", "agent_mode_limit_exceeded",
    "model_overloaded", "upstream_provider_rate_limit", "rate_limit_exceeded",
})  # fmt: skip
MODEL_CODES = frozenset({
    "model_not_supported", "model_not_available_for_integrator", "model_not_found",
})  # fmt: skip
TOO_LONG_CODES = frozenset({"model_max_prompt_tokens_exceeded", "context_length_exceeded"})
SHORTEST_PERIOD = 3600.0  # seconds; no allowance is counted by less
TOKEN_CODES = frozenset({"expired_token", "invalid_token", "token_expired"})
FILTER_CODES = frozenset({"content_filter", "content_policy_violation"})

# Notifications of the token exchange that mean "this account has no Copilot" (§2.5). All others
# are GitHub's decision about an account that may well have it.
_NO_SEAT = frozenset({
    "not_signed_up", "no_copilot_access", "subscription_ended", "subscription_trial_ended",
    "expired_coupon", "revoked_coupon", "enterprise_managed_user_account",
})  # fmt: skip

_AUTO_MODE = ("auto-mode selector", "copilot-session-token")
_NOT_ABOUT_TOKEN = ("does not belong to this connection", *_AUTO_MODE)
_FORBIDDEN = ("forbidden", "access to this endpoint is forbidden")
_TOO_LONG = (
    re.compile(r"prompt token count of (\d+) exceeds the limit of (\d+)"),
    re.compile(r"prompt is too long: (\d+) tokens > (\d+) maximum"),
    re.compile(r"maximum context length is (?P<limit>\d+) tokens.{0,80}?(?P<tokens>\d+) tokens"),
)
_OFFERED = re.compile(r"available models: \[([^\]]*)\]", re.IGNORECASE)
_QUOTED_MODEL = re.compile(r"model[: ]+[\"'`]([^\"'`\s]{1,100})[\"'`]", re.IGNORECASE)


def problem_from(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    url: str,
    model: str = "",
    now: float | None = None,
) -> Problem:
    """The Problem for an answer that is not a success. Never raises.

    `url` is the address that was asked (only its host is named), `model` the id that was sent,
    `now` the wall clock for dates in headers.
    """
    refusal = read_refusal(status, headers, body)
    now = time.time() if now is None else now
    problem = (
        _by_words(refusal, model, now)
        or _by_exchange(refusal)
        or _by_middlebox(refusal, url)
        or _by_status(refusal, now)
    )
    problem.by_github = "x-github-request-id" in refusal.headers
    return problem


def token_refused(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Could a fresh Copilot token help? True for token texts and for an opaque 403 (§2.4)."""
    refusal = read_refusal(status, headers, body)
    words = refusal.words
    if status == 401:
        foreign = any(phrase in words for phrase in _NOT_ABOUT_TOKEN)
        return not (foreign or refusal.html or "authorize_url" in refusal.details)
    if status == 400:
        return "authorization header is badly formatted" in words
    return status == 403 and (refusal.code in TOKEN_CODES or _opaque(refusal))


def _opaque(refusal: Refusal) -> bool:
    """A 403 that gives no reason: a stale token, the wrong host, or a policy."""
    if refusal.status != 403 or refusal.details or refusal.html:
        return False
    return refusal.message.lower() in _FORBIDDEN or (
        not refusal.by_middlebox and not refusal.message
    )


def _by_words(refusal: Refusal, model: str, now: float) -> Problem | None:
    """What a code or phrase says, whatever the status."""
    code, words, status = refusal.code, refusal.words, refusal.status
    if status >= 500 and code not in QUOTA_CODES:
        return None
    if code in QUOTA_CODES or status == 402:
        return _quota(refusal, now)
    if code == "extension_blocked":
        return Blocked(**_facts(refusal))
    if code in RATE_CODES or status == 429 or "api rate limit exceeded" in words:
        return RateLimited(**_facts(refusal), retry_after=refusal.wait(now=now))
    if "secondary rate limit" in words:
        return RateLimited(**_facts(refusal), retry_after=refusal.wait(now=now))
    if too_long := _too_long(refusal):
        return too_long
    if code in MODEL_CODES or "requested model is not" in words:
        return _unknown_model(refusal, model)
    if code in FILTER_CODES or "responsible ai" in words:
        return ContentFiltered(**_facts(refusal))
    if any(phrase in words for phrase in _AUTO_MODE):
        return AutoChoiceOver(**_facts(refusal))
    if any(phrase in words for phrase in _NOT_ABOUT_TOKEN):
        return _invalid(refusal, 400)
    if code in TOKEN_CODES or "authorization header is badly formatted" in words:
        return SignInExpired(**_facts(refusal))
    return None


def _by_exchange(refusal: Refusal) -> Problem | None:
    """The 403 of the token exchange: GitHub's own words and link, the account stays signed in."""
    notice = refusal.details.get("error_details")
    if refusal.status != 403 or not isinstance(notice, Mapping):
        return None
    told = {key: value for key, value in notice.items() if isinstance(value, str)}
    name = told.get("notification_id", "")
    facts = _facts(refusal, detail=told.get("message", ""), code=name)
    if name == "server_error":
        return UpstreamFault(**facts)
    kind = NoCopilot if name in _NO_SEAT or not name else Blocked
    return kind(**facts, url=_github_link(told.get("url", "")))


def _by_middlebox(refusal: Refusal, url: str) -> Problem | None:
    if not refusal.by_middlebox or not (refusal.html or refusal.status in (403, 407, 451)):
        return None
    if _opaque(refusal):  # Copilot's own text; its id may have been lost on the way
        return None
    reason = f"a proxy or firewall on the way answered with status {refusal.status}"
    return Unreachable(
        fields={"host": place(url), "reason": reason}, upstream_status=refusal.status
    )


def _by_status(refusal: Refusal, now: float) -> Problem:
    status, facts = refusal.status, _facts(refusal)
    match status:
        case 400 if not refusal.message and not refusal.code:
            return UpstreamFault(**_facts(refusal, detail="Status 400 without a reason."))
        case 401:
            if "authorize_url" in refusal.details:
                return Blocked(**facts)
            return SignInExpired(**facts)
        case 403:
            return Blocked(**facts)
        case 408 | 504:
            return UpstreamTimeout(**facts)
        case 413:
            advice = "GitHub Copilot refuses a request of this size. Fewer or smaller images help."
            return BodyTooLarge(**_facts(refusal, detail=advice))
        case 422 if not refusal.details:
            return ContentFiltered(**facts)
        case 466:
            return Outdated(**facts)
        case 503 | 529:
            return Overloaded(**facts, retry_after=refusal.wait(now=now))
        case _ if 400 <= status < 500 and status != 421:
            return _invalid(refusal, status)
        case _:
            detail = f"Status {status}. {refusal.message}".strip()
            return UpstreamFault(
                **_facts(refusal, detail=detail), retry_after=refusal.wait(now=now)
            )


def _quota(refusal: Refusal, now: float) -> QuotaExhausted:
    wait = refusal.wait(now=now)
    reset = _reset_of_meters(refusal.headers)
    if reset is None and wait is not None and wait >= SHORTEST_PERIOD:
        reset = now + wait  # a shorter wait is politeness, not the day the allowance comes back
    # A date that is over does not say when the allowance comes back.
    if reset is not None and reset <= now:
        reset = None
    fields = {} if reset is None else {"reset": spoken_date(reset, now=now)}
    return QuotaExhausted(**_facts(refusal), fields=fields, retry_after=wait)


def _reset_of_meters(headers: Mapping[str, str]) -> float | None:
    """When the meter that is empty fills up again, from the quota headers of the same answer."""
    for name, value in headers.items():
        if name.startswith("x-quota-snapshot-"):
            window = window_of(value)
            if window.percent_left is not None and window.percent_left <= 0:
                return window.resets_at
    return None


def _too_long(refusal: Refusal) -> InputTooLarge | None:
    for phrase in _TOO_LONG:
        if found := phrase.search(refusal.message):
            named = found.groupdict()
            tokens, limit = (named["tokens"], named["limit"]) if named else found.groups()[:2]
            return InputTooLarge(**_facts(refusal), fields={"tokens": tokens, "limit": limit})
    if refusal.code in TOO_LONG_CODES or "input is too long" in refusal.words:
        return InputTooLarge(**_facts(refusal))
    return None


def _unknown_model(refusal: Refusal, model: str) -> UnknownModel:
    quoted = _QUOTED_MODEL.search(refusal.message)
    fields = {"model": model or (quoted.group(1) if quoted else "of this name")}
    if offered := _OFFERED.search(refusal.message):
        fields["alternatives"] = ", ".join(offered.group(1).replace(",", " ").split()[:5])
    if refusal.code == "model_not_available_for_integrator" or "integrator" in refusal.words:
        fields["reason"] = "This account or this app may not use it."
    else:
        fields["reason"] = "It is not known to GitHub Copilot or not enabled for this account."
    return UnknownModel(**_facts(refusal, detail=""), fields=fields)


def _invalid(refusal: Refusal, status: int) -> InvalidRequest:
    detail = refusal.message or f"GitHub Copilot answered with status {status}."
    problem = InvalidRequest(**_facts(refusal, detail=detail))
    problem.status = status
    return problem


class _Facts(TypedDict):
    detail: str
    code: str | None
    upstream_status: int
    request_id: str | None


def _facts(refusal: Refusal, *, detail: str | None = None, code: str | None = None) -> _Facts:
    """What every Problem from upstream carries."""
    return _Facts(
        detail=refusal.message if detail is None else detail,
        code=code or refusal.code or None,
        upstream_status=refusal.status,
        request_id=refusal.request_id,
    )


def _github_link(url: str) -> str | None:
    """GitHub's own link if it really leads to GitHub; without the template marks it may hold."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme != "https" or not (host == "github.com" or host.endswith(".github.com")):
        return None
    kept = [(name, value) for name, value in parse_qsl(parts.query) if "{" not in value]
    return urlunsplit(parts._replace(query=urlencode(kept), fragment=""))
