"""Starting, stopping and answering for ever: no thread, file, task or memory is left behind."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest
from phenomena.outcomes import ASKS, asked
from phenomena.routes import MODELS
from proxy.raw import until
from rig import running_rig

from copilot_desktop.demo import (
    Cut,
    DropConnection,
    ErrorInStream,
    Garbage,
    HtmlIn200,
    Slow,
    Stall,
    Status,
)
from copilot_desktop.proxy.exchange import KEPT
from tests.core_rig import QUICK, running_core
from tests.life.held import SOAK, held, needs_proc, rounds, stays_flat

pytestmark = [needs_proc, pytest.mark.timeout(max(60.0, SOAK * 2 + 600.0 * bool(SOAK)))]

FEW = ASKS[::4]


async def test_switching_the_proxy_off_and_on() -> None:
    """With a client that asks in between, in another dialect each time."""
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        count = 0

        async def toggle() -> None:
            nonlocal count
            count += 1
            if count % 10 == 1:
                assert (await asked(http, rig.url, FEW[count // 10 % len(FEW)])).whole
            assert (await rig.controller.stop()).phase == "stopped"
            assert (await rig.controller.start()).phase == "running"

        await stays_flat(toggle, 1000, spare=20, warm_up=30)


async def test_restarting_the_whole_app(tmp_path: Path) -> None:
    async def restart() -> None:
        async with running_core(tmp_path, QUICK, signed_in=True) as rig:
            await rig.until(lambda state: state.models.items)
            assert rig.core.store.state.proxy.phase == "running"

    # aiohttp remembers the routes of its last 1024 applications, which are some 600 objects.
    await stays_flat(restart, rounds(8, 100), spare=1500)


async def test_a_soak_of_good_and_bad_days() -> None:
    """All ways to ask, with every kind of trouble in turn, for as long as was asked for."""
    troubles = [
        None, Cut(after_frames=4), Stall(after_frames=3, seconds=0.1), Garbage(after_frames=3),
        ErrorInStream(after_frames=4), DropConnection(), HtmlIn200(), Slow(seconds=0.05),
        Status.example("502-unicorn"), Status.example("429-model"), None,
    ]  # fmt: skip
    end = time.monotonic() + max(SOAK, 3.0)
    async with running_rig(idle_timeout=5.0) as rig, aiohttp.ClientSession() as http:

        async def a_day() -> None:
            for trouble in troubles:
                rig.fake.clear_faults()
                if trouble is not None:
                    for path in MODELS:
                        rig.fake.add_fault(type(trouble)(**{**fields(trouble), "path": path}))
                answers = await asyncio.gather(*(asked(http, rig.url, ask) for ask in FEW))
                assert trouble is not None or all(each.whole for each in answers)
            gone = asyncio.create_task(asked(http, rig.url, FEW[0]))
            await asyncio.sleep(0)
            gone.cancel()
            await until(lambda: rig.traffic.in_flight == 0)
            rig.fake.ledger.clear()

        await a_day()
        before, days = held(), 0
        while time.monotonic() < end or days < 2:
            await a_day()
            days += 1
        await until(lambda: held().files <= before.files + 8, f"{before}, {held()}")
        now = held()
        assert now.threads <= before.threads
        # The list of the latest requests fills up to its end; nothing else may grow.
        kept = min(KEPT, days * len(troubles) * len(FEW) * 3)
        assert now.objects - before.objects < kept * 20 + 5000, (before, now, days)


def fields(trouble: object) -> dict[str, object]:
    return {name: getattr(trouble, name) for name in trouble.__dataclass_fields__}  # type: ignore[attr-defined]
