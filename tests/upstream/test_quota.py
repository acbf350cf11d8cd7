"""What the window and the tray may say about the allowance, for every shape GitHub sends."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import copilot_desktop
from copilot_desktop.errors import NoCopilot, Unreachable
from copilot_desktop.upstream.quota import Meter, Quota

EXAMPLES = Path(copilot_desktop.__file__).parent / "demo" / "transcripts"
SEPTEMBER = 1788220800.0  # 2026-09-01T00:00:00Z
AUGUST = 1785542400.0


def example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return found


def gives(answer: dict[str, Any]) -> Callable[[], Awaitable[dict[str, Any]]]:
    async def fetch() -> dict[str, Any]:
        return answer

    return fetch


async def fails() -> dict[str, Any]:
    raise Unreachable(fields={"host": "api.github.com", "reason": "no network"})


async def read(answer: dict[str, Any]) -> tuple[Quota, dict[str, Meter]]:
    quota = Quota(wall=lambda: 1.0)
    await quota.refresh(gives(answer))
    return quota, {meter.id: meter for meter in quota.snapshot.meters}


def noted(quota: Quota) -> Callable[[], Awaitable[None]]:
    async def news() -> None:
        quota.note_snapshots({"chat": {"entitlement": "100", "percent_remaining": 90.0}})

    return news


def snapshot(**fields: object) -> dict[str, Any]:
    return {"quota_snapshots": {"premium_interactions": fields}}


async def test_credits() -> None:
    quota, meters = await read(example("50-user-pro-token-billing"))
    credit = meters["premium_interactions"]
    assert (credit.name, credit.unit, credit.kind) == ("AI credits", "credits", "metered")
    assert (credit.left, credit.limit) == (944.4, 1500)
    assert credit.used == pytest.approx(555.6)
    assert credit.percent_used == pytest.approx(37.1)
    assert (credit.window_start, credit.resets_at) == (AUGUST, SEPTEMBER)
    assert not credit.exhausted
    assert meters["chat"].kind == meters["completions"].kind == "included"
    assert quota.snapshot.plan == "individual_pro"
    assert (quota.snapshot.state, quota.snapshot.source) == ("ready", "account")


async def test_premium_requests_over_the_limit() -> None:
    _, meters = await read(example("51-user-pro-premium-requests"))
    spent = meters["premium_interactions"]
    assert (spent.name, spent.unit) == ("Premium requests", "requests")
    assert (spent.left, spent.used, spent.percent_used) == (0, 300, 100)
    assert spent.exhausted
    assert meters["chat"].kind == "included"
    assert not meters["chat"].exhausted


async def test_free_plan() -> None:
    quota, meters = await read(example("52-user-free"))
    chat = meters["chat"]
    assert (chat.used, chat.left, chat.limit) == (80, 420, 500)
    assert chat.percent_used == pytest.approx(16)
    assert chat.resets_at == 1789344000.0
    assert meters["completions"].used == 0
    assert quota.snapshot.plan == "free"


async def test_a_free_plan_of_today_has_no_premium_requests_to_use_up() -> None:
    """As GitHub answers since mid 2026: 0 of 0 are left, and nothing is missing."""
    shape = {"unlimited": False, "token_based_billing": True, "overage_permitted": False}
    chat = {**shape, "entitlement": 200, "quota_remaining": 194.8, "percent_remaining": 97.4}
    premium = {**shape, "entitlement": 0, "remaining": 0, "percent_remaining": 0.0}
    answer = {
        "access_type_sku": "free_limited_copilot",
        "copilot_plan": "individual",
        "token_based_billing": True,
        "quota_reset_date": "2026-09-01",
        "quota_snapshots": {
            "chat": {**chat, "has_quota": True},
            "premium_interactions": {**premium, "has_quota": False},
        },
    }
    quota, meters = await read(answer)
    assert set(meters) == {"chat"}
    assert meters["chat"].left == 194.8
    assert (meters["chat"].name, meters["chat"].unit) == ("AI credits", "credits")
    quota.note_headers({"x-quota-snapshot-premium_interactions": "ent=0&ov=0.0&rem=0.0&totRem=0"})
    quota.note_snapshots({"premium_interactions": {"entitlement": "0", "percent_remaining": 0}})
    assert {meter.id for meter in quota.snapshot.meters} == {"chat"}


async def test_an_organisation_s_budget_that_is_used_up_is_no_included_use() -> None:
    """Nothing but `has_quota` says so; Copilot refuses every request that costs something."""
    answer = example("53-user-business")
    seat = answer["quota_snapshots"]["premium_interactions"]
    seat |= {"entitlement": -1, "unlimited": True, "has_quota": False, "overage_permitted": False}
    quota, meters = await read(answer)
    assert (meters["premium_interactions"].kind, meters["chat"].kind) == ("metered", "included")
    quota.note_headers({"x-quota-snapshot-premium_interactions": "ent=-1&rem=100.0&totRem=-1"})
    told = quota.snapshot
    assert [meter.id for meter in told.meters if meter.exhausted] == ["premium_interactions"]
    seat["has_quota"] = True
    await quota.refresh(gives(answer))
    assert not any(meter.exhausted for meter in quota.snapshot.meters)


async def test_an_own_plan_is_not_used_up_because_has_quota_is_false() -> None:
    """So it was for everybody who pays by tokens, for a time."""
    answer = example("50-user-pro-token-billing")
    for snapshot in answer["quota_snapshots"].values():
        snapshot["has_quota"] = False
    _, meters = await read(answer)
    assert meters["chat"].kind == "included"
    assert not any(meter.exhausted for meter in meters.values())


async def test_completions_that_are_used_up_stop_nothing_here() -> None:
    answer = example("52-user-free")
    answer["limited_user_quotas"]["completions"] = 0
    _, meters = await read(answer)
    suggested = meters["completions"]
    assert (suggested.used, suggested.left, suggested.percent_used) == (4000, 0, 100)
    assert not suggested.exhausted
    assert not suggested.can_run_out
    assert meters["chat"].can_run_out


async def test_business_seat_with_overage() -> None:
    _, meters = await read(example("53-user-business"))
    seat = meters["premium_interactions"]
    assert (seat.limit, seat.left, seat.overage_ok) == (10000, 4462.8, True)
    assert seat.resets_at == SEPTEMBER


async def test_pooled_seat_has_no_personal_limit() -> None:
    _, meters = await read(example("54-user-business-placeholder"))
    for meter in meters.values():
        assert meter.kind == "unmetered"
        assert meter.left is meter.percent_used is meter.used is None
        assert not meter.exhausted


async def test_account_without_copilot() -> None:
    quota, meters = await read(example("55-user-no-access"))
    assert not meters
    assert quota.snapshot.state == "unavailable"
    assert isinstance(quota.snapshot.problem, NoCopilot)


@pytest.mark.parametrize("line", ["ent=0&rem=100.0&totRem=0", "ent=-1&rem=100.0", "rem=100"])
async def test_what_is_unlimited_stays_included_whatever_headers_write_for_it(line: str) -> None:
    quota, _ = await read(example("51-user-pro-premium-requests"))
    quota.note_headers({"x-quota-snapshot-chat": line})
    [chat] = [meter for meter in quota.snapshot.meters if meter.id == "chat"]
    assert chat.kind == "included"


async def test_headers_bring_numbers_and_windows() -> None:
    quota, _ = await read(example("50-user-pro-token-billing"))
    headers = example("57-quota-response-headers.exchange")["response"]["headers"]
    headers["x-quota-snapshot-premium_interactions"] = (
        "ent=1500&ov=0.0&ovPerm=false&rem=50.0&rst=2026-09-01T00%3A00%3A00Z&totRem=750.0"
    )
    quota.note_headers({name.title(): value for name, value in headers.items()})
    meters = {meter.id: meter for meter in quota.snapshot.meters}
    assert (meters["premium_interactions"].left, meters["premium_interactions"].used) == (750, 750)
    assert meters["premium_interactions"].name == "AI credits"
    assert meters["chat"].kind == "included"
    session = meters["session"]
    assert session.kind == "window"
    assert session.percent_used == pytest.approx(58.3)
    assert session.limit is session.left is None
    assert session.resets_at is not None
    assert session.window_start == session.resets_at - 5 * 3600
    assert meters["weekly"].percent_used == pytest.approx(51.8)
    assert quota.snapshot.source == "headers"


async def test_a_missing_window_header_clears_the_window() -> None:
    quota = Quota()
    quota.note_headers(
        {
            "x-quota-snapshot-chat": "ent=-1&rem=100.0",
            "x-usage-ratelimit-session": "ent=0&rem=1.0",
        }
    )
    assert {meter.id for meter in quota.snapshot.meters} == {"chat", "session"}
    quota.note_headers({"content-type": "text/html"})
    assert {meter.id for meter in quota.snapshot.meters} == {"chat", "session"}
    quota.note_headers({"x-quota-snapshot-chat": "ent=-1&rem=100.0"})
    assert {meter.id for meter in quota.snapshot.meters} == {"chat"}


async def test_a_window_that_is_over_is_not_told_any_more() -> None:
    now = 1_787_400_000.0
    quota = Quota(wall=lambda: now)
    full = "ent=0&ov=0.0&ovPerm=false&rem=0.0&rst=2026-08-22T12%3A30%3A00Z"
    for news in (lambda: quota.refresh(gives({})), noted(quota)):
        now = 1_787_400_000.0
        quota.note_headers({"x-usage-ratelimit-session": full})
        [session] = quota.snapshot.meters
        assert session.exhausted
        assert session.resets_at is not None
        await news()
        assert session in quota.snapshot.meters
        now = session.resets_at + 1
        await news()
        assert session not in quota.snapshot.meters
        quota.clear()
        await quota.refresh(gives({}))


async def test_what_a_header_leaves_out_stays() -> None:
    quota, _ = await read(example("50-user-pro-token-billing"))
    quota.note_headers({"x-quota-snapshot-premium_interactions": "rem=50.0"})
    credit = next(m for m in quota.snapshot.meters if m.id == "premium_interactions")
    assert (credit.limit, credit.left, credit.used) == (1500, 750, 750)
    assert credit.resets_at == SEPTEMBER


async def test_windows_survive_a_reading_of_the_account() -> None:
    quota = Quota(wall=lambda: AUGUST)
    quota.note_headers({"x-usage-ratelimit-weekly": "ent=0&rem=0.0&rst=2026-08-24T00%3A00%3A00Z"})
    await quota.refresh(gives(example("50-user-pro-token-billing")))
    weekly = quota.snapshot.meters[-1]
    assert (weekly.id, weekly.exhausted) == ("weekly", True)


@pytest.mark.parametrize(
    ("fields", "kind", "left", "percent", "exhausted"),
    [
        ({"entitlement": "300", "remaining": "150"}, "metered", 150, 50, False),
        ({"entitlement": 300, "percent_remaining": 0, "overage_permitted": True}, "metered", 0, 100,
         False),
        ({"entitlement": 300, "remaining": 400}, "metered", 300, 0, False),
        ({"percent_remaining": 25.0}, "metered", None, 75, False),
        ({"unlimited": True, "has_quota": False}, "included", None, None, False),
        ({"unlimited": True, "has_quota": True}, "included", None, None, False),
        ({"entitlement": -1}, "included", None, None, False),
        ({}, "unknown", None, None, False),
        ({"entitlement": "many", "remaining": None}, "unknown", None, None, False),
        ({"entitlement": True, "remaining": [1]}, "unknown", None, None, False),
    ],
)  # fmt: skip
async def test_odd_snapshots(
    fields: dict[str, Any], kind: str, left: float | None, percent: float | None, exhausted: bool
) -> None:
    _, meters = await read(snapshot(**fields))
    meter = meters["premium_interactions"]
    assert (meter.kind, meter.left, meter.percent_used) == (kind, left, percent)
    assert meter.exhausted is exhausted


async def test_an_unknown_name_is_shown_as_it_is() -> None:
    _, meters = await read({"quota_snapshots": {"spark": {"entitlement": 5, "remaining": 5}}})
    assert meters["spark"].name == "spark"


@pytest.mark.parametrize(
    "answer", [{}, {"quota_snapshots": []}, {"quota_snapshots": {"chat": 1}}, {"monthly_quotas": 3}]
)
async def test_nothing_known_is_no_meter(answer: dict[str, Any]) -> None:
    quota, meters = await read(answer)
    assert not meters
    assert quota.snapshot.state == "ready"


async def test_a_failed_reading_keeps_the_meters() -> None:
    quota, meters = await read(example("52-user-free"))
    with pytest.raises(Unreachable):
        await quota.refresh(fails)
    assert quota.snapshot.state == "stale"
    assert {meter.id for meter in quota.snapshot.meters} == set(meters)
    empty = Quota()
    with pytest.raises(Unreachable):
        await empty.refresh(fails)
    assert empty.snapshot.state == "unavailable"
    assert isinstance(empty.snapshot.problem, Unreachable)


async def test_signed_out_forgets_and_ignores_late_headers() -> None:
    quota, _ = await read(example("52-user-free"))
    seen: list[str] = []
    quota.on_change = lambda: seen.append(quota.snapshot.state)
    quota.clear()
    quota.note_headers({"x-quota-snapshot-chat": "ent=-1&rem=100.0"})
    assert quota.snapshot.meters == ()
    assert seen == ["signed_out"]
    await quota.refresh(gives(example("52-user-free")))
    assert quota.snapshot.state == "ready"


async def test_no_news_without_a_change() -> None:
    quota = Quota(wall=lambda: 7.0)
    quota.note_headers({"x-quota-snapshot-chat": "ent=-1&rem=100.0"})
    seen: list[int] = []
    quota.on_change = lambda: seen.append(1)
    quota.note_headers({"x-quota-snapshot-chat": "ent=-1&rem=100.0"})
    quota.note_headers({"x-quota-snapshot-chat": "ent=%zz&rem=nan&rst=never"})
    assert len(seen) == 1
    assert quota.snapshot.meters[0].kind == "unknown"


async def test_frames_of_a_socket_bring_the_same_numbers_otherwise() -> None:
    quota, _ = await read(example("50-user-pro-token-billing"))
    quota.note_headers({"x-usage-ratelimit-weekly": "ent=0&rem=40.0&rst=2026-09-01T00:00:00Z"})
    told = {
        "entitlement": "1500",
        "percent_remaining": 50.0,
        "overage_permitted": False,
        "overage_count": 0,
        "has_quota": True,
        "reset_date": "2026-09-01T00:00:00Z",
    }
    quota.note_snapshots({"premium_interactions": told, "chat": None, "new": "nonsense"})
    meters = {meter.id: meter for meter in quota.snapshot.meters}
    credit = meters["premium_interactions"]
    assert (credit.name, credit.limit, credit.left) == ("AI credits", 1500, 750)
    assert (credit.percent_used, credit.resets_at) == (50.0, SEPTEMBER)
    assert meters["weekly"].percent_used == 60.0, "frames say nothing of it, so it stays"
    assert meters["chat"].kind == "included"
    assert "new" not in meters
    quota.note_snapshots({"premium_interactions": {**told, "percent_remaining": -2.5}})
    assert next(m for m in quota.snapshot.meters if m.id == credit.id).exhausted


async def test_frames_change_nothing_after_signing_out() -> None:
    quota = Quota()
    quota.clear()
    quota.note_snapshots({"premium_interactions": {"entitlement": "1500"}})
    assert quota.snapshot.state == "signed_out"


async def test_names_that_no_tray_has_room_for_and_meters_without_end_are_left_out() -> None:
    """Half a letter ended the tray, and a name of 200 KB was shortened letter by letter."""
    one = {"entitlement": 10, "percent_remaining": 50, "quota_remaining": 5}
    odd = dict.fromkeys(["a\ud800", "m" * 200_000, "\x1b[2J", "two\nlines"], one)
    quota = Quota()
    quota.note_snapshots({**odd, "chat": one})
    assert [meter.id for meter in quota.snapshot.meters] == ["chat"]
    quota.note_headers({f"x-quota-snapshot-{'m' * 30_000}": "ent=10&rem=5"})
    await quota.refresh(gives({"quota_snapshots": dict.fromkeys(map(str, range(5000)), one)}))
    assert len(quota.snapshot.meters) == 20
