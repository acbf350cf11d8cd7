"""Answers leave with their head in one packet, and say rightly whether the connection goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from itertools import product

import pytest
from aiohttp import web
from proxy.raw import PATIENCE, hang_up, read_answer, request, send, until
from proxy.scripted import events, pieces, scripted_rig
from rig import running_rig

from copilot_desktop.proxy.packets import head, streamed, whole

JSON = ("Content-Type", "application/json")
CHAT = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hi"}]}

TOP = {"id": "a", "created": 1, "model": "m"}
WHOLE = {**TOP, "choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}]}
CHAT_STREAM = events(
    {**TOP, "choices": [{"index": 0, "delta": {"content": "x"}}]},
    {**TOP, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    "[DONE]",
)


def asking(*headers: tuple[str, str], stream: bool) -> bytes:
    body = json.dumps({**CHAT, "stream": stream}).encode()
    return request("POST", "/v1/chat/completions", JSON, *headers, body=body)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_connection_brings_one_answer_after_the_other(stream):
    async with running_rig() as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        try:
            async with asyncio.timeout(PATIENCE):
                for _ in range(3):
                    writer.write(asking(stream=stream))
                    answer = await read_answer(reader)
                    assert answer.status == 200
                    assert not answer.all("connection")
                    assert parsedate_to_datetime(answer.one("date")).tzinfo is not None
                    assert answer.one("x-content-type-options") == "nosniff"
                    assert b"gpt" in answer.body
        finally:
            await hang_up(writer)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
async def test_whoever_wants_no_more_is_hung_up_on(version, stream):
    sent = asking(("Connection", "close"), stream=stream).replace(b"HTTP/1.1", version, 1)
    async with running_rig() as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(sent)
                answer = await read_answer(reader)
                assert await reader.read() == b""
        finally:
            await hang_up(writer)
    assert answer.status == 200
    assert b"gpt" in answer.body
    if version == b"HTTP/1.0":
        assert not answer.all("transfer-encoding")
    else:
        assert answer.one("connection") == "close"


async def test_a_stream_for_http_1_0_ends_with_the_connection_whatever_was_asked():
    """Nothing else says where it ends."""
    sent = asking(("Connection", "keep-alive"), stream=True).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    async with running_rig() as rig:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(sent)
                answer = await read_answer(reader)  # to the end of the connection
        finally:
            await hang_up(writer)
    assert not {"content-length", "transfer-encoding", "connection"} & {
        k for k, _ in answer.headers
    }
    assert answer.body.endswith(b"data: [DONE]\n\n")


ODD_IDS = (
    b"caf\xe9",
    b"caf\xc3\xa9",
    b"a\tb",
    b"a b",
    b"a\xc2\xa0b",
    b"a\xe2\x80\xa8b",
    b"x" * 7000,
)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad"])
async def test_no_id_of_a_request_costs_its_answer(status, stream):
    given: list[bytes] = []

    async def answer(asked: web.Request) -> web.StreamResponse:
        said = WHOLE if status == b"200 OK" else {"error": {"message": "no"}}
        kind, body = b"application/json", json.dumps(said).encode()
        if stream and said is WHOLE:
            kind, body = b"text/event-stream", CHAT_STREAM
        top = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b\r\n\r\n"
        assert asked.transport is not None
        asked.transport.write(top % (status, kind, len(body), given[0]) + body)
        asked.transport.close()
        raise ConnectionResetError

    async with scripted_rig(answer) as (rig, _):
        for name, spelled in product((b"x-request-id", b"x-github-request-id"), ODD_IDS):
            given[:] = [name + b": " + spelled]
            told = await send(rig.port, asking(stream=stream))
            assert told.status == int(status[:3])
            assert not [each for each, _ in told.headers if "request-id" in each]
        given[:] = [b"x-github-request-id: AB:12"]
        told = await send(rig.port, asking(stream=stream))
    assert told.one("x-request-id") == told.one("x-github-request-id") == "AB:12"


async def test_nothing_follows_a_whole_answer_that_is_being_taken_at_a_stop():
    """It could only be taken for the answer to the next request."""
    long = json.dumps(WHOLE).replace('"x"', f'"{"x" * 20_000_000}"').encode()
    async with scripted_rig(pieces(long, kind="application/json")) as (rig, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port, limit=65536)
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(asking(("Connection", "close"), stream=False))
                await until(lambda: rig.traffic.recent and rig.traffic.recent[0].status == 200)
                assert rig.traffic.in_flight, "the client has not taken it yet"
                rig.relay.cut()
                assert len((await read_answer(reader)).body) > 20_000_000
                assert await reader.read() == b""
        finally:
            await hang_up(writer)


async def packets(
    answer: Callable[[web.BaseRequest], web.StreamResponse], *parts: bytes
) -> list[bytes]:
    """What is written to the transport for `answer`, and `parts` of it."""
    written: list[bytes] = []

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        assert asked.transport is not None
        asked.transport.write = written.append
        made = answer(asked)
        assert not made.prepared
        await made.prepare(asked)
        assert made.prepared
        assert not written
        for part in parts:
            await made.write(part)
        await made.write_eof()
        await made.write_eof()
        return made

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            await reader.read()  # nothing, until the server hangs up
        await hang_up(writer)
    finally:
        await runner.cleanup()
    return written


async def test_a_whole_answer_is_one_packet():
    common = head({"X-A": "b"})
    (only,) = await packets(lambda asked: whole(asked, common, {"X-C": "d"}, b"body"))
    top, _, body = only.partition(b"\r\n\r\n")
    status, *lines = top.split(b"\r\n")
    assert status == b"HTTP/1.1 200 OK"
    assert {b"X-A: b", b"X-C: d", b"Content-Length: 4", b"Connection: close"} < set(lines)
    assert len(lines) == 5
    assert body == b"body"


async def test_a_stream_begins_with_its_head_and_ends_once():
    parts = (b"one", b"", b"two")
    first, second, end = await packets(lambda asked: streamed(asked, head({}), {}), *parts)
    assert first.startswith(b"HTTP/1.1 200 OK\r\n")
    assert first.endswith(b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
    assert (second, end) == (b"3\r\ntwo\r\n", b"0\r\n\r\n")


async def test_a_stream_may_show_its_head_alone_or_hold_nothing():
    only, end = await packets(lambda asked: streamed(asked, head({}), {}), b"")
    assert only.endswith(b"\r\n\r\n")
    assert end == b"0\r\n\r\n"
    (empty,) = await packets(lambda asked: streamed(asked, head({}), {}))
    assert empty.endswith(b"\r\n\r\n0\r\n\r\n")


@pytest.mark.parametrize("value", ["b\r\nSet-Cookie: c", "b\nSet-Cookie: c", "b\0", "b\x7f"])
async def test_no_header_is_smuggled_into_the_head(value):
    with pytest.raises(ValueError, match="control"):
        head({"X-A": value})
    for make in (whole, streamed):
        rest = (b"body",) if make is whole else ()
        sent = await packets(lambda asked, m=make, r=rest: m(asked, head({}), {"X-A": value}, *r))
        assert not any(b"Set-Cookie" in each or b"200 OK" in each for each in sent)
