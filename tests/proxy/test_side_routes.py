"""Models, token counts, embeddings and signs of life, as both official SDKs see them."""

from __future__ import annotations

import inspect
import json

import aiohttp
import anthropic
import openai
import pytest
from proxy.raw import request, send
from proxy.scripted import post
from rig import running_rig

from copilot_desktop.demo import Scenario, Status
from copilot_desktop.demo.catalogue import models as demo_models
from copilot_desktop.demo.scenario import SCENARIOS
from copilot_desktop.errors import UpstreamFault
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.side_routes import embedding_list

JSON = ("Content-Type", "application/json")
HIDDEN = {"gpt-4", "gpt-5.5", "claude-opus-4.6", "gpt-41-copilot", "auto"}


def openai_at(rig, **options):
    return openai.AsyncOpenAI(base_url=f"{rig.url}/v1", api_key="any", max_retries=0, **options)


def anthropic_at(rig, **options):
    return anthropic.AsyncAnthropic(base_url=rig.url, api_key="any", max_retries=0, **options)


async def parsed(raw):
    """What a raw answer holds; older SDKs know it at once."""
    found = raw.parse()
    return await found if inspect.isawaitable(found) else found


# ------------------------------------------------------------------------------------ models


async def test_both_sdks_list_the_same_models_and_none_that_cannot_be_used():
    async with running_rig() as rig, openai_at(rig) as one, anthropic_at(rig) as other:
        by_openai = [model async for model in one.models.list()]
        by_anthropic = [model async for model in other.models.list()]
    names = [model.id for model in by_openai]
    assert names == [model.id for model in by_anthropic]
    assert {"gpt-4.1", "gpt-5.3-codex", "claude-sonnet-5", "text-embedding-3-small"} <= set(names)
    assert not HIDDEN.intersection(names)
    assert len(names) == len(set(names))
    assert all(model.object == "model" and model.created > 0 for model in by_openai)
    assert all(model.display_name and model.created_at.year >= 2024 for model in by_anthropic)


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_paging_gives_each_model_once(size):
    async with running_rig() as rig, anthropic_at(rig) as sdk:
        whole = [model.id async for model in sdk.models.list()]
        paged = [model.id async for model in sdk.models.list(limit=size)]
        page = await sdk.models.list(limit=size)
        back = await sdk.models.list(limit=2, before_id=whole[3])
    assert paged == whole
    assert page.has_more is (size < len(whole))
    assert page.first_id == whole[0]
    assert [model.id for model in back.data] == whole[1:3]
    assert back.has_more is True


async def test_an_id_may_hold_any_sign_that_ids_hold():
    odd = {**next(m for m in demo_models(Scenario()) if m["id"] == "gpt-4.1"), "id": "org/a.b-1:x"}
    async with running_rig(Scenario(catalogue=(odd,))) as rig:
        async with openai_at(rig) as one, anthropic_at(rig) as other:
            assert [model.id async for model in one.models.list()] == ["org/a.b-1:x"]
            assert (await one.models.retrieve("org/a.b-1:x")).id == "org/a.b-1:x"
            assert (await other.models.retrieve("org/a.b-1:x")).id == "org/a.b-1:x"
        plain = await send(rig.port, request("GET", "/models/org/a.b-1:x"))
        assert plain.json()["id"] == "org/a.b-1:x"


async def test_hidden_models_are_shown_to_those_who_want_them_but_none_that_is_not_allowed():
    async with running_rig(config=ProxyConfig(show_hidden_models=True)) as rig:
        async with openai_at(rig) as sdk:
            names = {model.id async for model in sdk.models.list()}
        tags = (await send(rig.port, request("GET", "/api/tags"))).json()["models"]
        models = rig.provider.catalogue.models
    assert {"gpt-4", "gpt-5.5"} & names
    assert names == {tag["model"] for tag in tags}
    allowed = {model.id for model in models if model.callable and model.kind != "completion"}
    assert names - {"auto"} == allowed
    assert {model.id for model in models if model.policy != "enabled"}.isdisjoint(names)


async def test_odd_paging_is_no_trouble():
    async with running_rig() as rig:
        for query in ("limit=0", "limit=-1", "limit=x", "limit=9999999999999999999", "limit=²",
                      "after_id=nobody", "before_id=", "client_version=0.1"):  # fmt: skip
            answer = await send(rig.port, request("GET", f"/models?{query}"))
            assert answer.status in (200, 400), query


