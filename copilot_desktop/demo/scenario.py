"""Who the user is and how the fake GitHub behaves, as one value.

A scenario holds only data. What it means is known by the modules that play GitHub and Copilot. The
named ones in `SCENARIOS` are what `--demo=NAME` offers; a test writes its own with `replace()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from copilot_desktop.demo.faults import DropConnection, Fault, HtmlIn200, Slow, Status

Who = Literal[
    "pro", "annual", "free", "business", "pooled", "no_access", "blocked", "low", "exhausted"
]
Poll = Literal["pending", "slow_down", "success", "denied", "expired", "broken", "outage", "drop"]

VSCODE_APP = "Iv1.b507a08c87ecfe98"  # upstream.md 1.3
OPENCODE_APP = "Ov23li8tweQw6odWQebz"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in."""

    login: str
    id: int
    who: Who


@dataclass(frozen=True, slots=True)
class Scenario:
    """Times are in seconds. The defaults are a Pro account that answers at once."""

    name: str = "pro"
    who: Who = "pro"

    # Sign-in.
    client_ids: Mapping[str, str] = field(
        default_factory=lambda: {VSCODE_APP: "ghu_", OPENCODE_APP: "gho_"}
    )
    """Known OAuth apps, and how the tokens begin that they give out."""
    approval: Literal["auto", "manual"] = "auto"
    approve_after: float = 4.0
    """With "auto": how long after the code was made the user agrees."""
    interval: float = 5
    enforce_interval: bool = True
    expires_in: float = 900
    people: tuple[Person, ...] = ()
    """Who signs in: the first one first, then the next, then all over again."""
    polls: tuple[Poll, ...] = ()
    """If given, these answers come first, one for each poll that is not too fast."""

    # GitHub's REST calls.
    exchange_kinds: tuple[str, ...] = ("ghu_",)
    """Beginnings of GitHub tokens that may be exchanged; others get 404."""
    direct_kinds: tuple[str, ...] = ("gho_", "github_pat_")
    """Beginnings of GitHub tokens that Copilot takes as they are."""
    refresh_in: int = 1500
    lifetime: float = 1800
    clock_skew: int = 0
    """Added to `expires_at`, as a wrong clock at either end would."""
    revoke_after_exchanges: int | None = None
    """The GitHub token and all Copilot tokens die once this many exchanges were made."""
    misdirected: int = 0
    """Tokens of the first so many exchanges belong to another plan's host: 421."""
    user: Mapping[str, Any] | None = None
    """If given, the whole answer of `/copilot_internal/user`."""

    release: str = "v0.0.1"
    """The newest version of the app, as its releases page tells it; empty: there is none."""

    # Copilot.
    era: Literal["tokens", "multiplier"] = "tokens"
    catalogue: Literal["demo", "example-10", "example-11"] | tuple[Mapping[str, Any], ...] = "demo"
    auto_only: bool = False
    """No model can be chosen: all are hidden, and only auto mode's calls are answered."""
    auto_models: tuple[str, ...] = ("gpt-5-mini", "claude-haiku-4.5", "gpt-5.3-codex")
    """What auto mode chooses from, its choice first. Without any there is no auto mode."""
    auto_lifetime: float = 3600
    auto_tells_end: bool = True
    min_api_version: str = "2025-04-01"
    pace: float = 0.0
    """Pause after each event of a stream."""
    limit_all: bool = False
    """Every model call is answered 429."""
    warn_all: bool = False
    """Every model call is answered with a block for misuse."""
    outage: bool = False
    """Every model call is answered with GitHub's 502 page."""
    thought_signatures: bool = True
    """Gemini refuses tool history without the opaque reasoning it gave out."""
    sealed_arguments: bool = False
    """Of the arguments of a call, `/responses` streams what only its maker can read; they are plain
    where the call is done."""
    socket_life: float = 3600.0
    """A WebSocket that is older is closed at its next frame."""
    windows: Mapping[str, float] = field(default_factory=dict)
    """Rate windows ("session", "weekly") that headers tell of, and the percent left; at 0 every
    model call is answered 429."""
    faults: tuple[Fault, ...] = ()
    """What goes wrong from the start."""
    whims: tuple[str, ...] = ()
    """Names out of `demo.whims`: what is refused although the list of models does not say so."""
    live_dates: bool = True
    """Quota dates lie in the near future; otherwise those of the examples (August 2026)."""
    spend: bool = True
    """Answers use up quota."""

    @property
    def seat(self) -> bool:
        """An organisation pays, and decides which models there are."""
        return self.who in {"business", "pooled"}


