"""A GitHub token handed over by whoever started the app. It wins over every other store, is never
written anywhere, and cannot be signed out from here."""

from __future__ import annotations

from collections.abc import Mapping

from copilot_desktop.errors import BadSetting
from copilot_desktop.upstream.payloads import is_github_token
from copilot_desktop.upstream.stores import StoredAccount, storage_failed

VARIABLE = "COPILOT_GITHUB_TOKEN"


class EnvironmentStore:
    """Reads the variable once. Raises BadSetting if its value is no token."""

    name = "environment"
    where = VARIABLE
    read_only = True

    def __init__(self, environ: Mapping[str, str], *, host: str = "github.com") -> None:
        self._host = host
        self._token = environ.get(VARIABLE, "").strip()
        if self._token and not is_github_token(self._token):
            reason = "it does not hold a GitHub token"
            raise BadSetting(fields={"name": VARIABLE, "reason": reason})

    def why_not(self) -> str | None:
        return None if self._token else f"{VARIABLE} is not set."

    async def load(self) -> StoredAccount | None:
        return StoredAccount(self._host, "", 0, self._token) if self._token else None

    async def save(self, account: StoredAccount) -> None:
        raise storage_failed(self.where, "It can only be read.")

    async def delete(self) -> None:
        raise storage_failed(self.where, "It can only be read.")
