"""Everything that can go wrong, as one tree.

A class is in this tree only if some caller branches on it or if it has its own sentence for
people. It knows its HTTP status, whether trying again can help, whether a new sign-in is needed
and what the user can do. It does not know any dialect: each dialect turns a `Problem` into its own
error body, the window into words and a button, the terminal into one line and an exit code.

    Problem ─ internal_error 500
    ├─ Refused              403 refused              a foreign page, a wrong Host
    │  ├─ WrongKey          401 wrong_key            the local key is missing or wrong
    │  └─ NotApproved       403 not_approved         the user was asked, and it was not allowed
    ├─ BadSetting           500 bad_setting          a setting or flag that cannot be used
    ├─ InvalidRequest       400 invalid_request
    │  ├─ NotExpressible    400 not_expressible      the target dialect cannot say it
    │  ├─ InputTooLarge     400 context_length_exceeded
    │  ├─ BodyTooLarge      413 request_too_large
    │  ├─ WrongMediaType    415 wrong_media_type     only JSON is taken
    │  ├─ NoSuchRoute       404 not_found
    │  │  ├─ DoubledPrefix  404 doubled_prefix       the base URL ends with a /v1 of its own
    │  │  └─ WrongMethod    405 method_not_allowed
    │  ├─ UnknownModel      404 model_not_found      carries alternatives
    │  ├─ AutoChoiceOver    400 auto_choice_over     another choice may be asked for, once
    │  ├─ ContentFiltered   400 content_filter
    │  ├─ NotSupported      501 not_supported        an endpoint that Copilot has no counterpart for
    │  └─ HttpOnly          426 http_only            a WebSocket was asked for
    ├─ NotSignedIn          401 not_signed_in        needs a sign-in
    │  └─ SignInExpired     401 sign_in_expired
    ├─ SignInFailed         401 sign_in_failed       the device flow ended without a token
    │  ├─ SignInDenied      401 sign_in_denied
    │  ├─ SignInCodeExpired 401 sign_in_code_expired
    │  └─ SignInCancelled   401 sign_in_cancelled
    ├─ NoCopilot            403 copilot_not_enabled  GitHub account without Copilot
    ├─ Blocked              403 blocked_by_policy
    ├─ QuotaExhausted       402 insufficient_quota   carries the reset date
    │  └─ BudgetSpent       402 budget_spent         the limit that the user has set himself
    │     └─ KeyBudgetSpent 402 key_budget_spent     the limit that he has set for one local key
    ├─ RateLimited          429 rate_limited         carries the wait
    │  └─ Busy              429 busy                 too many requests of the user's own
    ├─ Paused               503 paused               sending is stopped to protect the account
    ├─ Unreachable          502 unreachable          host and reason named
    │  └─ Impostor          502 not_like_github      something on the way answered in its place
    ├─ UpstreamTimeout      504 upstream_timeout
    ├─ UpstreamFault        502 upstream_fault
    │  ├─ Overloaded        503 overloaded
    │  ├─ CutShort          502 cut_short            the stream ended before it was complete
    │  ├─ NotUnderstood     502 not_understood       GitHub has changed what it answers
    │  └─ Outdated          400 client_outdated
    ├─ ShuttingDown         503 shutting_down
    ├─ PortTaken            500 port_taken           names the holder and the next free port
    └─ StorageFailed        500 storage_failed       carries backend or path
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from copilot_desktop.redaction import redact

DETAIL_LIMIT = 500  # characters of upstream text that a person is shown
CODE_LIMIT = 100


class Action(StrEnum):
    """What the user can do about a problem; the window shows it as a button."""

    NONE = "none"
    SIGN_IN = "sign_in"
    RETRY = "retry"
    OPEN_URL = "open_url"
    CHANGE_PORT = "change_port"
    CHOOSE_STORE = "choose_store"


class Problem(Exception):
    """Base of the tree. `str(problem)` is the sentence for people, without secrets.

    `detail` is what the other side said (redacted, at most 500 characters); `retry_after` is in
    seconds; `code` is upstream's own error code where one was sent; `fields` fill the sentence.
    """

    kind: ClassVar[str] = "internal_error"
    status: int = 500  # an instance may keep the 4xx that upstream gave
    sentence: ClassVar[str] = "Something went wrong in Copilot Desktop."
    action: ClassVar[Action] = Action.NONE
    retryable: ClassVar[bool] = False
    requires_reauth: ClassVar[bool] = False
    by_github: bool = True  # False: an answer that may be of something on the way (`failures`)

    def __init__(
        self,
        detail: str = "",
        *,
        fields: Mapping[str, str] | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        upstream_status: int | None = None,
        request_id: str | None = None,
        url: str | None = None,
    ) -> None:
        self.detail = redact(detail.strip())[:DETAIL_LIMIT]
        self.fields: dict[str, str] = {k: redact(v) for k, v in (fields or {}).items()}
        self.code = redact(code[:CODE_LIMIT]) if code else code
        self.retry_after = retry_after
        self.upstream_status = upstream_status
        self.request_id = request_id
        self.url = url
        super().__init__(self.message)

    @property
    def headline(self) -> str:
        """The sentence alone, with its placeholders filled."""
        return self.sentence.format_map(_Blank(self.fields)).strip()

    @property
    def message(self) -> str:
        """The sentence, followed by what the other side said, if that adds anything."""
        headline = self.headline
        if not self.detail or self.detail in headline:
            return headline
        return f"{headline} {self.detail}"

    def __str__(self) -> str:
        return self.message


class _Blank(dict[str, str]):
    """A sentence with a missing field is still a sentence."""

    def __missing__(self, key: str) -> str:
        return "unknown"


class Refused(Problem):
    kind = "refused"
    status = 403
    sentence = "Copilot Desktop refused this request: {reason}."


class WrongKey(Refused):
    kind = "wrong_key"
    status = 401
    sentence = "This proxy needs its own key. Copy it from Copilot Desktop."


class NotApproved(Refused):
    """`fields`: `client` and `reason`."""

    kind = "not_approved"
    sentence = (
        "{client} was not allowed to use Copilot: {reason}. "
        "Allow it in the window of Copilot Desktop, or turn off Settings, Proxy, Ask before use."
    )


class BadSetting(Problem):
    kind = "bad_setting"
    sentence = "{name} cannot be used: {reason}."


class InvalidRequest(Problem):
    kind = "invalid_request"
    status = 400
    sentence = "The request is not valid."

    @property
    def message(self) -> str:
        return self.detail or self.headline


class NotExpressible(InvalidRequest):
    """`fields["what"]` names what cannot be said to this model."""

    kind = "not_expressible"
    sentence = "{what} is not available for {model} through Copilot."


class InputTooLarge(InvalidRequest):
    """`fields` may hold `tokens` and `limit`; dialects word it as their clients expect."""

    kind = "context_length_exceeded"
    sentence = "The input is too long for this model: {tokens} tokens, the limit is {limit}."

    @property
    def message(self) -> str:
        return self.headline if "limit" in self.fields else self.detail or "The input is too long."


class BodyTooLarge(InvalidRequest):
    kind = "request_too_large"
    status = 413
    sentence = "The request is larger than {limit}."


class WrongMediaType(InvalidRequest):
    """A simple form can send anything but JSON without asking first, so only JSON is taken."""

    kind = "wrong_media_type"
    status = 415
    sentence = "Send the body as application/json, without Content-Encoding."


class NoSuchRoute(InvalidRequest):
    kind = "not_found"
    status = 404
    sentence = "{method} {path} is not part of this proxy."


class DoubledPrefix(NoSuchRoute):
    kind = "doubled_prefix"
    sentence = "{method} {path} has one /v1 too many. Take /v1 off the end of the base URL."


class WrongMethod(NoSuchRoute):
    kind = "method_not_allowed"
    status = 405
    sentence = "{method} is not possible for {path}."


class UnknownModel(InvalidRequest):
    """`fields`: `model`, `alternatives` (comma separated), `reason` (both optional)."""

    kind = "model_not_found"
    status = 404
    sentence = "Model {model} is not available."

    @property
    def message(self) -> str:
        parts = [self.headline, self.fields.get("reason", ""), self.detail]
        if closest := self.fields.get("alternatives"):
            parts.append(f"Closest: {closest}.")
        return " ".join(part for part in parts if part)


class AutoChoiceOver(InvalidRequest):
    """Copilot does not know (any more) that it chose this model itself (`upstream.md` §5.4)."""

    kind = "auto_choice_over"
    sentence = "GitHub Copilot refuses its own choice of a model. Name a model instead of auto."

    @property
    def message(self) -> str:
        return self.headline


class ContentFiltered(InvalidRequest):
    kind = "content_filter"
    sentence = "GitHub's content filter stopped this request."


class NotSupported(InvalidRequest):
    kind = "not_supported"
    status = 501
    sentence = "{what} is not available: GitHub Copilot has no such service."


class HttpOnly(InvalidRequest):
    """The status on which Codex turns to HTTP at once; on others it tries seven times first."""

    kind = "http_only"
    status = 426
    sentence = "This address is answered over HTTP, not over a WebSocket."


class NotSignedIn(Problem):
    kind = "not_signed_in"
    status = 401
    sentence = "Nobody is signed in. Sign in with Copilot Desktop or with `copilot-desktop login`."
    action = Action.SIGN_IN
    requires_reauth = True


class SignInExpired(NotSignedIn):
    kind = "sign_in_expired"
    sentence = "GitHub no longer accepts the saved sign-in. Open Copilot Desktop and sign in again."


class SignInFailed(Problem):
    kind = "sign_in_failed"
    status = 401
    sentence = "The sign-in did not work."
    action = Action.SIGN_IN


class SignInDenied(SignInFailed):
    kind = "sign_in_denied"
    sentence = "Access was refused on GitHub."


class SignInCodeExpired(SignInFailed):
    kind = "sign_in_code_expired"
    sentence = "The code has expired before it was entered on GitHub."


class SignInCancelled(SignInFailed):
    kind = "sign_in_cancelled"
    sentence = "The sign-in was cancelled."


class NoCopilot(Problem):
    """`url` is GitHub's own link where it sent one."""

    kind = "copilot_not_enabled"
    status = 403
    sentence = "GitHub Copilot subscription required."
    action = Action.OPEN_URL


