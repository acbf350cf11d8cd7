"""Requests with their bytes mangled: each is refused in our own words, or answered as HTTP has it.

The mangling is the same in every run. Whatever comes, nothing that is ours breaks, nothing of it
gets into the log, and the next one is served.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random

import pytest
from proxy.raw import Answer, hang_up, read_answer, request, send
from rig import Rig, running_rig

from copilot_desktop.proxy.config import ProxyConfig

CASES = 250
CANARY = "mangled-canary"
BODY = json.dumps({"model": "nobody", "messages": [], "x": CANARY}).encode()
JSON = ("Content-Type", "application/json")
LINES = [
    b"Content-Length: 3", b"Content-Length: 0", b"Content-Length: -1", b"Content-Length:\t5",
    b"Content-Length: 99999999999999999999", b"content-length : 4", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding:\x0bchunked",
    b"Transfer-Encoding: identity", b"X-Transfer-Encoding: chunked", b" folded: 1", b"\tfolded",
    b"Host: evil.example", b"Host:", b"Host: localhost\x00", b"Expect: 100-continue", b"Expect: x",
    b"Upgrade: websocket", b"Connection: Upgrade, close", b"Connection: keep-alive", b": nameless",
    b"X\x01: 1", b"X: \xff\xfe", b"Origin: null", b"Sec-Fetch-Site: cross-site",
    b"Content-Encoding: gzip", b"Content-Type: text/plain", b"Trailer: Host", b"TE: trailers",
    b"X-HTTP-Method-Override: DELETE", b"X-Forwarded-Host: evil.example", b"Range: bytes=0-1",
    b"Authorization: Bearer " + CANARY.encode(), b"Cookie: " + CANARY.encode() * 500,
]  # fmt: skip
FIRST = [
    b"GET / HTTP/1.0", b"GET / HTTP/0.9", b"GET / HTTP/2.0", b"GET  / HTTP/1.1", b"get / HTTP/1.1",
    b"GET /\xff HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET / HTTP/1.1 x", b"GET", b"",
    b"POST /v1/messages?a=\x7f HTTP/1.1", b"GET http://evil.example/ HTTP/1.1",
    b"GET /" + b"a/" * 4000 + b" HTTP/1.1", b"PRI * HTTP/2.0", b"POST * HTTP/1.1",
]  # fmt: skip
ENDS = [b"\n", b"\r", b"\r\n\r\n", b"\x00", b"\r\r\n"]


def mangled(dice: random.Random) -> bytes:
    head, _, body = request("POST", "/v1/chat/completions", JSON, body=BODY).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    for _ in range(dice.randint(1, 3)):
        match dice.randrange(4):
            case 0:
                lines[0] = dice.choice(FIRST)
            case 1:
                lines.insert(dice.randint(1, len(lines)), dice.choice(LINES))
            case 2:
                del lines[dice.randrange(len(lines)) :]
            case _:
                place = dice.randrange(len(lines))
                lines[place] += dice.choice(ENDS) + dice.choice(LINES)
        lines = lines or [b""]
    if dice.randrange(3) == 0:
        body = b"%x\r\n" % dice.choice([0, 1, len(body), 2**70]) + body + b"\r\n0\r\n\r\n"
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def said(rig: Rig, raw: bytes) -> Answer | None:
    """The first answer; None if the connection is just ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    try:
        async with asyncio.timeout(30):
            writer.write(raw)
            return await read_answer(reader)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    finally:
        await hang_up(writer)


def check(answer: Answer, raw: bytes) -> None:
    case = (raw[:500], answer)
    assert answer.status < 500, case
    assert answer.one("x-content-type-options") == "nosniff", case
    assert answer.one("content-type").startswith("application/json"), case
    assert CANARY.encode() not in answer.body, case


async def test_whatever_bytes_come_the_answer_is_ours(caplog: pytest.LogCaptureFixture) -> None:
    dice = random.Random("mangled")
    cases = [mangled(dice) for _ in range(CASES)]
    with caplog.at_level(logging.DEBUG):
        # Some announce more than they send; nobody is waited for as long as in life.
        async with running_rig(config=ProxyConfig(client_timeout=2.0)) as rig:
            answers = await asyncio.gather(*(said(rig, raw) for raw in cases))
            assert (await send(rig.port, request(target="/health"))).status == 200
            assert rig.fake.ledger.to("/chat/completions") == []
    heard = [(answer, raw) for answer, raw in zip(answers, cases, strict=True) if answer]
    for answer, raw in heard:
        if answer.status >= 200:
            check(answer, raw)
    assert len(heard) > CASES * 3 // 4
    assert {200, 400, 403, 404} <= {answer.status for answer, _ in heard}
    assert CANARY not in caplog.text
    assert "Traceback" not in caplog.text
