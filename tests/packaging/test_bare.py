"""The wheel in an environment that has nothing else: as people install it, with exactly what is
locked, and with the lowest versions that pyproject.toml allows.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from copilot_desktop import __version__
from tests.architecture.source import ROOT

LOCK = ROOT / "packaging" / "requirements.lock"
PIPX = "pipx==1.18.4"
PATIENCE = 150  # seconds, to fetch and unpack some forty libraries


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(out.glob("*.whl"))


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The Python of an empty environment."""
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", str(tmp_path / "env")], check=True, timeout=PATIENCE)
    return tmp_path / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fetch(*command: str | Path, within: Path = ROOT) -> None:
    """Skips where nothing can be fetched."""
    try:
        done = subprocess.run(
            [str(word) for word in command], cwd=within, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.skip("fetching took too long")
    offline = ("NewConnectionError", "Failed to fetch", "No matching distribution", "dns error")
    if done.returncode and any(each in done.stderr for each in offline):
        pytest.skip(f"not to be had here: {done.stderr.strip().splitlines()[-1][:200]}")
    assert done.returncode == 0, done.stderr


def pip(python: Path, *words: str | Path) -> None:
    fetch(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words)


def works(python: Path, part: Callable[[str], ModuleType]) -> None:
    program = python.with_name("copilot-desktop" + python.suffix)
    assert len(list(part("smoke").passes([str(program)]))) == 6


def has(python: Path, module: str) -> bool:
    code = f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", code], check=False, cwd=python.parent).returncode == 0


def test_the_plain_wheel_serves_without_a_window(
    wheel: Path, bare: Path, part: Callable[[str], ModuleType]
) -> None:
    pip(bare, wheel)
    assert not has(bare, "webview")
    works(bare, part)


def test_pipx_gives_the_command_and_the_window(
    wheel: Path, bare: Path, tmp_path: Path, part: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """As the page for Linux has it, word for word, in an empty home."""
    monkeypatch.setenv("PIPX_HOME", str(tmp_path / "pipx"))
    monkeypatch.setenv("PIPX_BIN_DIR", str(tmp_path / "bin"))
    monkeypatch.setenv("PIPX_MAN_DIR", str(tmp_path / "man"))
    page = (ROOT / "docs" / "install-linux.md").read_text(encoding="utf-8")
    install, uninstall = re.findall(r"^ {4}pipx (.*)$", page, re.MULTILINE)
    words = shlex.split(install.replace("VERSION", __version__))
    assert Path(words[-1].partition("[")[0]).name == wheel.name
    pip(bare, PIPX)
    pipx = bare.with_name("pipx" + bare.suffix)
    fetch(pipx, *words, within=wheel.parent)
    program = tmp_path / "bin" / f"copilot-desktop{bare.suffix}"
    assert len(list(part("smoke").passes([str(program)]))) == 6
    inside = tmp_path / "pipx" / "venvs" / "copilot-desktop" / bare.parent.name / bare.name
    assert has(inside, "webview")
    fetch(pipx, *shlex.split(uninstall))
    assert not program.exists()
    assert not inside.exists()


def test_the_locked_libraries_are_enough_and_have_the_window(
    wheel: Path, bare: Path, part: Callable[[str], ModuleType]
) -> None:
    pip(bare, "--require-hashes", "-r", LOCK)
    pip(bare, "--no-deps", wheel)
    assert has(bare, "webview")
    assert has(bare, "pystray")
    works(bare, part)


def test_the_lowest_versions_work(
    wheel: Path, bare: Path, part: Callable[[str], ModuleType]
) -> None:
    pip(bare, part("supply").UV)
    uv = bare.with_name("uv" + bare.suffix)
    fetch(
        uv, "pip", "install", "--quiet", "--python", bare, "--resolution", "lowest-direct",
        "-r", ROOT / "pyproject.toml", "--extra", "desktop",
    )  # fmt: skip
    pip(bare, "--no-deps", wheel)
    works(bare, part)
