"""However a change of accounts is interrupted, every sign-in is still somewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import keyring
import pytest

from copilot_desktop.errors import StorageFailed
from copilot_desktop.upstream.credentials import (
    FileStore,
    KeyringStore,
    MemoryStore,
    slot_store,
    token_file,
)
from copilot_desktop.upstream.keeping import Home, Keeping
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.roster import FILE_NAME, Roster
from copilot_desktop.upstream.stores import StoredAccount, TokenStore, storage_failed
from tests.contracts.test_token_store import MemoryKeyring

A = StoredAccount("github.com", "octo-user", 1, "ghu_" + "A" * 36)
B = StoredAccount("github.com", "octo-hana", 2, "ghu_" + "B" * 36)
T = StoredAccount("acme.ghe.com", "hana", 3, "ghu_" + "T" * 36)
PUBLIC, TENANT = Origins.of(), Origins.of(host="acme.ghe.com")


class Power:
    """Fails from the nth write on, as a machine that loses its power does."""

    def __init__(self) -> None:
        self.left = 1000

    def use(self, where: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise storage_failed(where, "The power is gone.")


class Fragile:
    """A store whose writes and deletions need power."""

    def __init__(self, inner: TokenStore, power: Power) -> None:
        self._inner, self._power = inner, power

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def where(self) -> str:
        return self._inner.where

    read_only = False

    def why_not(self) -> str | None:
        return None

    async def load(self) -> StoredAccount | None:
        return await self._inner.load()

    async def save(self, account: StoredAccount) -> None:
        self._power.use(self.where)
        await self._inner.save(account)

    async def delete(self) -> None:
        self._power.use(self.where)
        await self._inner.delete()


class Machine:
    """A data folder and a keyring, and everything that can be found there at a next start."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.kind = folder, kind
        self.power = Power()

    def main(self, host: str) -> TokenStore:
        inner: TokenStore = (
            FileStore(token_file(self.folder), host=host)
            if self.kind == "file"
            else KeyringStore(host)
        )
        return Fragile(inner, self.power)

    def roster(self) -> Roster:
        return Roster(
            self.folder / FILE_NAME,
            lambda kind, host, number: Fragile(
                slot_store(kind, host, number, data_dir=self.folder), self.power
            ),
        )

    async def found(self) -> set[str]:
        """The tokens that a next start finds: in the places of all hosts, and parked."""
        self.power.left = 1000
        tokens = set()
        for host in ("github.com", "acme.ghe.com"):
            if (kept := await self.main(host).load()) is not None:
                tokens.add(kept.token)
        roster = self.roster()
        await roster.load()
        for each in roster.parked:
            kept = await roster._slot(each).load()
            if kept is not None:
                tokens.add(kept.token)
        return tokens


@pytest.fixture(params=["file", "keyring"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    yield Machine(tmp_path, request.param)
    keyring.set_keyring(before)


async def second_sign_in(machine: Machine) -> None:
    keeping = Keeping(machine.main("github.com"), roster=machine.roster())
    await keeping.save(A)
    await keeping.save(B)


async def choice(machine: Machine) -> None:
    """B is in use, A parked; then A is chosen."""
    roster = machine.roster()
    keeping = Keeping(machine.main("github.com"), roster=roster)
    await keeping.save(A)
    await keeping.save(B)
    await keeping.save(await roster.fetch(A.host, A.id))
    home = Home(PUBLIC, keeping.store)
    await keeping.moved_out(home, home, A)


async def to_the_tenant(machine: Machine) -> None:
    keeping = Keeping(machine.main("github.com"), roster=machine.roster())
    await keeping.save(A)
    left, home = Home(PUBLIC, keeping.store), Home(TENANT, machine.main("acme.ghe.com"))
    await keeping.save(T, home.store)
    await keeping.moved_out(left, home, T)


CHANGES: dict[str, tuple[Callable[[Machine], Awaitable[None]], tuple[StoredAccount, ...]]] = {
    "second sign-in": (second_sign_in, (A, B)),
    "choice": (choice, (A, B)),
    "tenant": (to_the_tenant, (A, T)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("writes", range(9))
async def test_no_interruption_loses_a_sign_in(machine: Machine, change: str, writes: int) -> None:
    work, accounts = CHANGES[change]
    machine.power.left = writes
    with suppress(StorageFailed):
        await work(machine)
    found = await machine.found()
    # Each sign-in was written in turn; whichever was reached is there, and stays there.
    if writes >= 1:
        assert accounts[0].token in found
    if writes >= 3:
        assert found == {each.token for each in accounts}


@pytest.mark.parametrize("change", ["choice", "tenant"])
async def test_a_change_that_is_complete_leaves_one_copy_of_each(
    machine: Machine, change: str
) -> None:
    work, accounts = CHANGES[change]
    await work(machine)
    roster = machine.roster()
    await roster.load()
    in_use = A if change == "choice" else T
    parked = {(each.host, each.id) for each in roster.parked}
    assert parked == {(each.host, each.id) for each in accounts} - {(in_use.host, in_use.id)}
    if machine.kind == "keyring" and change == "tenant":
        assert await machine.main("github.com").load() is None


async def test_the_same_account_is_written_over(machine: Machine) -> None:
    roster = machine.roster()
    keeping = Keeping(machine.main("github.com"), roster=roster)
    await keeping.save(A)
    newer = StoredAccount(A.host, A.login, A.id, "ghu_" + "N" * 36)
    await keeping.save(newer)
    assert roster.parked == ()
    assert await machine.found() == {newer.token}


async def test_signing_out_does_not_take_somebody_elses_sign_in(machine: Machine) -> None:
    roster = machine.roster()
    other_place = machine.main("github.com")
    await other_place.save(A)
    keeping = Keeping(MemoryStore(), (other_place,), roster)
    await keeping.save(B)
    assert await keeping.erase(B) is None
    assert await machine.found() == {A.token}
    assert [each.login for each in roster.parked] == [A.login]


async def test_without_a_roster_a_place_is_simply_written() -> None:
    keeping = Keeping(MemoryStore())
    await keeping.save(A)
    await keeping.save(B)
    assert await keeping.load() == B


async def test_a_parked_copy_goes_only_if_its_account_is_in_use(machine: Machine) -> None:
    roster = machine.roster()
    keeping = Keeping(machine.main("github.com"), roster=roster)
    await keeping.save(A)
    # A look at A ends while B takes over and A is parked.
    await asyncio.gather(keeping.save(B), keeping.drop_twin(A.host, A.id))
    await keeping.drop_twin(A.host, A.id)
    assert await machine.found() == {A.token, B.token}
    await keeping.forget(A)
    assert await machine.found() == {B.token}
