"""The messages of a Chat Completions request, read into canonical turns.

Chat keeps system prompts among the messages, tool results in a role of their own and an assistant's
text, reasoning and calls in separate slots; the canonical form has them as `Request.system`, as
blocks of the next user turn, and as blocks in order. Reading is strict about shapes and knows no
model; repairs (pairing, empty text, ids) happen later, for all dialects alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from copilot_desktop.canonical import (
    Block,
    Document,
    Image,
    Message,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from copilot_desktop.dialects.openai_chat.reasoning import reasoning_of
from copilot_desktop.errors import InvalidRequest, NotExpressible

Part = Text | Image | Document

_THOUGHTS = ("reasoning_text", "reasoning_content", "reasoning")
_REASONING = frozenset({*_THOUGHTS, "reasoning_opaque"})
_written = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@dataclass(slots=True)
class Conversation:
    """`dropped` names what was left out; `legacy_id` was given to the last `function_call`."""

    model: str
    system: list[Text] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    legacy_id: str = ""

    def add(self, item: Any, place: str) -> None:
        if not isinstance(item, dict):
            raise InvalidRequest(f"{place} must be an object.")
        before = len(self.messages)
        match item.get("role"):
            case "system" | "developer":
                self._instruct(item, place)
            case "user":
                self._say(self._parts(item.get("content"), place))
            case "assistant":
                self._answer(item, place)
            case "tool":
                self._result(item, item.get("tool_call_id"), place)
            case "function":
                self._result(item, self.legacy_id, place)
            case role:
                raise InvalidRequest(f"{place}.role {str(role)[:40]!r} is not known.")
        if is_marked(item):
            self._mark(before)
        if item.get("name") and item["role"] not in ("tool", "function"):
            self.dropped.append("messages.name")

    def _mark(self, before: int) -> None:
        """A mark on a whole message stands for one on its last block; a part's own mark wins."""
        if not self.messages:
            self.system[-1:] = [replace(text, cached=True) for text in self.system[-1:]]
            return
        *rest, last = self.messages[-1].blocks or (Text(""),)
        fresh = len(self.messages) > before
        own = fresh and any(getattr(block, "cached", False) for block in rest)
        if not own and not isinstance(last, Thinking):
            blocks = (*rest, replace(last, cached=True))
            self.messages[-1] = replace(self.messages[-1], blocks=blocks)

    def _instruct(self, item: Mapping[str, Any], place: str) -> None:
        parts = self._parts(item.get("content"), place)
        texts = [part for part in parts if isinstance(part, Text)]
        if len(texts) != len(parts):
            raise InvalidRequest(f"{place}: an instruction can hold text alone.")
        if self.messages:
            self.messages.append(Message("system", tuple(texts)))
        else:
            self.system += texts

    def _say(self, blocks: tuple[Part, ...]) -> None:
        """A user turn; it continues the turn that holds the tool results before it."""
        if results := self._open_results():
            self.messages[-1] = Message("user", results + blocks)
        else:
            self.messages.append(Message("user", blocks))

    def _open_results(self) -> tuple[Block, ...]:
        """The blocks of the last turn, if it ends with a tool result."""
        blocks = self.messages[-1].blocks if self.messages else ()
        return blocks if blocks and isinstance(blocks[-1], ToolResult) else ()

    def _result(self, item: Mapping[str, Any], call_id: Any, place: str) -> None:
        if call_id is not None and not isinstance(call_id, str):
            raise InvalidRequest(f"{place}.tool_call_id must be a string.")
        result = ToolResult(call_id or "", self._parts(item.get("content"), place))
        if results := self._open_results():
            self.messages[-1] = Message("user", (*results, result))
        else:
            self.messages.append(Message("user", (result,)))

    def _answer(self, item: Mapping[str, Any], place: str) -> None:
        blocks: list[Block] = []
        if not _REASONING.isdisjoint(item):
            blocks += reasoning_of(_thought(item), item.get("reasoning_opaque"))
        blocks += self._parts(item.get("content"), place)
        if isinstance(refusal := item.get("refusal"), str) and refusal:
            blocks.append(Text(refusal, refusal=True))
        calls = item.get("tool_calls")
        if calls is not None and not isinstance(calls, list):
            raise InvalidRequest(f"{place}.tool_calls must be a list.")
        for number, call in enumerate(calls or ()):
            blocks.append(_call(call, f"{place}.tool_calls[{number}]"))
        if isinstance(legacy := item.get("function_call"), dict):
            seed = f"{place}{legacy.get('name')}{legacy.get('arguments')}"
            self.legacy_id = f"call_{sha256(seed.encode(errors='replace')).hexdigest()[:16]}"
            blocks.append(_call({"id": self.legacy_id, "function": legacy}, place))
        self.messages.append(Message("assistant", tuple(blocks)))

    def _parts(self, content: Any, place: str) -> tuple[Part, ...]:
        """`content` in all its forms: absent, a string, or a list of parts."""
        if content is None:
            return ()
        if isinstance(content, str):
            return (Text(content),)
        if not isinstance(content, list):
            raise InvalidRequest(f"{place}.content must be a string or a list of parts.")
        parts: list[Part] = []
        for number, part in enumerate(content):
            read = self._part(part, f"{place}.content[{number}]")
            parts.append(replace(read, cached=True) if is_marked(part) else read)
        return tuple(parts)

    def _part(self, part: Any, place: str) -> Part:
        match part:
            case str():
                return Text(part)
            case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
                return Text(text)
            case {"type": "refusal", "refusal": str(text)}:
                return Text(text, refusal=True)
            case {"type": "image_url", "image_url": {"url": str(url)}}:
                return self._picture(url, place)
            case {"type": "image_url" | "input_image", "image_url": str(url)}:
                return self._picture(url, place)
            case {"type": "file", "file": Mapping() as file}:
                return self._file(file, place)
            case {"type": "input_audio"}:
                raise self._impossible("Audio")
            case {"type": str(kind)}:
                raise InvalidRequest(f"{place} of type {kind[:40]!r} cannot be read.")
        raise InvalidRequest(f"{place} must be an object with a type.")

    def _picture(self, url: str, place: str) -> Image | Document:
        if not url.startswith("data:"):
            raise self._impossible("An image given by its address (send it as a data URL)")
        media_type, encoded = _data_url(url, place)
        if media_type == "application/pdf":
            return Document(media_type, encoded)
        return Image(media_type, encoded)

    def _file(self, file: Mapping[str, Any], place: str) -> Document:
        if file.get("file_id"):
            raise self._impossible("A file given by its id (send its content)")
        content = file.get("file_data")
        if not isinstance(content, str):
            raise InvalidRequest(f"{place}.file.file_data must be a string.")
        media_type, encoded = "application/pdf", content
        if content.startswith("data:"):
            media_type, encoded = _data_url(content, place)
        if media_type != "application/pdf":
            raise self._impossible(f"A file of type {media_type[:40]}")
        title = file.get("filename")
        return Document(media_type, encoded, title if isinstance(title, str) else "")

    def _impossible(self, what: str) -> NotExpressible:
        return NotExpressible(fields={"what": what, "model": self.model})


