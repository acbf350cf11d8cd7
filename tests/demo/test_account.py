"""Users, tokens, quota: `upstream.md` 2, 3 and 10 and the examples."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib import resources
from urllib.parse import parse_qs

import pytest

from copilot_desktop.demo import SCENARIOS, Scenario, Status


def example(name: str):
    return json.loads(
        resources.files("copilot_desktop.demo.transcripts").joinpath(name).read_text("utf-8")
    )


async def test_the_exchange_gives_a_token_and_the_places(calling):
    async with calling(Scenario(refresh_in=77)) as caller:
        body = await caller.exchange()
        assert body["endpoints"]["api"] == caller.fake.url
        assert body["refresh_in"] == 77
        assert set(body) == set(example("07-token-individual-pro.json"))
        assert body["token"].startswith("tid=")
        assert ";proxy-ep=" in body["token"]
        assert caller.fake.tokens.exchanges == 1


@pytest.mark.parametrize("scheme", ["token", "Bearer"])
async def test_both_schemes_are_taken(calling, scheme):
    async with calling() as caller:
        answer = await caller.github("/copilot_internal/v2/token", scheme=scheme)
        assert answer.status == 200


async def test_bad_github_tokens(calling):
    async with calling() as caller:
        answer = await caller.github("/copilot_internal/v2/token", "ghu_wrong")
        assert (answer.status, answer.json["message"]) == (401, "Bad credentials")
        for path in ("/user", "/copilot_internal/user"):
            assert (await caller.github(path, "ghu_wrong")).status == 401
        other = caller.fake.tokens.give("gho_")
        assert (await caller.github("/copilot_internal/v2/token", other)).status == 404
        assert (await caller.github("/copilot_internal/user", other)).status == 200
        caller.fake.tokens.revoke()
        assert (await caller.github("/user")).status == 401


async def test_a_copilot_token_does_not_open_the_user(caller):
    token = caller.headers["Authorization"].removeprefix("Bearer ")
    assert (await caller.github("/copilot_internal/user", token)).status == 401


async def test_a_user_agent_is_needed(calling):
    async with calling() as caller:
        answer = await caller.send(
            "GET",
            "/copilot_internal/v2/token",
            headers={"Authorization": f"token {caller.fake.github_token}"},
            skip_auto_headers=["User-Agent"],
        )
        assert answer.status == 403
        assert "administrative rules" in answer.text


@pytest.mark.parametrize(
    ("who", "reason"), [("no_access", "not_signed_up"), ("blocked", "feature_flag_blocked")]
)
async def test_accounts_without_copilot(calling, who, reason):
    async with calling(Scenario(who=who)) as caller:
        answer = await caller.github("/copilot_internal/v2/token")
        assert answer.status == 403
        assert answer.json["error_details"]["notification_id"] == reason
        assert (await caller.github("/user")).status == 200


@pytest.mark.parametrize(
    ("who", "name"),
    [
        ("pro", "50-user-pro-token-billing.json"),
        ("exhausted", "51-user-pro-premium-requests.json"),
        ("free", "52-user-free.json"),
        ("business", "53-user-business.json"),
        ("pooled", "54-user-business-placeholder.json"),
        ("no_access", "55-user-no-access.json"),
    ],
)
async def test_users_are_those_of_the_examples(calling, who, name):
    async with calling(Scenario(who=who, live_dates=False)) as caller:
        found = (await caller.github("/copilot_internal/user")).json
        wanted = example(name)
        assert found.pop("endpoints").keys() == wanted.pop("endpoints").keys()
        assert found == wanted


async def test_reauth_ends_everything_at_the_second_exchange(calling):
    async with calling(SCENARIOS["reauth"]) as caller:
        await caller.exchange()
        assert (await caller.get("/models")).status == 200
        assert (await caller.github("/copilot_internal/v2/token")).status == 401
        assert (await caller.get("/models")).status == 401


async def test_answers_use_up_the_quota(calling):
    async with calling(Scenario(who="annual", era="multiplier")) as caller:
        await caller.exchange()

        async def left() -> float:
            user = (await caller.github("/copilot_internal/user")).json
            return user["quota_snapshots"]["premium_interactions"]["quota_remaining"]

        before = await left()
        answer = await caller.chat(model="claude-sonnet-4.6")
        assert answer.status == 200
        assert await left() == before - 1
        await caller.chat(model="claude-sonnet-4.6", headers={"X-Initiator": "agent"})
        await caller.chat(model="gpt-4.1")
        assert await left() == before - 1, "only a person's question to a paid model costs"


async def test_quota_headers_come_with_answers_and_errors(calling):
    async with calling(Scenario(live_dates=False, spend=False)) as caller:
        await caller.exchange()
        for answer in (await caller.chat(), await caller.chat(model="nothing")):
            fields = parse_qs(answer.headers["x-quota-snapshot-premium_interactions"])
            assert fields["ent"] == ["1500"]
            assert fields["rem"] == ["62.9"]
            assert fields["totRem"] == ["944.4"]
            assert fields["rst"] == ["2026-09-01T00:00:00Z"]


async def test_an_empty_account_pays_nothing_more(calling):
    async with calling(Scenario(who="exhausted", era="multiplier")) as caller:
        await caller.exchange()
        refused = await caller.chat(model="claude-sonnet-4.6")
        assert (refused.status, refused.error["code"]) == (402, "quota_exceeded")
        until = parsedate_to_datetime(refused.headers["retry-after"])
        left = parse_qs(refused.headers["x-quota-snapshot-premium_interactions"])
        assert timedelta() < until - datetime.now(UTC) < timedelta(days=32)
        assert left["rst"] == [f"{until:%Y-%m-%dT%H:%M:%SZ}"]
        assert (await caller.chat(model="gpt-4.1")).status == 200, "this one is included"


async def test_a_token_of_the_wrong_plan_is_misdirected(calling):
    async with calling(Scenario(misdirected=1)) as caller:
        first = await caller.exchange()
        assert first["endpoints"]["api"].startswith("http://localhost:")
        assert (await caller.get("/models")).status == 421
        second = await caller.exchange()
        assert second["endpoints"]["api"] == caller.fake.url
        assert (await caller.get("/models")).status == 200


async def test_the_exchange_can_fail_a_few_times(calling):
    async with calling() as caller:
        caller.fake.add_fault(Status("/copilot_internal/v2/token", 503, "later", times=2))
        seen = [(await caller.github("/copilot_internal/v2/token")).status for _ in range(3)]
        assert seen == [503, 503, 200]


async def test_all_named_scenarios_start(calling):
    for scenario in SCENARIOS.values():
        async with calling(replace(scenario, faults=())) as caller:
            assert (await caller.github("/copilot_internal/user")).status == 200


async def test_a_scenario_can_change_while_it_runs(calling):
    async with calling() as caller:
        await caller.exchange()
        assert (await caller.chat()).status == 200
        caller.fake.scenario = Scenario(who="no_access")
        assert (await caller.github("/copilot_internal/v2/token")).status == 403
        assert (await caller.chat()).status == 403
        caller.fake.scenario = Scenario()
        assert (await caller.chat()).status == 200, "the token is still good"


async def test_a_scenario_can_bring_its_own_user(calling):
    odd = {"entitlement": "300", "remaining": "-1", "percent_remaining": "-0.3"}
    user = {"login": "me", "quota_snapshots": {"premium_interactions": odd, "new_kind": {}}}
    async with calling(Scenario(user=user)) as caller:
        assert (await caller.github("/copilot_internal/user")).json == user
        await caller.exchange()
        assert (await caller.chat(model="gpt-5-mini")).status == 402
