"""pi's `Context` and options, read into a canonical `Request`.

Knows pi's shapes and nothing of Copilot. What cannot be understood is refused with the path of the
value; what is understood but cannot be passed on becomes a `Loss`. Like pi itself it leaves out
assistant messages that ended in an error (they are half a turn) and hidden reasoning of other
models.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
    ToolChoice,
    ToolResult,
    ToolUse,
)
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.sealing import is_sealed, seal

_EFFORTS = {"off": Effort.NONE, **{effort.value: effort for effort in Effort}}


def read_context(
    context: Mapping[str, Any], model: str, options: Mapping[str, Any] | None = None
) -> Request:
    """The request that `context` is for `model`. Raises InvalidRequest."""
    if not model:
        raise InvalidRequest("model: a context needs the name of a model")
    losses: list[Loss] = []
    messages = tuple(
        message
        for place, given in enumerate(_list(context, "messages", "context"))
        if (message := _message(given, f"messages.{place}", model, losses)) is not None
    )
    system = _text(context, "systemPrompt", "context") if context.get("systemPrompt") else ""
    return Request(
        model=model,
        messages=messages,
        system=(Text(system),) if system else (),
        tools=tuple(
            _tool(given, f"tools.{place}")
            for place, given in enumerate(_list(context, "tools", "context", absent=True))
        ),
        losses=tuple(losses) + _unknown(options or {}),
        stream=True,
        **_options(options or {}),
    )


# ------------------------------------------------------------------------------------ messages


def _message(given: Any, where: str, model: str, losses: list[Loss]) -> Message | None:
    message = _mapping(given, where)
    match message.get("role"):
        case "user":
            return Message("user", _said(message, where))
        case "assistant":
            if message.get("stopReason") in {"error", "aborted"}:
                return None
            content = enumerate(_list(message, "content", where))
            turn = _Turn(message, model, losses)
            blocks = (turn.block(given, f"{where}.content.{place}") for place, given in content)
            return Message("assistant", tuple(block for block in blocks if block is not None))
        case "toolResult":
            return Message("user", (_result(message, where),))
    raise InvalidRequest(f"{where}.role: must be user, assistant or toolResult")


def _said(message: Mapping[str, Any], where: str) -> tuple[Text | Image, ...]:
    if isinstance(content := message.get("content"), str):
        return (Text(content),)
    found: list[Text | Image] = []
    for place, value in enumerate(_list(message, "content", where)):
        at = f"{where}.content.{place}"
        part = _mapping(value, at)
        match part.get("type"):
            case "text":
                found.append(Text(_text(part, "text", at)))
            case "image":
                found.append(Image(_text(part, "mimeType", at), _text(part, "data", at)))
            case _:
                raise InvalidRequest(f"{at}.type: must be text or image")
    return tuple(found)


def _result(message: Mapping[str, Any], where: str) -> ToolResult:
    call = _text(message, "toolCallId", where)
    return ToolResult(call, _said(message, where), is_error=message.get("isError") is True)


@dataclass(frozen=True, slots=True)
class _Turn:
    """An assistant message, which tells where its reasoning came from."""

    message: Mapping[str, Any]
    model: str
    losses: list[Loss]

    def block(self, given: Any, where: str) -> Block | None:
        block = _mapping(given, where)
        match block.get("type"):
            case "text":
                return Text(_text(block, "text", where))
            case "thinking":
                return self._thinking(block)
            case "toolCall":
                arguments = _mapping(block.get("arguments") or {}, f"{where}.arguments")
                text = json.dumps(arguments, separators=(",", ":"), ensure_ascii=False)
                return ToolUse(_text(block, "id", where), _text(block, "name", where), text)
        raise InvalidRequest(f"{where}.type: must be text, thinking or toolCall")

    def _thinking(self, block: Mapping[str, Any]) -> Thinking | None:
        text, signature = block.get("thinking"), block.get("thinkingSignature")
        signature = signature if isinstance(signature, str) else ""
        if not block.get("redacted"):
            return Thinking(text if isinstance(text, str) else "", _sealed(signature, self.message))
        if self.message.get("model") == self.model:
            return Thinking("", redacted=signature)
        self.losses.append(Loss("redacted thinking of another model"))
        return None


def _sealed(signature: str, message: Mapping[str, Any]) -> str:
    """Our own seal stays; what pi itself got from Copilot is sealed; anything else goes."""
    if is_sealed(signature):
        return signature
    model = message.get("model")
    if not signature or message.get("provider") != "github-copilot" or not isinstance(model, str):
        return ""
    match message.get("api"):
        case "anthropic-messages":
            return seal("gm1.", model, s=signature)
        case "openai-responses":
            try:
                item = json.loads(signature)
            except (ValueError, RecursionError):
                return ""
            match item:
                case {"id": str(item_id), "encrypted_content": str(blob)} if item_id and blob:
                    return seal("gr1.", model, i=item_id, e=blob)
    return ""


def _tool(given: Any, where: str) -> Tool:
    tool = _mapping(given, where)
    description = tool.get("description")
    return Tool(
        _text(tool, "name", where),
        description if isinstance(description, str) else "",
        dict(_mapping(tool.get("parameters") or {}, f"{where}.parameters")),
    )


# ------------------------------------------------------------------------------------- options


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"tool_choice": _choice(options.get("toolChoice"))}
    temperature, limit = options.get("temperature"), options.get("maxTokens")
    if temperature is not None:
        if not isinstance(temperature, int | float) or isinstance(temperature, bool):
            raise InvalidRequest("options.temperature: must be a number")
        found["temperature"] = float(temperature)
    if limit is not None:
        found["max_tokens"] = _whole(limit, "options.maxTokens")
    if (level := options.get("reasoning")) is not None:
        if not isinstance(level, str) or level not in _EFFORTS:
            raise InvalidRequest(f"options.reasoning: must be one of {', '.join(_EFFORTS)}")
        found["effort"] = _EFFORTS[level]
        budgets = _mapping(options.get("thinkingBudgets") or {}, "options.thinkingBudgets")
        if (budget := budgets.get(level)) is not None:
            found["thinking_budget"] = _whole(budget, f"options.thinkingBudgets.{level}")
    user = _mapping(options.get("metadata") or {}, "options.metadata").get("user_id")
    return {**found, "user": user} if isinstance(user, str) else found


def _choice(given: Any) -> ToolChoice | None:
    """pi passes on what the endpoint at hand knows, so OpenAI's and Anthropic's words are taken."""
    match given:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(given)
        case "any":
            return ToolChoice("required")
        case {"function": {"name": str(name)}} | {"name": str(name)}:
            return ToolChoice("tool", name)
        case {"type": str(word)}:
            return _choice(word)
    raise InvalidRequest("options.toolChoice: must be auto, none, required or name a tool")


def _unknown(options: Mapping[str, Any]) -> tuple[Loss, ...]:
    """pi's options for its own transport have no meaning here."""
    known = ("temperature", "maxTokens", "reasoning", "thinkingBudgets", "toolChoice", "metadata")
    return tuple(Loss(f"options.{key}") for key in options if key not in known)


# -------------------------------------------------------------------------------------- shapes


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"{where}: must be an object")
    return value


def _list(
    holder: Mapping[str, Any], key: str, where: str, *, absent: bool = False
) -> list[Any] | tuple[Any, ...]:
    value = holder.get(key)
    if value is None and absent:
        return []
    if not isinstance(value, list | tuple):
        raise InvalidRequest(f"{where}.{key}: must be an array")
    return value


def _text(holder: Mapping[str, Any], key: str, where: str) -> str:
    value = holder.get(key)
    if not isinstance(value, str):
        raise InvalidRequest(f"{where}.{key}: must be a string")
    return value


def _whole(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequest(f"{where}: must be a whole number")
    return value
