"""Damage to single bytes on the WebSocket to Copilot: all of the answer, or an error frame.

`HARMLESS` is what a correct reader does not notice, `FATAL` what cannot be made good once a part of
the answer is there, and of `EITHER` the proxy may make what it likes as long as the client is not
left with half an answer. Before the first frame every damage is one to a socket that gives nothing:
then there is HTTP, or an error. Whatever happened, the client's own socket goes on.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from typing import Any

import pytest
from phenomena.outcomes import TEXT
from phenomena.socket_wire import (
    BINARY,
    CLOSE,
    CONTINUED,
    FINAL,
    PING,
    PONG,
    Handshake,
    Line,
    SocketDamage,
    SocketOut,
    closing,
    framed,
    switched,
)
from phenomena.wire import Out, padded, wired_rig
from proxy.talking import Talk, talking, user, words_of
from rig import Rig

from copilot_desktop.demo.sockets import METHOD
from copilot_desktop.upstream import client, websocket

MEGABYTE = 2**20
ASKED = f"demo: say {TEXT}"
IDLE = 2.0  # seconds of silence that the proxy takes here, also before the first frame
ENOUGH = 30.0  # seconds of it where all of an answer comes
HERE = 5  # frames that came whole before the damage

# ------------------------------------------------------------------------------------ harmless


def pieces(text: bytes, size: int) -> bytes:
    """One message in frames of `size` bytes, which cut through characters."""
    cut = [text[at : at + size] for at in range(0, len(text), size)]
    out = [framed(cut[0], first=0)]
    out += [framed(piece, CONTINUED, first=0) for piece in cut[1:]]
    return b"".join([*out, framed(b"", CONTINUED)])


async def in_many_frames(out: SocketOut) -> None:
    await out.put(*(pieces(text, 7) for text in out.told))


async def pings_between_the_pieces(out: SocketOut) -> None:
    ping = framed(b"are you there", PING) + framed(b"", PONG)
    for text in out.told:
        half = len(text) // 2
        await out.put(framed(text[:half], first=0), ping, framed(text[half:], CONTINUED), ping)


async def byte_by_byte(out: SocketOut) -> None:
    """The head of each frame and the characters of several bytes in reads of their own."""
    for frame in map(framed, out.told):
        await out.put(frame[:1], frame[1:2], *(frame[at : at + 101] for at in range(2, 999, 101)),
                      frame[2 + 101 * 10 :])  # fmt: skip


async def every_frame_at_once(out: SocketOut) -> None:
    await out.put(out.frames())


async def spaced_json(out: SocketOut) -> None:
    """Line ends between the fields, which an event on one line cannot hold."""
    await out.put(*(framed(json.dumps(json.loads(text), indent=1).encode()) for text in out.told))


async def a_megabyte_in_the_middle(out: SocketOut) -> None:
    longer = padded(out.told[HERE], MEGABYTE)
    await out.put(out.frames(0, HERE), framed(longer), out.frames(HERE + 1))


HARMLESS: dict[str, SocketDamage] = {
    each.__name__: each
    for each in (
        in_many_frames, pings_between_the_pieces, byte_by_byte, every_frame_at_once, spaced_json,
        a_megabyte_in_the_middle,
    )
}  # fmt: skip

# --------------------------------------------------------------------------------------- fatal


def written(*pieces: bytes) -> SocketDamage:
    """These bytes in the place of what is left of the answer, and then silence."""

    async def damage(out: SocketOut) -> None:
        await out.put(*pieces)
        await out.hang()

    return damage


def ended(*pieces: bytes) -> SocketDamage:
    """The same, and then the end of the connection."""

    async def damage(out: SocketOut) -> None:
        await out.put(*pieces)
        out.writer.close()

    return damage


async def reset(out: SocketOut) -> None:
    await out.reset()


async def reset_in_a_frame(out: SocketOut) -> None:
    await out.put(framed(out.told[-1])[:40])
    await out.reset()


async def closed_in_a_frame(out: SocketOut) -> None:
    await out.put(framed(out.told[-1])[:40])
    out.writer.close()


async def silence_in_a_frame(out: SocketOut) -> None:
    await out.put(framed(out.told[-1])[:40])
    await out.hang()


async def silence_in_a_message(out: SocketOut) -> None:
    await out.put(framed(out.told[-1][:40], first=0))
    await out.hang()


async def a_message_in_a_message(out: SocketOut) -> None:
    await out.put(framed(out.told[-1][:40], first=0), framed(out.told[-1]))
    await out.hang()


async def binary(out: SocketOut) -> None:
    await out.put(framed(out.told[-1], BINARY))
    await out.hang()


async def compressed_without_asking(out: SocketOut) -> None:
    """The bit of an extension that was not agreed on."""
    await out.put(framed(out.told[-1], first=FINAL | 0x40))
    await out.hang()


FATAL: dict[str, SocketDamage] = {
    each.__name__: each
    for each in (
        reset, reset_in_a_frame, closed_in_a_frame, silence_in_a_frame, silence_in_a_message,
        a_message_in_a_message, binary, compressed_without_asking,
    )
} | {
    "silence": written(),
    "an end without goodbye": ended(),
    "closed, 1000": ended(closing(1000)),
    "closed, 1001": ended(closing(1001, b"connection too old")),
    "closed, 1006 on the wire": ended(closing(1006)),
    "closed, 1009": ended(closing(1009)),
    "closed, 1011": ended(closing(1011, b"<html>upstream</html>")),
    "closed, 4999": ended(closing(4999, "Größe".encode())),
    "closed without a code": ended(framed(b"", CLOSE)),
    "closed with half a code": written(framed(b"\x03", CLOSE)),
    "closed with words that are no text": written(closing(1000, b"\xff\xfe")),
    "closed, and the connection stays": written(closing(1001)),
    "an opcode of the future": written(framed(b"{}", 0x3)),
    "a control frame of the future": written(framed(b"{}", 0xB)),
    "a ping in two frames": written(framed(b"", PING, first=0)),
    "a ping that is too long": written(framed(b"p" * 126, PING)),
    "a piece of nothing": written(framed(b"{}", CONTINUED)),
    "a negative length": written(bytes([0x81, 127]) + b"\xff" * 8),
    "a frame beyond the limit": written(bytes([0x81, 127]) + struct.pack("!Q", 2**40) + b"x"),
    "no text": written(framed(b'{"type":"\xff\xfe"}')),
    "no WebSocket any more": written(b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html></html>"),
    "zeros": written(bytes(64)),
}  # fmt: skip

# -------------------------------------------------------------------------------------- either


async def masked(out: SocketOut) -> None:
    """A server must not, and it does no harm."""
    await out.put(*(framed(text, mask=b"\x01\x02\x03\x04") for text in out.told[HERE:]))


async def a_frame_is_missing(out: SocketOut) -> None:
    await out.put(out.frames(HERE + 1))


async def a_frame_twice(out: SocketOut) -> None:
    await out.put(out.frames(HERE, HERE + 1), out.frames(HERE))


async def an_event_nobody_knows(out: SocketOut) -> None:
    await out.put(framed(b'{"type":"response.of_the_future","x":[1]}'), out.frames(HERE))


def then_the_rest(*strange: bytes) -> SocketDamage:
    async def damage(out: SocketOut) -> None:
        await out.put(*(framed(text) for text in strange), out.frames(HERE))

    return damage


EITHER: dict[str, SocketDamage] = {
    each.__name__: each
    for each in (masked, a_frame_is_missing, a_frame_twice, an_event_nobody_knows)
} | {
    "an empty frame": then_the_rest(b""),
    "no JSON": then_the_rest(b"hello"),
    "half of JSON": then_the_rest(b'{"type":"response.output_text.delta","delta":"x'),
    "a list": then_the_rest(b"[]"),
    "null": then_the_rest(b"null"),
    "a type that is none": then_the_rest(b'{"type":7}'),
    "a page": then_the_rest(b"<!DOCTYPE html>\n<html><title>Sign in to Wi-Fi</title></html>"),
    "bottomless": then_the_rest(b"[" * 100_000),
    "events in a frame": then_the_rest(b"event: x\ndata: {}\n\ndata: [DONE]\n\n"),
    "an end of another kind": then_the_rest(b'{"type":"response.completed"}'),
    "an end with nothing in it": then_the_rest(b'{"type":"response.completed","response":7}'),
}  # fmt: skip


def after(damage: SocketDamage) -> SocketDamage:
    """`HERE` whole frames first."""

    async def later(out: SocketOut) -> None:
        await out.put(out.frames(0, HERE))
        await damage(out)

    return later


async def ask(talk: Talk, damage: str) -> tuple[str, dict[str, Any]]:
    """What the client read of the answer, and the frame that ended it."""
    await talk.send(user(ASKED), instructions=damage)
    events = await talk.answer()
    told = [each["delta"] for each in events if each["type"] == "response.output_text.delta"]
    return "".join(told), events[-1]


def failed(last: dict[str, Any]) -> bool:
    """Whether this is an error that a client can read. Fails for one that it cannot."""
    if last["type"] in {"response.completed", "response.incomplete"}:
        return False
    error = last["error"] if last["type"] == "error" else last["response"]["error"]
    assert error["message"]
    assert "<" not in error["message"]
    return True


async def met(rig: Rig, damage: str, *, whole: bool | None) -> None:
    """A client meets this damage, and goes on. `whole` None: all of the answer, or an error."""
    async with talking(rig) as talk:
        text, last = await ask(talk, damage)
        is_whole = not failed(last)
        assert whole in (None, is_whole), last
        if whole is not None:
            assert text == TEXT if whole else TEXT.startswith(text)
        talk.last = None
        assert await talk.say(ASKED) == TEXT


async def all_met(damages: Mapping[str, SocketDamage], *, whole: bool | None) -> None:
    """At once, since some of them take their time."""
    # Where no answer may be missing, a machine that is slow must not make one so.
    wait = ENOUGH if whole else IDLE
    line, limits = Line(damages), {"idle_timeout": wait, "headers_timeout": wait}
    async with wired_rig(line=line, **limits) as (rig, _):
        ended = await asyncio.gather(
            *(met(rig, name, whole=whole) for name in damages), return_exceptions=True
        )
        assert line.opened >= len(damages)
    wrong = {name: end for name, end in zip(damages, ended, strict=True) if end is not None}
    assert not wrong


@pytest.fixture(autouse=True)
def _sockets_are_tried_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "PAUSE", 0.0)


async def test_harmless() -> None:
    await all_met(HARMLESS, whole=True)


async def test_in_the_middle_of_an_answer() -> None:
    await all_met({name: after(damage) for name, damage in FATAL.items()}, whole=False)


async def test_before_an_answer() -> None:
    await all_met(FATAL, whole=None)


async def test_either() -> None:
    await all_met({name: after(damage) for name, damage in EITHER.items()}, whole=None)


def followed_by(*frames: bytes) -> SocketDamage:
    """The whole answer, and something that belongs to none."""

    async def damage(out: SocketOut) -> None:
        await out.put(b"".join([out.frames(), *frames]))

    return damage


BETWEEN: dict[str, SocketDamage] = {
    "another end": followed_by(
        framed(b'{"type":"response.completed","response":{"id":"r","output":[],"usage":null}}')
    ),
    "an error": followed_by(
        framed(b'{"type":"error","error":{"code":"session_expired","message":"Too old."}}')
    ),
    "a word of its own": followed_by(framed(b'{"type":"copilot.note"}')),
    "a goodbye": followed_by(closing(1001)),
}


@pytest.mark.parametrize("name", BETWEEN)
async def test_what_comes_between_two_answers_belongs_to_none(name: str) -> None:
    line = Line(BETWEEN)
    async with wired_rig(line=line) as (rig, _), talking(rig) as talk:
        for word in ("apple", "pear", "plum"):
            await talk.send(user(f"demo: say {word}"), instructions=name)
            events = await talk.answer()
            assert events[0]["type"] == "response.created"
            assert words_of(events[-1]) == word
        assert sum(each.method == METHOD for each in rig.fake.ledger) == 3, "nothing was sent twice"


# ----------------------------------------------------------------------------------- handshakes


def answering(*head: bytes, stay: bool = False) -> Handshake:
    async def shake(out: Out, _: Mapping[str, str]) -> bool:
        await out.put(*head)
        if stay:
            await out.hang()
        out.writer.close()
        return False

    return shake


async def reset_at_once(out: Out, _: Mapping[str, str]) -> bool:
    await out.reset()
    return False


HANDSHAKES: dict[str, Handshake] = {
    "a reset": reset_at_once,
    "a foreign key": answering(switched("Sec-WebSocket-Accept: c3RyYW5nZQ==")),
    "no key": answering(switched()),
    "no upgrade": answering(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    "another protocol": answering(switched().replace(b"websocket", b"h2c")),
    "a page": answering(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"),
    "a redirect": answering(b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:9/\r\n\r\n"),
    "no HTTP": answering(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "nothing": answering(),
    "an endless head": answering(b"HTTP/1.1 101 X\r\nX: ", b"h" * 100_000),
    "silence": answering(b"HTTP/1.1 101 Swi", stay=True),
}  # fmt: skip


@pytest.mark.parametrize("name", HANDSHAKES)
async def test_a_handshake_that_is_none_means_http(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "DIAL_SECONDS", IDLE)
    line = Line(shake=HANDSHAKES[name])
    async with wired_rig(line=line) as (rig, wire), talking(rig) as talk:
        assert await talk.say(ASKED) == TEXT
        assert 1 <= line.opened <= 2, "one that was reset is tried once more"
        assert wire.seen == ["/responses"]
