"""What one run leaves for the next, and that nonsense in its file harms nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.core.last_run import FILE_NAME, LastRun, Place
from copilot_desktop.core.memory import Memory
from copilot_desktop.core.tasks import Tasks


def run(folder: Path) -> LastRun:
    return LastRun(Memory(folder / FILE_NAME, Tasks(), pause=3600))


async def test_the_next_run_finds_window_screen_and_proxy(tmp_path: Path) -> None:
    first = run(tmp_path)
    await first.load()
    assert (first.place, first.screen, first.proxy) == (Place(), "", None)
    for x in range(100):  # dragged
        first.note_place(Place(x, 40, 1000, 700, maximized=x == 99))
    first.note_screen("usage")
    first.note_proxy(False)
    await first.settle()

    second = run(tmp_path)
    await second.load()
    assert second.place == Place(99, 40, 1000, 700, maximized=True)
    assert (second.screen, second.proxy) == ("usage", False)


@pytest.mark.parametrize(
    ("kept", "place"),
    [
        ({"place": {"x": 5}}, Place()),
        ({"place": {"x": 5, "y": "6", "width": 800, "height": 600}}, Place(None, None, 800, 600)),
        ({"place": {"x": 1e9, "y": 0, "width": -3, "height": 600}}, Place()),
        ({"place": {"x": True, "y": 1, "width": 10**9, "height": 2}}, Place()),
        ({"place": [1, 2], "screen": "../x", "proxy": "yes"}, Place()),
    ],
)
async def test_nonsense_is_as_if_it_were_not_there(
    tmp_path: Path, kept: dict[str, Any], place: Place
) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps(kept))
    last = run(tmp_path)
    await last.load()
    assert (last.place, last.screen, last.proxy) == (place, "", None)
