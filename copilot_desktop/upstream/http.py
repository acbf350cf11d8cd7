"""The one HTTP session to GitHub and Copilot, and what goes wrong on the way there.

Knows the transport settings that the rest may not decide for itself: the way out as `outgoing` has
it, no cookies, no netrc, no redirects, no total limit (streams last as long as they last), every
connection attempt bounded. aiohttp's client errors, which the connections (`wire`, `direct`,
`websocket`) raise as well, end here and in `client`; everybody else gets a `Problem` that names
host and reason.

It must not know what any answer means: a status is a number here, a body is text that may be JSON.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import logging
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import aiohttp
from aiohttp import hdrs
from yarl import URL

from copilot_desktop.errors import (
    Impostor,
    Problem,
    Unreachable,
    UpstreamFault,
    UpstreamTimeout,
)
from copilot_desktop.upstream import network_words, outgoing
from copilot_desktop.upstream.asking import ask
from copilot_desktop.upstream.direct import NotHttp

log = logging.getLogger(__name__)

CONNECT_SECONDS = 15.0
KEEP_ALIVE_SECONDS = 75.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
ANSWER_LIMIT = 4 * 1024 * 1024  # bytes of a control answer: token, user, model list

# What aiohttp and the sockets below it raise for a network that does not work. TimeoutError is an
# OSError and has to be looked at first where it matters.
NETWORK_ERRORS: tuple[type[Exception], ...] = (aiohttp.ClientError, OSError)


@dataclass(frozen=True, slots=True)
class Answer:
    """One finished control answer. `body` is None unless the text is JSON."""

    status: int
    headers: Mapping[str, str]
    body: object | None
    text: str


class _Answer(aiohttp.ClientResponse):
    """Requests follow no redirect (`asking`); a WebSocket's would, token and all."""

    async def start(self, connection: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        started = await super().start(connection)
        if self.status in _REDIRECTS and hdrs.UPGRADE in self.request_info.headers:
            raise aiohttp.TooManyRedirects(self.request_info, (), status=self.status)
        return started


def open_http(*, github_timeout: float, way: outgoing.Way | None = None) -> aiohttp.ClientSession:
    """The session for one core; call it inside the running loop and close it at the end.

    `github_timeout` (seconds) shortens the connection attempts if it is below 15. `way`: see
    `outgoing`, where it can also be changed later.
    """
    connector = outgoing.Connector(
        way or outgoing.Way(),
        limit=0,  # the default of 100 queues without a word
        keep_alive=KEEP_ALIVE_SECONDS,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=min(CONNECT_SECONDS, github_timeout)),
        trust_env=False,  # would read ~/.netrc and send its passwords; see `outgoing`
        response_class=_Answer,
    )


async def toward(http: aiohttp.ClientSession, url: str) -> outgoing.Toward:
    """How a request of `http` reaches `url`. Raises Unreachable for a proxy that cannot be used."""
    try:
        return await outgoing.toward(http, url)
    except outgoing.UnusableProxy as proxy:
        known = f"is of a kind ({proxy.scheme}) that cannot be used"
        said = known if proxy.scheme else "has an address that cannot be read"
        raise _unreachable(url, f"the configured proxy {said}") from None


async def fetch_json(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    json: object | None = None,
    timeout: float,
) -> Answer:
    """One small request, its whole answer. Whatever the status: an Answer.

    `timeout` in seconds covers everything from the connection to the last byte. Raises
    `Unreachable`, `Impostor`, `UpstreamTimeout`, or `UpstreamFault` for an answer beyond 4 MB.
    """
    body = b"" if json is None else jsonlib.dumps(json).encode()
    sent = {"accept": "application/json", "accept-encoding": "identity", **_lower(headers)}
    if body:
        sent.setdefault("content-type", "application/json")
    try:
        async with (
            asyncio.timeout(timeout),
            await ask(
                http, method, url, headers=sent, body=body, way=await toward(http, url)
            ) as response,
        ):
            raw = await read_bounded(response, ANSWER_LIMIT)
            text = raw.decode("utf-8", "replace")
            if of_an_impostor(response.status, response.headers, text):
                raise Impostor(fields={"host": place(url)}, upstream_status=response.status)
            return Answer(response.status, response.headers, parse_json(text), text)
    except NETWORK_ERRORS as error:
        raise network_problem(error, url, seconds=timeout) from error


