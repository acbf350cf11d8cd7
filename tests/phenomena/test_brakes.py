"""What clients are told while sending is paused, limited, crowded or asked about, over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import anthropic
import ollama
import openai
import pytest
from phenomena.routes import WAYS, Way, each_way
from proxy.scripted import post
from rig import Rig, running_rig

from copilot_desktop.demo import DropConnection, Fault, Slow, Status
from copilot_desktop.errors import Blocked
from copilot_desktop.proxy import answers, counting
from copilot_desktop.proxy.brakes import BrakesState, Rules

WARNED = {"error": {"message": "Unusual activity: your extension was blocked. ghu_0123456789abcdef"
                               "0123456789abcdef0123",
                    "code": "extension_blocked", "type": "rate_limit_error"}}  # fmt: skip
CHAT = next(way for way in WAYS if way.same and "chat" in way.path)
MESSAGES = next(way for way in WAYS if way.same and "messages" in way.path)
CROSSED = next(way for way in WAYS if "messages" in way.path and "chat" in way.endpoint)
EMBEDDING = {"model": "text-embedding-3-small", "input": ["a"]}


class Clock:
    """Starts at the real time and goes on only by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def warning(path: str = "*", times: int = 1) -> Status:
    return Status(path, status=429, body=WARNED, times=times,
                  headers={"x-github-request-id": "A:B"})  # fmt: skip


def conversations(rig: Rig) -> int:
    return sum(len(rig.fake.ledger.to(way.endpoint)) for way in WAYS[:3])


async def until(rig: Rig, condition: Callable[[BrakesState], Any]) -> BrakesState:
    async with asyncio.timeout(10):
        while not condition(rig.relay.brakes.state):  # noqa: ASYNC110  (nor has the ledger an event)
            await asyncio.sleep(0.01)
    return rig.relay.brakes.state


def asking(rig: Rig, way: Way = CHAT, agent: str = "codex/1", **more: Any) -> asyncio.Task[Any]:
    """A request under way."""
    headers = {"user-agent": agent, **more.pop("headers", {})}
    return asyncio.create_task(post(rig, way.path, way.body(**more), headers=headers))


# --- after a warning ---------------------------------------------------------------------------


async def test_one_warning_stops_everything_in_every_dialect_until_the_user_resumes():
    async with running_rig() as rig:
        rig.fake.add_fault(warning(CHAT.endpoint))
        status, *_ = await post(rig, CHAT.path, CHAT.body())
        assert status == 403
        before = conversations(rig)
        lists = len(rig.fake.ledger.to("/models"))
        for way in WAYS:
            status, body, headers = await post(rig, way.path, way.body())
            assert status == 503
            assert headers["x-should-retry"] == "false"
            assert "retry-after" not in headers
            told = way.error_in(body.decode())["message"]
            assert "Unusual activity" in told
            assert "resume" in told
            assert "ghu_0123" not in told
        status, body, _ = await post(rig, "/v1/embeddings", EMBEDDING)
        assert status == 503
        counted = {"model": MESSAGES.model, "messages": [{"role": "user", "content": "hello"}]}
        status, _, headers = await post(rig, "/v1/messages/count_tokens", counted)
        assert status == 200, "a count can be made here"
        assert "estimate" in headers["x-copilot-desktop-notes"]
        assert conversations(rig) == before
        assert not rig.fake.ledger.to("/embeddings")
        assert not rig.fake.ledger.to("/v1/messages/count_tokens")
        assert len(rig.fake.ledger.to("/models")) == lists
        rig.relay.brakes.resume()
        assert (await post(rig, CHAT.path, CHAT.body()))[0] == 200


async def test_counts_neither_open_nor_close_what_conversations_go_by(monkeypatch):
    monkeypatch.setattr(counting, "REST_SECONDS", 0.0)  # so that each of them is refused
    path, counted = "/v1/messages/count_tokens", {"model": MESSAGES.model}
    async with running_rig() as rig:

        async def count(text: str) -> str:
            body = {**counted, "messages": [{"role": "user", "content": text}]}
            return (await post(rig, path, body))[2].get("x-copilot-desktop-notes", "")

        for _ in range(2):
            rig.relay.brakes.heard(Blocked("forbidden", upstream_status=403))
        assert "estimate" not in await count("a count that works")
        rig.relay.brakes.heard(Blocked("forbidden", upstream_status=403))
        assert rig.relay.brakes.state.halt is not None, "a count has opened the door"
        rig.relay.brakes.resume()
        rig.fake.add_fault(Status(path, status=429, body={"message": "Slow down."}, times=5))
        for number in range(5):
            assert "estimate" in await count(str(number))
        assert rig.relay.brakes.state.limits == ()
        rig.fake.add_fault(warning(path))
        await count("a count that is warned about")
        assert rig.relay.brakes.state.halt is not None


