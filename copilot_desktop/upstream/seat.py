"""One account's place at Copilot, as long as somebody calls in its name.

Whoever begins a request takes the seat of the account that is in use at that moment and keeps it to
the end: every call of one request carries the same account, whatever is chosen in the window
meanwhile. A seat whose account is no longer in use still finishes what was begun, but what it
learns (a list of models, quota headers) is about somebody else and is not taken. A seat whose
account was signed out gives nothing more.

Seats are the keys of what is remembered by account: auto mode's sessions, hidden reasoning.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from copilot_desktop.errors import Busy, NotSignedIn
from copilot_desktop.upstream.token import Authority, Grant, TokenCache


class Owner(Protocol):
    """The session, as a seat sees it."""

    @property
    def cache(self) -> TokenCache | None:
        """That of the account in use."""

    async def opened(self) -> TokenCache:
        """The same, looking into the store if that may help. Raises NotSignedIn."""

    async def granted(self, cache: TokenCache, stale: str | None) -> Grant:
        """See `Authority.grant`."""


class Seat:
    """An `Authority`. Without `cache` it takes the account that is in use at its first call."""

    def __init__(self, owner: Owner, cache: TokenCache | None = None) -> None:
        self._owner = owner
        self._cache = cache

    async def grant(self, *, stale: str | None = None) -> Grant:
        if self._cache is None:
            self._cache = await self._owner.opened()
        if self._cache.ended:
            raise NotSignedIn
        return await self._owner.granted(self._cache, stale)

    def outdate(self, token: str) -> None:
        if self._cache is not None:
            self._cache.outdate(token)

    @property
    def in_use(self) -> bool:
        """Is its account still the one that is in use?"""
        return self._cache is None or self._cache is self._owner.cache

    def check(self) -> None:
        """Raises Busy if another account is in use by now, NotSignedIn if this one is gone."""
        if self._cache is not None and self._cache.ended:
            raise NotSignedIn
        if not self.in_use:
            raise Busy(fields={"reason": "another account has just been chosen"})


def in_use(authority: Authority) -> bool:
    """Is what is learned in the name of `authority` about the account that is in use?"""
    return not isinstance(authority, Seat) or authority.in_use


def pays(authority: Authority) -> bool:
    """Is it the account in use whose allowance is told? Not where a client brings its own token."""
    return in_use(authority) and not getattr(authority, "brought", False)


def check(authority: Authority) -> None:
    """See `Seat.check`; what a client brings along is always its own."""
    if isinstance(authority, Seat):
        authority.check()


async def for_its_own(authority: Authority, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work` and blame a change of account for what comes of one. Raises as `check`."""
    check(authority)
    try:
        await work()
    except NotSignedIn:
        check(authority)  # the work was ended because the account was left
        raise
