"""A client that brings its own token: it serves that call, and is neither kept nor shown."""

from __future__ import annotations

import logging

import pytest
from phenomena.routes import WAYS, Way
from proxy.scripted import post
from rig import Rig, running_rig

from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.upstream.origins import Origins

CHAT = Way("/v1/chat/completions", "/chat/completions")
PASS = ProxyConfig(auth_mode="passthrough")
KEY = "cd-" + "k" * 43


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def authorizations(rig: Rig, path: str) -> list[str]:
    return [each.headers["Authorization"] for each in rig.fake.ledger.to(path)]


async def test_a_github_token_is_exchanged_once_and_serves_the_calls_it_came_with(caplog):
    caplog.set_level(logging.DEBUG)
    async with running_rig(config=PASS, signed_in=False) as rig:
        token = rig.fake.tokens.give("ghu_")
        for way in WAYS:
            status, body, headers = await post(rig, way.path, way.body(), headers=bearer(token))
            assert status == 200, body
            assert token not in body.decode() + str(headers)
        status, _, _ = await post(rig, CHAT.path, CHAT.body(), headers={"x-api-key": token})
        assert status == 200
        assert rig.fake.tokens.exchanges == 1
        assert all(each.startswith("Bearer tid=") for each in authorizations(rig, "/responses"))
        assert await rig.provider.session.store.load() is None
        assert rig.provider.session.account.state == "signed_out"
        assert token not in repr(rig.traffic.recent)
    assert token not in caplog.text
    assert "tid=" not in caplog.text


async def test_two_clients_never_use_each_others_token():
    async with running_rig(config=PASS) as rig:
        first, second = (rig.fake.tokens.give("ghu_") for _ in range(2))
        for token in (first, second, first):
            assert (await post(rig, CHAT.path, CHAT.body(), headers=bearer(token)))[0] == 200
        used = authorizations(rig, "/chat/completions")
        assert used[0] == used[2] != used[1]
        owners = [rig.fake.tokens.copilot(each.removeprefix("Bearer ")).github for each in used]
        assert owners == [first, second, first]


async def test_a_copilot_token_is_used_as_it_is_and_cannot_be_renewed():
    async with running_rig(config=PASS, signed_in=False) as rig:
        # The token itself names the real Copilot; the setting for tests wins over it.
        here = Origins.of(github=rig.fake.url, api=rig.fake.url, copilot=rig.fake.url)
        await rig.relay._passthrough.use(here)
        token = rig.fake.tokens.exchange(rig.fake.github_token, "sku").text
        assert (await post(rig, CHAT.path, CHAT.body(), headers=bearer(token)))[0] == 200
        assert authorizations(rig, "/chat/completions") == [f"Bearer {token}"]
        rig.fake.tokens.expire()
        status, body, _ = await post(rig, CHAT.path, CHAT.body(), headers=bearer(token))
        assert status == 401
        assert token not in body.decode()


@pytest.mark.parametrize(
    "headers",
    [{}, bearer("sk-somebody-elses-key-0123456789"), bearer("x"), {"x-api-key": "sk-ant-api03-x"},
     bearer("ghp_"), bearer("tid"), {"Authorization": "Basic Z2h1X3g="}],
)  # fmt: skip
async def test_a_key_that_is_no_such_token_goes_nowhere(headers, caplog):
    async with running_rig(config=PASS) as rig:
        for way in (CHAT, Way("/v1/messages", "/v1/messages")):
            status, body, _ = await post(rig, way.path, way.body(), headers=headers)
            assert status == 401
            assert way.error_in(body.decode())["type"] == "authentication_error"
        assert not rig.fake.ledger, "it went to somebody, or the app's own sign-in was used"
    for value in headers.values():
        assert value not in caplog.text


async def test_a_revoked_token_is_refused_to_its_client_alone():
    async with running_rig(config=PASS) as rig:
        good, bad = (rig.fake.tokens.give("ghu_") for _ in range(2))
        rig.fake.tokens.revoke(bad)
        assert (await post(rig, CHAT.path, CHAT.body(), headers=bearer(bad)))[0] == 401
        assert (await post(rig, CHAT.path, CHAT.body(), headers=bearer(good)))[0] == 200
        assert rig.provider.session.account.state not in {"expired", "signed_out"}


async def test_a_required_key_and_a_token_come_side_by_side():
    config = ProxyConfig(auth_mode="passthrough", key=KEY, key_required=True)
    async with running_rig(config=config, signed_in=False) as rig:
        token = rig.fake.tokens.give("ghu_")
        alone = await post(rig, CHAT.path, CHAT.body(), headers=bearer(token))
        for headers in ({**bearer(token), "x-api-key": KEY}, {**bearer(KEY), "x-api-key": token}):
            assert (await post(rig, CHAT.path, CHAT.body(), headers=headers))[0] == 200
        assert alone[0] == 401
        assert (await post(rig, CHAT.path, CHAT.body(), headers=bearer(KEY)))[0] == 401
        assert KEY not in str([dict(each.headers) for each in rig.fake.ledger])
