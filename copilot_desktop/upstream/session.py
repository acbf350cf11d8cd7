"""The account in use: signing in, staying in, changing to another one, signing out.

The session owns the GitHub token and gives out the `seat` in whose name calls are made. It keeps
`account` and `sign_in` up to date for every face of the app; `on_change` is called after each
change. Its four verbs are the same for page, terminal and Python: `start` (a code), `poll` (until
GitHub decides), `status` (no network), `sign_out` (everything kept is gone). Until GitHub has
decided, the account in use stays as it is. What may follow what is the table in `account`. Nothing
here runs by itself: without a caller there is no call to GitHub.

It must not know who shows the account, nor how Copilot is spoken to.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from weakref import WeakSet

import aiohttp

from copilot_desktop.errors import (
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
from copilot_desktop.upstream.keeping import Home, Keeping, read_only
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.payloads import CopilotUser, GitHubUser, plan_words, read
from copilot_desktop.upstream.roster import Roster
from copilot_desktop.upstream.seat import Seat
from copilot_desktop.upstream.single_flight import SingleFlight, Stopped
from copilot_desktop.upstream.stores import StoredAccount, TokenStore
from copilot_desktop.upstream.token import Grant, TokenCache

__all__ = ["Account", "Session", "SignIn"]

REOPEN = 60.0  # seconds between two looks into a store that could not be opened

_ENDINGS: Mapping[type[Problem], SignInState] = MappingProxyType(
    {SignInDenied: "denied", SignInCodeExpired: "expired", SignInCancelled: "cancelled"}
)


def _nothing() -> None:
    return None


class Session:
    """`timeout` in seconds bounds each call to GitHub; `others` are emptied at sign-out too.

    `direct`: use the GitHub token itself as the bearer, without the exchange. `roster` keeps those
    whose place is needed for another account; without one they are replaced.
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
        roster: Roster | None = None,
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
        self._keeping = Keeping(store, others, roster)
        self._timeout = timeout
        self._direct = direct
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        self._github = self._new_github()
        self._token = ""
        self.cache: TokenCache | None = None
        self._seat: Seat | None = None
        self._left: WeakSet[TokenCache] = WeakSet()  # of accounts that are no longer in use
        self._flow: DeviceFlow | None = None
        self._home = Home(origins, store, tuple(others))  # of the attempt to sign in
        self._looked_at: float | None = None
        self._flights = SingleFlight()

    # What is known without asking anybody

    def status(self) -> Account:
        return self.account

    @property
    def store(self) -> TokenStore:
        """Where the sign-in is kept, or would be."""
        return self._keeping.store

    @property
    def home(self) -> Home:
        """That of the account in use, or of the next sign-in."""
        return Home(self._origins, self._keeping.store, self._keeping.others)

    def seat(self) -> Seat:
        """For whoever begins something now: one account from here to its end."""
        return self._seat or Seat(self)

    async def load(self) -> Account:
        """Take the sign-in out of the store; no network. Trouble becomes `storage_locked`."""
        async with self._keeping.lock:
            if self.cache is not None:
                return self.account
            self._looked_at = self._clock()
            try:
                kept = await self._keeping.load()
            except StorageFailed as problem:
                self._after("locked", problem=problem)
                return self.account
            if self._token:
                return self.account  # somebody signed in while the keyring took its time
            # A keyring knows its name only after it was opened.
            self.account = replace(self.account, where=self.store.where)
            if kept is None or kept.host != self._origins.host:
                self._after("absent", login="", id=0, plan="", problem=None, checked=False)
            else:
                self._adopt(kept.token)
                self._after("found", login=kept.login, id=kept.id, problem=None, checked=False)
        await self._keeping.drop_twin(self.account.host, self.account.id)
        return self.account

    # The four verbs

    async def start(self, home: Home | None = None) -> SignIn:
        """Ask GitHub, that of `home` if given, for a code. An older attempt ends. Raises as
        `DeviceFlow.start`."""
        if self.store.read_only:
            raise read_only(self.store, "sign in here")
        there = (home or self.home).origins.host == self._home.origins.host
        if not (there and self._flights.running("start")):
            await self.cancel()
            await self._flights.over("poll")  # GitHub has approved that one
        try:
            return await self._flights.join("start", lambda: self._start(home or self.home))
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
        """Forget the sign-in of the account in use, here and in every store.

        Raises StorageFailed if something could not be deleted; the account is signed out anyway.
        Raises InvalidRequest for a token from the environment, which stays.
        """
        keeping = self._keeping
        if self.store.read_only:
            await keeping.vacate(keeping.others, None)
            raise read_only(self.store, "sign out")
        await self.cancel()
        await self._flights.stop("poll", "check")
        async with self._keeping.changing:
            gone, cache = self._stored() if self._token else None, self.cache
            self.cache, self._seat, self._token = None, None, ""
            if cache is not None:
                cache.ended = True
                await cache.close()
            failure = await keeping.erase(gone)
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
        cache = self.cache or await self.opened()
        try:
            found = await self._github.account(self._token)
        except SignInExpired as problem:
            self._note(problem, cache)
            raise
        if cache is self.cache:
            self._describe(read(CopilotUser, found, what="The account"))
        return found

    async def grant(self, *, stale: str | None = None) -> Grant:
        """See `Authority`. Heals by itself: an account that works again is shown as such."""
        return await self.granted(self.cache or await self.opened(), stale)

    async def granted(self, cache: TokenCache, stale: str | None) -> Grant:
        """A grant of `cache`, whose account need not be the one in use. Raises as `grant`."""
        try:
            grant = await cache.grant(stale=stale)
        except Problem as problem:
            self._note(problem, cache)
            raise
        if not self.account.settled:
            self._note_access(cache)
        return grant

    # Other places

    async def use(self, home: Home, account: StoredAccount, *, plan: str = "") -> Account:
        """Use a parked account from now on; the one in use is parked. No network.

        Requests under way keep the account that they began with. Raises StorageFailed, and then
        nothing has changed.
        """
        async with self._keeping.changing:
            await self.cancel()
            left = self.home
            await self._set_aside()
            await self._keeping.save(account, home.store)
            self._enter(home)
            self._adopt(account.token)
            self.sign_in = None
            source, where = home.store.name, home.store.where
            self.account = Account(host=account.host, source=source, where=where, plan=plan)
            self._after("found", login=account.login, id=account.id)
            await self._keeping.moved_out(left, home, account)
            return self.account

    async def move_to(self, store: TokenStore) -> Account:
        """Keep the sign-in in `store` from now on and no longer where it was.

        Raises StorageFailed if the new store cannot take it; then nothing has changed.
        """
        async with self._keeping.changing:
            await self.cancel()
            left = self.home
            if self._token:
                await self._keeping.save(self._stored(), store)
            self._keeping.settle(left.store, store)
            self._looked_at = None
            if not left.store.read_only:
                await self._keeping.moved_out(left, self.home, self._stored())
            moved = replace(self.account, source=store.name, where=store.where)
            solved = isinstance(moved.problem, StorageFailed)
            if self.sign_in is not None and isinstance(self.sign_in.problem, StorageFailed):
                self.sign_in = None  # saved by now
            self._change(replace(moved, problem=None) if solved else moved)
            return self.account if self._token else await self.load()

    async def close(self) -> None:
        """End everything under way; nothing is forgotten."""
        await self.cancel()
        await self._flights.stop()
        for cache in (*self._left, *((self.cache,) if self.cache else ())):
            await cache.close()

    # The attempt to sign in

    async def _start(self, home: Home) -> SignIn:
        self._home = home
        flow = DeviceFlow(
            self._http,
            self._home.origins,
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
            self._show(SignIn("failed", problem=problem, host=self._home.origins.host))
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
            ending = _ENDINGS.get(type(problem), "failed")
            self._show(replace(shown, state=ending, problem=problem))
            raise
        self._flow = None
        shown = replace(shown, next_poll_at=None)
        self._show(replace(shown, state="checking"))
        async with self._keeping.changing:
            trouble = await self._approved(token)
        if trouble is not None:
            self._show(replace(shown, state="failed", problem=trouble))
            raise trouble
        without = self.account.state == "no_access"
        self._show(replace(shown, state="no_access" if without else "done"))
        return self.account

    async def _approved(self, token: str) -> Problem | None:
        """Keep the new token at once, then find out whose it is; why it cannot be kept or used."""
        left = self.home
        with contextlib.suppress(StorageFailed):
            await self._set_aside()
        home = await self._keeping.leave(left, self._home, token)
        self._enter(home)
        self._keeping.store = home.store
        self._adopt(token)
        nobody = {"host": home.origins.host, "login": "", "id": 0, "plan": ""}
        self._after("approved", **nobody, problem=None, checked=False)
        unsaved = await self._save()
        await self._check()
        if self.account.login:
            unsaved = await self._save()
        if unsaved is not None:
            kept = replace(self.account, source="memory", where="memory, until the app quits")
            self._change(replace(kept, problem=kept.problem or unsaved))
            return unsaved
        await self._keeping.moved_out(left, self.home, self._stored())
        return self.account.problem if self.account.state == "expired" else None

    async def _save(self) -> StorageFailed | None:
        try:
            await self._keeping.save(self._stored())
        except StorageFailed as problem:
            return problem
        self._change(replace(self.account, source=self.store.name, where=self.store.where))
        return None

    # From one account to another

    def _enter(self, home: Home) -> None:
        """The next account is at home there. The last one's seat stays with who has it."""
        self._flights.abandon("check")
        self._keeping.others = home.others
        self._origins = home.origins
        self._github = self._new_github()
        self._looked_at = None

    async def _set_aside(self) -> None:
        """An account that could be kept nowhere is not lost with its place."""
        if self._token and self.account.source != self.store.name:
            await self._keeping.set_aside(self._stored())

    # What GitHub says about the account

    async def _check(self) -> Account:
        cache, token = self.cache, self._token
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
        if cache is not self.cache:
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
        await self._keeping.drop_twin(self.account.host, self.account.id)
        return self.account

    def _describe(self, user: CopilotUser) -> None:
        plan = plan_words(user.copilot_plan, user.access_type_sku)
        login = self.account.login or user.login or ""
        self._change(replace(self.account, plan=plan or self.account.plan, login=login))

    def _note_access(self, cache: TokenCache) -> None:
        if cache is not self.cache:
            return
        facts = cache.plan
        plan = self.account.plan or plan_words(None, facts.sku if facts else "")
        chat = facts.chat_enabled if facts else None
        self._change(after_success(self.account, plan=plan, chat=chat))

    def _note(self, problem: Problem, cache: TokenCache) -> None:
        if isinstance(problem, SignInExpired):
            cache.doubt()
        if cache is self.cache:
            self._change(after_failure(self.account, problem))

    async def opened(self) -> TokenCache:
        """The cache of the sign-in in the store, looking there if that may help."""
        state = self.account.state
        waited = self._looked_at is None or self._clock() - self._looked_at >= REOPEN
        if state == "unknown" or (state == "storage_locked" and waited):
            await self.load()
        if self.cache is not None:
            return self.cache
        problem, where = self.account.problem, self.store.where
        if isinstance(problem, StorageFailed) and self.account.state == "storage_locked":
            raise NotSignedIn(f"The sign-in in {where} cannot be read. {problem.detail}")
        missing = self.store.why_not() if self.store.read_only else None
        raise NotSignedIn(missing or "")

    def _adopt(self, token: str) -> None:
        self._token = token
        if self.cache is not None:
            self._left.add(self.cache)
        self.cache = TokenCache(
            self._http,
            self._origins,
            self._identity,
            token,
            clock=self._clock,
            wall=self._wall,
            timeout=self._timeout,
            direct=self._direct,
        )
        self._seat = Seat(self, self.cache)

    def _new_github(self) -> GitHub:
        timeout, wall = self._timeout, self._wall
        return GitHub(self._http, self._origins, self._identity, timeout=timeout, wall=wall)

    def _stored(self) -> StoredAccount:
        return StoredAccount(self._origins.host, self.account.login, self.account.id, self._token)

    def _after(self, event: AccountEvent, **changes: Any) -> None:
        self._change(after(self.account, event, **changes))

    def _change(self, account: Account) -> None:
        if account != self.account:
            self.account = account
            if account.id:
                self._keeping.knows(self._stored(), account.plan)
            self.on_change()

    def _show(self, sign_in: SignIn) -> None:
        self.sign_in = sign_in
        self.on_change()
