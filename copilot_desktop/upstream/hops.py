"""The way to a server, hop by hop: where does it end, if it ends?

A request that fails says little; people behind a company's network have to know which part fails.
So the way is walked once, as a request would go: the name is looked up, a connection made (to the
proxy, where there is one, which is then asked for the rest), TLS agreed on, and last a real request
is made through the app's own session. The hop at which time ran out is the one that failed. What
is found is words and numbers, never the text of an error.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

import aiohttp
from yarl import URL

from copilot_desktop import __version__
from copilot_desktop.errors import Unreachable
from copilot_desktop.upstream import network_words
from copilot_desktop.upstream.asking import ask
from copilot_desktop.upstream.http import NETWORK_ERRORS, network_problem, toward
from copilot_desktop.upstream.outgoing import pass_for, trusted

Hop = Literal["proxy", "dns", "tcp", "connect", "tls", "http"]
Why = Literal["", "timeout", "refused", "untrusted", "status", "other"]
HEAD_LIMIT = 16 * 1024  # bytes of a proxy's answer
NEXT_ADDRESS = 0.25  # seconds until another address is tried, too, as with requests
_HEADERS = {"User-Agent": f"copilot-desktop/{__version__}", "Accept": "*/*"}


@dataclass(slots=True)
class Trip:
    """`host` is where the request goes, `at` the machine that the current hop is about. With an
    empty `why` the server answered: `status`, after `ms` milliseconds, at `date` by its own clock
    (seconds since the epoch, None if it did not say)."""

    host: str
    at: str = ""
    via: str = ""  # the proxy, if there is one: host and port
    hop: Hop = "proxy"
    why: Why = ""
    reason: str = ""
    status: int = 0
    ms: int = 0
    date: float | None = None


class _Ended(Exception):
    def __init__(self, why: Why, reason: str = "", status: int = 0) -> None:
        super().__init__(why)
        self.why, self.reason, self.status = why, reason, status


async def travel(http: aiohttp.ClientSession, url: str, *, limit: float) -> Trip:
    """One trip to `url` within `limit` seconds. Never raises, except for cancellation."""
    host = URL(url).host or ""
    trip = Trip(host, host)
    try:
        async with asyncio.timeout(limit):
            await _walk(trip, http, URL(url))
            await _request(trip, http, url)
    except TimeoutError:
        trip.why = "timeout"
    except _Ended as ended:
        trip.why, trip.reason, trip.status = ended.why, ended.reason, ended.status
    return trip


async def _walk(trip: Trip, http: aiohttp.ClientSession, url: URL) -> None:
    try:
        way = await toward(http, str(url))
    except Unreachable as problem:
        raise _Ended("other", problem.fields.get("reason", "")) from None
    proxy = URL(way["proxy"]) if way["proxy"] else None
    first = proxy or url
    if proxy is not None:
        trip.via = trip.at = _place(proxy)
    trip.hop = "dns"
    await _look_up(first)
    trip.hop = "tcp"
    reader, writer = await _connection(first)
    certificates = way["ssl"] if isinstance(way["ssl"], ssl.SSLContext) else trusted()
    try:
        if first.scheme == "https":
            trip.hop = "tls"
            await _agree(writer, certificates, first)
        if proxy is not None and url.scheme == "https":
            trip.hop = "connect"
            await _ask_proxy(reader, writer, proxy, url)
            if proxy.scheme == "http":  # TLS inside TLS is left to the request
                trip.hop, trip.at = "tls", trip.host
                await _agree(writer, certificates, url)
    finally:
        writer.close()


async def _look_up(where: URL) -> None:
    try:
        await asyncio.get_running_loop().getaddrinfo(
            where.host, where.port, type=socket.SOCK_STREAM
        )
    except OSError:
        raise _Ended("other") from None


async def _connection(where: URL) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        return await asyncio.open_connection(
            where.host, where.port, limit=HEAD_LIMIT, happy_eyeballs_delay=NEXT_ADDRESS
        )
    except ConnectionRefusedError:
        raise _Ended("refused") from None
    except OSError as error:
        raise _Ended("other", network_words.told(error)) from None


async def _agree(writer: asyncio.StreamWriter, trust: ssl.SSLContext, where: URL) -> None:
    try:
        await writer.start_tls(trust, server_hostname=where.host)
    except ssl.SSLCertVerificationError:
        raise _Ended("untrusted") from None
    except (OSError, ValueError):
        raise _Ended("other") from None


async def _ask_proxy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, proxy: URL, url: URL
) -> None:
    target = f"{url.host}:{url.port}"
    fields = {"Host": target, **pass_for(proxy)}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    try:
        writer.write(f"CONNECT {target} HTTP/1.1\r\n{head}\r\n".encode())
        await writer.drain()
        answer = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
        status = int(answer[1])
    except (OSError, EOFError, asyncio.LimitOverrunError, ValueError, IndexError):
        raise _Ended("other") from None
    if status != 200:
        raise _Ended("status", status=status)


async def _request(trip: Trip, http: aiohttp.ClientSession, url: str) -> None:
    trip.hop, trip.at = "http", trip.host
    began = time.monotonic()
    try:
        way = await toward(http, url)
        async with await ask(http, "GET", url, headers=_HEADERS, way=way) as answer:
            trip.status = answer.status
            trip.ms = max(1, round((time.monotonic() - began) * 1000))
            trip.date = _epoch(answer.headers.get("date", ""))
    except TimeoutError:
        raise
    except NETWORK_ERRORS as error:
        raise _Ended("other", network_problem(error, url, seconds=0).fields["reason"]) from None


def _epoch(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def shown(proxy: str) -> str:
    """Host and port of a proxy, for people."""
    return _place(URL(proxy))


def _place(proxy: URL) -> str:
    return f"{proxy.host}:{proxy.port}"
