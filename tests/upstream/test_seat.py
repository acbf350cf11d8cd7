"""A request carries one account from its beginning to its end."""

from __future__ import annotations

import pytest

from copilot_desktop.errors import Busy, NotSignedIn
from copilot_desktop.upstream.credentials import MemoryStore, StoredAccount
from copilot_desktop.upstream.keeping import Home
from copilot_desktop.upstream.roster import Roster
from copilot_desktop.upstream.seat import Seat, check, in_use
from copilot_desktop.upstream.session import Session
from tests.upstream.github_rig import EXCHANGE, GITHUB_TOKEN, Stage, stage

HOST = "127.0.0.1"
FIRST = StoredAccount(HOST, "octo-user", 1, GITHUB_TOKEN)
SECOND = StoredAccount(HOST, "octo-hana", 2, "ghu_" + "B" * 36)


async def two(on: Stage) -> tuple[Session, Home]:
    """The first account is in use, the second one could be."""
    store = MemoryStore()
    await store.save(FIRST)
    roster = Roster(None, lambda kind, host, number: MemoryStore())
    times = {"clock": on.time.clock, "wall": on.time.wall, "sleep": on.time.sleep}
    session = Session(on.http, on.origins, on.identity, store, roster=roster, timeout=5.0, **times)
    await session.load()
    return session, Home(on.origins, MemoryStore())


def tokens_asked_with(on: Stage) -> list[str]:
    return [each.headers["Authorization"].split()[-1] for each in on.rig.asked]


async def test_a_seat_stays_with_its_account() -> None:
    async with stage() as on:
        session, home = await two(on)
        seat = session.seat()
        before = await seat.grant()
        await session.use(home, SECOND)
        assert session.account.login == "octo-hana"
        assert await seat.grant() == before
        again = await seat.grant(stale=before.token)  # refused: renewed in its own name
        assert again.token != before.token
        assert tokens_asked_with(on) == [FIRST.token, FIRST.token]
        assert (await session.seat().grant()).token not in {before.token, again.token}
        assert tokens_asked_with(on)[-1] == SECOND.token
        assert on.rig.count(EXCHANGE) == 3


async def test_what_a_left_seat_learns_is_not_taken() -> None:
    async with stage() as on:
        session, home = await two(on)
        seat = session.seat()
        assert in_use(seat)
        check(seat)
        await session.use(home, SECOND)
        assert not in_use(seat)
        with pytest.raises(Busy, match="another account"):
            check(seat)
        assert in_use(session.seat())


async def test_nothing_is_given_after_a_sign_out() -> None:
    async with stage() as on:
        session, _ = await two(on)
        seat = session.seat()
        await seat.grant()
        await session.sign_out()
        for ask in (seat.grant(), session.seat().grant()):
            with pytest.raises(NotSignedIn):
                await ask
        with pytest.raises(NotSignedIn):
            check(seat)


async def test_a_seat_taken_before_the_store_was_read_keeps_whom_it_finds() -> None:
    async with stage() as on:
        session, home = await two(on)
        seat = Seat(session)
        await seat.grant()
        await session.use(home, SECOND)
        await seat.grant()
        assert tokens_asked_with(on) == [FIRST.token]


async def test_the_account_that_is_left_is_parked_with_its_plan() -> None:
    async with stage() as on:
        session, home = await two(on)
        await session.check()
        await session.use(home, SECOND)
        roster = session._keeping.roster
        assert roster is not None
        (left,) = roster.parked
        assert (left.login, left.id, left.plan) == ("octo-user", 1234567, "Pro")
