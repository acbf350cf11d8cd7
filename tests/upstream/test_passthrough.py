"""Clients that bring their own token: served with it, and with nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from copilot_desktop.errors import NotSignedIn, SignInExpired
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.passthrough import IDLE, KEPT, PassThrough
from tests.upstream.github_rig import BAD_CREDENTIALS, EXCHANGE, GITHUB_TOKEN, Said, Stage, stage

COPILOT_TOKEN = "tid=1;exp=2;proxy-ep=proxy.business.githubcopilot.com;st=dotcom:0123abcd"


def pass_through(on: Stage) -> PassThrough:
    return PassThrough(
        on.http, on.origins, on.identity, clock=on.time.clock, wall=on.time.wall, timeout=5.0
    )


async def test_a_github_token_is_exchanged_once_for_many_requests() -> None:
    async with stage() as on:
        through = pass_through(on)
        grants = await asyncio.gather(
            *(through.for_client(f" {GITHUB_TOKEN}").grant() for _ in range(50))
        )
        assert {grant.token for grant in grants} == {on.rig.copilot_token(1)}
        assert on.rig.count(EXCHANGE) == 1


async def test_clients_do_not_share() -> None:
    async with stage() as on:
        through = pass_through(on)
        first = await through.for_client(GITHUB_TOKEN).grant()
        second = await through.for_client("gho_ANOTHERnotARealToken00000000").grant()
        assert first.token != second.token


async def test_a_copilot_token_is_used_as_it_is() -> None:
    async with stage() as on:
        authority = pass_through(on).for_client(COPILOT_TOKEN)
        grant = await authority.grant()
        assert grant.token == COPILOT_TOKEN
        assert grant.base_url == "https://api.business.githubcopilot.com"
        with pytest.raises(SignInExpired, match="client"):
            await authority.grant(stale=COPILOT_TOKEN)
        assert on.rig.asked == []


@pytest.mark.parametrize(
    "key",
    ["", "sk-ant-api03-abcdefgh", "dummy", "x" * 5000, "gh\u00f6_12345678", "tid", "a b;tid=1"],
)
async def test_another_kind_of_key_is_never_sent_anywhere(key: Any) -> None:
    async with stage() as on:
        with pytest.raises(NotSignedIn) as caught:
            pass_through(on).for_client(key)
        assert not key or key not in str(caught.value)
        assert on.rig.asked == []


async def test_a_dead_token_is_asked_about_rarely() -> None:
    async with stage() as on:
        through = pass_through(on)
        on.rig.script(EXCHANGE, Said(BAD_CREDENTIALS, 401))
        for _ in range(10):
            with pytest.raises(SignInExpired):
                await through.for_client(GITHUB_TOKEN).grant()
        assert on.rig.count(EXCHANGE) == 1


async def test_tokens_are_forgotten() -> None:
    async with stage() as on:
        through = pass_through(on)
        first = through.for_client(GITHUB_TOKEN)
        assert through.for_client(GITHUB_TOKEN) is first
        on.time.pass_(IDLE + 1)
        assert through.for_client(GITHUB_TOKEN) is not first
        for number in range(KEPT + 5):
            through.for_client(f"ghu_number{number:08d}")
        assert len(through._entries) == KEPT
        assert GITHUB_TOKEN not in repr(through._entries)
        await through.close()
        assert not through._entries


async def test_after_a_change_of_host_nothing_goes_to_the_old_one() -> None:
    async with stage() as on:
        through = pass_through(on)
        await through.for_client("tid=1;exp=2").grant()
        await through.use(Origins.of(host="acme.ghe.com"))
        grant = await through.for_client("tid=1;exp=2").grant()
        assert grant.base_url == "https://copilot-api.acme.ghe.com"
