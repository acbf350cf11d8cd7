"""Calls on behalf of a client that brings its own GitHub or Copilot token.

The token serves that call only. So that a busy client does not cost one exchange per request, its
cache is kept under the token's hash, for as long as it is used, and with it the models of its
account; nothing is stored or logged. A key that looks like neither kind of token is refused here
and never sent anywhere: it may be the key of somebody else's service.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from copilot_desktop.errors import NotSignedIn, SignInExpired
from copilot_desktop.upstream.catalogue import Brought
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.payloads import is_github_token, token_fields
from copilot_desktop.upstream.token import Authority, Grant, TokenCache, base_url

KEPT = 64  # clients at the same time
IDLE = 1800.0  # seconds without use after which a token is forgotten: a Copilot token's lifetime

_GITHUB = re.compile(r"(?:gh[opusr]_|github_pat_)[A-Za-z0-9_]{8,}")
_COPILOT = re.compile(r"[\x21-\x7e]{8,8192}")


class BroughtToken(Brought, TokenCache):
    """The Authority of a GitHub token that a client brought."""


class CopilotTokenOnly(Brought):
    """The Authority of a Copilot token that a client brought: it cannot be renewed here."""

    def __init__(self, origins: Origins, token: str) -> None:
        self._grant = Grant(token, base_url(origins, None, token=token))

    async def grant(self, *, stale: str | None = None) -> Grant:
        if stale == self._grant.token:
            raise SignInExpired("The token that the client sent is no longer accepted.")
        return self._grant

    def outdate(self, token: str) -> None:
        """There is no other one."""


@dataclass(slots=True)
class _Entry:
    authority: BroughtToken | CopilotTokenOnly
    used: float


class PassThrough:
    """Authorities by client token. Times in seconds."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        origins: Origins,
        identity: Identity,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        timeout: float = 15.0,
    ) -> None:
        self._http = http
        self._origins = origins
        self._identity = identity
        self._clock = clock
        self._wall = wall
        self._timeout = timeout
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def for_client(self, token: str) -> Authority:
        """The authority behind a client's key. Raises NotSignedIn if it is no usable token."""
        token = token.strip()
        key = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        now = self._clock()
        self._forget_idle(now)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(self._authority(token), now)
            while len(self._entries) > KEPT:
                self._entries.popitem(last=False)
        entry.used = now
        self._entries.move_to_end(key)
        return entry.authority

    async def use(self, origins: Origins) -> None:
        """Talk to another GitHub from now on: a token never goes to a place it was not meant for,
        so what is known of clients is forgotten."""
        self._origins = origins
        await self.close()

    async def close(self) -> None:
        """Forget every token; renewals under way end."""
        entries = [entry.authority for entry in self._entries.values()]
        self._entries.clear()
        for one in entries:
            if one.catalogue is not None:
                one.catalogue.close()
        await asyncio.gather(*(one.close() for one in entries if isinstance(one, TokenCache)))

    def _authority(self, token: str) -> BroughtToken | CopilotTokenOnly:
        if _GITHUB.fullmatch(token) and is_github_token(token):
            return BroughtToken(
                self._http,
                self._origins,
                self._identity,
                token,
                clock=self._clock,
                wall=self._wall,
                timeout=self._timeout,
            )
        if _COPILOT.fullmatch(token) and token_fields(token).keys() & {"tid", "exp"}:
            return CopilotTokenOnly(self._origins, token)
        raise NotSignedIn("The key of this request is neither a GitHub nor a Copilot token.")

    def _forget_idle(self, now: float) -> None:
        while self._entries:
            oldest = next(iter(self._entries.values()))
            if now - oldest.used <= IDLE:
                return
            self._entries.popitem(last=False)