async def test_nothing_at_all_is_sent_after_a_warning_not_even_to_find_a_model():
    async with running_rig() as rig:
        await post(rig, CHAT.path, CHAT.body())
        rig.relay.brakes.heard(Blocked("No.", code="access_revoked", upstream_status=403))
        rig.provider.catalogue._fetch.forget()  # as after a start, with a list from disk
        before = len(rig.fake.ledger)
        for model, told in ((CHAT.model, 200), ("nobody-knows-1", 503)):
            said = [{"role": "user", "content": "hello"}]
            body = {"model": model, "messages": said}
            assert (await post(rig, "/v1/messages/count_tokens", body))[0] == told
            body = {"model": model, "input": "hello"}
            assert (await post(rig, "/v1/responses/input_tokens", body))[0] == told
            assert (await post(rig, "/v1/embeddings", body))[0] == 503
            assert (await post(rig, "/api/show", {"model": model}))[0] == told
        assert len(rig.fake.ledger) == before


async def test_a_warning_ends_the_waiting_of_all_others_at_once():
    async with running_rig() as rig:
        rig.relay.brakes.use(Rules(max_concurrent=1, ask=True, approved=frozenset({"Codex"})))
        rig.fake.add_fault(Slow(CHAT.endpoint, seconds=0.6))
        rig.fake.add_fault(warning(CHAT.endpoint))
        first = asking(rig)
        await until(rig, lambda _: len(rig.fake.ledger.to(CHAT.endpoint)) == 1)
        queued, asked = asking(rig), asking(rig, agent="zed/1")
        await until(rig, lambda state: state.waiting == 1 and state.questions)
        assert (await first)[0] == 403
        for waiting in (queued, asked):
            status, body, _ = await waiting
            assert status == 503
            assert b"paused" in body
        assert len(rig.fake.ledger.to(CHAT.endpoint)) == 1


@pytest.mark.parametrize("way", [CHAT, MESSAGES], ids=["openai", "anthropic"])
async def test_official_sdks_ask_once_and_say_why(way):
    async with running_rig() as rig:
        rig.fake.add_fault(warning(way.endpoint))
        await post(rig, way.path, way.body())
        seen = rig.traffic.today
        if way is CHAT:
            async with openai.AsyncOpenAI(base_url=rig.url + "/v1", api_key="x") as client:
                with pytest.raises(openai.InternalServerError, match="Unusual activity"):
                    await client.chat.completions.create(
                        model=way.model, messages=[{"role": "user", "content": "hello"}]
                    )
        else:
            async with anthropic.AsyncAnthropic(base_url=rig.url, api_key="x") as claude:
                with pytest.raises(anthropic.InternalServerError, match="Unusual activity"):
                    await claude.messages.create(
                        model=way.model,
                        max_tokens=4000,
                        messages=[{"role": "user", "content": "hello"}],
                    )
        assert rig.traffic.today == seen + 1


@each_way
async def test_three_refusals_without_a_reason_pause_for_half_a_minute(way):
    async with running_rig() as rig:
        clock = rig.relay.brakes.circuit.clock = Clock()
        rig.fake.add_fault(Status.example("403-forbidden-text", way.endpoint, times=-1))
        for _ in range(3):
            assert (await post(rig, way.path, way.body()))[0] == 403
        before = len(rig.fake.ledger.to(way.endpoint))
        clock.now += 3
        status, body, headers = await post(rig, way.path, way.body())
        assert (status, headers["retry-after"]) == (503, "27")
        assert headers["x-should-retry"] == "false"
        assert "27 seconds" in way.error_in(body.decode())["message"]
        assert len(rig.fake.ledger.to(way.endpoint)) == before
        clock.now += 28
        rig.fake.clear_faults()
        assert (await post(rig, way.path, way.body()))[0] == 200


