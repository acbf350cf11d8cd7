"""Between parse and render: make a conversation that every upstream endpoint accepts.

Canonical in, canonical out. Clients send histories that are legal in their own dialect and refused
by Copilot's: ids with odd characters, tool names of 80 letters, calls without results, pictures for
a model that cannot see. Each repair is one pure function with the rule it implements
(`translation.md` §2, P5–P14). What a repair takes away is declared as a `Loss`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace

from copilot_desktop.canonical import (
    Block,
    Document,
    Image,
    Loss,
    Message,
    Request,
    Text,
    Tool,
    ToolResult,
    ToolUse,
)
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.model import CHAT, Model
from copilot_desktop.preparation.pairing import paired
from copilot_desktop.preparation.schemas import legal_schema

MAX_TOOLS = 128  # what Copilot's own client keeps to
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")


def prepared(request: Request, model: Model, endpoint: str) -> Request:
    """`request`, made acceptable for `model` at `endpoint`. Raises InvalidRequest."""
    request = _with_legal_names(request)
    request = _with_legal_ids(request, limit=40 if endpoint == CHAT else 64)
    messages = paired(_merged(_without_empty_text(request.messages)))
    if not any(message.role == "user" for message in messages):
        raise InvalidRequest("messages: at least one non-empty user message is required")
    request = replace(request, messages=_with_visible_images(messages, model))
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
        elif message.role == "user" and len(messages) == 1:
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


def _with_visible_images(messages: tuple[Message, ...], model: Model) -> tuple[Message, ...]:
    """P11: pictures only for models that see, and no more than they take (the newest stay)."""
    if not any(_images(message) for message in messages):
        return messages
    last = max((i for i, message in enumerate(messages) if message.role == "user"), default=-1)
    if not model.vision:
        if any(isinstance(block, Image) for block in messages[last].blocks):
            raise InvalidRequest(f"{model.id} cannot read images. Choose a model with vision.")
        return tuple(
            _blinded(m, f"[image omitted: {model.id} cannot read images]") for m in messages
        )
    if not model.max_images:
        return messages
    room = model.max_images
    kept: list[Message] = []
    for message in reversed(messages):
        count = _images(message)
        if count > room:
            message = _blinded(message, "[image omitted: too many images]", keep=room)
        room = max(0, room - count)
        kept.append(message)
    return tuple(reversed(kept))


def _images(message: Message) -> int:
    return sum(1 if isinstance(block, Image) else _result_images(block) for block in message.blocks)


def _result_images(block: Block) -> int:
    if not isinstance(block, ToolResult):
        return 0
    return sum(isinstance(part, Image) for part in block.content)


def _blinded(message: Message, words: str, keep: int = 0) -> Message:
    """All pictures but the last `keep` become words."""
    surplus = _images(message) - keep

    def blind(part: Text | Image | Document) -> Text | Image | Document:
        nonlocal surplus
        if isinstance(part, Image) and surplus > 0:
            surplus -= 1
            return Text(words)
        return part

    blocks: list[Block] = []
    for block in message.blocks:
        if isinstance(block, ToolResult):
            blocks.append(replace(block, content=tuple(blind(part) for part in block.content)))
        elif isinstance(block, Image):
            blocks.append(blind(block))
        else:
            blocks.append(block)
    return replace(message, blocks=tuple(blocks))


# ------------------------------------------------------------------------------------ names, ids


def legal_id(identifier: str, limit: int) -> str:
    """P7: deterministic, so that a call and its result still meet without any memory."""
    identifier = identifier.split("|", 1)[0] if identifier.startswith("call_") else identifier
    if identifier and len(identifier) <= limit and not _ILLEGAL.search(identifier):
        return identifier
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    stem = _ILLEGAL.sub("_", identifier).rstrip("_")[: limit - 9]
    return f"{stem}_{digest}" if stem else f"call_{digest}"


def legal_name(name: str) -> str:
    """P8: at most 64 letters, digits, `_` and `-`, which is all that Copilot takes."""
    if name and len(name) <= 64 and not _ILLEGAL.search(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_ILLEGAL.sub('_', name)[:55]}_{digest}"


def _with_legal_ids(request: Request, limit: int) -> Request:
    def legal(block: Block) -> Block:
        match block:
            case ToolUse():
                return replace(block, id=legal_id(block.id, limit))
            case ToolResult():
                return replace(block, tool_use_id=legal_id(block.tool_use_id, limit))
        return block

    return _mapped(request, legal)


def _with_legal_names(request: Request) -> Request:
    """Tools, history and choice speak of a tool by one legal name; `original` remembers."""
    names: dict[str, str] = {}
    tools: list[Tool] = []
    losses: list[Loss] = []
    for tool in request.tools:
        if tool.name in names:
            losses.append(Loss(f"tools.{tool.name} (declared twice)"))
            continue
        name = _free_name(legal_name(tool.name), set(names.values()))
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
    request = replace(
        request, tools=tuple(tools), tool_choice=choice, losses=request.losses + tuple(losses)
    )
    return _mapped(request, legal)


def _free_name(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name[:61]}_{number}" in taken:
        number += 1
    return f"{name[:61]}_{number}"


def _mapped(request: Request, change: Callable[[Block], Block]) -> Request:
    messages = tuple(
        replace(message, blocks=tuple(change(block) for block in message.blocks))
        for message in request.messages
    )
    return replace(request, messages=messages)


# ------------------------------------------------------------------------------------ parameters


def _with_legal_sampling(request: Request, model: Model) -> Request:
    """P13: no sampling parameters beside reasoning; for Claude never both of them."""
    losses: list[Loss] = []
    temperature, top_p = request.temperature, request.top_p
    reasons = request.effort not in {None, "none"} or bool(request.thinking_budget)
    always = model.is_openai and model.max_tokens_key == "max_completion_tokens"
    if reasons or (always and request.effort != "none"):
        losses += [Loss("temperature")] if temperature is not None else []
        losses += [Loss("top_p")] if top_p is not None else []
        temperature = top_p = None
    if model.is_claude and temperature is not None:
        if top_p is not None:
            losses.append(Loss("top_p"))
            top_p = None
        if temperature > 1:
            losses.append(Loss("temperature (above 1)"))
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
    loss = Loss(f"max_tokens {limit} (limit {model.max_output})")
    return replace(request, max_tokens=model.max_output, losses=(*request.losses, loss))
