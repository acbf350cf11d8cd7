"""While an answer goes on, the conversation that it answers is held by nobody; nor one that was
refused."""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from collections.abc import Iterator

import pytest
from aiohttp import web
from phenomena.routes import Way, each_way
from proxy.raw import hang_up, request, until
from proxy.scripted import post, scripted_rig
from proxy.test_forwarding import STREAMS

CONVERSATION = 400_000  # characters
LIMIT = 60.0  # seconds
JSON = ("Content-Type", "application/json")


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def held() -> int:
    """Bytes of Python's that are in use."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.usefixtures("traced")
@each_way
async def test_a_long_answer_does_not_hold_the_conversation(way: Way) -> None:
    over = asyncio.Event()

    async def answer(served: web.Request) -> web.StreamResponse:
        begun, _, last = STREAMS[way.endpoint].rstrip().rpartition(b"\n\n")
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(served)
        await response.write(begun + b"\n\n")
        await over.wait()
        await response.write(last + b"\n\n")
        return response

    async with asyncio.timeout(LIMIT), scripted_rig(answer) as (rig, script):
        for text in ("warm", "x" * CONVERSATION):
            before = held()
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            writer.write(request("POST", way.path, JSON, body=json.dumps(way.body(text)).encode()))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert await reader.read(1)
            assert len(script.seen.pop()[1]) > len(text)
            del text
            growth = held() - before
            over.set()
            await hang_up(writer)
            over.clear()
    assert growth < CONVERSATION * 1.5  # aiohttp's request at the fake holds it once


@pytest.mark.usefixtures("traced")
@each_way
async def test_a_refused_conversation_is_not_held_until_cycles_are_looked_for(way: Way) -> None:
    async def refuse(_served: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "no", "code": "no"}}, status=400)

    async with asyncio.timeout(LIMIT), scripted_rig(refuse) as (rig, script):
        for text in ("warm", "x" * CONVERSATION):
            before = held()
            gc.disable()
            try:
                status, _, _ = await post(rig, way.path, way.body(text))
                assert (status, len(script.seen.pop()[1]) > len(text)) == (400, True)
                del text
                await until(lambda: not rig.traffic.in_flight, "it is over")
                growth = tracemalloc.get_traced_memory()[0] - before
            finally:
                gc.enable()
    assert growth < CONVERSATION * 1.5  # the fake, as above
