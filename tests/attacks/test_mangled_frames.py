"""A client's WebSocket with single bytes that no library would send: it ends, and nothing else.

Whatever comes, at rest or in the middle of an answer: the connection is over in time, Copilot's
call with it, nothing of it is in the log, and the next client is served.
"""

from __future__ import annotations

import asyncio
import json
import struct

import pytest
from phenomena.socket_wire import BINARY, CLOSE, CONTINUED, FINAL, PING, TEXT, framed
from proxy.raw import hang_up, request, until
from proxy.talking import talking, user
from rig import Rig, running_rig

from copilot_desktop.demo import Slow
from copilot_desktop.demo.sockets import SOCKET
from copilot_desktop.proxy.config import ProxyConfig

MASK = b"\x01\x02\x03\x04"
CANARY = b"canary-of-the-frame"
LIMIT = 20.0  # seconds; a deadline for one client
OFFER = (
    ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)  # fmt: skip
ASK = json.dumps({"type": "response.create", "model": "gpt-5.3-codex", "input": "hi"}).encode()


def mine(data: bytes, opcode: int = TEXT, *, first: int = FINAL) -> bytes:
    return framed(data, opcode, first=first, mask=MASK)


# What ends a connection.
ODD = {
    "bits of an extension": mine(CANARY, first=FINAL | 0x40),
    "other bits": mine(CANARY, first=FINAL | 0x30),
    "an opcode of the future": mine(CANARY, 0x3),
    "a control frame of the future": mine(CANARY, 0xB),
    "a ping in two frames": mine(CANARY, PING, first=0),
    "a ping that is too long": mine(CANARY * 7, PING),
    "a piece of nothing": mine(CANARY, CONTINUED),
    "a message in a message": mine(CANARY, first=0) + mine(CANARY),
    "no text": mine(b"\xff\xfe" + CANARY),
    "half a character": mine("ü".encode()[:1]),
    "a length beyond every limit": bytes([0x81, 0xFF]) + struct.pack("!Q", 2**62) + MASK,
    "a negative length": bytes([0x81, 0xFF]) + b"\xff" * 8 + MASK,
    "far too large": mine(b"x" * 700_000),
    "far too large in pieces": b"".join([mine(b"x" * 100_000, first=0),
                                         *[mine(b"x" * 100_000, CONTINUED, first=0)] * 7]),
    "half of a close": mine(b"\x03", CLOSE),
    "a close for no reason": mine(struct.pack("!H", 5) + CANARY, CLOSE),
    "a close that is no text": mine(struct.pack("!H", 1000) + b"\xff", CLOSE),
    "HTTP again": b"GET /" + CANARY + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "zeros": bytes(64),
    "ones": b"\xff" * 64,
}  # fmt: skip
# What is answered in words, or passed over.
TAKEN = {
    "binary": mine(CANARY, BINARY),
    "nothing": mine(b""),
    "no JSON": mine(b"{" + CANARY),
    "bottomless": mine(b"[" * 50_000),
    "a thousand pings": mine(CANARY, PING) * 1000,
    "an answer to no ping": mine(CANARY, 0xA),
    "without a mask": framed(b"{" + CANARY),  # which only browsers need
}


async def opened(rig: Rig) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.write(request("GET", "/v1/responses", *OFFER))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    return reader, writer


async def meet(rig: Rig, name: str, data: bytes, *, asked: bool) -> None:
    """Send it, and wait for the end, which we bring about ourselves where it is taken."""
    async with asyncio.timeout(LIMIT):
        reader, writer = await opened(rig)
        if asked:
            writer.write(mine(ASK))
        writer.write(data)
        if name in TAKEN:
            writer.write(mine(struct.pack("!H", 1000), CLOSE))
        try:
            said = await reader.read()
        except ConnectionResetError:
            said = b""
        assert name == "a thousand pings" or CANARY not in said
        await hang_up(writer)


@pytest.mark.parametrize("asked", [False, True], ids=["at rest", "in an answer"])
async def test_it_ends_and_nothing_else(asked: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "copilot_desktop")
    async with running_rig(config=ProxyConfig(max_body=300_000)) as rig:
        rig.fake.add_fault(Slow(SOCKET, seconds=3600, times=-1))
        odd = {**ODD, **TAKEN}
        ended = await asyncio.gather(
            *(meet(rig, name, data, asked=asked) for name, data in odd.items()),
            return_exceptions=True,
        )
        wrong = {name: end for name, end in zip(odd, ended, strict=True) if end is not None}
        assert not wrong
        await until(lambda: rig.traffic.in_flight == 0, "the answers are over")
        await until(lambda: all(each.done or each.aborted for each in rig.fake.ledger))
        rig.fake.clear_faults()
        async with talking(rig) as talk:
            assert (await talk.ask(user("hi")))["type"] == "response.completed"
    assert CANARY.decode() not in caplog.text
    assert "Traceback" not in caplog.text
