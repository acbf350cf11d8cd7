"""What Copilot's three formats have in common: usage, cost, the size of fragments.

A stream is an iterator of frames (bytes of whole events) and of waits. The formats themselves are
in `wire_chat`, `wire_responses` and `wire_messages`; all three write with Copilot's accent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from typing import Any

from copilot_desktop.demo import opaque
from copilot_desktop.demo.ask import Ask
from copilot_desktop.demo.catalogue import Facts
from copilot_desktop.demo.voice import Beat, Call, Fail, Say, Stop, Think, Wait

Frames = Iterator[bytes | Wait]

_SIZES = (7, 1, 12, 3, 19, 5)
_LONG = 2000  # characters; longer texts come in larger fragments
_LONG_SIZES = (61, 17, 83, 40)


@dataclass(frozen=True)
class Reply:
    """One reply, before it takes a form. `label` seeds its ids; `created` is in epoch seconds;
    `sealed`: pieces of arguments are not plain."""

    facts: Facts
    ask: Ask
    beats: tuple[Beat, ...]
    label: str
    created: int
    prompt: int
    cached: int = 0
    written: int = 0
    sealed: bool = False

    @cached_property
    def stop(self) -> Stop:
        """How it ends. A reply that fails has no Stop; then this is a placeholder."""
        last = self.beats[-1]
        return last if isinstance(last, Stop) else Stop()

    @cached_property
    def failure(self) -> Fail | None:
        return next((beat for beat in self.beats if isinstance(beat, Fail)), None)

    @cached_property
    def silence(self) -> float:
        """Seconds of all pauses: what one waits for an answer that is not streamed."""
        return sum(beat.seconds for beat in self.beats if isinstance(beat, Wait))

    @cached_property
    def text(self) -> str:
        return "".join(beat.text for beat in self.beats if isinstance(beat, Say))

    @cached_property
    def thoughts(self) -> tuple[Think, ...]:
        return tuple(beat for beat in self.beats if isinstance(beat, Think))

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        return tuple(beat for beat in self.beats if isinstance(beat, Call))

    @cached_property
    def thinking(self) -> int:
        """Tokens spent on thoughts."""
        return sum(tokens(thought.text) for thought in self.thoughts)

    @cached_property
    def output(self) -> int:
        """All tokens that were written, thoughts included."""
        said = [beat.text for beat in self.beats if isinstance(beat, Say | Call)]
        return self.thinking + sum(tokens(text) for text in said)

    @cached_property
    def nano(self) -> int:
        """Cost in nano AIU; 0 for accounts that pay by requests."""
        details = self._details()
        return sum(int(d["token_count"]) * int(d["cost_per_batch"]) for d in details) // 1_000_000

    def _details(self) -> list[dict[str, Any]]:
        prices = self.facts.prices or {}
        counted = (
            ("input", self.prompt - self.cached - self.written, "input_price"),
            ("cache_read", self.cached, "cache_price"),
            ("cache_write", self.written, "cache_write_price"),
            ("output", self.output, "output_price"),
        )
        return [
            {
                "batch_size": 1_000_000,
                "cost_per_batch": int(prices.get(price, 0) * 1_000_000_000),
                "token_count": count,
                "token_type": kind,
            }
            for kind, count, price in counted
        ]

    def billing(self) -> dict[str, Any]:
        """`copilot_usage`, absent for accounts that pay by requests."""
        if self.facts.prices is None:
            return {}
        return {"copilot_usage": {"token_details": self._details(), "total_nano_aiu": self.nano}}

    def call_id(self, number: int) -> str:
        """In the form of the vendor."""
        seed = f"{self.label}/call{number}"
        if self.facts.claude:
            back_end = "vrtx_01" if opaque.hexes(seed, 1) < "8" else "01"
            return f"toolu_{back_end}{opaque.word(seed, 22)}"
        return f"call_{opaque.word(seed, 24)}"


def tokens(text: str) -> int:
    """At four characters each; 0 for nothing."""
    return (len(text) + 3) // 4


def fragments(text: str) -> Iterator[str]:
    """A text in pieces of odd sizes."""
    start = 0
    for size in cycle(_LONG_SIZES if len(text) > _LONG else _SIZES):
        if start >= len(text):
            return
        yield text[start : start + size]
        start += size


def dumps(value: Any) -> bytes:
    """Compact JSON with real characters."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


def frame(value: Any, event: str = "") -> bytes:
    """One event."""
    head = f"event: {event}\n".encode() if event else b""
    return head + b"data: " + dumps(value) + b"\n\n"


DONE = b"data: [DONE]\n\n"
