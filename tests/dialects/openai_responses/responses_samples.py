"""Small streams, models and readings that the tests of this dialect share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from copilot_desktop.canonical import Effort, Event, Message, Reply, Request, Text, fold, unfold
from copilot_desktop.dialects.openai_responses import OpenAIResponses
from copilot_desktop.model import RESPONSES, Model
from copilot_desktop.sse import FrameDecoder, encode_json

EXAMPLES = Path(__file__).parents[2] / "examples"
DIALECT = OpenAIResponses()
MODEL = Model(
    id="gpt-x",
    vendor="OpenAI",
    endpoints=(RESPONSES,),
    efforts=(Effort.LOW, Effort.MEDIUM, Effort.HIGH),
    structured=True,
    vision=True,
    max_tokens_key="max_completion_tokens",
)
HELLO = Request("gpt-x", (Message("user", (Text("Hello"),)),))


def stream(*payloads: dict[str, Any]) -> bytes:
    """Payloads as an event stream with running sequence numbers."""
    return b"".join(
        encode_json({"sequence_number": number} | payload, payload["type"])
        for number, payload in enumerate(payloads)
    )


def final(output: list[dict[str, Any]], kind: str = "completed", **fields: Any) -> dict[str, Any]:
    """A terminal event."""
    response = {"id": "resp_u", "status": kind, "output": output, "usage": None, **fields}
    return {"type": f"response.{kind}", "response": response}


def events_of(data: bytes, size: int = 4096, model: Model = MODEL) -> list[Event]:
    """Everything the reader tells of `data`, fed in pieces of `size` bytes."""
    decoder, reader = FrameDecoder(), DIALECT.reader(model)
    events: list[Event] = []
    for start in range(0, len(data), size):
        for frame in decoder.feed(data[start : start + size]):
            events += reader.feed(frame)
    for frame in decoder.close():
        events += reader.feed(frame)
    events += reader.close()
    return events


def reply_of(data: bytes, size: int = 4096, model: Model = MODEL) -> Reply:
    return fold(events_of(data, size, model))


def payloads_of(data: bytes) -> list[dict[str, Any]]:
    """The JSON of each event; the `event:` line must say the same type."""
    decoder = FrameDecoder()
    found = []
    for frame in [*decoder.feed(data), *decoder.close()]:
        if frame.data:
            payload = frame.json()
            assert frame.event == payload["type"]
            found.append(payload)
    return found


def written(reply: Reply, request: Request = HELLO) -> bytes:
    """The stream that a client gets for `reply`."""
    writer = DIALECT.writer(request)
    return b"".join(writer.feed(event) for event in unfold(reply))
