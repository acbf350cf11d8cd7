"""A WebSocket to the fake Copilot on which the bytes of an answer can be damaged.

As `wire` is for HTTP: nothing that knows WebSockets writes here, so it can also write what no
library would. Each request frame of the product is asked of the fake, and what the fake said is
given to a `SocketDamage`, which writes it (RFC 6455) or something else. Which one it is, the client
says in the `instructions` of its request: many clients can meet many damages at once.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import aiohttp
from phenomena.wire import Out
from proxy.talking import ENDS

CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FINAL = 0x80
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


def framed(data: bytes, opcode: int = TEXT, *, first: int = FINAL, mask: bytes = b"") -> bytes:
    """One frame. `first`: the bits beside the opcode."""
    masked = 0x80 if mask else 0
    if len(data) < 126:
        size = struct.pack("!B", masked | len(data))
    elif len(data) < 2**16:
        size = struct.pack("!BH", masked | 126, len(data))
    else:
        size = struct.pack("!BQ", masked | 127, len(data))
    if mask:
        data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
    return bytes([first | opcode]) + size + mask + data


def closing(code: int, reason: bytes = b"") -> bytes:
    return framed(struct.pack("!H", code) + reason, CLOSE)


@dataclass
class SocketOut(Out):
    """One answer on its way to the product. `told` are the texts of the fake's frames."""

    told: list[bytes] = field(default_factory=list)

    def frames(self, start: int = 0, end: int | None = None) -> bytes:
        return b"".join(framed(text) for text in self.told[start:end])


SocketDamage = Callable[[SocketOut], Awaitable[None]]
Handshake = Callable[[Out, Mapping[str, str]], Awaitable[bool]]


async def unharmed(out: SocketOut) -> None:
    await out.put(out.frames())


def accepted(key: str) -> str:
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


async def shaken(out: Out, named: Mapping[str, str]) -> bool:
    """The handshake as it should be; whether frames may follow."""
    key = accepted(named["sec-websocket-key"])
    await out.put(switched(f"Sec-WebSocket-Accept: {key}"))
    return True


def switched(*fields: str) -> bytes:
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    return "\r\n".join([*lines, *fields, "", ""]).encode()


@dataclass
class Line:
    """The sockets of one `wired_rig`: `damages` by name, and how each is opened."""

    damages: Mapping[str, SocketDamage] = field(default_factory=dict)
    shake: Handshake = shaken
    opened: int = 0

    async def serve(
        self,
        fake: str,
        http: aiohttp.ClientSession,
        named: Mapping[str, str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """One connection of the product, from its handshake on."""
        out = SocketOut(writer, 101, "", b"")
        self.opened += 1
        if not await self.shake(out, named):
            return
        ours = {"host", "connection", "upgrade"}
        headers = {
            name: value
            for name, value in named.items()
            if name not in ours and not name.startswith("sec-websocket")
        }
        async with http.ws_connect(f"{fake}/responses", headers=headers, max_msg_size=0) as real:
            while (request := await read_frame(reader)) is not None:
                name = json.loads(request).get("instructions")
                await real.send_str(request.decode())
                out.told = []
                while not out.told or json.loads(out.told[-1])["type"] not in ENDS:
                    out.told.append((await real.receive_str()).encode())
                await self.damages.get(name, unharmed)(out)


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next text frame of the product, None when it says goodbye. Other frames are passed."""
    while True:
        first, second = await reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", await reader.readexactly(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", await reader.readexactly(8))[0]
        assert second & 0x80, "a client's frames are masked"
        mask, data = await reader.readexactly(4), await reader.readexactly(size)
        if first & 0x0F == CLOSE:
            return None
        if first & 0x0F == TEXT:
            return bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
