"""The official SDK as referee: its types accept what we write, its accumulator understands it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from aiohttp import web
from hypothesis import given
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from copilot_desktop.canonical import Reply, Request, StopReason, Text, ToolUse, unfold
from copilot_desktop.dialects.openai_chat import OpenAIChat
from copilot_desktop.errors import (
    CutShort,
    NotSignedIn,
    Problem,
    QuotaExhausted,
    RateLimited,
    UnknownModel,
)
from copilot_desktop.sse import FrameDecoder
from tests.laws import strategies

ASKED = Request("m", (), stream=True, echo_usage=True)


def streamed(reply: Reply) -> bytes:
    writer = OpenAIChat().writer(ASKED)
    return b"".join(writer.feed(event) for event in unfold(reply))


@given(strategies.ordered_replies())
def test_the_sdk_sees_the_same_answer_streamed_and_whole(reply: Reply) -> None:
    state = ChatCompletionStreamState()
    for frame in FrameDecoder().feed(streamed(reply)):
        if frame.data != b"[DONE]":
            state.handle_chunk(ChatCompletionChunk.model_validate(frame.json()))
    final = state.current_completion_snapshot.to_dict()
    whole = ChatCompletion.model_validate(OpenAIChat().render_reply(reply, ASKED)).to_dict()
    left: Any = final["choices"]
    right: Any = whole["choices"]
    assert left[0]["finish_reason"] == right[0]["finish_reason"]
    for key in ("role", "reasoning_content"):
        assert left[0]["message"].get(key) == right[0]["message"].get(key)
    assert (left[0]["message"]["content"] or "") == (right[0]["message"]["content"] or "")
    made = [call["function"] for call in right[0]["message"].get("tool_calls") or ()]
    told = [
        {"name": call["function"]["name"], "arguments": call["function"]["arguments"]}
        for call in left[0]["message"].get("tool_calls") or ()
    ]
    assert told == made
    assert final["usage"] == whole["usage"]


@asynccontextmanager
async def served(answer: Callable[[], web.Response]) -> AsyncIterator[openai.AsyncOpenAI]:
    """The SDK, pointed at a server that gives this answer to everything."""

    async def give(_: web.Request) -> web.Response:
        return answer()

    app = web.Application()
    app.router.add_post("/chat/completions", give)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with openai.AsyncOpenAI(
            api_key="x", base_url=f"http://{host}:{port}", max_retries=0, timeout=60
        ) as client:
            yield client
    finally:
        await runner.cleanup()


def sse(raw: bytes) -> Callable[[], web.Response]:
    return lambda: web.Response(body=raw, headers={"Content-Type": "text/event-stream"})


MESSAGES: Any = [{"role": "user", "content": "hi"}]


async def test_the_streaming_helper_gets_text_and_calls() -> None:
    reply = Reply("", (Text("Hm."), ToolUse("c1", "read", '{"p":1}')), StopReason.TOOL_USE)
    async with (
        served(sse(OpenAIChat().writer(ASKED).ping() + streamed(reply))) as client,
        client.chat.completions.stream(model="m", messages=MESSAGES) as stream,
    ):
        final = await stream.get_final_completion()
    message = final.choices[0].message
    assert message.content == "Hm."
    assert message.tool_calls
    assert (message.tool_calls[0].function.name, message.tool_calls[0].id) == ("read", "c1")


async def test_an_error_in_the_stream_is_raised_after_the_text() -> None:
    writer = OpenAIChat().writer(ASKED)
    events = list(unfold(Reply("", (Text("Half"),), StopReason.END)))[:-2]
    raw = b"".join(writer.feed(event) for event in events) + writer.fail(CutShort())
    got: list[str] = []

    async def take(client: openai.AsyncOpenAI) -> None:
        stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        async for chunk in stream:
            got.append(chunk.choices[0].delta.content or "")  # noqa: PERF401  # kept on error

    async with served(sse(raw)) as client:
        with pytest.raises(openai.APIError, match="answer was complete"):
            await take(client)
    assert "".join(got) == "Half"


@pytest.mark.parametrize(
    ("problem", "raised"),
    [
        (NotSignedIn(), openai.AuthenticationError),
        (UnknownModel(fields={"model": "x"}), openai.NotFoundError),
        (RateLimited(retry_after=5), openai.RateLimitError),
        (QuotaExhausted(), openai.APIStatusError),
        (CutShort(), openai.InternalServerError),
    ],
)
async def test_an_error_status_becomes_the_right_exception(
    problem: Problem, raised: type[openai.APIStatusError]
) -> None:
    def answer() -> web.Response:
        status = OpenAIChat().problem_status(problem)
        return web.json_response(OpenAIChat().render_problem(problem), status=status)

    async with served(answer) as client:
        with pytest.raises(raised) as failure:
            await client.chat.completions.create(model="m", messages=MESSAGES)
    assert str(problem) in str(failure.value)
