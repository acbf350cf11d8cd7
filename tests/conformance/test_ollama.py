"""The Ollama dialect over every endpoint of Copilot, judged by Ollama's own client."""

from __future__ import annotations

import base64
import json
import math
from contextlib import asynccontextmanager

import ollama
import pytest
from conformance.speakers import MODELS, PIXEL, SCHEMA, TOOL
from proxy.scripted import post
from rig import SCENARIO, running_rig

from copilot_desktop.demo import Cut, Slow, Status
from copilot_desktop.proxy import answers

TOOLS = [
    {
        "type": "function",
        "function": {"name": TOOL, "description": "Write a file", "parameters": SCHEMA},
    }
]
each_endpoint = pytest.mark.parametrize("endpoint", MODELS)
STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


@asynccontextmanager
async def running(*faults, **options):
    async with running_rig(SCENARIO, *faults, **options) as rig:
        client = ollama.AsyncClient(host=rig.url, trust_env=False)
        try:
            yield rig, client
        finally:
            await client.close()


async def chat(client, model, messages, *, stream, **options):
    """The whole answer as one message, the last part, and how many parts there were."""
    if not stream:
        done = await client.chat(model, messages, stream=False, **options)
        return done.message, done, 1
    text, thinking, calls, parts = "", "", [], []
    async for part in await client.chat(model, messages, stream=True, **options):
        text += part.message.content or ""
        thinking += part.message.thinking or ""
        calls += part.message.tool_calls or []
        parts.append(part)
    whole = ollama.Message(
        role="assistant", content=text, thinking=thinking or None, tool_calls=calls or None
    )
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    return whole, parts[-1], len(parts)


def user(text, **more):
    return {"role": "user", "content": text, **more}


# ------------------------------------------------------------------------------------ models


async def test_the_list_shows_what_can_be_called():
    async with running() as (_, client):
        listed = await client.list()
    names = {model.model for model in listed.models}
    assert set(MODELS.values()) | {"text-embedding-3-small"} <= names
    assert "auto" not in names
    assert all(
        len(model.digest) == 64 and model.modified_at.year >= 2024 for model in listed.models
    )
    assert all(model.details.family for model in listed.models)


@pytest.mark.parametrize(
    ("name", "able"),
    [
        ("gpt-4.1", {"completion", "tools", "vision"}),
        ("gpt-4.1:latest", {"completion", "tools", "vision"}),
        ("claude-sonnet-5", {"completion", "tools", "vision", "thinking"}),
        ("text-embedding-3-small", {"embedding"}),
    ],
)
async def test_a_model_says_what_it_can_do_and_how_much_it_reads(name, able):
    async with running() as (_, client):
        shown = await client.show(name)
    assert set(shown.capabilities) == able
    architecture = shown.modelinfo["general.architecture"]
    assert shown.modelinfo[f"{architecture}.context_length"] > 0
    assert shown.modelinfo["general.basename"]


async def test_an_unknown_model_is_named_with_what_comes_closest():
    async with running() as (_, client):
        with pytest.raises(ollama.ResponseError, match=r"gpt-4\.1-huge.*Closest") as caught:
            await client.show("gpt-4.1-huge")
    assert caught.value.status_code == 404


async def test_no_model_is_loaded():
    async with running() as (_, client):
        assert (await client.ps()).models == []


@pytest.mark.parametrize("dimensions", [None, 8])
async def test_texts_become_vectors(dimensions):
    async with running() as (_, client):
        made = await client.embed(
            "text-embedding-3-small:latest", ["one", "two"], dimensions=dimensions
        )
        single = await client.embed("text-embedding-3-small", "one")
        older = await client.embeddings("text-embedding-3-small", "one")
    assert len(made.embeddings) == 2
    assert all(math.isfinite(number) for vector in made.embeddings for number in vector)
    assert made.model == "text-embedding-3-small:latest"
    assert made.prompt_eval_count > 0
    assert list(older.embedding) == list(single.embeddings[0])