class Blocked(Problem):
    kind = "blocked_by_policy"
    status = 403
    sentence = "GitHub does not allow this for your account."


class QuotaExhausted(Problem):
    """`fields["reset"]` is the date on which the allowance comes back, if known."""

    kind = "insufficient_quota"
    status = 402
    sentence = "The GitHub Copilot allowance is used up."

    @property
    def headline(self) -> str:
        reset = self.fields.get("reset")
        if not reset:
            return self.sentence
        return f"The GitHub Copilot allowance is used up until {reset}."

    @property
    def advice(self) -> str:
        """For a client that puts its own words around it, and ends them itself."""
        return "See your GitHub Copilot settings on GitHub"


class BudgetSpent(QuotaExhausted):
    """`fields`: `budget` ("20 AI credits a day"), `until` (a local day), `reset` (the same moment
    as the allowance has it). Nothing was sent."""

    kind = "budget_spent"
    sentence = (
        "Your own budget of {budget} is used up until {until}. "
        "Change it in Copilot Desktop under Usage, Budget."
    )

    @property
    def headline(self) -> str:
        return self.sentence.format_map(_Blank(self.fields))

    @property
    def advice(self) -> str:
        return self.headline.rstrip(".")


class KeyBudgetSpent(BudgetSpent):
    """As its parent, and `key`: the name of the local key."""

    kind = "key_budget_spent"
    sentence = (
        "The budget of the key {key}, {budget}, is used up until {until}. "
        "Change it in Copilot Desktop under Settings, Proxy, Keys."
    )


