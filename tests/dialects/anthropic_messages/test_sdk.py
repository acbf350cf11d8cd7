"""Anthropic's own SDK is the referee of what the writer writes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anthropic
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from copilot_desktop.canonical import (
    Message,
    Reply,
    Request,
    StopReason,
    Text,
    Thinking,
    ToolUse,
    Usage,
    unfold,
)
from copilot_desktop.dialects.anthropic_messages import AnthropicMessages
from copilot_desktop.errors import CutShort, InputTooLarge

REQUEST = Request("claude-sonnet-x", (Message("user", (Text("hi"),)),), stream=True)
REPLY = Reply(
    "",
    (
        Thinking("hm", "gc1.x"),
        Text("Grüße ✓ \u2028"),
        ToolUse("call_1", "read", '{"p":"a.txt"}'),
        ToolUse("call_2", "ls", ""),
    ),
    StopReason.TOOL_USE,
    Usage(input=40, output=21, cache_read=80),
)
ASK = {
    "model": "claude-sonnet-x",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hi"}],
}


@pytest.fixture
async def client() -> AsyncIterator[anthropic.AsyncAnthropic]:
    """A server that says REPLY, breaks off when asked for `cut`, and finds `long` too long."""
    dialect = AnthropicMessages()

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        if body["model"] == "long":
            problem = InputTooLarge(fields={"tokens": "9", "limit": "8"})
            status = dialect.problem_status(problem)
            return web.json_response(dialect.render_problem(problem), status=status)
        if not body.get("stream"):
            return web.json_response(dialect.render_reply(REPLY, REQUEST))
        writer = dialect.writer(REQUEST)
        parts = [writer.ping() + writer.feed(event) for event in unfold(REPLY)]
        if body["model"] == "cut":
            parts = [*parts[:6], writer.fail(CutShort())]
        headers = {"Content-Type": writer.content_type}
        return web.Response(body=b"".join(parts), headers=headers)

    app = web.Application()
    app.router.add_post("/v1/messages", answer)
    async with (
        TestServer(app) as server,
        anthropic.AsyncAnthropic(
            api_key="x", base_url=str(server.make_url("/")), max_retries=0, timeout=60
        ) as sdk,
    ):
        yield sdk


async def test_the_helper_gathers_the_whole_message(client: anthropic.AsyncAnthropic) -> None:
    async with client.messages.stream(**ASK) as stream:
        message = await stream.get_final_message()
    thought, text, read, ls = message.content
    assert (thought.type, text.type, read.type, ls.type) == (
        "thinking", "text", "tool_use", "tool_use")  # fmt: skip
    assert thought.thinking == "hm"
    assert thought.signature == "gc1.x"
    assert text.text == "Grüße ✓ \u2028"
    assert (read.name, read.input) == ("read", {"p": "a.txt"})
    assert (ls.id, ls.input) == ("call_2", {})
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (40, 21)
    assert message.usage.cache_read_input_tokens == 80


async def test_streamed_and_unstreamed_are_the_same(client: anthropic.AsyncAnthropic) -> None:
    whole = await client.messages.create(**ASK)
    async with client.messages.stream(**ASK) as stream:
        gathered = await stream.get_final_message()
    told = {"id", "parsed_output"}
    assert [block.to_dict() for block in whole.content] == [
        {key: value for key, value in block.to_dict().items() if key not in told - {"id"}}
        for block in gathered.content
    ]
    assert whole.usage == gathered.usage
    assert whole.stop_reason == gathered.stop_reason


async def test_a_broken_answer_raises(client: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.APIStatusError, match="answer was complete"):
        async with client.messages.stream(**{**ASK, "model": "cut"}) as stream:
            await stream.get_final_message()


async def test_an_error_keeps_its_class_and_words(client: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long: 9 tokens > 8"):
        await client.messages.create(**{**ASK, "model": "long"})
