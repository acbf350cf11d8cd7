"""Responses over a WebSocket as a client meets it: one after the other, only what is new, errors
as frames, and an end that is told."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from proxy.raw import request, send, until
from proxy.scripted import endless, scripted_rig
from proxy.talking import talking, user
from rig import running_rig

from copilot_desktop.demo import Cut, ErrorInStream, Scenario, Slow, Stall, Status
from copilot_desktop.demo.sockets import METHOD, SOCKET
from copilot_desktop.proxy import connection, websocket
from copilot_desktop.proxy.config import ProxyConfig

# Copilot offers the first one on a WebSocket; the others speak each another format.
MODELS = ("gpt-5.3-codex", "claude-sonnet-5", "gemini-3.1-pro-preview", "gpt-4.1")
TRANSLATED = "claude-sonnet-5"
OFFER = (
    ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)  # fmt: skip

each_model = pytest.mark.parametrize("model", MODELS)
each_kind = pytest.mark.parametrize("model", MODELS[:2])


def calls(rig):
    """The conversations that reached Copilot, by either transport."""
    return [call for call in rig.fake.ledger if call.body and call.body.get("model")]


def said(call) -> str:
    """All that a model was shown."""
    return json.dumps(call.body.get("input") or call.body.get("messages"))


# ------------------------------------------------------------------------------- conversations


@each_model
@pytest.mark.parametrize("path", ["/v1/responses", "/responses"])
async def test_a_conversation_of_new_items_only(model, path):
    async with running_rig() as rig, talking(rig, model, path=path, compress=15) as talk:
        assert not talk.wire.compress
        for word in ("apple", "pear", "plum"):
            await talk.send(user(f"I say {word}"), stream=True, store=False)
            events = await talk.answer()
            assert events[0]["type"] == "response.created"
            assert events[-1]["type"] == "response.completed", events[-1]
            assert word in str(events[-1]["response"]["output"])
            numbers = [event["sequence_number"] for event in events]
            assert numbers == sorted(numbers)
            assert "copilot_" not in json.dumps(events)
        whole = "\n".join(said(call) for call in calls(rig))
        last = said(calls(rig)[-1])
        shown = whole if calls(rig)[-1].method == METHOD else last
        assert all(word in shown for word in ("apple", "pear", "plum"))
        assert [call.headers["X-Initiator"] for call in calls(rig)] == ["user"] * 3
        recent = rig.traffic.recent
    assert [exchange.outcome for exchange in recent] == ["ok"] * 3
    assert all(exchange.usage.output and exchange.status == 200 for exchange in recent)
    assert recent[0].usage.input > recent[2].usage.input, "the model saw the whole conversation"


@each_model
async def test_a_call_of_a_tool_and_its_result(model):
    path = {"type": "object", "properties": {"path": {"type": "string"}}}
    tool = {"type": "function", "name": "look", "strict": False, "parameters": path}
    async with running_rig() as rig, talking(rig, model) as talk:
        ended = await talk.ask(user('demo: call look {"path":"a"}'), tools=[tool])
        call = next(i for i in ended["response"]["output"] if i["type"] == "function_call")
        result = {"type": "function_call_output", "call_id": call["call_id"], "output": "a is 7"}
        ended = await talk.ask(result, tools=[tool])
        assert ended["type"] == "response.completed", ended
        assert "a is 7" in str(ended["response"]["output"])
        assert [one.headers["X-Initiator"] for one in calls(rig)] == ["user", "agent"]


@each_kind
async def test_any_of_the_last_answers_can_be_gone_on_from(model):
    async with running_rig() as rig, talking(rig, model) as talk:
        await talk.say("apple")
        fork = talk.last
        await talk.say("pear")
        talk.last = fork
        assert "plum" in await talk.say("plum")
        last = calls(rig)[-1]
        assert "apple" in said(last)
        assert "pear" not in said(last)
        assert "previous_response_id" not in last.body


@each_kind
async def test_an_unknown_response_is_told_as_such(model):
    """On this code Codex sends everything again."""
    async with running_rig() as rig, talking(rig, model) as talk, talking(rig, model) as other:
        await other.say("apple")
        for strange in ("resp_made_up", other.last, 7):
            talk.last = strange
            frame = await talk.ask(user("and?"))
            assert frame["type"] == "error"
            assert frame["status"] == 400
            assert frame["error"]["code"] == frame["code"] == "previous_response_not_found"
            assert frame["error"]["param"] == "previous_response_id"
        talk.last = None
        assert "pear" in await talk.say("pear")
        assert len(calls(rig)) == 2


async def test_the_frame_may_declare_who_asks():
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("hello", initiator="agent")
        await talk.say("hello", initiator="user")
        await talk.say("hello", initiator="nobody")
        declared = [call.headers["X-Initiator"] for call in calls(rig)]
    assert declared == ["agent", "user", "user"]


async def test_a_warm_up_costs_nothing_and_can_be_gone_on_from():
    async with running_rig() as rig, talking(rig) as talk:
        ended = await talk.ask(user("I say apple"), generate=False)
        assert ended["type"] == "response.completed"
        assert ended["response"]["output"] == []
        assert calls(rig) == []
        await talk.say("I say pear")
        assert "apple" in said(calls(rig)[0])
        assert "generate" not in calls(rig)[0].body


@each_kind
async def test_requests_are_answered_in_their_order(model):
    async with running_rig(Scenario(pace=0.001)) as rig, talking(rig, model) as talk:
        for word in ("apple", "pear", "plum"):
            await talk.send(user(f"I say {word}"))
        for word in ("apple", "pear", "plum"):
            events = await talk.answer()
            assert word in str(events[-1]["response"]["output"])


async def test_not_everything_may_wait():
    async with running_rig() as rig, talking(rig) as talk:
        rig.fake.add_fault(Slow(SOCKET, seconds=3600))
        await talk.send(user("first"))
        await until(lambda: calls(rig))
        for _ in range(websocket.WAITING + 1):
            await talk.send(user("more"))
        frame = await talk.event()
        assert (frame["type"], frame["status"]) == ("error", 503)
        assert len(calls(rig)) == 1


# --------------------------------------------------------------------------------- bad frames


@pytest.mark.parametrize(
    ("frame", "param"),
    [
        ("{", None),
        ("[]", None),
        ('{"type":"response.create","x":NaN}', None),
        ("{}", "type"),
        ('{"type":"response.cancel"}', "type"),
        ('{"type":"response.create","input":[]}', None),
        ('{"type":"response.create","model":"gpt-5.3-codex","input":7}', "input"),
        ('{"type":"response.create","model":"gpt-5.3-codex","stream_id":"a"}', "stream_id"),
        (b"\x00\x01", None),
        ("[" * 100_000, None),
    ],
)
async def test_what_cannot_be_understood_is_told_and_the_socket_goes_on(frame, param):
    async with running_rig() as rig, talking(rig) as talk:
        send_it = talk.wire.send_bytes if isinstance(frame, bytes) else talk.wire.send_str
        await send_it(frame)
        told = await talk.event()
        assert told["type"] == "error"
        assert told["status"] == 400
        assert told["message"] == told["error"]["message"]
        assert told["sequence_number"] == 0
        if param:
            assert told["param"] == param
        assert calls(rig) == []
        assert "hello" in await talk.say("hello")


async def test_too_large_is_told_and_far_too_large_ends_the_socket():
    config = ProxyConfig(max_body=100_000)
    async with running_rig(config=config) as rig:
        async with talking(rig) as talk:
            frame = await talk.ask(user("x" * 100_000))
            assert (frame["status"], frame["code"]) == (413, "request_too_large")
            assert "0.09537 MB" in frame["error"]["message"]
            assert "hello" in await talk.say("hello")
            await talk.send(user("x" * 200_000))
            assert await talk.closed() == 1009
        async with talking(rig) as talk:  # also bit by bit
            await talk.say("x" * 60_000)
            frame = await talk.ask(user("y" * 60_000))
            assert frame["type"] == "error"
            assert frame["status"] == 413


# ------------------------------------------------------------------------------------- trouble


@each_kind
async def test_a_refusal_of_copilot_is_a_frame_with_its_status(model):
    async with running_rig() as rig, talking(rig, model) as talk:
        for path in (SOCKET, "/v1/messages"):
            rig.fake.add_fault(Status.example("429-weekly", path))
        frame = await talk.ask(user("hello"))
        assert frame["type"] == "error"
        assert frame["status"] == 429
        assert frame["error"]["type"] == "rate_limit_error"
        assert rig.traffic.recent[0].outcome == "failed"
        assert "hello" in await talk.say("hello")


async def test_the_time_to_wait_is_told():
    async with running_rig() as rig, talking(rig, TRANSLATED) as talk:
        body = {"error": {"message": "Slow down.", "code": "rate_limited"}}
        rig.fake.add_fault(Status("/v1/messages", 429, body, {"retry-after": "7"}))
        frame = await talk.ask(user("hello"))
        assert frame["headers"] == {"retry-after": "7"}


async def test_codex_hears_of_its_limit_in_its_own_words():
    scenario = Scenario(who="exhausted", era="multiplier")
    codex = {"User-Agent": "codex_exec/0.169.0"}
    async with running_rig(scenario) as rig, talking(rig, headers=codex) as talk:
        frame = await talk.ask(user("hello"))
    assert frame["status"] == 429
    assert frame["error"]["type"] == "usage_limit_reached"


async def test_a_prompt_that_is_too_long_makes_codex_compact():
    async with running_rig() as rig, talking(rig) as talk:
        rig.fake.add_fault(Status.example("400-prompt-too-long-capi", SOCKET))
        frame = await talk.ask(user("hello"))
        assert frame["type"] == "response.failed"
        assert frame["response"]["error"]["code"] == "context_length_exceeded"
        assert frame["response"]["status"] == "failed"


@each_kind
async def test_what_is_surely_too_long_is_not_sent(model):
    async with running_rig() as rig, talking(rig, model) as talk:
        await talk.say("apple")
        frame = await talk.ask(user("lorem ipsum " * 400_000))
        assert frame["type"] == "response.failed"
        assert frame["response"]["error"]["code"] == "context_length_exceeded"
        assert len(calls(rig)) == 1
        assert "pear" in await talk.say("pear")


@each_kind
@pytest.mark.parametrize("fault", [Cut, ErrorInStream, Stall])
async def test_an_answer_that_breaks_off_is_never_taken_for_whole(model, fault):
    async with running_rig(idle_timeout=2) as rig, talking(rig, model) as talk:
        for path in (SOCKET, "/v1/messages"):
            rig.fake.add_fault(fault(path, after_frames=8))
        await talk.say("before", generate=False)
        await talk.send(user("hello"))
        events = await talk.answer()
        ended = events[-1]
        assert ended["type"] in {"error", "response.failed"}
        assert ended["type"] == "response.failed" or ended["status"] >= 500
        assert any(event["type"] == "response.output_text.delta" for event in events)
        assert rig.traffic.recent[0].outcome == "failed"
        assert "again" in await talk.say("again"), "the socket and what came before are there"


async def test_a_limit_in_the_stream_is_the_last_word_of_its_answer():
    """Over HTTP a failed response follows it; here that would be taken for the next answer."""
    refused = Status("/responses", status=404)  # no socket to Copilot
    limit = ErrorInStream("/responses", code="user_weekly_rate_limited:free", nth=2)
    async with running_rig(Scenario(), refused, limit) as rig, talking(rig) as talk:
        assert (await talk.ask(user("apple")))["type"] == "error"
        assert "pear" in await talk.say("pear")


# ------------------------------------------------------------------------------------- the end


@each_kind
@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("fault", [Slow, Stall])
async def test_a_client_that_hangs_up_stops_copilot(model, how, fault, caplog):
    async with running_rig() as rig, talking(rig, model) as talk:
        options = {"after_frames": 6} if fault is Stall else {}
        for path in (SOCKET, "/v1/messages"):
            rig.fake.add_fault(fault(path, seconds=3600, **options))
        await talk.send(user("hello"))
        await until(lambda: calls(rig))
        if fault is Stall:
            await talk.event()
        if how == "close":
            await talk.wire.close()
        else:
            talk.wire._response.connection.transport.abort()
        await until(lambda: calls(rig)[0].aborted, "upstream is told")
        await until(lambda: rig.traffic.in_flight == 0)
        await until(lambda: not rig.relay.lines, "nothing is left of the socket")
        assert rig.traffic.recent[0].outcome == "cancelled"
    assert "unexpected" not in caplog.text


@each_kind
async def test_a_stop_is_told(model):
    async with running_rig() as rig, talking(rig, model) as idle, talking(rig, model) as busy:
        for path in (SOCKET, "/v1/messages"):
            rig.fake.add_fault(Stall(path, after_frames=8))
        await idle.wire.ping()
        await busy.send(user("hello"))
        await busy.event()
        stopping = asyncio.create_task(rig.controller.stop(drain=0))
        assert await idle.closed() == 1001
        ended = (await busy.answer())[-1]
        assert "shutting_down" in json.dumps(ended)
        assert await busy.closed() == 1001
        async with asyncio.timeout(20):
            await stopping
        assert rig.traffic.in_flight == 0
        assert not rig.relay.lines


async def test_an_open_answer_may_end_before_the_stop():
    async with running_rig() as rig, talking(rig) as talk:
        rig.fake.add_fault(Stall(SOCKET, after_frames=8, seconds=1.0))
        await talk.send(user("hello"))
        await talk.event()
        stopping = asyncio.create_task(rig.controller.stop(drain=20))
        assert (await talk.answer())[-1]["type"] == "response.completed"
        assert await talk.closed() == 1001
        async with asyncio.timeout(20):
            await stopping


async def test_an_idle_socket_is_ended(monkeypatch):
    monkeypatch.setattr(websocket, "IDLE", 0.4)
    monkeypatch.setattr(websocket, "PING", 0.05)  # which the client answers: no request
    async with running_rig() as rig, talking(rig) as talk:
        rig.fake.add_fault(Slow(SOCKET, seconds=2.0))
        assert "hello" in await talk.say("hello"), "waiting for an answer is not being idle"
        assert await talk.closed() == 1001


async def test_there_are_signs_of_life(monkeypatch):
    monkeypatch.setattr(websocket, "PING", 0.05)
    async with running_rig() as rig, talking(rig, autoping=False) as talk:
        for _ in range(2):
            message = await talk.wire.receive(timeout=20)
            assert message.type is aiohttp.WSMsgType.PING
        await talk.wire.ping(b"are you there")
        while message.type is not aiohttp.WSMsgType.PONG:
            message = await talk.wire.receive(timeout=20)
        assert message.data == b"are you there"


async def test_a_client_that_takes_nothing_is_dropped(monkeypatch):
    monkeypatch.setattr(connection, "STUCK_CLIENT", 0.3)
    async with scripted_rig(endless) as (rig, script), talking(rig, TRANSLATED) as talk:
        transport = talk.wire._response.connection.transport
        transport.pause_reading()
        await talk.send(user("hello"))
        await until(lambda: script.open)
        await until(lambda: not rig.relay.lines, "the client is dropped")
        assert rig.traffic.in_flight == 0
        await until(lambda: not script.open, "upstream is told")
        transport.abort()


# ---------------------------------------------------------------------------------------- doors


async def knock(rig, *headers, path="/v1/responses", host="localhost"):
    return await send(rig.port, request("GET", path, *OFFER, *headers, host=host))


async def test_the_door_is_that_of_every_other_request():
    config = ProxyConfig(key="cd-key", key_required=True)
    key = ("Authorization", "Bearer cd-key")
    async with running_rig(config=config) as rig:
        before = len(rig.fake.ledger)
        for path in ("/v1/responses", "/responses"):
            assert (await knock(rig, key, path=path)).status == 101
            assert (await knock(rig, path=path)).status == 401
            assert (await knock(rig, ("Authorization", "Bearer no"), path=path)).status == 401
            foreign = ("Origin", "https://evil.example")
            assert (await knock(rig, key, foreign, path=path)).status == 403
            assert (await knock(rig, key, ("Origin", "null"), path=path)).status == 403
            assert (await knock(rig, key, host="evil.example", path=path)).status == 403
            site = ("Sec-Fetch-Site", "cross-site")
            assert (await knock(rig, key, site, path=path)).status == 403
        answer = await send(rig.port, request("GET", "/v1/responses", key))
        assert answer.status == 405, "without an upgrade it is what it was"
        broken = [pair for pair in OFFER if pair[0] != "Sec-WebSocket-Key"]
        answer = await send(rig.port, request("GET", "/v1/responses", key, *broken))
        assert answer.status == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert len(rig.fake.ledger) == before


async def test_a_key_that_is_wanted_later_is_wanted_here_too():
    async with running_rig() as rig, talking(rig) as talk:
        await talk.say("hello")
        rig.relay.config = ProxyConfig(port=rig.port, key="cd-key", key_required=True)
        frame = await talk.ask(user("hello"))
        assert (frame["type"], frame["status"]) == ("error", 401)


async def test_a_client_may_bring_its_own_account():
    config = ProxyConfig(auth_mode="passthrough")
    async with running_rig(config=config, signed_in=False) as rig:
        headers = {"Authorization": f"Bearer {rig.fake.github_token}"}
        async with talking(rig, headers=headers) as talk:
            assert "hello" in await talk.say("hello")
        async with talking(rig) as talk:
            frame = await talk.ask(user("hello"))
            assert frame["status"] == 401


async def test_nobody_is_signed_in():
    async with running_rig(signed_in=False) as rig, talking(rig) as talk:
        frame = await talk.ask(user("hello"))
    assert (frame["status"], frame["error"]["type"]) == (401, "authentication_error")