async def test_a_model_for_embeddings_is_loaded_without_a_request():
    async with running() as (rig, client):
        for nothing in ("", []):
            made = await client.embed("text-embedding-3-small", nothing)
            assert list(made.embeddings) == []
        assert list((await client.embeddings("text-embedding-3-small", "")).embedding) == []
        with pytest.raises(ollama.ResponseError, match="not available"):
            await client.embed("nomic-embed-text", "")
        assert not rig.fake.ledger.to("/embeddings")


async def test_a_chat_model_makes_no_embeddings():
    async with running() as (_, client):
        with pytest.raises(ollama.ResponseError, match="does not make embeddings"):
            await client.embed("gpt-4.1", "one")


async def test_models_can_be_neither_fetched_nor_changed(tmp_path):
    blob = tmp_path / "weights"
    blob.write_bytes(b"w" * 100_000)
    async with running() as (rig, client):
        for attempt in (
            client.pull("llama3"),
            client.push("gpt-4.1"),
            client.create("mine", from_="gpt-4.1"),
            client.copy("gpt-4.1", "mine"),
            client.delete("gpt-4.1"),
            client.create_blob(blob),
        ):
            with pytest.raises(ollama.ResponseError, match="provided by GitHub Copilot") as caught:
                await attempt
            assert caught.value.status_code == 400
        assert not rig.fake.ledger.to("/chat/completions")


# ------------------------------------------------------------------------------------ answers


@each_endpoint
@STREAM
async def test_text_arrives_whole_with_counts_and_the_name_that_was_asked_for(endpoint, stream):
    name = f"{MODELS[endpoint]}:latest"
    messages = [{"role": "system", "content": "Be brief."}, user("Grüße 👋")]
    async with running() as (rig, client):
        message, last, parts = await chat(client, name, messages, stream=stream)
        received = rig.fake.ledger.to(endpoint)[-1]
        (exchange,) = rig.traffic.recent
    assert "Grüße 👋" in message.content
    assert last.model == name
    assert last.done_reason == "stop"
    assert last.prompt_eval_count > 0
    assert last.eval_count > 0
    assert parts > 2 or not stream
    assert received.headers["X-Initiator"] == "user"
    assert "Be brief." in received.raw.decode()
    assert (exchange.dialect, exchange.stream, exchange.outcome) == ("ollama", stream, "ok")
    assert exchange.usage.output == last.eval_count


@each_endpoint
@STREAM
async def test_a_task_with_two_tool_calls_is_finished_though_ids_get_lost(endpoint, stream):
    async with running() as (rig, client):
        messages = [user("demo: write a.txt Alpha\ndemo: write b.txt Beta")]
        made = []
        for _ in range(4):
            message, _, _ = await chat(
                client, MODELS[endpoint], messages, stream=stream, tools=TOOLS
            )
            messages.append(message)
            for call in message.tool_calls or []:
                made.append((call.function.name, dict(call.function.arguments)))
                result = {"role": "tool", "tool_name": call.function.name, "content": "written"}
                messages.append(result)
            if not message.tool_calls:
                break
        initiators = [each.headers["X-Initiator"] for each in rig.fake.ledger.to(endpoint)]
    assert made == [
        (TOOL, {"file_path": "a.txt", "content": "Alpha"}),
        (TOOL, {"file_path": "b.txt", "content": "Beta"}),
    ]
    assert message.content, "no final answer"
    assert initiators[0] == "user"
    assert set(initiators[1:]) == {"agent"}


@each_endpoint
@STREAM
async def test_a_bare_prompt_is_answered(endpoint, stream):
    async with running() as (rig, client):
        options = {"system": "Be brief.", "images": [PIXEL], "stream": stream}
        if stream:
            parts = [p async for p in await client.generate(MODELS[endpoint], "Hi", **options)]
        else:
            parts = [await client.generate(MODELS[endpoint], "Hi", **options)]
        received = rig.fake.ledger.to(endpoint)[-1]
    assert "1 image" in "".join(part.response for part in parts)
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert parts[-1].done_reason == "stop"
    assert parts[-1].eval_count > 0
    assert len(parts) > 2 or not stream
    assert received.headers["X-Initiator"] == "user"
    assert received.headers["Copilot-Vision-Request"] == "true"
    assert "Be brief." in received.raw.decode()


