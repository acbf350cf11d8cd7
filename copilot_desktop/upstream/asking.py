"""One request over HTTP up to the head of its answer: by which connection, and in which words.

A connection that is free and leads there is used again; else aiohttp opens one (`outgoing` says by
which way), and a `Wire` takes it over. A connection is free for the same server, proxy and
certificates only, so what is changed in the settings holds from the next request on. A WebSocket is
opened by aiohttp's session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import aiohttp
from yarl import URL

from copilot_desktop.upstream.direct import Incoming
from copilot_desktop.upstream.outgoing import Connector, Toward, by_proxy
from copilot_desktop.upstream.wire import Wire


class _Target(NamedTuple):
    """An address, as it is written into a request."""

    url: URL
    origin: str
    host: str
    path: str


async def ask(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes = b"",
    way: Toward,
    timeout: float | None = None,
) -> Incoming:
    """The head of the answer, whatever its status. Close it. Raises aiohttp's errors and OSError.

    A GET is repeated once if its connection dies before the answer. `timeout` in seconds until the
    head is there; raises TimeoutError.
    """
    target = _target(url)
    head = _head(method, target, headers, len(body), way["proxy"])
    until = None if timeout is None else asyncio.get_running_loop().time() + timeout
    again = method == "GET"
    while True:
        try:
            wire = await _wire(http, target, way, until)
            return await wire.ask(url, head, body, until)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            if not again or isinstance(error, aiohttp.ClientConnectorError):
                raise
            again = False


async def _wire(
    http: aiohttp.ClientSession, target: _Target, way: Toward, until: float | None
) -> Wire:
    """A connection to there: a free one, or a new one."""
    connector = http.connector
    if not isinstance(connector, Connector) or connector.closed:
        raise aiohttp.ClientConnectionError("the session is closed")
    key = target.origin, way["proxy"], way["ssl"]
    if (wire := connector.wires.take(key)) is not None:
        return wire
    loop = asyncio.get_running_loop()
    proxy, shown = by_proxy(way["proxy"])
    request = aiohttp.ClientRequest(
        "GET",
        target.url,
        headers={},
        loop=loop,
        session=http,
        proxy=proxy,
        proxy_headers=shown,
        ssl=way["ssl"],
    )
    async with asyncio.timeout_at(until):
        try:
            connection = await connector.connect(request, [], http.timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error
    return Wire(connection, connector.wires, key)


@lru_cache(maxsize=64)  # the same few all the time
def _target(url: str) -> _Target:
    address = URL(url)
    if not address.host:
        raise aiohttp.InvalidURL(url)
    host = address.host_port_subcomponent or ""
    return _Target(address, str(address.origin()), host, address.raw_path_qs)


def _head(
    method: str, target: _Target, headers: Mapping[str, str], length: int, proxy: str | None
) -> bytes:
    """The lines before the body. Raises ValueError for a field that is more than one line."""
    path = target.path
    lines = [f"Host: {target.host}", *map(": ".join, headers.items())]
    if proxy is not None and target.url.scheme == "http":  # without TLS the proxy has to read it
        path = str(target.url)
        lines.extend(map(": ".join, by_proxy(proxy)[1].items()))
    if length or method == "POST":
        lines.append(f"Content-Length: {length}")
    fields = "\r\n".join(lines)
    breaks = len(lines) - 1
    if fields.count("\n") != breaks or fields.count("\r") != breaks or "\0" in fields:
        raise ValueError("a header must be one line")
    return f"{method} {path} HTTP/1.1\r\n{fields}\r\n\r\n".encode("utf-8", "surrogateescape")
