"""What the app does by itself: after sleep, without a network, while somebody looks."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from copilot_desktop.atomic import unfinished
from copilot_desktop.core.core import Core
from copilot_desktop.core.rounds import Pace, Rounds
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.demo import Scenario
from copilot_desktop.errors import Unreachable
from copilot_desktop.proxy import controller
from tests.core_rig import CoreRig, running_core

FAST = Pace(tick=0.01, probe=3600, gap=15, shown=0.02, hidden=3600, models=3600, offline=0.02)


def start(core: Core, pace: Pace = FAST, wall: Callable[[], float] | None = None) -> None:
    Rounds(core, pace, **({"wall": wall} if wall else {})).start()


async def ready(rig: CoreRig) -> None:
    await rig.until(lambda s: s.quota.state == "ready" and s.models.state == "ready")


def asked(rig: CoreRig, path: str) -> int:
    return sum(1 for each in rig.fake.ledger if each.path == path)


async def more_than(rig: CoreRig, path: str, before: int) -> None:
    async with asyncio.timeout(5):
        while asked(rig, path) <= before:  # noqa: ASYNC110  (the ledger has no event)
            await asyncio.sleep(0.01)


async def test_after_sleep_listener_and_account_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        probed = asyncio.Event()
        probe = rig.core.controller.probe

        async def noticed() -> bool:
            probed.set()
            return await probe()

        monkeypatch.setattr(rig.core.controller, "probe", noticed)
        jump = [0.0]
        before = asked(rig, "/models")
        start(rig.core, wall=lambda: asyncio.get_running_loop().time() + jump[0])
        await asyncio.sleep(0.05)
        assert not probed.is_set()
        jump[0] = 3600.0
        await asyncio.wait_for(probed.wait(), 5)
        await more_than(rig, "/models", before)
        assert rig.core.store.state.proxy.phase == "running"


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_countdowns_are_told_anew_when_the_clock_jumps(
    tmp_path: Path, jump: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view counts down to a moment of the wall clock; the code itself ages by the other one."""
    async with running_core(tmp_path, Scenario(approval="manual")) as rig:
        await rig.do("sign_in")
        state = await rig.until(lambda s: s.sign_in is not None and s.sign_in.waiting)
        shift, looked, told = [0.0], asyncio.Event(), asyncio.Event()

        def wall() -> float:
            looked.set()
            return asyncio.get_running_loop().time() + shift[0]

        monkeypatch.setattr(rig.core.store, "touch", told.set)
        start(rig.core, wall=wall)
        await asyncio.wait_for(looked.wait(), 10)
        before = snapshot(state, now=1e9, monotonic=0.0)["login"]
        shift[0] = jump
        await asyncio.wait_for(told.wait(), 10)
        after = snapshot(rig.core.store.state, now=1e9 + jump, monotonic=0.0)["login"]
        for moment in ("expires_at", "next_poll_at"):
            assert after[moment] - before[moment] == pytest.approx(jump, abs=30)