@each_endpoint
async def test_an_image_in_a_chat_is_seen(endpoint):
    async with running() as (rig, client):
        messages = [user("What is this?", images=[PIXEL])]
        message, _, _ = await chat(client, MODELS[endpoint], messages, stream=True)
        received = rig.fake.ledger.to(endpoint)[-1]
    assert "1 image" in message.content
    assert received.headers["Copilot-Vision-Request"] == "true"


@STREAM
@pytest.mark.parametrize("form", ["json", "schema"])
@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-5.3-codex"])
async def test_the_answer_has_the_form_that_was_asked_for(model, form, stream):
    wanted = SCHEMA if form == "schema" else "json"
    async with running() as (_, client):
        message, _, _ = await chat(
            client, model, [user("Answer as JSON.")], stream=stream, format=wanted
        )
    told = json.loads(message.content)
    assert isinstance(told, dict)
    if form == "schema":
        assert set(SCHEMA["required"]) <= set(told)


@STREAM
@pytest.mark.parametrize("think", [True, "low"])
async def test_thoughts_stand_apart_from_the_answer(think, stream):
    async with running() as (_, client):
        message, _, _ = await chat(
            client, "claude-sonnet-5", [user("Why?")], stream=stream, think=think
        )
    assert message.thinking
    assert message.thinking not in message.content


@STREAM
async def test_thoughts_that_nobody_wants_are_not_shown(stream):
    async with running() as (_, client):
        message, _, _ = await chat(
            client, "claude-sonnet-5", [user("Why?")], stream=stream, think=False
        )
    assert message.content
    assert not message.thinking


@pytest.mark.parametrize(
    ("think", "effort"),
    [("low", "low"), ("medium", "medium"), ("high", "high"), ("max", "high"), (True, "medium")],
)
async def test_each_level_of_thinking_is_an_effort(think, effort):
    """`max` is more than this model has: it gets the most it can."""
    body = {"model": "gpt-5-mini", "messages": [user("Why?")], "think": think, "stream": False}
    async with running() as (rig, _):
        status, answer, _ = await post(rig, "/api/chat", body)
        sent = rig.fake.ledger.bodies("/chat/completions") + rig.fake.ledger.bodies("/responses")
    assert status == 200, answer
    assert (sent[-1].get("reasoning_effort") or sent[-1]["reasoning"]["effort"]) == effort


@STREAM
async def test_what_concerns_the_machine_is_taken_and_ignored(stream):
    async with running() as (_, client):
        message, last, _ = await chat(
            client, "auto:latest" if stream else "gpt-4.1", [user("Hello there")], stream=stream,
            keep_alive="5m", options={"num_ctx": 4096, "num_gpu": 1, "top_k": 5, "seed": 1},
        )  # fmt: skip
    assert "Hello there" in message.content
    assert last.done_reason == "stop"


async def test_each_kind_of_picture_is_known_by_its_first_bytes():
    gif = base64.b64encode(b"GIF89a" + b"\0" * 40).decode()
    jpeg = base64.b64encode(b"\xff\xd8\xff\xe0" + b"\0" * 40).decode()
    webp = base64.b64encode(b"RIFF\x20\0\0\0WEBPVP8 " + b"\0" * 40).decode()
    async with running() as (rig, client):
        for kind, picture in (("gif", gif), ("jpeg", jpeg), ("webp", webp), ("png", PIXEL)):
            await client.chat("gpt-4.1", [user("What is this?", images=[picture])])
            received = rig.fake.ledger.to("/chat/completions")[-1].raw.decode()
            assert f"data:image/{kind};base64," in received


@each_endpoint
@STREAM
async def test_an_answer_that_hits_the_limit_says_so(endpoint, stream):
    async with running() as (_, client):
        _, last, _ = await chat(
            client,
            MODELS[endpoint],
            [user("Tell me a long story about many things " * 20)],
            stream=stream,
            options={"num_predict": 16, "num_ctx": 4096},
        )
    assert last.done_reason == "length"


