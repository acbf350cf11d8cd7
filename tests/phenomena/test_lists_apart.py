"""What is known of one account serves no other: clients that bring their own tokens have different
plans, and with them different models."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Iterator
from weakref import ref

import aiohttp
import pytest
from proxy.scripted import post
from rig import Rig, running_rig

from copilot_desktop.demo import Scenario, Status
from copilot_desktop.demo.catalogue import models
from copilot_desktop.proxy.config import ProxyConfig

PASS = ProxyConfig(auth_mode="passthrough")
PAID, VECTORS = "claude-sonnet-4.5", "text-embedding-3-small"
PRO = Scenario()
LESS = Scenario(
    name="less",
    catalogue=tuple(
        each for each in models(PRO) if not each["id"].startswith(("claude", "text-embedding"))
    ),
)
"""A plan without these two and what could stand in for them."""
LISTS = ("/v1/models", "/v1/models?client_version=0.99.0", "/api/tags")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def get(rig: Rig, path: str, token: str = "") -> tuple[int, str]:
    async with (
        aiohttp.ClientSession(headers=bearer(token) if token else {}) as http,
        http.get(rig.url + path) as response,
    ):
        return response.status, await response.text()


def ask(model: str) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 64}


async def converse(rig: Rig, token: str, model: str) -> int:
    return (await post(rig, "/v1/chat/completions", ask(model), headers=bearer(token)))[0]


async def two(rig: Rig) -> tuple[str, str]:
    """A client whose plan has all models, and whose list is known, and one on a lesser plan;
    from now on GitHub answers as to the second one."""
    rich, poor = (rig.fake.tokens.give("ghu_") for _ in range(2))
    assert await converse(rig, rich, PAID) == 200
    rig.fake.scenario = LESS
    return rich, poor


def lists_asked_for(rig: Rig) -> int:
    return len(rig.fake.ledger.to("/models"))


async def test_one_clients_models_are_not_another_ones():
    async with running_rig(PRO, config=PASS, signed_in=False) as rig:
        rich, poor = await two(rig)
        assert await converse(rig, poor, PAID) == 404
        assert len(rig.fake.ledger.to("/chat/completions")) == 1
        rig.fake.scenario = PRO
        assert await converse(rig, rich, PAID) == 200
        assert lists_asked_for(rig) == 2, "one for each client, and no more"


async def test_nor_are_those_of_the_apps_own_sign_in():
    async with running_rig(PRO, config=PASS) as rig:
        own = await rig.provider.models()
        rig.fake.scenario = LESS
        assert await converse(rig, rig.fake.tokens.give("ghu_"), PAID) == 404
        assert not rig.fake.ledger.to("/chat/completions")
        assert rig.provider.catalogue.models == own


@pytest.mark.parametrize("path", LISTS)
async def test_each_client_is_shown_its_own_list(path):
    async with running_rig(PRO, config=PASS, signed_in=False) as rig:
        rich, poor = await two(rig)
        for token, shown in ((poor, False), (rich, True)):
            status, body = await get(rig, path, token)
            assert status == 200
            assert (PAID in body) is shown
        assert (await get(rig, path))[0] == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages/count_tokens", ask(PAID)),
        ("/v1/responses/input_tokens", {"model": PAID, "input": "Hi"}),
        ("/v1/embeddings", {"model": VECTORS, "input": "Hi"}),
        ("/api/show", {"model": PAID}),
    ],
)
async def test_what_is_asked_beside_goes_by_the_clients_own_list(path, body):
    async with running_rig(PRO, config=PASS, signed_in=False) as rig:
        _, poor = await two(rig)
        assert (await post(rig, path, body, headers=bearer(poor)))[0] == 404
        assert (await get(rig, f"/v1/models/{PAID}", poor))[0] == 404


async def test_auto_mode_chooses_for_each_from_its_own_list():
    async with running_rig(LESS, config=PASS, signed_in=False) as rig:
        poor, rich = (rig.fake.tokens.give("ghu_") for _ in range(2))
        assert await converse(rig, poor, "auto") == 200
        rig.fake.scenario = Scenario(auto_models=(PAID,))
        assert await converse(rig, rich, "auto") == 200
        sent = [each["model"] for each in rig.fake.ledger.bodies("/chat/completions")]
        assert sent == ["gpt-5-mini", PAID]


async def test_that_one_account_is_not_counted_for_says_nothing_of_another():
    count = "/v1/messages/count_tokens"
    async with running_rig(
        PRO, Status(count, status=404, times=1), config=PASS, signed_in=False
    ) as rig:
        first, second = (rig.fake.tokens.give("ghu_") for _ in range(2))
        for token, estimated in ((first, True), (second, False), (first, True)):
            body = {**ask(PAID), "system": token}  # what was counted once is known
            status, _, headers = await post(rig, count, body, headers=bearer(token))
            assert status == 200
            assert ("x-copilot-desktop-notes" in headers) is estimated


@pytest.fixture
def no_records() -> Iterator[None]:
    """Pytest keeps what is logged, and with it what that is about."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("no_records")
async def test_a_list_goes_with_the_token_it_belongs_to():
    async with running_rig(PRO, config=PASS, signed_in=False) as rig:
        token = rig.fake.tokens.give("ghu_")
        rig.fake.tokens.revoke(token)
        assert await converse(rig, token, PAID) == 401
        authority = rig.relay._passthrough.for_client(token)
        kept = ref(rig.provider.catalogue.of(authority))
        assert kept() is not rig.provider.catalogue
        del authority
        await rig.relay._passthrough.close()
        for _ in range(200):  # the connection may still be at its end
            gc.collect()
            if kept() is None:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the list is held by somebody")
