"""Answers that go straight from upstream's connection to the client's: slow clients, old ones,
signs of life in between, and the next request on the same connection."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from phenomena.routes import Way, each_way
from proxy.raw import hang_up, read_answer, read_late, request, until
from proxy.scripted import MESSAGES_HEAD, events, pieces, scripted_rig, words
from proxy.test_forwarding import STREAMS

from copilot_desktop.proxy import answers
from copilot_desktop.upstream import reply

MESSAGES = Way("/v1/messages", "/v1/messages")
JSON = ("Content-Type", "application/json")
LAST = events(
    ("content_block_stop", {"type": "content_block_stop", "index": 0}),
    ("message_delta", {"type": "message_delta", "delta": {"stop_reason": "end_turn",
                       "stop_sequence": None}, "usage": {"output_tokens": 5}}),
    ("message_stop", {"type": "message_stop"}),
)  # fmt: skip


def asking(way: Way = MESSAGES) -> bytes:
    return request("POST", way.path, JSON, body=json.dumps(way.body()).encode())


def unchunked(body: bytes) -> bytes:
    parts, at = [], 0
    while size := int(body[at : (start := body.index(b"\r\n", at) + 2)], 16):
        parts.append(body[start : start + size])
        at = start + size + 2
    return b"".join(parts)


async def test_a_client_that_does_not_read_stops_upstream_and_misses_nothing() -> None:
    sent = 0
    texts = [words(f"{number:08}" + "x" * 65536) for number in range(320)]

    async def answer(served: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(served)
        await response.write(MESSAGES_HEAD)
        for each in texts:
            await response.write(each)
            sent += len(each)
        await response.write(LAST)
        return response

    async with scripted_rig(answer) as (rig, _):
        whole = await read_late(rig.port, asking(), lambda: sent)
        assert rig.traffic.recent[0].outcome == "ok"
    told = unchunked(whole.partition(b"\r\n\r\n")[2])
    places = [told.index(b"%08d" % number) for number in range(320)]
    assert places == sorted(places)
    assert told.endswith(LAST)
    assert told.count(b"\n\n") == (MESSAGES_HEAD + LAST).count(b"\n\n") + 320


async def test_signs_of_life_stand_between_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "SILENCE_IN_STREAM", 0.02)

    async def answer(served: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(served)
        whole = MESSAGES_HEAD + words("Gr\u00fc\u00dfe") * 20 + LAST
        for start in range(0, len(whole), 211):
            await response.write(whole[start : start + 211])
            await asyncio.sleep(0.05)
        return response

    async with scripted_rig(answer) as (rig, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        async with asyncio.timeout(30):
            writer.write(asking())
            told = (await read_answer(reader)).body
        await hang_up(writer)
    blocks = told.split(b"\n\n")
    pings = [each for each in blocks if each.startswith(b":")]
    assert len(pings) >= 2
    without = [each for each in blocks if not each.startswith(b":")]
    rest = b"\n\n".join(without)
    assert rest.count(words("Gr\u00fc\u00dfe")) == 20
    assert rest.endswith(LAST)


@each_way
async def test_the_connection_serves_the_next_request(way: Way) -> None:
    whole = STREAMS[way.endpoint]
    cut = [whole[start : start + 211] for start in range(0, len(whole), 211)]
    async with scripted_rig(pieces(*cut)) as (rig, script):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        told = []
        async with asyncio.timeout(30):
            for _ in range(3):
                writer.write(asking(way))
                answer = await read_answer(reader)
                assert answer.status == 200
                told.append(answer.body)
        await hang_up(writer)
        assert [each.outcome for each in rig.traffic.recent] == ["ok"] * 3
        assert len(script.seen) == 3
    assert told[0]
    if way.same and way.endpoint != "/responses":  # whose ids are made anew
        assert told[0] == told[1] == told[2]


async def test_nothing_is_told_after_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The proxy stops while it waits for upstream to hang up."""
    monkeypatch.setattr(reply, "_LAST_BYTES_SECONDS", 20.0)
    whole = MESSAGES_HEAD + words("x") + LAST
    async with scripted_rig(pieces(whole, hang=True)) as (rig, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        async with asyncio.timeout(30):
            writer.write(asking())
            assert (await read_answer(reader)).body.endswith(LAST)
            await until(lambda: rig.traffic.recent[0].outcome == "ok", "the end is told")
            rig.relay.cut()
            await rig.traffic.idle.wait()
        await hang_up(writer)
        assert rig.traffic.recent[0].error == ""
    assert not [each for each in caplog.records if each.exc_info]


async def test_a_last_event_without_its_blank_line_is_told_although_upstream_is_gone() -> None:
    async def answer(served: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(served)
        await response.write(MESSAGES_HEAD + words("x") + LAST[:-1])
        await asyncio.sleep(0.05)
        assert served.transport is not None
        served.transport.close()
        return response

    async with scripted_rig(answer) as (rig, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        async with asyncio.timeout(30):
            writer.write(asking())
            told = (await read_answer(reader)).body
        await hang_up(writer)
        assert rig.traffic.recent[0].outcome == "ok"
    assert told.endswith(words("x") + LAST)


async def test_an_old_client_gets_the_stream_without_chunks() -> None:
    cut = [MESSAGES_HEAD, *(words("x") for _ in range(5)), LAST]
    async with scripted_rig(pieces(*cut)) as (rig, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        async with asyncio.timeout(30):
            writer.write(asking().replace(b"HTTP/1.1", b"HTTP/1.0", 1))
            answer = await read_answer(reader)
        await hang_up(writer)
    assert "transfer-encoding" not in dict(answer.headers)
    assert answer.body.endswith(words("x") * 5 + LAST)