async def test_a_model_is_found_by_any_of_its_names_with_both_sdks():
    config = ProxyConfig(aliases={"mine": "gpt-4.1"})
    async with running_rig(config=config) as rig, openai_at(rig) as one, anthropic_at(rig) as other:
        for name, id_ in {"gpt-4.1": "gpt-4.1", "openai/gpt-4.1": "gpt-4.1", "mine": "gpt-4.1",
                          "claude-haiku-4-5-20251001": "claude-haiku-4.5"}.items():  # fmt: skip
            assert (await one.models.retrieve(name)).id == id_
            assert (await other.models.retrieve(name)).id == id_
        with pytest.raises(openai.NotFoundError, match="Closest"):
            await one.models.retrieve("gpt-4.1-turbo-max")
        with pytest.raises(anthropic.NotFoundError, match="Closest"):
            await other.models.retrieve("gpt-4.1-turbo-max")


@pytest.mark.parametrize("name", ["auto", "github/auto", "default"])
async def test_where_github_chooses_a_model_is_described_as_in_the_list_without_a_choice(name):
    """The one that is chosen today says nothing of the one that answers tomorrow."""
    config = ProxyConfig(aliases={"github/auto": "auto"})
    async with running_rig(SCENARIOS["auto"], config=config) as rig:
        listed = (await send(rig.port, request("GET", "/v1/models"))).json()["data"][0]
        (tag, *_) = (await send(rig.port, request("GET", "/api/tags"))).json()["models"]
        found = await send(rig.port, request("GET", f"/v1/models/{name}"))
        _, shown, _ = await post(rig, "/api/show", {"model": name})
        assert found.json() == listed
        assert listed["id"] == "auto"
        shown = json.loads(shown)
        assert shown["capabilities"] == tag["capabilities"]
        assert shown["model_info"]["auto.context_length"] == listed["max_input_tokens"]
        assert not rig.fake.ledger.to("/models/session")


async def test_a_known_list_is_shown_without_asking_anybody():
    async with running_rig() as rig, openai_at(rig) as sdk:
        await sdk.models.list()
        before = len(rig.fake.ledger)
        await sdk.models.list()
        await sdk.models.retrieve("gpt-4.1")
        assert len(rig.fake.ledger) == before


# ------------------------------------------------------------------------------------ counting


async def test_copilot_counts_for_models_that_it_can_count_for():
    messages = [{"role": "user", "content": "one two three four five"}]
    async with running_rig() as rig, anthropic_at(rig) as sdk:
        counted = await sdk.messages.count_tokens(
            model="claude-sonnet-5", messages=messages, system="Be brief."
        )
        sent = rig.fake.ledger.to("/v1/messages/count_tokens")[-1].body
    assert counted.input_tokens >= 1
    assert sent["model"] == "claude-sonnet-5"
    assert not {"max_tokens", "stream", "temperature"} & set(sent)


@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-5.3-codex", "gemini-3.5-flash"])
async def test_for_all_others_there_is_an_estimate_that_grows_with_the_text(model):
    async with running_rig() as rig, anthropic_at(rig) as sdk:
        counts = []
        for text in ("hi", "hi " * 400):
            raw = await sdk.messages.with_raw_response.count_tokens(
                model=model, messages=[{"role": "user", "content": text}]
            )
            assert raw.headers["x-copilot-desktop-notes"] == "count=estimate"
            counts.append((await parsed(raw)).input_tokens)
        assert not rig.fake.ledger.to("/v1/messages/count_tokens")
    assert 1 <= counts[0] < counts[1]


@pytest.mark.parametrize("status", [400, 404, 429, 500])
async def test_an_estimate_stands_in_when_copilot_does_not_count(status):
    body = {"model": "claude-sonnet-5", "messages": [{"role": "user", "content": "hello " * 99}]}
    async with running_rig() as rig:
        rig.fake.add_fault(Status("/v1/messages/count_tokens", status=status, times=-1))
        code, answer, headers = await post(rig, "/v1/messages/count_tokens", body)
    assert code == 200, answer
    assert headers["x-copilot-desktop-notes"] == "count=estimate"


async def test_who_is_not_signed_in_gets_no_count():
    async with running_rig(signed_in=False) as rig, anthropic_at(rig) as sdk:
        with pytest.raises(anthropic.AuthenticationError):
            await sdk.messages.count_tokens(
                model="claude-sonnet-5", messages=[{"role": "user", "content": "hi"}]
            )


