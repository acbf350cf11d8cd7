"""The accounts as the rest of the core sees them: load, check, sign in, change, sign out.

Sits between the verbs and `Session`: what has to follow when the account changes (models, usage)
and which background work belongs to it. `begin` needs no network; looking at GitHub happens later.

Exactly one account is in use. Another one comes into use only by the user's word, never by itself:
not when an allowance is used up, not when a sign-in has expired, not after a sign-out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, cast

from copilot_desktop.core.tasks import Tasks
from copilot_desktop.errors import (
    BadSetting,
    InvalidRequest,
    NotSignedIn,
    NotUnderstood,
    Problem,
    Unreachable,
    UpstreamFault,
    UpstreamTimeout,
)
from copilot_desktop.upstream.catalogue import Catalogue
from copilot_desktop.upstream.credentials import (
    FileStore,
    KeyringStore,
    StoreKind,
    TokenStore,
    choose_store,
    token_file,
)
from copilot_desktop.upstream.keeping import Home
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.quota import Quota
from copilot_desktop.upstream.roster import Roster
from copilot_desktop.upstream.session import Session
from copilot_desktop.upstream.stores.worker import Worker

log = logging.getLogger(__name__)

_KINDS = ("keyring", "file", "memory")
LOOK_LIMIT = 3.0  # seconds for finding out whether a store can be used
LOAD_PATIENCE = 0.5  # seconds that the first window waits for the keyring


class AccountDesk:
    """`on_look` is told how each look at GitHub ended: with a Problem, or None.

    `origins_of` says where a GitHub is, by its host, and raises BadSetting; `on_home` is told when
    the account in use has another one. `lasting`: sign-ins may be on this machine from earlier.
    """

    def __init__(
        self,
        session: Session,
        catalogue: Catalogue,
        quota: Quota,
        tasks: Tasks,
        *,
        roster: Roster,
        origins_of: Callable[[str], Origins],
        on_home: Callable[[Origins], Awaitable[None]],
        lasting: bool,
        data_dir: Path,
        protect: Callable[[Path], None],
        environ: Mapping[str, str],
        on_look: Callable[[Problem | None], None],
    ) -> None:
        self._session = session
        self._catalogue = catalogue
        self._quota = quota
        self._tasks = tasks
        self._roster = roster
        self._origins_of = origins_of
        self._on_home = on_home
        self._lasting = lasting
        self._alone = False
        self._at = session.home.origins.host
        self._data_dir = data_dir
        self._protect = protect
        self._environ = environ
        self._on_look = on_look
        self._loading: asyncio.Task[Any] | None = None
        self._moving = asyncio.Lock()  # where a change leads is found out before it is made

    async def begin(self, *, alone: bool = False) -> None:
        """Begin to read the stored sign-in. Whoever needs it before it is there waits for it.

        `alone`: there is only one command to carry out, so it is waited for, and GitHub is not
        asked unless the command does.
        """
        self._alone = alone
        listing = self._tasks.start(self._roster.load(), "load the other accounts")
        self._loading = self._tasks.start(self._load(listing), "load account")
        if alone:
            await asyncio.wait({self._loading})
        await asyncio.wait({listing}, timeout=LOAD_PATIENCE)

    async def found(self) -> None:
        """The stored sign-in was read, or the keyring is slow and goes on in the background."""
        assert self._loading is not None
        await asyncio.wait({self._loading}, timeout=LOAD_PATIENCE)

    def look_soon(self) -> None:
        """Ask GitHub for the first time, in the background."""
        self._tasks.start(self._first_look(), "first look")

    async def look(self) -> None:
        """Ask GitHub about account, models and usage. Raises Problem."""
        nobody = self._session.account.state == "signed_out"
        try:
            account = await self._session.check()
            if nobody and account.usable:
                await self._session.cancel()  # a terminal was faster, and this code is of no use
            if not account.usable:
                raise account.problem or NotSignedIn()
            if is_network_trouble(account.problem):
                assert account.problem is not None
                self._quota.missed(account.problem)
                self._catalogue.missed(account.problem)
                raise account.problem
            await self._refresh_lists()
        except Problem as problem:
            self._on_look(problem)
            raise
        self._on_look(None)

    async def refresh_models(self) -> None:
        """Fetch the model list. Raises Problem."""
        await self._catalogue.refresh(self._session.seat())

    async def refresh_quota(self) -> None:
        """Fetch the usage numbers. Raises Problem."""
        await self._quota.refresh(self._session.user)

    async def sign_in(self, host: str | None = None) -> Mapping[str, Any]:
        """Ask GitHub for a code and go on waiting in the background. Raises Problem.

        The account in use stays in use until GitHub has approved, and is listed from then on.
        """
        started = await self.ask_for_code(host)
        self._tasks.start(self._await_approval(), "sign in")
        return started

    async def ask_for_code(self, host: str | None = None) -> Mapping[str, Any]:
        """Only that. Whoever calls it waits with `approval`. Raises Problem."""
        home = await self._home_of(host or self._session.account.host)
        started = await self._session.start(home)
        return {"user_code": started.user_code, "uri": started.uri}

    async def approval(self) -> None:
        """Wait until GitHub has decided. Raises as `Session.poll`."""
        try:
            await self._session.poll()
        finally:
            await self._follow_home()

    async def use(self, host: str, number: int) -> None:
        """Use one of the other accounts from now on.

        Raises BadSetting, InvalidRequest or StorageFailed, and then nothing has changed.
        """
        account = self._session.account
        if (account.host, account.id) == (host, number) and account.state != "signed_out":
            return
        if account.source == "environment":
            raise InvalidRequest(
                f"This sign-in comes from an environment variable, {account.where}. "
                "Remove the variable to use another account."
            )
        async with self._moving:
            home = await self._home_of(host)
            kept = await self._roster.fetch(host, number)
            known = self._roster.find(host, number)
            await self._session.use(home, kept, plan=known.plan if known else "")
            await self._follow_home()
        self._on_look(None)
        if not self._alone:
            self._tasks.replace(self._quietly(self.look()), "look at the other account")

    async def remove(self, host: str, number: int) -> None:
        """Delete the sign-in of an account that is not in use. Raises StorageFailed."""
        if self._roster.find(host, number) is None:
            raise InvalidRequest("There is no such account here.")
        await self._roster.drop(host, number)

    async def cancel(self) -> None:
        await self._session.cancel()

    async def sign_out(self) -> None:
        """Remove everything that was stored for the account. Raises StorageFailed."""
        try:
            await self._session.sign_out()
        finally:
            if self._session.account.state == "signed_out":
                self._catalogue.clear()
                self._quota.clear()
                self._on_look(None)

    async def move_to(self, kind: StoreKind) -> None:
        """Keep the sign-in in another store from now on. Raises StorageFailed or BadSetting."""
        if self._session.account.source == "environment":
            raise InvalidRequest(
                "This sign-in comes from an environment variable and is kept nowhere."
            )
        async with self._moving:
            store = await self._store(kind, self._session.account.host)
            if reason := await _why_not(store):
                raise BadSetting(fields={"name": store.where, "reason": reason.rstrip(".")})
            await self._session.move_to(store)
        self._expect_password()

    async def _load(self, listing: asyncio.Task[None]) -> None:
        await asyncio.wait({listing})
        await self._session.load()
        self._expect_password()

    def _expect_password(self) -> None:
        store = self._session.store
        locked = self._session.account.state == "storage_locked"
        if locked and isinstance(store, KeyringStore) and not self._alone:
            self._tasks.replace(self._open_late(store), "wait for the keyring's password")

    async def _open_late(self, store: KeyringStore) -> None:
        """To type a password takes longer than a look into a keyring may last. Where it was not
        typed nobody is asked again."""
        session = self._session
        while await store.opens_late():
            if session.store is not store or session.account.state != "storage_locked":
                break
            await session.load()
        if session.account.usable:
            await self._quietly(self.look())

    async def _home_of(self, host: str) -> Home:
        """Where an account of `host` belongs. Raises BadSetting."""
        origins, own = self._origins_of(host), self._session.home
        if origins.host == own.origins.host or own.store.read_only:
            return own  # of a token from the environment nothing can be changed anyway
        name = own.store.name
        store = await self._store(name if name in _KINDS else "memory", origins.host)
        others = other_stores(store, self._data_dir, origins.host) if self._lasting else ()
        return Home(origins, store, others)

    async def _follow_home(self) -> None:
        origins = self._session.home.origins
        if origins.host != self._at:
            self._at = origins.host
            await self._on_home(origins)

    async def _store(self, kind: str, host: str) -> TokenStore:
        return await choose_store(
            cast("StoreKind", kind),
            data_dir=self._data_dir,
            allow_file=False,
            environ=self._environ,
            host=host,
            protect=self._protect,
        )

    async def _refresh_lists(self) -> None:
        """Both at the same time; what one lacks must not keep the other from being shown."""
        found = await asyncio.gather(
            self.refresh_models(), self.refresh_quota(), return_exceptions=True
        )
        for outcome in found:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _first_look(self) -> None:
        assert self._loading is not None
        await asyncio.wait({self._loading})
        if self._session.account.usable:
            await self._quietly(self.look())

    async def _await_approval(self) -> None:
        try:
            await self.approval()
        except Problem as problem:
            log.info("The sign-in ended: %s", problem.kind)
        if self._session.account.usable:
            await self._quietly(self.look())

    async def _quietly(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Problem as problem:
            log.info("Looking at the account failed: %s", problem)


def other_stores(store: TokenStore, folder: Path, host: str) -> tuple[TokenStore, ...]:
    """Where an earlier choice may have left a sign-in: signing out empties these as well."""
    lasting: tuple[TokenStore, ...] = (FileStore(token_file(folder), host=host), KeyringStore(host))
    return tuple(other for other in lasting if other.name != store.name)


async def _why_not(store: TokenStore) -> str | None:
    """A sentence why `store` cannot be used. Finding a keyring may hang; then that is why."""
    try:
        return await Worker(LOOK_LIMIT).run(store.why_not)
    except TimeoutError:
        return f"It did not answer within {LOOK_LIMIT:g} seconds."


def is_network_trouble(problem: Problem | None) -> bool:
    """Whether waiting may help, as opposed to an answer that has to be accepted."""
    if isinstance(problem, NotUnderstood):
        return False
    return isinstance(problem, Unreachable | UpstreamTimeout | UpstreamFault)
