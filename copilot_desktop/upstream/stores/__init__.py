"""Where a sign-in is kept between two starts: one protocol, five places.

A store keeps one account for one GitHub host. It never interprets what it keeps, never keeps a
Copilot token, and never deletes anything because it could not be read. Trouble is always
StorageFailed and names the place; content that is no sign-in counts as "nobody is signed in".
Every store passes the same suite, `tests/contracts/test_token_store.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Protocol

from copilot_desktop.errors import StorageFailed
from copilot_desktop.upstream.payloads import is_github_token


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """`login` and `id` may be unknown ("" and 0) until GitHub has been asked."""

    host: str
    login: str
    id: int
    token: str = field(repr=False)


class TokenStore(Protocol):
    """`name` is keyring, file, memory, callback or environment; `where` says the same to people."""

    @property
    def name(self) -> str: ...
    @property
    def where(self) -> str: ...
    @property
    def read_only(self) -> bool: ...

    def why_not(self) -> str | None:
        """A sentence why this store cannot be used here, or None. May block: call in a thread."""

    async def load(self) -> StoredAccount | None:
        """The account, or None if there is none. Raises StorageFailed."""

    async def save(self, account: StoredAccount) -> None:
        """Keep `account` instead of what was kept before. Raises StorageFailed."""

    async def delete(self) -> None:
        """Keep nothing; no error if nothing was kept. Raises StorageFailed."""


def to_text(account: StoredAccount) -> str:
    """What the keyring and the file hold: below 1280 characters, which Windows allows at most."""
    return json.dumps(
        {
            "host": account.host,
            "login": account.login[:100],
            "id": account.id,
            "token": account.token,
        }
    )


def from_text(text: str, *, host: str) -> StoredAccount | None:
    """The reverse. A bare token, as people put it there by hand, is an account of `host`."""
    text = text.strip()
    if is_github_token(text):
        return StoredAccount(host, "", 0, text)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    token, login, number = found.get("token"), found.get("login"), found.get("id")
    if not isinstance(token, str) or not is_github_token(token := token.strip()):
        return None
    named = found.get("host")
    return StoredAccount(
        named if isinstance(named, str) and named else host,
        login if isinstance(login, str) else "",
        number if isinstance(number, int) and not isinstance(number, bool) else 0,
        token,
    )


def storage_failed(where: str, reason: str) -> StorageFailed:
    """`reason` is a sentence without anything that was to be stored."""
    return StorageFailed(reason, fields={"where": where})
