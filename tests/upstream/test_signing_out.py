"""Signing out leaves nothing behind, wherever the sign-in was kept and whatever is in the way."""

from __future__ import annotations

import asyncio

import pytest

from copilot_desktop.errors import NotSignedIn, SignInCancelled, StorageFailed
from copilot_desktop.upstream.credentials import MemoryStore
from copilot_desktop.upstream.roster import Roster
from copilot_desktop.upstream.session import Session
from tests.upstream.github_rig import EXCHANGE, PERSON, POLL, Said, Stage, stage
from tests.upstream.test_session import (
    HANA,
    KNOWN,
    BrokenStore,
    SlowStore,
    roster_of,
    session_of,
)


async def test_sign_out_removes_everything() -> None:
    async with stage() as on:
        left_over = MemoryStore()
        await left_over.save(KNOWN)
        store = MemoryStore()
        await store.save(KNOWN)
        session = session_of(on, store, others=(left_over, BrokenStore()))
        await session.check()
        await session.sign_out()
        account = session.status()
        assert (account.state, account.login, account.plan) == ("signed_out", "", "")
        assert await store.load() is None
        assert await left_over.load() is None
        with pytest.raises(NotSignedIn):
            await session.grant()


async def test_sign_out_during_a_sign_in_ends_both() -> None:
    async with stage() as on:
        store = MemoryStore()
        session = session_of(on, store)
        gate = asyncio.Event()
        on.rig.script(EXCHANGE, Said({}, 500, gate=gate))
        await session.start()
        waiting = asyncio.create_task(session.poll())
        await on.rig.reached(EXCHANGE)
        assert await store.load() is not None
        await session.sign_out()
        gate.set()
        with pytest.raises(SignInCancelled):
            await waiting
        assert session.account.state == "signed_out"
        assert await store.load() is None


async def test_sign_out_that_cannot_delete_says_so() -> None:
    async with stage() as on:
        store = BrokenStore(KNOWN)
        store.locked = False
        session = session_of(on, store)
        await session.load()
        store.locked = True
        with pytest.raises(StorageFailed, match=r"the desktop keyring.*Nothing was deleted"):
            await session.sign_out()
        assert session.account.state == "signed_out"
        with pytest.raises(NotSignedIn):
            await session.grant()


async def half_signed_out(on: Stage, roster: Roster) -> tuple[Session, BrokenStore]:
    """Nothing could be deleted; now it could."""
    store = BrokenStore(KNOWN)
    store.locked = False
    session = session_of(on, store, roster=roster)
    await session.check()
    store.locked = True
    with pytest.raises(StorageFailed):
        await session.sign_out()
    store.locked = False
    return session, store


async def test_a_sign_in_that_could_not_be_deleted_is_not_used_again() -> None:
    async with stage() as on:
        session, store = await half_signed_out(on, roster_of())
        assert (await session.check()).state == "signed_out"
        assert await store.load() is None


async def test_a_sign_in_that_could_not_be_deleted_is_not_among_the_others_later() -> None:
    async with stage() as on:
        roster = roster_of()
        session, store = await half_signed_out(on, roster)
        await session.start()
        on.rig.script(POLL, {"access_token": HANA.token})
        on.rig.script(PERSON, {"login": HANA.login, "id": HANA.id})
        assert (await session.poll()).login == HANA.login
        assert roster.parked == ()
        assert await store.load() == HANA


async def test_sign_out_empties_the_place_that_was_locked_when_the_sign_in_was_moved() -> None:
    async with stage() as on:
        old, new = BrokenStore(KNOWN), SlowStore()
        old.locked = False
        session = session_of(on, old, others=(SlowStore(),))
        await session.check()
        old.locked = True
        await session.move_to(new)
        old.locked = False
        await session.sign_out()
        assert await new.load() is None
        assert await old.load() is None
