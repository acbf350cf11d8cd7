"""The way to Copilot's model API: bytes in, a reply whose chunks can be read, or a Problem.

Owns everything between "send this body" and "here is a 200": the grant (token and base URL), the
headers, one renewal and replay when the token was refused, one when the host was wrong, one where a
connection that had been kept was dead already, and at most one after a 502, 503 or 504. All of that
happens before the first byte of an answer and never exceeds three calls (security rule 22). After
that it only watches for silence and for an early end.

It must not look into bodies: which endpoint, which model and what is in the frames is decided by
others. Nothing of a client's request headers passes through here (rule 15).
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import logging
import math
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

import aiohttp

from copilot_desktop.errors import (
    Impostor,
    QuotaExhausted,
    ShuttingDown,
    UpstreamFault,
)
from copilot_desktop.model import MESSAGES
from copilot_desktop.upstream.asking import ask
from copilot_desktop.upstream.direct import Incoming
from copilot_desktop.upstream.failures import problem_from, token_refused
from copilot_desktop.upstream.http import (
    NETWORK_ERRORS,
    network_problem,
    of_an_impostor,
    parse_json,
    place,
    read_bounded,
    toward,
)
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.outgoing import by_proxy, changes_of
from copilot_desktop.upstream.refusal import seconds_of
from copilot_desktop.upstream.reply import UpstreamReply
from copilot_desktop.upstream.seat import pays
from copilot_desktop.upstream.token import Authority, Grant
from copilot_desktop.upstream.wire import Stale

__all__ = ["Call", "CopilotClient", "Tries", "UpstreamReply"]

log = logging.getLogger(__name__)

CALLS = 3  # upstream calls that one request may cost
JSON_LIMIT = 64 * 1024 * 1024
REFUSAL_LIMIT = 256 * 1024
REFUSAL_SECONDS = 10.0
RENEWAL_PAUSE = 300.0  # seconds between two renewals because of an empty allowance
DIAL_SECONDS = 20.0  # for a WebSocket; over HTTP the request would be on its way
GOODBYE_SECONDS = 0.5  # for the other half of a WebSocket's close
LONGEST_PAUSE = 5.0  # a 503 that asks for more is the client's to repeat

AGENT_INTENT = "conversation-agent"


@dataclass(slots=True)
class Call:
    """One request. `body` (JSON or empty) goes out as it is; `betas` only to `/v1/messages`.

    Whoever hands it on may empty `body` once Copilot answers: a long answer should not hold it.
    `extra_headers` are those that the catalogue demands for the model.
    """

    endpoint: str
    body: bytes = field(repr=False)
    model: str
    stream: bool
    initiator: str
    vision: bool = False
    intent: str = AGENT_INTENT
    betas: tuple[str, ...] = ()
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Tries:
    """How much of the allowance of one request is used; each remedy is taken once.

    Whoever sends several calls for one request (by another route, with a mended body) passes the
    same object to all of them.
    """

    calls: int = 0
    taken: set[str] = field(default_factory=set)

    @property
    def left(self) -> bool:
        return self.calls < CALLS

    def take(self, remedy: str) -> bool:
        """Is this remedy still to be had?"""
        if not self.left or remedy in self.taken:
            return False
        self.taken.add(remedy)
        return True


class CopilotClient:
    """Calls for any number of accounts over one session; the account comes with the authority.

    `headers_timeout` (seconds) until the head of an answer, `idle_timeout` of silence inside one.
    `on_headers` sees the headers of every answer, failed ones too: the quota is in there. Not those
    of an account that is no longer in use, or of a client's own.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        identity: Identity,
        *,
        headers_timeout: float = 600.0,
        idle_timeout: float = 300.0,
        on_headers: Callable[[Mapping[str, str]], None] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._identity = identity
        self.headers_timeout = headers_timeout
        self.idle_timeout = idle_timeout
        self._on_headers = on_headers or _ignore
        self._sleep = sleep
        self._renewed_at = -math.inf
        self.sockets_again_at = 0.0  # monotonic; until then no WebSocket need be tried

    @property
    def changes(self) -> int:
        """A socket that was opened at another number leads through another network or proxy."""
        return changes_of(self._http)

    def converse(
        self, call: Call, authority: Authority, tries: Tries | None = None
    ) -> Conversation:
        """The 200 answer to `call`, or a Problem. Leaving the block by an exception, a cancelled
        client among them, closes the connection at once."""
        return Conversation(self, call, authority, tries or Tries())

    async def answer(self, call: Call, authority: Authority, tries: Tries) -> UpstreamReply:
        """The same, to be closed by whoever asks."""
        response = await self._open(call, authority, self.headers_timeout, tries)
        reply = UpstreamReply(response, self.idle_timeout)
        if response.status != 200 or reply.content_type == "text/html":
            await reply.close()
            raise UpstreamFault(
                f"Status {response.status} with {reply.content_type or 'no content type'}.",
                upstream_status=response.status,
                request_id=reply.request_id,
            )
        return reply

    async def dial(
        self, call: Call, grant: Grant, largest: int
    ) -> tuple[aiohttp.ClientWebSocketResponse, str]:
        """A WebSocket on which `call` and those that follow can be sent, and its request id.

        `largest` frame in bytes. Raises what aiohttp raises; a handshake that is refused is its
        `WSServerHandshakeError`.
        """
        if self._http.closed:
            raise ShuttingDown
        url = grant.base_url + call.endpoint
        headers = self._headers(replace(call, body=b""), grant) | {"Accept": "*/*"}
        async with asyncio.timeout(DIAL_SECONDS):
            way = await toward(self._http, url)
            proxy, shown = by_proxy(way["proxy"])
            wire = await self._http.ws_connect(
                url,
                headers=headers,
                proxy=proxy,
                proxy_headers=shown,
                ssl=way["ssl"],
                max_msg_size=largest,
                timeout=aiohttp.ClientWSTimeout(ws_close=GOODBYE_SECONDS),
            )
        return wire, headers["X-Request-Id"]

    async def request_json(
        self,
        method: str,
        path: str,
        authority: Authority,
        *,
        json: object | None = None,
        intent: str,
        initiator: str = "agent",
        extra_headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Any:
        """A whole JSON answer; None if a success has no body. Raises Problem.

        `timeout` in seconds, per attempt.
        """
        call = Call(
            path,
            b"" if json is None else jsonlib.dumps(json, separators=(",", ":")).encode(),
            model="",
            stream=False,
            initiator=initiator,
            intent=intent,
            extra_headers=extra_headers or {},
        )
        response = await self._open(call, authority, timeout, Tries(), method)
        try:
            async with asyncio.timeout(timeout):
                raw = await read_bounded(response, JSON_LIMIT)
        except NETWORK_ERRORS as error:
            raise network_problem(error, response.url, seconds=timeout) from error
        finally:
            response.close()
        value = parse_json(raw.decode("utf-8", "replace"))
        if value is None and raw.strip():
            text = raw[:64].decode("utf-8", "replace")
            if of_an_impostor(response.status, response.headers, text):
                raise Impostor(fields={"host": place(response.url)})
            raise UpstreamFault(
                f"{path} answered with something that is not JSON.",
                upstream_status=response.status,
                request_id=response.headers.get("x-request-id"),
            )
        return value

    async def _open(
        self, call: Call, authority: Authority, timeout: float, tries: Tries, method: str = "POST"
    ) -> Incoming:
        """An answer with a 2xx head, after whatever remedies the rules allow."""
        grant = await authority.grant()
        while True:
            response = await self._send(method, call, grant, tries, timeout)
            if 200 <= response.status < 300:
                # Soon, not now: the first byte should not wait for the quota.
                if pays(authority):
                    asyncio.get_running_loop().call_soon(self._on_headers, response.headers)
                return response
            if pays(authority):
                self._on_headers(response.headers)
            body = await _refusal_body(response)
            problem = problem_from(
                response.status, response.headers, body, url=response.url, model=call.model
            )
            log.warning(
                "Copilot refused %s: status %s, code %s, request %s",
                call.endpoint,
                response.status,
                problem.code,
                problem.request_id,
            )
            if isinstance(problem, QuotaExhausted):
                self.renew_for_the_next(authority, grant)
            match _remedy(response, body, tries):
                case "grant":
                    fresh = await authority.grant(stale=grant.token)
                    if fresh == grant:
                        raise problem
                    grant = fresh
                case "pause":
                    spread = 0.5 + random.random() / 2  # noqa: S311  (only spreads load)
                    await self._sleep(max(spread, _wait(response) or 0.0))
                case _:
                    raise problem

    def renew_for_the_next(self, authority: Authority, grant: Grant) -> None:
        """That an allowance is used up may stand in the token itself: one from before a new plan
        or a new month is refused as long as it lives (`upstream.md` §2.4). Not sent again."""
        now = asyncio.get_running_loop().time()
        if not grant.direct and now - self._renewed_at >= RENEWAL_PAUSE:
            self._renewed_at = now
            authority.outdate(grant.token)

    async def _send(
        self, method: str, call: Call, grant: Grant, tries: Tries, timeout: float
    ) -> Incoming:
        """The head of an answer, whatever its status. Repeats what surely reached nobody."""
        url = grant.base_url + call.endpoint
        while True:
            if self._http.closed:
                raise ShuttingDown
            tries.calls += 1
            try:
                return await ask(
                    self._http,
                    method,
                    url,
                    headers=self._headers(call, grant),
                    body=call.body,
                    way=await toward(self._http, url),
                    timeout=timeout,
                )
            except NETWORK_ERRORS as error:
                if isinstance(error, Stale) and tries.left:
                    continue
                if _was_refused(error) and tries.take("refused"):
                    await self._sleep(0.2)
                    continue
                problem = network_problem(error, url, seconds=timeout)
                log.warning("%s: %s", place(url), problem)
                raise problem from error

    def _headers(self, call: Call, grant: Grant) -> dict[str, str]:
        form = {
            "Accept": "text/event-stream" if call.stream else "application/json",
            "Accept-Encoding": "identity",  # frames are cut out of plain text
        }
        if call.body:
            form["Content-Type"] = "application/json"
        if call.endpoint.startswith(MESSAGES):
            form["anthropic-version"] = "2023-06-01"
            if call.betas:
                form["anthropic-beta"] = ",".join(call.betas)
        return self._identity.copilot_headers(
            grant.token,
            intent=call.intent,
            initiator=call.initiator,
            vision=call.vision,
            request_id=_new_id(),
            extra=call.extra_headers,
            form=form,
            direct=grant.direct,
        )


class Conversation:
    """See `CopilotClient.converse`."""

    __slots__ = ("_ask", "_reply")

    def __init__(
        self, client: CopilotClient, call: Call, authority: Authority, tries: Tries
    ) -> None:
        self._ask = client.answer, call, authority, tries
        self._reply: UpstreamReply

    async def __aenter__(self) -> UpstreamReply:
        answer, call, authority, tries = self._ask
        self._reply = await answer(call, authority, tries)
        return self._reply

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                await self._reply.finish()
        finally:
            await self._reply.close()


def _remedy(response: Incoming, body: bytes, tries: Tries) -> str | None:
    """What may be tried against this refusal: a new grant, a pause, or nothing."""
    status, headers = response.status, response.headers
    if status == 421:
        return "grant" if tries.take("host") else None
    if token_refused(status, headers, body):
        return "grant" if tries.take("token") else None
    if status in (502, 503, 504):
        wait = _wait(response)
        if wait is None or wait <= LONGEST_PAUSE:
            return "pause" if tries.take("fault") else None
    return None


def _wait(response: Incoming) -> float | None:
    """The seconds that Copilot asks for; far too many for a date."""
    return seconds_of(response.headers.get("retry-after", ""), now=0.0)


def _new_id() -> str:
    """A UUID (version 4): a name for the logs on both sides, no secret."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _ignore(_headers: Mapping[str, str]) -> None:
    pass


def _was_refused(error: Exception) -> bool:
    return isinstance(error, aiohttp.ClientConnectorError) and isinstance(
        error.os_error, ConnectionRefusedError
    )


async def _refusal_body(response: Incoming) -> bytes:
    """The body of an error; what cannot be read in time is not worth waiting for."""
    try:
        async with asyncio.timeout(REFUSAL_SECONDS):
            return await read_bounded(response, REFUSAL_LIMIT)
    except NETWORK_ERRORS:
        return b""
    except UpstreamFault:  # absurdly long
        return b""
    finally:
        response.close()
