"""Conversations through the proxy: what is left alone, what is refused, what goes another way."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from phenomena.routes import WAYS, Way, each_way
from proxy.raw import read_answer, request, send, until
from proxy.scripted import events, pieces, post, scripted_rig
from rig import running_rig

from copilot_desktop.demo import Slow, Status
from copilot_desktop.provider import Provider
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.upstream import catalogue

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


async def test_the_answer_carries_the_name_that_the_client_used_on_all_nine_ways():
    aliases = {f"my-{way.model}": way.model for way in WAYS}
    async with running_rig(config=ProxyConfig(aliases=aliases)) as rig:
        for way in WAYS:
            for stream in (True, False):
                asked = {**way.body(stream=stream), "model": f"my-{way.model}"}
                status, body, _ = await post(rig, way.path, asked)
                assert status == 200, body
                assert f'"my-{way.model}"'.encode() in body, (way, body)
                assert f'"{way.model}"'.encode() not in body, (way, body)
                sent = rig.fake.ledger.to(way.endpoint)[-1].body["model"]
                assert sent == way.model


async def test_the_notes_tell_the_route_and_what_was_left_out():
    async with running_rig() as rig:
        body = {**WAYS[2].body(stream=False), "seed": 7}
        _, _, headers = await post(rig, "/v1/chat/completions", body)
        _, _, plain = await post(rig, "/v1/messages", WAYS[8].body())
    assert headers["x-copilot-desktop-notes"].startswith("route=/v1/messages")
    assert "seed" in headers["x-copilot-desktop-notes"]
    assert plain["x-copilot-desktop-notes"] == "route=/v1/messages; initiator=user"


async def test_two_chat_answers_at_once_keep_their_own_tool_names():
    def asked(name: str):
        function = {"name": name, "parameters": {"type": "object", "properties": {}}}
        choice = {"type": "function", "function": {"name": name}}
        tools = [{"type": "function", "function": function}]
        return WAYS[0].body(stream=False, tools=tools, tool_choice=choice)

    names = [letter * 90 for letter in "ab"]
    async with running_rig() as rig:
        rig.fake.add_fault(Slow("/chat/completions", seconds=0.3))
        slow = asyncio.create_task(post(rig, "/v1/chat/completions", asked(names[0])))
        await until(lambda: rig.fake.ledger.to("/chat/completions"))
        answers = [await post(rig, "/v1/chat/completions", asked(names[1])), await slow]
    called = [
        json.loads(body)["choices"][0]["message"]["tool_calls"][0]["function"]["name"]
        for _, body, _ in answers
    ]
    assert called == [names[1], names[0]]


async def test_betas_may_come_in_several_headers():
    betas = ("interleaved-thinking-2025-05-14", "context-management-2025-06-27")
    async with running_rig() as rig:
        headers = [JSON, *(("anthropic-beta", beta) for beta in betas)]
        body = json.dumps(WAYS[8].body()).encode()
        answer = await send(rig.port, request("POST", "/v1/messages", *headers, body=body))
        sent = rig.fake.ledger.to("/v1/messages")[-1].headers.get("anthropic-beta", "")
    assert answer.status == 200
    assert set(betas) <= set(sent.split(",")), sent


async def test_a_client_may_say_that_a_call_is_its_own():
    async with running_rig() as rig:
        for said in ("agent", "user"):
            await post(rig, WAYS[0].path, WAYS[0].body(), headers={"X-Initiator": said})
            assert rig.fake.ledger.to(WAYS[0].endpoint)[-1].headers["X-Initiator"] == said


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

    usage, nano_credits = None, None
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


# ------------------------------------------------------------------------------ another way

BOTH = "claude-haiku-4.5"  # has /chat/completions and /v1/messages
MOVED = [("/v1/chat/completions", "/chat/completions", "/v1/messages"),
         ("/v1/messages", "/v1/messages", "/chat/completions"),
         ("/v1/responses", "/v1/messages", "/chat/completions")]  # fmt: skip


@pytest.mark.parametrize(("path", "first", "second"), MOVED)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_model_that_has_left_an_endpoint_is_found_at_the_other_one(
    path, first, second, stream
):
    body = {**Way(path, first).body(stream=stream), "model": BOTH}
    async with running_rig() as rig:
        moved = Status.example("400-unsupported-api-for-model", first, times=-1)
        rig.fake.add_fault(moved)
        for _ in range(2):
            status, answer, headers = await post(rig, path, body)
            assert status == 200, answer
            assert headers["x-copilot-desktop-notes"].startswith(f"route={second}")
        assert len(rig.fake.ledger.to(first)) == 1, "the refusal was not remembered"
        assert len(rig.fake.ledger.to(second)) == 2
        assert rig.traffic.recent[0].route == second


async def test_a_model_with_nowhere_else_to_go_tells_what_copilot_said():
    async with running_rig() as rig:
        for way in WAYS:
            rig.fake.add_fault(Status.example("400-unsupported-api-for-model", way.endpoint))
            status, answer, _ = await post(rig, way.path, way.body())
            assert status == 400
            assert "not accessible" in way.error_in(answer.decode())["message"]
            assert (await post(rig, way.path, way.body()))[0] == 200, "it is tried again"


async def test_a_new_model_is_looked_for_before_its_name_is_called_unknown(monkeypatch):
    monkeypatch.setattr(catalogue, "REST_SECONDS", 0.0)
    async with running_rig() as rig:
        assert (await post(rig, WAYS[0].path, WAYS[0].body()))[0] == 200
        entry = next(each for each in rig.fake.models if each["id"] == "gpt-4.1")
        rig.fake.models.append({**entry, "id": "gpt-9"})
        body = {**WAYS[0].body(), "model": "gpt-9"}
        status, answer, _ = await post(rig, WAYS[0].path, body)
    assert status == 200, answer


# ------------------------------------------------------------------------------ bodies


async def test_a_body_beyond_the_limit_is_refused_by_its_header_alone():
    async with running_rig(config=ProxyConfig(max_body=1000)) as rig:
        before = len(rig.fake.ledger)
        for path in ("/v1/chat/completions", "/v1/messages", "/v1/embeddings"):
            length = ("Content-Length", "1001")
            answer = await send(rig.port, request("POST", path, JSON, length))
            assert answer.status == 413, path
            assert answer.json()["error"]["message"]
        chunked = request("POST", "/v1/messages", JSON, ("Transfer-Encoding", "chunked"))
        answer = await send(rig.port, chunked + b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n")
        assert answer.status == 413
        assert answer.json()["error"]["type"] == "request_too_large"
        assert len(rig.fake.ledger) == before


async def test_a_client_that_asks_first_is_invited_to_send_its_body():
    async with running_rig() as rig:
        body = json.dumps(WAYS[0].body()).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        head = request("POST", WAYS[0].path, JSON, ("Expect", "100-continue"),
                       ("Content-Length", str(len(body))))  # fmt: skip
        writer.write(head)
        async with asyncio.timeout(10):
            assert (await read_answer(reader)).status == 100
            writer.write(body)
            assert (await read_answer(reader)).status == 200
        writer.close()


async def test_a_body_that_does_not_come_is_not_waited_for():
    async with running_rig(config=ProxyConfig(client_timeout=0.2)) as rig:
        data = request("POST", "/v1/messages", JSON, ("Content-Length", "50")) + b'{"model'
        answer = await send(rig.port, data)
    assert answer.status == 400
    assert "in time" in answer.json()["error"]["message"]


async def test_a_head_that_comes_byte_by_byte_is_not_waited_for():
    async with running_rig(config=ProxyConfig(client_timeout=0.3)) as rig:
        for start in (b"", b"GET / HTTP/1.1\r\nHost: local"):
            reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
            writer.write(start)
            closed = asyncio.create_task(reader.read())
            async with asyncio.timeout(20):
                while not closed.done():
                    if start and not writer.is_closing():
                        writer.write(b"h")
                    await asyncio.sleep(0.02)
            writer.close()
            assert b"200" not in (await asyncio.gather(closed, return_exceptions=True))[0][:20]


NOT_AN_OBJECT = {
    "nothing": b"", "text": b"hello", "a-list": b"[]", "a-number": b"1", "null": b"null",
    "nan": b'{"model":"gpt-4.1","temperature":NaN}',
    "infinity": b'{"model":"gpt-4.1","temperature":-Infinity}',
    "cut": b'{"model":"gpt-4.1"', "two": b"{}{}", "not-utf8": b'{"model":"\xff\xfe"}',
    "deep-list": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep-object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "long-number": b'{"model":"gpt-4.1","max_tokens":' + b"9" * 9000 + b"}",
    "no-model": b'{"messages":[]}', "empty-model": b'{"model":""}', "odd-model": b'{"model":7}',
}  # fmt: skip


async def test_what_is_no_json_object_is_a_400_in_every_dialect():
    async with running_rig() as rig:
        before = len(rig.fake.ledger)
        paths = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings",
                 "/v1/messages/count_tokens")  # fmt: skip
        for name, body in NOT_AN_OBJECT.items():
            for path in paths:
                answer = await send(rig.port, request("POST", path, JSON, body=body))
                assert answer.status in ({400, 404} if "model" in name else {400}), (name, path)
                assert answer.json()["error"]["type"] in {
                    "invalid_request_error",
                    "not_found_error",
                }
        conversations = [each.path for each in rig.fake.ledger[before:] if each.method == "POST"]
    assert not conversations


JUNK = [None, True, 7, -1, 1e300, "x", [], {}, [None], [[]], [{}], [7], {"type": "x"},
        [{"type": 7}], [{"role": "user"}], [{"role": 7, "content": {}}]]  # fmt: skip
FIELDS = ["messages", "input", "tools", "tool_choice", "system", "instructions", "max_tokens",
          "stream", "stream_options", "temperature", "stop", "stop_sequences", "thinking",
          "reasoning", "reasoning_effort", "response_format", "text", "metadata", "n",
          "parallel_tool_calls", "previous_response_id", "store", "include",
          "output_config"]  # fmt: skip


@each_way
async def test_values_of_a_wrong_type_are_never_our_fault(way: Way, caplog):
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        for name in FIELDS:
            for junk in JUNK:
                body = {**way.body(stream=False), name: junk}
                async with http.post(rig.url + way.path, json=body) as answer:
                    text = await answer.text()
                    assert answer.status < 500, (name, junk, text)
    assert "Traceback" not in caplog.text


@each_way
async def test_deep_but_legal_nesting_is_answered_or_refused(way: Way, caplog):
    async with running_rig() as rig:
        for depth in (200, 400, 800, 950):
            tool = {"name": "t", "input_schema": "deep"}
            if way.path == "/v1/responses":
                tool = {"type": "function", "name": "t", "parameters": "deep"}
            elif way.path == "/v1/chat/completions":
                tool = {"type": "function", "function": {"name": "t", "parameters": "deep"}}
            text = json.dumps(way.body(stream=False, tools=[tool]))
            deep = '{"a":' * depth + "1" + "}" * depth
            body = text.replace('"deep"', deep).encode()
            answer = await send(rig.port, request("POST", way.path, JSON, body=body))
            assert answer.status != 500, (depth, answer.body)
    assert "unexpected error" not in caplog.text
