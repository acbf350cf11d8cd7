"""Codex and GitHub's own CLI over a WebSocket: the same tasks, on models that Copilot offers that
way and on models that know nothing of it."""

from __future__ import annotations

import pytest

from copilot_desktop.demo import Cut
from copilot_desktop.demo.sockets import METHOD, SOCKET
from tests.clients.desk import Desk
from tests.clients.drivers import Agent, Codex, CopilotCli
from tests.clients.test_two_tools import PRINTED, TASK, WRITTEN

CODEX = Codex(websockets=True)
MODELS = {
    "gpt-5.3-codex": METHOD,
    "claude-sonnet-5": "POST",
    "gemini-3.1-pro-preview": "POST",
    "gpt-4.1": "POST",
}


def assert_done(desk: Desk, words: str, err: str) -> None:
    assert (desk.work / "hello.txt").read_text().strip() == WRITTEN
    assert PRINTED in words
    # It would go on over HTTP, after a while, without a word to its user.
    assert "failed to connect to websocket" not in err.lower(), err


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("agent", [CODEX, CopilotCli()], ids=lambda agent: agent.name)
async def test_a_task_of_two_tools(desk: Desk, agent: Agent, model: str) -> None:
    words, ended = await agent.do(desk, model, TASK)

    assert ended.code == 0, ended
    assert_done(desk, words, ended.err)
    assert {call.method for call in desk.calls} == {MODELS[model]}
    assert {call.status for call in desk.calls} == {200}
    assert [call.headers["X-Initiator"] for call in desk.rounds] == ["user", "agent", "agent"]


async def test_what_was_said_is_not_sent_again(desk: Desk) -> None:
    await CODEX.do(desk, "gpt-5.3-codex", TASK)
    first, second, third = desk.rounds
    assert "previous_response_id" not in first.body
    assert [item["type"] for item in second.body["input"]] == ["function_call_output"]
    assert [item["type"] for item in third.body["input"]] == ["function_call_output"]
    handshakes = [call for call in desk.fake.ledger if call.method == "GET"
                  and call.path == "/responses"]  # fmt: skip
    assert len(handshakes) == 1


@pytest.mark.parametrize("model", ["gpt-5.3-codex", "claude-sonnet-5"])
async def test_a_lost_connection_is_no_lost_task(desk: Desk, model: str) -> None:
    for path in (SOCKET, "/v1/messages"):  # only one of them is called
        desk.fake.add_fault(Cut(path, nth=2, after_frames=2))
    words, ended = await CODEX.do(desk, model, TASK)
    assert ended.code == 0, ended
    assert_done(desk, words, ended.err)
    assert sum(not call.done for call in desk.calls) == 1, "nothing was cut"