class RateLimited(Problem):
    kind = "rate_limited"
    status = 429
    sentence = "GitHub Copilot asks to wait."
    action = Action.RETRY
    retryable = True

    @property
    def headline(self) -> str:
        if self.retry_after is None:
            return self.sentence
        return f"GitHub Copilot asks to wait {spoken_wait(self.retry_after)}."


class Busy(RateLimited):
    kind = "busy"
    sentence = "Copilot Desktop is busy: {reason}."

    @property
    def headline(self) -> str:
        return self.sentence.format_map(_Blank(self.fields))


class Paused(Problem):
    """`fields`: `reason` and `way_on`; `detail` is what GitHub said. Never worth a retry."""

    kind = "paused"
    status = 503
    sentence = "Copilot Desktop has paused sending to protect your account: {reason}."

    @property
    def message(self) -> str:
        said = f"GitHub said: {self.detail}" if self.detail else ""
        parts = (self.headline, self.fields.get("way_on", ""), said)
        return " ".join(part for part in parts if part)


class Unreachable(Problem):
    """`fields`: `host` and `reason`."""

    kind = "unreachable"
    status = 502
    sentence = "{host} could not be reached: {reason}."
    action = Action.RETRY
    retryable = True


class Impostor(Unreachable):
    """A web page where GitHub sends JSON: of a hotel's network, a filter, another server.

    `fields`: `host`.
    """

    kind = "not_like_github"
    sentence = "{host} did not answer like GitHub."


