"""The one account of this app: signing in, staying in, signing out.

The session owns the GitHub token. It is the `Authority` of managed mode, and it keeps `account` and
`sign_in` up to date for every face of the app; `on_change` is called after each change. Its four
verbs are the same for page, terminal and Python: `start` (a code), `poll` (until GitHub decides),
`status` (no network), `sign_out` (everything kept is gone). What may follow what is the table in
`account`. Nothing here runs by itself: without a caller there is no call to GitHub.

It must not know who shows the account, nor how Copilot is spoken to.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import aiohttp

from copilot_desktop.errors import (
    InvalidRequest,
    NotSignedIn,
    Problem,
    SignInCancelled,
    SignInCodeExpired,
    SignInDenied,
    SignInExpired,
    SignInFailed,
    StorageFailed,
)
from copilot_desktop.upstream.account import (
    Account,
    AccountEvent,
    after,
    after_failure,
    after_success,
)
from copilot_desktop.upstream.device_flow import DeviceFlow, SignIn, SignInState
from copilot_desktop.upstream.github import GitHub
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.payloads import CopilotUser, GitHubUser, plan_words, read
from copilot_desktop.upstream.single_flight import SingleFlight, Stopped
from copilot_desktop.upstream.stores import StoredAccount, TokenStore
from copilot_desktop.upstream.token import Grant, TokenCache

__all__ = ["Account", "Session", "SignIn"]

log = logging.getLogger(__name__)

REOPEN = 60.0  # seconds between two looks into a store that could not be opened

_ENDINGS: tuple[tuple[type[Problem], SignInState], ...] = (
    (SignInDenied, "denied"),
    (SignInCodeExpired, "expired"),
    (SignInCancelled, "cancelled"),
)


def _nothing() -> None:
    return None


class Session:
    """`timeout` in seconds bounds each call to GitHub; `others` are emptied at sign-out too.

    `direct`: use the GitHub token itself as the bearer, without the exchange.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        origins: Origins,
        identity: Identity,
        store: TokenStore,
        *,
        timeout: float = 15.0,
        direct: bool = False,
        others: Sequence[TokenStore] = (),
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.account = Account(host=origins.host, source=store.name, where=store.where)
        self.sign_in: SignIn | None = None
        self.on_change: Callable[[], None] = _nothing
        self._http = http
        self._origins = origins
        self._identity = identity
        self._store = store
        self.others = tuple(others)
        self._timeout = timeout
        self._direct = direct
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        self._github = self._new_github()
        self._token = ""
        self._cache: TokenCache | None = None
        self._flow: DeviceFlow | None = None
        self._storage = asyncio.Lock()
        self._looked_at: float | None = None
        self._flights = SingleFlight()

    # What is known without asking anybody

    def status(self) -> Account:
        return self.account

    @property
    def store(self) -> TokenStore:
        """Where the sign-in is kept, or would be."""
        return self._store

    async def load(self) -> Account:
        """Take the sign-in out of the store; no network. Trouble becomes `storage_locked`."""
        async with self._storage:
            if self._cache is not None:
                return self.account
            self._looked_at = self._clock()
            try:
                kept = await self._store.load()
            except StorageFailed as problem:
                self._after("locked", problem=problem)
                return self.account
            if self._token:
                return self.account  # somebody signed in while the keyring took its time
            # A keyring knows its name only after it was opened.
            self.account = replace(self.account, where=self._store.where)
            if kept is None or kept.host != self._origins.host:
                self._after("absent", login="", id=0, plan="", problem=None, checked=False)
            else:
                self._adopt(kept.token)
                self._after("found", login=kept.login, id=kept.id, problem=None, checked=False)
        return self.account

    # The four verbs

    async def start(self) -> SignIn:
        """Ask GitHub for a code. An older attempt ends. Raises as `DeviceFlow.start`."""
        if self._store.read_only:
            raise InvalidRequest(self._read_only("sign in here"))
        if not self._flights.running("start"):
            await self.cancel()
        try:
            return await self._flights.join("start", self._start)
        except Stopped:
            raise SignInCancelled from None

    async def poll(self) -> Account:
        """Wait until GitHub decides or the code expires; many callers, one poll loop.

        A caller that stops waiting does not end the attempt; `cancel` does. Returns the account,
        which may be without Copilot (`no_access`). Raises SignInDenied, SignInCodeExpired,
        SignInCancelled, SignInFailed, SignInExpired, or StorageFailed if the sign-in works but
        could not be saved.
        """
        shown = self.sign_in
        if not self._flights.running("poll") and shown is not None:
            if shown.problem is not None:
                raise shown.problem
            if shown.state in {"done", "no_access"}:
                return self.account
        try:
            return await self._flights.join("poll", self._poll)
        except Stopped:
            raise SignInCancelled from None

    async def cancel(self) -> None:
        """End the attempt under way, at once. An attempt that GitHub approved goes on."""
        if self.sign_in is None or not self.sign_in.waiting:
            return
        self._flow = None
        self._show(replace(self.sign_in, state="cancelled", problem=SignInCancelled()))
        await self._flights.stop("start", "poll")

    async def sign_out(self) -> None:
        """Forget the sign-in, here and in every store.

        Raises StorageFailed if something could not be deleted; the account is signed out anyway.
        Raises InvalidRequest for a token from the environment, which stays.
        """
        if self._store.read_only:
            await self._empty(self.others)
            raise InvalidRequest(self._read_only("sign out"))
        await self.cancel()
        await self._flights.stop("poll", "check")
        cache, self._cache, self._token = self._cache, None, ""
        if cache is not None:
            await cache.close()
        await self._empty(self.others)
        failure: StorageFailed | None = None
        async with self._storage:
            try:
                await self._store.delete()
            except StorageFailed as problem:
                failure = problem
        self.sign_in = None
        self._after("left", login="", id=0, plan="", checked=False, problem=failure)
        if failure is not None:
            raise failure

    # With network

    async def check(self) -> Account:
        """Ask GitHub who this is, what plan it has and whether Copilot is there.

        Never raises: the outcome is the account, with its `problem`.
        """
        await self.load()
        with contextlib.suppress(Stopped):
            return await self._flights.join("check", self._check)
        return self.account

    async def user(self) -> dict[str, Any]:
        """`/copilot_internal/user`, raw, for the quota. Raises NotSignedIn, SignInExpired, …"""
        cache = self._cache or await self._opened()
        try:
            found = await self._github.account(self._token)
        except SignInExpired as problem:
            self._note(problem, cache)
            raise
        if cache is self._cache:
            self._describe(read(CopilotUser, found, what="The account"))
        return found

    async def grant(self, *, stale: str | None = None) -> Grant:
        """See `Authority`. Heals by itself: an account that works again is shown as such."""
        cache = self._cache or await self._opened()
        try:
            grant = await cache.grant(stale=stale)
        except Problem as problem:
            self._note(problem, cache)
            raise
        if not self.account.settled:
            self._note_access(cache)
        return grant

    # Other places

    def use(self, origins: Origins, store: TokenStore | None = None) -> None:
        """Talk to another GitHub from now on. What was kept for the old one stays kept."""
        self._flights.abandon()
        if self._cache is not None:
            self._cache.stop()
        self._flow, self.sign_in, self._cache, self._token = None, None, None, ""
        self._origins = origins
        self._github = self._new_github()
        self._store = store or self._store
        self._looked_at = None
        self.account = Account(host=origins.host, source=self._store.name, where=self._store.where)
        self.on_change()

    async def move_to(self, store: TokenStore) -> Account:
        """Keep the sign-in in `store` from now on and no longer where it was.

        Raises StorageFailed if the new store cannot take it; then nothing has changed.
        """
        async with self._storage:
            if self._token:
                await store.save(self._stored())
            old, self._store = self._store, store
            self._looked_at = None
        same_place = old.name == store.name and (old.name != "file" or old.where == store.where)
        if not same_place and not old.read_only:
            await self._empty((old,))
        problem = self.account.problem
        solved = None if isinstance(problem, StorageFailed) else problem
        self._change(replace(self.account, source=store.name, where=store.where, problem=solved))
        return self.account if self._token else await self.load()

    async def close(self) -> None:
        """End everything under way; nothing is forgotten."""
        await self.cancel()
        await self._flights.stop()
        if self._cache is not None:
            await self._cache.close()

    # The attempt to sign in

    async def _start(self) -> SignIn:
        flow = DeviceFlow(
            self._http,
            self._origins,
            self._identity,
            timeout=self._timeout,
            clock=self._clock,
            wall=self._wall,
            sleep=self._sleep,
            show=self._show,
        )
        try:
            started = await flow.start()
        except Problem as problem:
            self._show(SignIn("failed", problem=problem))
            raise
        self._flow = flow
        return started

    async def _poll(self) -> Account:
        flow, shown = self._flow, self.sign_in
        if flow is None or shown is None:
            raise SignInFailed("No code was asked for.")
        try:
            token = await flow.token()
        except Problem as problem:
            ending = next((state for kind, state in _ENDINGS if isinstance(problem, kind)), None)
            self._show(replace(shown, state=ending or "failed", problem=problem))
            raise
        self._flow = None
        shown = replace(shown, next_poll_at=None)
        self._show(replace(shown, state="checking"))
        trouble = await self._approved(token)
        if trouble is not None:
            self._show(replace(shown, state="failed", problem=trouble))
            raise trouble
        without = self.account.state == "no_access"
        self._show(replace(shown, state="no_access" if without else "done"))
        return self.account

    async def _approved(self, token: str) -> Problem | None:
        """Keep the new token at once, then find out whose it is; why it cannot be kept or used."""
        old = self._cache
        self._adopt(token)
        if old is not None:
            await old.close()
        self._after("approved", login="", id=0, plan="", problem=None, checked=False)
        unsaved = await self._save()
        await self._check()
        if unsaved is None and self.account.login:
            unsaved = await self._save()
        if unsaved is not None:
            kept = replace(self.account, source="memory", where="memory, until the app quits")
            self._change(replace(kept, problem=kept.problem or unsaved))
            return unsaved
        return self.account.problem if self.account.state == "expired" else None

    async def _save(self) -> StorageFailed | None:
        async with self._storage:
            try:
                await self._store.save(self._stored())
            except StorageFailed as problem:
                return problem
        self._change(replace(self.account, source=self._store.name, where=self._store.where))
        return None

    # What GitHub says about the account

    async def _check(self) -> Account:
        cache, token = self._cache, self._token
        if cache is None:
            return self.account
        cache.retry_now()
        self._after("recheck")
        found = await asyncio.gather(
            cache.grant(),
            self._github.account(token),
            self._github.person(token),
            return_exceptions=True,
        )
        for outcome in found:
            if isinstance(outcome, BaseException) and not isinstance(outcome, Problem):
                raise outcome
        if cache is not self._cache:
            return self.account
        access, account, person = found
        if isinstance(person, GitHubUser):
            self._change(replace(self.account, login=person.login, id=person.id or 0))
        if isinstance(account, dict):
            self._describe(read(CopilotUser, account, what="The account"))
        if isinstance(account, SignInExpired):
            self._note(account, cache)
        elif isinstance(access, Problem):
            self._note(access, cache)
        else:
            self._note_access(cache)
        return self.account

    def _describe(self, user: CopilotUser) -> None:
        plan = plan_words(user.copilot_plan, user.access_type_sku)
        login = self.account.login or user.login or ""
        self._change(replace(self.account, plan=plan or self.account.plan, login=login))

    def _note_access(self, cache: TokenCache) -> None:
        if cache is not self._cache:
            return
        facts = cache.plan
        plan = self.account.plan or plan_words(None, facts.sku if facts else "")
        chat = facts.chat_enabled if facts else None
        self._change(after_success(self.account, plan=plan, chat=chat))

    def _note(self, problem: Problem, cache: TokenCache) -> None:
        if cache is self._cache:
            self._change(after_failure(self.account, problem))

    # Pieces

    async def _opened(self) -> TokenCache:
        """The cache of the sign-in in the store, looking there if that may help."""
        state = self.account.state
        waited = self._looked_at is None or self._clock() - self._looked_at >= REOPEN
        if state == "unknown" or (state == "storage_locked" and waited):
            await self.load()
        if self._cache is not None:
            return self._cache
        problem = self.account.problem
        if isinstance(problem, StorageFailed) and self.account.state == "storage_locked":
            raise NotSignedIn(
                f"The sign-in in {self._store.where} cannot be read. {problem.detail}"
            )
        raise NotSignedIn

    def _adopt(self, token: str) -> None:
        self._token = token
        self._cache = TokenCache(
            self._http,
            self._origins,
            self._identity,
            token,
            clock=self._clock,
            wall=self._wall,
            timeout=self._timeout,
            direct=self._direct,
        )

    def _new_github(self) -> GitHub:
        return GitHub(
            self._http, self._origins, self._identity, timeout=self._timeout, wall=self._wall
        )

    def _stored(self) -> StoredAccount:
        account = self.account
        return StoredAccount(self._origins.host, account.login, account.id, self._token)

    async def _empty(self, stores: Sequence[TokenStore]) -> None:
        """Delete from stores that are not in use; one that cannot be opened holds nothing of ours
        that we could know of."""
        async with self._storage:
            for store in stores:
                try:
                    await store.delete()
                except StorageFailed as problem:
                    log.info("Nothing deleted from %s: %s", store.where, problem.detail)

    def _read_only(self, verb: str) -> str:
        return (
            f"This sign-in comes from an environment variable, {self._store.where}. "
            f"Remove the variable to {verb}."
        )

    def _after(self, event: AccountEvent, **changes: Any) -> None:
        self._change(after(self.account, event, **changes))

    def _change(self, account: Account) -> None:
        if account != self.account:
            self.account = account
            self.on_change()

    def _show(self, sign_in: SignIn) -> None:
        self.sign_in = sign_in
        self.on_change()
