"""Conversations through the proxy: what is left alone, what is refused, what goes another way."""

from __future__ import annotations

import asyncio
import contextlib
import json

import aiohttp
import pytest
from phenomena.routes import WAYS, Way, each_way
from proxy.raw import read_answer, request, send, until
from proxy.scripted import events, pieces, post, scripted_rig
from rig import running_rig

from copilot_desktop.demo import Slow, Status
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.upstream import catalogue

JSON = ("Content-Type", "application/json")


# ------------------------------------------------------------------------------ what is told


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


async def test_a_client_may_say_that_a_call_is_its_own():
    async with running_rig() as rig:
        for said in ("agent", "user"):
            await post(rig, WAYS[0].path, WAYS[0].body(), headers={"X-Initiator": said})
            assert rig.fake.ledger.to(WAYS[0].endpoint)[-1].headers["X-Initiator"] == said


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


async def test_a_refusal_inside_an_answer_is_told_as_it_is():
    """The request is let go of by then; asking elsewhere without it would blame the client."""
    error = {"type": "invalid_request_error", "message": "is not accessible"}
    said = {"type": "error", "error": {**error, "code": "unsupported_api_for_model"}}
    way = Way("/v1/responses", "/v1/messages")
    async with scripted_rig(pieces(events(("error", said)))) as (rig, script):
        for stream in (True, False):
            status, answer, _ = await post(rig, way.path, way.body(stream=stream) | {"model": BOTH})
            assert status == 400
            assert way.error_in(answer.decode())["message"].endswith("is not accessible")
        assert len(script.seen) == 2


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
        error = answer.json()["error"]
        assert error["type"] == "request_too_large"
        assert " 0 MB" not in error["message"]
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
            with contextlib.suppress(ConnectionResetError):  # a byte was on its way to a closed end
                assert b"200" not in (await closed)[:20]


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
