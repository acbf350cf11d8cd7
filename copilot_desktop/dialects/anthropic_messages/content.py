"""Content blocks and turns: from Anthropic's JSON to canonical messages.

Knows every block that an Anthropic client may send (`translation.md` §2.5, §2.6, §3.2). A block
that cannot be carried to any model through Copilot is refused with a sentence, unless it is history
that the model can do without; then it is a `Loss`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from copilot_desktop.canonical import (
    Block,
    Document,
    Image,
    Loss,
    Message,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from copilot_desktop.dialects.anthropic_messages.shapes import (
    items,
    mapping,
    string,
    string_in,
)
from copilot_desktop.errors import InvalidRequest, NotExpressible
from copilot_desktop.findings import in_words
from copilot_desktop.pictures import PDF, PICTURES, picture_type
from copilot_desktop.sealing import is_sealed, seal
from copilot_desktop.spelling import object_of

Part = Text | Image | Document
_written = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
Read = Callable[[Mapping[str, Any], str], tuple[Block, ...]]


class Turns:
    """Reads the turns of one request; `losses` grows on the way."""

    def __init__(self, model: str, losses: list[Loss]) -> None:
        self._model = model
        self._losses = losses

    def read(self, value: Any, where: str) -> Message:
        """One element of `messages`. Raises InvalidRequest."""
        turn = mapping(value, where)
        content = turn.get("content")
        match turn.get("role"):
            case "system":
                return Message("system", texts(content, f"{where}.content"))
            case "user":
                return Message("user", self._blocks(content, f"{where}.content", self._said))
            case "assistant":
                return Message("assistant", self._blocks(content, f"{where}.content", self._meant))
        raise InvalidRequest(f"{where}.role: must be user, assistant or system")

    def _blocks(self, content: Any, where: str, read: Read) -> tuple[Block, ...]:
        if isinstance(content, str):
            return (Text(content),)
        blocks: list[Block] = []
        for place, value in enumerate(items(content, where)):
            at = f"{where}.{place}"
            block = mapping(value, at)
            found = read(block, at)
            blocks += marked(found) if _is_marked(block) else found
        return tuple(blocks)

    def _said(self, block: Mapping[str, Any], where: str) -> tuple[Block, ...]:
        """A block of a user turn."""
        match block.get("type"):
            case "text":
                return (Text(string_in(block, "text", where)),)
            case "tool_result":
                return (self._result(block, where),)
            case "thinking" | "redacted_thinking":
                return ()  # only a model thinks; here it could only be an injection
        return _parts(block, where)

    def _meant(self, block: Mapping[str, Any], where: str) -> tuple[Block, ...]:
        """A block of an assistant turn."""
        kind = string_in(block, "type", where)
        match kind:
            case "text":
                return (Text(string_in(block, "text", where)),)
            case "thinking":
                return (self._thinking(block),)
            case "redacted_thinking":
                return (Thinking("", redacted=string_in(block, "data", where)),)
            case "tool_use":
                return (_tool_use(block, where),)
            case "image" | "document" | "search_result" | "tool_result":
                raise InvalidRequest(f"{where}: {kind} blocks belong in user messages")
        # What a server tool did, and whatever comes next: the words are kept, the rest goes.
        self._losses.append(Loss(kind))
        found = in_words(block.get("content")) if kind.endswith("_tool_result") else ""
        return (Text(found),) if found else ()

    def _thinking(self, block: Mapping[str, Any]) -> Thinking:
        """Anthropic's own signature is sealed for the model that the client named."""
        text, signature = block.get("thinking"), block.get("signature")
        signature = signature if isinstance(signature, str) else ""
        if signature and not is_sealed(signature):
            signature = seal("gm1.", self._model, s=signature)
        return Thinking(text if isinstance(text, str) else "", signature)

    def _result(self, block: Mapping[str, Any], where: str) -> ToolResult:
        content = block.get("content")
        parts: list[Part] = []
        inner = False
        if isinstance(content, str):
            parts += [Text(content)] if content else []
        elif content is not None:
            for place, value in enumerate(items(content, f"{where}.content")):
                at = f"{where}.content.{place}"
                part = mapping(value, at)
                parts += _parts(part, at)
                inner = inner or _is_marked(part)
        identifier = string_in(block, "tool_use_id", where, absent="")
        error = block.get("is_error") is True
        return ToolResult(identifier, tuple(parts), is_error=error, cached=inner)


