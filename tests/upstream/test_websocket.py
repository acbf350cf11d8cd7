"""The socket to Copilot is kept, chained, opened again, and never worth a failed request."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from contextlib import asynccontextmanager, suppress
from hashlib import sha1
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web
from proxy.raw import until
from proxy.talking import talking, user
from rig import running_rig

from copilot_desktop.demo import Cut, DropConnection, ErrorInStream, Scenario, Slow, Status
from copilot_desktop.demo.sockets import METHOD, SOCKET
from copilot_desktop.errors import UpstreamTimeout
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.upstream import websocket
from copilot_desktop.upstream.client import Call, CopilotClient, Tries
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.outgoing import Way, drop_free, use_way
from copilot_desktop.upstream.websocket import LARGEST_FRAME
from tests.upstream.rig import Tokens

PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # noqa: E501
PATH = "/responses"


def handshakes(rig):
    return [call for call in rig.fake.ledger.to(PATH) if call.method == "GET"]


def frames(rig):
    return [call for call in rig.fake.ledger.to(PATH) if call.method == METHOD]


def posts(rig):
    return [call for call in rig.fake.ledger.to(PATH) if call.method == "POST"]


def refused_frame(code, status=400, **options):
    return Status(SOCKET, status, {"error": {"code": code, "message": "No."}}, **options)


def notes(rig):
    return [note for exchange in rig.traffic.recent for note in exchange.notes]


async def test_one_socket_serves_a_whole_conversation():
    async with running_rig() as rig, talking(rig) as talk:
        for word in ("apple", "pear", "plum"):
            assert word in await talk.say(word)
        (handshake,) = handshakes(rig)
        first, second, third = frames(rig)
        assert [len(frame.body["input"]) for frame in (first, second, third)] == [1, 1, 1]
        assert "previous_response_id" not in first.body
        assert second.body["previous_response_id"] != third.body["previous_response_id"]
        assert {"stream", "generate", "service_tier"} & third.body.keys() == set()
        assert third.body["initiator"] == "user"
        names = {name.lower() for name in handshake.headers}
        assert {"authorization", "editor-version", "x-initiator", "openai-intent",
                "x-request-id", "x-github-api-version"} <= names  # fmt: skip
        assert "sec-websocket-extensions" not in names
        assert "origin" not in names
        assert notes(rig) == ["transport=websocket"] * 3
        assert all(exchange.nano_credits for exchange in rig.traffic.recent)


async def test_nothing_of_the_client_goes_upstream():
    config = ProxyConfig(key="cd-local-key", key_required=True)
    headers = {"Authorization": "Bearer cd-local-key", "X-Strange": "canary", "Cookie": "a=canary"}
    async with running_rig(config=config) as rig, talking(rig, headers=headers) as talk:
        await talk.say("hello", client_metadata={"id": "canary"}, service_tier="canary")
        for received in rig.fake.ledger:
            told = f"{received.headers} {received.raw!r}"
            assert "cd-local-key" not in told
            assert "canary" not in told


async def test_each_client_socket_has_its_own_and_leaves_nothing():
    async with running_rig() as rig:
        async with talking(rig) as talk, talking(rig) as other:
            await talk.say("apple")
            await other.say("pear")
            assert len(handshakes(rig)) == 2
        await until(lambda: all(call.done or call.aborted for call in handshakes(rig)))


async def test_clients_over_http_get_none():
    async with running_rig() as rig, talking(rig, "gpt-4.1") as talk:
        await talk.say("hello")
        assert handshakes(rig) == []


async def test_whoever_sends_everything_again_is_chained_all_the_same():
    """Some clients keep the conversation themselves; Copilot need not be told twice."""
    async with running_rig() as rig, talking(rig) as talk:
        ended = await talk.ask(user("apple"))
        talk.last = None
        again = [user("apple"), *ended["response"]["output"], user("pear")]
        assert (await talk.ask(*again))["type"] == "response.completed"
        assert len(frames(rig)[1].body["input"]) == 1
        talk.last = None
        assert (await talk.ask(user("other")))["type"] == "response.completed"
        assert "previous_response_id" not in frames(rig)[2].body


async def test_a_picture_needs_another_handshake():
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        picture = {"type": "input_image", "image_url": PNG}
        seen = {"role": "user", "content": [picture]}
        assert (await talk.ask(seen))["type"] == "response.completed"
        assert (await talk.ask(user("and?")))["type"] == "response.completed"
        first, second = handshakes(rig)
        assert "Copilot-Vision-Request" not in first.headers
        assert second.headers["Copilot-Vision-Request"] == "true"
        assert [len(frame.body["input"]) for frame in frames(rig)][2] == 1


# --------------------------------------------------------------------------- opened once more


async def test_a_socket_that_died_in_between_is_opened_again():
    async with running_rig(Scenario(socket_life=1.5)) as rig, talking(rig) as talk:
        await talk.say("apple")
        await asyncio.sleep(1.6)  # Copilot counts from the handshake, so nothing can be waited for
        assert "pear" in await talk.say("pear")
        assert len(handshakes(rig)) == 2
        assert "apple" in str(frames(rig)[-1].body["input"])


@pytest.mark.parametrize("times", [1, 2])
async def test_a_drop_before_the_answer(times):
    """One that had been idle was dead; if the fresh one gives nothing either, there is HTTP."""
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        rig.fake.add_fault(DropConnection(SOCKET, times=times))
        assert "pear" in await talk.say("pear")
        assert len(handshakes(rig)) == 2
        assert "apple" in str(frames(rig)[2].body["input"]), "everything is sent"
        assert "previous_response_id" not in frames(rig)[2].body
        assert len(posts(rig)) == times - 1
        assert "plum" in await talk.say("plum")


async def test_each_model_is_asked_on_a_socket_of_its_own():
    """GitHub's own clients let a socket go when another model is chosen."""
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        talk.model = "gpt-5.4"
        assert "pear" in await talk.say("pear")
        assert len(handshakes(rig)) == 2
        assert "previous_response_id" not in frames(rig)[1].body
        assert "apple" in str(frames(rig)[1].body["input"])
        assert "plum" in await talk.say("plum")
        assert len(handshakes(rig)) == 2


