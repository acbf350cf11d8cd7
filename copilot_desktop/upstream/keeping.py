"""Where the account in use is kept, and that nothing kept is ever lost on the way.

A place that holds one account may be wanted for another one: the file is one for all hosts, the
keyring has one entry for each host. Whatever is found there of somebody else is parked first
(`roster`), and only when that is safe is the place written or emptied. So every interruption leaves
each sign-in in at least one place; one that is left in two is found by its host and number, and the
parked copy goes (`drop_twin`).

Without a roster (a program that keeps one sign-in itself) a place is simply written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from copilot_desktop.errors import InvalidRequest, StorageFailed
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.roster import LASTING, MEMORY, Roster
from copilot_desktop.upstream.stores import StoredAccount, TokenStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Home:
    """Where an account belongs: its GitHub, the place of its sign-in, and where else an earlier
    choice may have left it."""

    origins: Origins
    store: TokenStore
    others: tuple[TokenStore, ...] = ()


class Keeping:
    """`store` is the place of the account in use; `others` are those where an earlier choice may
    have left it. For the list of parked accounts: `plans` by (host, id), and `known` by token, what
    GitHub has told; that may be more than a place holds (a token put there by hand)."""

    def __init__(
        self,
        store: TokenStore,
        others: Sequence[TokenStore] = (),
        roster: Roster | None = None,
    ) -> None:
        self.store = store
        self.others = tuple(others)
        self.roster = roster
        self.known: dict[str, StoredAccount] = {}
        self.plans: dict[tuple[str, int], str] = {}
        self._gone: set[str] = set()  # tokens that were signed out, deleted or not
        self.lock = asyncio.Lock()  # of the place in use
        self.changing = asyncio.Lock()  # one change of accounts at a time; taken before `lock`

    async def load(self) -> StoredAccount | None:
        """What the place holds. Raises StorageFailed. To be called under `lock`.

        A sign-in that could not be deleted when it was signed out is deleted now, and not used.
        """
        kept = await self.store.load()
        if kept is None or kept.token not in self._gone:
            return kept
        with suppress(StorageFailed):
            await self.store.delete()
        return None

    def knows(self, account: StoredAccount, plan: str) -> None:
        """What GitHub has told of the account in use."""
        self.known[account.token] = account
        if plan:
            self.plans[account.host, account.id] = plan

    async def save(self, account: StoredAccount, store: TokenStore | None = None) -> None:
        """Keep `account`, and whoever was kept there as parked. Raises StorageFailed, and what was
        kept is still there."""
        place = store or self.store
        self._gone.discard(account.token)
        async with self.lock:
            await self._park_stranger(place, account)
            await place.save(account)
            self.store = place

    async def erase(self, account: StoredAccount | None) -> StorageFailed | None:
        """Nothing of `account`, or of whoever is in its place, stays anywhere. Never raises: the
        outcome is why the place could not be emptied."""
        failure = None
        async with self.lock:
            try:
                if account is not None:
                    self._gone.add(account.token)
                    self.known.pop(account.token, None)
                    await self._park_stranger(self.store, account)
                await self.store.delete()
            except StorageFailed as problem:
                reason = f"{problem.detail} Nothing was deleted."
                failure = StorageFailed(reason, fields=problem.fields)
        await self.vacate(self.others, account)
        await self.forget(account)
        return failure

    def settle(self, left: TokenStore, store: TokenStore) -> None:
        """Sign-ins are kept in `store` from now on. Signing out empties where they were before, in
        case that was not possible when they were moved."""
        self.others = tuple(each for each in (left, *self.others) if each.name != store.name)
        self.store = store

    async def set_aside(self, account: StoredAccount) -> None:
        """Park an account that could not be saved: it lasts as long as the app, as before."""
        if self.roster is not None:
            plan = self.plans.get((account.host, account.id), "")
            await self.roster.park(account, plan=plan, kind=MEMORY)

    async def vacate(self, places: Sequence[TokenStore], account: StoredAccount | None) -> None:
        """Empty places that are not in use; what is somebody else's than `account`'s is parked.

        One that cannot be opened holds nothing of ours that we could know of.
        """
        async with self.lock:
            for place in places:
                try:
                    if account is not None:
                        await self._park_stranger(place, account)
                    await place.delete()
                except StorageFailed as problem:
                    log.info("Nothing deleted from %s: %s", place.where, problem.detail)

    async def leave(self, left: Home, home: Home, token: str) -> Home:
        """Where the account of a new `token`, asked for at `home`, belongs by now.

        At the same GitHub that is where sign-ins are kept now. At another one the account that is
        left is parked first: nobody looks at its place from then on, whatever becomes of the new
        one.
        """
        if left.origins.host == home.origins.host:
            return left
        if self.roster is not None and not _same_place(left, home):
            await self.vacate((left.store,), StoredAccount(home.origins.host, "", 0, token))
        return home

    async def moved_out(self, left: Home, home: Home, account: StoredAccount) -> None:
        """`account` is safe at `home`: where it was before, and its parked copy, can go."""
        if not _same_place(left, home):
            await self.vacate((left.store,), account)
        await self.drop_twin(account.host, account.id)

    async def drop_twin(self, host: str, number: int) -> None:
        """The account in use is not parked as well. Never raises.

        By now another one may be in use, so the parked copy goes only if the place has the account.
        """
        if self.roster is None or not number or self.roster.find(host, number) is None:
            return
        async with self.lock:
            with suppress(StorageFailed):
                kept = await self.store.load()
                kept = self.known.get(kept.token, kept) if kept else None
                if kept is not None and (kept.host, kept.id) == (host, number):
                    await self.roster.drop(host, number)

    async def forget(self, account: StoredAccount | None) -> None:
        """An account that was signed out is not parked either. Never raises."""
        if self.roster is not None and account is not None and account.id:
            with suppress(StorageFailed):
                await self.roster.drop(account.host, account.id)

    async def _park_stranger(self, place: TokenStore, account: StoredAccount) -> None:
        if self.roster is None or place.name not in (*LASTING, MEMORY):
            return
        kept = await place.load()
        if kept is None or kept.token in self._gone or _same(kept, account):
            return
        kept = self.known.get(kept.token, kept)
        plan = self.plans.get((kept.host, kept.id), "")
        await self.roster.park(kept, plan=plan, kind=place.name)


def _same(one: StoredAccount, other: StoredAccount) -> bool:
    known = one.id != 0 and (one.host, one.id) == (other.host, other.id)
    return known or (one.host, one.token) == (other.host, other.token)


def _same_place(one: Home, other: Home) -> bool:
    """A keyring has one entry for each host, a file is one for all, memory is never the same."""
    if one.store is other.store:
        return True
    if one.store.name != other.store.name or one.store.name == MEMORY:
        return False
    if one.store.name == "file":
        return one.store.where == other.store.where
    return one.origins.host == other.origins.host


def read_only(store: TokenStore, verb: str) -> InvalidRequest:
    """Why `verb` is not possible with a sign-in that somebody else has set."""
    return InvalidRequest(
        f"This sign-in comes from an environment variable, {store.where}. "
        f"Remove the variable to {verb}."
    )
