"""One meter, and how GitHub's several ways of counting become one (`upstream.md` §10.2).

Numbers may be negative, strings, placeholders or missing. For display they are held between zero
and the limit; whether a meter is exhausted is decided on the numbers as they came.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from copilot_desktop.upstream.quota_headers import Window, moment, number

Kind = Literal["metered", "included", "unmetered", "unknown", "window"]

_CHAT, _PREMIUM = "chat", "premium_interactions"
_NAMES = {
    _CHAT: ("Chat messages", "messages"),
    _PREMIUM: ("Premium requests", "requests"),
    "completions": ("Code completions", "completions"),
    "premium_models": ("Premium requests", "requests"),
}
_WINDOWS = {"session": ("Session limit", 5 * 3600.0), "weekly": ("Weekly limit", 7 * 86_400.0)}
_COMPLETIONS = "completions"  # what editors suggest by themselves; nothing that is sent here


@dataclass(frozen=True, slots=True)
class Meter:
    """`kind`: metered (has a limit or at least a percentage), included (no limit), unmetered (a
    pooled seat without a personal limit), unknown, window (a rate limit, percentage only).

    `used`, `limit`, `left`, `overage` are in `unit`; times in epoch seconds. `exhausted`: requests
    that go into it are refused.
    """

    id: str
    name: str
    kind: Kind
    unit: str = ""
    used: float | None = None
    limit: float | None = None
    left: float | None = None
    percent_used: float | None = None
    overage: float = 0.0
    overage_ok: bool = False
    resets_at: float | None = None
    window_start: float | None = None
    exhausted: bool = False

    @property
    def is_none(self) -> bool:
        """Nothing of this kind belongs to the plan: Free accounts have 0 of 0 premium requests."""
        return self.kind == "metered" and self.limit == 0 and not self.overage_ok

    @property
    def can_run_out(self) -> bool:
        """Is it worth a warning? Not where requests of this app do not go into it."""
        return self.kind in ("metered", "window") and self.id != _COMPLETIONS


def meters_of(answer: Mapping[str, Any]) -> tuple[Meter, ...]:
    """The meters of a `/copilot_internal/user` answer, in its order; none is not an error."""
    tokens = answer.get("token_based_billing") is True
    resets_at = moment(answer.get("quota_reset_date_utc")) or moment(answer.get("quota_reset_date"))
    snapshots = answer.get("quota_snapshots")
    if isinstance(snapshots, Mapping) and snapshots:
        return tuple(
            _meter_of_snapshot(
                str(name),
                snapshot,
                resets_at,
                tokens=tokens,
                blocked=_is_blocked(answer, name, snapshot),
            )
            for name, snapshot in snapshots.items()
            if isinstance(snapshot, Mapping)
        )
    return _meters_of_free_plan(answer)


def meter_of_header(name: str, read: Window, known: Meter | None) -> Meter:
    """A meter out of one quota header; what the header leaves out is kept from `known`."""
    label, unit = _words(name, tokens=read.left is not None, limited=False)
    if known is not None:
        label, unit = known.name, known.unit
    resets_at = read.resets_at or (known.resets_at if known else None)
    if known is not None and not read.limit:
        if known.kind == "unmetered":
            return known  # the placeholder of a pooled seat has a header, too
        if known.kind == "included" and read.percent_left == 100:
            return known  # plans of premium requests write "unlimited" as 0 of 0, too
    limit = known.limit if known is not None and read.limit is None else read.limit
    return _meter(
        name,
        label,
        unit,
        limit=limit,
        left=read.left,
        percent_left=read.percent_left,
        unlimited=read.limit == -1,
        blocked=known is not None and known.exhausted and known.limit is None,
        overage=read.overage,
        overage_ok=read.overage_ok,
        resets_at=resets_at,
    )


def meter_of_window(name: str, read: Window) -> Meter:
    """A rate-limit window: only the used share and the end are known."""
    label, length = _WINDOWS.get(name, (f"{name.capitalize()} limit", None))
    start = read.resets_at - length if read.resets_at is not None and length else None
    return Meter(
        id=name,
        name=label,
        kind="window",
        unit="percent",
        percent_used=_percent_used(read.percent_left),
        resets_at=read.resets_at,
        window_start=start,
        exhausted=read.percent_left is not None and read.percent_left <= 0,
    )


def plan_of(answer: Mapping[str, Any]) -> str:
    """GitHub's word for the plan. Free accounts say `individual` and show it in the sku only."""
    sku, plan = answer.get("access_type_sku"), answer.get("copilot_plan")
    if isinstance(sku, str) and sku.startswith("free_limited"):
        return "free"
    return plan if isinstance(plan, str) else ""


def has_no_access(answer: Mapping[str, Any]) -> bool:
    """The account exists, but not for Copilot."""
    return answer.get("access_type_sku") == "no_access"