async def test_a_socket_that_slept_is_not_trusted(monkeypatch):
    """The machine's own clock of running time stands still meanwhile."""
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        awake = time.time
        monkeypatch.setattr(time, "time", lambda: awake() + 3600)
        assert "pear" in await talk.say("pear")
        assert len(handshakes(rig)) == 2


@pytest.mark.parametrize("change", [drop_free, lambda http: use_way(http, Way(proxy="none"))],
                         ids=["network", "way"])  # fmt: skip
async def test_a_socket_leads_by_the_way_that_is_chosen_now(change):
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        change(rig.provider.client._http)
        assert "pear" in await talk.say("pear")
        assert len(handshakes(rig)) == 2


async def test_an_idle_socket_is_not_trusted(monkeypatch):
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        monkeypatch.setattr(websocket, "KEEP_ALIVE_SECONDS", 0.0)
        assert "pear" in await talk.say("pear")
        assert len(handshakes(rig)) == 2
        assert "apple" in str(frames(rig)[1].body["input"])
        assert "previous_response_id" not in frames(rig)[1].body


async def test_after_a_broken_answer_everything_is_sent():
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        rig.fake.add_fault(Cut(SOCKET, after_frames=6))
        assert (await talk.ask(user("pear")))["type"] == "error"
        await talk.say("plum")
        assert len(handshakes(rig)) == 2
        assert "previous_response_id" not in frames(rig)[2].body


async def test_after_an_error_in_the_stream_everything_is_sent():
    """On a new socket: something of the failed answer may still come on the old one."""
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        rig.fake.add_fault(ErrorInStream(SOCKET, after_frames=6))
        assert (await talk.ask(user("pear")))["type"] == "error"
        await talk.say("plum")
        assert len(handshakes(rig)) == 2
        assert "previous_response_id" not in frames(rig)[2].body


