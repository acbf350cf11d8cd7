"""Models, and streams read the way the proxy reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from copilot_desktop.canonical import Effort, Event
from copilot_desktop.dialects.anthropic_messages import AnthropicMessages
from copilot_desktop.model import MESSAGES, Model
from copilot_desktop.sse import FrameDecoder

EXAMPLES = Path(__file__).parents[2] / "examples"
Read = Callable[..., list[Event]]


@pytest.fixture
def dialect() -> AnthropicMessages:
    return AnthropicMessages()


@pytest.fixture
def claude() -> Model:
    """A Claude that decides by itself how much to think."""
    return Model(
        id="claude-sonnet-x",
        vendor="Anthropic",
        endpoints=(MESSAGES,),
        max_output=64_000,
        vision=True,
        structured=True,
        thinking="optional",
        efforts=(Effort.LOW, Effort.MEDIUM, Effort.HIGH),
    )


@pytest.fixture
def example() -> Callable[[str], bytes]:
    return lambda name: (EXAMPLES / name).read_bytes()


@pytest.fixture
def read(dialect: AnthropicMessages, claude: Model) -> Read:
    """All events of a stream that comes in chunks of `size` bytes."""

    def events(stream: bytes, size: int = 4096) -> list[Event]:
        decoder, reader = FrameDecoder(), dialect.reader(claude)
        told: list[Event] = []
        for start in range(0, len(stream), size):
            for frame in decoder.feed(stream[start : start + size]):
                told += reader.feed(frame)
        for frame in decoder.close():
            told += reader.feed(frame)
        return told + list(reader.close())

    return events
