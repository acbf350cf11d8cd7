"""The account behind a scenario: plan, quota and what is left of it.

Bodies come from the examples; the demo moves their dates into the near future and takes away what
answers cost, so that the window has something to show.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from copilot_desktop.demo.refusals import Refused, example
from copilot_desktop.demo.scenario import Person, Scenario
from copilot_desktop.demo.transcripts import body

_USER = {
    "annual": "51",
    "exhausted": "51",
    "free": "52",
    "business": "53",
    "pooled": "54",
    "no_access": "55",
}
_TOKEN = {"free": "08", "business": "09", "pooled": "09"}
_CREDIT = 1_000_000_000  # nano AIU


def _next_month(now: datetime) -> datetime:
    return (now.replace(day=1) + timedelta(days=32)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )


def _end_of_window(name: str) -> datetime:
    """As far ahead as the waits of the refusals say (`429-session`, `429-weekly`)."""
    return datetime.now(UTC) + timedelta(seconds=5400 if name == "session" else 207_360)


def _number(value: Any) -> float:
    """Of a scenario's own answer, in which numbers may be texts."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


class Account:
    """One signed-in person. Amounts are AI credits or premium requests, as the plan says."""

    def __init__(self, scenario: Scenario, person: Person | None = None) -> None:
        self.person = person
        self.scenario = replace(scenario, who=person.who) if person else scenario
        self.spent = 0.0
        self.chats = 0

    def enter(self, scenario: Scenario) -> None:
        """Behave as `scenario` says from now on; what was spent stays spent."""
        self.scenario = replace(scenario, who=self.person.who) if self.person else scenario

    @property
    def has_copilot(self) -> bool:
        return self.scenario.who not in {"no_access", "blocked"}

    @property
    def empty(self) -> bool:
        """Nothing is left and nothing beyond may be used."""
        snapshots = self.user().get("quota_snapshots")
        if snapshots is None:
            left = self.user().get("limited_user_quotas", {}).get("chat", 0)
            return self.has_copilot and left <= 0
        premium = snapshots.get("premium_interactions") or {}
        limited = _number(premium.get("entitlement")) > 0 and not premium.get("unlimited")
        over = premium.get("overage_permitted")
        return limited and not over and _number(premium.get("percent_remaining", 100)) <= 0

    def profile(self) -> dict[str, Any]:
        """`GET /user`."""
        found: dict[str, Any] = body("56")
        found["login"] = self.user()["login"]
        if self.person is not None:
            found["id"] = self.person.id
        return found

    def user(self) -> dict[str, Any]:
        """`GET /copilot_internal/user`."""
        scenario = self.scenario
        if scenario.user is not None:
            return dict(scenario.user)
        found: dict[str, Any] = body(_USER.get(scenario.who, "50"))
        if scenario.who in {"annual", "low"}:
            self._leave(found, 28.6 if scenario.who == "annual" else 7.4)
        if scenario.live_dates:
            self._date(found)
        self._spend(found)
        if self.person is not None:
            found["login"] = self.person.login
        return found

    @staticmethod
    def _leave(found: dict[str, Any], percent: float) -> None:
        premium = found["quota_snapshots"]["premium_interactions"]
        left = premium["entitlement"] * percent / 100
        premium |= {
            "percent_remaining": percent,
            "quota_remaining": round(left, 1),
            "remaining": int(left),
        }
        if "credits_used" in premium:
            premium["credits_used"] = round(premium["entitlement"] - left, 1)

    @staticmethod
    def _date(found: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        reset = _next_month(now)
        if "quota_reset_date" in found:
            found["quota_reset_date"] = f"{reset:%Y-%m-%d}"
        if "quota_reset_date_utc" in found:
            found["quota_reset_date_utc"] = f"{reset:%Y-%m-%dT%H:%M:%S}.000Z"
        if "limited_user_reset_date" in found:
            found["limited_user_reset_date"] = f"{reset:%Y-%m-%d}"
        for snapshot in (found.get("quota_snapshots") or {}).values():
            if "timestamp_utc" in snapshot:
                snapshot["timestamp_utc"] = f"{now:%Y-%m-%dT%H:%M:%S}.120Z"

    def _spend(self, found: dict[str, Any]) -> None:
        if found.get("limited_user_quotas"):
            quotas = found["limited_user_quotas"]
            quotas["chat"] = max(0, quotas["chat"] - self.chats)
            return
        premium = (found.get("quota_snapshots") or {}).get("premium_interactions", {})
        if not self.spent or not premium.get("entitlement") or "quota_remaining" not in premium:
            return
        left = premium["quota_remaining"] - self.spent
        premium |= {
            "quota_remaining": round(left, 1),
            "remaining": int(left),
            "percent_remaining": round(left / premium["entitlement"] * 100, 1),
        }
        if "credits_used" in premium:
            premium["credits_used"] = round(premium["entitlement"] - left, 1)

    def charge(self, *, nano: int, multiplier: float, initiator: str) -> None:
        """One answer was given. Nano AIU, or a premium request if a person asked."""
        if not self.scenario.spend:
            return
        self.spent += nano / _CREDIT
        if initiator == "user":
            self.spent += multiplier
            self.chats += 1

    def token(self, text: str, endpoints: Mapping[str, str]) -> dict[str, Any]:
        """`GET /copilot_internal/v2/token`, with this token."""
        scenario = self.scenario
        found: dict[str, Any] = body(_TOKEN.get(scenario.who, "07"))
        user = self.user()
        found |= {
            "token": text,
            "endpoints": dict(endpoints),
            "expires_at": int(time.time() + scenario.lifetime) + scenario.clock_skew,
            "refresh_in": scenario.refresh_in,
            "sku": user.get("access_type_sku", found["sku"]),
        }
        if scenario.who == "free":
            found["limited_user_quotas"] = dict(user["limited_user_quotas"])
            found["limited_user_reset_date"] = int(_next_month(datetime.now(UTC)).timestamp())
        return found

    def snapshots(self) -> dict[str, Any]:
        """What frames of a WebSocket say instead (`upstream.md` 10.3): the whole as a string."""
        user = self.user()
        reset = user.get("quota_reset_date") or user.get("limited_user_reset_date") or ""
        return {
            name: {
                "entitlement": str(snapshot.get("entitlement", 0)),
                "percent_remaining": snapshot.get("percent_remaining", 0),
                "overage_permitted": bool(snapshot.get("overage_permitted")),
                "overage_count": 0,
                "has_quota": True,
                "reset_date": f"{reset}T00:00:00Z" if reset else "",
            }
            for name, snapshot in (user.get("quota_snapshots") or {}).items()
        }

    def headers(self) -> dict[str, str]:
        """The quota headers of every model answer (`upstream.md` 10.3)."""
        user = self.user()
        reset = user.get("quota_reset_date") or user.get("limited_user_reset_date") or ""
        until = quote(f"{reset}T00:00:00Z", safe="") if reset else ""
        found = {}
        for name, snapshot in (user.get("quota_snapshots") or {}).items():
            total = snapshot.get("entitlement", 0)
            rest = snapshot.get("quota_remaining", snapshot.get("remaining", 0))
            overage = str(bool(snapshot.get("overage_permitted"))).lower()
            found[f"x-quota-snapshot-{name}"] = (
                f"ent={total}&ov=0.0&ovPerm={overage}&rem={snapshot.get('percent_remaining', 0)}"
                f"&rst={until}&totRem={rest}"
            )
        if left := user.get("limited_user_quotas"):
            for name, rest in left.items():
                total = user["monthly_quotas"][name]
                found[f"x-quota-snapshot-{name}"] = (
                    f"ent={total}&ov=0.0&ovPerm=false&rem={round(rest / total * 100, 1)}"
                    f"&rst={until}&totRem={rest}"
                )
        for name, share in self.scenario.windows.items():
            end = quote(f"{_end_of_window(name):%Y-%m-%dT%H:%M:%SZ}", safe="")
            found[f"x-usage-ratelimit-{name}"] = f"ent=0&ov=0.0&ovPerm=false&rem={share}&rst={end}"
        return found

    def refusal(self) -> Refused:
        """What is answered when nothing is left, with the day on which there is something again."""
        free = "free-" if self.scenario.who == "free" else ""
        refused = example(f"402-{free}quota-exceeded")
        if self.scenario.live_dates and "retry-after" in refused.headers:
            refused.headers["retry-after"] = format_datetime(_next_month(datetime.now(UTC)), True)
        refused.headers |= self.headers()
        return refused
