"""OpenAI's own SDK as the referee of what the writer and the pass-through path send."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from copilot_desktop import errors
from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockStart,
    Reply,
    StopReason,
    Text,
    Thinking,
    ToolUse,
    Usage,
)
from copilot_desktop.sse import FrameDecoder
from copilot_desktop.upstream.quirks.responses import ResponsesQuirks

from .responses_samples import DIALECT, EXAMPLES, HELLO, written

REPLY = Reply(
    "",
    (
        Thinking("Look first."),
        Text("Looking ✓"),
        ToolUse("call_1", "read", '{"p":"a.txt"}'),
        ToolUse("call_2", "ls", ""),
    ),
    StopReason.TOOL_USE,
    Usage(40, 21, cache_read=80, reasoning=7),
)


@asynccontextmanager
async def sdk(
    data: bytes, status: int = 200, kind: str = "text/event-stream", size: int = 4096
) -> AsyncIterator[openai.AsyncOpenAI]:
    """The SDK, and a server on this machine that answers `data` in pieces of `size` bytes."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(status=status, headers={"content-type": kind})
        await response.prepare(request)
        for start in range(0, len(data), size):
            await response.write(data[start : start + size])
        await response.write_eof()
        return response

    app = web.Application()
    app.router.add_post("/v1/responses", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        url = str(server.make_url("/v1"))
        async with openai.AsyncOpenAI(
            api_key="x", base_url=url, max_retries=0, timeout=60
        ) as client:
            yield client


async def helped(data: bytes, size: int = 4096):
    """What the SDK's accumulating helper makes of a stream."""
    async with (
        sdk(data, size=size) as client,
        client.responses.stream(model="m", input="x") as stream,
    ):
        return await stream.get_final_response()


async def raw(data: bytes, size: int = 4096):
    async with sdk(data, size=size) as client:
        stream = await client.responses.create(model="m", input="x", stream=True)
        return [event async for event in stream]


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_the_helper_accumulates_the_writers_stream(size):
    response = await helped(written(REPLY), size)
    thought, message, read, ls = response.output
    assert thought.summary[0].text == "Look first."
    assert message.content[0].text == response.output_text == "Looking ✓"
    assert (read.call_id, read.name, read.arguments) == ("call_1", "read", '{"p":"a.txt"}')
    assert ls.arguments == "{}"
    assert response.usage.input_tokens == 120
    assert response.usage.input_tokens_details.cached_tokens == 80
    assert response.usage.output_tokens_details.reasoning_tokens == 7


async def test_the_unstreamed_answer_is_typed():
    body = json.dumps(DIALECT.render_reply(REPLY, HELLO)).encode()
    async with sdk(body, kind="application/json") as client:
        response = await client.responses.create(model="m", input="x")
    assert response.output_text == "Looking ✓"
    assert response.status == "completed"


async def test_an_incomplete_answer_says_why():
    reply = Reply("", (Text("Once"),), StopReason.LENGTH)
    last = (await raw(written(reply)))[-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize("begun", [True, False])
async def test_a_failure_is_raised_not_swallowed(begun):
    writer = DIALECT.writer(HELLO)
    data = b""
    if begun:
        data += writer.feed(Begin()) + writer.feed(BlockStart(0, Text("")))
        data += writer.feed(BlockDelta(0, "Half a sen"))
    data += writer.fail(errors.CutShort())
    with pytest.raises(openai.APIError, match="answer was complete"):
        await raw(data)


@pytest.mark.parametrize("failure", [errors.UpstreamFault("no"), errors.RateLimited("wait")])
async def test_a_fault_on_the_pass_through_path_is_raised(failure):
    with pytest.raises(openai.APIError):
        await raw(DIALECT.fault(failure))


async def test_error_bodies_become_the_right_class():
    for problem, kind in (
        (errors.InvalidRequest("bad"), openai.BadRequestError),
        (errors.NotSignedIn(), openai.AuthenticationError),
        (errors.Blocked(), openai.PermissionDeniedError),
        (errors.UnknownModel(), openai.NotFoundError),
        (errors.RateLimited(), openai.RateLimitError),
        (errors.CutShort(), openai.InternalServerError),
    ):
        body = json.dumps(DIALECT.render_problem(problem)).encode()
        status = DIALECT.problem_status(problem)
        async with sdk(body, status, "application/json") as client:
            with pytest.raises(kind):
                await client.responses.create(model="m", input="x")


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_the_helper_accumulates_copilots_own_stream_once_it_is_mended(size):
    data = (EXAMPLES / "31-responses-stream-churning-ids.sse").read_bytes()
    with pytest.raises(Exception, match="identity"):
        await helped(data)  # the reason for all the mending
    stream, decoder = ResponsesQuirks().stream({}, "my-model"), FrameDecoder()
    mended = b"".join(stream.feed(frame) for frame in decoder.feed(data))
    response = await helped(mended, size)
    thought, message, call = response.output
    assert thought.summary[0].text == "Checking the weather tool."
    assert message.content[0].text == "Let me check."
    assert (call.call_id, call.arguments) == ("call_Zx9", '{"city":"Oslo"}')
    assert response.model == "my-model"
