"""The account as the rest of the core sees it: load, check, sign in, sign out, change the store.

Sits between the verbs and `Session`: what has to follow when the account changes (models, usage)
and which background work belongs to it. `begin` needs no network; looking at GitHub happens later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from copilot_desktop.core.tasks import Tasks
from copilot_desktop.errors import (
    BadSetting,
    InvalidRequest,
    NotSignedIn,
    Problem,
    Unreachable,
    UpstreamFault,
    UpstreamTimeout,
)
from copilot_desktop.upstream.catalogue import Catalogue
from copilot_desktop.upstream.credentials import StoreKind, TokenStore, choose_store
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.quota import Quota
from copilot_desktop.upstream.session import Session
from copilot_desktop.upstream.stores.worker import Worker

log = logging.getLogger(__name__)

LOOK_LIMIT = 3.0  # seconds for finding out whether a store can be used
LOAD_PATIENCE = 0.5  # seconds that the first window waits for the keyring


class AccountDesk:
    """`on_look` is told how each look at GitHub ended: with a Problem, or None."""

    def __init__(
        self,
        session: Session,
        catalogue: Catalogue,
        quota: Quota,
        tasks: Tasks,
        *,
        data_dir: Path,
        protect: Callable[[Path], None],
        environ: Mapping[str, str],
        on_look: Callable[[Problem | None], None],
    ) -> None:
        self._session = session
        self._catalogue = catalogue
        self._quota = quota
        self._tasks = tasks
        self._data_dir = data_dir
        self._protect = protect
        self._environ = environ
        self._on_look = on_look
        self._loading: asyncio.Task[Any] | None = None

    async def begin(self, *, alone: bool = False) -> None:
        """Read the stored sign-in; a slow keyring is waited for in the background.

        `alone`: there is only one command to carry out, so it is waited for, and GitHub is not
        asked unless the command does.
        """
        self._loading = self._tasks.start(self._session.load(), "load account")
        await asyncio.wait({self._loading}, timeout=None if alone else LOAD_PATIENCE)
        if not alone:
            self._tasks.start(self._first_look(), "first look")

    async def look(self) -> None:
        """Ask GitHub about account, models and usage. Raises Problem."""
        try:
            account = await self._session.check()
            if not account.usable:
                raise account.problem or NotSignedIn()
            if is_network_trouble(account.problem):
                assert account.problem is not None
                raise account.problem
            await self._refresh_lists()
        except Problem as problem:
            self._on_look(problem)
            raise
        self._on_look(None)

    async def refresh_models(self) -> None:
        """Fetch the model list. Raises Problem."""
        await self._catalogue.refresh(self._session)

    async def refresh_quota(self) -> None:
        """Fetch the usage numbers. Raises Problem."""
        await self._quota.refresh(self._session.user)

    async def sign_in(self) -> Mapping[str, Any]:
        """Ask GitHub for a code and go on waiting in the background. Raises Problem."""
        started = await self._session.start()
        self._tasks.start(self._await_approval(), "sign in")
        return {"user_code": started.user_code, "uri": started.uri}

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
        store = await self._store(kind, self._session.account.host)
        if reason := await _why_not(store):
            raise BadSetting(fields={"name": store.where, "reason": reason.rstrip(".")})
        await self._session.move_to(store)

    async def use(self, origins: Origins, kind: StoreKind) -> None:
        """Talk to another GitHub from now on; its sign-in is kept apart."""
        if self._session.account.source == "environment":
            raise InvalidRequest("This sign-in comes from an environment variable.")
        self._session.use(origins, await self._store(kind, origins.host))
        self._catalogue.clear()
        self._quota.clear()

    async def _store(self, kind: StoreKind, host: str) -> TokenStore:
        return await choose_store(
            kind,
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
            await self._session.poll()
        except Problem as problem:
            log.info("The sign-in ended: %s", problem.kind)
        if self._session.account.usable:
            await self._quietly(self.look())

    async def _quietly(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Problem as problem:
            log.info("Looking at the account failed: %s", problem)


async def _why_not(store: TokenStore) -> str | None:
    """A sentence why `store` cannot be used. Finding a keyring may hang; then that is why."""
    try:
        return await Worker(LOOK_LIMIT).run(store.why_not)
    except TimeoutError:
        return f"It did not answer within {LOOK_LIMIT:g} seconds."


def is_network_trouble(problem: Problem | None) -> bool:
    """Whether waiting may help, as opposed to an answer that has to be accepted."""
    return isinstance(problem, Unreachable | UpstreamTimeout | UpstreamFault)