async def test_a_response_that_copilot_forgot():
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        rig.fake.add_fault(refused_frame("previous_response_not_found"))
        assert "pear" in await talk.say("pear")
        assert [len(frame.body["input"]) == 1 for frame in frames(rig)] == [True, True, False]
        assert len(handshakes(rig)) == 1


async def test_an_old_socket_is_not_used(monkeypatch):
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        monkeypatch.setattr(websocket, "LIFE", 0.0)
        assert "pear" in await talk.say("pear")
        assert len(handshakes(rig)) == 2


async def test_a_socket_lives_as_long_as_its_token():
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        stale = await rig.provider.session.grant()
        await rig.provider.session.grant(stale=stale.token)
        assert "pear" in await talk.say("pear")
        first, second = handshakes(rig)
        assert first.headers["Authorization"] != second.headers["Authorization"]


# ------------------------------------------------------------------------------------- tokens


async def test_a_token_that_ran_out_is_renewed_at_the_handshake():
    async with running_rig() as rig, talking(rig) as talk:
        await rig.provider.models()
        rig.fake.tokens.expire()
        assert "apple" in await talk.say("apple")
        refused, _ = handshakes(rig)
        assert refused.status == 401
        assert posts(rig) == []
        assert rig.fake.tokens.exchanges == 2


async def test_a_session_that_ran_out_is_renewed_once():
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        rig.fake.add_fault(refused_frame("session_expired", 401))
        assert "pear" in await talk.say("pear")
        assert len(handshakes(rig)) == 2
        rig.fake.add_fault(refused_frame("session_expired", 401, times=2))
        assert (await talk.ask(user("plum")))["status"] == 401


# --------------------------------------------------------------------------------------- HTTP


@pytest.mark.parametrize("status", [403, 404, 426, 500])
async def test_a_handshake_that_is_refused_means_http_for_a_while(status, monkeypatch):
    async with running_rig() as rig, talking(rig) as talk, talking(rig) as other:
        rig.fake.add_fault(Status(PATH, status, "no\n"))
        assert "apple" in await talk.say("apple")
        assert "pear" in await talk.say("pear")
        assert "plum" in await other.say("plum")
        assert len(handshakes(rig)) == 1
        assert len(posts(rig)) == 3
        assert "apple" in str(posts(rig)[1].body["input"])
        assert notes(rig) == ["transport=http"] * 3
        monkeypatch.setattr(rig.provider.client, "sockets_again_at", 0.0)
        assert "pear" in await talk.say("and the pear?")
        assert (len(frames(rig)), len(posts(rig))) == (1, 3)


async def test_a_handshake_that_hangs_means_http(monkeypatch):
    monkeypatch.setattr("copilot_desktop.upstream.client.DIAL_SECONDS", 0.2)
    async with running_rig() as rig, talking(rig) as talk:
        rig.fake.add_fault(Slow(PATH, seconds=3600))
        assert "apple" in await talk.say("apple")
        assert notes(rig) == ["transport=http"]


async def test_a_socket_that_opens_and_ends_means_http_for_a_while():
    """Something on the way lets the handshake pass and nothing else."""
    async with running_rig() as rig, talking(rig) as talk, talking(rig) as other:
        rig.fake.add_fault(DropConnection(SOCKET, times=-1))
        assert "apple" in await talk.say("apple")
        assert "pear" in await talk.say("pear")
        assert "plum" in await other.say("plum")
        assert (len(handshakes(rig)), len(frames(rig)), len(posts(rig))) == (1, 1, 3)
        assert notes(rig) == ["transport=http"] * 3


