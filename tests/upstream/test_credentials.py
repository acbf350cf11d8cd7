"""Which store is used: the environment first, then the settings, the file only where allowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from keyring.backends.null import Keyring as NullKeyring

from copilot_desktop.errors import BadSetting
from copilot_desktop.upstream.credentials import (
    KeyringStore,
    StoredAccount,
    TokenStore,
    choose_store,
)

TOKEN = "ghu_EXAMPLEonlyNotARealToken000000000000"


class GoodKeyring(NullKeyring):
    priority = 5


@pytest.fixture(autouse=True)
def no_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    yield
    keyring.set_keyring(before)


def names(folder: Path) -> list[str]:
    return [found.name for found in folder.iterdir()]


async def chosen(tmp_path: Path, kind: Any = "keyring", **changes: Any) -> TokenStore:
    arguments: dict[str, Any] = {"data_dir": tmp_path, "allow_file": False, "environ": {}}
    return await choose_store(kind, **(arguments | changes))


async def test_the_environment_wins(tmp_path: Path) -> None:
    environ = {"COPILOT_GITHUB_TOKEN": TOKEN}
    for kind in ("keyring", "file", "memory"):
        assert (await chosen(tmp_path, kind, environ=environ)).name == "environment"
    assert names(tmp_path) == []


async def test_an_environment_token_that_is_none_stops_the_start(tmp_path: Path) -> None:
    bad = "not a token"
    with pytest.raises(BadSetting, match="COPILOT_GITHUB_TOKEN") as caught:
        await chosen(tmp_path, environ={"COPILOT_GITHUB_TOKEN": bad})
    assert bad not in str(caught.value)


async def test_what_the_settings_say(tmp_path: Path) -> None:
    assert (await chosen(tmp_path, "memory")).name == "memory"
    file = await chosen(tmp_path, "file")
    assert (file.name, file.where) == ("file", str(tmp_path / "tokens" / "token.json"))


async def test_without_consent_a_missing_keyring_is_not_replaced(tmp_path: Path) -> None:
    assert (await chosen(tmp_path)).name == "keyring"


async def test_with_consent_the_file_stands_in(tmp_path: Path) -> None:
    store = await chosen(tmp_path, allow_file=True)
    assert store.name == "file"
    await store.save(StoredAccount("github.com", "octo", 1, TOKEN))
    keyring.set_keyring(GoodKeyring())
    assert (await chosen(tmp_path, allow_file=True)).name == "file"  # the sign-in is there
    await store.delete()
    assert (await chosen(tmp_path, allow_file=True)).name == "keyring"


async def test_the_file_stands_in_for_a_keyring_that_would_have_to_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over SSH nobody sees the desktop ask for its new password."""

    async def unmade(_self: KeyringStore) -> bool:
        return False

    keyring.set_keyring(GoodKeyring())
    monkeypatch.setattr(KeyringStore, "opens", unmade)
    assert (await chosen(tmp_path)).name == "keyring"
    assert (await chosen(tmp_path, allow_file=True)).name == "file"
