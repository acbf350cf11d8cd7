"""Between parse and render: make a conversation that every upstream endpoint accepts.

Canonical in, canonical out. Clients send histories that are legal in their own dialect and refused
by Copilot's: ids with odd characters, tool names of 80 letters, calls without results, pictures for
a model that cannot see. Each repair is one pure function with the rule it implements
(`translation.md` §2, P5–P14). What a repair takes away is declared as a `Loss`.
"""

from __future__ import annotations

from dataclasses import replace

from copilot_desktop.canonical import (
    Block,
    Effort,
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
from copilot_desktop.preparation.pairing import paired
from copilot_desktop.preparation.pictures import visible
from copilot_desktop.schemas import legal_schema
from copilot_desktop.sealing import Seal, unseal
from copilot_desktop.spelling import free_name, legal_id, legal_name, made_id

MAX_TOOLS = 128  # what Copilot's own client keeps to
_SEALS: dict[str, Seal] = {CHAT: "gc1.", RESPONSES: "gr1.", MESSAGES: "gm1."}


def prepared(request: Request, model: Model, endpoint: str) -> Request:
    """`request`, made acceptable for `model` at `endpoint`. Raises InvalidRequest."""
    request = _with_legal_names(request)
    request = _with_legal_ids(request, limit=40 if endpoint == CHAT else 64)
    messages = paired(_merged(_without_empty_text(request.messages)))
    messages = _merged(_without_bare_thoughts(messages, model, endpoint))
    if not any(message.role == "user" for message in messages):
        raise InvalidRequest("messages: at least one non-empty message is required")
    request = replace(request, messages=visible(messages, model))
    return _with_legal_limits(_with_legal_sampling(request, model), model)


# ------------------------------------------------------------------------------------ messages


def _without_empty_text(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """P6: Copilot refuses empty text blocks. A message with nothing left goes."""
    kept = []
    for message in messages:
        blocks = tuple(
            block for block in message.blocks if not isinstance(block, Text) or block.text.strip()
        )
        if blocks:
            kept.append(replace(message, blocks=blocks))
        elif message.role == "user" and len(messages) == len(message.blocks) == 1:
            kept.append(message)
    return tuple(kept)


def _merged(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """P5: neighbours of one role become one turn; instructions stay apart."""
    turns: list[Message] = []
    for message in messages:
        if turns and turns[-1].role == message.role != "system":
            turns[-1] = replace(turns[-1], blocks=turns[-1].blocks + message.blocks)
        else:
            turns.append(message)
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


def _with_legal_ids(request: Request, limit: int) -> Request:
    """P7. Calls without an id get one, and the results that follow find it by their order."""
    messages: list[Message] = []
    nameless: list[str] = []
    for place, message in enumerate(request.messages):
        blocks: list[Block] = []
        if message.role == "assistant":
            nameless = []
        for number, block in enumerate(message.blocks):
            match block:
                case ToolUse(id=""):
                    made = made_id(f"{place}.{number}", block.name, block.arguments)
                    nameless.append(made)
                    blocks.append(replace(block, id=made))
                case ToolUse():
                    blocks.append(replace(block, id=legal_id(block.id, limit)))
                case ToolResult(tool_use_id=""):
                    made = nameless.pop(0) if nameless else made_id(f"{place}.{number}", "", "")
                    blocks.append(replace(block, tool_use_id=made))
                case ToolResult():
                    legal = legal_id(block.tool_use_id, limit)
                    blocks.append(replace(block, tool_use_id=legal))
                case _:
                    blocks.append(block)
        messages.append(replace(message, blocks=tuple(blocks)))
    return replace(request, messages=tuple(messages))


def _with_legal_names(request: Request) -> Request:
    """P8: tools, history and choice speak of a tool by one legal name; `original` remembers."""
    names: dict[str, str] = {}
    tools: list[Tool] = []
    losses: list[Loss] = []
    # A name that is legal as it stands is never taken by the new spelling of another one.
    taken = {tool.name for tool in request.tools if legal_name(tool.name) == tool.name}
    for tool in request.tools:
        if tool.name in names:
            losses.append(Loss(f"tools.{tool.name} (declared twice)", marked=True))
            continue
        name = legal_name(tool.name)
        name = name if name == tool.name else free_name(name, taken)
        taken.add(name)
        names[tool.name] = name
        original = tool.original or (tool.name if name != tool.name else "")
        tools.append(replace(tool, name=name, original=original, schema=legal_schema(tool.schema)))
    if len(tools) > MAX_TOOLS:
        raise InvalidRequest(f"tools: {len(tools)} tools were sent, the limit is {MAX_TOOLS}")

    def legal(block: Block) -> Block:
        if isinstance(block, ToolUse):
            return replace(block, name=names.get(block.name) or legal_name(block.name))
        return block

    choice = request.tool_choice
    if choice is not None and choice.name:
        choice = replace(choice, name=names.get(choice.name, choice.name))
    messages = tuple(
        replace(message, blocks=tuple(legal(block) for block in message.blocks))
        for message in request.messages
    )
    return replace(
        request,
        tools=tuple(tools),
        tool_choice=choice,
        messages=messages,
        losses=request.losses + tuple(losses),
    )


# ------------------------------------------------------------------------------------ parameters


def _with_legal_sampling(request: Request, model: Model) -> Request:
    """P13: no sampling parameters beside reasoning; for Claude never both of them."""
    losses: list[Loss] = []
    temperature, top_p = request.temperature, request.top_p
    reasons = request.effort not in {None, Effort.NONE} or bool(request.thinking_budget)
    able = bool(model.efforts) or model.thinking != "none"
    always = model.is_openai and model.max_tokens_key == "max_completion_tokens"
    if model.no_temperature or (reasons and able) or (always and request.effort is not Effort.NONE):
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
    return replace(
        request, temperature=temperature, top_p=top_p, losses=request.losses + tuple(losses)
    )


def _with_legal_limits(request: Request, model: Model) -> Request:
    """P14: not more than the model can write."""
    limit = request.max_tokens
    if limit is None or 1 <= limit <= model.max_output:
        return request
    if limit < 1:
        raise InvalidRequest("max_tokens: must be at least 1")
    loss = Loss("max_tokens", to=str(model.max_output))
    return replace(request, max_tokens=model.max_output, losses=(*request.losses, loss))
