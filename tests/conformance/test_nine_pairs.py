"""Every client dialect over every endpoint of Copilot, judged by the official SDKs."""

from __future__ import annotations

import pytest
from conformance.speakers import MODELS, SPEAKERS, TOOL
from rig import running_rig

PAIRS = [(speaker, endpoint) for speaker in SPEAKERS for endpoint in MODELS]
IDS = [
    f"{speaker.name}-over-{endpoint.strip('/').replace('/', '_')}" for speaker, endpoint in PAIRS
]
STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])

pytestmark = pytest.mark.parametrize(("speaker", "endpoint"), PAIRS, ids=IDS)


@STREAM
async def test_text_arrives_whole_with_usage_and_the_model_that_was_asked_for(
    speaker, endpoint, stream
):
    model = MODELS[endpoint]
    async with running_rig() as rig:
        client = speaker(rig.url)
        heard = await client.ask(
            model, [client.user("Grüße 👋")], stream=stream, system="Be brief."
        )
        await client.close()
        received = rig.fake.ledger.to(endpoint)[-1]
    assert "Grüße 👋" in heard.text
    assert heard.model == model
    assert heard.stop in {"stop", "completed", "end_turn"}
    assert heard.input_tokens > 0
    assert heard.output_tokens > 0
    if stream:
        assert heard.deltas > 1, "the text came in one piece"
    assert received.headers["X-Initiator"] == "user"
    assert "Be brief." in received.raw.decode()


@STREAM
async def test_a_task_with_two_tool_calls_is_finished(speaker, endpoint, stream):
    model = MODELS[endpoint]
    async with running_rig() as rig:
        client = speaker(rig.url)
        turns = [client.user("demo: write a.txt Alpha\ndemo: write b.txt Beta")]
        made = []
        for _ in range(4):
            heard = await client.ask(model, turns, stream=stream, tools=True)
            if not heard.calls:
                break
            made += [(name, arguments) for _, name, arguments in heard.calls]
            assert heard.stop in {"tool_calls", "completed", "tool_use"}
            turns += client.answered(heard, "written")
        await client.close()
        initiators = [each.headers["X-Initiator"] for each in rig.fake.ledger.to(endpoint)]
    assert made == [
        (TOOL, {"file_path": "a.txt", "content": "Alpha"}),
        (TOOL, {"file_path": "b.txt", "content": "Beta"}),
    ]
    assert heard.text, "no final answer"
    assert heard.stop in {"stop", "completed", "end_turn"}
    assert initiators[0] == "user"
    assert set(initiators[1:]) == {"agent"}, "tool rounds are the machine's own"


@STREAM
async def test_an_image_is_seen(speaker, endpoint, stream):
    async with running_rig() as rig:
        client = speaker(rig.url)
        turns = [client.user("What is this?", image=True)]
        heard = await client.ask(MODELS[endpoint], turns, stream=stream)
        await client.close()
        received = rig.fake.ledger.to(endpoint)[-1]
    assert "1 image" in heard.text
    assert received.headers["Copilot-Vision-Request"] == "true"
