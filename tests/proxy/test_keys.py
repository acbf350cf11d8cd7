"""Named keys: who asks is known for certain, and each key keeps to its limits in every format."""

from __future__ import annotations

import json

import aiohttp
import anthropic
import openai
import pytest
from proxy.raw import request, send
from rig import Rig, running_rig

from copilot_desktop.canonical import Effort
from copilot_desktop.errors import UnknownModel
from copilot_desktop.model import Model
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.keys import Caller, KeyLimits, NamedKey, without_key
from copilot_desktop.upstream.auto import SESSION_HEADER

SHARED = "cd-" + "s" * 43
OPEN = NamedKey("codex", "cd-" + "o" * 43, 0.0)
NARROW = NamedKey("claude-code", "cd-" + "n" * 43, 0.0, KeyLimits(models=("gpt-4.1", "*haiku*")))
LOW = NamedKey("aider", "cd-" + "l" * 43, 0.0, KeyLimits(max_effort=Effort.LOW))
UNKNOWN = "cd-" + "u" * 43
JSON = ("Content-Type", "application/json")
CHAT = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}


def config(*, required: bool = False) -> ProxyConfig:
    return ProxyConfig(key=SHARED, keys=(OPEN, NARROW, LOW), key_required=required)


def openai_for(rig: Rig, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key=key, max_retries=0)


def anthropic_for(rig: Rig, key: str) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=rig.url, api_key=key, max_retries=0)


async def chat(rig: Rig, key: str, model: str = "gpt-4.1", **more: object) -> None:
    async with openai_for(rig, key) as client:
        await client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "hi"}], **more
        )


async def message(rig: Rig, key: str, model: str, **more: object) -> None:
    async with anthropic_for(rig, key) as client:
        await client.messages.create(
            model=model, max_tokens=2000, messages=[{"role": "user", "content": "hi"}], **more
        )


# ------------------------------------------------------------------------------------ who asks


async def test_the_list_says_which_client_talks_and_none_goes_by_the_name_of_a_key() -> None:
    async with running_rig(config=config()) as rig:
        for key in (OPEN.secret, NARROW.secret, SHARED, UNKNOWN):
            await chat(rig, key)
        body = json.dumps(CHAT).encode()
        for agent in ("codex/1", "claude-code/2"):  # says so, but came without the key
            await send(
                rig.port,
                request("POST", "/v1/chat/completions", JSON, ("User-Agent", agent), body=body),
            )
        seen = [(each.client, each.key) for each in reversed(rig.traffic.recent)]
    assert seen == [
        ("codex", "codex"),
        ("claude-code", "claude-code"),
        ("OpenAI SDK", ""),
        ("OpenAI SDK", ""),
        ("Codex (no key)", ""),
        ("claude-code (no key)", ""),
    ]


async def test_each_of_the_keys_opens_where_one_is_required_and_no_other() -> None:
    async with running_rig(config=config(required=True)) as rig:
        for key in (SHARED, OPEN.secret, LOW.secret):
            await chat(rig, key)
            await message(rig, key, "claude-haiku-4.5")
        with pytest.raises(
            openai.AuthenticationError, match="not one of its keys, or not any more"
        ):
            await chat(rig, UNKNOWN)
        with pytest.raises(anthropic.AuthenticationError, match="not one of its keys"):
            await message(rig, UNKNOWN, "claude-haiku-4.5")
        with pytest.raises(openai.AuthenticationError) as refused:
            await chat(rig, "sk-from-elsewhere")
        assert "any more" not in str(refused.value)
        assert all(OPEN.secret not in str(each.headers) for each in rig.fake.ledger)


async def test_a_key_that_was_revoked_stops_at_once() -> None:
    async with (
        running_rig(config=config(required=True)) as rig,
        openai_for(rig, OPEN.secret) as one,
    ):
        await one.models.list()
        rig.relay.config = ProxyConfig(port=rig.port, key=SHARED, key_required=True)
        with pytest.raises(openai.AuthenticationError):
            await one.models.list()


async def test_a_revoked_key_is_never_taken_for_a_token_of_github() -> None:
    chosen = ProxyConfig(key=SHARED, keys=(OPEN,), auth_mode="passthrough")
    async with running_rig(config=chosen) as rig:
        before = len(rig.fake.ledger)
        for key in (UNKNOWN, OPEN.secret, SHARED):
            with pytest.raises(openai.AuthenticationError):
                await chat(rig, key)
        assert len(rig.fake.ledger) == before


# ------------------------------------------------------------------------------------ models


async def test_a_model_off_the_list_is_as_if_it_did_not_exist() -> None:
    async with running_rig(config=config()) as rig:
        await chat(rig, NARROW.secret)
        await message(rig, NARROW.secret, "claude-haiku-4.5")
        before = len(rig.fake.ledger)
        with pytest.raises(
            openai.NotFoundError, match=r"claude-code may use only: gpt-4\.1"
        ) as one:
            await chat(rig, NARROW.secret, "gpt-5.4")
        assert one.value.code == "model_not_found"
        with pytest.raises(anthropic.NotFoundError, match="may use only"):
            await message(rig, NARROW.secret, "claude-sonnet-4.5")
        async with openai_for(rig, NARROW.secret) as client:
            with pytest.raises(openai.NotFoundError):
                await client.responses.create(model="gpt-5.4", input="hi")
            with pytest.raises(openai.NotFoundError):
                await client.models.retrieve("gpt-5.4")
            with pytest.raises(openai.NotFoundError):
                await client.embeddings.create(model="text-embedding-3-small", input="hi")
            assert (await client.models.retrieve("gpt-4.1")).id == "gpt-4.1"
        async with anthropic_for(rig, NARROW.secret) as client:
            with pytest.raises(anthropic.NotFoundError):
                await client.messages.count_tokens(
                    model="claude-sonnet-4.5", messages=[{"role": "user", "content": "hi"}]
                )
        ollama = request("POST", "/api/chat", JSON, ("Authorization", f"Bearer {NARROW.secret}"),
                         body=json.dumps({**CHAT, "model": "gpt-5.4"}).encode())  # fmt: skip
        assert (await send(rig.port, ollama)).status == 404
        assert len(rig.fake.ledger) == before, "nothing of it was sent"


