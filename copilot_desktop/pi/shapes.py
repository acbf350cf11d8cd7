"""The JSON shapes of `@mariozechner/pi-ai` (0.73), as types: messages, tools, context, options.

Only names and meanings; nothing here runs. Keys are pi's own, so that a value can go to a program
that speaks pi as it is. Times are milliseconds since 1970, pictures base64, usage tokens.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

PiStopReason = Literal["stop", "length", "toolUse", "error", "aborted"]


class TextContent(TypedDict):
    type: Literal["text"]
    text: str
    textSignature: NotRequired[str]


class ThinkingContent(TypedDict):
    """`thinkingSignature` holds our seal, or, where `redacted`, the opaque reasoning itself."""

    type: Literal["thinking"]
    thinking: str
    thinkingSignature: NotRequired[str]
    redacted: NotRequired[bool]


class ImageContent(TypedDict):
    type: Literal["image"]
    data: str
    mimeType: str


class ToolCall(TypedDict):
    type: Literal["toolCall"]
    id: str
    name: str
    arguments: dict[str, Any]
    thoughtSignature: NotRequired[str]


class Cost(TypedDict):
    """US dollars. Always 0 from us: Copilot does not bill by the token in dollars."""

    input: float
    output: float
    cacheRead: float
    cacheWrite: float
    total: float


class PiUsage(TypedDict):
    """`input` excludes what was read from or written to a cache."""

    input: int
    output: int
    cacheRead: int
    cacheWrite: int
    totalTokens: int
    cost: Cost


class UserMessage(TypedDict):
    role: Literal["user"]
    content: str | list[TextContent | ImageContent]
    timestamp: int


class AssistantMessage(TypedDict):
    role: Literal["assistant"]
    content: list[TextContent | ThinkingContent | ToolCall]
    api: str
    provider: str
    model: str
    responseId: NotRequired[str]
    usage: PiUsage
    stopReason: PiStopReason
    errorMessage: NotRequired[str]
    timestamp: int


class ToolResultMessage(TypedDict):
    role: Literal["toolResult"]
    toolCallId: str
    toolName: str
    content: list[TextContent | ImageContent]
    isError: bool
    timestamp: int


PiMessage = UserMessage | AssistantMessage | ToolResultMessage


class PiTool(TypedDict):
    """`parameters` is JSON Schema; a TypeBox schema is that once it has become JSON."""

    name: str
    description: str
    parameters: dict[str, Any]


class Context(TypedDict):
    systemPrompt: NotRequired[str]
    messages: list[PiMessage]
    tools: NotRequired[list[PiTool]]


class Options(TypedDict, total=False):
    """Those of pi's options that concern the model. Others are noted as left out."""

    temperature: float
    maxTokens: int
    reasoning: Literal["off", "minimal", "low", "medium", "high", "xhigh"]
    thinkingBudgets: dict[str, int]
    toolChoice: str | dict[str, Any]
    metadata: dict[str, Any]
