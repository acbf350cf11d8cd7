"""Silence on either side: signs of life for who waits, an end for who does not take anything."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from aiohttp import web
from conformance.speakers import MODELS, SPEAKERS
from phenomena.routes import WAYS, Way, read_events
from proxy.raw import hang_up, request, until
from proxy.scripted import MESSAGES_HEAD, post, scripted_rig, words
from rig import SCENARIO, running_rig

from copilot_desktop.demo import Scenario, Slow, Stall, Status
from copilot_desktop.proxy import answers, connection

SIGNS = (b": keep-alive", b"event: ping")
JSON = ("Content-Type", "application/json")
OVER_MESSAGES = [Way("/v1/messages", "/v1/messages"), Way("/v1/chat/completions", "/v1/messages"),
                 Way("/v1/responses", "/v1/messages")]  # fmt: skip
over_messages = pytest.mark.parametrize("way", OVER_MESSAGES, ids=lambda way: way.path[4:])


@pytest.fixture
def impatient(monkeypatch):
    """Signs of life after hundredths of a second instead of ten and twenty seconds."""
    monkeypatch.setattr(answers, "SILENCE_BEFORE_HEADERS", 0.03)
    monkeypatch.setattr(answers, "SILENCE_IN_STREAM", 0.03)


def signs(body: bytes) -> int:
    return sum(body.count(sign) for sign in SIGNS)


# ------------------------------------------------------------------------------ silent upstream


async def on_every_way(attempt) -> None:
    """The same on all nine ways at once, since each of them has to wait."""
    await asyncio.gather(*(attempt(way) for way in WAYS))


def slow(seconds: float) -> list[Slow]:
    return [Slow(endpoint, seconds=seconds, times=-1) for endpoint in MODELS]


async def test_a_stream_that_takes_its_time_shows_signs_of_life_from_the_start(impatient):
    async with running_rig(SCENARIO, *slow(0.4)) as rig, aiohttp.ClientSession() as http:

        async def attempt(way: Way) -> None:
            async with http.post(rig.url + way.path, json=way.body()) as response:
                assert response.status == 200
                body = await response.read()
            assert signs(body) >= 2, way
            assert body.startswith(SIGNS)
            assert b"hello" in body

        await on_every_way(attempt)
        assert {each.outcome for each in rig.traffic.recent} == {"ok"}


async def test_the_head_of_a_stream_does_not_wait_for_copilot_for_ever(impatient):
    async with running_rig(SCENARIO, *slow(3600)) as rig, aiohttp.ClientSession() as http:

        async def attempt(way: Way) -> None:
            async with http.post(rig.url + way.path, json=way.body()) as response:
                assert response.status == 200
                assert signs(await response.content.readany()) == 1
                response.close()

        await on_every_way(attempt)
        await until(lambda: rig.traffic.in_flight == 0)


async def test_a_refusal_after_signs_of_life_is_told_in_the_stream(impatient):
    limits = [Status.example("429-model", endpoint, times=-1) for endpoint in MODELS]
    async with running_rig(SCENARIO, *slow(0.3), *limits) as rig, aiohttp.ClientSession() as http:

        async def attempt(way: Way) -> None:
            async with http.post(rig.url + way.path, json=way.body()) as response:
                assert response.status == 200
                events = await read_events(response)
            assert "wait" in way.error_in(events[-1])["message"]
            assert not any("[DONE]" in event for event in events)

        await on_every_way(attempt)


@pytest.mark.parametrize("speaker", SPEAKERS, ids=lambda speaker: speaker.name)
async def test_the_sdks_do_not_mind_signs_of_life(speaker, impatient):
    stalls = [Stall(endpoint, after_frames=5, seconds=0.15, times=-1) for endpoint in MODELS]
    async with running_rig(SCENARIO, *slow(0.1), *stalls) as rig:
        client = speaker(rig.url)

        async def attempt(model: str) -> None:
            heard = await client.ask(model, [client.user("hello there")], stream=True)
            assert "hello there" in heard.text

        await asyncio.gather(*(attempt(model) for model in MODELS.values()))
        await client.close()


async def test_signs_of_life_never_get_into_an_event(impatient, monkeypatch):
    """A stream in small pieces, with a pause after each: signs come between events only."""
    monkeypatch.setattr(answers, "SILENCE_IN_STREAM", 0.004)
    async with running_rig(Scenario(pace=0.01)) as rig:

        async def attempt(way: Way) -> None:
            _, body, _ = await post(rig, way.path, way.body("hi"))
            assert signs(body) >= 2
            for event in body.decode().split("\n\n"):
                if event and not event.startswith(":"):
                    data = [line[6:] for line in event.split("\n") if line.startswith("data: ")]
                    assert len(data) == 1, event
                    assert data[0] == "[DONE]" or json.loads(data[0])

        await on_every_way(attempt)


async def test_an_unstreamed_answer_waits_without_a_word(impatient):
    async with running_rig(SCENARIO, *slow(0.2)) as rig:

        async def attempt(way: Way) -> None:
            status, body, _ = await post(rig, way.path, way.body(stream=False))
            assert status == 200
            assert json.loads(body)

        await on_every_way(attempt)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_no_answer_at_all_is_a_504_and_upstream_is_let_go(stream):
    async with running_rig(SCENARIO, *slow(3600), headers_timeout=2.5) as rig:

        async def attempt(way: Way) -> None:
            status, body, _ = await post(rig, way.path, way.body(stream=stream))
            assert status == 504
            assert way.error_in(body.decode())["message"]

        await on_every_way(attempt)
        calls = [each for endpoint in MODELS for each in rig.fake.ledger.to(endpoint)]
        assert len(calls) == len(WAYS), "whoever has waited that long does not wait again"
        await until(lambda: all(each.aborted for each in calls), "upstream is let go")


# ------------------------------------------------------------------------------ silent client


class Fountain:
    """A Messages stream that goes on as long as somebody takes it, and counts its bytes."""

    def __init__(self) -> None:
        self.written = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(MESSAGES_HEAD)
        piece = words("x" * 4000) * 8
        while True:
            await response.write(piece)
            self.written += len(piece)
            await asyncio.sleep(0)

    async def stands_still(self) -> int:
        """Wait until it has not moved for a while; how far it got."""
        still, before = 0, -1
        async with asyncio.timeout(40):
            while still < 15:
                await asyncio.sleep(0.02)
                still = still + 1 if self.written == before else 0
                before = self.written
        return before


async def ask_and_read_nothing(
    port: int, way: Way, *, stream: bool = True
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The reader takes up to a megabyte by itself; then the sockets fill."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=512 * 1024)
    body = json.dumps(way.body(stream=stream)).encode()
    writer.write(request("POST", way.path, JSON, body=body))
    return reader, writer


@pytest.mark.parametrize("way", OVER_MESSAGES[:2], ids=lambda way: way.path[4:])
async def test_a_slow_reader_slows_copilot_down_and_nothing_piles_up(way: Way):
    fountain = Fountain()
    async with scripted_rig(fountain) as (rig, _):
        reader, writer = await ask_and_read_nothing(rig.port, way)
        await until(lambda: fountain.written > 0)
        got = 0
        for _ in range(2):
            held = await fountain.stands_still()
            assert held - got < 128 * 1024 * 1024, "more is held than sockets take"
            async with asyncio.timeout(40):
                while fountain.written < held + 4 * 1024 * 1024:
                    got += len(await reader.read(2**20))
        await hang_up(writer)
        await until(lambda: rig.traffic.in_flight == 0)


@over_messages
async def test_a_client_that_takes_nothing_is_dropped_and_copilot_let_go(way: Way, monkeypatch):
    monkeypatch.setattr(answers, "SILENCE_IN_STREAM", 0.1)
    monkeypatch.setattr(connection, "STUCK_CLIENT", 0.2)
    async with scripted_rig(Fountain()) as (rig, script):
        _, writer = await ask_and_read_nothing(rig.port, way)
        await until(lambda: script.open, "it has begun")
        await until(lambda: not script.open, "upstream is let go")
        await until(lambda: rig.traffic.in_flight == 0, "the client is dropped")
        assert rig.traffic.recent[0].outcome == "cancelled"
        await hang_up(writer)


async def assert_dropped_at_the_end(way: Way, script_answer, *, stream: bool) -> None:
    async with scripted_rig(script_answer) as (rig, script):
        _, writer = await ask_and_read_nothing(rig.port, way, stream=stream)
        await until(lambda: script.seen, "it has begun")
        await until(lambda: rig.traffic.in_flight == 0, "the client is dropped")
        await until(lambda: not script.open, "upstream is let go")
        await hang_up(writer)


async def test_a_client_that_does_not_take_an_unstreamed_answer_is_dropped(monkeypatch):
    monkeypatch.setattr(connection, "STUCK_CLIENT", 0.2)

    async def large(_request: web.Request) -> web.Response:
        content = [{"type": "text", "text": "x" * 24 * 1024 * 1024}]
        usage = {"input_tokens": 1, "output_tokens": 1}
        return web.json_response({"id": "msg_1", "type": "message", "role": "assistant",
                                  "model": "claude-sonnet-5", "content": content,
                                  "stop_reason": "end_turn", "usage": usage})  # fmt: skip

    await assert_dropped_at_the_end(OVER_MESSAGES[0], large, stream=False)


@over_messages
async def test_a_client_that_does_not_take_the_last_words_is_dropped(way: Way, monkeypatch):
    """The stream breaks while the client's window is shut: the error cannot be told for ever."""
    monkeypatch.setattr(connection, "STUCK_CLIENT", 0.2)
    monkeypatch.setattr(answers, "SILENCE_IN_STREAM", 0.1)

    async def breaks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(MESSAGES_HEAD)
        for _ in range(600):
            await response.write(words("x" * 30_000))
        return response

    await assert_dropped_at_the_end(way, breaks, stream=True)
