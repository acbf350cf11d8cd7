"""The control answers of GitHub, read in two tiers.

A few fields decide whether an answer can be used at all; they are checked strictly and anything
wrong there makes the whole answer unusable. Everything else is optional, unknown keys are allowed,
and a value of an unexpected type counts as missing (`upstream.md` §2.2): GitHub adds and changes
such fields without notice. Errors never quote the input, which may be a token.

Each field names its check. A dozen lines read them all, because these answers come with every
start, and pydantic would be loaded for them alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import partial
from typing import TypeVar

from copilot_desktop.errors import NotUnderstood

_TOKEN = re.compile(r"[A-Za-z0-9_]{8,255}")
_USER_CODE = re.compile(r"[A-Z0-9-]{4,16}")
_LONGEST_CODE_LIFE = 3600.0  # seconds; GitHub gives 900

T = TypeVar("T")


class _Unusable(Exception):
    """A value is not what its field wants."""


def _must(check: Callable[[object], T], *, shown: bool = True) -> T:
    """A field without which the answer is of no use."""
    made: T = field(metadata={"check": check}, repr=shown)
    return made


def _may(check: Callable[[object], T], *, shown: bool = True) -> T | None:
    """A field that may be missing, and is where its value is an odd one."""
    made: T | None = field(default=None, metadata={"check": check}, repr=shown)
    return made


def _text(value: object, least: int = 0, most: int | None = None) -> str:
    if not isinstance(value, str) or not least <= len(value) <= (most or len(value)):
        raise _Unusable
    try:
        value.encode()
    except UnicodeEncodeError:  # half a letter: JSON can say so, and nothing can be done with it
        raise _Unusable from None
    return value


def _name(value: object) -> str:
    """One line that can be shown anywhere."""
    text = _text(value, most=200)
    if not text.isprintable():
        raise _Unusable
    return text


def _number(value: object, above: float = -math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unusable
    try:
        number = float(value)
    except OverflowError:
        raise _Unusable from None
    if not math.isfinite(number) or number <= above:
        raise _Unusable
    return number


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Unusable
    return value


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Unusable
    return value


def _made(model: type[T], body: object) -> T:
    """Raises _Unusable."""
    if not isinstance(body, dict):
        raise _Unusable
    values = {}
    for each in fields(model):  # type: ignore[arg-type]
        try:
            values[each.name] = each.metadata["check"](body.get(each.name))
        except _Unusable:
            if each.default is MISSING:
                raise
    return model(**values)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Base URLs, unchecked: `Origins.pinned` decides whether one may be used."""

    api: str | None = _may(_text)


def _endpoints(value: object) -> Endpoints:
    return _made(Endpoints, value)


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """Answer to the start of a device flow. `expires_in` and `interval` in seconds."""

    device_code: str = _must(partial(_text, least=1, most=255), shown=False)
    user_code: str = _must(_text)
    verification_uri: str = _must(_text)
    expires_in: float = _must(partial(_number, above=0))
    interval: float | None = _may(_number)

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


@dataclass(frozen=True, slots=True)
class PollAnswer:
    """Answer to one poll; GitHub uses status 200 for most of its errors too (§1.2)."""

    access_token: str | None = _may(_text, shown=False)
    error: str | None = _may(_text)
    error_description: str | None = _may(_text)
    interval: float | None = _may(_number)

    def slower(self, pace: float) -> float:
        """The new pace after `slow_down`: the one GitHub names, else five seconds more."""
        if self.interval is not None and _positive(self.interval) and self.interval > pace:
            return self.interval
        return pace + 5.0


@dataclass(frozen=True, slots=True)
class CopilotToken:
    """Answer of the token exchange. Only the first three fields may be relied on (§2.2)."""

    token: str = _must(partial(_text, least=1), shown=False)
    expires_at: float = _must(_number)
    refresh_in: float = _must(_number)
    endpoints: Endpoints | None = _may(_endpoints)  # noqa: RUF009
    sku: str | None = _may(_text)
    chat_enabled: bool | None = _may(_switch)


@dataclass(frozen=True, slots=True)
class CopilotUser:
    """The parts of `/copilot_internal/user` that describe the account; the quota reads the rest."""

    login: str | None = _may(_name)
    copilot_plan: str | None = _may(_name)
    access_type_sku: str | None = _may(_text)
    chat_enabled: bool | None = _may(_switch)
    endpoints: Endpoints | None = _may(_endpoints)  # noqa: RUF009

    @property
    def has_access(self) -> bool:
        return self.access_type_sku != "no_access"

    @property
    def named_api(self) -> str | None:
        return self.endpoints.api if self.endpoints else None


@dataclass(frozen=True, slots=True)
class GitHubUser:
    """Who signed in (§10.1)."""

    login: str = _must(_name)
    id: int | None = _may(_whole)


@dataclass(frozen=True, slots=True)
class Release:
    """The newest version of this app, on the releases page of its project."""

    tag_name: str = _must(partial(_text, most=80))


def read(model: type[T], body: object, *, what: str) -> T:
    """`body` as `model`, or NotUnderstood: "`what` could not be understood"."""
    try:
        return _made(model, body)
    except _Unusable:
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
