"""What Copilot has nothing for: named, in the client's own words, and asked for only once.

The SDKs are told to retry as they do by default; the count of requests shows that they do not.
"""

from __future__ import annotations

import inspect
from contextlib import asynccontextmanager

import anthropic
import openai
import pytest
from proxy.raw import request, send
from rig import running_rig

from copilot_desktop.proxy.unserved import unserved

PNG = ("a.png", b"\x89PNG", "image/png")
MODEL = "gpt-4.1"

# What a program does with OpenAI's SDK, the class it gets, and a word of the sentence.
OPENAI = [
    (lambda sdk: sdk.files.create(file=("a.txt", b"x"), purpose="batch"), 501, "File storage"),
    (lambda sdk: sdk.files.list(), 501, "File storage"),
    (lambda sdk: sdk.files.content("file-1"), 501, "File storage"),
    (lambda sdk: sdk.files.delete("file-1"), 501, "File storage"),
    (lambda sdk: sdk.uploads.create(bytes=1, filename="a", mime_type="a/b", purpose="batch"),
     501, "File storage"),
    (lambda sdk: sdk.batches.create(
        input_file_id="f", endpoint="/v1/responses", completion_window="24h"), 501, "Batch"),
    (lambda sdk: sdk.batches.retrieve("b"), 501, "Batch"),
    (lambda sdk: sdk.audio.speech.create(model="tts-1", input="hi", voice="alloy"), 501, "Audio"),
    (lambda sdk: sdk.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"x")),
     501, "Audio"),
    (lambda sdk: sdk.images.generate(prompt="a cat", model="gpt-image-1"), 501, "Image"),
    (lambda sdk: sdk.images.edit(image=PNG, prompt="a cat"), 501, "Image"),
    (lambda sdk: sdk.videos.create(prompt="a cat"), 501, "Video"),
    (lambda sdk: sdk.moderations.create(input="hi"), 501, "Moderation"),
    (lambda sdk: sdk.fine_tuning.jobs.create(model=MODEL, training_file="f"), 501, "Fine-tuning"),
    (lambda sdk: sdk.vector_stores.create(name="v"), 501, "Vector"),
    (lambda sdk: sdk.vector_stores.search("v", query="q"), 501, "Vector"),
    (lambda sdk: sdk.conversations.create(), 501, "Conversation"),
    (lambda sdk: sdk.conversations.items.list("c"), 501, "Conversation"),
    (lambda sdk: sdk.containers.create(name="c"), 501, "containers"),
    (lambda sdk: sdk.evals.list(), 501, "Evaluation"),
    (lambda sdk: sdk.skills.list(), 501, "Skill"),
    (lambda sdk: sdk.realtime.client_secrets.create(), 501, "realtime"),
    (lambda sdk: sdk.beta.assistants.create(model=MODEL), 501, "assistants"),
    (lambda sdk: sdk.beta.threads.create(), 501, "assistants"),
    (lambda sdk: sdk.beta.chatkit.sessions.create(user="u", workflow={"id": "w"}), 501, "ChatKit"),
    (lambda sdk: sdk.responses.compact(model=MODEL, input="hi"), 501, "Compaction"),
    (lambda sdk: sdk.responses.retrieve("resp_1"), 404, "Storage of answers"),
    (lambda sdk: sdk.responses.delete("resp_1"), 404, "Storage of answers"),
    (lambda sdk: sdk.responses.cancel("resp_1"), 404, "Storage of answers"),
    (lambda sdk: sdk.responses.input_items.list("resp_1"), 404, "Storage of answers"),
    (lambda sdk: sdk.chat.completions.retrieve("chatcmpl-1"), 404, "Storage of answers"),
    (lambda sdk: sdk.chat.completions.messages.list("chatcmpl-1"), 404, "Storage of answers"),
    (lambda sdk: sdk.chat.completions.delete("chatcmpl-1"), 404, "Storage of answers"),
    (lambda sdk: sdk.get("/never/heard/of", cast_to=object), 404, "not part of this proxy"),
    (lambda sdk: sdk.models.delete(MODEL), 405, "not possible"),
]  # fmt: skip
ANTHROPIC = [
    (lambda sdk: sdk.messages.batches.create(requests=[]), 501, "Batch"),
    (lambda sdk: sdk.messages.batches.list(), 501, "Batch"),
    (lambda sdk: sdk.messages.batches.retrieve("b"), 501, "Batch"),
    (lambda sdk: sdk.messages.batches.cancel("b"), 501, "Batch"),
    (lambda sdk: sdk.beta.files.upload(file=("a.txt", b"x", "text/plain")), 501, "File storage"),
    (lambda sdk: sdk.beta.files.list(), 501, "File storage"),
    (lambda sdk: sdk.beta.files.retrieve_metadata("f"), 501, "File storage"),
    (lambda sdk: sdk.beta.skills.list(), 501, "Skill"),
    (lambda sdk: sdk.get("/v1/organizations/me", cast_to=object), 501, "Organization"),
    (lambda sdk: sdk.post("/v1/complete", body={"prompt": "hi"}, cast_to=object), 501,
     "text completion"),
    (lambda sdk: sdk.get("/v1/agents", cast_to=object), 501, "agents"),
    (lambda sdk: sdk.get("/v1/never/heard/of", cast_to=object), 404, "not part of this proxy"),
    (lambda sdk: sdk.post("/v1/v1/messages", body={}, cast_to=object), 404,
     "Take /v1 off the end of the base URL"),
]  # fmt: skip
CLASSES = {404: "NotFoundError", 405: "APIStatusError", 501: "InternalServerError"}
PATHS = [
    ("GET", "/files", 501), ("GET", "/batches/b", 501), ("GET", "/audio/voices", 501),
    ("GET", "/assistants/a", 501), ("GET", "/threads/t/runs", 501),
    ("GET", "/organization/usage", 501), ("GET", "/responses/r", 404),
    ("DELETE", "/responses/r", 404), ("GET", "/responses/r/input_items", 404),
    ("GET", "/memories/trace_summarize", 404), ("GET", "/me", 404), ("GET", "/filesystem", 404),
    ("GET", "/completeness", 404), ("GET", "/responses/r/else/what", 404),
]  # fmt: skip


