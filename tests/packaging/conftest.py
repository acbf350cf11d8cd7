"""When packages are built and installed: in CI, and when asked for by a mark or a file's name.

Building takes half a minute and a clean root half a gigabyte, so a plain `pytest` leaves them out.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.gui.desk import Desk, missing

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXPENSIVE = (
    "test_bare.py", "test_built.py", "test_clean_root.py", "test_container.py", "test_linted.py",
    "test_checkout.py", "test_tarball.py",
)  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    dear = [item for item in items if item.path.parent == HERE and item.path.name in EXPENSIVE]
    for item in dear:
        item.add_marker(pytest.mark.timeout(170, func_only=True))
    if _wanted(config):
        return
    config.hook.pytest_deselected(items=dear)
    items[:] = [item for item in items if item not in dear]


def _wanted(config: pytest.Config) -> bool:
    if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        return True
    words = [word for word in config.invocation_params.args if not word.startswith("-")]
    start = config.invocation_params.dir
    return any((start / word.split("::")[0]).resolve().is_relative_to(HERE) for word in words)


@pytest.fixture(autouse=True)
def usual_mask() -> Iterator[None]:
    """As where packages and images are made: the app's own is stricter, and a test in the same
    process may have set it."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A screen with a session bus and a tray."""
    if (lacking := missing("trayer", "gio")) is not None:
        pytest.skip(f"no desktop here: {lacking}")
    desk = Desk(tmp_path / "desk", tray=True)
    yield desk
    desk.close()


@pytest.fixture(scope="session")
def part() -> Callable[[str], ModuleType]:
    """`part("deb")` is `packaging/deb.py`; the scripts there are no package."""

    def load(name: str) -> ModuleType:
        places = [ROOT / "packaging", ROOT / "packaging" / "pyinstaller"]
        file = next(place / f"{name}.py" for place in places if (place / f"{name}.py").exists())
        # Under a name of its own: there is a library that is called `build`.
        spec = importlib.util.spec_from_file_location(f"packaging_{name}", file)
        assert spec is not None
        assert spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = found
        with pytest.MonkeyPatch.context() as patch:
            for place in places:
                patch.syspath_prepend(str(place))
            spec.loader.exec_module(found)
        return found

    return load


@pytest.fixture(scope="session")
def product(part: Callable[[str], ModuleType], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The frozen program, built once (half a minute, the first time two)."""
    if sys.platform != "linux" or not shutil.which("dpkg-deb"):
        pytest.skip("the packages are Debian's")
    if given := os.environ.get("COPILOT_TEST_DIST"):  # built before, as for a release
        return part("build").folder(Path(given), reuse=True)
    return part("build").folder(tmp_path_factory.mktemp("dist"))
