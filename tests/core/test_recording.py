"""Contents are recorded only while somebody wants it, for the owner only, and then gone."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from copilot_desktop.core.activity import Activity
from copilot_desktop.core.recording import FOLDER, KEPT, LIFETIME, Recorder
from copilot_desktop.core.tasks import Tasks
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.proxy.tape import Tape
from tests.core_rig import CoreRig, running_core

SECRET = "ghu_abcdefgh12345678"


async def ask(rig: CoreRig, words: str) -> int:
    """The id of a finished request that says `words`."""
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": words}]}
    url = f"http://127.0.0.1:{rig.core.store.state.proxy.port}/v1/chat/completions"
    before = rig.core.traffic.recent
    async with aiohttp.ClientSession() as http, http.post(url, json=body) as answer:
        assert answer.status == 200, await answer.text()
        await answer.read()
    [new] = [each for each in rig.core.traffic.recent if each not in before]
    return new.id


async def until(condition: Callable[[], Any]) -> Any:
    async with asyncio.timeout(10):
        while not (found := condition()):  # noqa: ASYNC110  (files appear without an event)
            await asyncio.sleep(0.01)
    return found


def everything(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def recorded(rig: CoreRig, number: int) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while not (outcome := await rig.do("contents", id=number))["ok"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return outcome


async def test_nothing_is_kept_unless_it_was_asked_for(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        assert rig.snapshot()["recording"] is None
        number = await ask(rig, "a private question")
        assert not (await rig.do("contents", id=number))["ok"]
        assert all(each.tape is None for each in rig.core.traffic.recent)
    assert all(b"private question" not in content for content in everything(tmp_path))


async def test_an_hour_of_contents_can_be_read_and_ends_with_the_app(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        assert (await rig.do("start_recording"))["ok"]
        until_then = rig.snapshot()["recording"]["until"]
        assert abs(until_then - time.time() - LIFETIME) < 60
        number = await ask(rig, f"what is {SECRET}")
        sides = await recorded(rig, number)
        assert "what is [secret]" in sides["asked"]["text"]
        assert "what is [secret]" in sides["sent"]["text"]
        assert "choices" in sides["told"]["text"]
        [file] = (tmp_path / FOLDER).iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert SECRET not in file.read_text()
        assert rig.fake.github_token not in file.read_text()
    assert not (tmp_path / FOLDER).exists()


async def test_stopping_deletes_everything(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await rig.do("start_recording")
        number = await ask(rig, "hello")
        await recorded(rig, number)
        assert (await rig.do("stop_recording"))["ok"]
        assert rig.snapshot()["recording"] is None
        assert not (tmp_path / FOLDER).exists()
        assert not (await rig.do("contents", id=number))["ok"]
        await ask(rig, "afterwards")
        assert not (tmp_path / FOLDER).exists()


async def test_what_a_run_that_died_has_left_is_deleted_at_the_next_start(tmp_path: Path) -> None:
    left = tmp_path / FOLDER / "000001.json"
    left.parent.mkdir()
    left.write_text("{}")
    async with running_core(tmp_path):
        assert not left.exists()


async def test_a_single_command_leaves_the_apps_recording_alone(tmp_path: Path) -> None:
    file = tmp_path / FOLDER / "000001.json"
    async with running_core(tmp_path) as rig:
        beside = Activity(rig.core)  # as a command has it that never begins
        file.parent.mkdir()
        file.write_text("{}")
        await beside.close()
        assert file.exists()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def taped(words: bytes) -> Tape:
    tape = Tape()
    tape.told.add(words)
    return tape


async def test_what_is_on_its_way_to_the_disk_at_the_stop_does_not_come_there(
    tmp_path: Path,
) -> None:
    tasks = Tasks()
    recorder = Recorder(tmp_path, tasks)
    await recorder.start()
    recorder.keep(Exchange(1, "curl", "openai_chat"), taped(b"words"))
    await recorder.stop()
    await until(lambda: "recording" not in {task.get_name() for task in asyncio.all_tasks()})
    assert not (tmp_path / FOLDER).exists()
    await tasks.close()


async def test_an_hour_is_an_hour_if_the_clock_is_set_back(tmp_path: Path) -> None:
    wall, monotonic, tasks = Clock(), Clock(), Tasks()
    recorder = Recorder(tmp_path, tasks, wall=wall, monotonic=monotonic)
    await recorder.start()
    wall.now -= 86_400
    monotonic.now += LIFETIME - 1
    assert recorder.on
    monotonic.now += 2
    assert not recorder.on
    assert recorder.tape() is None
    await tasks.close()


async def test_the_hour_ends_by_the_clock_even_if_the_computer_slept(tmp_path: Path) -> None:
    clock, tasks = Clock(), Tasks()
    recorder = Recorder(tmp_path, tasks, wall=clock)
    await recorder.start()
    recorder.keep(Exchange(1, "curl", "openai_chat"), taped(b"words"))
    await until(lambda: list((tmp_path / FOLDER).glob("*.json")))
    clock.now += LIFETIME + 1
    assert recorder.tape() is None
    assert await recorder.read(1) is None
    recorder.keep(Exchange(2, "curl", "openai_chat"), taped(b"late"))
    await recorder.start()  # a new hour begins with nothing
    assert list((tmp_path / FOLDER).iterdir()) == []
    await tasks.close()


async def test_at_the_end_of_the_hour_the_files_go_by_themselves(tmp_path: Path) -> None:
    tasks = Tasks()
    recorder = Recorder(tmp_path, tasks, lifetime=0.2)
    await recorder.start()
    await until(lambda: recorder.until is None)
    await until(lambda: not (tmp_path / FOLDER).exists())
    await tasks.close()


async def test_the_number_of_files_is_bounded(tmp_path: Path) -> None:
    tasks = Tasks()
    recorder = Recorder(tmp_path, tasks)
    await recorder.start()
    content = json.dumps(taped(b"x").to_json()).encode()
    for number in range(1, KEPT + 4):
        recorder._write(number, content)
    assert len(list((tmp_path / FOLDER).iterdir())) == KEPT
    assert await recorder.read(1) is None
    assert await recorder.read(KEPT + 3) is not None
    await tasks.close()


async def test_a_link_in_the_folders_place_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.txt").write_text("keep")
    home = tmp_path / "home"
    home.mkdir()
    (home / FOLDER).symlink_to(elsewhere)
    async with running_core(home) as rig:
        assert not (await rig.do("start_recording"))["ok"]
        assert rig.snapshot()["recording"] is None
    assert (elsewhere / "mine.txt").read_text() == "keep"


async def test_a_stop_that_comes_while_it_starts_is_not_forgotten(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        starting = asyncio.create_task(rig.do("start_recording"))
        await asyncio.sleep(0)
        assert (await rig.do("stop_recording"))["ok"]
        assert (await starting)["ok"]
        assert not rig.core.activity.recorder.on
        assert rig.core.store.state.recording_until is None
