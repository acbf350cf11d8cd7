"""Two functions of a program that embeds this package and keeps the sign-in itself.

Either may be plain or a coroutine function. Plain ones run on another thread, since they may touch
a disk; all are given ten seconds.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

from copilot_desktop.errors import StorageFailed
from copilot_desktop.upstream.stores import StoredAccount, from_text, storage_failed
from copilot_desktop.upstream.stores.worker import Worker

LIMIT = 10.0  # seconds for one call

Kept = StoredAccount | str | None
Load = Callable[[], Kept | Awaitable[Kept]]
Save = Callable[[StoredAccount | None], Awaitable[None] | None]


class CallbackStore:
    """`load()` gives the account, a bare GitHub token, or None; `save(None)` means delete."""

    name = "callback"
    where = "the program that uses Copilot Desktop"
    read_only = False

    def __init__(
        self, load: Load, save: Save, *, host: str = "github.com", limit: float = LIMIT
    ) -> None:
        self._load = load
        self._save = save
        self._host = host
        self._worker = Worker(limit)

    def why_not(self) -> str | None:
        return None

    async def load(self) -> StoredAccount | None:
        kept = await self._call(self._load)
        if isinstance(kept, str):
            return from_text(kept, host=self._host)
        return kept if isinstance(kept, StoredAccount) else None

    async def save(self, account: StoredAccount) -> None:
        await self._call(lambda: self._save(account), of=self._save)

    async def delete(self) -> None:
        await self._call(lambda: self._save(None), of=self._save)

    async def _call(self, call: Callable[[], object], *, of: object = None) -> object:
        """The result of `call()`; `of` is the function inside, where they differ."""
        try:
            async with asyncio.timeout(self._worker.limit):
                if inspect.iscoroutinefunction(of or call):
                    result = call()
                else:
                    result = await self._worker.run(call)
                return await result if inspect.isawaitable(result) else result
        except TimeoutError:
            reason = f"It did not answer within {self._worker.limit:g} seconds."
            raise storage_failed(self.where, reason) from None
        except StorageFailed:
            raise
        except Exception as error:  # noqa: BLE001  (somebody else's functions)
            reason = f"It failed with {type(error).__name__}."
            raise storage_failed(self.where, reason) from None
