"""The session against the built-in fake GitHub, which knows nothing of our code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from copilot_desktop.demo import FakeUpstream, Scenario
from copilot_desktop.errors import NoCopilot, SignInCodeExpired, SignInDenied
from copilot_desktop.upstream.credentials import MemoryStore
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.session import Session
from tests.upstream.github_rig import Time

ASKED = "/login/oauth/access_token"
EXCHANGE = "/copilot_internal/v2/token"


@dataclass
class Both:
    fake: FakeUpstream
    session: Session
    time: Time


@asynccontextmanager
async def running(scenario: Scenario, *, identity: Identity | None = None) -> AsyncIterator[Both]:
    time = Time()
    async with (
        FakeUpstream(scenario, clock=time.clock) as fake,
        open_http(github_timeout=5) as http,
    ):
        session = Session(
            http,
            Origins.of(github=fake.url, api=fake.url),
            identity or Identity(),
            MemoryStore(),
            clock=time.clock,
            wall=time.wall,
            sleep=time.sleep,
        )
        try:
            yield Both(fake, session, time)
        finally:
            await session.close()


@pytest.mark.parametrize(
    ("who", "plan"), [("pro", "Pro"), ("free", "Free"), ("business", "Business")]
)
async def test_signing_in(who: str, plan: str) -> None:
    async with running(Scenario(who=who)) as at:  # type: ignore[arg-type]
        await at.session.start()
        account = await at.session.poll()
        assert (account.state, account.plan) == ("signed_in", plan)
        assert account.login
        assert account.problem is None
        grant = await at.session.grant()
        assert grant.base_url == at.fake.url
        assert len(at.fake.ledger.to(EXCHANGE)) == 1


async def test_the_fake_never_has_to_say_slow_down_twice() -> None:
    scenario = Scenario(polls=("pending", "slow_down", "drop", "outage", "pending", "success"))
    async with running(scenario) as at:
        await at.session.start()
        assert (await at.session.poll()).state == "signed_in"
        # GitHub enforces its interval here: one poll too fast would have meant another slow_down.
        assert len(at.fake.ledger.to(ASKED)) == len(scenario.polls)


@pytest.mark.parametrize(
    ("poll", "kind"), [("denied", SignInDenied), ("expired", SignInCodeExpired)]
)
async def test_endings(poll: str, kind: type[Exception]) -> None:
    async with running(Scenario(polls=("pending", poll))) as at:  # type: ignore[arg-type]
        await at.session.start()
        with pytest.raises(kind):
            await at.session.poll()


async def test_an_account_without_copilot() -> None:
    async with running(Scenario(who="no_access")) as at:
        await at.session.start()
        account = await at.session.poll()
        assert account.state == "no_access"
        assert isinstance(account.problem, NoCopilot)
        assert account.problem.url
        at.fake.scenario = replace(at.fake.scenario, who="pro")
        assert (await at.session.check()).state == "signed_in"


async def test_an_app_that_may_not_exchange_uses_its_token_directly() -> None:
    identity = Identity(client_id="Ov23li8tweQw6odWQebz")
    async with running(Scenario(), identity=identity) as at:
        await at.session.start()
        assert (await at.session.poll()).state == "signed_in"
        grant = await at.session.grant()
        assert grant.direct
        assert grant.token.startswith("gho_")


async def test_a_revoked_sign_in_is_noticed_at_the_next_renewal() -> None:
    async with running(Scenario()) as at:
        await at.session.start()
        await at.session.poll()
        grant = await at.session.grant()
        at.fake.tokens.revoke()
        at.time.pass_(600)
        assert await at.session.grant() == grant
        at.time.pass_(1000)
        with pytest.raises(Exception, match="no longer accepts"):
            await at.session.grant()
        assert at.session.account.state == "expired"


async def test_a_busy_morning_costs_one_exchange() -> None:
    async with running(Scenario()) as at:
        await at.session.start()
        await at.session.poll()
        at.time.suspend(8 * 3600)
        await asyncio.gather(*(at.session.grant() for _ in range(200)))
        assert len(at.fake.ledger.to(EXCHANGE)) == 2
