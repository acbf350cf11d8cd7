"""Signing in, staying in and signing out, as a person and a client notice it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest

from copilot_desktop.errors import (
    InvalidRequest,
    NoCopilot,
    NotSignedIn,
    SignInCancelled,
    SignInDenied,
    SignInExpired,
    SignInFailed,
    StorageFailed,
    Unreachable,
)
from copilot_desktop.upstream.credentials import EnvironmentStore, MemoryStore, StoredAccount
from copilot_desktop.upstream.keeping import Home
from copilot_desktop.upstream.roster import Roster
from copilot_desktop.upstream.session import Session
from copilot_desktop.upstream.stores import storage_failed
from tests.upstream.github_rig import (
    ACCOUNT,
    APPROVED,
    BAD_CREDENTIALS,
    DEVICE_CODE,
    EXCHANGE,
    GITHUB_TOKEN,
    NOT_SIGNED_UP,
    PENDING,
    PERSON,
    POLL,
    START,
    Said,
    Stage,
    stage,
)

HOST = "127.0.0.1"
KNOWN = StoredAccount(HOST, "octo-user", 1234567, GITHUB_TOKEN)
HANA = StoredAccount(HOST, "octo-hana", 2, "ghu_" + "B" * 36)


class BrokenStore(MemoryStore):
    """A keyring that is locked until somebody opens it."""

    name = "keyring"
    where = "the desktop keyring"

    def __init__(self, account: StoredAccount | None = None) -> None:
        super().__init__()
        self._account = account
        self.locked = True

    def _check(self) -> None:
        if self.locked:
            raise storage_failed(self.where, "It is locked.")

    async def load(self) -> StoredAccount | None:
        self._check()
        return await super().load()

    async def save(self, account: StoredAccount) -> None:
        self._check()
        await super().save(account)

    async def delete(self) -> None:
        self._check()
        await super().delete()


def session_of(on: Stage, store: Any = None, **changes: Any) -> Session:
    times = {"clock": on.time.clock, "wall": on.time.wall, "sleep": on.time.sleep}
    arguments = {"timeout": 5.0, **times, **changes}
    return Session(on.http, on.origins, on.identity, store or MemoryStore(), **arguments)


async def signed_in(on: Stage) -> tuple[Session, MemoryStore]:
    store = MemoryStore()
    await store.save(KNOWN)
    session = session_of(on, store)
    await session.load()
    return session, store


# Signing in


async def test_the_whole_way_in() -> None:
    async with stage() as on:
        store = MemoryStore()
        session = session_of(on, store)
        states: list[tuple[str, str]] = []
        session.on_change = lambda: states.append(
            (session.account.state, session.sign_in.state if session.sign_in else "")
        )
        assert (await session.load()).state == "signed_out"
        started = await session.start()
        assert (started.state, started.user_code) == ("waiting", "7QF2-K9XD")
        on.rig.script(POLL, PENDING, APPROVED)
        account = await session.poll()
        assert account.state == "signed_in"
        assert (account.login, account.id, account.plan) == ("octo-user", 1234567, "Pro")
        assert account.checked
        assert session.sign_in is not None
        assert session.sign_in.state == "done"
        assert await store.load() == KNOWN
        assert ("checking", "checking") in states
        assert (await session.grant()).token == on.rig.copilot_token()
        assert on.rig.count(EXCHANGE) == 1


async def test_next_start_is_signed_in_without_network() -> None:
    async with stage() as on:
        session, _ = await signed_in(on)
        account = session.status()
        assert (account.state, account.login, account.checked) == ("signed_in", "octo-user", False)
        assert on.rig.asked == []


async def test_many_waiters_share_one_poll_loop() -> None:
    async with stage() as on:
        session = session_of(on)
        await session.start()
        on.rig.script(POLL, PENDING, PENDING, APPROVED)
        accounts = await asyncio.gather(*(session.poll() for _ in range(5)))
        assert {account.login for account in accounts} == {"octo-user"}
        assert on.rig.count(POLL) == 3
        assert (await session.poll()).login == "octo-user"


async def test_an_account_without_copilot_keeps_its_sign_in() -> None:
    async with stage() as on:
        store = MemoryStore()
        session = session_of(on, store)
        on.rig.script(EXCHANGE, Said(NOT_SIGNED_UP, 403))
        await session.start()
        account = await session.poll()
        assert account.state == "no_access"
        assert isinstance(account.problem, NoCopilot)
        assert account.login == "octo-user"
        assert session.sign_in is not None
        assert session.sign_in.state == "no_access"
        assert await store.load() == KNOWN
        with pytest.raises(NoCopilot):
            await session.grant()
        on.rig.script(EXCHANGE)
        assert (await session.check()).state == "signed_in"


async def test_an_outage_right_after_the_approval_does_not_lose_it() -> None:
    async with stage() as on:
        store = MemoryStore()
        session = session_of(on, store)
        for path in (EXCHANGE, ACCOUNT, PERSON):
            on.rig.script(path, Said(drop=True))
        await session.start()
        account = await session.poll()
        assert account.state == "signed_in"
        assert isinstance(account.problem, Unreachable)
        kept = await store.load()
        assert kept is not None
        assert kept.token == GITHUB_TOKEN


@pytest.mark.parametrize(
    ("answer", "kind", "state"),
    [
        ({"error": "access_denied"}, SignInDenied, "denied"),
        ({"error": "incorrect_device_code"}, SignInFailed, "failed"),
    ],
)
async def test_a_sign_in_that_ends_without_token(
    answer: Any, kind: type[SignInFailed], state: str
) -> None:
    async with stage() as on:
        session = session_of(on)
        await session.load()
        await session.start()
        on.rig.script(POLL, answer)
        with pytest.raises(kind):
            await session.poll()
        assert session.sign_in is not None
        assert session.sign_in.state == state
        assert session.account.state == "signed_out"
        with pytest.raises(kind):  # asking again gives the same answer, without network
            await session.poll()
        assert on.rig.count(POLL) == 1


async def test_a_failed_start_is_shown() -> None:
    async with stage() as on:
        session = session_of(on)
        on.rig.script(START, Said(drop=True))
        with pytest.raises(Unreachable):
            await session.start()
        assert session.sign_in is not None
        assert session.sign_in.state == "failed"
        assert isinstance(session.sign_in.problem, Unreachable)


async def test_cancel_ends_the_wait_at_once() -> None:
    async with stage() as on:
        forever = asyncio.Event()

        async def sleep(_: float) -> None:
            await forever.wait()

        session = session_of(on, sleep=sleep)
        await session.start()
        waiting = asyncio.create_task(session.poll())
        await asyncio.sleep(0)
        await asyncio.wait_for(session.cancel(), 5)
        with pytest.raises(SignInCancelled):
            await asyncio.wait_for(waiting, 5)
        assert session.sign_in is not None
        assert session.sign_in.state == "cancelled"
        assert on.rig.count(POLL) == 0


async def test_a_new_code_replaces_the_old_one() -> None:
    async with stage() as on:
        session = session_of(on)
        on.rig.script(START, on.rig.device_code(), on.rig.device_code(user_code="NEW1-CODE"))
        await session.start()
        assert (await session.start()).user_code == "NEW1-CODE"
        await session.poll()
        assert session.sign_in is not None
        assert session.sign_in.user_code == "NEW1-CODE"


async def test_a_new_code_waits_until_the_approved_sign_in_is_done() -> None:
    async with stage() as on:
        session = session_of(on)
        gate = asyncio.Event()
        on.rig.script(PERSON, Said({"login": "octo-user", "id": 1234567}, gate=gate))
        await session.start()
        first = asyncio.create_task(session.poll())
        await on.rig.reached(PERSON)
        on.rig.script(START, on.rig.device_code(user_code="NEW1-CODE"))
        starting = asyncio.create_task(session.start())
        await asyncio.wait({starting}, timeout=0.2)  # it has every chance to come too early
        gate.set()
        assert (await first).login == "octo-user"
        await starting
        on.rig.script(POLL, {"access_token": HANA.token})
        on.rig.script(PERSON, {"login": HANA.login, "id": HANA.id})
        assert (await session.poll()).login == HANA.login
        assert session.sign_in is not None
        assert (session.sign_in.user_code, session.sign_in.state) == ("NEW1-CODE", "done")


async def test_another_account_takes_over_only_once_it_is_approved() -> None:
    async with stage() as on:
        session, store = await signed_in(on)
        other = "ghu_ANOTHERnotARealToken0000000000000000"
        await session.start()
        assert session.account.login == "octo-user"
        assert session.account.usable
        on.rig.script(POLL, {"access_token": other})
        on.rig.script(PERSON, {"login": "second", "id": 2})
        assert (await session.poll()).login == "second"
        assert await store.load() == StoredAccount(HOST, "second", 2, other)


async def test_no_poll_without_a_code() -> None:
    async with stage() as on:
        with pytest.raises(SignInFailed):
            await session_of(on).poll()


# Staying in


async def test_a_dead_sign_in_is_expired_and_heals() -> None:
    async with stage() as on:
        session, store = await signed_in(on)
        on.rig.script(EXCHANGE, Said(BAD_CREDENTIALS, 401))
        with pytest.raises(SignInExpired):
            await session.grant()
        assert session.account.state == "expired"
        assert await store.load() == KNOWN  # GitHub may be wrong; a new sign-in replaces it
        on.rig.script(EXCHANGE)
        on.time.pass_(6)
        await session.grant()
        assert session.account.state == "signed_in"
        assert session.account.problem is None


async def test_no_network_is_shown_and_heals_by_itself() -> None:
    async with stage() as on:
        session, _ = await signed_in(on)
        on.rig.script(EXCHANGE, Said(drop=True))
        with pytest.raises(Unreachable):
            await session.grant()
        assert session.account.state == "signed_in"
        assert isinstance(session.account.problem, Unreachable)
        on.rig.script(EXCHANGE)
        on.time.pass_(1)
        await session.grant()
        assert session.account.problem is None
        assert session.account.checked


async def test_check_asks_at_once_even_after_a_refusal() -> None:
    async with stage() as on:
        session, _ = await signed_in(on)
        on.rig.script(EXCHANGE, Said(NOT_SIGNED_UP, 403))
        assert (await session.check()).state == "no_access"
        on.rig.script(EXCHANGE)
        assert (await session.check()).state == "signed_in"


async def test_the_person_may_stay_unknown() -> None:
    async with stage() as on:
        session, _ = await signed_in(on)
        on.rig.script(PERSON, Said("oops", 500))
        account = await session.check()
        assert (account.state, account.login) == ("signed_in", "octo-user")


async def test_chat_that_is_switched_off_is_told() -> None:
    async with stage() as on:
        session, _ = await signed_in(on)
        on.rig.extra = {"chat_enabled": False}
        account = await session.check()
        assert account.state == "no_access"
        assert account.problem is not None
        assert "switched off" in str(account.problem)
        told: list[str] = []
        session.on_change = lambda: told.append(session.account.state)
        await session.grant()
        assert told == []
        on.rig.extra = {}
        on.time.pass_(1500)
        await session.grant()
        assert told == ["signed_in"]


async def test_user_is_raw_and_notices_a_dead_sign_in() -> None:
    async with stage() as on:
        session, _ = await signed_in(on)
        assert (await session.user())["copilot_plan"] == "individual_pro"
        assert session.account.plan == "Pro"
        on.rig.script(ACCOUNT, Said(BAD_CREDENTIALS, 401))
        with pytest.raises(SignInExpired):
            await session.user()
        assert session.account.state == "expired"


async def test_a_dead_sign_in_does_not_come_back_with_a_token_that_is_still_held() -> None:
    async with stage() as on:
        session, _ = await signed_in(on)
        await session.check()
        for path in (ACCOUNT, EXCHANGE):
            on.rig.script(path, Said(BAD_CREDENTIALS, 401))
        with pytest.raises(SignInExpired):
            await session.user()
        with pytest.raises(SignInExpired):
            await session.grant()
        assert session.account.state == "expired"


async def test_a_page_that_is_not_found_says_nothing_about_the_account() -> None:
    async with stage() as on:
        session, _ = await signed_in(on)
        for path in (EXCHANGE, ACCOUNT, PERSON):
            on.rig.script(path, Said("<html>Not found</html>", 404))
        account = await session.check()
        assert account.state == "signed_in"
        assert isinstance(account.problem, Unreachable)
        on.rig.script(EXCHANGE)
        on.time.pass_(1)
        assert (await session.grant()).token


async def test_nobody_signed_in() -> None:
    async with stage() as on:
        session = session_of(on)
        for ask in (session.grant, session.user):
            with pytest.raises(NotSignedIn):
                await ask()
        assert (await session.check()).state == "signed_out"
        assert on.rig.asked == []


async def test_a_sign_in_of_another_host_is_not_sent_to_this_one() -> None:
    async with stage() as on:
        store = MemoryStore()
        await store.save(StoredAccount("github.com", "octo-user", 1, GITHUB_TOKEN))
        session = session_of(on, store)
        assert (await session.load()).state == "signed_out"
        assert await store.load() is not None


# Stores in trouble


async def test_a_locked_keyring_is_told_and_heals_once_it_is_open() -> None:
    async with stage() as on:
        store = BrokenStore(KNOWN)
        session = session_of(on, store)
        account = await session.load()
        assert account.state == "storage_locked"
        assert isinstance(account.problem, StorageFailed)
        with pytest.raises(NotSignedIn, match="locked"):
            await session.grant()
        store.locked = False
        on.time.pass_(61)
        await session.grant()
        assert session.account.state == "signed_in"


async def test_a_sign_in_that_cannot_be_saved_works_until_quit_and_can_be_moved() -> None:
    async with stage() as on:
        session = session_of(on, BrokenStore())
        await session.start()
        with pytest.raises(StorageFailed, match="keyring"):
            await session.poll()
        account = session.account
        assert (account.state, account.source) == ("signed_in", "memory")
        assert isinstance(account.problem, StorageFailed)
        await session.grant()
        assert isinstance(session.account.problem, StorageFailed)
        file = MemoryStore()
        assert session.sign_in is not None
        assert isinstance(session.sign_in.problem, StorageFailed)
        moved = await session.move_to(file)
        assert moved.problem is None
        assert session.sign_in is None  # or the window would go on to say that it was not saved
        assert moved.source == "memory"
        assert await file.load() == KNOWN


async def test_moving_leaves_nothing_behind() -> None:
    async with stage() as on:
        session, old = await signed_in(on)
        new = BrokenStore()
        with pytest.raises(StorageFailed):
            await session.move_to(new)
        assert session.store is old
        assert await old.load() == KNOWN
        new.locked = False
        account = await session.move_to(new)
        assert (account.source, account.where) == ("keyring", "the desktop keyring")
        assert await new.load() == KNOWN
        assert await old.load() is None


# Several changes


class SlowStore(MemoryStore):
    """A store that lets others go on while it works."""

    name = "file"

    async def load(self) -> StoredAccount | None:
        await asyncio.sleep(0)
        return await super().load()

    async def save(self, account: StoredAccount) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        await super().save(account)

    async def delete(self) -> None:
        for _ in range(40):
            await asyncio.sleep(0)
        await super().delete()


def roster_of() -> Roster:
    slots: dict[tuple[str, str, int], MemoryStore] = {}
    return Roster(None, lambda *name: slots.setdefault(name, SlowStore()))


async def test_two_choices_at_once_lose_nobody() -> None:
    roster, store = roster_of(), SlowStore()
    third = StoredAccount(HOST, "octo-cleo", 3, "ghu_" + "C" * 36)
    await store.save(KNOWN)
    async with stage() as on:
        session = session_of(on, store, roster=roster)
        await session.load()
        for one in (HANA, third):
            await roster.park(one, plan="", kind="file")
        await asyncio.gather(session.use(session.home, HANA), session.use(session.home, third))
        kept = await store.load()
        assert kept is not None
        assert kept.id == session.account.id
        found = [kept, *[await roster.fetch(each.host, each.id) for each in roster.parked]]
        assert sorted(each.login for each in found) == ["octo-cleo", "octo-hana", "octo-user"]


async def test_moving_while_a_code_is_waited_for_ends_the_attempt() -> None:
    async with stage() as on:
        session, old = await signed_in(on)
        gate = asyncio.Event()
        on.rig.script(POLL, Said(APPROVED, gate=gate))
        await session.start()
        waiting = asyncio.create_task(session.poll())
        await on.rig.reached(POLL)
        new = BrokenStore()
        new.locked = False
        await session.move_to(new)
        gate.set()
        with pytest.raises(SignInCancelled):
            await asyncio.wait_for(waiting, 5)
        assert session.store is new
        await session.start()
        await session.poll()
        assert await new.load() == KNOWN
        assert await old.load() is None


@pytest.mark.parametrize("cut_short", [False, True])
async def test_an_unsaved_sign_in_elsewhere_leaves_the_last_account_in_the_list(
    cut_short: bool,
) -> None:
    roster, store = roster_of(), BrokenStore(HANA)
    store.locked = False
    gate = asyncio.Event()
    async with stage() as on:
        on.rig.script(PERSON, Said({"login": "octo-user", "id": 1234567}, gate=gate))
        session = session_of(on, store, roster=roster)
        await session.load()
        await session.start(Home(replace(on.origins, host="acme.ghe.com"), BrokenStore()))
        waiting = asyncio.create_task(session.poll())
        await on.rig.reached(PERSON)
        if cut_short:
            with pytest.raises(StorageFailed):
                await session.sign_out()
        gate.set()
        with pytest.raises(SignInCancelled if cut_short else StorageFailed):
            await asyncio.wait_for(waiting, 5)
        assert [each.login for each in roster.parked] == ["octo-hana"]
        assert await roster.fetch(HANA.host, HANA.id) == HANA
        assert await store.load() is None


# What stays


async def test_a_token_from_the_environment_is_used_and_stays() -> None:
    async with stage() as on:
        store = EnvironmentStore({"COPILOT_GITHUB_TOKEN": GITHUB_TOKEN}, host=HOST)
        session = session_of(on, store)
        account = await session.check()
        assert (account.state, account.login, account.source) == (
            "signed_in", "octo-user", "environment"
        )  # fmt: skip
        for verb in (session.sign_out, session.start):
            with pytest.raises(InvalidRequest, match="Remove the variable"):
                await verb()
        assert session.account.state == "signed_in"


async def test_close_ends_everything_and_forgets_nothing() -> None:
    async with stage() as on:
        session, store = await signed_in(on)
        on.rig.script(EXCHANGE, Said({}, gate=asyncio.Event()))
        checking = asyncio.create_task(session.check())
        await on.rig.reached(EXCHANGE)
        await asyncio.wait_for(session.close(), 5)
        await asyncio.wait_for(checking, 5)
        on.rig.scripts[EXCHANGE][0].gate.set()
        assert await store.load() == KNOWN


async def test_no_secret_shows(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with stage() as on:
        shown: list[str] = []
        session = session_of(on)
        session.on_change = lambda: shown.append(f"{session.account!r} {session.sign_in!r}")
        await session.start()
        await session.poll()
        await session.sign_out()
        ours = [r.getMessage() for r in caplog.records if r.name.startswith("copilot_desktop")]
        for secret in (GITHUB_TOKEN, DEVICE_CODE, on.rig.copilot_token()):
            assert all(secret not in line for line in (*shown, *ours, repr(KNOWN)))
