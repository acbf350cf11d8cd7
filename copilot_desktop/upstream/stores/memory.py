"""Nowhere: the sign-in lasts until the app quits."""

from __future__ import annotations

from copilot_desktop.upstream.stores import StoredAccount


class MemoryStore:
    """Holds the account in this object."""

    name = "memory"
    where = "memory, until the app quits"
    read_only = False

    def __init__(self) -> None:
        self._account: StoredAccount | None = None

    def why_not(self) -> str | None:
        return None

    async def load(self) -> StoredAccount | None:
        return self._account

    async def save(self, account: StoredAccount) -> None:
        self._account = account

    async def delete(self) -> None:
        self._account = None
