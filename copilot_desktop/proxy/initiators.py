"""Whether a person or an agent has started a call: what a client tells of it by itself.

Else the conversation tells (`upstream.md` §4.4), and in that the task that an agent gives to a
subagent looks as a person's does. These clients mark all that their subagents send.
"""

from __future__ import annotations

from collections.abc import Mapping

from copilot_desktop.dialects import Initiator

_SUBAGENTS = ("x-claude-code-agent-id", "x-parent-session-id")  # Claude Code's and opencode's
_CODEX = "x-openai-subagent"
_BY_ITSELF = frozenset({"collab_spawn", "compact", "memory_consolidation"})  # not a `review`


def initiator_of(declared: str, headers: Mapping[str, str], spoken: Initiator) -> Initiator:
    """`declared` is the client's own word, `spoken` what the conversation tells."""
    match declared.lower():
        case "user":
            return "user"
        case "agent":
            return "agent"
    if spoken == "user" and (
        any(name in headers for name in _SUBAGENTS) or headers.get(_CODEX) in _BY_ITSELF
    ):
        return "agent"
    return spoken
