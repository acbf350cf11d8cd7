"""A Copilot token that has died is replaced behind the client's back, once, however many wait."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from phenomena.routes import Way, each_way
from proxy.scripted import post
from rig import running_rig

from copilot_desktop.demo import Scenario, Status

CHAT = Way("/v1/chat/completions", "/chat/completions")


@each_way
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_an_expired_token_costs_one_exchange_and_one_replay(way: Way, stream):
    async with running_rig() as rig:
        assert (await post(rig, way.path, way.body()))[0] == 200
        rig.fake.tokens.expire()
        exchanges, calls = rig.fake.tokens.exchanges, len(rig.fake.ledger.to(way.endpoint))
        status, body, _ = await post(rig, way.path, way.body(stream=stream))
        assert status == 200, body
        assert rig.fake.tokens.exchanges == exchanges + 1
        asked = rig.fake.ledger.to(way.endpoint)[calls:]
        assert [each.status for each in asked] == [401, 200]
        assert asked[0].raw == asked[1].raw


async def test_two_hundred_callers_with_an_expired_token_cost_one_exchange():
    async with (
        running_rig() as rig,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        assert (await post(rig, CHAT.path, CHAT.body()))[0] == 200
        rig.fake.tokens.expire()
        exchanges = rig.fake.tokens.exchanges

        async def ask() -> int:
            async with http.post(rig.url + CHAT.path, json=CHAT.body(stream=False)) as response:
                await response.read()
                return response.status

        statuses = await asyncio.gather(*(ask() for _ in range(200)))
        assert set(statuses) == {200}
        assert rig.fake.tokens.exchanges == exchanges + 1


async def test_a_first_crowd_costs_one_exchange_and_one_list_of_models():
    async with running_rig() as rig:
        answers = await asyncio.gather(
            *(post(rig, CHAT.path, CHAT.body(stream=False)) for _ in range(40))
        )
        assert {status for status, _, _ in answers} == {200}
        assert rig.fake.tokens.exchanges == 1
        assert len(rig.fake.ledger.to("/models")) == 1


async def test_a_token_that_every_renewal_makes_worse_ends_as_an_error():
    refusal = Status.example("401-token-expired", "/chat/completions", times=-1)
    async with running_rig() as rig:
        rig.fake.add_fault(refusal)
        status, body, _ = await post(rig, CHAT.path, CHAT.body())
        calls = len(rig.fake.ledger.to("/chat/completions"))
    assert status == 401
    assert CHAT.error_in(body.decode())["type"] == "authentication_error"
    assert calls <= 3


async def test_a_token_for_another_host_is_exchanged_again():
    async with running_rig(Scenario(misdirected=1)) as rig:
        status, body, _ = await post(rig, CHAT.path, CHAT.body(stream=False))
        assert status == 200, body
        assert rig.fake.tokens.exchanges == 2


@each_way
async def test_one_misdirected_call_is_repeated_at_the_right_place(way: Way):
    async with running_rig() as rig:
        rig.fake.add_fault(Status.example("421-misdirected", way.endpoint))
        assert (await post(rig, way.path, way.body()))[0] == 200


@pytest.mark.parametrize("name", ["403-forbidden-text", "403-policy"])
@each_way
async def test_a_403_that_stays_is_told_as_one(way: Way, name):
    async with running_rig() as rig:
        rig.fake.add_fault(Status.example(name, way.endpoint, times=-1))
        status, body, _ = await post(rig, way.path, way.body())
        calls = len(rig.fake.ledger.to(way.endpoint))
    assert status == 403
    error = way.error_in(body.decode())
    assert error["message"]
    assert error["type"] == "permission_error"
    assert calls <= 2


async def test_a_403_without_a_reason_may_just_be_an_old_token():
    async with running_rig() as rig:
        rig.fake.add_fault(Status.example("403-forbidden-text", "/chat/completions"))
        assert (await post(rig, CHAT.path, CHAT.body()))[0] == 200
        assert rig.fake.tokens.exchanges == 2
