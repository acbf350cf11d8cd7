"""The model `auto` over all three dialects: GitHub chooses, and everybody can see what."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import aiohttp
import anthropic
import openai
import pytest
from conformance.speakers import SPEAKERS
from phenomena.routes import WAYS, each_way
from phenomena.test_secrets import Everything
from proxy.scripted import post
from proxy.talking import talking
from rig import running_rig

from copilot_desktop.canonical import Message, Request, Text, fold
from copilot_desktop.demo import Fault, Scenario, Status
from copilot_desktop.errors import UnknownModel
from copilot_desktop.proxy.config import ProxyConfig

CHOICES = {
    "/chat/completions": "gpt-4.1",
    "/responses": "gpt-5.3-codex",
    "/v1/messages": "claude-sonnet-5",
}
FREE = Scenario(who="free", auto_only=True)
HEADER = "Copilot-Session-Token"
each_speaker = pytest.mark.parametrize("speaker", SPEAKERS, ids=lambda speaker: speaker.name)
STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


def chooses(*models: str, **more) -> Scenario:
    return Scenario(auto_models=models, **more)


async def get(url: str):
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status, await answer.json()


@each_speaker
@STREAM
async def test_the_sdks_get_an_answer_under_the_name_they_asked_for(speaker, stream):
    async with running_rig() as rig:
        client = speaker(rig.url)
        heard = await client.ask("auto", [client.user("Hi")], stream=stream, tools=True)
        await client.close()
        [shown] = rig.traffic.recent
    assert heard.text
    assert heard.model == "auto"
    assert (shown.model_asked, shown.model_used) == ("auto", "gpt-5-mini")
    assert "auto=gpt-5-mini" in shown.notes


@each_way
async def test_every_route_carries_the_selector_and_says_who_answered(way):
    async with running_rig(chooses(CHOICES[way.endpoint])) as rig:
        for stream in (True, False):
            body = way.body(stream=stream, model="copilot/auto")
            status, _, headers = await post(rig, way.path, body)
            assert status == 200
            assert f"auto={CHOICES[way.endpoint]}" in headers["x-copilot-desktop-notes"]
        seen = rig.fake.ledger.to(way.endpoint)
        assert len(seen) == 2
        for each in seen:
            assert each.headers[HEADER] in rig.fake.sessions.tokens
            assert each.body["model"] == CHOICES[way.endpoint]
        assert len(rig.fake.ledger.to("/models/session")) == 1


@each_way
async def test_a_choice_that_is_over_is_made_again_unseen(way):
    """Even if another model is chosen, which answers at another endpoint."""
    for after in CHOICES.values():
        async with running_rig(chooses(CHOICES[way.endpoint])) as rig:
            body = way.body(model="auto")
            assert (await post(rig, way.path, body))[0] == 200
            rig.fake.sessions.expire()
            rig.fake.scenario = replace(rig.fake.scenario, auto_models=(after,))
            status, _, headers = await post(rig, way.path, body)
            assert status == 200
            assert rig.traffic.recent[0].model_used == after
            notes = headers["x-copilot-desktop-notes"].split("; ")
            assert [note for note in notes if note.startswith("auto=")] == [f"auto={after}"]
            assert rig.fake.tokens.exchanges == 1, "the Copilot token was not to blame"
            assert len(rig.fake.ledger.to("/models/session")) == 2


@each_way
async def test_a_choice_that_is_refused_twice_is_an_error_in_the_dialect(way):
    fault = Status.example("401-invalid-auto-mode-selector", way.endpoint, times=-1)
    async with running_rig(chooses(CHOICES[way.endpoint]), fault) as rig:
        status, raw, _ = await post(rig, way.path, way.body(model="auto"))
        calls = len(rig.fake.ledger.to(way.endpoint))
    assert (status, calls) == (400, 2)
    assert "Name a model instead of auto" in way.error_in(raw.decode())["message"]


async def test_an_account_without_a_choice_is_told_about_auto_everywhere():
    async with running_rig(FREE) as rig:
        _, listed = await get(f"{rig.url}/v1/models")
        names = [entry["id"] for entry in listed["data"]]
        assert names[0] == "auto"
        assert "gpt-5-mini" not in names
        _, one = await get(f"{rig.url}/v1/models/auto")
        assert one["id"] == "auto"
        _, tags = await get(f"{rig.url}/api/tags")
        assert "auto" in [entry["name"] for entry in tags["models"]]
        assert one["max_tokens"] == 4096, "the least of all, as long as nothing is known"
        for way in WAYS[::3]:
            assert (await post(rig, way.path, way.body(model="auto")))[0] == 200
            assert (await post(rig, way.path, way.body(model="default")))[0] == 200
            status, raw, _ = await post(rig, way.path, way.body(model="gpt-5-mini"))
            assert status == 404
            assert "Ask for the model auto" in way.error_in(raw.decode())["message"]
        _, one = await get(f"{rig.url}/v1/models/auto")
        assert one["max_tokens"] == 64_000, "the least of those that GitHub chooses from"


async def test_the_list_names_auto_only_where_github_does():
    async with running_rig() as rig:
        _, listed = await get(f"{rig.url}/v1/models")
        assert "auto" not in [entry["id"] for entry in listed["data"]]
        entry = next(each for each in rig.fake.models if each["id"] == "gpt-4.1")
        rig.fake.models.append({**entry, "id": "auto", "name": "Auto"})
        await rig.provider.catalogue.refresh(rig.provider.session)
        _, listed = await get(f"{rig.url}/v1/models")
        assert [entry["id"] for entry in listed["data"]].count("auto") == 1


async def test_without_auto_mode_the_sdks_say_what_to_do():
    async with running_rig(chooses()) as rig:
        sdk = openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key="any", max_retries=0, timeout=60)
        with pytest.raises(openai.NotFoundError, match="Name one instead"):
            await sdk.responses.create(model="auto", input="Hi")
        await sdk.close()
        claude = anthropic.AsyncAnthropic(
            base_url=rig.url, api_key="any", max_retries=0, timeout=60
        )
        turn = {"role": "user", "content": "Hi"}
        with pytest.raises(anthropic.NotFoundError, match="Name one instead"):
            await claude.messages.create(model="auto", max_tokens=9, messages=[turn])
        await claude.close()


async def test_an_alias_and_the_users_default_may_be_auto():
    config = ProxyConfig(aliases={"fast": "auto"}, default_model="auto")
    async with running_rig(config=config) as rig:
        for name in ("fast", "default"):
            assert (await post(rig, WAYS[0].path, WAYS[0].body(model=name)))[0] == 200
            assert rig.traffic.recent[0].model_used == "gpt-5-mini"


async def test_a_socket_follows_the_choice():
    """Also when the choice is over between two requests, or before the first of a new socket."""
    async with running_rig(chooses("gpt-5.3-codex")) as rig:
        for _ in range(2):
            async with talking(rig, "auto") as talk:
                assert "apple" in await talk.say("I say apple")
                rig.fake.sessions.expire()
                assert "pear" in await talk.say("I say pear")
                assert "plum" in await talk.say("I say plum")
                rig.fake.sessions.expire()
        assert rig.fake.tokens.exchanges == 1, "the Copilot token was not to blame"
        for exchange in rig.traffic.recent:
            assert (exchange.outcome, exchange.model_used) == ("ok", "gpt-5.3-codex")
            assert exchange.notes.count("auto=gpt-5.3-codex") == 1
        ways = [note for each in rig.traffic.recent for note in each.notes if "transport" in note]
        assert ways.count("transport=websocket") >= 5, ways


async def test_small_questions_about_auto_have_answers():
    async with running_rig(chooses("claude-sonnet-4.6")) as rig:
        body = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}]}
        status, raw, _ = await post(rig, "/v1/messages/count_tokens", body)
        assert status == 200
        assert json.loads(raw)["input_tokens"] > 0
        assert rig.fake.ledger.to("/v1/messages/count_tokens")[0].headers[HEADER]
        assert (await post(rig, "/api/show", {"model": "auto"}))[0] == 200
        status, raw, _ = await post(rig, "/v1/embeddings", {"model": "auto", "input": "x"})
        assert status == 400
        assert b"does not make embeddings" in raw


async def test_each_client_token_has_a_session_of_its_own():
    async with running_rig(config=ProxyConfig(auth_mode="passthrough")) as rig:
        way = WAYS[0]
        for token in (rig.fake.github_token, rig.fake.tokens.give(), rig.fake.tokens.give("gho_")):
            for _ in range(2):
                headers = {"Authorization": f"Bearer {token}"}
                assert (await post(rig, way.path, way.body(model="auto"), headers=headers))[
                    0
                ] == 200
        assert len(rig.fake.ledger.to("/models/session")) == 3
        assert len({each.headers[HEADER] for each in rig.fake.ledger.to(way.endpoint)}) == 3


async def test_many_requests_at_once_are_one_session():
    async with running_rig() as rig:
        way = WAYS[0]
        found = await asyncio.gather(
            *(post(rig, way.path, way.body(model="auto")) for _ in range(6))
        )
        assert [status for status, *_ in found] == [200] * 6
        assert len(rig.fake.ledger.to("/models/session")) == 1


async def test_the_session_token_shows_nowhere():
    with Everything() as seen:
        async with running_rig() as rig:
            for way in WAYS:
                assert await seen.ask(rig, way, way.body(model="auto")) == 200
                rig.fake.sessions.expire()
                fault = Status.example("429-weekly", way.endpoint, nth=2)
                rig.fake.add_fault(fault)
                await seen.ask(rig, way, way.body(model="auto", stream=False))
                rig.fake.clear_faults()
                seen.parts += [repr(rig.provider.catalogue.models)]
            seen.watch(rig)
            tokens = {each.headers.get(HEADER) for each in rig.fake.ledger} - {None}
        assert len(tokens) > 1
        seen.assert_free_of(*tokens)


@pytest.mark.parametrize(
    "faults", [(), (Status.example("401-invalid-auto-mode-selector", "/chat/completions"),)]
)
async def test_the_python_object_takes_auto_as_well(faults: tuple[Fault, ...]):
    async with running_rig(chooses("gpt-4.1"), *faults) as rig:
        request = Request("auto", (Message("user", (Text("Hi"),)),))
        reply = fold([event async for event in rig.provider.stream(request)])
        assert reply.blocks
    async with running_rig(chooses()) as rig:
        with pytest.raises(UnknownModel, match="Name one instead"):
            await rig.provider.complete(request)
