"""Tool calls and their results, brought back together.

Every upstream endpoint refuses a history in which a call has no result in the next turn or a result
has no call before it; one such history poisons a session for good (`translation.md` §2.3). Results
lead the user turn on every route, because chat wants tool messages right after the call and
Messages wants them first. Each call has an id of its own by now (`spelling.CallIds`).
"""

from __future__ import annotations

import json
from itertools import islice

from copilot_desktop.canonical import Block, Message, Text, ToolResult, ToolUse
from copilot_desktop.spelling import NO_RESULT


def with_blocks(message: Message, blocks: tuple[Block, ...]) -> Message:
    """`message` with `blocks`: itself if these are its own ones."""
    return message if blocks == message.blocks else Message(message.role, blocks)


def paired(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The history with each call answered exactly once, directly after it: `messages` itself if it
    is so already."""
    turns: list[Message] = []
    between: list[Message] = []
    calls: list[ToolUse] = []
    for place, message in enumerate(messages):
        role = message.role
        if role == "system" and calls:
            between.append(message)
            continue
        if role == "user":
            turns.append(_answered(message, calls))
            calls = []
        else:
            if calls:
                turns.append(_answered(Message("user", ()), calls))
            if role == "assistant":
                message, calls = _usable(message, messages, place)
            if message.blocks:
                turns.append(message)
        if between:
            turns += between
            between = []
    if calls:
        turns.append(_answered(Message("user", ()), calls))
    found = tuple([turn for turn in turns + between if turn.blocks])
    return messages if found == messages else found


def _results_after(messages: tuple[Message, ...], place: int) -> set[str]:
    """The ids answered in the next user turn."""
    for message in islice(messages, place + 1, None):
        if message.role == "user":
            return {b.tool_use_id for b in message.blocks if isinstance(b, ToolResult)}
        if message.role == "assistant":
            break
    return set()


def _usable(
    message: Message, messages: tuple[Message, ...], place: int
) -> tuple[Message, list[ToolUse]]:
    """The assistant's turn at `place`, and its calls; one that is half-written and that nobody
    answered goes."""
    calls: list[ToolUse] = [block for block in message.blocks if isinstance(block, ToolUse)]
    if not calls:
        return message, calls
    results = _results_after(messages, place)
    kept = [call for call in calls if call.id in results or _whole(call.arguments.strip() or "{}")]
    if len(kept) == len(calls):
        return message, calls
    ids = {call.id for call in kept}
    blocks = [b for b in message.blocks if not isinstance(b, ToolUse) or b.id in ids]
    return Message(message.role, tuple(blocks)), kept


def _whole(arguments: str) -> bool:
    try:
        return isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        return False


def _answered(message: Message, calls: list[ToolUse]) -> Message:
    """Results first, in the order of the calls' answers; orphans become words."""
    if not calls and ToolResult not in map(type, message.blocks):
        return message
    wanted = {call.id for call in calls}
    answers: dict[str, ToolResult] = {}
    rest: list[Block] = []
    for block in message.blocks:
        if not isinstance(block, ToolResult):
            rest.append(block)
            continue
        if block.tool_use_id in wanted:
            answers[block.tool_use_id] = block  # of several the last one counts
        elif words := _words(block):
            rest.append(Text(f"[Result of an earlier tool call {block.tool_use_id}]\n{words}"))
    for call in calls:
        if call.id not in answers:
            answers[call.id] = ToolResult(call.id, (Text(NO_RESULT),), is_error=True)
    return with_blocks(message, (*answers.values(), *rest))


def _words(result: ToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, Text)).strip()