PEOPLE = (
    Person("octo-user", 1234567, "pro"),
    Person("octo-hana-of-the-long-name", 7654321, "business"),
    Person("octo-nobody", 2468013, "no_access"),
)
TENANT = "octo-demo.ghe.com"
TENANT_PEOPLE = (Person("octo-hana_octo", 31415926, "business"),)

_PACE = 0.012  # slow enough to see an answer being written
_LATER = 4  # the looks at the account that a sign-in and the first screens take are fine


def _later(fault: type[Fault], **more: Any) -> tuple[Fault, ...]:
    """After the first screens are there: at the next refresh, and from then on."""
    return (
        fault("/copilot_internal/user", nth=_LATER, times=-1, **more),
        fault("/copilot_internal/v2/token", nth=2, times=-1, **more),
        fault("/user", nth=_LATER - 1, times=-1, **more),
        fault("/models", nth=2, times=-1, **more),
    )


def _said(path: str, error: str) -> Status:
    """GitHub's way of saying no to a sign-in: an error in an answer with status 200."""
    return Status(path, times=-1, status=200, body={"error": error})


_CODE, _POLL = "/login/device/code", "/login/oauth/access_token"
_STRANGE = ({"form": "of another year"},)
_UNICORN = Status.example("502-unicorn")


def tenant_of(scenario: Scenario) -> Scenario:
    """The GHE.com tenant beside `scenario`: people of its own, no exchange (`upstream.md` 1.5)."""
    kinds = tuple(scenario.client_ids.values())
    return replace(scenario, people=TENANT_PEOPLE, direct_kinds=kinds, exchange_kinds=())


SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            Scenario(name="pro", pace=_PACE),
            Scenario(name="annual", who="annual", era="multiplier", pace=_PACE),
            Scenario(name="free", who="free", pace=_PACE),
            Scenario(name="auto", who="free", auto_only=True, pace=_PACE),
            Scenario(name="business", who="business", pace=_PACE),
            Scenario(name="pooled", who="pooled", pace=_PACE),
            Scenario(name="low", who="low", pace=_PACE),
            Scenario(name="exhausted", who="exhausted", era="multiplier", pace=_PACE),
            Scenario(name="no_access", who="no_access", pace=_PACE),
            Scenario(name="blocked", who="blocked", pace=_PACE),
            Scenario(name="reauth", revoke_after_exchanges=1, refresh_in=120, pace=_PACE),
            Scenario(name="accounts", people=PEOPLE, pace=_PACE),
            Scenario(name="manual", approval="manual", pace=_PACE),
            Scenario(name="denied", polls=("pending", "denied"), pace=_PACE),
            Scenario(name="expired", polls=("pending", "expired"), pace=_PACE),
            Scenario(name="slow_down", polls=("pending", "slow_down", "success"), pace=_PACE),
            Scenario(name="limited", limit_all=True, pace=_PACE),
            Scenario(name="warned", warn_all=True, pace=_PACE),
            Scenario(name="outage", outage=True, pace=_PACE),
            Scenario(name="slow", pace=0.4),
            Scenario(
                name="loading",
                faults=(
                    Slow("/copilot_internal/user", nth=2, times=-1, seconds=3600),
                    Slow("/models", times=-1, seconds=3600),
                ),
            ),
            Scenario(name="offline", faults=_later(DropConnection), pace=_PACE),
            Scenario(name="portal", faults=_later(HtmlIn200), pace=_PACE),
            Scenario(
                name="down",
                faults=_later(Status, status=_UNICORN.status, body=_UNICORN.body),
                pace=_PACE,
            ),
            Scenario(
                name="changed",
                faults=(
                    Status("/copilot_internal/user", times=-1, status=200, body=[*_STRANGE]),
                    Status("/models", times=-1, status=200, body=_STRANGE[0]),
                ),
                pace=_PACE,
            ),
            Scenario(name="update", release="v99.1.0", pace=_PACE),
            Scenario(name="session_limit", windows={"session": 0.0, "weekly": 31.0}, pace=_PACE),
            Scenario(name="weekly_limit", windows={"session": 64.0, "weekly": 0.0}, pace=_PACE),
            Scenario(name="flow_off", faults=(_said(_CODE, "device_flow_disabled"),)),
            Scenario(name="bad_code", faults=(_said(_POLL, "incorrect_device_code"),)),
            Scenario(name="no_network", faults=(DropConnection(_CODE, times=-1),)),
            Scenario(name="portal_first", faults=(HtmlIn200(_CODE, times=-1),)),
            Scenario(name="broken_sign_in", faults=(replace(_UNICORN, path=_CODE, times=-1),)),
            Scenario(name="unreachable", polls=("drop",) * 99),
        )
    }
)