def cached_to_the_end(message: Message) -> Message:
    """With the mark that the client set for the whole request."""
    return replace(message, blocks=marked(message.blocks))


def marked(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """With a cache mark on the last block that can carry one: reasoning cannot."""
    for place in range(len(blocks) - 1, -1, -1):
        if not isinstance(block := blocks[place], Thinking):
            return (*blocks[:place], replace(block, cached=True), *blocks[place + 1 :])
    return blocks


def _is_marked(block: Mapping[str, Any]) -> bool:
    return isinstance(block.get("cache_control"), dict)


def texts(content: Any, where: str) -> tuple[Text, ...]:
    """A string or an array of text blocks. Raises InvalidRequest."""
    if isinstance(content, str):
        return (Text(content),)
    found = []
    for place, value in enumerate(items(content, where)):
        at = f"{where}.{place}"
        block = mapping(value, at)
        if block.get("type") != "text":
            raise InvalidRequest(f"{at}.type: only text stands here")
        found.append(Text(string_in(block, "text", at), cached=_is_marked(block)))
    return tuple(found)


def _tool_use(block: Mapping[str, Any], where: str) -> ToolUse:
    """`input` becomes compact JSON text. Some clients store it as text already."""
    return ToolUse(
        id=string_in(block, "id", where, absent=""),
        name=string_in(block, "name", where),
        arguments=_written(object_of(block.get("input"))),
    )


def _parts(block: Mapping[str, Any], where: str) -> tuple[Part, ...]:
    """A block that may stand in a user turn or in a tool result."""
    kind = string_in(block, "type", where)
    match kind:
        case "text":
            return (Text(string_in(block, "text", where)),)
        case "image":
            return (_image(mapping(block.get("source"), f"{where}.source"), where),)
        case "document":
            return _document(block, where)
        case "search_result":
            lines = [block.get("title"), block.get("source"), _joined(block.get("content"))]
            return (Text("\n".join(line for line in lines if isinstance(line, str) and line)),)
        case "tool_reference":
            return (Text(string_in(block, "tool_name", where)),)
        case "container_upload":
            raise NotExpressible(f"{where}: files in containers are not available through Copilot.")
    raise InvalidRequest(f"{where}.type: {kind!r} is not a block that can stand here")


def _image(source: Mapping[str, Any], where: str) -> Image:
    declared, data = source.get("media_type"), source.get("data")
    url = source.get("url")
    if isinstance(url, str) and url.startswith("data:"):
        head, _, data = url[len("data:") :].partition(",")
        declared = head.partition(";")[0]
    elif source.get("type") != "base64":
        raise NotExpressible(
            f"{where}: Copilot only takes pictures that are in the request (base64), "
            "not addresses or file ids."
        )
    data = string(data, f"{where}.source.data")
    kind = picture_type(data, str(declared))
    if kind not in PICTURES:
        raise InvalidRequest(f"{where}: pictures must be JPEG, PNG, GIF or WebP, not {declared}")
    return Image(kind, data)


def _document(block: Mapping[str, Any], where: str) -> tuple[Part, ...]:
    """A PDF stays a document; plain text becomes text under its title."""
    source = mapping(block.get("source"), f"{where}.source")
    title = block.get("title")
    title = title if isinstance(title, str) else ""
    heading = f"{title}\n\n" if title else ""
    match source.get("type"):
        case "base64" if source.get("media_type", PDF) == PDF:
            return (Document(PDF, string_in(source, "data", f"{where}.source"), title),)
        case "text":
            return (Text(heading + string_in(source, "data", f"{where}.source")),)
        case "content":
            content = source.get("content")
            if isinstance(content, str):
                return (Text(heading + content),)
            parts: list[Part] = [Text(title)] if title else []
            for place, value in enumerate(items(content, f"{where}.source.content")):
                at = f"{where}.source.content.{place}"
                parts += _parts(mapping(value, at), at)
            return tuple(parts)
    raise NotExpressible(
        f"{where}: Copilot only takes PDF files that are in the request (base64) and plain text, "
        "not addresses or file ids."
    )


def _joined(content: Any) -> str:
    """The text blocks of an array, one below the other."""
    blocks = content if isinstance(content, list) else []
    found = (block.get("text") for block in blocks if isinstance(block, dict))
    return "\n".join(text for text in found if isinstance(text, str) and text)