async def test_a_clock_that_runs_on_in_sleep_shows_it_by_a_late_tick(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        before = asked(rig, "/models")
        now = [0.0]

        def clock() -> float:
            now[0] += 20.0  # each look at it, as if every tick came 20 s late
            return now[0]

        Rounds(rig.core, FAST, wall=lambda: now[0], monotonic=clock).start()
        await more_than(rig, "/models", before)


async def test_another_network_is_looked_at_at_once(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        before = asked(rig, "/models")
        here = [("192.168.1.7",)]
        Rounds(rig.core, FAST, addresses=lambda: here[0]).start()
        await asyncio.sleep(0.1)
        assert asked(rig, "/models") == before
        wires = rig.core.http.connector.wires  # type: ignore[union-attr]
        old = set(wires.open)
        assert old
        here[0] = ("10.0.0.2", "fd00::2")
        await more_than(rig, "/models", before)
        assert not old & wires.open, "nobody answers there any more"


async def test_trouble_that_is_not_told_yet_is_tried_again_as_well(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        await rig.do("check_account")
        await asyncio.sleep(0.1)  # the first look is over, too
        rig.core.life.reach.note(Unreachable())
        before = asked(rig, "/models")
        start(rig.core)
        await more_than(rig, "/models", before)
        async with asyncio.timeout(5):
            while rig.core.life.reach.troubled:  # noqa: ASYNC110  (nothing is told, so no event)
                await asyncio.sleep(0.01)


async def test_a_listener_that_cannot_be_brought_back_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_core(tmp_path) as rig:
        port = rig.core.controller.state.port
        await rig.core.use_port(port)  # the very same from now on
        await rig.core.controller._release()
        with socket.socket() as other, monkeypatch.context() as patched:
            other.bind(("127.0.0.1", port))
            other.listen()
            patched.setattr(controller, "START_LIMIT", 1.0)  # it takes the question, and is silent
            start(rig.core, replace(FAST, probe=0.0))
            state = await rig.until(lambda s: s.app.listener == "lost")
        assert state.proxy.phase == "error"
        assert (await rig.do("start_proxy"))["ok"]
        await rig.until(lambda s: s.app.listener == "fine")


async def test_a_listener_that_was_given_up_comes_back_when_its_place_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address of a network comes back with the network, and nobody may be there to press."""
    async with running_core(tmp_path) as rig:
        port = rig.core.controller.state.port
        await rig.core.use_port(port)
        await rig.core.controller._release()
        with socket.socket() as other, monkeypatch.context() as patched:
            other.bind(("127.0.0.1", port))
            other.listen()
            patched.setattr(controller, "START_LIMIT", 1.0)
            start(rig.core, replace(FAST, probe=0.0))
            await rig.until(lambda s: s.app.listener == "lost")
            since = rig.core.store.state.proxy.since
            await asyncio.sleep(0.1)
            assert rig.core.store.state.proxy.since == since, "it is not told again and again"
        state = await rig.until(lambda s: s.app.listener == "fine")
        assert (state.proxy.phase, state.proxy.port) == ("running", port)


async def test_what_could_not_listen_at_the_start_does_so_when_its_place_is_free(
    tmp_path: Path,
) -> None:
    """At login the network may come after the app, and another user's program may go later."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        async with running_core(tmp_path, port=port) as rig:
            start(rig.core, replace(FAST, probe=0.0))
            since = rig.core.store.state.proxy.since
            await asyncio.sleep(0.1)
            state = rig.core.store.state.proxy
            assert (state.phase, state.since) == ("error", since), "it is not told again and again"
            other.close()
            state = (await rig.until(lambda s: s.proxy.phase == "running")).proxy
            assert state.port == port
            await rig.do("stop_proxy")
            await asyncio.sleep(0.1)
            assert rig.core.controller.state.phase == "stopped"


async def test_a_lost_listener_is_started_again(tmp_path: Path) -> None:
    async with running_core(tmp_path) as rig:
        since = rig.core.store.state.proxy.since
        await rig.core.controller._release()
        assert rig.core.store.state.proxy.phase == "running"  # nobody has noticed yet
        start(rig.core, replace(FAST, probe=0.0))
        state = await rig.until(lambda s: s.proxy.phase == "running" and s.proxy.since > since)
        _reader, writer = await asyncio.open_connection("127.0.0.1", state.proxy.port)
        writer.close()
        await writer.wait_closed()


async def test_a_stopped_proxy_stays_stopped(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        start(rig.core, replace(FAST, probe=0.0))
        await asyncio.sleep(0.1)
        assert rig.core.store.state.proxy.phase == "stopped"


async def test_a_proxy_that_is_stopped_while_its_listener_is_missed_stays_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_core(tmp_path) as rig:
        missed, asked_for = asyncio.Event(), asyncio.Event()

        async def silent() -> None:
            missed.set()
            await asked_for.wait()
            raise TimeoutError

        with monkeypatch.context() as patched:
            patched.setattr(rig.core.controller, "_reach_itself", silent)
            rounds = Rounds(rig.core, FAST)
            keeping = asyncio.create_task(rounds._keep_listening())
            await missed.wait()
            stopping = asyncio.create_task(rig.do("stop_proxy"))
            await asyncio.sleep(0)  # it has been pressed
        asked_for.set()
        assert (await stopping)["ok"]
        await asyncio.wait_for(keeping, 5)
        assert rig.core.store.state.proxy.phase == "stopped"
        assert rig.core.store.state.app.listener != "lost"


async def test_usage_is_read_only_while_somebody_looks(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        user = "/copilot_internal/user"
        before = asked(rig, user)
        start(rig.core)
        await asyncio.sleep(0.1)
        assert asked(rig, user) == before
        with rig.core.viewed():
            await more_than(rig, user, before)
            rig.core.surroundings(window_shown=False)
            await asyncio.sleep(0.05)
            hidden = asked(rig, user)
            await asyncio.sleep(0.1)
            assert asked(rig, user) == hidden


async def test_the_way_back_to_the_network_is_found_alone(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        rig.core.store.set(degraded="offline")
        start(rig.core)
        await rig.until(lambda s: s.degraded is None)


async def test_what_an_earlier_run_was_writing_when_it_was_killed_is_deleted(
    tmp_path: Path,
) -> None:
    async with running_core(tmp_path, token_store="file") as rig:
        folder = rig.core.data_dir
        mine = folder / "things of mine"
        for place in (folder / "tokens", folder / "editors" / "backups", mine):
            place.mkdir(parents=True, exist_ok=True)
        places = [
            folder / "local-key", folder / "tokens" / "token.json", mine / "file",
            folder / "editors" / "backups" / "one.0001",
        ]  # fmt: skip
        left = [place.with_name(unfinished(place) + "k1ll3d") for place in places]
        for each in left:
            each.write_text("a secret of yesterday")
            os.utime(each, (0, 0))
        start(rig.core, replace(FAST, tidy=0.01))
        async with asyncio.timeout(5):
            while any(each.exists() for each in left if each.parent != mine):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (mine / left[2].name).exists(), "a folder that is not ours"
