"""A WebSocket to Copilot's `/responses`, kept for one client's socket (`upstream.md` §7.6).

It takes the same calls as `CopilotClient` and gives the same replies: the body goes out as one
frame, and the frames that come back are handed on as server-sent events, so that nobody above
knows the difference. What it gains is time to the first word: no new connection, and only the new
part of a conversation travels (`chain`). It is never worth a failed request that HTTP would save:

    handshake fails                  HTTP for everybody, for ten minutes; `transport=http`
    handshake 401, token ran out     a fresh token, once; HTTP where auto mode may be to blame
    opens, but no frame comes        the same pause, also if the client leaves before we give up;
                                     HTTP at once if it was closed at once
    died since the last answer       opened again, everything is sent
    idle for more than 75 seconds    likewise: it may have died without a word
    said something while idle        likewise: it would be taken for the next answer
    died while an answer was made    an error: the request has been read
    response not known there         everything is sent
    fault of the service at once     HTTP, once
    too old, other token or model    opened again (GitHub's own clients keep one for each model)
    other network or proxy           likewise
    pictures                         likewise (they need a header of the handshake)
    frame larger than Copilot takes  HTTP

A socket serves one call at a time; its owner sees to that. An answer that nobody waits for any more
closes it, which is what stops Copilot; so does one that failed, since nobody says that nothing of
it follows. HTTP clients get no sockets: they bring the whole
conversation in no order that would let one socket follow it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp

from copilot_desktop.errors import AutoChoiceOver, Problem, QuotaExhausted
from copilot_desktop.model import RESPONSES
from copilot_desktop.sse import MAX_EVENT
from copilot_desktop.upstream.auto import SESSION_HEADER
from copilot_desktop.upstream.chain import Chain
from copilot_desktop.upstream.client import Call, CopilotClient, Tries
from copilot_desktop.upstream.failures import TOKEN_CODES, problem_from
from copilot_desktop.upstream.http import KEEP_ALIVE_SECONDS, NETWORK_ERRORS, network_problem
from copilot_desktop.upstream.reply import UpstreamReply
from copilot_desktop.upstream.seat import pays
from copilot_desktop.upstream.socket_reply import LOST, NoFrame, SocketReply
from copilot_desktop.upstream.token import Authority, Grant
from copilot_desktop.upstream.wire import AT_LATEST

log = logging.getLogger(__name__)

Json = dict[str, Any]
OnQuota = Callable[[Mapping[str, Any]], None]

LIFE = 55 * 60.0  # seconds; Copilot ends a socket after an hour
PAUSE = 600.0  # seconds without sockets after one that did not open or gave nothing
FIRST_FRAME = 20.0  # seconds without it after which whoever leaves a new socket had reason to
LARGEST_FRAME = 16 * 1024 * 1024  # bytes
_AT_ONCE = 1e-6  # seconds: what has come already. (None at all means no limit to aiohttp.)
_RENEW = TOKEN_CODES | {"session_expired", "unauthorized"}
# Codes of §7.6 as statuses, where the frame has none of its own. What is left refuses the request.
_STATUS = {
    "session_expired": 401,
    "unauthorized": 401,
    "not_found": 404,
    "request_too_large": 413,
    "internal_error": 500,
    "server_error": 500,
    "upstream_error": 502,
    "service_unavailable": 503,
    "model_overloaded": 503,
}


@dataclass(slots=True)
class _Link:
    """An open socket. `fresh` until it has answered once. `opened` is monotonic, `used` (asked or
    answered last) is by the wall clock: that runs on while the machine sleeps."""

    wire: aiohttp.ClientWebSocketResponse
    grant: Grant
    model: str
    vision: bool
    extra: Mapping[str, str] = field(repr=False)
    request_id: str
    url: str
    changes: int
    opened: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.time)
    fresh: bool = True
    chain: Chain | None = None


class UpstreamSocket:
    """Opened when it is first needed. `on_quota` sees `copilot_quota_snapshots`."""

    def __init__(self, client: CopilotClient, on_quota: OnQuota) -> None:
        self._client = client
        self._on_quota = on_quota
        self._link: _Link | None = None

    def carrier(self, notes: list[str]) -> Ride:
        """A carrier for one request; `notes` learn which way it went."""
        return Ride(self, self._client, notes)

    async def close(self) -> None:
        """Let go of upstream at once; it stops generating."""
        link, self._link = self._link, None
        if link is None:
            return
        end = link.wire.get_extra_info("socket")
        try:
            await link.wire.close()
        finally:
            if end is not None:  # what was not sent yet would still be, and then be answered
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    async def ask(self, call: Call, authority: Authority, tries: Tries) -> SocketReply | None:
        """The answer to `call` from its first frame on, None if it should go over HTTP.

        Raises Problem.
        """
        body = json.loads(call.body)
        body.pop("stream", None)
        grant = await authority.grant()
        while True:
            link = await self._linked(call, grant)
            if link is None:
                return None
            if isinstance(link, int):  # the status of a refused handshake
                if link == 401 and SESSION_HEADER in call.extra_headers:
                    return None  # over HTTP it will be said which of the two tokens is refused
                if link == 401 and tries.take("token"):
                    grant = await authority.grant(stale=grant.token)
                    continue
                self._without(f"status {link}")
                return None
            told = partial(self._told, authority)
            try:
                reply = await self._send(link, call, body, tries, told)
            except QuotaExhausted:
                self._client.renew_for_the_next(authority, grant)
                raise
            if isinstance(reply, SocketReply):
                return reply
            match reply:
                case "renew":
                    grant = await authority.grant(stale=grant.token)
                case "http":
                    return None

    async def settle(self, reply: SocketReply) -> None:
        """After the last frame, or when nobody listens any more."""
        link = self._link
        if link is None:
            return
        link.fresh, link.used = False, time.time()
        if not reply.over or reply.failed:
            await self.close()
        elif reply.response_id:
            link.chain = Chain(reply.response_id, reply.sent, reply.said)
        else:
            link.chain = None

    # ------------------------------------------------------------------------ inner workings

    def _without(self, reason: str) -> None:
        """Something on the way has no sockets, and may take its time to show it."""
        log.info("no WebSocket to Copilot: %s", reason)
        self._client.sockets_again_at = time.monotonic() + PAUSE

    async def _linked(self, call: Call, grant: Grant) -> _Link | int | None:
        """The open socket if it fits, or a new one; a status if Copilot refuses; None without."""
        old = self._link
        if old is not None and not (self._fits(old, call, grant) and await _is_quiet(old)):
            await self.close()
        if self._link is None:
            if time.monotonic() < self._client.sockets_again_at:
                return None
            changes = self._client.changes
            try:
                wire, request_id = await self._client.dial(call, grant, MAX_EVENT)
            except aiohttp.WSServerHandshakeError as refusal:
                return refusal.status
            except NETWORK_ERRORS as error:
                self._without(type(error).__name__)
                return None
            url = grant.base_url + call.endpoint
            self._link = _Link(
                wire, grant, call.model, call.vision, call.extra_headers, request_id, url, changes
            )
        return self._link

    def _fits(self, link: _Link, call: Call, grant: Grant) -> bool:
        young = time.monotonic() - link.opened < LIFE
        awake = 0 <= time.time() - link.used < KEEP_ALIVE_SECONDS
        sees = link.vision or not call.vision
        same = (link.grant, link.model, link.extra) == (grant, call.model, call.extra_headers)
        here = link.changes == self._client.changes
        return young and awake and sees and same and here and not link.wire.closed

    def _told(self, authority: Authority, snapshots: Mapping[str, Any]) -> None:
        if pays(authority):
            self._on_quota(snapshots)

    async def _send(
        self, link: _Link, call: Call, body: Json, tries: Tries, on_quota: OnQuota
    ) -> SocketReply | str:
        """A reply, or what to do instead: "again", "renew", "http". Raises Problem."""
        chain = link.chain
        rest = chain.rest(body.get("input")) if chain is not None else None
        frame = {"type": "response.create", **body, "initiator": call.initiator}
        if chain is not None and rest:
            frame |= {"previous_response_id": chain.response_id, "input": rest}
        text = json.dumps(frame, separators=(",", ":"))
        if len(text) > LARGEST_FRAME:
            return "http"
        tries.calls += 1
        link.used = time.time()
        try:
            async with asyncio.timeout(self._client.headers_timeout):
                await link.wire.send_str(text)
            reply = SocketReply(
                link.wire,
                sent=body.get("input"),
                request_id=link.request_id,
                idle_timeout=self._client.idle_timeout,
                on_quota=on_quota,
            )
            first = await reply.begin(self._client.headers_timeout)
        except LOST as error:
            return await self._lost(link, error, tries)
        except BaseException:
            if link.fresh and time.time() - link.used > FIRST_FRAME:
                self._without("no frame until the client left")
            await self.close()
            raise
        if first.get("type") != "error":
            return reply
        return await self._refused(link, first, call, tries)

    async def _lost(self, link: _Link, error: Exception, tries: Tries) -> str:
        """No frame came. One that had been idle was dead: nobody read what was sent. A fresh one
        that ends was let through by something that does not carry it on; so was a silent one. But
        whoever has thought for a while has read the request, and it is not sent twice (as in
        `wire`)."""
        silent = isinstance(error, TimeoutError)
        unread = not silent and abs(time.time() - link.used) < AT_LATEST
        await self.close()
        if not link.fresh and tries.left and unread:
            return "again"
        if link.fresh or silent:
            self._without(f"no frame ({type(error).__name__})")
        if link.fresh and unread and tries.take("socket"):
            return "http"
        if isinstance(error, NoFrame):
            error = aiohttp.ServerDisconnectedError()
        raise network_problem(error, link.url, seconds=self._client.headers_timeout) from error

    async def _refused(self, link: _Link, frame: Json, call: Call, tries: Tries) -> str:
        """The answer is an error. What may be tried against it, or its Problem."""
        link.fresh = False
        had_chain, link.chain = link.chain is not None, None
        code = code_of(frame)
        if code == "previous_response_not_found" and had_chain and tries.left:
            return "again"
        await self.close()
        problem = refusal_of(frame, link.request_id, link.url, call.model)
        log.warning("Copilot refused a frame: code %s, request %s", code, problem.request_id)
        renewable = code in _RENEW and not isinstance(problem, AutoChoiceOver)
        if renewable and tries.take("token"):
            return "renew"
        if problem.status in (502, 503, 504) and tries.take("fault"):
            return "http"
        raise problem


@dataclass(frozen=True, slots=True)
class Ride:
    """One request's way: over the socket if that works, else over HTTP."""

    socket: UpstreamSocket
    client: CopilotClient
    notes: list[str]

    @asynccontextmanager
    async def converse(
        self, call: Call, authority: Authority, tries: Tries | None = None
    ) -> AsyncIterator[UpstreamReply]:
        """As `CopilotClient.converse`."""
        tries = tries or Tries()
        reply = None
        if call.endpoint == RESPONSES and call.stream:
            reply = await self.socket.ask(call, authority, tries)
            way = f"transport={'http' if reply is None else 'websocket'}"
            if way not in self.notes:  # each attempt comes by here
                self.notes.append(way)
        if reply is None:
            async with self.client.converse(call, authority, tries) as plain:
                yield plain
            return
        try:
            yield reply
        finally:
            await self.socket.settle(reply)


