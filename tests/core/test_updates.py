"""A newer version is looked for only if it was chosen, seldom, and quietly."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from copilot_desktop import __version__
from copilot_desktop.core.headline import banners
from copilot_desktop.core.memory import Memory
from copilot_desktop.core.rounds import Pace, Rounds
from copilot_desktop.core.updates import DAY, FILE_NAME, WEEK, Updates
from copilot_desktop.demo.faults import Status
from copilot_desktop.upstream.releases import DOWNLOADS, PATH
from tests.core_rig import QUICK, CoreRig, running_core

NEW = replace(QUICK, release="v99.1.0")
FAST = Pace(tick=0.01, probe=3600, gap=15, shown=3600, hidden=3600, models=3600, offline=3600)


class Clock:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def asked(rig: CoreRig) -> int:
    return sum(each.path == PATH for each in rig.fake.ledger)


def updates(rig: CoreRig, folder: Path, clock: Clock) -> Updates:
    """In place of the core's own, which would ask by the real clock beside this one."""
    made = Updates(rig.core, Memory(folder / FILE_NAME, rig.core.tasks), wall=clock)
    rig.core.life.updates = made
    return made


async def test_nothing_is_asked_until_it_is_chosen(tmp_path: Path) -> None:
    async with running_core(tmp_path, NEW, signed_in=True) as rig:
        Rounds(rig.core, FAST).start()
        await rig.core.life.updates.look_if_due()
        await rig.until(lambda state: state.quota.state == "ready")
        assert asked(rig) == 0
        assert not (tmp_path / FILE_NAME).exists()
        await rig.do("update_settings", patch={"look_for_updates": True})
        state = await rig.until(lambda state: state.update.version)
        assert (asked(rig), state.update.version) == (1, "99.1.0")


async def test_a_newer_version_is_shown_with_the_page_and_nothing_more(tmp_path: Path) -> None:
    async with running_core(tmp_path, NEW, signed_in=True) as rig:
        await rig.until(lambda state: state.quota.state == "ready")
        answer = await rig.do("look_for_updates")
        assert answer["version"] == "99.1.0"
        [shown] = banners(rig.core.store.state)
        assert (shown.id, shown.actions) == ("update", ("open_downloads",))
        assert shown.fields == {"version": "99.1.0", "current": __version__}
        assert (await rig.do("open_link", id="downloads"))["url"] == DOWNLOADS
        request = next(each for each in rig.fake.ledger if each.path == PATH)
        assert "authorization" not in request.headers
        assert "cookie" not in request.headers
        assert __version__ not in str(request.headers)
        assert not request.raw


async def test_the_page_is_asked_once_a_week_and_once_a_day_while_it_is_silent(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with running_core(tmp_path, NEW, look_for_updates=True) as rig:
        first = updates(rig, tmp_path, clock)
        await first.look_if_due()
        clock.now += WEEK - 60
        await first.look_if_due()
        await first.settle()
        await updates(rig, tmp_path, clock).look_if_due()  # as after a restart
        assert asked(rig) == 1
        clock.now += 120
        rig.fake.add_fault(Status(PATH, times=-1, status=502))
        again = updates(rig, tmp_path, clock)
        await again.look_if_due()
        await again.look_if_due()
        state = rig.core.store.state.update
        assert (asked(rig), state.failed, state.version) == (2, True, "99.1.0")
        clock.now += DAY + 1
        rig.fake.clear_faults()
        await again.look_if_due()
        assert (asked(rig), rig.core.store.state.update.failed) == (3, False)
        clock.now -= 30 * DAY  # a clock that was wrong until now
        await again.look_if_due()
        assert asked(rig) == 4


async def test_a_press_within_a_day_says_the_same_again_and_a_failure_can_be_tried_again(
    tmp_path: Path,
) -> None:
    async with running_core(tmp_path, NEW) as rig:
        rig.fake.add_fault(Status(PATH, times=1, status=502))
        refused = await rig.do("look_for_updates")
        assert (refused["ok"], refused["code"]) == (False, "upstream_fault")
        pressed = [await rig.do("look_for_updates") for _ in range(3)]
        both = await asyncio.gather(rig.do("look_for_updates"), rig.do("look_for_updates"))
        assert {each["version"] for each in (*pressed, *both)} == {"99.1.0"}
        assert asked(rig) == 2


async def test_this_version_and_older_ones_are_no_news(tmp_path: Path) -> None:
    same = replace(QUICK, release=f"v{__version__}")
    async with running_core(tmp_path, same) as rig:
        answer = await rig.do("look_for_updates")
        assert (answer["ok"], answer["version"]) == (True, "")
        assert rig.core.store.state.update.version == ""
        rig.fake.scenario = replace(QUICK, release="")
        rig.core.store.set(update=replace(rig.core.store.state.update, asked_at=0.0))
        assert (await rig.do("look_for_updates"))["ok"] is False


async def test_what_was_heard_before_this_version_was_installed_is_forgotten(
    tmp_path: Path,
) -> None:
    clock = Clock()
    kept = {"version": __version__, "asked_at": clock.now, "failed": False}
    (tmp_path / FILE_NAME).write_text(json.dumps(kept))
    async with running_core(tmp_path, NEW, look_for_updates=True) as rig:
        await updates(rig, tmp_path, clock).look_if_due()
        assert (rig.core.store.state.update.version, asked(rig)) == ("", 0)


async def test_a_file_that_makes_no_sense_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"version": ["9"], "asked_at": true}')
    async with running_core(tmp_path, NEW, look_for_updates=True) as rig:
        await rig.core.life.updates.look_if_due()
        assert rig.core.store.state.update.version == "99.1.0"


async def test_a_reset_forgets_it(tmp_path: Path) -> None:
    async with running_core(tmp_path, NEW, look_for_updates=True) as rig:
        await rig.do("look_for_updates")
        assert (await rig.do("reset_everything", word="RESET"))["ok"]
        assert rig.core.store.state.update.asked_at is None
        assert not rig.core.settings.look_for_updates
        await rig.core.life.updates.settle()
        assert "99.1.0" not in (tmp_path / FILE_NAME).read_text()