@STREAM
async def test_loading_a_model_costs_no_request(stream):
    async with running() as (rig, client):
        _, last, _ = await chat(client, "gpt-4.1", None, stream=stream)
        assert last.done_reason == "load"
        made = await client.generate("gpt-4.1", keep_alive=0)
        assert (made.response, made.done_reason) == ("", "unload")
        with pytest.raises(ollama.ResponseError, match="not available"):
            await client.generate("llama3")
        assert not rig.fake.ledger.to("/chat/completions")


# ------------------------------------------------------------------------------------ errors


@STREAM
async def test_trouble_before_the_answer_is_a_status_with_a_sentence(stream):
    faults = Status("/chat/completions", status=429, times=9)
    async with running(faults) as (_, client):
        with pytest.raises(ollama.ResponseError, match="asks to wait") as caught:
            await chat(client, "gpt-4.1", [user("Hi")], stream=stream)
    assert caught.value.status_code == 429


async def test_trouble_in_the_answer_is_raised_after_what_was_said():
    heard = []

    async def listen(client):
        async for part in await client.chat("gpt-4.1", [user("Tell me more")], stream=True):
            assert not part.done
            heard.append(part.message.content)

    async with running(Cut("/chat/completions", after_frames=6)) as (_, client):
        with pytest.raises(ollama.ResponseError, match="answer was complete"):
            await listen(client)
    assert "".join(heard)


async def test_a_cut_answer_is_no_answer_when_it_is_not_streamed():
    async with running(Cut("/chat/completions", after_frames=6)) as (_, client):
        with pytest.raises(ollama.ResponseError, match="answer was complete") as caught:
            await client.chat("gpt-4.1", [user("Tell me more")], stream=False)
    assert caught.value.status_code == 502


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"suffix": "end"}, "suffix"),
        ({"raw": True}, "raw prompt"),
        ({"context": [1, 2]}, "context"),
        ({"logprobs": True}, "logprobs"),
        ({"think": "very"}, "think"),
        ({"options": {"num_predict": 16}, "images": ["aGVsbG8="]}, "PNG"),
    ],
)
async def test_what_copilot_cannot_do_is_refused_with_a_sentence(options, words):
    async with running() as (rig, client):
        with pytest.raises(ollama.ResponseError, match=words) as caught:
            await client.generate("gpt-4.1", "Hi", **options)
        assert caught.value.status_code == 400
        assert not rig.fake.ledger.to("/chat/completions")


async def test_without_a_sign_in_there_is_an_error_and_no_answer():
    async with running(signed_in=False) as (_, client):
        with pytest.raises(ollama.ResponseError, match="signed in") as caught:
            await client.chat("gpt-4.1", [user("Hi")])
    assert caught.value.status_code == 401


@pytest.fixture
def impatient(monkeypatch):
    """The head of an answer is sent after hundredths of a second instead of twenty seconds."""
    monkeypatch.setattr(answers, "SILENCE_BEFORE_HEADERS", 0.03)
    monkeypatch.setattr(answers, "SILENCE_IN_STREAM", 0.03)


async def test_a_slow_answer_has_no_other_lines_than_its_own(impatient):
    slow = Slow("/chat/completions", seconds=0.3)
    async with running(slow) as (_, client):
        message, last, _ = await chat(client, "gpt-4.1", [user("hello")], stream=True)
    assert "hello" in message.content
    assert last.done


async def test_a_late_refusal_is_raised_out_of_the_stream(impatient):
    faults = [Slow("/chat/completions", seconds=0.3, times=-1)]
    faults.append(Status("/chat/completions", status=429, times=-1))
    async with running(*faults) as (_, client):
        with pytest.raises(ollama.ResponseError, match="asks to wait") as caught:
            await chat(client, "gpt-4.1", [user("Hi")], stream=True)
    assert caught.value.status_code == -1, "the head was sent before"
