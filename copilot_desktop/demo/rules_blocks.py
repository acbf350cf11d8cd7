"""What `/v1/messages` refuses in the conversation: blocks, pairs of calls and results, thoughts."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from copilot_desktop.demo import opaque, rules
from copilot_desktop.demo.ask import parts
from copilot_desktop.demo.catalogue import Facts
from copilot_desktop.demo.refusals import Refused, anthropic, gateway
from copilot_desktop.demo.rules import Body
from copilot_desktop.demo.wire_messages import THOUGHT, hidden_is_ours

_MOST_IMAGES = 20
_BILLING = "x-anthropic-billing-header"
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_KEYS = {
    "text": {"text", "citations"},
    "image": {"source"},
    "document": {"source", "title", "context", "citations"},
    "search_result": {"source", "title", "content", "citations"},
    "tool_use": {"id", "name", "input"},
    "tool_result": {"tool_use_id", "content", "is_error"},
    "tool_reference": {"tool_name"},
    "thinking": {"thinking", "signature"},
    "redacted_thinking": {"data"},
}
_USER = {"text", "image", "document", "search_result", "tool_result"}
_ASSISTANT = {"text", "tool_use", "thinking", "redacted_thinking"}
_RESULT = {"text", "image", "document", "tool_reference"}


def check(body: Body, facts: Facts, tools: Collection[str], *, system_turns: bool) -> None:
    """Raises Refused."""
    thinks = (body.get("thinking") or {}).get("type") == "enabled"
    _system(body.get("system"))
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise anthropic("messages: at least one message is required")
    looker = _Looker(facts, tools)
    for place, message in enumerate(messages):
        _role(messages, place, system_turns=system_turns)
        looker.message(message, f"messages.{place}")
    if messages[0]["role"] != "user":
        raise anthropic('messages: first message must use the "user" role')
    if looker.images > _MOST_IMAGES:
        raise anthropic(f"too many images: at most {_MOST_IMAGES} are allowed")
    _pairs(messages)
    if thinks:
        _begun_with_thought(messages)
    if looker.tool_history and "tools" not in body:
        raise anthropic(
            "Requests which include `tool_use` or `tool_result` blocks must define tools"
        )
    if messages[-1]["role"] == "assistant":
        raise anthropic(
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )


def _system(system: Any) -> None:
    if system is None or isinstance(system, str):
        _reserved(system)
        return
    if not isinstance(system, list):
        raise anthropic("system: Input should be a valid string or list")
    for place, block in enumerate(system):
        if not isinstance(block, dict) or block.get("type") != "text":
            raise anthropic(f"system.{place}.type: Input should be 'text'")
        _text(block, f"system.{place}", "system")
        _reserved(block["text"])


def _role(messages: list[Any], place: int, *, system_turns: bool) -> None:
    message = messages[place]
    role = message.get("role") if isinstance(message, dict) else None
    for name in message if isinstance(message, dict) else ():
        if name not in {"role", "content"}:
            raise anthropic(f"messages.{place}.{name}: Extra inputs are not permitted")
    if role == "system" and system_turns:
        if place == 0 or messages[place - 1]["role"] != "user":
            raise anthropic(f"messages.{place}: a system message must follow a user message")
        return
    if role not in {"user", "assistant"}:
        raise anthropic(f"messages.{place}.role: Input should be 'user' or 'assistant'")


def _reserved(text: Any) -> None:
    if isinstance(text, str) and _BILLING in text:
        raise anthropic(
            f"{_BILLING} is a reserved keyword and may not be used in the system prompt"
        )


def _text(block: Body, where: str, what: str = "messages") -> None:
    text = block.get("text")
    if not isinstance(text, str):
        raise anthropic(f"{where}.text: Field required")
    if not text:
        raise anthropic(f"{what}: text content blocks must be non-empty")
    if not text.strip():
        raise anthropic(f"{what}: text content blocks must contain non-whitespace text")


class _Looker:
    """Looks at the blocks one by one and remembers what concerns all."""

    def __init__(self, facts: Facts, tools: Collection[str]) -> None:
        self._facts = facts
        self._shows = bool(facts.supports.get("adaptive_thinking"))
        self._tools = tools
        self.images = 0
        self.tool_history = False

    def message(self, message: Body, where: str) -> None:
        content = message.get("content")
        if isinstance(content, str):
            if not content.strip():
                raise anthropic(f"{where}: {message['role']} messages must have non-empty content")
            return
        if not isinstance(content, list) or not content:
            raise anthropic(f"{where}: all messages must have non-empty content")
        allowed = {"user": _USER, "assistant": _ASSISTANT, "system": {"text"}}[message["role"]]
        self._blocks(content, allowed, f"{where}.content")

    def _blocks(self, blocks: list[Any], allowed: set[str], where: str) -> None:
        for place, block in enumerate(blocks):
            here = f"{where}.{place}"
            kind = block.get("type") if isinstance(block, dict) else None
            if kind not in allowed:
                raise anthropic(
                    f"{here}: Input tag '{kind}' found using 'type' does not match any of the "
                    f"expected tags: {', '.join(sorted(allowed))}"
                )
            for name in block:
                if name not in _KEYS[kind] | {"type", "cache_control"}:
                    raise anthropic(f"{here}.{kind}.{name}: Extra inputs are not permitted")
            self._block(kind, block, here)

    def _block(self, kind: str, block: Body, where: str) -> None:
        match kind:
            case "text":
                _text(block, where)
            case "image":
                self.images += 1
                _image(block.get("source") or {}, where, self._facts)
            case "document":
                _document(block.get("source") or {}, where)
            case "thinking" | "redacted_thinking":
                if kind == "thinking" and not (self._shows or block.get("thinking")):
                    raise gateway(f"{where}.thinking: each thinking block must contain thinking")
                _thought(kind, block, where)
            case "tool_use":
                self.tool_history = True
                _call(block, where)
            case "tool_result":
                self.tool_history = True
                self._result(block, where)
            case "tool_reference":
                if block.get("tool_name") not in self._tools:
                    raise anthropic(
                        f"Tool reference '{block.get('tool_name')}' not found in available tools"
                    )

    def _result(self, block: Body, where: str) -> None:
        content = block.get("content")
        if content is None or isinstance(content, str):
            return
        if not isinstance(content, list):
            raise anthropic(f"{where}.tool_result.content: Input should be a valid list")
        self._blocks(content, _RESULT, f"{where}.tool_result.content")
        for place, inner in enumerate(content):
            if inner.get("cache_control") is not None:
                raise anthropic(
                    f"{where}.tool_result.content.{place}.cache_control: "
                    "Extra inputs are not permitted"
                )


def _image(source: Body, where: str, facts: Facts) -> None:
    if source.get("type") == "url":
        raise gateway("external image URLs are not supported")
    if source.get("type") != "base64":
        raise anthropic(f"{where}.image.source: Input tag '{source.get('type')}' is not supported")
    rules.picture(source.get("media_type"), source.get("data"), facts, anthropic)


def _document(source: Body, where: str) -> None:
    kind = source.get("type")
    if kind == "base64" and source.get("media_type") == "application/pdf":
        return
    if kind not in {"text", "content"}:
        raise anthropic(f"{where}.document.source: only base64 PDF documents are supported")


def _thought(kind: str, block: Body, where: str) -> None:
    if block.get("cache_control") is not None:
        raise anthropic(f"{where}.{kind}.cache_control: Extra inputs are not permitted")
    if kind == "redacted_thinking":
        fine = hidden_is_ours(block.get("data"))
    else:
        fine = opaque.signed(THOUGHT, str(block.get("thinking") or ""), block.get("signature"))
    if not fine:
        field = "data" if kind == "redacted_thinking" else "signature"
        raise anthropic(f"{where}: Invalid `{field}` in `{kind}` block")


def _call(block: Body, where: str) -> None:
    if not isinstance(block.get("id"), str) or not _ID.fullmatch(block["id"]):
        raise anthropic(f"{where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    rules.tool_names([block.get("name")], anthropic, f"{where}.tool_use")
    if not isinstance(block.get("input"), dict):
        raise anthropic(f"{where}.tool_use.input: Input should be a valid dictionary")


def _pairs(messages: list[Body]) -> None:
    """Results stand at the head of the turn that follows their calls."""
    merged = _merged(messages)
    known: set[str] = set()
    for place, (role, blocks) in enumerate(merged):
        ids = [block["id"] for block in blocks if block.get("type") == "tool_use"]
        if len(set(ids)) != len(ids) or known & set(ids):
            raise anthropic("messages: `tool_use` ids must be unique")
        known |= set(ids)
        after = merged[place + 1][1] if place + 1 < len(merged) else []
        missing = [claim for claim in ids if claim not in _leading(after)]
        if missing:
            raise anthropic(
                f"messages.{place}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {', '.join(missing)}. Each `tool_use` block must have a "
                "corresponding `tool_result` block in the next message."
            )
        if role == "user":
            _expected(blocks, merged[place - 1][1] if place else [], place)


def _begun_with_thought(messages: list[Body]) -> None:
    """With a budget a running loop of tools goes on only from where it was thought of."""
    turns = _merged(messages)
    if len(turns) < 2 or not any(part.get("type") == "tool_result" for part in turns[-1][1]):
        return
    while len(turns) > 2 and any(part.get("type") == "tool_result" for part in turns[-3][1]):
        turns = turns[:-2]
    kind = turns[-2][1][0].get("type")
    if kind not in {"thinking", "redacted_thinking"}:
        raise anthropic(
            f"messages.{len(turns) - 2}.content.0.type: Expected `thinking` or "
            f"`redacted_thinking`, but found `{kind}`. When `thinking` is enabled, a final "
            "`assistant` message must start with a thinking block (preceeding the lastmost set of "
            "`tool_use` and `tool_result` blocks). We recommend you include thinking blocks from "
            "previous turns. To avoid this requirement, disable `thinking`."
        )


def _merged(messages: list[Body]) -> list[tuple[str, list[Body]]]:
    """Turns of the same role that follow each other count as one."""
    merged: list[tuple[str, list[Body]]] = []
    for message in messages:
        role = "assistant" if message["role"] == "assistant" else "user"
        if merged and merged[-1][0] == role:
            merged[-1][1].extend(parts(message["content"]))
        else:
            merged.append((role, list(parts(message["content"]))))
    return merged


def _leading(blocks: list[Body]) -> list[str]:
    """The results that stand before anything else."""
    found = []
    for block in blocks:
        if block.get("type") != "tool_result":
            break
        found.append(str(block.get("tool_use_id")))
    return found


def _expected(blocks: list[Body], before: list[Body], place: int) -> None:
    calls = {block["id"] for block in before if block.get("type") == "tool_use"}
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        if block.get("type") != "tool_result":
            continue
        claim = str(block.get("tool_use_id"))
        if claim not in calls:
            raise _unexpected(place, number, claim)
        if claim in seen:
            raise anthropic(
                f"messages.{place}.content.{number}: each tool_use must have a single result. "
                f"Found multiple `tool_result` blocks with id: {claim}"
            )
        seen.add(claim)


def _unexpected(place: int, number: int, claim: str) -> Refused:
    return anthropic(
        f"messages.{place}.content.{number}: unexpected `tool_use_id` found in `tool_result` "
        f"blocks: {claim}. Each `tool_result` block must have a corresponding `tool_use` block in "
        "the previous message."
    )
