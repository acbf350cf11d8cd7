"""What one run keeps for the next: written once for many changes, and always before the end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from copilot_desktop.core.memory import Memory
from copilot_desktop.core.tasks import Tasks


async def test_what_is_kept_is_there_for_the_next_run_and_for_its_owner_only(
    tmp_path: Path,
) -> None:
    memory = Memory(tmp_path / "some.json", Tasks())
    assert await memory.load() == {}
    memory.keep({"a": 1})
    await memory.settle()
    assert (tmp_path / "some.json").stat().st_mode & 0o077 == 0
    assert await Memory(tmp_path / "some.json", Tasks()).load() == {"a": 1}


async def test_changes_in_a_row_are_gathered_and_an_end_does_not_wait_for_more(
    tmp_path: Path,
) -> None:
    memory = Memory(tmp_path / "some.json", Tasks(), pause=3600)
    for number in range(50):
        memory.keep({"a": number})
        await asyncio.sleep(0)
    assert not (tmp_path / "some.json").exists()
    await asyncio.wait_for(memory.settle(), 5)
    assert json.loads((tmp_path / "some.json").read_text()) == {"a": 49}


async def test_what_cannot_be_read_or_written_stops_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "some.json"
    broken.write_text("{")
    memory = Memory(broken, Tasks())
    assert await memory.load() == {}
    broken.unlink()
    broken.mkdir()
    memory.keep({"a": 1})
    await asyncio.wait_for(memory.settle(), 5)
    assert broken.is_dir()
