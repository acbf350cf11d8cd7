"""What a client is told: the wire of each dialect, read by somebody who knows none of our code.

Strict where official SDKs are (`translation.md` §16): an `event:` line on every event of Messages,
indices without gaps and blocks that close, a `choices` array in each chunk, one id for each item
from its first to its last event, sequence numbers that rise, and nothing after an end.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
CUT = None  # arguments that are not whole


@dataclass
class Told:
    """One answer. `order` holds `think`, `text` or `call` for each block, where a dialect has
    blocks; `ends` is None if no end was told; `fails` is the word that programs branch on."""

    thinking: str = ""
    text: str = ""
    refusal: str = ""
    calls: list[list[Any]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    ends: str | None = None
    stopped_at: str | None = None
    explained: str = ""
    counts: list[int] | None = None
    seals: int = 0
    fails: str | None = None
    says: str = ""


def events(raw: bytes) -> list[tuple[str, str]]:
    """Name and data of each event. Line ends may be of any kind."""
    text = raw.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    assert not text or text.endswith("\n\n"), "half an event"
    found = []
    for block in text.split("\n\n"):
        name, lines = "", []
        for line in block.split("\n"):
            key, _, value = line.partition(":")
            if key == "event":
                name = value.removeprefix(" ")
            elif key == "data":
                lines.append(value.removeprefix(" "))
        if lines:
            found.append((name, "\n".join(lines)))
    return found


def arguments(text: str) -> Any:
    """The parsed object; nothing at all means an empty one."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        return CUT


# ------------------------------------------------------------------------------------- Messages


def messages(raw: bytes) -> Told:
    told = Told()
    usage: Json = {}
    blocks: dict[int, Json] = {}
    opened: int | None = None
    over = False
    for name, data in events(raw):
        payload = json.loads(data)
        kind = payload["type"]
        assert name == kind, "an event without its name is not seen at all"
        assert not over, f"{kind} after the end"
        match kind:
            case "message_start":
                assert payload["message"]["content"] == []
                assert isinstance(payload["message"]["usage"]["input_tokens"], int)
                usage |= payload["message"]["usage"]
            case "content_block_start":
                assert opened is None
                opened = payload["index"]
                assert opened == len(blocks), "a gap"
                blocks[opened] = {"wire": "", **payload["content_block"]}
            case "content_block_delta":
                assert payload["index"] == opened
                _grow(blocks[opened], payload["delta"])
            case "content_block_stop":
                assert payload["index"] == opened
                opened = None
            case "message_delta":
                assert opened is None
                usage |= {
                    key: value for key, value in payload["usage"].items() if value is not None
                }
                _ending(told, payload["delta"])
            case "message_stop":
                over = True
            case "error":
                over = True
                told.fails, told.says = payload["error"]["type"], payload["error"]["message"]
    assert told.fails or over, "neither an end nor an error"
    _blocks(told, list(blocks.values()))
    told.counts = _anthropic(usage) if told.ends else None
    return told


def _grow(block: Json, delta: Json) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] += delta["signature"]
        case "input_json_delta":
            block["wire"] += delta["partial_json"]


def _ending(told: Told, delta: Json) -> None:
    told.ends = delta["stop_reason"] or told.ends
    told.stopped_at = delta.get("stop_sequence") or told.stopped_at
    told.explained = (delta.get("stop_details") or {}).get("explanation") or told.explained


def _blocks(told: Told, blocks: list[Json]) -> None:
    for block in blocks:
        match block["type"]:
            case "text":
                told.text += block["text"]
                told.order.append("text")
            case "thinking":
                told.thinking += block["thinking"]
                told.seals += bool(block["signature"])
                told.order.append("think")
            case "tool_use":
                given = arguments(block["wire"]) if block.get("wire") else block["input"]
                told.calls.append([block["id"], block["name"], given])
                told.order.append("call")


def _anthropic(usage: Json) -> list[int]:
    return [
        usage["input_tokens"],
        usage.get("cache_read_input_tokens") or 0,
        usage.get("cache_creation_input_tokens") or 0,
        usage["output_tokens"],
    ]


def whole_messages(body: Json) -> Told:
    told = Told(counts=_anthropic(body["usage"]))
    _ending(told, body)
    _blocks(told, body["content"])
    return told


