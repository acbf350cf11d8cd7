"""Cycles are looked for again after a start, and the start's own objects are left out."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from copilot_desktop.system import garbage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_what_a_start_made_is_set_apart_and_the_search_goes_on() -> None:
    garbage.rest()
    assert not gc.isenabled()
    garbage.resume()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 1000


def test_a_program_that_embeds_us_keeps_its_own_search() -> None:
    garbage.resume()
    assert gc.get_freeze_count() == 0


def test_the_command_searches_while_it_works() -> None:
    """A command that lasts must not keep every cycle for ever."""
    code = (
        "import gc, sys\n"
        "from copilot_desktop import cli\n"
        "from copilot_desktop.cli import version\n"
        "async def told(*_): print(gc.isenabled(), gc.get_freeze_count() > 1000); return 0\n"
        "version.run = told\n"
        "sys.argv = ['copilot-desktop', 'version']\n"
        "cli.entry()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