async def test_a_model_that_is_named_twice_is_sent_as_it_was_read() -> None:
    twice = (
        b'{"model": "gpt-5.4", "model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}'
    )
    async with running_rig(config=config()) as rig:
        key = ("Authorization", f"Bearer {NARROW.secret}")
        asked = request("POST", "/v1/chat/completions", JSON, key, body=twice)
        assert (await send(rig.port, asked)).status == 200
        (sent,) = rig.fake.ledger.to("/chat/completions")
    assert sent.body == json.loads(twice)
    assert b"gpt-5.4" not in sent.raw


async def test_a_name_in_other_letters_is_not_sent_with_a_key_that_has_limits() -> None:
    """Readers in Go take it for the one that was looked at."""
    fields = {"messages": [{"role": "user", "content": "hi"}], "reasoning": {"Effort": "max"}}
    asked = {"model": "gpt-4.1", "Model": "gpt-5.4", **fields}
    async with running_rig(config=config()) as rig:
        key = ("Authorization", f"Bearer {NARROW.secret}")
        told = request("POST", "/v1/chat/completions", JSON, key, body=json.dumps(asked).encode())
        answer = await send(rig.port, told)
        (sent,) = rig.fake.ledger.to("/chat/completions")
    assert answer.status == 200
    assert sent.body == {"model": "gpt-4.1", **fields, "reasoning": {}}
    assert "dropped=Model" in answer.one("x-copilot-desktop-notes")


async def test_every_list_of_models_leaves_out_what_the_key_may_not_use() -> None:
    async with running_rig(config=config()) as rig:
        await chat(rig, NARROW.secret)
        async with openai_for(rig, NARROW.secret) as narrow, openai_for(rig, SHARED) as shared:
            names = {each.id async for each in narrow.models.list()}
            every = {each.id async for each in shared.models.list()}
        assert names == {name for name in every if name == "gpt-4.1" or "haiku" in name}
        assert len(names) >= 2 < len(every)
        header = ("Authorization", f"Bearer {NARROW.secret}")
        tags = (await send(rig.port, request("GET", "/api/tags", header))).json()
        codex = (
            await send(rig.port, request("GET", "/v1/models?client_version=0.1", header))
        ).json()
        assert {each["model"].removesuffix(":latest") for each in tags["models"]} <= names
        assert {each["slug"] for each in codex["models"]} <= names


async def test_limits_hold_on_a_websocket() -> None:
    async with running_rig(config=config()) as rig, aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {NARROW.secret}"}
        async with http.ws_connect(f"{rig.url}/v1/responses", headers=headers) as socket:
            await socket.send_json({"type": "response.create", "model": "gpt-5.4", "input": "hi"})
            told = await socket.receive_json(timeout=10)
        assert "may use only" in json.dumps(told)
        assert rig.traffic.recent[0].client == "claude-code"


def test_what_a_list_allows() -> None:
    limits = KeyLimits(models=("GPT-5*", "auto"))
    chosen = Model("claude-opus-4.5", request_headers={SESSION_HEADER: "x"})
    assert [limits.allow(Model(name)) for name in ("gpt-5.4", "gpt-4.1")] == [True, False]
    assert limits.allow(chosen), "who may use auto may use what GitHub chooses"
    assert KeyLimits().allow(Model("anything"))
    Caller("curl").permit(Model("anything"))
    with pytest.raises(UnknownModel):
        Caller("k", NamedKey("k", "", 0.0, limits)).permit(Model("gpt-4.1"))
    assert without_key("Codex", (OPEN,)) == "Codex (no key)"


def test_a_key_does_not_show_itself() -> None:
    assert OPEN.secret not in repr(config())
    assert OPEN.secret not in repr(Caller("codex", OPEN))


# ------------------------------------------------------------------------------------ effort


async def test_an_effort_above_the_most_is_lowered_and_said_so() -> None:
    async with running_rig(config=config()) as rig:
        async with openai_for(rig, LOW.secret) as client:
            reply = await client.responses.with_raw_response.create(
                model="gpt-5.4", input="hi", reasoning={"effort": "high"}
            )
            assert "limited=effort>low" in reply.headers["x-copilot-desktop-notes"]
            await client.responses.create(model="gpt-5.4", input="hi", reasoning={"effort": "low"})
            await client.chat.completions.create(
                model="gpt-5.4",
                messages=[{"role": "user", "content": "hi"}],
                reasoning_effort="high",
            )
        # Translated.
        await message(rig, LOW.secret, "gpt-5.4", output_config={"effort": "max"})
        fake = rig.fake.ledger
        sent = [body["reasoning"]["effort"] for body in fake.bodies("/responses")]
        sent += [body["reasoning_effort"] for body in fake.bodies("/chat/completions")]
        assert sent == ["low"] * 4
        notes = [each.notes for each in reversed(rig.traffic.recent)]
        assert ["limited=effort>low" in each for each in notes] == [True, False, True, True]