@pytest.mark.parametrize("fresh", [True, False])
async def test_a_socket_that_ends_while_an_answer_is_made_had_read_the_request(fresh, monkeypatch):
    monkeypatch.setattr(websocket, "AT_LATEST", 0.2)
    async with running_rig() as rig, talking(rig) as talk:
        if not fresh:
            await talk.say("apple")
        before = len(frames(rig))
        rig.fake.add_fault(Slow(SOCKET, seconds=0.5))
        rig.fake.add_fault(DropConnection(SOCKET))
        frame = await talk.ask(user("pear"))
        assert (frame["type"], frame["status"]) == ("error", 502)
        assert len(frames(rig)) - before == 1
        assert posts(rig) == []
        assert "plum" in await talk.say("plum")


async def test_a_socket_that_opens_and_stays_silent_means_http_for_a_while(monkeypatch):
    """That request is lost, since its answer may be under way; the next ones are not."""
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        rig.fake.add_fault(Slow(SOCKET, seconds=3600))
        monkeypatch.setattr(rig.provider.client, "headers_timeout", 0.2)
        assert (await talk.ask(user("pear")))["type"] == "error"
        assert posts(rig) == []
        monkeypatch.setattr(rig.provider.client, "headers_timeout", 20.0)
        assert "plum" in await talk.say("plum")
        assert (len(handshakes(rig)), len(posts(rig))) == (1, 1)


@pytest.mark.parametrize(("patience", "found"), [(0.0, "http"), (60.0, "websocket")])
async def test_who_gave_up_a_silent_socket_gets_http_the_next_time(patience, found, monkeypatch):
    """People do not wait for as long as we do, and would meet the same silence again and again."""
    monkeypatch.setattr(websocket, "FIRST_FRAME", patience)
    async with running_rig() as rig:
        rig.fake.add_fault(Slow(SOCKET, seconds=3600))
        async with talking(rig) as talk:
            await talk.send(user("apple"))
            await until(lambda: frames(rig))
        await until(lambda: all(call.done or call.aborted for call in handshakes(rig)))
        async with talking(rig) as talk:
            assert "pear" in await talk.say("pear")
        assert notes(rig)[-1] == f"transport={found}"


async def test_a_fault_of_the_service_is_tried_over_http_once():
    async with running_rig() as rig, talking(rig) as talk:
        rig.fake.add_fault(refused_frame("service_unavailable", 503))
        assert "apple" in await talk.say("apple")
        assert (len(frames(rig)), len(posts(rig))) == (1, 1)
        assert "pear" in await talk.say("pear")
        assert len(posts(rig)) == 1, "sockets are as good as before"


async def test_a_frame_that_is_too_large_goes_over_http(monkeypatch):
    monkeypatch.setattr(websocket, "LARGEST_FRAME", 2000)
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        await talk.say("much " * 1000)
        assert (len(frames(rig)), len(posts(rig))) == (1, 1)


async def test_the_allowance_of_three_calls_holds():
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("apple")
        before = len(rig.fake.ledger)
        rig.fake.add_fault(refused_frame("service_unavailable", 503))
        rig.fake.add_fault(Status(PATH, 503, "no\n", times=-1))
        frame = await talk.ask(user("pear"))
        assert frame["type"] == "error"
        assert len(rig.fake.ledger) - before <= 3


# -------------------------------------------------------------------------------------- the rest


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("user_weekly_rate_limited:pro", 429, "rate_limit_error"),
        ("content_filter", 400, "invalid_request_error"),
        ("bad_request", 400, "invalid_request_error"),
        ("request_too_large", 413, "invalid_request_error"),
        ("quota_exceeded", 402, "insufficient_quota"),
    ],
)
async def test_a_code_of_a_frame_means_what_a_status_would(code, status, told):
    async with running_rig() as rig, talking(rig) as talk:
        rig.fake.add_fault(refused_frame(code, status))
        frame = await talk.ask(user("apple"))
        assert (frame["status"], frame["error"]["type"]) == (status, told)
        assert "pear" in await talk.say("pear")
        assert posts(rig) == []