def is_marked(item: Any) -> bool:
    """Whether the client wants a cache mark here, in Anthropic's spelling or in Copilot's."""
    return isinstance(item, dict) and (
        isinstance(item.get("cache_control"), dict)
        or isinstance(item.get("copilot_cache_control"), dict)
    )


def read_conversation(items: list[Any], model: str) -> Conversation:
    """All messages. Raises InvalidRequest, also if nobody says anything."""
    conversation = Conversation(model)
    for number, item in enumerate(items):
        conversation.add(item, f"messages[{number}]")
    if not conversation.messages:
        raise InvalidRequest("messages: at least one that is not a system prompt is needed.")
    return conversation


def _thought(item: Mapping[str, Any]) -> str:
    for key in _THOUGHTS:
        if isinstance(found := item.get(key), str) and found:
            return found
    return ""


def _call(call: Any, place: str) -> ToolUse:
    match call:
        case {"function": {"name": str(name)} as function}:
            written = function.get("arguments")
        case {"custom": {"name": str(name)} as custom}:
            written = {"input": custom.get("input", "")}
        case _:
            raise InvalidRequest(f"{place} needs a function with a name.")
    call_id = call.get("id")
    if written is not None and not isinstance(written, str):
        written = _written(written)
    return ToolUse(call_id if isinstance(call_id, str) else "", name, written or "")


def _data_url(url: str, place: str) -> tuple[str, str]:
    """Media type and base64 text of a data URL."""
    head, comma, encoded = url.partition(",")
    media_type, *parameters = head.removeprefix("data:").split(";")
    if not comma or not encoded or "base64" not in parameters:
        raise InvalidRequest(f"{place} must be a base64 data URL.")
    return media_type.strip().lower(), encoded