async def test_other_troubles_pause_nothing():
    faults: list[Fault] = [
        Status.example("403-policy", times=-1),
        Status.example("402-quota-exceeded", times=-1),
        Status.example("400-model-not-supported", times=-1),
        DropConnection("*", times=-1),
    ]
    for fault in faults:
        async with running_rig() as rig:
            await post(rig, CHAT.path, CHAT.body())
            rig.fake.add_fault(fault)
            for _ in range(4):
                await post(rig, CHAT.path, CHAT.body())
            assert rig.relay.brakes.state == BrakesState()


# --- limits ------------------------------------------------------------------------------------


@each_way
async def test_the_fourth_request_of_a_limited_model_is_answered_here(way):
    async with running_rig() as rig:
        clock = rig.relay.brakes.circuit.clock = Clock()
        rig.fake.add_fault(Status.example("429-model", way.endpoint, times=3))
        for _ in range(3):
            status, _, headers = await post(rig, way.path, way.body())
            assert (status, headers["retry-after"]) == (429, "8")
        before = len(rig.fake.ledger.to(way.endpoint))
        clock.now += 5
        status, body, headers = await post(rig, way.path, way.body())
        assert (status, headers["retry-after"]) == (429, "3")
        assert "x-should-retry" not in headers
        assert "Rate limit reached" in way.error_in(body.decode())["message"]
        assert len(rig.fake.ledger.to(way.endpoint)) == before
        other = next(each for each in WAYS if each.endpoint != way.endpoint)
        assert (await post(rig, other.path, other.body()))[0] == 200, "another model"
        clock.now += 3.5
        assert (await post(rig, way.path, way.body()))[0] == 200


async def test_a_long_limit_of_the_account_is_told_once_to_each_sdk_and_for_every_model():
    async with running_rig() as rig:
        for way in WAYS[:3]:
            rig.fake.add_fault(Status.example("429-session", way.endpoint, times=-1))
            await post(rig, way.path, way.body())
        before = conversations(rig)
        seen = rig.traffic.today
        async with anthropic.AsyncAnthropic(base_url=rig.url, api_key="x") as claude:
            with pytest.raises(anthropic.RateLimitError) as caught:
                await claude.messages.create(
                    model=MESSAGES.model,
                    max_tokens=4000,
                    messages=[{"role": "user", "content": "hello"}],
                )
        assert 5300 < int(caught.value.response.headers["retry-after"]) <= 5400
        assert rig.traffic.today == seen + 1
        assert conversations(rig) == before


async def test_an_exhausted_allowance_stays_a_402_each_time():
    async with running_rig() as rig:
        rig.fake.add_fault(Status.example("402-quota-exceeded", CHAT.endpoint, times=-1))
        for _ in range(5):
            assert (await post(rig, CHAT.path, CHAT.body()))[0] == 402
        assert len(rig.fake.ledger.to(CHAT.endpoint)) == 5


# --- the line ----------------------------------------------------------------------------------


async def test_no_more_than_allowed_are_under_way_and_all_get_their_answer():
    async with running_rig() as rig:
        rig.relay.brakes.use(Rules(max_concurrent=2))
        for _ in range(2):
            rig.fake.add_fault(Slow(CHAT.endpoint, seconds=1.5, times=2))
        requests = [asking(rig, text=str(number)) for number in range(5)]
        await until(rig, lambda state: state.waiting == 3)
        await until(rig, lambda _: len(rig.fake.ledger.to(CHAT.endpoint)) == 2)
        held = {each.held for each in rig.traffic.recent}
        assert held == {"", "queue"}
        assert [status for status, *_ in await asyncio.gather(*requests)] == [200] * 5
        assert rig.relay.brakes.state.waiting == 0
        assert all(each.held == "" for each in rig.traffic.recent)


async def test_those_in_the_line_are_not_sent_into_a_limit_that_came_meanwhile():
    async with running_rig() as rig:
        rig.relay.brakes.use(Rules(max_concurrent=1))
        rig.fake.add_fault(Slow(CHAT.endpoint, seconds=2.0))
        rig.fake.add_fault(Status.example("429-session", CHAT.endpoint, times=-1))
        requests = [asking(rig)]
        await until(rig, lambda _: rig.fake.ledger.to(CHAT.endpoint))
        requests += [asking(rig) for _ in range(4)]
        await until(rig, lambda state: state.waiting == 4)
        assert [status for status, *_ in await asyncio.gather(*requests)] == [429] * 5
        assert len(rig.fake.ledger.to(CHAT.endpoint)) == 3
        assert [each.held for each in rig.traffic.recent].count("limited") == 2


