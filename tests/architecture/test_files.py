"""What is under version control, and what ends up in the wheel."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGE, ROOT, git, shown, text_of, tracked

# Written so that this file does not match itself.
PRIVATE = re.compile(
    r"""
      (?<![\w.])/[w]ork/ | /[r]oot/ | [C]:\\\\?Users
    | /[h]ome/(?!me\b|hana\b|somebody\b|user\b|[a-z]\b)[a-z] | /[U]sers/(?!me\b)[a-z]
    | [p]ypi\.org | [p]ythonhosted\.org | [r]egistry\.npmjs | [r]egistry\.yarnpkg | [p]roxy\.golang
    | [i]ndex-url | [g]hcr\.io | [d]ocker\.io
    """,
    re.VERBOSE,
)
LARGEST = 1024 * 1024  # bytes of one file


def test_no_file_tells_about_a_machine_or_a_registry() -> None:
    found = {
        f"{shown(path)}:{number}": line.strip()[:100]
        for path in tracked()
        if (text := text_of(path)) is not None
        for number, line in enumerate(text.splitlines(), 1)
        if PRIVATE.search(line)
    }
    assert found == {}


def test_no_file_is_large_or_made_by_a_machine() -> None:
    for path in tracked():
        assert path.stat().st_size <= LARGEST, shown(path)
        assert path.suffix not in {".pyc", ".log", ".orig", ".rej", ".swp"}, shown(path)
        assert not path.is_symlink(), shown(path)


def test_the_wheel_is_told_to_hold_page_and_icons() -> None:
    recipe = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = recipe["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["copilot_desktop"]
    for folder, place in wheel["force-include"].items():
        assert (ROOT / folder).is_dir()
        assert place == f"copilot_desktop/_resources/{folder}"
    assert set(wheel["force-include"]) == {"ui", "assets"}
    assert recipe["project"]["scripts"] == {"copilot-desktop": "copilot_desktop.cli:entry"}
    assert recipe["tool"]["hatch"]["version"]["path"] == "copilot_desktop/__init__.py"


def test_nothing_of_the_package_is_ignored() -> None:
    """hatch leaves out what git ignores."""
    names = "\0".join(
        shown(path)
        for folder in (PACKAGE, ROOT / "ui", ROOT / "assets")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    )
    assert git("check-ignore", "-z", "--stdin", given=names) == ""


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("build", "hatchling")),
    reason="build and hatchling are not installed; the recipe is checked above",
)
def test_the_wheel_holds_everything(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    for path in tracked():
        name = shown(path)
        if name.startswith("copilot_desktop/"):
            assert name in held
        elif name.startswith(("ui/", "assets/")):
            assert f"copilot_desktop/_resources/{name}" in held
    assert not [name for name in held if name.startswith(("tests/", "bench/"))]
