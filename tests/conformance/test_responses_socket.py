"""OpenAI's own client on a WebSocket, on a model that Copilot offers that way and on one of
another vendor: typed events, a conversation by `previous_response_id`, errors it understands."""

from __future__ import annotations

import pytest
from openai import AsyncOpenAI
from rig import Rig, running_rig

pytest.importorskip("websockets")

connects = pytest.mark.skipif(
    not hasattr(AsyncOpenAI(api_key="x").responses, "connect"), reason="this SDK has no sockets"
)
each_model = pytest.mark.parametrize("model", ["gpt-5.3-codex", "claude-sonnet-5", "gpt-4.1"])


def client_of(rig: Rig) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{rig.url}/v1", api_key="any")


async def end_of(connection):
    """The last event of one answer, and the text that came in pieces before it."""
    text = ""
    async for event in connection:
        if event.type == "response.output_text.delta":
            text += event.delta
        if event.type in {"response.completed", "response.failed", "error"}:
            return event, text
    raise AssertionError("the socket ended")


@connects
@each_model
async def test_a_conversation(model):
    async with running_rig() as rig, client_of(rig) as client:
        async with client.responses.connect() as connection:
            last = None
            for word in ("apple", "pear"):
                await connection.response.create(
                    model=model,
                    input=[{"role": "user", "content": f"I say {word}"}],
                    **({"previous_response_id": last} if last else {}),
                )
                event, text = await end_of(connection)
                assert event.type == "response.completed"
                assert event.response.output_text == text
                assert word in text
                assert event.response.usage.output_tokens
                assert event.response.model == model
                last = event.response.id
        assert rig.traffic.recent[0].usage.input > rig.traffic.recent[1].usage.input


@connects
@each_model
async def test_an_error_is_typed_and_the_socket_goes_on(model):
    async with (
        running_rig() as rig,
        client_of(rig) as client,
        client.responses.connect() as connection,
    ):
        await connection.response.create(model="no-such-model", input="hello")
        event, _ = await end_of(connection)
        assert (event.type, event.status) == ("error", 404)
        assert event.error.code == "model_not_found"
        assert event.error.type == "invalid_request_error"
        await connection.response.create(
            model=model, input="hello", previous_response_id="resp_made_up"
        )
        event, _ = await end_of(connection)
        assert event.error.code == "previous_response_not_found"
        await connection.response.create(model=model, input="hello")
        event, _ = await end_of(connection)
        assert event.type == "response.completed"