async def test_a_client_that_leaves_the_line_is_forgotten():
    async with running_rig() as rig:
        rig.relay.brakes.use(Rules(max_concurrent=1))
        rig.fake.add_fault(Slow(CHAT.endpoint, seconds=2.0))
        first = asking(rig)
        await until(rig, lambda _: rig.fake.ledger.to(CHAT.endpoint))
        second = asking(rig)
        await until(rig, lambda state: state.waiting == 1)
        second.cancel()
        await until(rig, lambda state: state.waiting == 0)
        await asyncio.wait({second})
        assert (await first)[0] == 200
        assert len(rig.fake.ledger.to(CHAT.endpoint)) == 1
        assert (await post(rig, CHAT.path, CHAT.body()))[0] == 200


async def test_who_waits_too_long_is_told_to_come_back():
    async with running_rig() as rig:
        rig.relay.brakes.use(Rules(max_concurrent=1))
        rig.relay.brakes.places.patience = 0.1
        rig.fake.add_fault(Slow(CHAT.endpoint, seconds=3.0))
        first = asking(rig)
        await until(rig, lambda _: rig.fake.ledger.to(CHAT.endpoint))
        status, body, headers = await post(rig, MESSAGES.path, MESSAGES.body())
        assert (status, headers["retry-after"]) == (429, "30")
        error = MESSAGES.error_in(body.decode())
        assert error["type"] == "rate_limit_error"
        assert "busy" in error["message"]
        assert rig.traffic.recent[0].held == "busy"
        assert (await first)[0] == 200
        assert rig.relay.brakes.state == BrakesState()


@pytest.mark.parametrize("way", [CHAT, CROSSED], ids=["passed", "translated"])
async def test_signs_of_life_go_to_those_who_wait(way, monkeypatch):
    monkeypatch.setattr(answers, "SILENCE_BEFORE_HEADERS", 0.1)
    monkeypatch.setattr(answers, "SILENCE_IN_STREAM", 0.2)
    async with running_rig() as rig, AsyncExitStack() as stack:
        rig.relay.brakes.use(Rules(max_concurrent=1))
        rig.fake.add_fault(Slow(CHAT.endpoint, seconds=2.0))
        first = asking(rig)
        await until(rig, lambda _: rig.fake.ledger.to(CHAT.endpoint))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        sending = http.post(rig.url + way.path, json=way.body())
        response = await stack.enter_async_context(sending)
        assert rig.relay.brakes.state.waiting == 1
        early = await response.content.readany()
        assert b"keep-alive" in early or b"ping" in early
        assert b"hello" in await response.read()
        assert (await first)[0] == 200


async def test_a_client_of_json_lines_gets_nothing_it_could_not_read_while_it_waits(monkeypatch):
    monkeypatch.setattr(answers, "SILENCE_BEFORE_HEADERS", 0.1)
    monkeypatch.setattr(answers, "SILENCE_IN_STREAM", 0.2)
    async with running_rig() as rig:
        rig.relay.brakes.use(Rules(max_concurrent=1))
        rig.fake.add_fault(Slow(CHAT.endpoint, seconds=2.0))
        first = asking(rig)
        await until(rig, lambda _: rig.fake.ledger.to(CHAT.endpoint))
        body = {"model": CHAT.model, "messages": [{"role": "user", "content": "hello"}]}
        status, raw, headers = await post(rig, "/api/chat", body)
        assert (status, headers["content-type"]) == (200, "application/x-ndjson")
        lines = [json.loads(line) for line in raw.splitlines() if line]
        assert "hello" in "".join(line["message"]["content"] for line in lines)
        assert (await first)[0] == 200


async def test_requests_are_kept_apart():
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with running_rig() as rig:
        brakes = rig.relay.brakes
        brakes._sleep, brakes._monotonic = sleep, lambda: 100.0
        brakes.use(Rules(min_pause=10.0))
        for _ in range(4):
            assert (await post(rig, CHAT.path, CHAT.body()))[0] == 200
        assert slept == [10.0, 20.0, 30.0]
        brakes.use(Rules())
        assert (await post(rig, CHAT.path, CHAT.body()))[0] == 200
        assert len(slept) == 3


