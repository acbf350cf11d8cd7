"""Which store keeps the sign-in on this machine.

`COPILOT_GITHUB_TOKEN` wins; then what the settings say. A keyring that does not work is replaced by
the file only where that was allowed: by the user in the window, or because there is no window.
Otherwise the keyring stays chosen and its failure is shown, with the choice beside it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from copilot_desktop.errors import StorageFailed
from copilot_desktop.upstream.stores import StoredAccount, TokenStore
from copilot_desktop.upstream.stores.callback import CallbackStore
from copilot_desktop.upstream.stores.environment import VARIABLE, EnvironmentStore
from copilot_desktop.upstream.stores.file import FileStore
from copilot_desktop.upstream.stores.memory import MemoryStore
from copilot_desktop.upstream.stores.system_keyring import KeyringStore

__all__ = [
    "VARIABLE",
    "CallbackStore",
    "EnvironmentStore",
    "FileStore",
    "KeyringStore",
    "MemoryStore",
    "StoredAccount",
    "TokenStore",
    "choose_store",
    "slot_store",
    "token_file",
]

log = logging.getLogger(__name__)

StoreKind = Literal["keyring", "file", "memory"]


def token_file(data_dir: Path) -> Path:
    """Where the file store keeps the sign-in."""
    return data_dir / "tokens" / "token.json"


def slot_store(
    kind: str,
    host: str,
    number: int,
    *,
    data_dir: Path,
    protect: Callable[[Path], None] | None = None,
) -> TokenStore:
    """The place of an account that is not in use (see `roster`), of a kind that lasts."""
    if kind == "keyring":
        return KeyringStore(host, slot=f"{host}:{number}")
    name = f"{host.replace(':', '_')}-{number}.json"
    return FileStore(token_file(data_dir).with_name(name), host=host, protect=protect)


async def choose_store(
    kind: StoreKind,
    *,
    data_dir: Path,
    allow_file: bool,
    environ: Mapping[str, str],
    host: str = "github.com",
    protect: Callable[[Path], None] | None = None,
) -> TokenStore:
    """The store to use for `host`. `allow_file`: the file may stand in for a missing keyring.

    `protect` is passed to `FileStore`. Raises BadSetting for an environment token that is none.
    """
    if environ.get(VARIABLE, "").strip():
        return EnvironmentStore(environ, host=host)
    if kind == "memory":
        return MemoryStore()
    file = FileStore(token_file(data_dir), host=host, protect=protect)
    if kind == "file":
        return file
    keyring = KeyringStore(host)
    if not allow_file:
        return keyring
    if token_file(data_dir).exists():
        return file  # an earlier start without a keyring left the sign-in there
    try:
        if await keyring.opens():  # having a backend does not mean that
            return keyring
        reason = "There is none yet."
    except StorageFailed as problem:
        reason = problem.detail
    log.info("The file is used instead of the keyring: %s", reason)
    return file