async def test_an_empty_allowance_is_asked_for_anew():
    async with running_rig() as rig, talking(rig) as talk:
        rig.fake.add_fault(refused_frame("quota_exceeded", 402))
        assert (await talk.ask(user("apple")))["status"] == 402
        assert "pear" in await talk.say("pear")
        refused, taken = (call.headers["Authorization"] for call in handshakes(rig))
        assert refused != taken


async def test_a_refusal_heals_as_over_http():
    async with running_rig() as rig, talking(rig) as talk:
        told = "Unsupported parameter: 'top_logprobs' is not supported with this model."
        error = {"error": {"code": "unsupported_parameter", "message": told}}
        rig.fake.add_fault(Status(SOCKET, 400, error))
        assert "apple" in await talk.say("apple", top_logprobs=2)
        first, second = frames(rig)
        assert "top_logprobs" in first.body
        assert "top_logprobs" not in second.body
        assert posts(rig) == []
        assert "pear" in await talk.say("pear", top_logprobs=2)
        assert len(frames(rig)) == 3, "it was learned"


async def test_the_quota_is_read_from_frames():
    async with running_rig() as rig, talking(rig) as talk:
        before = await rig.provider.quota()
        await talk.say("much " * 2000)
        after = rig.provider._quota.snapshot
        left = {meter.id: meter.percent_used for meter in after.meters}
        assert after.source == "headers"
        assert {meter.id for meter in before.meters} <= left.keys()
        assert left["premium_interactions"] is not None
        entitlement = next(m for m in after.meters if m.id == "premium_interactions").limit
        assert entitlement == next(m for m in before.meters if m.id == "premium_interactions").limit


async def test_a_redirect_is_not_followed():
    """aiohttp would, with the token."""
    seen = []

    async def away(request):
        seen.append(request.path)
        raise web.HTTPFound("/other")

    app = web.Application()
    app.router.add_get("/{path:.*}", away)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/responses"
    try:
        async with open_http(github_timeout=5) as http:
            with pytest.raises(aiohttp.TooManyRedirects):
                await http.ws_connect(url, headers={"Authorization": "Bearer x"})
    finally:
        await runner.cleanup()
    assert seen == ["/responses"]


@asynccontextmanager
async def reading_nothing():
    """A server that takes a WebSocket and reads nothing of it until it is `free`. Then it has `got`
    what it was sent."""
    got, opened, free, over = bytearray(), *(asyncio.Event() for _ in range(3))

    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = head.lower().partition("sec-websocket-key: ")[2]
        key = head[len(head) - len(key) :].split("\r\n")[0]
        word = b64encode(sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
        writer.write(
            b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + word + b"\r\n\r\n"
        )
        opened.set()
        await free.wait()
        with suppress(ConnectionError):
            while data := await reader.read(1 << 20):
                got.extend(data)
        over.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with asyncio.timeout(20), open_http(github_timeout=5) as http:
        client = CopilotClient(http, Identity(), headers_timeout=1.5, idle_timeout=5)
        body = json.dumps({"input": "x" * (LARGEST_FRAME - 1000)}).encode()
        call = Call("/responses", body, model="m", stream=True, initiator="user")
        socket = websocket.UpstreamSocket(client, lambda _: None)
        yield SimpleNamespace(
            asked=lambda: socket.ask(call, Tokens(url), Tries()),
            opened=opened, free=free, over=over, got=got, http=http,
        )  # fmt: skip
    server.close()


async def test_who_reads_no_frame_is_given_up():
    async with reading_nothing() as there:
        with pytest.raises(UpstreamTimeout):
            await there.asked()
        there.free.set()
        await there.over.wait()


async def test_who_leaves_while_a_frame_is_being_sent_is_gone():
    async with reading_nothing() as there:
        asked = asyncio.ensure_future(there.asked())
        await there.opened.wait()
        await asyncio.sleep(0.3)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        there.free.set()
        await there.over.wait()
        assert len(there.got) < LARGEST_FRAME - 1000, "all of it was sent, to be answered"
