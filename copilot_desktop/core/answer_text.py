"""What an answer in a client's format says, as plain text, while it arrives.

For the playground, which shows what a client would show. Pure: bytes in, pieces of text out. It
looks at the four formats from the client's side and takes only words; a piece that it does not know
is passed over, because the raw frames are shown as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from copilot_desktop.sse import EventTooLarge, FrameDecoder

Speech = Literal["chat", "responses", "messages", "ollama"]
Kind = Literal["text", "thinking"]
Piece = tuple[Kind, str]
_Found = Iterator[tuple[Kind, Any]]

LARGEST = 4 * 1024 * 1024  # bytes of an unstreamed answer


class AnswerText:
    """Feed it the bytes of one answer; `close` gives the rest."""

    def __init__(self, speech: Speech, *, stream: bool) -> None:
        self._speech = speech
        self._stream = stream
        self._frames = FrameDecoder()
        self._pending = bytearray()

    def feed(self, content: bytes) -> list[Piece]:
        if not self._stream:
            if len(self._pending) < LARGEST:
                self._pending += content
            return []
        if self._speech == "ollama":
            self._pending += content
            *whole, rest = self._pending.split(b"\n")
            self._pending = bytearray(rest)
            return [piece for line in whole for piece in self._read(bytes(line))]
        try:
            frames = list(self._frames.feed(content))
        except EventTooLarge:
            return []
        return [piece for frame in frames for piece in self._read(frame.data)]

    def close(self) -> list[Piece]:
        rest = bytes(self._pending)
        self._pending.clear()
        return list(self._read(rest)) if rest.strip() else []

    def _read(self, raw: bytes) -> Iterator[Piece]:
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            return
        if not isinstance(found, dict):
            return
        for kind, text in _READERS[self._speech, self._stream](found):
            if isinstance(text, str) and text:
                yield kind, text


def _chat_piece(found: dict[str, Any]) -> _Found:
    for choice in _listed(found, "choices"):
        delta = _object(choice, "delta") or _object(choice, "message")
        yield "thinking", delta.get("reasoning_text") or delta.get("reasoning_content") or ""
        yield "text", delta.get("content") or ""
        yield "text", delta.get("refusal") or ""


def _responses_piece(found: dict[str, Any]) -> _Found:
    match found.get("type"):
        case "response.output_text.delta" | "response.refusal.delta":
            yield "text", found.get("delta", "")
        case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
            yield "thinking", found.get("delta", "")


def _responses_whole(found: dict[str, Any]) -> _Found:
    for item in _listed(found, "output"):
        for part in _listed(item, "summary"):
            yield "thinking", part.get("text", "")
        for part in _listed(item, "content"):
            yield "text", part.get("text") or part.get("refusal") or ""


def _messages_piece(found: dict[str, Any]) -> _Found:
    delta = _object(found, "delta")
    yield "thinking", delta.get("thinking", "")
    yield "text", delta.get("text", "")


def _messages_whole(found: dict[str, Any]) -> _Found:
    for block in _listed(found, "content"):
        yield "thinking", block.get("thinking", "")
        yield "text", block.get("text", "")


def _ollama_piece(found: dict[str, Any]) -> _Found:
    message = _object(found, "message")
    yield "thinking", message.get("thinking", "")
    yield "text", message.get("content", "")


_READERS = {
    ("chat", True): _chat_piece,
    ("chat", False): _chat_piece,
    ("responses", True): _responses_piece,
    ("responses", False): _responses_whole,
    ("messages", True): _messages_piece,
    ("messages", False): _messages_whole,
    ("ollama", True): _ollama_piece,
    ("ollama", False): _ollama_piece,
}


def _object(found: dict[str, Any], key: str) -> dict[str, Any]:
    value = found.get(key)
    return value if isinstance(value, dict) else {}


def _listed(found: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = found.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