# ----------------------------------------------------------------------------------------- chat


def chat(raw: bytes) -> Told:
    told = Told()
    calls: list[Json] = []
    envelopes = set()
    over = False
    for _, data in events(raw):
        assert not over, "something after the end"
        if data == "[DONE]":
            assert told.ends, "[DONE] without an end"
            over = True
            continue
        payload = json.loads(data)
        if error := payload.get("error"):
            over, told.fails, told.says = True, error["type"], error["message"]
            continue
        envelopes.add((payload["id"], payload["created"], payload["model"], payload["object"]))
        assert isinstance(payload["choices"], list), "the helper crashes"
        if payload.get("usage"):
            told.counts = _openai(payload["usage"])
        for choice in payload["choices"]:
            assert told.ends is None, "a choice after the end"
            _chunk(told, calls, choice["delta"])
            told.ends = choice["finish_reason"]
    assert told.fails or over, "neither an end nor an error"
    assert len(envelopes) <= 1
    told.calls = [[each["id"], each["name"], arguments(each["wire"])] for each in calls]
    assert told.ends is None or all(each["wire"] for each in calls), "clients parse this"
    told.order = []
    return told


def _chunk(told: Told, calls: list[Json], delta: Json) -> None:
    told.text += delta.get("content") or ""
    told.refusal += delta.get("refusal") or ""
    told.thinking += delta.get("reasoning_content") or delta.get("reasoning_text") or ""
    told.seals += bool(delta.get("reasoning_opaque"))
    for piece in delta.get("tool_calls") or ():
        if piece["index"] == len(calls):
            calls.append({"id": "", "name": "", "wire": ""})
        call, said = calls[piece["index"]], piece.get("function") or {}
        assert not (piece.get("id") and call["id"]), "clients join repeated ids"
        assert not (said.get("name") and call["name"]), "clients join repeated names"
        call["id"] += piece.get("id") or ""
        call["name"] += said.get("name") or ""
        call["wire"] += said.get("arguments") or ""


def _openai(usage: Json) -> list[int]:
    assert usage["total_tokens"] >= usage["prompt_tokens"] + usage["completion_tokens"]
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return [usage["prompt_tokens"], cached, usage["completion_tokens"]]


def whole_chat(body: Json) -> Told:
    (choice,) = body["choices"]
    message = choice["message"]
    return Told(
        thinking=message.get("reasoning_content") or "",
        text=message["content"] or "",
        refusal=message.get("refusal") or "",
        calls=[
            [call["id"], call["function"]["name"], arguments(call["function"]["arguments"])]
            for call in message.get("tool_calls", ())
        ],
        ends=choice["finish_reason"],
        counts=_openai(body["usage"]),
        seals=bool(message.get("reasoning_opaque")),
    )


# ------------------------------------------------------------------------------------ Responses

_DELTAS = {
    "response.output_text.delta": "output_text",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "summary",
    "response.function_call_arguments.delta": "arguments",
}