def of_an_impostor(status: int, headers: Mapping[str, str], text: str) -> bool:
    """A page, or the way to one, without the id that GitHub puts on every answer.

    Networks that want a sign-in of their own do this (RFC 8910, 511), and servers that are no
    GitHub. A proxy's refusals (4xx) have words of their own, see `failures`.
    """
    if "x-github-request-id" in headers:
        return False
    page = text.lstrip("\ufeff \t\r\n").startswith("<")
    return status == 511 or 300 <= status < 400 or (200 <= status < 300 and page)


def too_large(limit: int) -> UpstreamFault:
    """For an answer of more than `limit` bytes."""
    return UpstreamFault(f"The answer is larger than {limit // (1024 * 1024)} MB.")


class Source(Protocol):
    """A body that is arriving."""

    @property
    def is_read(self) -> bool:
        """Whether all of it has come and been read."""

    async def piece(self) -> bytes:
        """What has arrived, as soon as there is something; empty at the end."""


async def read_bounded(source: Source, limit: int) -> bytes:
    """The rest of a body. Raises as its `piece` does, and UpstreamFault as soon as it exceeds
    `limit` bytes; whoever asked closes it."""
    parts: list[bytes] = []
    size = 0
    while not source.is_read and (piece := await source.piece()):
        parts.append(piece)
        size += len(piece)
        if size > limit:
            raise too_large(limit)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def parse_json(text: str) -> object | None:
    """The JSON value in `text`, or None: content types are not reliable here."""
    try:
        parsed: object = jsonlib.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed


def network_problem(error: Exception, url: str, *, seconds: float) -> Problem:
    """What a person is told about a failed connection. Never the error's own text: it may hold
    a proxy password or an address with secrets."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return _unreachable(url, "no connection could be made in time")
    if isinstance(error, aiohttp.ClientConnectorDNSError) and error.host != URL(url).host:
        return _unreachable(url, "the name of the proxy could not be resolved")
    if isinstance(error, TimeoutError):
        return UpstreamTimeout(
            f"Waited for {place(url)}.", fields={"seconds": f"{seconds:g}", "host": place(url)}
        )
    return _unreachable(url, _reason(error))


def place(url: str) -> str:
    """Host (and port, where it is not the usual one) of an address, for people."""
    address = URL(url)
    host = address.host or "the server"
    usual = address.port is None or address.is_default_port()
    return host if usual else f"{host}:{address.port}"


def _reason(error: Exception) -> str:  # noqa: C901, PLR0912  (a table of words)
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its name could not be resolved"
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return "its certificate could not be verified"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "no secure connection could be made"
        case aiohttp.ClientHttpProxyError(status=407):
            return "the proxy wants a name and a password that it knows (status 407)"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy refused the connection with status {error.status}"
        case aiohttp.ClientProxyConnectionError():
            return "the proxy could not be reached"
        case aiohttp.ClientConnectorError():
            return _reason(error.os_error) if error.os_error is not error else "no connection"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError() | BrokenPipeError():
            return "the connection was closed before an answer came"
        case ConnectionRefusedError():
            return "the connection was refused"
        case socket.gaierror():
            return "its name could not be resolved"
        case aiohttp.ClientPayloadError():
            return "the answer was cut off"
        case aiohttp.ClientResponseError() | NotHttp():
            return "the answer is not valid HTTP"
        case aiohttp.InvalidURL():
            return "the address is not valid"
        case aiohttp.ClientOSError():
            return _reason(OSError(error.errno, error.strerror)) if error.errno else "network error"
        case OSError():
            return network_words.told(error) or "network error"
        case _:
            return "network error"


def _unreachable(url: str, reason: str) -> Unreachable:
    return Unreachable(fields={"host": place(url), "reason": reason})


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
