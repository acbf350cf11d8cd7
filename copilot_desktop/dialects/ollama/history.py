"""The messages of a chat request, read into canonical turns.

Ollama's tool calls mostly have no ids: its own client drops them, and a result only says which tool
it is from, or not even that. So calls get an id made of their place and content, and each result
takes the first call that it can belong to and that has none yet. Pictures come without a media
type; their first bytes say it.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from copilot_desktop.canonical import Block, Image, Message, Text, ToolResult, ToolUse
from copilot_desktop.errors import InvalidRequest

_MAGIC = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"WEBP", "image/webp"),
)


@dataclass(slots=True)
class Conversation:
    """`waiting` are the calls of the last assistant turn that have no result yet, `named` the ids
    that calls came with."""

    system: list[Text] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    waiting: list[ToolUse] = field(default_factory=list)
    named: set[str] = field(default_factory=set)

    def add(self, item: Any, place: str) -> None:
        if not isinstance(item, dict):
            raise InvalidRequest(f"{place} must be an object.")
        content = item.get("content")
        if content is not None and not isinstance(content, str):
            raise InvalidRequest(f"{place}.content must be a string.")
        words = (Text(content),) if content else ()
        images = pictures(item.get("images"), f"{place}.images")
        role = item.get("role")
        if images and role not in ("user", "tool"):
            raise InvalidRequest(f"{place}: images can stand in messages of the user or a tool.")
        match role:
            case "system":
                self._instruct(words)
            case "user":
                self.messages.append(Message("user", (*words, *images)))
            case "assistant":
                self._answer(words, item.get("tool_calls"), place)
            case "tool":
                result = ToolResult(self._answered_call(item, place), (*words, *images))
                self.messages.append(Message("user", (result,)))
            case _:
                raise InvalidRequest(f"{place}.role {str(role)[:40]!r} is not known.")

    def _instruct(self, words: tuple[Text, ...]) -> None:
        if self.messages:
            self.messages.append(Message("system", words))
        else:
            self.system += words

    def _answer(self, words: tuple[Text, ...], calls: Any, place: str) -> None:
        if calls is not None and not isinstance(calls, list):
            raise InvalidRequest(f"{place}.tool_calls must be a list.")
        made = [
            _call(call, f"{place}.tool_calls[{number}]") for number, call in enumerate(calls or [])
        ]
        blocks: list[Block] = [*words, *made]
        self.messages.append(Message("assistant", tuple(blocks)))
        self.waiting = made
        self.named.update(map(_own_id, calls or ()))

    def _answered_call(self, item: Mapping[str, Any], place: str) -> str:
        """The id of the call that this result answers: by its id, the tool's name, its place."""
        given, waiting = item.get("tool_call_id"), self.waiting
        if isinstance(given, str) and given:
            # LiteLLM drops the ids of calls, but not those of their results.
            waiting = [call for call in waiting if call.id not in self.named]
            if given in self.named or not waiting:
                self.waiting = [call for call in self.waiting if call.id != given]
                return given
        if not waiting:
            return _made_id(place)
        name = item.get("tool_name") or item.get("name")
        call = next((call for call in waiting if call.name == name), waiting[0])
        self.waiting.remove(call)
        return call.id


def read_conversation(items: list[Any]) -> Conversation:
    """All messages. Raises InvalidRequest."""
    conversation = Conversation()
    for number, item in enumerate(items):
        conversation.add(item, f"messages[{number}]")
    return conversation


def pictures(given: Any, place: str) -> tuple[Image, ...]:
    """Bare base64 texts (a data URL is understood as well). Raises InvalidRequest."""
    if given is None:
        return ()
    if not isinstance(given, list):
        raise InvalidRequest(f"{place} must be a list.")
    return tuple(_picture(text, f"{place}[{number}]") for number, text in enumerate(given))


def _picture(text: Any, place: str) -> Image:
    data = "".join(text.rpartition("base64,")[2].split()) if isinstance(text, str) else ""
    try:
        head = binascii.a2b_base64(data[:16])
    except (ValueError, UnicodeError):
        head = b""
    head = head.removeprefix(b"RIFF" + head[4:8])
    for magic, media_type in _MAGIC:
        if head.startswith(magic):
            return Image(media_type, data)
    raise InvalidRequest(f"{place} must be a PNG, JPEG, GIF or WebP in base64.")


def _call(call: Any, place: str) -> ToolUse:
    match call:
        case {"function": {"name": str(name), **rest}} if name:
            given = rest.get("arguments")
        case _:
            raise InvalidRequest(f"{place} needs a function with a name.")
    if given is None:
        given = {}
    if isinstance(given, str):
        written = given  # some clients keep OpenAI's form
    elif isinstance(given, dict):
        written = json.dumps(given, separators=(",", ":"), ensure_ascii=False)
    else:
        raise InvalidRequest(f"{place}.function.arguments must be an object.")
    return ToolUse(_own_id(call) or _made_id(place + name + written), name, written)


def _own_id(call: Mapping[str, Any]) -> str:
    given = call.get("id")
    return given if isinstance(given, str) else ""


def _made_id(seed: str) -> str:
    return f"call_{sha256(seed.encode(errors='replace')).hexdigest()[:16]}"
