"""One request over HTTP up to the head of its answer, asked of the pool without the session.

What aiohttp's session adds to a request are cookies, redirects, traces, passwords in addresses and
limits that none of ours has, and a task for each body that is sent. With that a small request cost
almost a tenth more. So the pool is asked here with the session's own parts (`ClientRequest`,
`connect`, `send`, `start`), and a body that fits beside its head leaves with it in one write.
Pool, proxies, TLS, HTTP and errors stay aiohttp's. A WebSocket is opened by the session.

`_Request.send` is what aiohttp's does for such a request. Should aiohttp make its responses of
something else one day, a task sends each body as before (`tests/upstream/test_asking.py` notices).
"""

from __future__ import annotations

import asyncio
import inspect
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.http import StreamWriter
from yarl import URL

from copilot_desktop.upstream.outgoing import Toward

if TYPE_CHECKING:
    from aiohttp.connector import Connection

AT_ONCE = 32 * 1024  # bytes of a body; half of what a transport takes before it asks to wait
LARGE = 512 * 1024  # bytes
FAMILIAR = inspect.signature(aiohttp.ClientResponse).parameters.keys() == {
    "method", "url", "writer", "continue100", "timer", "request_info", "traces", "loop", "session",
    "stream_writer",
}  # fmt: skip


async def ask(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    way: Toward,
) -> aiohttp.ClientResponse:
    """The head of the answer, whatever its status. Close the response. Raises as aiohttp does.

    A GET is repeated once if its connection dies before the answer.
    """
    again = method == "GET"
    target, proxy = URL(url), way["proxy"]
    # A proxy without TLS behind it wants another first line.
    straight = FAMILIAR and (proxy is None or target.scheme == "https")
    whole = body if straight and body and len(body) <= AT_ONCE else None
    if whole:
        headers = {**headers, "Content-Length": str(len(whole))}
    while True:
        request = _Request(
            method,
            target,
            headers=headers,
            data=None if whole else _in_pieces(body),
            loop=asyncio.get_running_loop(),
            session=http,
            proxy=URL(proxy) if proxy else None,
            ssl=way["ssl"],
        )
        request.whole = whole
        try:
            return await _answered(http, request)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            if not again or isinstance(error, aiohttp.ClientConnectorError):
                raise
            again = False


class _Request(aiohttp.ClientRequest):
    """`whole` is a body that leaves together with the head."""

    whole: bytes | None = None

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        if self.whole is None or conn.protocol is None:
            return await super().send(conn)
        writer = StreamWriter(conn.protocol, self.loop)
        await writer.write_headers(f"{self.method} {self.url.raw_path_qs} HTTP/1.1", self.headers)
        await writer.write(self.whole, drain=False)
        return self.response_class(
            self.method,
            self.original_url,
            writer=None,
            continue100=None,
            timer=None,  # type: ignore[arg-type]  # none is allowed, and is what aiohttp tests for
            request_info=self.request_info,
            traces=[],
            loop=self.loop,
            session=self.session,
            stream_writer=writer,
        )


def _in_pieces(body: bytes | None) -> bytes | io.BytesIO | None:
    """A large body is sent in pieces, so that other streams need not wait for it."""
    return io.BytesIO(body) if body is not None and len(body) > LARGE else body


async def _answered(http: aiohttp.ClientSession, request: _Request) -> aiohttp.ClientResponse:
    connector = http.connector
    if connector is None or connector.closed:
        raise aiohttp.ClientConnectionError("the session is closed")
    try:
        connection = await connector.connect(request, [], http.timeout)
    except TimeoutError as error:
        raise aiohttp.ConnectionTimeoutError from error
    try:
        if (protocol := connection.protocol) is None:
            raise aiohttp.ServerDisconnectedError
        protocol.set_response_params(read_until_eof=True)
        response = await request.send(connection)
        try:
            return await response.start(connection)
        except BaseException:
            response.close()
            raise
    except BaseException:
        connection.close()
        raise