@asynccontextmanager
async def counted(sdk):
    """The SDK and the list of requests that it has sent."""
    sent = []

    async def note(asked):
        sent.append(asked.url.path)

    sdk._client.event_hooks = {"request": [note], "response": []}
    async with sdk:
        yield sdk, sent


async def asked(sdk, does):
    """Do it, as a program would; lists are asked for by their first entry."""
    found = does(sdk)
    found = await found if inspect.isawaitable(found) else found
    async for _ in found:
        break


async def walk(vendor, client, table):
    """Each row of `table`: the error of its class and with its word, after one request."""
    seen = 0
    async with counted(client) as (sdk, sent):
        for does, status, word in table:
            sent.clear()
            with pytest.raises((vendor.APIStatusError, AttributeError)) as caught:
                await asked(sdk, does)
            error = caught.value
            if isinstance(error, AttributeError):  # an older SDK without this resource
                continue
            assert len(sent) == 1, f"{sent} was tried again"
            assert isinstance(error, getattr(vendor, CLASSES[status])), sent
            assert error.status_code == status, sent
            assert word in error.message, sent
            seen += 1
            yield error
    assert seen > 5


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_openais_sdk_gets_its_own_error_after_one_request():
    async with running_rig() as rig:
        sdk = openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key="any", timeout=20)
        async for error in walk(openai, sdk, OPENAI):
            assert error.type == "invalid_request_error"
            assert error.body["message"] in error.message
        assert not rig.fake.ledger.to("/chat/completions")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_anthropics_sdk_gets_its_own_error_after_one_request():
    async with running_rig() as rig:
        sdk = anthropic.AsyncAnthropic(base_url=rig.url, api_key="any", timeout=20)
        async for error in walk(anthropic, sdk, ANTHROPIC):
            assert error.body["type"] == "error"
            kind = {404: "not_found_error"}.get(error.status_code, "invalid_request_error")
            assert error.body["error"]["type"] == kind


async def test_the_same_holds_with_and_without_the_version():
    async with running_rig() as rig:
        for prefix in ("", "/v1"):
            for method, path, status in PATHS:
                answer = await send(rig.port, request(method, prefix + path))
                assert answer.status == status, path
                assert answer.json()["error"]["message"], path
                told = dict(answer.headers).get("x-should-retry")
                assert told == ("false" if status == 501 else None), path


def test_a_name_that_only_begins_like_a_service_is_none():
    assert unserved("/v1/filesystem") is None
    assert unserved("/v1/responses") is None
    assert unserved("/v1/responses/r/unknown") is None
    assert unserved("/v1/files/") is not None


async def test_a_form_for_what_is_served_is_still_refused_as_a_form():
    form = ("Content-Type", "multipart/form-data; boundary=x")
    async with running_rig() as rig:
        answer = await send(rig.port, request("POST", "/v1/chat/completions", form, body=b"--x--"))
        other = await send(rig.port, request("POST", "/v1/files", form, body=b"--x--"))
    assert answer.status == 415
    assert other.status == 501
