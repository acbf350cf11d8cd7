"""Damage to single bytes of Copilot's answer: each client gets all of it, or an error it can read.

Every damage meets every way to ask (`outcomes.py`): five dialects, three endpoints, streamed and
not. `HARMLESS` is what a correct reader does not notice, `FATAL` what cannot be made good, and of
`EITHER` the proxy may make what it likes as long as the client is not left with half an answer.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from itertools import pairwise

import aiohttp
import pytest
from phenomena.outcomes import ASKS, TEXT, Ask, asked
from phenomena.wire import Damage, Out, chunk, events, padded, unharmed, wired_rig
from proxy.talking import talking, user

MEGABYTE = 2**20
IDLE = 2.0  # seconds of silence that the proxy takes here, also before a head

# ------------------------------------------------------------------------------------ harmless


def pieces_at(body: bytes, *cuts: int) -> list[bytes]:
    places = [0, *sorted(cuts), len(body)]
    return [body[start:end] for start, end in pairwise(places)]


async def inside_characters(out: Out) -> None:
    """Every character of several bytes arrives in two reads."""
    cuts = [place for place, byte in enumerate(out.body) if byte >= 0xC0]
    await out.put_chunked(*pieces_at(out.body, *(cut + 1 for cut in cuts)))


async def inside_line_ends(out: Out) -> None:
    """CRLF, with every read ending between the two."""
    body = out.body.replace(b"\n", b"\r\n") if out.stream else out.body
    cuts = [place + 1 for place, byte in enumerate(body) if byte == 0x0D]
    await out.put_chunked(*pieces_at(body, *cuts))


async def old_line_ends(out: Out) -> None:
    """CR alone, as the format allows."""
    await out.put(out.sized(out.body.replace(b"\n", b"\r") if out.stream else out.body))


async def byte_order_mark(out: Out) -> None:
    await out.put(out.sized((b"\xef\xbb\xbf" if out.stream else b"") + out.body))


async def no_last_line_end(out: Out) -> None:
    await out.put(out.sized(out.body.rstrip(b"\n")))


async def comments(out: Out) -> None:
    """Between all events, one of them a megabyte long."""
    if not out.stream:
        return await out.put(out.sized(out.body))
    long = b": " + b"c" * MEGABYTE + b"\n\n"
    return await out.put_chunked(long, *(b": hi\n" + event for event in events(out.body)))


async def a_line_of_a_megabyte(out: Out) -> None:
    await out.put(out.sized(padded(out.body, MEGABYTE)))


async def foreign_fields(out: Out) -> None:
    """`id:` and `retry:` lines, and one of a field that does not exist."""
    extra = b"id: 7\nretry: 1\nwhatever\n" if out.stream else b""
    await out.put(out.sized(b"".join(extra + event for event in events(out.body))
                            if out.stream else out.body))  # fmt: skip


async def compressed(out: Out) -> None:
    """Nobody asked for it, but some gateways do it anyway."""
    packed = gzip.compress(out.body)
    await out.put(out.head("Content-Encoding: gzip", f"Content-Length: {len(packed)}") + packed)


async def early_hints(out: Out) -> None:
    await out.put(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", out.sized(out.body))


async def until_the_end_of_the_connection(out: Out) -> None:
    """HTTP/1.0: no length, no chunks."""
    await out.put(out.head().replace(b"HTTP/1.1", b"HTTP/1.0") + out.body)


async def odd_chunks(out: Out) -> None:
    """Sizes in capitals with zeros before them, extensions and a trailer."""
    await out.put(out.head("Transfer-Encoding: chunked"))
    for piece in pieces_at(out.body, 26, 200):
        await out.put(b"00%X;x=y\r\n%b\r\n" % (len(piece), piece))
    await out.put(b"0\r\nX-Trailer: 1\r\n\r\n")


HARMLESS: dict[str, Damage] = {
    each.__name__: each
    for each in (
        inside_characters, inside_line_ends, old_line_ends, byte_order_mark, no_last_line_end,
        comments, a_line_of_a_megabyte, foreign_fields, compressed, early_hints,
        until_the_end_of_the_connection, odd_chunks,
    )
}  # fmt: skip

# --------------------------------------------------------------------------------------- fatal


def half(out: Out) -> bytes:
    """Up to the middle of an event, or of the JSON."""
    return out.body[: out.body.index(b"{", len(out.body) // 3) + 9]


async def reset_at_once(out: Out) -> None:
    await out.reset()


async def reset_in_the_head(out: Out) -> None:
    await out.put(out.sized(out.body)[:20])
    await out.reset()


async def closed_in_the_head(out: Out) -> None:
    await out.put(out.sized(out.body)[:20])


async def no_http_at_all(out: Out) -> None:
    await out.put(b"SSH-2.0-OpenSSH_9.9\r\n")


async def a_header_without_a_colon(out: Out) -> None:
    await out.put(out.sized(out.body).replace(b"X-Request-Id: 1f2e", b"no colon here"))


async def an_endless_header(out: Out) -> None:
    await out.put(out.head(f"X-Long: {'h' * 100_000}", f"Content-Length: {len(out.body)}"))
    await out.put(out.body)


async def two_lengths(out: Out) -> None:
    sizes = (f"Content-Length: {len(out.body)}", "Content-Length: 9")
    await out.put(out.head(*sizes) + out.body)


async def silence_in_the_head(out: Out) -> None:
    await out.put(b"HTTP/1.1 200 O")
    await out.hang()


async def silence_in_the_body(out: Out) -> None:
    await out.put(out.sized(out.body)[: -len(out.body)] + half(out))
    await out.hang()


async def reset_in_the_body(out: Out) -> None:
    await out.put(out.head("Transfer-Encoding: chunked") + chunk(half(out)))
    await out.reset()


async def closed_in_a_chunk(out: Out) -> None:
    await out.put(out.head("Transfer-Encoding: chunked") + chunk(half(out))[:-7])


async def closed_before_its_length(out: Out) -> None:
    await out.put(out.head(f"Content-Length: {len(out.body)}") + half(out))


async def half_until_the_end_of_the_connection(out: Out) -> None:
    await out.put(out.head() + half(out))


async def too_short_a_length(out: Out) -> None:
    await out.put(out.head(f"Content-Length: {len(half(out))}") + out.body)


async def a_chunk_size_that_is_none(out: Out) -> None:
    await out.put(out.head("Transfer-Encoding: chunked") + chunk(half(out)))
    await out.put(b"zz\r\nmore\r\n0\r\n\r\n")


async def a_negative_chunk_size(out: Out) -> None:
    await out.put(out.head("Transfer-Encoding: chunked") + chunk(half(out)) + b"-5\r\nx\r\n")


async def a_chunk_longer_than_it_says(out: Out) -> None:
    await out.put(out.head("Transfer-Encoding: chunked") + b"10\r\n" + out.body + b"\r\n0\r\n\r\n")


async def half_a_comment(out: Out) -> None:
    """What the client is told afterwards must not become a part of it."""
    await out.put(out.sized(b": keep-al"))


async def half_an_event_name(out: Out) -> None:
    await out.put(out.sized(events(out.body)[0] + b"event: mess" if out.stream else b"{"))


async def cut_in_a_blank_line(out: Out) -> None:
    """An event is there, but not the second line end that closes it."""
    found = events(out.body)
    await out.put(out.sized(b"".join(found[:5])[:-1] if out.stream else half(out)))


async def nothing(out: Out) -> None:
    await out.put(out.sized(b""))


async def no_content(out: Out) -> None:
    await out.put(out.head(status="204 No Content"))


async def zeros(out: Out) -> None:
    await out.put(out.sized(bytes(4096)))


async def a_web_page(out: Out) -> None:
    """A captive portal that keeps the content type."""
    await out.put(out.sized(b"<!DOCTYPE html><html><title>Sign in to Wi-Fi</title></html>\n\n"))


async def a_redirect(out: Out) -> None:
    where = "Location: http://127.0.0.1:9/login"
    await out.put(out.head(where, "Content-Length: 0", status="302 Found"))


async def network_authentication_required(out: Out) -> None:
    body = b"<html>Sign in to Wi-Fi</html>"
    size = f"Content-Length: {len(body)}"
    await out.put(out.head(size, status="511 Network Authentication Required", kind="text/html"))
    await out.put(body)


async def broken_compression(out: Out) -> None:
    await out.put(out.head("Content-Encoding: gzip", f"Content-Length: {len(out.body)}"))
    await out.put(out.body)


async def half_of_it_compressed(out: Out) -> None:
    packed = gzip.compress(out.body, mtime=0)
    packed = packed[: len(packed) // 2]
    await out.put(out.head("Content-Encoding: gzip", f"Content-Length: {len(packed)}") + packed)


FATAL: dict[str, Damage] = {
    each.__name__: each
    for each in (
        reset_at_once, reset_in_the_head, closed_in_the_head, no_http_at_all,
        a_header_without_a_colon, an_endless_header, two_lengths, silence_in_the_head,
        silence_in_the_body, reset_in_the_body, closed_in_a_chunk, closed_before_its_length,
        half_until_the_end_of_the_connection, too_short_a_length, a_chunk_size_that_is_none,
        a_negative_chunk_size, a_chunk_longer_than_it_says, half_a_comment, half_an_event_name,
        cut_in_a_blank_line, nothing, no_content, zeros, a_web_page,
        a_redirect, network_authentication_required, broken_compression, half_of_it_compressed,
    )
}  # fmt: skip

# -------------------------------------------------------------------------------------- either


async def too_long_a_length(out: Out) -> None:
    """Everything is there, but more was promised."""
    await out.put(out.head(f"Content-Length: {len(out.body) + 10}") + out.body)


async def no_last_chunk(out: Out) -> None:
    await out.put_chunked(out.body, end=b"")


async def reset_after_the_end(out: Out) -> None:
    await out.put_chunked(out.body, end=b"")
    await out.reset()


async def bytes_that_are_no_text(out: Out) -> None:
    await out.put(out.sized(out.body.replace("Köln".encode(), b"K\xffln")))


async def lost_in_the_middle(out: Out) -> None:
    """A middle event is gone without a trace of it."""
    found = events(out.body)
    await out.put(out.sized(b"".join(found[:3] + found[4:]) if out.stream else out.body))


async def everything_twice(out: Out) -> None:
    await out.put(out.sized(out.body + out.body))


EITHER: dict[str, Damage] = {
    each.__name__: each
    for each in (
        too_long_a_length, no_last_chunk, reset_after_the_end, bytes_that_are_no_text,
        lost_in_the_middle, everything_twice,
    )
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
async def test_harmless(name: str) -> None:
    async with wired_rig(HARMLESS[name]) as (rig, _), aiohttp.ClientSession() as http:

        async def attempt(ask: Ask) -> None:
            outcome = await asked(http, rig.url, ask)
            assert outcome.whole, f"{ask}: {outcome}"
            assert outcome.text.strip() == TEXT, f"{ask}: {outcome}"

        await asyncio.gather(*(attempt(ask) for ask in ASKS))
        assert {each.outcome for each in rig.traffic.recent} == {"ok"}


@pytest.mark.parametrize("name", FATAL)
async def test_fatal(name: str) -> None:
    limits = {"idle_timeout": IDLE, "headers_timeout": IDLE}
    async with wired_rig(FATAL[name], **limits) as (rig, wire), aiohttp.ClientSession() as http:

        async def attempt(ask: Ask) -> None:
            outcome = await asked(http, rig.url, ask)
            assert not outcome.whole, f"{ask}: {outcome}"
            assert outcome.status in {200, 502, 503, 504}, f"{ask}: {outcome}"
            assert "<" not in str(outcome.says), "a page in a sentence"
            assert outcome.text in TEXT

        await asyncio.gather(*(attempt(ask) for ask in ASKS))
        assert {each.outcome for each in rig.traffic.recent} == {"failed"}
        assert len(wire.seen) <= 3 * len(ASKS), "no more than three calls for one request"


@pytest.mark.parametrize("name", FATAL)
async def test_fatal_on_a_socket(name: str) -> None:
    """The same for a client on a WebSocket, which goes on afterwards."""
    limits = {"idle_timeout": IDLE, "headers_timeout": IDLE}
    async with wired_rig(FATAL[name], **limits) as (rig, wire), talking(rig) as talk:
        last = await talk.ask(user(f"demo: say {TEXT}"))
        error = last["error"] if last["type"] == "error" else last["response"]["error"]
        assert last["type"] in {"error", "response.failed"}
        assert error["message"]
        assert "<" not in error["message"]
        wire.damage = unharmed
        assert await talk.say(f"demo: say {TEXT}") == TEXT


@pytest.mark.parametrize("name", EITHER)
async def test_either(name: str) -> None:
    async with wired_rig(EITHER[name]) as (rig, _), aiohttp.ClientSession() as http:
        # `asked` fails for an answer that is neither whole nor an error. Frames keep their bytes.
        lenient = name == "bytes_that_are_no_text"
        asking = (asked(http, rig.url, ask, lenient=lenient) for ask in ASKS)
        await asyncio.gather(*asking)


def bomb(start: bytes, size: int) -> bytes:
    """A gzip of `start` and `size` zeros; a thousandth of that on the wire."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(start)]
    zeros = b"0" * MEGABYTE
    parts += [packer.compress(zeros) for _ in range(size // MEGABYTE)]
    return b"".join([*parts, packer.flush()])


async def test_a_gzip_bomb() -> None:
    """80 MB in 80 KB: refused at the limit of an event, or of a whole answer."""
    packed = bomb(b'data: {"x": "', 80 * MEGABYTE)

    async def explode(out: Out) -> None:
        size = f"Content-Length: {len(packed)}"
        await out.put(out.head("Content-Encoding: gzip", size) + packed)

    some = [ask for ask in ASKS if ask.dialect in ("messages", "ollama")]
    async with wired_rig(explode) as (rig, _), aiohttp.ClientSession() as http:
        for ask in [each for each in some if each.endpoint == "/v1/messages"]:
            outcome = await asked(http, rig.url, ask)
            assert not outcome.whole
            assert "MB" in str(outcome.says), outcome
