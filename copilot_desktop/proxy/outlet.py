"""What leaves for a client at once if it has room, and otherwise as soon as it has.

An answer is told within the call that has read it, where nobody can wait. What the client cannot
take then is held, upstream is not read any more, and the task of the exchange waits for the client.
"""

from __future__ import annotations

from copilot_desktop.proxy.answers import Downstream
from copilot_desktop.upstream.client import UpstreamReply
from copilot_desktop.upstream.direct import MORE, PAUSE, Wish


class Outlet:
    """The way out of one streamed answer. `reply` is what it answers from, once that has begun."""

    __slots__ = ("_down", "_held", "reply")

    def __init__(self, down: Downstream, reply: UpstreamReply | None = None) -> None:
        self._down = down
        self._held = b""
        self.reply = reply

    def send(self, out: bytes) -> Wish:
        """In one write, now or later; what is wished of upstream until then."""
        if out and (self._held or not self._down.write_now(out, self.reply)):
            self._held += out
        return PAUSE if self._held else MORE

    async def room(self) -> None:
        """Send what is held, and wait for the client to take it."""
        while self._held:
            held, self._held = self._held, b""
            await self._down.write(held, self.reply)