async def test_counting_for_a_model_that_is_none_names_others():
    async with running_rig() as rig, anthropic_at(rig) as sdk:
        with pytest.raises(anthropic.NotFoundError, match="Closest"):
            await sdk.messages.count_tokens(
                model="claude-sonata-5", messages=[{"role": "user", "content": "hi"}]
            )


@pytest.mark.parametrize("model", ["gpt-5.3-codex", "claude-sonnet-5", "gpt-4.1"])
async def test_openais_question_for_a_count_gets_an_estimate(model):
    tools = [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}]
    async with running_rig() as rig, openai_at(rig) as sdk:
        counts = []
        for text in ("hi", "hi " * 400):
            raw = await sdk.responses.input_tokens.with_raw_response.count(
                model=model, input=text, instructions="Be brief.", tools=tools
            )
            assert raw.headers["x-copilot-desktop-notes"] == "count=estimate"
            counted = await parsed(raw)
            assert counted.object == "response.input_tokens"
            counts.append(counted.input_tokens)
        with pytest.raises(openai.NotFoundError, match="Closest"):
            await sdk.responses.input_tokens.count(model="gpt-5.3-kodex", input="hi")
        with pytest.raises(openai.BadRequestError):
            await sdk.responses.input_tokens.count(input="hi")
        assert not rig.fake.ledger.to("/responses")
    assert 1 <= counts[0] < counts[1]


# ------------------------------------------------------------------------------------ embeddings


@pytest.mark.parametrize("form", ["float", "base64", None])
async def test_embeddings_arrive_through_the_sdk_in_either_form(form):
    texts = ["alpha", "beta", "alpha"]
    options = {} if form is None else {"encoding_format": form}
    async with running_rig() as rig, openai_at(rig) as sdk:
        made = await sdk.embeddings.create(
            model="text-embedding-3-small", input=texts, dimensions=8, **options
        )
        plain = await sdk.embeddings.create(
            model="text-embedding-3-small", input=texts, dimensions=8, encoding_format="float"
        )
    assert [entry.index for entry in made.data] == [0, 1, 2]
    if form == "base64":
        assert all(isinstance(entry.embedding, str) for entry in made.data)
    else:
        for entry, known in zip(made.data, plain.data, strict=True):
            assert entry.embedding == pytest.approx(known.embedding, abs=1e-6)
    assert made.data[0].embedding == made.data[2].embedding != made.data[1].embedding
    assert made.usage.total_tokens > 0
    assert made.model == "text-embedding-3-small"


async def test_one_text_and_more_texts_than_copilot_takes_at_once():
    async with running_rig() as rig, openai_at(rig) as sdk:
        single = await sdk.embeddings.create(
            model="text-embedding-3-small", input="text 513", dimensions=4
        )
        many = [f"text {number}" for number in range(600)]
        made = await sdk.embeddings.create(model="text-embedding-3-small", input=many, dimensions=4)
        sizes = [len(body["input"]) for body in rig.fake.ledger.bodies("/embeddings")]
    assert sizes == [1, 512, 88]
    assert [entry.index for entry in made.data] == list(range(600))
    assert made.data[513].embedding == pytest.approx(single.data[0].embedding, abs=1e-6)


async def test_a_model_for_embeddings_is_asked_with_the_headers_that_it_wants():
    entry = next(m for m in demo_models(Scenario()) if m["id"] == "text-embedding-3-small")
    wanting = {**entry, "request_headers": {"x-wanted": "yes"}}
    async with running_rig(Scenario(catalogue=(wanting,))) as rig:
        body = {"model": "text-embedding-3-small", "input": "x", "dimensions": 4}
        status, answer, _ = await post(rig, "/v1/embeddings", body)
        assert status == 200, answer
        (sent,) = rig.fake.ledger.to("/embeddings")
    assert sent.headers["x-wanted"] == "yes"


