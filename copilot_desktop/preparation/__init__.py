"""Between parse and render: make a conversation that every upstream endpoint accepts.

Canonical in, canonical out. Clients send histories that are legal in their own dialect and refused
by Copilot's: ids with odd characters, tool names of 80 letters, calls without results, pictures for
a model that cannot see. Each repair is one pure function with the rule it implements
(`translation.md` §2, P5–P14). What a repair takes away is declared as a `Loss`. Nearly all of most
conversations needs none: what is legal is handed on as it is, and nothing is built anew.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace

from copilot_desktop.canonical import (
    Block,
    Effort,
    Image,
    Loss,
    Message,
    Request,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
)
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.model import CHAT, MESSAGES, RESPONSES, Model
from copilot_desktop.preparation.pairing import paired, with_blocks
from copilot_desktop.preparation.pictures import visible
from copilot_desktop.schemas import legal_schema
from copilot_desktop.sealing import Seal, unseal
from copilot_desktop.spelling import CallIds, free_name, legal_arguments, legal_name

MAX_TOOLS = 128  # what Copilot's own client keeps to
_CALLS = frozenset({ToolUse, ToolResult})
_SEALS: dict[str, Seal] = {CHAT: "gc1.", RESPONSES: "gr1.", MESSAGES: "gm1."}


def prepared(request: Request, model: Model, endpoint: str) -> Request:
    """`request`, made acceptable for `model` at `endpoint`: a copy. Raises InvalidRequest."""
    ready = copy(request)
    messages, kinds = request.messages, request.kinds()
    names = _legal_names(ready)
    if calls := not kinds.isdisjoint(_CALLS):
        messages = _with_legal_calls(messages, names, limit=40 if endpoint == CHAT else 64)
    merged = messages = _merged(_without_empty_text(messages))
    if calls:
        messages = paired(messages)
    if Thinking in kinds:
        messages = _without_bare_thoughts(messages, model, endpoint)
    if messages is not merged:  # what is gone may have kept two apart
        messages = _merged(messages)
    if not any(message.role == "user" for message in messages):
        raise InvalidRequest("messages: at least one non-empty message is required")
    ready.messages = visible(messages, model) if Image in kinds else messages
    _limit_sampling(ready, model)
    _limit_length(ready, model)
    return ready


# ------------------------------------------------------------------------------------ messages


def _without_empty_text(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """P6: Copilot refuses empty text blocks. A message with nothing left goes."""
    kept = []
    for message in messages:
        blocks = tuple([block for block in message.blocks if not _is_empty(block)])
        if blocks:
            kept.append(with_blocks(message, blocks))
        elif message.role == "user" and len(messages) == len(message.blocks) == 1:
            kept.append(message)
    return tuple(kept)


def _is_empty(block: Block) -> bool:
    return isinstance(block, Text) and (not block.text or block.text.isspace())


def _merged(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """P5: neighbours of one role become one turn; instructions stay apart."""
    turns: list[Message] = []
    before = ""
    for message in messages:
        role = message.role
        if role == before != "system":
            turns[-1] = Message(role, turns[-1].blocks + message.blocks)
        else:
            turns.append(message)
        before = role
    return tuple(turns)


def _without_bare_thoughts(
    messages: tuple[Message, ...], model: Model, endpoint: str
) -> tuple[Message, ...]:
    """§2.6 (d): a turn goes if all that it holds is reasoning that may not go back."""

    def replayable(block: Block) -> bool:
        if not isinstance(block, Thinking):
            return True
        if endpoint == CHAT:
            return False  # there, reasoning is a field of a message that says something
        if block.redacted:
            return endpoint == MESSAGES
        return unseal(block.signature, _SEALS[endpoint], model.id) is not None

    return tuple(m for m in messages if any(replayable(block) for block in m.blocks))


# ------------------------------------------------------------------------------------ names, ids


def _legal_names(ready: Request) -> dict[str, str]:
    """P8: tools and choice speak of a tool by one legal name; `original` remembers. Also the new
    name by the old one."""
    names: dict[str, str] = {}
    tools: list[Tool] = []
    # A name that is legal as it stands is never taken by the new spelling of another one.
    taken = {tool.name for tool in ready.tools if legal_name(tool.name) == tool.name}
    for tool in ready.tools:
        old = tool.name
        if old in names:
            loss = Loss(f"tools.{old} (declared twice)", marked=True)
            ready.losses = (*ready.losses, loss)
            continue
        names[old] = name = old if old in taken else free_name(legal_name(old), taken)
        taken.add(name)
        tools.append(_legal_tool(tool, name))
    if len(tools) > MAX_TOOLS:
        raise InvalidRequest(f"tools: {len(tools)} tools were sent, the limit is {MAX_TOOLS}")
    ready.tools = tuple(tools)
    choice = ready.tool_choice
    if choice is not None and choice.name:
        ready.tool_choice = replace(choice, name=names.get(choice.name, choice.name))
    return names


def _legal_tool(tool: Tool, name: str) -> Tool:
    schema = legal_schema(tool.schema)
    if name == tool.name and schema is tool.schema:
        return tool
    original = tool.original or (tool.name if name != tool.name else "")
    return replace(tool, name=name, original=original, schema=schema)


def _with_legal_calls(
    messages: tuple[Message, ...], names: dict[str, str], limit: int
) -> tuple[Message, ...]:
    """P7, P8: calls and results by legal ids of at most `limit` characters, calls by the names of
    the tools and with arguments that are JSON."""
    turns: list[Message] = []
    ids, before = CallIds(limit), ""
    for place, message in enumerate(messages):
        if message.role == "assistant" != before:
            ids.next_turn()
        before = message.role
        blocks: list[Block] = []
        for number, block in enumerate(message.blocks):
            if isinstance(block, ToolUse):
                name = names.get(block.name) or legal_name(block.name)
                identifier = ids.of_call(block.id, f"{place}.{number}", name, block.arguments)
                legal = legal_arguments(block.arguments)
                if identifier != block.id or name != block.name or legal != block.arguments:
                    block = replace(block, id=identifier, name=name, arguments=legal)
            elif isinstance(block, ToolResult):
                identifier = ids.of_result(block.tool_use_id, f"{place}.{number}")
                if identifier != block.tool_use_id:
                    block = replace(block, tool_use_id=identifier)
            blocks.append(block)
        turns.append(with_blocks(message, tuple(blocks)))
    return tuple(turns)


# ------------------------------------------------------------------------------------ parameters


def _limit_sampling(ready: Request, model: Model) -> None:
    """P13: no sampling parameters beside reasoning; for Claude never both of them."""
    temperature, top_p = ready.temperature, ready.top_p
    if temperature is None and top_p is None:
        return
    losses: list[Loss] = []
    reasons = ready.effort not in {None, Effort.NONE} or bool(ready.thinking_budget)
    able = bool(model.efforts) or model.thinking != "none"
    always = model.is_openai and model.max_tokens_key == "max_completion_tokens"
    if model.no_temperature or (reasons and able) or (always and ready.effort is not Effort.NONE):
        losses += [Loss("temperature")] if temperature is not None else []
        losses += [Loss("top_p")] if top_p is not None else []
        temperature = top_p = None
    if model.is_claude and temperature is not None:
        if top_p is not None:
            losses.append(Loss("top_p"))
            top_p = None
        if temperature > 1:
            losses.append(Loss("temperature", to="1"))
            temperature = 1.0
    ready.temperature, ready.top_p = temperature, top_p
    ready.losses += tuple(losses)


def _limit_length(ready: Request, model: Model) -> None:
    """P14: not more than the model can write."""
    limit = ready.max_tokens
    if limit is None or 1 <= limit <= model.max_output:
        return
    if limit < 1:
        raise InvalidRequest("max_tokens: must be at least 1")
    ready.max_tokens = model.max_output
    ready.losses = (*ready.losses, Loss("max_tokens", to=str(model.max_output)))