async def test_who_leaves_while_requests_are_kept_apart_makes_nobody_wait():
    slept: list[float] = []
    held = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await held.wait()

    async with running_rig() as rig:
        brakes = rig.relay.brakes
        brakes._sleep, brakes._monotonic = sleep, lambda: 100.0
        brakes.use(Rules(min_pause=10.0))
        assert (await post(rig, CHAT.path, CHAT.body()))[0] == 200
        for number in range(3):
            leaving = asking(rig)
            await until(rig, lambda _, number=number: len(slept) == number + 1)
            leaving.cancel()
            await until(rig, lambda _: not rig.traffic.in_flight)
        held.set()
        assert (await post(rig, CHAT.path, CHAT.body()))[0] == 200
        assert slept == [10.0] * 4


# --- questions ---------------------------------------------------------------------------------


async def test_a_request_waits_for_the_users_word_and_its_agents_follow():
    async with running_rig() as rig:
        brakes = rig.relay.brakes
        brakes.use(Rules(ask=True))
        first = asking(rig, agent="codex_cli_rs/0.169")
        [question] = (await until(rig, lambda state: state.questions)).questions
        assert (question.client, question.model) == ("Codex", CHAT.model)
        assert not rig.fake.ledger.to(CHAT.endpoint)
        assert rig.traffic.recent[0].held == "approval"
        brakes.approvals.decide(question.id, "once")
        assert (await first)[0] == 200
        agents = {"headers": {"x-initiator": "agent"}}
        for _ in range(3):
            assert (await asking(rig, agent="codex_cli_rs/0.169", **agents))[0] == 200
        second = asking(rig, agent="codex_cli_rs/0.169")
        [question] = (await until(rig, lambda state: state.questions)).questions
        brakes.approvals.decide(question.id, "deny")
        status, body, headers = await second
        assert status == 403
        assert "retry-after" not in headers
        assert "Codex was not allowed to use Copilot" in CHAT.error_in(body.decode())["message"]
        assert rig.traffic.recent[0].held == "denied"
        assert len(rig.fake.ledger.to(CHAT.endpoint)) == 4


@each_way
async def test_a_no_is_a_403_in_every_dialect(way):
    async with running_rig() as rig:
        rig.relay.brakes.use(Rules(ask=True))
        rig.relay.brakes.approvals.patience = 0.05
        status, body, _ = await post(rig, way.path, way.body())
        assert status == 403
        error = way.error_in(body.decode())
        assert error["type"] == "permission_error"
        assert "Settings" in error["message"]
        assert conversations(rig) == 0


async def test_embeddings_are_asked_about_and_counts_are_not():
    async with running_rig() as rig:
        rig.relay.brakes.use(Rules(ask=True))
        rig.relay.brakes.approvals.patience = 0.05
        assert (await post(rig, "/v1/embeddings", EMBEDDING))[0] == 403
        counted = {"model": MESSAGES.model, "messages": [{"role": "user", "content": "hello"}]}
        status, _, headers = await post(rig, "/v1/messages/count_tokens", counted)
        assert status == 200
        assert "estimate" in headers["x-copilot-desktop-notes"]
        assert not rig.fake.ledger.to("/v1/messages/count_tokens")
        rig.relay.brakes.use(Rules(ask=True, approved=frozenset({"Python"})))
        python = {"headers": {"user-agent": "Python/3"}}
        assert (await post(rig, "/v1/embeddings", EMBEDDING, **python))[0] == 200
        await post(rig, "/v1/messages/count_tokens", counted, **python)
        assert len(rig.fake.ledger.to("/v1/messages/count_tokens")) == 1


async def test_a_client_that_leaves_is_not_asked_about_any_more():
    async with running_rig() as rig:
        rig.relay.brakes.use(Rules(ask=True))
        leaving = asking(rig)
        await until(rig, lambda state: state.questions)
        leaving.cancel()
        await until(rig, lambda state: not state.questions)
        await asyncio.wait({leaving})
        assert conversations(rig) == 0


async def test_the_official_ollama_client_hears_of_a_pause():
    async with running_rig() as rig:
        rig.fake.add_fault(warning(CHAT.endpoint))
        await post(rig, CHAT.path, CHAT.body())
        client = ollama.AsyncClient(host=rig.url, trust_env=False)
        with pytest.raises(ollama.ResponseError, match="Unusual activity") as caught:
            await client.chat(model=CHAT.model, messages=[{"role": "user", "content": "hello"}])
        await client.close()
        assert caught.value.status_code == 503
