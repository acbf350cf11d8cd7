"""Copilot tokens: renewed once, in time, and never taken away by bad weather."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from proxy.raw import until

from copilot_desktop.errors import (
    Blocked,
    NoCopilot,
    Problem,
    RateLimited,
    SignInExpired,
    Unreachable,
    UpstreamFault,
)
from copilot_desktop.redaction import one_line
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.token import Grant, TokenCache, base_url
from tests.upstream.github_rig import (
    ACCOUNT,
    BAD_CREDENTIALS,
    EXCHANGE,
    GITHUB_TOKEN,
    NOT_SIGNED_UP,
    Said,
    Stage,
    stage,
)


def cache_of(on: Stage, **changes: Any) -> TokenCache:
    arguments = {"clock": on.time.clock, "wall": on.time.wall, "timeout": 5.0, "patience": 5.0}
    return TokenCache(on.http, on.origins, on.identity, GITHUB_TOKEN, **(arguments | changes))


async def test_two_hundred_callers_cost_one_exchange() -> None:
    async with stage() as on:
        cache = cache_of(on)
        grants = await asyncio.gather(*(cache.grant() for _ in range(200)))
        assert {grant.token for grant in grants} == {on.rig.copilot_token(1)}
        assert on.rig.count(EXCHANGE) == 1
        sent = on.rig.asked[0].headers
        assert sent["Authorization"] == f"token {GITHUB_TOKEN}"
        assert sent["User-Agent"]


async def test_renewal_counts_from_refresh_in_whatever_the_wall_clock_says() -> None:
    async with stage() as on:
        on.rig.expires_at = 1  # a server or a computer with a wrong clock
        cache = cache_of(on)
        await cache.grant()
        on.time.pass_(1500 - 61)
        await cache.grant()
        assert on.rig.count(EXCHANGE) == 1
        on.time.pass_(1)
        assert (await cache.grant()).token == on.rig.copilot_token(2)


@pytest.mark.parametrize(("refresh_in", "lasts"), [(1, 60), (-5, 60), (10**9, 86_400)])
async def test_a_nonsense_renewal_time_is_bounded(refresh_in: float, lasts: float) -> None:
    async with stage() as on:
        on.rig.refresh_in = refresh_in
        cache = cache_of(on)
        await cache.grant()
        on.time.pass_(lasts - 1)
        await cache.grant()
        assert on.rig.count(EXCHANGE) == 1
        on.time.pass_(1)
        await cache.grant()
        assert on.rig.count(EXCHANGE) == 2


async def test_after_sleep_the_token_is_renewed_before_it_is_used() -> None:
    async with stage() as on:
        cache = cache_of(on)
        await cache.grant()
        on.time.suspend(59)
        await cache.grant()
        assert on.rig.count(EXCHANGE) == 1
        on.time.suspend(3600)
        assert (await cache.grant()).token == on.rig.copilot_token(2)


async def test_a_refused_token_is_renewed_once_however_late_the_refusals_come() -> None:
    async with stage() as on:
        cache = cache_of(on)
        old = (await cache.grant()).token
        early = await asyncio.gather(*(cache.grant(stale=old) for _ in range(5)))
        late = await cache.grant(stale=old)
        assert {grant.token for grant in (*early, late)} == {on.rig.copilot_token(2)}
        assert on.rig.count(EXCHANGE) == 2


@pytest.mark.parametrize("trouble", [Said(drop=True), Said("oops", 500), Said("<html>", 502)])
async def test_the_old_token_stays_usable_while_renewal_fails(trouble: Said) -> None:
    async with stage() as on:
        cache = cache_of(on)
        first = await cache.grant()
        on.rig.script(EXCHANGE, trouble)
        on.time.pass_(1500)
        assert await cache.grant() == first
        with pytest.raises(Problem):  # but not once Copilot itself has refused it
            await cache.grant(stale=first.token)
        on.rig.script(EXCHANGE)
        on.time.pass_(6)
        assert (await cache.grant()).token != first.token


async def test_an_outdated_token_is_used_until_there_is_a_newer_one() -> None:
    async with stage() as on:
        cache = cache_of(on)
        first = await cache.grant()
        cache.outdate("tid=somebody-elses")
        assert await cache.grant() == first
        cache.outdate(first.token)
        on.rig.script(EXCHANGE, Said("oops", 500))
        assert await cache.grant() == first
        assert on.rig.count(EXCHANGE) == 2
        on.rig.script(EXCHANGE)
        on.time.pass_(6)
        assert (await cache.grant()).token == on.rig.copilot_token(2)


async def test_a_token_that_is_outdated_while_it_is_renewed_is_used_where_that_fails() -> None:
    async with stage() as on:
        cache = cache_of(on)
        first = await cache.grant()
        gate = asyncio.Event()
        on.rig.script(EXCHANGE, Said("oops", 500, gate=gate))
        on.time.pass_(1500)
        waiting = asyncio.create_task(cache.grant())
        await until(lambda: on.rig.count(EXCHANGE) == 2)
        cache.outdate(first.token)
        gate.set()
        assert await waiting == first


async def test_a_slow_renewal_does_not_hold_up_a_caller_with_a_good_token() -> None:
    async with stage() as on:
        cache = cache_of(on, patience=0.05, timeout=60.0)
        first = await cache.grant()
        gate = asyncio.Event()
        on.rig.script(EXCHANGE, Said(on.rig._token(), gate=gate))
        on.time.pass_(1500)
        assert await asyncio.wait_for(cache.grant(), 10) == first
        gate.set()
        await cache.close()


async def test_trouble_on_the_way_rests_briefly_and_heals() -> None:
    async with stage() as on:
        cache = cache_of(on)
        on.rig.script(EXCHANGE, Said(drop=True))
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
            await cache.grant()
        asked = on.rig.count(EXCHANGE)  # the HTTP library itself repeats a GET once
        for _ in range(5):
            with pytest.raises(Unreachable):
                await cache.grant()
        assert on.rig.count(EXCHANGE) == asked
        on.time.pass_(0.31)
        on.rig.script(EXCHANGE)
        assert (await cache.grant()).token


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (Said(BAD_CREDENTIALS, 401), SignInExpired),
        (Said(NOT_SIGNED_UP, 403), NoCopilot),
        (Said({"message": "Forbidden"}, 403), NoCopilot),
    ],
)
async def test_a_refusal_is_asked_again_after_five_seconds_at_the_earliest(
    said: Said, kind: type[Problem]
) -> None:
    async with stage() as on:
        cache = cache_of(on)
        on.rig.script(EXCHANGE, said)
        for seconds in (0, 1, 3.9):
            on.time.pass_(seconds)
            with pytest.raises(kind):
                await cache.grant()
        assert on.rig.count(EXCHANGE) == 1
        on.time.pass_(0.2)
        on.rig.script(EXCHANGE)
        assert (await cache.grant()).token


async def test_a_refusal_takes_the_old_token_away() -> None:
    async with stage() as on:
        cache = cache_of(on)
        await cache.grant()
        on.rig.script(EXCHANGE, Said(BAD_CREDENTIALS, 401))
        on.time.pass_(1500)
        with pytest.raises(SignInExpired):
            await cache.grant()


async def test_no_subscription_comes_with_githubs_own_link() -> None:
    async with stage() as on:
        on.rig.script(EXCHANGE, Said(NOT_SIGNED_UP, 403))
        with pytest.raises(NoCopilot, match="subscription required") as caught:
            await cache_of(on).grant()
        assert caught.value.url is not None
        assert caught.value.url.startswith("https://github.com/github-copilot/signup")
        assert "{" not in caught.value.url


async def test_a_blocked_account_is_told_so() -> None:
    async with stage() as on:
        details = {"message": "Contact Support", "notification_id": "feature_flag_blocked"}
        on.rig.script(EXCHANGE, Said({"error_details": details, "message": "Forbidden"}, 403))
        with pytest.raises(Blocked, match="Contact Support"):
            await cache_of(on).grant()


async def test_a_rate_limit_waits_as_long_as_github_says() -> None:
    async with stage() as on:
        cache = cache_of(on)
        reset = str(int(on.time.wall()) + 900)
        limit = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
        said = Said({"message": "API rate limit exceeded for user ID 1."}, 403, limit)
        on.rig.script(EXCHANGE, said)
        with pytest.raises(RateLimited) as caught:
            await cache.grant()
        assert caught.value.retry_after == 900
        on.time.pass_(890)
        with pytest.raises(RateLimited, match="10 seconds") as caught:
            await cache.grant()
        assert caught.value.retry_after == 10
        assert on.rig.count(EXCHANGE) == 1


@pytest.mark.parametrize(
    "body", [{"token": ""}, {"token": 5, "expires_at": 1, "refresh_in": 1}, [], "no json"]
)
async def test_an_answer_without_a_token_is_a_fault_that_quotes_nothing(body: Any) -> None:
    async with stage() as on:
        on.rig.script(EXCHANGE, Said(body))
        with pytest.raises(UpstreamFault, match="could not be understood"):
            await cache_of(on).grant()


async def test_odd_extra_fields_do_not_matter() -> None:
    async with stage() as on:
        on.rig.extra = {"sku": 5, "chat_enabled": "x", "new": {"a": 1}}
        cache = cache_of(on)
        assert (await cache.grant()).token
        assert cache.plan is not None
        assert cache.plan.sku == ""


# Where the token may be sent


async def test_the_exchange_names_the_place() -> None:
    async with stage() as on:
        on.rig.endpoints = "https://api.business.githubcopilot.com"
        assert (await cache_of(on).grant()).base_url == "https://api.business.githubcopilot.com"


async def test_a_foreign_place_is_not_used() -> None:
    async with stage() as on:
        on.rig.endpoints = "https://evil.example"
        assert (await cache_of(on).grant()).base_url == on.rig.url


async def test_without_a_named_place_the_account_is_asked() -> None:
    async with stage() as on:
        on.rig.endpoints = None
        body = {"endpoints": {"api": "https://api.enterprise.githubcopilot.com"}}
        on.rig.script(ACCOUNT, body)
        grant = await cache_of(on).grant()
        assert grant.base_url == "https://api.enterprise.githubcopilot.com"


def test_the_order_of_places() -> None:
    token = "tid=1;exp=2;proxy-ep=proxy.individual.githubcopilot.com;st=dotcom:mac"
    named = "https://api.business.githubcopilot.com"
    public = Origins.of()
    assert base_url(public, named, token=token) == named
    assert base_url(public, None, token=token) == "https://api.individual.githubcopilot.com"
    assert base_url(public, None, token="tid=1:mac") == "https://api.githubcopilot.com"
    assert base_url(public, "https://proxy.x.githubcopilot.com") == "https://api.githubcopilot.com"
    assert base_url(Origins.of(host="acme.ghe.com"), None) == "https://copilot-api.acme.ghe.com"
    chosen = Origins.of(copilot="http://127.0.0.1:9")
    assert base_url(chosen, named, token=token) == "http://127.0.0.1:9"


# Tokens that are not exchanged


async def test_a_token_that_may_not_be_exchanged_is_used_directly() -> None:
    async with stage() as on:
        on.rig.script(EXCHANGE, Said({"message": "Not Found"}, 404))
        grant = await cache_of(on).grant()
        assert grant == Grant(GITHUB_TOKEN, on.rig.url, direct=True)


async def test_not_found_for_an_account_without_copilot_is_no_copilot() -> None:
    async with stage() as on:
        on.rig.script(EXCHANGE, Said({"message": "Not Found"}, 404))
        on.rig.script(ACCOUNT, {"access_type_sku": "no_access", "quota_snapshots": None})
        with pytest.raises(NoCopilot):
            await cache_of(on).grant()


async def test_direct_mode_never_exchanges() -> None:
    async with stage() as on:
        cache = cache_of(on, direct=True)
        grant = await cache.grant()
        assert grant.direct
        on.time.pass_(10**6)
        assert await cache.grant() == grant
        await cache.grant(stale=grant.token)
        assert on.rig.count(EXCHANGE) == 0


async def test_a_tenant_gets_the_bearer_first_and_the_exchange_if_that_fails() -> None:
    async with stage() as on:
        rig = on.rig.url
        on.origins = Origins(github=rig, api=rig, copilot=None, host="acme.ghe.com")
        cache = cache_of(on)
        grant = await cache.grant()
        assert grant.direct
        assert on.rig.count(EXCHANGE) == 0
        renewed = await cache.grant(stale=grant.token)
        assert not renewed.direct
        assert renewed.token == on.rig.copilot_token(1)


# Calm and secrecy


async def test_a_place_that_refuses_every_new_token_is_left_alone() -> None:
    async with stage() as on:
        cache = cache_of(on)

        async def insist() -> None:
            for _ in range(20):
                grant = await cache.grant()
                await cache.grant(stale=grant.token)

        with pytest.raises(UpstreamFault, match="refuses every new token"):
            await insist()
        assert on.rig.count(EXCHANGE) < 10


async def test_a_stopped_renewal_leaves_nobody_waiting() -> None:
    async with stage() as on:
        cache = cache_of(on)
        on.rig.script(EXCHANGE, Said({}, gate=asyncio.Event()))
        waiting = asyncio.create_task(cache.grant())
        await on.rig.reached(EXCHANGE)
        await cache.close()
        with pytest.raises(Problem):
            await asyncio.wait_for(waiting, 5)
        on.rig.scripts[EXCHANGE][0].gate.set()


async def test_a_caller_that_gives_up_does_not_end_it_for_the_others() -> None:
    async with stage() as on:
        cache = cache_of(on)
        gate = asyncio.Event()
        on.rig.script(EXCHANGE, Said(on.rig._token(), gate=gate))
        first, second = (asyncio.create_task(cache.grant()) for _ in range(2))
        await on.rig.reached(EXCHANGE)
        first.cancel()
        gate.set()
        assert (await asyncio.wait_for(second, 5)).token
        assert on.rig.count(EXCHANGE) == 1


async def test_the_log_says_why_there_is_no_token(caplog: pytest.LogCaptureFixture) -> None:
    """What follows the word token looks like one, and is masked."""
    async with stage() as on:
        on.rig.script(EXCHANGE, Said(NOT_SIGNED_UP, 403))
        with pytest.raises(NoCopilot):
            await cache_of(on).grant()
    (said,) = [each for each in caplog.records if each.name == "copilot_desktop.upstream.token"]
    assert NoCopilot.kind in one_line(said.getMessage())


async def test_no_secret_shows(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with stage() as on:
        cache = cache_of(on)
        grant = await cache.grant()
        on.rig.script(EXCHANGE, Said({"message": f"no {GITHUB_TOKEN} here"}, 403))
        with pytest.raises(NoCopilot) as caught:
            await cache.grant(stale=grant.token)
        shown = f"{grant!r} {cache!r} {cache.plan!r} {caught.value} {caught.value.detail}"
        ours = [r.getMessage() for r in caplog.records if r.name.startswith("copilot_desktop")]
        for secret in (GITHUB_TOKEN, grant.token):
            assert secret not in shown
            assert all(secret not in line for line in ours)