@pytest.mark.parametrize("rows", [[], [0], [0, 0], [0, 1, 2]])
async def test_as_many_vectors_as_texts_or_none(rows, monkeypatch):
    """Who puts texts and vectors side by side would find the wrong ones."""
    data = [{"embedding": [1.0], "index": index} for index in rows]

    async def answered(*_args, **_options):
        return {"data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}

    async with running_rig() as rig:
        await send(rig.port, request("GET", "/v1/models"))
        monkeypatch.setattr(rig.provider.client, "request_json", answered)
        for path in ("/v1/embeddings", "/api/embed"):
            body = {"model": "text-embedding-3-small", "input": ["x", "y"]}
            status, answer, _ = await post(rig, path, body)
            assert status == 502, answer


async def test_more_texts_than_openai_takes_are_refused_with_the_limit():
    body = {"model": "text-embedding-3-small", "dimensions": 4}
    async with running_rig() as rig:
        status, answer, _ = await post(rig, "/v1/embeddings", {**body, "input": ["x"] * 2049})
        assert status == 400
        assert b"2048" in answer
        assert not rig.fake.ledger.to("/embeddings")
        status, answer, _ = await post(rig, "/v1/embeddings", {**body, "input": ["x"] * 2048})
        assert status == 200, answer


@pytest.mark.parametrize(
    "body",
    [
        {"input": "x"}, {"model": "text-embedding-3-small"},
        {"model": "text-embedding-3-small", "input": []},
        {"model": "text-embedding-3-small", "input": [[1, 2]]},
        {"model": "text-embedding-3-small", "input": 7}, {"model": "gpt-4.1", "input": "x"},
        {"model": 7, "input": "x"},
    ],
)  # fmt: skip
async def test_an_embedding_of_nothing_is_refused_here(body):
    async with running_rig() as rig:
        status, answer, _ = await post(rig, "/v1/embeddings", body)
        assert not rig.fake.ledger.to("/embeddings")
    assert status == 400, answer


@pytest.mark.parametrize(
    "junk",
    [
        None, [], {}, {"data": None}, {"data": []}, {"data": [None]}, {"data": [{}]},
        {"data": [{"embedding": []}]}, {"data": [{"embedding": ["a"]}]},
        {"data": [{"embedding": [1.0], "index": 5}]}, {"data": [{"embedding": "AAAA"}]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_base64", [True, False])
def test_an_answer_without_embeddings_is_copilots_fault(junk, as_base64):
    with pytest.raises(UpstreamFault):
        embedding_list([junk], "m", as_base64)


def test_vectors_come_in_the_order_of_the_texts():
    rows = [{"embedding": [2.0], "index": 1}, {"embedding": [1], "index": 0}]
    made = embedding_list([{"data": rows}, {"data": [{"embedding": [3.0]}]}], "m", False)
    assert [entry["embedding"] for entry in made["data"]] == [[1], [2.0], [3.0]]
    assert made["usage"] == {"prompt_tokens": 0, "total_tokens": 0}


# ------------------------------------------------------------------------------ signs of life


async def test_health_tells_whether_somebody_is_signed_in():
    for signed_in in (True, False):
        async with running_rig(signed_in=signed_in) as rig:
            answer = await send(rig.port, request("GET", "/health"))
            assert answer.status == 200
            assert answer.json()["status"] == "ok"
            assert answer.json()["signed_in"] is signed_in
            assert (await send(rig.port, request("GET", "/"))).status == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/api/hello", "/v1/oauth/hello"])
async def test_whoever_asks_whether_anybody_is_there_gets_an_answer(path):
    async with running_rig(signed_in=False) as rig, aiohttp.ClientSession(rig.url) as web:
        for method in ("GET", "HEAD"):
            async with web.request(method, path) as answer:
                assert answer.status == 200, method
                assert bool(await answer.read()) is (method == "GET")
        assert len(rig.fake.ledger) == 0


@pytest.mark.parametrize("prefix", ["", "/v1"])
@pytest.mark.parametrize("path", ["", "/batch", "/v2/batch"])
async def test_telemetry_is_taken_and_goes_nowhere(prefix, path):
    events = b'{"events": [{"event_type": "ClaudeCodeInternalEvent"}]}'
    async with running_rig() as rig:
        for body in (events, b"[]", b"not JSON"):
            target = f"{prefix}/api/event_logging{path}"
            answer = await send(rig.port, request("POST", target, JSON, body=body))
            assert (answer.status, answer.json()) == (200, {})
        assert not rig.traffic.recent, "it is no conversation"
        assert not any("event" in row.path for row in rig.fake.ledger)


async def test_telemetry_keeps_to_the_limit_of_a_body():
    config = ProxyConfig(max_body=1000)
    async with running_rig(config=config) as rig:
        large = request("POST", "/api/event_logging/batch", JSON, body=b"[" + b" " * 2000 + b"]")
        assert (await send(rig.port, large)).status == 413


async def test_telemetry_needs_the_key_where_one_is_needed():
    config = ProxyConfig(key="a-local-key", key_required=True)
    async with running_rig(config=config) as rig:
        asked = request("POST", "/api/event_logging/batch", JSON, body=b"{}")
        assert (await send(rig.port, asked)).status == 401
