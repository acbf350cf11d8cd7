"""Each real client finishes a task of two tool calls, on a model behind each of the endpoints.

The demo's model follows the `demo:` lines of the task with whatever tools the client offers; the
fake refuses what Copilot refuses. The last words hold what the second tool printed, which is
nowhere in the task: they can only come from a result that made the way back.
"""

from __future__ import annotations

import pytest

from tests.clients.desk import LOCAL_KEY, Desk
from tests.clients.drivers import Agent, ClaudeCode, Codex, Framework, OpenCode

TASK = """Please do this:
demo: write hello.txt Hello from the demo
demo: run tr a-z A-Z < hello.txt
Then tell me what was printed."""
WRITTEN, PRINTED = "Hello from the demo", "HELLO FROM THE DEMO"
MODELS = {
    "claude-sonnet-5": "/v1/messages",
    "gpt-5.3-codex": "/responses",
    "gemini-3.1-pro-preview": "/chat/completions",
}
AGENTS = (
    ClaudeCode(),
    Codex(),
    OpenCode("chat"),
    OpenCode("messages"),
    Framework("chat"),
    Framework("responses"),
)


# Ours, and of the client's only what Anthropic's protocol itself needs.
HEADERS = {
    "accept", "accept-encoding", "authorization", "content-length", "content-type", "host",
    "copilot-integration-id", "editor-plugin-version", "editor-version", "openai-intent",
    "user-agent", "x-github-api-version", "x-initiator", "x-request-id",
    "anthropic-beta", "anthropic-version",
}  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
async def test_a_task_of_two_tools(desk: Desk, agent: Agent, model: str) -> None:
    words, ended = await agent.do(desk, model, TASK)

    assert ended.code == 0, ended
    assert (desk.work / "hello.txt").read_text().strip() == WRITTEN
    assert PRINTED in words, ended
    assert {call.path for call in desk.calls} == {MODELS[model]}
    assert {call.body["model"] for call in desk.calls} == {model}
    assert {call.status for call in desk.calls} == {200}
    # One prompt of the user, billed once: the rest are the agent's own rounds.
    assert [call.headers["X-Initiator"] for call in desk.rounds] == ["user", "agent", "agent"]
    for call in desk.calls:
        assert {name.lower() for name in call.headers} <= HEADERS
        assert call.headers["User-Agent"].startswith("GitHubCopilotChat/")
    for received in desk.fake.ledger:
        assert LOCAL_KEY not in str(received.headers)
        assert LOCAL_KEY.encode() not in received.raw
