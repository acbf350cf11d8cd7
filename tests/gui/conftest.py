"""Desktop, panel and app for the tests of the real window. The desktop serves all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.gui.app import App
from tests.gui.desk import Desk, missing
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.gui.sni import Panel


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    if (lacking := missing()) is not None:
        pytest.skip(f"no real window here: {lacking}")
    desk = Desk(tmp_path_factory.mktemp("desk"))
    yield desk
    desk.close()


@pytest.fixture
def panel(desk: Desk) -> Iterator[Panel]:
    pytest.importorskip("dbus_fast", reason="no real tray here: dbus-fast is not installed")
    from tests.gui.sni import Panel

    panel = Panel(desk.environ["DBUS_SESSION_BUS_ADDRESS"])
    yield panel
    panel.close()


@pytest.fixture
def launch(desk: Desk, tmp_path: Path) -> Iterator[Callable[..., App]]:
    """`launch(*arguments, scenario=…)` starts the app, each time with the same data folder."""
    apps: list[App] = []
    port = free_port()

    def start(*arguments: str, **options: object) -> App:
        apps.append(App(desk, tmp_path / "data", *arguments, **{"port": port, **options}))  # type: ignore[arg-type]
        return apps[-1]

    yield start
    for app in apps:
        app.discard()
