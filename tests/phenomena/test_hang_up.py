"""A client that leaves takes its upstream call along, whenever it leaves."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from phenomena.routes import Way, each_way
from proxy.raw import hang_up, read_answer, request, until
from proxy.scripted import endless, scripted_rig
from rig import running_rig

from copilot_desktop.demo import Slow, Stall
from copilot_desktop.proxy import answers


async def assert_let_go(rig, path: str) -> None:
    received = rig.fake.ledger.to(path)[-1]
    await until(lambda: received.aborted, "upstream is told")
    await until(lambda: rig.traffic.in_flight == 0, "the exchange is closed")
    assert rig.traffic.recent[0].outcome == "cancelled"
    assert len(rig.fake.ledger.to(path)) == 1, "nothing is asked again for nobody"


@each_way
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_before_the_first_byte(way: Way, stream, caplog):
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        rig.fake.add_fault(Slow(way.endpoint, seconds=3600))
        asking = asyncio.create_task(http.post(rig.url + way.path, json=way.body(stream=stream)))
        await until(lambda: rig.fake.ledger.to(way.endpoint))
        asking.cancel()
        await assert_let_go(rig, way.endpoint)
    assert "unexpected error" not in caplog.text


@each_way
async def test_in_the_middle_of_a_stream(way: Way, caplog):
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        rig.fake.add_fault(Stall(way.endpoint, after_frames=6))
        response = await http.post(rig.url + way.path, json=way.body("tell me more"))
        assert await response.content.readany()
        response.close()
        await assert_let_go(rig, way.endpoint)
    assert "unexpected error" not in caplog.text


async def test_while_copilot_is_busy_writing(caplog):
    """The client resets the connection; the next write meets it."""
    async with scripted_rig(endless) as (rig, script), aiohttp.ClientSession() as http:
        for path in ("/v1/messages", "/v1/chat/completions", "/v1/responses"):
            way = Way(path, "/v1/messages")
            response = await http.post(rig.url + way.path, json=way.body())
            await response.content.readany()
            response.connection.transport.abort()
            await until(lambda: not script.open, "upstream is told")
            await until(lambda: rig.traffic.in_flight == 0)
            assert rig.traffic.recent[0].outcome == "cancelled"
    assert "Traceback" not in caplog.text


async def test_during_the_first_sign_of_life(monkeypatch):
    monkeypatch.setattr(answers, "SILENCE_BEFORE_HEADERS", 0.02)
    monkeypatch.setattr(answers, "SILENCE_IN_STREAM", 0.02)
    way = Way("/v1/messages", "/responses")
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        rig.fake.add_fault(Slow(way.endpoint, seconds=3600))
        response = await http.post(rig.url + way.path, json=way.body())
        assert await response.content.readany()
        response.close()
        await assert_let_go(rig, way.endpoint)


async def test_while_the_body_is_still_coming():
    async with running_rig() as rig:
        _, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        header = (("Content-Type", "application/json"), ("Content-Length", "1000"))
        writer.write(request("POST", "/v1/messages", *header) + b'{"model":')
        await until(lambda: rig.traffic.in_flight == 1)
        await hang_up(writer)
        await until(lambda: rig.traffic.in_flight == 0)
        assert rig.traffic.recent[0].outcome == "cancelled"


async def test_a_client_that_stays_keeps_its_connection_for_the_next_request():
    async with running_rig() as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        for stream in (True, False, True):
            way = Way("/v1/chat/completions", "/v1/messages")
            body = json.dumps(way.body(stream=stream)).encode()
            kind = ("Content-Type", "application/json")
            writer.write(request("POST", way.path, kind, body=body))
            assert (await read_answer(reader)).status == 200
        await hang_up(writer)
        assert all(received.done for received in rig.fake.ledger)
