"""Who has started a call, where the client says it."""

from __future__ import annotations

from typing import Any

import pytest
from proxy.scripted import post
from proxy.talking import talking
from rig import Rig, running_rig

SAID = [{"role": "user", "content": "hello"}]
TALKS: dict[str, dict[str, Any]] = {
    "/v1/messages": {"model": "claude-sonnet-5", "max_tokens": 50, "messages": SAID},
    "/v1/chat/completions": {"model": "gpt-4.1", "messages": SAID},
    "/v1/responses": {"model": "gpt-5.3-codex", "input": SAID},
}
ENDPOINTS = {"/v1/messages", "/chat/completions", "/responses"}
# As Claude Code 2.1.329, opencode 1.18.33 and Codex 0.169.0 send them.
OF_CLAUDE_CODE = {"x-claude-code-agent-id": "ac46de65d7ebb3472"}
OF_OPENCODE = {"x-parent-session-id": "ses_dfb881c5bffe"}
OF_CODEX = {"x-openai-subagent": "collab_spawn"}


async def told(rig: Rig, path: str, headers: dict[str, str]) -> str:
    status, body, _ = await post(rig, path, TALKS[path], headers=headers)
    assert status == 200, body
    sent = [call for call in rig.fake.ledger if call.path in ENDPOINTS]
    return str(sent[-1].headers["X-Initiator"])


@pytest.mark.parametrize("path", TALKS)
async def test_the_task_of_a_subagent_is_the_agents(path: str) -> None:
    async with running_rig() as rig:
        for headers in (OF_CLAUDE_CODE, OF_OPENCODE, OF_CODEX):
            assert await told(rig, path, headers) == "agent"
            assert rig.traffic.recent[0].initiator == "agent"
        assert await told(rig, path, {}) == "user"


async def test_a_socket_of_a_subagent_is_the_agents() -> None:
    async with running_rig() as rig, talking(rig, headers=OF_CODEX) as talk:
        await talk.say("hello")
        await talk.say("hello", initiator="user")
        sent = [call for call in rig.fake.ledger if call.path == "/responses" and call.body]
    assert [call.headers["X-Initiator"] for call in sent] == ["agent", "user"]


async def test_a_person_may_ask_for_what_has_a_conversation_of_its_own() -> None:
    """Codex's review is begun by its user, and nothing else is sent for it."""
    async with running_rig() as rig:
        review = {"x-openai-subagent": "review", "x-codex-parent-thread-id": "01a20477"}
        assert await told(rig, "/v1/responses", review) == "user"
        main = {"x-claude-code-session-id": "e319d374", "x-session-id": "ses_dfb881c5bffe"}
        assert await told(rig, "/v1/messages", main) == "user"


async def test_the_clients_own_word_comes_first() -> None:
    async with running_rig() as rig:
        by_hand = {**OF_OPENCODE, "x-initiator": "user"}
        assert await told(rig, "/v1/chat/completions", by_hand) == "user"
        assert await told(rig, "/v1/chat/completions", {"x-initiator": "agent"}) == "agent"
        assert await told(rig, "/v1/chat/completions", {"x-initiator": "nobody"}) == "user"
