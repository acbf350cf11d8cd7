"""The control answers of GitHub, read in two tiers.

A few fields decide whether an answer can be used at all; they are checked strictly and anything
wrong there makes the whole answer unusable. Everything else is optional, unknown keys are allowed,
and a value of an unexpected type counts as missing (`upstream.md` §2.2): GitHub adds and changes
such fields without notice. Errors never quote the input, which may be a token.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    WrapValidator,
)

from copilot_desktop.errors import NotUnderstood

_TOKEN = re.compile(r"[A-Za-z0-9_]{8,255}")
_USER_CODE = re.compile(r"[A-Z0-9-]{4,16}")
_LONGEST_CODE_LIFE = 3600.0  # seconds; GitHub gives 900


def _or_none(value: object, check: Callable[[object], Any]) -> Any:
    try:
        return check(value)
    except ValidationError:
        return None


T = TypeVar("T")
Maybe = Annotated[T | None, WrapValidator(_or_none)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Endpoints(_Answer):
    """Base URLs, unchecked: `Origins.pinned` decides whether one may be used."""

    api: Maybe[StrictStr] = None


class Notice(_Answer):
    """A note that GitHub wants shown once, such as the end of a trial."""

    message: Maybe[StrictStr] = None
    notification_id: Maybe[StrictStr] = None
    title: Maybe[StrictStr] = None
    url: Maybe[StrictStr] = None


class DeviceCode(_Answer):
    """Answer to the start of a device flow. `expires_in` and `interval` in seconds."""

    device_code: StrictStr = Field(min_length=1, max_length=255, repr=False)
    user_code: StrictStr
    verification_uri: StrictStr
    expires_in: float = Field(gt=0, strict=True, allow_inf_nan=False)
    interval: Maybe[float] = None

    @property
    def pace(self) -> float:
        """Seconds between polls: at least 1, and 5 where GitHub sent no positive number."""
        return max(self.interval, 1.0) if _positive(self.interval) and self.interval else 5.0

    @property
    def lifetime(self) -> float:
        return min(self.expires_in, _LONGEST_CODE_LIFE)

    @property
    def shown(self) -> bool:
        """Does the user code look like one? It is put on the screen in large letters."""
        return _USER_CODE.fullmatch(self.user_code) is not None


class PollAnswer(_Answer):
    """Answer to one poll; GitHub uses status 200 for most of its errors too (§1.2)."""

    access_token: Maybe[StrictStr] = Field(default=None, repr=False)
    error: Maybe[StrictStr] = None
    error_description: Maybe[StrictStr] = None
    interval: Maybe[float] = None

    def slower(self, pace: float) -> float:
        """The new pace after `slow_down`: the one GitHub names, else five seconds more."""
        if self.interval is not None and _positive(self.interval) and self.interval > pace:
            return self.interval
        return pace + 5.0


class CopilotToken(_Answer):
    """Answer of the token exchange. Only the first three fields may be relied on (§2.2)."""

    token: StrictStr = Field(min_length=1, repr=False)
    expires_at: float = Field(strict=True, allow_inf_nan=False)
    refresh_in: float = Field(strict=True, allow_inf_nan=False)
    endpoints: Maybe[Endpoints] = None
    sku: Maybe[StrictStr] = None
    individual: Maybe[StrictBool] = None
    chat_enabled: Maybe[StrictBool] = None
    copilotignore_enabled: Maybe[StrictBool] = None
    user_notification: Maybe[Notice] = None


class CopilotUser(_Answer):
    """The parts of `/copilot_internal/user` that describe the account; the quota reads the rest."""

    login: Maybe[StrictStr] = None
    copilot_plan: Maybe[StrictStr] = None
    access_type_sku: Maybe[StrictStr] = None
    chat_enabled: Maybe[StrictBool] = None
    endpoints: Maybe[Endpoints] = None

    @property
    def has_access(self) -> bool:
        return self.access_type_sku != "no_access"

    @property
    def named_api(self) -> str | None:
        return self.endpoints.api if self.endpoints else None


class GitHubUser(_Answer):
    """Who signed in (§10.1)."""

    login: StrictStr
    id: Maybe[StrictInt] = None


class Release(_Answer):
    """The newest version of this app, on the releases page of its project."""

    tag_name: StrictStr = Field(max_length=80)


_M = TypeVar("_M", bound=_Answer)


def read(model: type[_M], body: object, *, what: str) -> _M:
    """`body` as `model`, or NotUnderstood: "`what` could not be understood"."""
    try:
        return model.model_validate(body)
    except ValidationError:
        raise NotUnderstood(f"{what} could not be understood.") from None


def is_github_token(text: str) -> bool:
    """The alphabet of every GitHub token (security rule 11)."""
    return _TOKEN.fullmatch(text) is not None


def token_fields(token: str) -> Mapping[str, str]:
    """`tid=…;exp=…;…:mac` of a Copilot token as a mapping (§2.3). Secret, like the token."""
    pairs = (part.partition("=") for part in token.partition(":")[0].split(";"))
    return {key: value for key, equals, value in pairs if equals}


_PLANS = {
    "free": "Free", "free_limited_copilot": "Free", "individual_edu": "Student",
    "free_educational_quota": "Student", "individual": "Pro", "individual_pro": "Pro",
    "individual_pro_plus": "Pro+", "individual_max": "Max", "business": "Business",
    "enterprise": "Enterprise",
}  # fmt: skip
_SKUS = (
    ("free_educational", "Student"), ("free_", "Free"), ("trial_", "Pro trial"),
    ("plus_", "Pro+"), ("max_", "Max"), ("copilot_for_business", "Business"),
    ("copilot_enterprise", "Enterprise"), ("monthly_subscriber", "Pro"),
    ("yearly_subscriber", "Pro"),
)  # fmt: skip


def plan_words(plan: str | None, sku: str | None) -> str:
    """The plan's name for people; "" if unknown. Both are open sets (§2.2, §10.2).

    The SKU decides where it is more exact: Free accounts often call themselves `individual`.
    """
    if sku == "no_access":
        return ""
    exact = next((words for start, words in _SKUS if (sku or "").startswith(start)), "")
    if exact and exact != "Pro":
        return exact
    named = _PLANS.get(plan or "") or exact
    return named or (plan or "").replace("_", " ").capitalize()


def _positive(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0