class Responses:
    """Reads a stream of the Responses API."""

    def __init__(self) -> None:
        self.told = Told()
        self.items: dict[int, Json] = {}
        self.response_id = ""
        self.last = -1
        self.over = False

    def read(self, raw: bytes) -> Told:
        for name, data in events(raw):
            if data == "[DONE]":
                continue
            payload = json.loads(data)
            assert not self.over, f"{payload['type']} after the end"
            assert name == payload["type"]
            number = payload["sequence_number"]
            assert number >= self.last or payload["type"] == "error"
            self.last = number
            self._event(payload)
        assert self.told.fails or self.over, "neither an end nor an error"
        if self.told.ends is None:
            self._items([self.items[place] for place in sorted(self.items)])
        return self.told

    def _event(self, payload: Json) -> None:
        kind = payload["type"]
        if kind == "error":
            self.over = True
            error = payload["error"]  # the SDKs raise on the nested form only
            self.told.fails, self.told.says = error["code"] or error["type"], error["message"]
        elif "response" in payload:
            self._response(kind, payload["response"])
        elif kind == "response.output_item.added":
            item = payload["item"]
            self.items[payload["output_index"]] = {"seen": "", "cuts": 0, **item}
        elif kind == "response.output_item.done":
            known = self.items[payload["output_index"]]
            assert known["id"] == payload["item"]["id"], "the item changed its identity"
            if known["seen"] and payload["item"]["type"] == "function_call":
                assert known["seen"] == payload["item"]["arguments"], "clients join the deltas"
            self.items[payload["output_index"]] = {**known, **payload["item"], "done": True}
        elif kind in _DELTAS:
            item = self.items[payload["output_index"]]
            assert item["id"] == payload["item_id"]
            item["seen"] += payload["delta"]
            item["refuses"] = kind == "response.refusal.delta"

    def _response(self, kind: str, response: Json) -> None:
        if not self.response_id:
            assert kind == "response.created", "the helper wants it first"
            self.response_id = response["id"]
        assert response["id"] == self.response_id
        assert isinstance(response["output"], list), "older SDKs crash on null"
        if kind in {"response.created", "response.in_progress"}:
            return
        self.over = True
        if kind == "response.failed":
            error = response["error"]
            self.told.fails, self.told.says = error["code"], error["message"]
            return
        for place, item in self.items.items():
            assert response["output"][place]["id"] == item["id"]
        whole_responses(response, self.told)

    def _items(self, items: list[Json]) -> None:
        """What was said before trouble."""
        for item in items:
            if item["type"] == "function_call":
                self.told.calls.append([item["call_id"], item["name"], CUT])
            elif item["type"] == "reasoning":
                self.told.thinking += item["seen"]
            elif item.get("refuses"):
                self.told.refusal += item["seen"]
            else:
                self.told.text += item["seen"]


def responses(raw: bytes) -> Told:
    return Responses().read(raw)


def whole_responses(body: Json, told: Told | None = None) -> Told:
    told = told or Told()
    for item in body["output"]:
        match item["type"]:
            case "message":
                for part in item["content"]:
                    told.text += part.get("text") or ""
                    told.refusal += part.get("refusal") or ""
                told.order.append("text")
            case "reasoning":
                told.thinking += "\n\n".join(part["text"] for part in item["summary"])
                told.seals += bool(item.get("encrypted_content"))
                told.order.append("think")
            case "function_call":
                given = arguments(item["arguments"])
                told.calls.append([item["call_id"], item["name"], given])
                told.order.append("call")
    why = (body["incomplete_details"] or {}).get("reason", "")
    told.ends = f"incomplete:{why}" if body["status"] == "incomplete" else body["status"]
    if usage := body["usage"]:
        cached = usage["input_tokens_details"]["cached_tokens"]
        told.counts = [usage["input_tokens"], cached, usage["output_tokens"]]
    return told


# --------------------------------------------------------------------------------------- Ollama


def ollama(raw: bytes) -> Told:
    told = Told()
    over = False
    for text in raw.decode().splitlines():
        assert not over, "something after the end"
        line = json.loads(text)
        if error := line.get("error"):
            over, told.fails, told.says = True, "error", error
            continue
        _ollama_piece(told, line["message"])
        over = line["done"]
        if over:
            _ollama_end(told, line)
    assert over, "neither an end nor an error"
    return told


def _ollama_piece(told: Told, message: Json) -> None:
    told.text += message["content"]
    told.thinking += message.get("thinking") or ""
    for call in message.get("tool_calls") or ():
        function = call["function"]
        assert function["index"] == len(told.calls)
        assert isinstance(function["arguments"], dict)
        told.calls.append([call["id"], function["name"], function["arguments"]])


def _ollama_end(told: Told, line: Json) -> None:
    told.ends = line["done_reason"]
    told.counts = [line["prompt_eval_count"], line["eval_count"]]


def whole_ollama(body: Json) -> Told:
    told = Told()
    assert body["done"] is True
    _ollama_piece(told, body["message"])
    _ollama_end(told, body)
    return told


STREAMED = {"messages": messages, "chat": chat, "responses": responses, "ollama": ollama}
WHOLE = {
    "messages": whole_messages,
    "chat": whole_chat,
    "responses": whole_responses,
    "ollama": whole_ollama,
}


def fits(pattern: str, found: str) -> bool:
    """`call_*` stands for any id of that kind."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".+"), found) is not None
