"""Answers in the client's own format: left alone, mended, or ended as an error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phenomena.routes import WAYS, Way, each_way
from proxy.raw import request, send, until
from proxy.scripted import events, pieces, post, scripted_rig
from rig import running_rig

from copilot_desktop.model import CHAT, MESSAGES, RESPONSES
from copilot_desktop.provider import Provider
from copilot_desktop.proxy.forwarding import _Passing
from copilot_desktop.upstream.direct import Wish
from copilot_desktop.upstream.quirks import chat_choices, quirks_for
from tests.test_runs import CUTS, cut, single, streams

JSON = ("Content-Type", "application/json")

CHAT_STREAM = events(
    *(
        {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000,
         "model": "gpt-4.1", "system_fingerprint": "fp_1", "choices": [
             {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason,
              "future": [1, 2.50]}]}
        for delta, reason in (
            ({"role": "assistant", "content": ""}, None), ({"content": "Gr\u00fc\u00dfe"}, None),
            ({"content": " \U0001f44b\u2028"}, None), ({}, "stop"),
        )
    ),
    "[DONE]",
)  # fmt: skip
ODD_DELTA = (
    '{"type": "content_block_delta",  "index": 0, "delta": '
    '{"type":"text_delta","text":"Gr\\u00fc\\u00dfe \u2028 x"}}'
)
MESSAGES_STREAM = events(
    ("message_start", {"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5",
        "content": [], "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 1}}}),
    ("ping", {"type": "ping"}),
    ("content_block_start", {"type": "content_block_start", "index": 0,
                             "content_block": {"type": "text", "text": ""}}),
    ("content_block_delta", ODD_DELTA),
    ("content_block_delta", {"type": "content_block_delta", "index": 0,
                             "delta": {"type": "delta_of_the_future", "words": "\u00e4"}}),
    ("content_block_stop", {"type": "content_block_stop", "index": 0}),
    ("message_delta", {"type": "message_delta", "delta": {"stop_reason": "end_turn",
                       "stop_sequence": None}, "usage": {"output_tokens": 5}}),
    ("message_stop", {"type": "message_stop"}),
)  # fmt: skip
RESPONSES_DELTA = (
    '{"type":"response.output_text.delta","sequence_number": 4,"item_id":"msg_a",'
    '"output_index":0,"content_index":0,"delta":"WORDS"}'
)
RESPONSES_DELTAS = events(
    *(
        ("response.output_text.delta", RESPONSES_DELTA.replace("WORDS", words))
        for words in ("Gr\u00fc\u00dfe", " \U0001f44b", "\\u2028")
    )
)


def response(status: str, **more):
    body = {"id": "resp_1", "object": "response", "created_at": 1700000000, "status": status,
            "model": "gpt-5.3-codex", "output": [], **more}  # fmt: skip
    return (f"response.{status}", {"type": f"response.{status}", "response": body})


RESPONSES_STREAM = (
    events(response("in_progress"))
    + RESPONSES_DELTAS
    + events(response("completed", usage={"input_tokens": 3, "output_tokens": 2}))
)
STREAMS = {
    "/chat/completions": CHAT_STREAM,
    "/responses": RESPONSES_STREAM,
    "/v1/messages": MESSAGES_STREAM,
}
SAME = [way for way in WAYS if way.same]
same_dialect = pytest.mark.parametrize("way", SAME, ids=lambda way: way.path[4:])


# ------------------------------------------------------------------------------ what is left alone


@same_dialect
async def test_frames_that_need_no_mending_keep_their_bytes_however_they_are_cut(way: Way):
    whole = STREAMS[way.endpoint]
    cut = [whole[start : start + 97] for start in range(0, len(whole), 97)]
    async with scripted_rig(pieces(*cut)) as (rig, _):
        status, body, headers = await post(rig, way.path, way.body())
    assert status == 200
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    wanted = RESPONSES_DELTAS if way.endpoint == "/responses" else whole
    assert wanted in body


class Frames:
    """A stream whose frames are mended one by one: it has no runs."""

    run = None

    def __init__(self, stream) -> None:
        self._stream = stream

    def __getattr__(self, name: str):
        return getattr(self._stream, name)


@pytest.fixture(scope="module")
def same_ids() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chat_choices, "uuid4", lambda: UUID(int=1))
        yield


def passed(endpoint: str, reads: Iterable[bytes], wrap=lambda stream: stream) -> bytes:
    """What a client has got when upstream has sent so much."""
    got: list[bytes] = []
    client = SimpleNamespace(write_now=lambda out, _: got.append(out) or True)
    passing = _Passing(wrap(quirks_for(endpoint).stream({"messages": []}, "m")), client, None)
    for read in reads:
        if passing.take(read) is Wish.NO_MORE:
            break
    return b"".join(got)


@given(endpoint=st.sampled_from([CHAT, MESSAGES, RESPONSES]), draw=st.data(), cuts=CUTS)
def test_runs_are_passed_on_as_their_frames_are(endpoint: str, draw, cuts, same_ids) -> None:
    whole = draw.draw(streams(endpoint))
    known = passed(endpoint, [whole], Frames)
    assert passed(endpoint, [whole]) == known
    assert passed(endpoint, cut(whole, cuts)) == known
    assert passed(endpoint, single(whole)) == known


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
async def test_fields_that_nobody_here_knows_reach_copilot(path: str):
    way = next(way for way in SAME if way.path == path)
    more = {"field_of_the_future": {"a": [1, 2.5, None, "\U0001f44b"], "b": {}}}
    async with scripted_rig(pieces(STREAMS[way.endpoint])) as (rig, script):
        status, _, _ = await post(rig, way.path, way.body(**more))
    assert status == 200
    assert script.bodies[0]["field_of_the_future"] == more["field_of_the_future"]


async def test_a_request_that_needs_no_mending_keeps_its_bytes():
    body = (
        b'{ "model":"claude-sonnet-5" ,"max_tokens":64,"stream":true,\n'
        b' "messages":[{"role":"user","content":[{"type":"text","text":"Gr\\u00fc\xc3\x9fe"}]}]}'
    )
    async with scripted_rig(pieces(MESSAGES_STREAM)) as (rig, script):
        answer = await send(rig.port, request("POST", "/v1/messages", JSON, body=body))
    assert answer.status == 200
    assert script.seen == [("/v1/messages", body)]


async def test_what_is_asked_for_besides_leaves_the_clients_bytes_alone():
    body = (
        b'{"model" : "gpt-4.1","stream":true, "messages":[{"role":"user","content":"\\u00fc"}] }\n'
    )
    async with scripted_rig(pieces(CHAT_STREAM)) as (rig, script):
        answer = await send(rig.port, request("POST", "/v1/chat/completions", JSON, body=body))
    assert answer.status == 200
    ((_, sent),) = script.seen
    assert sent.startswith(body.rstrip().removesuffix(b"}"))
    assert json.loads(sent) == {**json.loads(body), "stream_options": {"include_usage": True}}


async def test_betas_may_come_in_several_headers():
    betas = ("interleaved-thinking-2025-05-14", "context-management-2025-06-27")
    async with running_rig() as rig:
        headers = [JSON, *(("anthropic-beta", beta) for beta in betas)]
        body = json.dumps(WAYS[8].body()).encode()
        answer = await send(rig.port, request("POST", "/v1/messages", *headers, body=body))
        sent = rig.fake.ledger.to("/v1/messages")[-1].headers.get("anthropic-beta", "")
    assert answer.status == 200
    assert set(betas) <= set(sent.split(",")), sent


# ------------------------------------------------------------------------------ trouble in a stream


@each_way
async def test_nothing_follows_an_error_that_came_in_the_same_read(way: Way):
    whole = STREAMS[way.endpoint]
    place = whole.index(b"\n\n", len(whole) // 3) + 2
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "too much",
                                        "code": "model_overloaded"}}  # fmt: skip
    told = events(error if way.endpoint == "/chat/completions" else ("error", error))
    async with scripted_rig(pieces(whole[:place] + told + whole[place:])) as (rig, _):
        _, body, _ = await post(rig, way.path, way.body())
        outcome = rig.traffic.recent[0].outcome
    found = [line[6:] for line in body.decode().splitlines() if line.startswith("data: ")]
    assert "too much" in way.error_in(found[-1])["message"]
    assert outcome == "failed"


class Exploding:
    """Quirks with a defect: the third frame of a stream is too much for them."""

    usage, nano_credits, run = None, None, None
    complete, failed = False, False

    def __init__(self, quirks):
        self.fix_request = quirks.fix_request
        self._mended = quirks.stream
        self._left = 3

    def stream(self, body, shown):
        self._feed = self._mended(body, shown).feed
        return self

    def feed(self, frame):
        self._left -= 1
        if not self._left:
            raise KeyError("canary-in-a-traceback")
        return self._feed(frame)


@same_dialect
async def test_frames_before_a_defect_in_the_same_read_are_delivered(way: Way, monkeypatch, caplog):
    known = Provider.quirks
    monkeypatch.setattr(Provider, "quirks", lambda *given: Exploding(known(*given)))
    whole = STREAMS[way.endpoint]
    async with scripted_rig(pieces(whole)) as (rig, script):
        _, body, _ = await post(rig, way.path, way.body())
        await until(lambda: not script.open, "upstream is let go")
        outcome = rig.traffic.recent[0].outcome
    assert body.count(b"data:") == 3, "two frames and the error"
    last = body.decode().rstrip().split("data: ")[-1]
    message = way.error_in(last)["message"]
    assert "Error id" in message
    assert "canary" not in body.decode()
    assert message.split()[-1].rstrip(".") in caplog.text
    assert b"HTTP/1.1" not in body, "a second answer began inside the first"
    assert outcome == "failed"


@each_way
async def test_an_upstream_that_does_not_hang_up_is_let_go_after_the_last_event(way: Way):
    hanging = pieces(STREAMS[way.endpoint], hang=True)
    async with scripted_rig(hanging, idle_timeout=3600) as (rig, script):
        async with asyncio.timeout(20):
            status, body, _ = await post(rig, way.path, way.body())
        await until(lambda: not script.open, "upstream is let go")
        outcome = rig.traffic.recent[0].outcome
    assert status == 200
    assert outcome == "ok", body


async def test_an_event_larger_than_the_limit_ends_the_stream_as_an_error(monkeypatch):
    monkeypatch.setattr("copilot_desktop.sse.MAX_EVENT", 2000)
    huge = b"data: " + b"x" * 5000
    for way in WAYS:
        async with scripted_rig(pieces(STREAMS[way.endpoint][:400], huge, hang=True)) as (rig, _):
            _, body, _ = await post(rig, way.path, way.body())
        last = body.decode().rstrip().split("data: ")[-1]
        assert way.error_in(last)["message"], body