async def _is_quiet(link: _Link) -> bool:
    """Whether nothing has come on it since its last answer, not even its end."""
    if link.fresh:
        return True
    try:
        await link.wire.receive(timeout=_AT_ONCE)
    except TimeoutError:
        return True
    except NETWORK_ERRORS:  # also of the answer to a ping
        pass
    return False


def code_of(frame: Mapping[str, Any]) -> str:
    """The code of an error frame, without the plan behind it (`user_weekly_rate_limited:pro`)."""
    error = frame.get("error")
    found = (error if isinstance(error, Mapping) else frame).get("code")
    return found.partition(":")[0] if isinstance(found, str) else ""


def refusal_of(frame: Mapping[str, Any], request_id: str, url: str, model: str) -> Problem:
    """The Problem that an error frame tells."""
    error = frame.get("error")
    status = frame.get("status")
    if not isinstance(status, int) or not 400 <= status < 600:
        status = _STATUS.get(code_of(frame), 400)
    told_headers = frame.get("headers")
    headers = {
        str(name).lower(): str(value)
        for name, value in (told_headers.items() if isinstance(told_headers, Mapping) else ())
    }
    body = json.dumps({"error": error if isinstance(error, Mapping) else dict(frame)}).encode()
    headers = {"x-request-id": request_id, **headers}
    problem = problem_from(status, headers, body, url=url, model=model)
    problem.by_github = True  # no box on the way speaks in frames
    return problem