def _is_blocked(answer: Mapping[str, Any], name: object, snapshot: Mapping[str, Any]) -> bool:
    """What an organisation pays for has come to its end. Elsewhere `has_quota` may be false while
    all is well, so GitHub's own client does not go by it."""
    managed = answer.get("copilot_plan") in ("business", "enterprise")
    return managed and name == _PREMIUM and snapshot.get("has_quota") is False


def _meter_of_snapshot(
    name: str, snapshot: Mapping[str, Any], resets_at: float | None, *, tokens: bool, blocked: bool
) -> Meter:
    limit = number(snapshot.get("entitlement"))
    left = number(snapshot.get("quota_remaining"))
    if left is None:
        left = number(snapshot.get("remaining"))
    percent = number(snapshot.get("percent_remaining"))
    unlimited = snapshot.get("unlimited") is True or limit == -1
    tokens = tokens or snapshot.get("token_based_billing") is True
    label, unit = _words(name, tokens=tokens, limited=not unlimited)
    resets_at = moment(snapshot.get("quota_reset_at")) or resets_at
    return _meter(
        name,
        label,
        unit,
        limit=limit,
        left=left,
        percent_left=percent,
        unlimited=unlimited,
        blocked=blocked,
        overage=number(snapshot.get("overage_count")) or 0.0,
        overage_ok=snapshot.get("overage_permitted") is True,
        resets_at=resets_at,
    )


def _meter(
    name: str,
    label: str,
    unit: str,
    *,
    limit: float | None,
    left: float | None,
    percent_left: float | None,
    unlimited: bool,
    blocked: bool,
    overage: float,
    overage_ok: bool,
    resets_at: float | None,
) -> Meter:
    start = _month_before(resets_at)
    extra = max(0.0, overage)
    if unlimited:
        spent = blocked and not overage_ok
        return Meter(
            name, label, "metered" if spent else "included", unit,
            percent_used=100.0 if spent else None, overage=extra, overage_ok=overage_ok,
            resets_at=resets_at, window_start=start, exhausted=spent,
        )  # fmt: skip
    if limit == 0 and not left and percent_left == 100:  # a pooled seat's placeholder
        return Meter(name, label, "unmetered", unit, resets_at=resets_at)
    if limit is not None and limit < 0:
        limit = None
    if percent_left is None and limit and left is not None:
        percent_left = left / limit * 100
    if percent_left is None and left is None:
        return Meter(name, label, "unknown", unit, limit=limit, resets_at=resets_at)
    if left is None and limit is not None and percent_left is not None:
        left = limit * percent_left / 100
    rest = percent_left if percent_left is not None else left
    if left is not None:
        left = max(0.0, left if limit is None else min(left, limit))
    return Meter(
        name, label, "metered", unit,
        used=None if limit is None or left is None else limit - left, limit=limit, left=left,
        percent_used=_percent_used(percent_left), overage=extra, overage_ok=overage_ok,
        resets_at=resets_at, window_start=start,
        exhausted=rest is not None and rest <= 0 and not overage_ok and name != _COMPLETIONS,
    )  # fmt: skip


def _meters_of_free_plan(answer: Mapping[str, Any]) -> tuple[Meter, ...]:
    """`limited_user_quotas` is what is left, `monthly_quotas` the whole."""
    left, whole = answer.get("limited_user_quotas"), answer.get("monthly_quotas")
    left = left if isinstance(left, Mapping) else {}
    whole = whole if isinstance(whole, Mapping) else {}
    resets_at = moment(answer.get("limited_user_reset_date"))
    return tuple(
        _meter(
            name,
            *_words(name, tokens=False, limited=True),
            limit=number(whole.get(name)),
            left=number(left.get(name)),
            percent_left=None,
            unlimited=False,
            blocked=False,
            overage=0.0,
            overage_ok=False,
            resets_at=resets_at,
        )
        for name in map(str, dict.fromkeys([*left, *whole]))
    )


def _words(name: str, *, tokens: bool, limited: bool) -> tuple[str, str]:
    """Label and unit; a meter that we do not know keeps GitHub's own name. The Free plan's credits
    are those for chat."""
    if tokens and (name == _PREMIUM or (name == _CHAT and limited)):
        return "AI credits", "credits"
    return _NAMES.get(name, (name, ""))


def _percent_used(percent_left: float | None) -> float | None:
    return None if percent_left is None else min(100.0, max(0.0, 100.0 - percent_left))


def _month_before(epoch: float | None) -> float | None:
    """When a monthly period that ends at `epoch` began."""
    if epoch is None:
        return None
    try:
        end = datetime.fromtimestamp(epoch, UTC)
        year, month = (end.year, end.month - 1) if end.month > 1 else (end.year - 1, 12)
        day = min(end.day, calendar.monthrange(year, month)[1])
        return end.replace(year=year, month=month, day=day).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
