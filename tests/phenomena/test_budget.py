"""What clients are told when the user's own budget is spent, over HTTP and through the SDKs."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import anthropic
import ollama
import openai
import pytest
from phenomena.routes import WAYS, each_way
from proxy.scripted import post
from rig import Rig, running_rig

from copilot_desktop.core.budget import Budget, Limit, refusal
from copilot_desktop.proxy.exchange import Exchange

WORDS = "Your own budget of 20 AI credits a day is used up until"
WHERE = "Change it in Copilot Desktop under Usage, Budget."
SPENT = Budget(Limit("credits", 20.0, "day", stops=True), 21.5, time.time() + 3600)
TURN = [{"role": "user", "content": "hello"}]
EMBEDDING = {"model": "text-embedding-3-small", "input": ["a"]}


@asynccontextmanager
async def spent_rig() -> AsyncIterator[Rig]:
    def afford(_: Exchange) -> None:
        raise refusal(SPENT)

    async with running_rig() as rig:
        rig.relay.brakes.afford = afford
        yield rig
        assert not [call for way in WAYS[:3] for call in rig.fake.ledger.to(way.endpoint)]


@each_way
@pytest.mark.parametrize("stream", [True, False])
async def test_nothing_is_sent_and_the_answer_says_why(way, stream):
    async with spent_rig() as rig:
        status, answer, headers = await post(rig, way.path, way.body(stream=stream))
        assert status == 402
        assert headers["x-should-retry"] == "false"
        message = way.error_in(answer.decode())["message"]
        assert WORDS in message
        assert WHERE in message
        (exchange,) = rig.traffic.recent
        assert exchange.held == "budget"


async def test_the_sdks_do_not_try_again():
    async with spent_rig() as rig:
        async with openai.AsyncOpenAI(base_url=rig.url + "/v1", api_key="x") as client:
            with pytest.raises(openai.APIStatusError, match=WORDS) as refused:
                await client.chat.completions.create(model="gpt-4.1", messages=TURN)
            assert refused.value.status_code == 402
            assert refused.value.code == "insufficient_quota"
            with pytest.raises(openai.APIStatusError, match=WORDS):
                await client.responses.create(model="gpt-5.3-codex", input="hello")
        async with anthropic.AsyncAnthropic(base_url=rig.url, api_key="x") as claude:
            with pytest.raises(anthropic.APIStatusError, match=WORDS) as told:
                await claude.messages.create(model="claude-sonnet-5", max_tokens=99, messages=TURN)
            assert told.value.status_code == 402
        local = ollama.AsyncClient(host=rig.url, trust_env=False)
        with pytest.raises(ollama.ResponseError, match=WORDS):
            await local.chat(model="gpt-4.1", messages=TURN)
        await local.close()
        assert rig.traffic.today == 4


async def test_codex_shows_these_words_and_the_day():
    async with spent_rig() as rig:
        body = {"model": "gpt-5.3-codex", "input": "hello", "stream": True}
        agent = {"user-agent": "codex_exec/0.169"}
        status, answer, headers = await post(rig, "/v1/responses", body, headers=agent)
        assert status == 429
        assert WORDS in headers["x-codex-promo-message"]
        resets_at = json.loads(answer)["error"]["resets_at"]
        assert SPENT.resets_at - 61 < resets_at <= SPENT.resets_at


async def test_counting_goes_on_and_embeddings_do_not():
    async with spent_rig() as rig:
        count = {"model": "claude-sonnet-5", "messages": TURN}
        assert (await post(rig, "/v1/messages/count_tokens", count))[0] == 200
        assert (await post(rig, "/v1/embeddings", EMBEDDING))[0] == 402


async def test_a_socket_is_told_as_well():
    async with spent_rig() as rig, aiohttp.ClientSession() as http:
        url = rig.url.replace("http", "ws") + "/v1/responses"
        async with http.ws_connect(url) as socket:
            await socket.send_json(
                {"type": "response.create", "model": "gpt-5.3-codex", "input": "hello"}
            )
            frame = await socket.receive_json(timeout=10)
        assert WORDS in frame["error"]["message"]
