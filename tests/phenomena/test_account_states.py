"""Signed out, without Copilot, revoked: said in words, and healed without a restart."""

from __future__ import annotations

import anthropic
import openai
import pytest
from phenomena.routes import WAYS, Way, each_way
from proxy.raw import request, send
from proxy.scripted import post
from rig import Rig, running_rig

from copilot_desktop.demo import Scenario

CHAT = Way("/v1/chat/completions", "/chat/completions")
APPROVED_AT_ONCE = Scenario(approve_after=0, interval=0, enforce_interval=False)


async def no_pause(_seconds: float) -> None:
    """GitHub's interval between polls would only take time here."""


async def sign_in(rig: Rig) -> None:
    session = rig.provider.session
    session._sleep = no_pause
    await session.start()
    assert (await session.poll()).state == "signed_in"


async def test_whoever_is_signed_out_is_told_so_and_healed_by_signing_in():
    async with running_rig(APPROVED_AT_ONCE, signed_in=False) as rig:
        for way in WAYS:
            status, body, _ = await post(rig, way.path, way.body())
            assert status == 401
            error = way.error_in(body.decode())
            assert error["type"] == "authentication_error"
            assert "Sign in" in error["message"]
        for path in ("/v1/models", "/v1/models/gpt-4.1"):
            assert (await send(rig.port, request("GET", path))).status == 401
        assert not rig.fake.ledger, "nobody is asked for somebody who is not there"
        await sign_in(rig)
        for way in WAYS:
            assert (await post(rig, way.path, way.body()))[0] == 200
        assert (await send(rig.port, request("GET", "/v1/models"))).status == 200
        await rig.provider.session.sign_out()
        assert (await post(rig, CHAT.path, CHAT.body()))[0] == 401


async def test_both_sdks_raise_their_error_for_a_missing_sign_in():
    async with running_rig(signed_in=False) as rig:
        one = openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key="any")
        other = anthropic.AsyncAnthropic(base_url=rig.url, api_key="any")
        hello = [{"role": "user", "content": "hi"}]
        with pytest.raises(openai.AuthenticationError, match="Sign in"):
            await one.chat.completions.create(model="gpt-4.1", messages=hello)
        with pytest.raises(anthropic.AuthenticationError, match="Sign in"):
            await other.messages.create(model="gpt-4.1", messages=hello, max_tokens=99)
        await one.close()
        await other.close()


@each_way
async def test_a_revoked_sign_in_is_told_and_healed_by_a_new_one(way: Way):
    async with running_rig(APPROVED_AT_ONCE) as rig:
        assert (await post(rig, way.path, way.body()))[0] == 200
        rig.fake.tokens.revoke()
        rig.fake.tokens.expire()
        for _ in range(3):
            status, body, _ = await post(rig, way.path, way.body())
            assert status == 401
            assert "sign in again" in way.error_in(body.decode())["message"]
        asked = len(rig.fake.ledger)
        assert asked < 12, "a dead token is not tried over and over"
        assert rig.provider.session.account.state == "expired"
        await sign_in(rig)
        assert (await post(rig, way.path, way.body()))[0] == 200


@each_way
async def test_an_account_without_copilot_is_told_so_and_healed_when_it_has_it(way: Way):
    async with running_rig(Scenario(who="no_access")) as rig:
        status, body, _ = await post(rig, way.path, way.body())
        assert status == 403
        error = way.error_in(body.decode())
        assert error["type"] == "permission_error"
        assert "Copilot" in error["message"]
        rig.fake.scenario = Scenario()
        await rig.provider.session.check()
        status, body, _ = await post(rig, way.path, way.body())
        assert status == 200, body


async def test_an_account_that_github_blocked_is_told_what_github_says():
    async with running_rig(Scenario(who="blocked")) as rig:
        status, body, _ = await post(rig, CHAT.path, CHAT.body())
    assert status == 403
    assert len(CHAT.error_in(body.decode())["message"]) > 20


async def test_github_out_of_reach_is_a_502_and_heals_by_itself():
    async with running_rig() as rig:
        port = rig.fake._world.port
        await rig.fake.stop()
        status, body, _ = await post(rig, CHAT.path, CHAT.body())
        assert status == 502
        assert "could not be reached" in CHAT.error_in(body.decode())["message"]
        rig.fake._port = port
        await rig.fake.start()
        await rig.provider.session.check()
        assert (await post(rig, CHAT.path, CHAT.body()))[0] == 200
