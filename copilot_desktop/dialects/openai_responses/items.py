"""Input items of a Responses body, read into turns.

The API lists single acts (a message, a call, an output, a piece of reasoning); a conversation has
turns. Neighbouring acts of one side become one turn (`translation.md` §5). Tools that stand among
the items are read in `tools`; what only OpenAI's servers could resolve is refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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
from copilot_desktop.dialects.openai_responses.fields import invalid, list_of, object_of, text_of
from copilot_desktop.pictures import PICTURES, picture_type
from copilot_desktop.sealing import is_sealed

TOOL_ITEMS = ("additional_tools", "tool_search_output")  # read in `tools`
_PDF_MAGIC = "JVBERi"

Role = Literal["system", "user", "assistant"]
Part = Text | Image | Document


@dataclass(slots=True)
class Turns:
    """What was read. `system` holds the instructions that stand before everything else."""

    system: list[Text] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    _lost: set[str] = field(default_factory=set)

    def add(self, role: Role, *blocks: Block) -> None:
        """Continue the last turn if it is of the same side."""
        if role == "system" and not self.messages:
            self.system += [block for block in blocks if isinstance(block, Text)]
        elif self.messages and self.messages[-1].role == role != "system":
            last = self.messages[-1]
            self.messages[-1] = Message(role, last.blocks + blocks)
        elif blocks:
            self.messages.append(Message(role, blocks))

    def lose(self, what: str, *, marked: bool = False) -> None:
        """Note something that is left out, once."""
        if what not in self._lost:
            self._lost.add(what)
            self.losses.append(Loss(what, marked=marked))


def read_input(value: Any, turns: Turns) -> None:
    """The `input` field: a text or a list of items. Raises InvalidRequest."""
    if isinstance(value, str):
        turns.add("user", Text(value))
        return
    if not isinstance(value, list):
        raise invalid("input", "must be a string or an array of items")
    for place, item in enumerate(value):
        path = f"input[{place}]"
        if not isinstance(item, dict):
            raise invalid(path, "must be an object")
        _read_item(item, path, turns)


def _read_item(item: Mapping[str, Any], path: str, turns: Turns) -> None:
    kind = item.get("type") or ("message" if "role" in item else None)
    match kind:
        case "message":
            _read_message(item, path, turns)
        case "function_call":
            arguments = item.get("arguments")
            if not isinstance(arguments, str):  # as some programs keep them
                told = arguments if isinstance(arguments, dict) else {}
                arguments = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
            _read_call(item, path, turns, arguments)
        case "custom_tool_call":
            _read_call(item, path, turns, wrapped(text_of(item.get("input"), f"{path}.input")))
        case "function_call_output" | "custom_tool_call_output":
            call_id = text_of(item.get("call_id"), f"{path}.call_id")
            content = _output(item.get("output"), f"{path}.output")
            turns.add("user", ToolResult(call_id, content))
        case "reasoning":
            _read_reasoning(item, turns)
        case _ if kind in TOOL_ITEMS:
            pass
        case "web_search_call" | "tool_search_call":
            # What was found stands in the answer that followed; the act alone says nothing.
            turns.lose(f"input.{kind}")
        case "item_reference":
            raise invalid(
                path,
                "answers are not stored here, so items cannot be referred to by id; "
                "set `store` to false, and they are sent whole",
            )
        case "compaction":
            raise invalid(path, "a compacted history can only be read by the model that wrote it")
        case _:
            raise invalid(path, f"items of type {kind} are not available for this model")


def _read_message(item: Mapping[str, Any], path: str, turns: Turns) -> None:
    content = item.get("content")
    match item.get("role"):
        case "user":
            turns.add("user", *_parts(content, f"{path}.content"))
        case "assistant":
            turns.add("assistant", *_parts(content, f"{path}.content"))
        case "system" | "developer":
            parts = _parts(content, f"{path}.content")
            if not all(isinstance(part, Text) for part in parts):
                raise invalid(path, "instructions can only hold text")
            turns.add("system", *parts)
        case role:
            raise invalid(f"{path}.role", f"{role} is not a role of this API")


def _read_call(item: Mapping[str, Any], path: str, turns: Turns, arguments: str) -> None:
    name = text_of(item.get("name"), f"{path}.name")
    if not name:
        raise invalid(f"{path}.name", "is missing")
    namespace = text_of(item.get("namespace"), f"{path}.namespace")
    call_id = text_of(item.get("call_id"), f"{path}.call_id")
    turns.add("assistant", ToolUse(call_id, flat_name(namespace, name), arguments))


def _read_reasoning(item: Mapping[str, Any], turns: Turns) -> None:
    """Only reasoning that we sealed ourselves can go back to where it came from (§2.6).

    Without any seal it may be what a later item seals: some models send theirs after the text.
    """
    signature = item.get("encrypted_content") or ""
    if not isinstance(signature, str) or (signature and not is_sealed(signature)):
        turns.lose("input.reasoning")
    else:
        turns.add("assistant", Thinking(summary_text(item), signature))


def summary_text(item: Mapping[str, Any]) -> str:
    """The readable part of a reasoning item, its parts as paragraphs."""
    parts = item.get("summary") or item.get("content")
    listed = parts if isinstance(parts, list) else ()
    texts = (part.get("text") for part in listed if isinstance(part, dict))
    return "\n\n".join(text for text in texts if isinstance(text, str) and text)


def flat_name(namespace: str, name: str) -> str:
    """One name for a tool of a namespace, for formats without namespaces (§5)."""
    return f"{namespace}__{name}" if namespace else name


def wrapped(text: str) -> str:
    """The free text of a custom tool as the arguments of a function with one field."""
    return json.dumps({"input": text}, separators=(",", ":"), ensure_ascii=False)


# ---------------------------------------------------------------------------------- content


def _parts(value: Any, path: str) -> tuple[Part, ...]:
    if isinstance(value, str):
        return (Text(value),)
    return tuple(
        _part(object_of(part, f"{path}[{place}]"), f"{path}[{place}]")
        for place, part in enumerate(list_of(value, path))
    )


def _part(part: Mapping[str, Any], path: str) -> Part:
    match part.get("type"):
        case "input_text" | "output_text" | "text" | "summary_text":
            return Text(text_of(part.get("text"), f"{path}.text"))
        case "refusal":
            return Text(text_of(part.get("refusal"), f"{path}.refusal"), refusal=True)
        case "input_image":
            return _picture(part, path)
        case "input_file":
            return _document(part, path)
        case kind:
            raise invalid(path, f"content of type {kind} is not available through Copilot")


def _picture(part: Mapping[str, Any], path: str) -> Image:
    if part.get("file_id"):
        raise invalid(f"{path}.file_id", "files are not stored here; send the image as a data URL")
    url = part.get("image_url")
    if isinstance(url, dict):  # the chat spelling, which some clients mix up
        url = url.get("url")
    media_type, data = _data_url(url)
    if not data:
        raise invalid(f"{path}.image_url", "Copilot reads no remote images; send a data URL")
    media_type = picture_type(data, media_type)
    if media_type not in PICTURES:
        raise invalid(f"{path}.image_url", "only jpeg, png, gif and webp images are read")
    return Image(media_type, data)


def _document(part: Mapping[str, Any], path: str) -> Document:
    if part.get("file_id") or part.get("file_url"):
        raise invalid(path, "files are not stored or fetched here; send file_data")
    value = part.get("file_data")
    media_type, data = _data_url(value)
    if isinstance(value, str) and value.startswith(_PDF_MAGIC):
        media_type, data = "application/pdf", value
    if media_type != "application/pdf" or not data:
        raise invalid(f"{path}.file_data", "only PDF files as base64 data are read")
    return Document(media_type, data, text_of(part.get("filename"), f"{path}.filename"))


def _data_url(url: Any) -> tuple[str, str]:
    """Media type and base64 data, or two empty texts if this is no such URL."""
    if not isinstance(url, str) or not url.startswith("data:"):
        return "", ""
    head, _, data = url[5:].partition(",")
    kinds = head.split(";")
    return (kinds[0].lower(), data) if "base64" in kinds[1:] else ("", "")


def _output(value: Any, path: str) -> tuple[Part, ...]:
    """The output of a call: text, parts, or any JSON (as text)."""
    if isinstance(value, str):
        return (Text(value),) if value else ()
    if value is None or isinstance(value, list):
        return _parts(value, path)
    return (Text(json.dumps(value, separators=(",", ":"), ensure_ascii=False)),)