class UpstreamTimeout(Problem):
    kind = "upstream_timeout"
    status = 504
    sentence = "GitHub Copilot did not answer within {seconds} seconds."
    action = Action.RETRY
    retryable = True

    @property
    def headline(self) -> str:
        if "seconds" not in self.fields:  # upstream's own 504 does not say how long it waited
            return "GitHub Copilot did not answer in time."
        return self.sentence.format_map(_Blank(self.fields))


class UpstreamFault(Problem):
    kind = "upstream_fault"
    status = 502
    # opencode and pi try again on these words and "connection lost"; else they give the task up.
    sentence = "GitHub Copilot answered with a server error."
    action = Action.RETRY
    retryable = True


class Overloaded(UpstreamFault):
    kind = "overloaded"
    status = 503
    sentence = "The model is overloaded at the moment."


class CutShort(UpstreamFault):
    kind = "cut_short"
    sentence = "Connection lost before GitHub Copilot's answer was complete."


class NotUnderstood(UpstreamFault):
    """An answer in a form that this version does not know; trying again gives the same one."""

    kind = "not_understood"
    sentence = "GitHub answered in a way that this version does not know."


class Outdated(UpstreamFault):
    kind = "client_outdated"
    status = 400  # 5xx would invite a retry, and that cannot help
    sentence = "GitHub asks for a newer version of this app."
    action = Action.NONE
    retryable = False


class ShuttingDown(Problem):
    kind = "shutting_down"
    status = 503
    sentence = "Copilot Desktop is stopping."


class PortTaken(Problem):
    """`fields`: `port`, `holder` (a name, or "another program"), `next` (a free port)."""

    kind = "port_taken"
    sentence = "Port {port} is already in use by {holder}. Port {next} is free."
    action = Action.CHANGE_PORT


class StorageFailed(Problem):
    """`fields["where"]` is the backend's name or the path."""

    kind = "storage_failed"
    sentence = "The place of the sign-in cannot be used: {where}."
    action = Action.CHOOSE_STORE


def spoken_wait(seconds: float) -> str:
    """`75 -> "75 seconds"`, `600 -> "10 minutes"`, `200000 -> "56 hours"`."""
    if seconds < 120:
        whole = max(1, round(seconds))
        return "1 second" if whole == 1 else f"{whole} seconds"
    if seconds < 2 * 3600:
        return f"{round(seconds / 60)} minutes"
    return f"{round(seconds / 3600)} hours"
