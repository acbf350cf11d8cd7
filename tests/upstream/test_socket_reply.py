"""Frames of a socket become the events that an answer over HTTP would have."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from copilot_desktop.errors import CutShort, UpstreamFault, UpstreamTimeout
from copilot_desktop.proxy.alarms import is_warning
from copilot_desktop.sse import FrameDecoder
from copilot_desktop.upstream.socket_reply import NoFrame, SocketReply
from copilot_desktop.upstream.websocket import refusal_of

EXAMPLE = Path(__file__).parents[1] / "examples" / "34-responses-websocket.jsonl"
LINES = [json.loads(line) for line in EXAMPLE.read_text().splitlines()]
RECEIVED = [line["frame"] for line in LINES if line["dir"] == "recv"]
ASKED = next(line["frame"] for line in LINES if line["dir"] == "send")["input"]
PING = object()
ITEM = {"type": "response.output_item.done", "output_index": 0, "item": {"id": "early"}}


@asynccontextmanager
async def hearing(*frames, ends=True, sent=ASKED, idle=20.0, pace=0.0):
    """A reply to these frames (texts, bytes, values or pings); then a close, or nothing at all."""
    quotas = []

    async def serve(request):
        wire = web.WebSocketResponse(timeout=0.1)
        await wire.prepare(request)
        for frame in frames:
            await asyncio.sleep(pace)
            if frame is PING:
                await wire.ping()
            elif isinstance(frame, bytes):
                await wire.send_bytes(frame)
            else:
                await wire.send_str(frame if isinstance(frame, str) else json.dumps(frame))
        if not ends:
            await asyncio.Event().wait()
        return wire

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(url, timeout=aiohttp.ClientWSTimeout(ws_close=0.1)) as wire,
        ):
            yield (
                SocketReply(
                    wire, sent=sent, request_id="req-1", idle_timeout=idle, on_quota=quotas.append
                ),
                quotas,
            )
    finally:
        await runner.cleanup()


async def events_of(reply):
    raw = b"".join([chunk async for chunk in reply.chunks()])
    decoder = FrameDecoder()
    return [*decoder.feed(raw), *decoder.close()]


async def test_the_turn_of_the_example():
    async with hearing(*RECEIVED[:4], ends=False) as (reply, quotas):
        assert (await reply.begin(20))["type"] == "response.created"
        frames = await events_of(reply)
    assert [frame.json() for frame in frames] == RECEIVED[:4]
    assert [frame.event for frame in frames] == [frame["type"] for frame in RECEIVED[:4]]
    assert reply.over
    completed = RECEIVED[3]["response"]
    assert reply.response_id == completed["id"]
    assert reply.said == [[completed["output"][0]]]
    assert quotas == [RECEIVED[3]["copilot_quota_snapshots"]]
    assert (reply.status, reply.content_type, reply.request_id) == (
        200, "text/event-stream", "req-1",
    )  # fmt: skip


async def test_the_refusal_of_the_example():
    async with hearing(RECEIVED[4], ends=False) as (reply, quotas):
        first = await reply.begin(20)
    assert first["error"]["code"] == "user_weekly_rate_limited:pro"
    assert quotas == [RECEIVED[4]["copilot_quota_snapshots"]]


def test_a_warning_without_a_code_counts_as_githubs_in_a_frame():
    words = "Your account was suspended for abuse of GitHub Copilot."
    told = {"type": "error", "status": 403, "error": {"message": words}}
    assert is_warning(refusal_of(told, "req-1", "wss://x/responses", "gpt-x"))


@pytest.mark.parametrize(
    ("last", "goes_on"),
    [
        ({"type": "response.completed", "response": {"id": "r", "output": []}}, True),
        ({"type": "response.incomplete", "response": {"id": "r", "output": None}}, True),
        ({"type": "response.failed", "response": {"id": "r"}}, False),
        ({"type": "response.cancelled", "response": {"id": "r"}}, False),
        ({"type": "error", "error": {"code": "internal_error"}}, False),
        ({"type": "response.completed"}, False),
    ],
)
async def test_each_end_is_one(last, goes_on):
    async with hearing(RECEIVED[0], ITEM, last, ends=False) as (reply, _):
        await reply.begin(20)
        frames = await events_of(reply)
    assert frames[-1].json() == last
    assert reply.over
    assert (reply.response_id, reply.said) == (("r", [[ITEM["item"]]]) if goes_on else ("", []))


async def test_an_input_that_is_no_list_is_not_gone_on_from():
    async with hearing(*RECEIVED[:4], sent="hi") as (reply, _):
        await reply.begin(20)
        await events_of(reply)
    assert reply.response_id == ""


async def test_a_frame_of_many_lines_is_one_event():
    pretty = json.dumps(RECEIVED[2], indent=1)
    odd = '{"delta": "a\u2028b", "type": "response.output_text.delta",\r\n"x": 1}'
    async with hearing(pretty, odd, RECEIVED[3]) as (reply, _):
        await reply.begin(20)
        frames = await events_of(reply)
    assert frames[0].json() == RECEIVED[2]
    assert frames[1].event == "response.output_text.delta"
    assert frames[1].json()["delta"] == "a\u2028b"


@pytest.mark.parametrize("nonsense", ["", "{", "[]", '{"type":7}', "{\n"])
async def test_nonsense_is_handed_on(nonsense):
    """What to make of it is decided above, as for HTTP."""
    async with hearing(RECEIVED[0], nonsense, RECEIVED[3]) as (reply, _):
        await reply.begin(20)
        assert (await events_of(reply))[-1].json() == RECEIVED[3]


async def test_an_end_before_the_end():
    async with hearing(RECEIVED[0]) as (reply, _):
        await reply.begin(20)
        with pytest.raises(CutShort):
            await events_of(reply)
        assert not reply.over
    async with hearing() as (reply, _):
        with pytest.raises(NoFrame):
            await reply.begin(20)


async def test_silence():
    async with hearing(RECEIVED[0], ends=False, idle=0.2) as (reply, _):
        await reply.begin(20)
        with pytest.raises(UpstreamTimeout):
            await events_of(reply)
    async with hearing(ends=False) as (reply, _):
        with pytest.raises(TimeoutError):
            await reply.begin(0.1)


async def test_pings_are_no_answer():
    """Whoever lets the socket live may have forgotten what it is for."""
    async with hearing(*[PING] * 200, ends=False, pace=0.1) as (reply, _):
        begun = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await reply.begin(0.2)
        assert asyncio.get_running_loop().time() - begun < 10


async def test_bytes_are_no_answer():
    async with hearing(RECEIVED[0], b"\x00", ends=False) as (reply, _):
        await reply.begin(20)
        with pytest.raises(CutShort):
            await events_of(reply)


async def test_a_frame_that_cannot_be_read():
    async with hearing(RECEIVED[0], "x" * (5 * 1024 * 1024), ends=False) as (reply, _):
        await reply.begin(20)
        with pytest.raises(UpstreamFault):
            await events_of(reply)
