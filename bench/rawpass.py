"""The floor in Python: bytes in, bytes out, one connection upstream for each of the client's.

Nothing is read, chosen or counted. What any proxy in Python adds to this is its own doing.

    python rawpass.py PORT HOST:PORT [CA FILE]
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from typing import cast


class Side(asyncio.Protocol):
    """One of two connections; `other` gets what this one reads."""

    def __init__(self, other: Side | None = None) -> None:
        self.other = other
        self.transport: asyncio.Transport | None = None
        self.early = bytearray()  # what the client said before upstream was there
        self.waiting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        if self.other is None:
            self.waiting = asyncio.create_task(self.connect())
        else:
            self.other.other = self  # before anything more is said
            transport.write(bytes(self.other.early))
            self.other.early.clear()

    async def connect(self) -> None:
        host, _, port = sys.argv[2].partition(":")
        context = ssl.create_default_context(cafile=sys.argv[3]) if len(sys.argv) > 3 else None
        await asyncio.get_running_loop().create_connection(
            lambda: Side(self), host, int(port), ssl=context
        )

    def data_received(self, data: bytes) -> None:
        if self.other is None or self.other.transport is None:
            self.early += data
        else:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.resume_reading()

    def connection_lost(self, _error: Exception | None) -> None:
        if self.waiting is not None:
            self.waiting.cancel()
        if self.other and self.other.transport:
            self.other.transport.close()


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Side, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        import uvloop  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
