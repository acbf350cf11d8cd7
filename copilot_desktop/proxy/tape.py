"""What passed through one exchange, on both of its sides: only where somebody asked to see it.

Usually an exchange has no tape, and no content is kept anywhere. A tape is put in by the core, for
a request of the playground or while contents are being recorded; it holds four sides:

    asked   the client's request          sent    what went to Copilot, each attempt
    told    what the client got           heard   what Copilot sent back

Bodies and streams only, never a header. Each side is bounded, and nothing that looks like a secret
leaves a tape (`security-rules.md` 9).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from copilot_desktop.errors import Problem
from copilot_desktop.redaction import redact
from copilot_desktop.upstream.client import Call, Tries, UpstreamReply
from copilot_desktop.upstream.healed import Carrier
from copilot_desktop.upstream.token import Authority

LIMIT = 128 * 1024  # bytes of each side
SIDES = ("asked", "sent", "heard", "told")

Json = dict[str, Any]


class Side:
    """The beginning of what passed on one side; `size` counts all of it, in bytes."""

    def __init__(self, limit: int) -> None:
        self.size = 0
        self._limit = limit
        self._kept = bytearray()

    def add(self, content: bytes) -> None:
        self.size += len(content)
        if (room := self._limit - len(self._kept)) > 0:
            self._kept += content[:room]

    def mark(self, words: str) -> None:
        """A line between two attempts."""
        if self._kept:
            self.add(b"\n\n")
        self.add(words.encode("utf-8", "replace"))

    def to_json(self) -> Json:
        """`text` without secrets, `size` in bytes, `cut` if the end is missing."""
        text = redact(self._kept.decode("utf-8", "replace"))
        return {"text": text, "size": self.size, "cut": self.size > len(self._kept)}


class Tape:
    """One exchange. `exchange` is its id once it has begun."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.exchange = 0
        self.asked = Side(limit)
        self.sent = Side(limit)
        self.heard = Side(limit)
        self.told = Side(limit)

    def to_json(self) -> Json:
        return {name: getattr(self, name).to_json() for name in SIDES}


class Taped:
    """A carrier that takes down what it carries."""

    def __init__(self, carrier: Carrier, tape: Tape) -> None:
        self._carrier = carrier
        self._tape = tape

    @asynccontextmanager
    async def converse(
        self, call: Call, authority: Authority, tries: Tries | None = None
    ) -> AsyncIterator[UpstreamReply]:
        tape = self._tape
        tape.sent.mark(f"POST {call.endpoint}\n")
        tape.sent.add(call.body)
        try:
            async with self._carrier.converse(call, authority, tries) as reply:
                yield _Overheard(reply, tape.heard)
        except Problem as problem:
            if problem.upstream_status and problem.upstream_status >= 400:
                tape.heard.mark(f"{problem.upstream_status} {problem.detail or problem.message}\n")
            raise


class _Overheard(UpstreamReply):
    """A reply whose bytes are taken down as they are read."""

    can_go_straight = False

    def __init__(self, reply: UpstreamReply, side: Side) -> None:
        self._reply = reply
        self._side = side

    @property
    def status(self) -> int:
        return self._reply.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._reply.headers

    async def piece(self) -> bytes:
        piece = await self._reply.piece()
        self._side.add(piece)
        return piece

    @property
    def is_read(self) -> bool:
        return self._reply.is_read

    async def finish(self) -> None:
        await self._reply.finish()

    async def close(self) -> None:
        await self._reply.close()
