"""The fake's WebSocket: what it refuses, forgets and counts (`upstream.md` 7.6)."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from copilot_desktop.demo import FakeUpstream, Scenario
from copilot_desktop.demo.sockets import METHOD

EXAMPLE = Path(__file__).parents[1] / "examples" / "34-responses-websocket.jsonl"
LINES = [json.loads(line) for line in EXAMPLE.read_text().splitlines()]
ENDS = {"response.completed", "response.incomplete", "response.failed", "error"}
CREATE = {"type": "response.create", "model": "gpt-5.3-codex", "store": False}


def user(text):
    return {"role": "user", "content": [{"type": "input_text", "text": text}]}


async def token_of(fake, http):
    headers = {"Authorization": f"token {fake.github_token}", "User-Agent": "x"}
    async with http.get(f"{fake.url}/copilot_internal/v2/token", headers=headers) as answer:
        return (await answer.json())["token"]


async def headers_of(fake, http, **more):
    token = await token_of(fake, http)
    return {"Authorization": f"Bearer {token}", "Editor-Version": "vscode/1.116.0",
            "X-Initiator": "user", **more}  # fmt: skip


@asynccontextmanager
async def open_socket(scenario=None, **more):
    async with FakeUpstream(scenario or Scenario()) as fake, aiohttp.ClientSession() as http:
        headers = await headers_of(fake, http, **more)
        async with http.ws_connect(f"{fake.url}/responses", headers=headers) as wire:
            yield fake, wire


async def ask(wire, **frame):
    await wire.send_json({**CREATE, **frame})
    events = []
    while not events or events[-1]["type"] not in ENDS:
        events.append(json.loads((await wire.receive(timeout=20)).data))
    return events


async def test_the_shape_of_the_example():
    """The real thing leaves out some events of short answers; each that it has, the fake has."""
    sent = next(line["frame"] for line in LINES if line["dir"] == "send")
    told = [line["frame"] for line in LINES if line["dir"] == "recv"]
    async with open_socket() as (_, wire):
        events = await ask(wire, **{**sent, "model": "gpt-5.4"})
    by_kind = {event["type"]: event for event in events}
    for example in told[:4]:
        assert example.keys() <= by_kind[example["type"]].keys()
    snapshots = by_kind["response.completed"]["copilot_quota_snapshots"]
    expected = told[3]["copilot_quota_snapshots"]["premium_interactions"]
    assert snapshots["premium_interactions"].keys() == expected.keys()
    assert isinstance(snapshots["premium_interactions"]["entitlement"], str)


async def test_a_response_can_be_gone_on_from_on_its_socket_only():
    async with open_socket() as (fake, wire):
        first = (await ask(wire, input=[user("apple")]))[-1]["response"]["id"]
        ended = (await ask(wire, input=[user("pear")], previous_response_id=first))[-1]
        assert ended["type"] == "response.completed"
        async with aiohttp.ClientSession() as http:
            headers = await headers_of(fake, http)
            async with http.ws_connect(f"{fake.url}/responses", headers=headers) as other:
                told = (await ask(other, input=[user("pear")], previous_response_id=first))[-1]
                assert told["error"]["code"] == "previous_response_not_found"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "response.cancel"}, "bad_request"),
        ({"stream": True}, "bad_request"),
        ({"initiator": "me"}, "bad_request"),
        ({"model": "gpt-4.1"}, "unsupported_api_for_model"),
        ({"model": "claude-sonnet-5"}, "unsupported_api_for_model"),
        ({"model": "no-such"}, "model_not_supported"),
        ({"generate": False}, "unknown_parameter"),
        ({"store": True}, "invalid_request_body"),
        ({"input": []}, "missing_required_parameter"),
        ({"service_tier": "priority"}, "unsupported_parameter"),
    ],
)
async def test_what_is_refused_is_a_frame_and_the_socket_goes_on(frame, code):
    async with open_socket() as (_, wire):
        told = (await ask(wire, **{"input": [user("hello")], **frame}))[-1]
        assert told["type"] == "error"
        assert told["error"].keys() == {"code", "message"}
        assert told["error"]["code"] == code
        assert "copilot_quota_snapshots" in told
        assert (await ask(wire, input=[user("hello")]))[-1]["type"] == "response.completed"


async def test_a_picture_needs_the_header_of_the_handshake():
    picture = {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;"
               "base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
               "WjR9awAAAABJRU5ErkJggg=="}]}  # fmt: skip
    async with open_socket() as (_, wire):
        assert "Vision" in (await ask(wire, input=[picture]))[-1]["error"]["message"]
    async with open_socket(**{"Copilot-Vision-Request": "true"}) as (_, wire):
        assert (await ask(wire, input=[picture]))[-1]["type"] == "response.completed"


async def test_frames_are_in_the_ledger_with_whom_they_declare():
    async with open_socket() as (fake, wire):
        await ask(wire, input=[user("hello")])
        await ask(wire, input=[user("hello")], initiator="agent")
        frames = [received for received in fake.ledger if received.method == METHOD]
    assert [frame.headers["X-Initiator"] for frame in frames] == ["user", "agent"]
    assert [(frame.status, frame.done) for frame in frames] == [(200, True)] * 2


async def test_the_door_is_that_of_http():
    async with FakeUpstream(Scenario()) as fake, aiohttp.ClientSession() as http:
        headers = await headers_of(fake, http)
        for missing, status in (("Authorization", 401), ("Editor-Version", 400)):
            some = {name: value for name, value in headers.items() if name != missing}
            with pytest.raises(aiohttp.WSServerHandshakeError) as told:
                await http.ws_connect(f"{fake.url}/responses", headers=some)
            assert told.value.status == status
        async with http.get(f"{fake.url}/responses", headers=headers) as answer:
            assert answer.status == 404


async def test_a_socket_lives_for_an_hour():
    now = [0.0]
    async with (
        FakeUpstream(Scenario(), clock=lambda: now[0]) as fake,
        aiohttp.ClientSession() as http,
    ):
        headers = await headers_of(fake, http)
        async with http.ws_connect(f"{fake.url}/responses", headers=headers) as wire:
            assert (await ask(wire, input=[user("hello")]))[-1]["type"] != "error"
            now[0] = 3601.0
            await wire.send_json({**CREATE, "input": [user("hello")]})
            assert (await wire.receive(timeout=20)).type is aiohttp.WSMsgType.CLOSE


async def test_an_answer_is_paid_for():
    async with open_socket() as (_, wire):
        first, second = [(await ask(wire, input=[user("hello " * 40_000)]))[-1] for _ in range(2)]
    left = [event["copilot_quota_snapshots"]["premium_interactions"]["percent_remaining"]
            for event in (first, second)]  # fmt: skip
    assert left[1] < left[0]
