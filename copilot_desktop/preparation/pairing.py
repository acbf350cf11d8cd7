"""Tool calls and their results, brought back together.

Every upstream endpoint refuses a history in which a call has no result in the next turn or a result
has no call before it; one such history poisons a session for good (`translation.md` §2.3). Results
lead the user turn on every route, because chat wants tool messages right after the call and
Messages wants them first.
"""

from __future__ import annotations

import json
from dataclasses import replace

from copilot_desktop.canonical import Block, Message, Text, ToolResult, ToolUse
from copilot_desktop.spelling import NO_RESULT


def paired(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The history with each call answered exactly once, directly after it."""
    turns: list[Message] = []
    between: list[Message] = []
    calls: list[ToolUse] = []
    for place, message in enumerate(messages):
        if message.role == "system" and calls:
            between.append(message)
            continue
        if message.role == "user":
            turns.append(_answered(message, calls))
        else:
            if calls:
                turns.append(_answered(Message("user", ()), calls))
            if message.role == "assistant":
                message = _distinct(message, results=_results_after(messages, place))
            if message.blocks:
                turns.append(message)
        turns += between
        between = []
        calls = [block for block in message.blocks if isinstance(block, ToolUse)]
        if message.role != "assistant":
            calls = []
    if calls:
        turns.append(_answered(Message("user", ()), calls))
    return tuple(turn for turn in turns + between if turn.blocks)


def _results_after(messages: tuple[Message, ...], place: int) -> set[str]:
    """The ids answered in the next user turn."""
    for message in messages[place + 1 :]:
        if message.role == "user":
            return {b.tool_use_id for b in message.blocks if isinstance(b, ToolResult)}
        if message.role == "assistant":
            break
    return set()


def _distinct(message: Message, results: set[str]) -> Message:
    """Second calls of one id get a suffix; a half-written call that nobody answered goes."""
    seen: dict[str, int] = {}
    blocks: list[Block] = []
    for block in message.blocks:
        if isinstance(block, ToolUse):
            if block.id not in results and block.arguments.strip() and not _whole(block.arguments):
                continue
            seen[block.id] = count = seen.get(block.id, 0) + 1
            if count > 1:
                block = replace(block, id=f"{block.id}_{count}")
        blocks.append(block)
    return replace(message, blocks=tuple(blocks))


def _whole(arguments: str) -> bool:
    try:
        return isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        return False


def _answered(message: Message, calls: list[ToolUse]) -> Message:
    """Results first, in the order of the calls' answers; orphans become words."""
    wanted = {call.id for call in calls}
    answers: dict[str, ToolResult] = {}
    rest: list[Block] = []
    for block in message.blocks:
        if not isinstance(block, ToolResult):
            rest.append(block)
            continue
        identifier = _open_twin(block.tool_use_id, wanted, answers)
        if identifier in wanted:
            answers[identifier] = replace(block, tool_use_id=identifier)
        elif words := _words(block):
            rest.append(Text(f"[Result of an earlier tool call {block.tool_use_id}]\n{words}"))
    for call in calls:
        if call.id not in answers:
            answers[call.id] = ToolResult(call.id, (Text(NO_RESULT),), is_error=True)
    return replace(message, blocks=(*answers.values(), *rest))


def _open_twin(identifier: str, wanted: set[str], answers: dict[str, ToolResult]) -> str:
    """The second result of a repeated id belongs to the second call of that id, if there is one."""
    number = 2
    twin = identifier
    while twin in answers and f"{identifier}_{number}" in wanted:
        twin = f"{identifier}_{number}"
        number += 1
    return twin


def _words(result: ToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, Text)).strip()
