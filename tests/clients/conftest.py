"""When the real clients run: in CI, and when they are asked for by name.

They take a gigabyte and minutes, so a plain `pytest` leaves them out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from copilot_desktop.demo import Scenario
from tests.clients import shelf
from tests.clients.desk import Desk, laid

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mine = [item for item in items if item.path.is_relative_to(HERE)]
    for item in mine:
        item.add_marker("clients")
        # The first one also installs them, which has deadlines of its own.
        item.add_marker(pytest.mark.timeout(150, func_only=True))
    if _wanted(config):
        return
    config.hook.pytest_deselected(items=mine)
    items[:] = [item for item in items if item not in mine]


def _wanted(config: pytest.Config) -> bool:
    if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        return True
    words = [word for word in config.invocation_params.args if not word.startswith("-")]
    start = config.invocation_params.dir
    places = [(start / word.split("::")[0]).resolve() for word in words or [""]]
    return "clients" in config.option.markexpr or any(
        place.is_relative_to(HERE) for place in places
    )


@pytest.fixture(scope="session")
def stock() -> shelf.Shelf | str:
    """The clients, or why there are none; found out once."""
    if sys.platform == "win32":
        return "the clients' processes are ended the POSIX way"
    try:
        return shelf.stocked()
    except shelf.CannotInstallError as trouble:
        return f"the clients cannot be installed here: {trouble}"


@pytest.fixture
async def desk(
    stock: shelf.Shelf | str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Desk]:
    """A desk; parametrize it indirectly with another scenario."""
    if isinstance(stock, str):
        pytest.skip(stock)
    async with laid(stock, tmp_path, getattr(request, "param", Scenario())) as found:
        yield found
