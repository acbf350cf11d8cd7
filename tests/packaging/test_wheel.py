"""The wheel: the same bytes from the same files, the window apart from the rest."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, shown, tracked

WINDOW = {"pillow", "pystray", "pywebview"}
# The same commit each time.
SOMEBODY = {f"GIT_{role}_{what}": told for role in ("AUTHOR", "COMMITTER") for what, told in (
    ("NAME", "Somebody"), ("EMAIL", "somebody@example.com"), ("DATE", "2026-11-21T12:00:00Z"),
)} | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}  # fmt: skip
built = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("build", "hatchling")),
    reason="build and hatchling are not installed",
)


def a_copy(place: Path, when: int, mode: int) -> Path:
    """The files that are under version control, as another person's checkout would have them."""
    for path in tracked():
        if not shown(path).startswith(("tests/", "docs/screens/", "bench/")):
            target = place / shown(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            target.chmod(mode)
            os.utime(target, (when, when))
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "All"]):
        subprocess.run(["git", *words], cwd=place, env={**os.environ, **SOMEBODY}, check=True)
    return place


def build(source: Path, out: Path) -> dict[str, str]:
    """Hashes of source archive and wheel, by name."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    environ = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(command, check=True, capture_output=True, env=environ)
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in out.iterdir()}


@built
def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    one = build(a_copy(tmp_path / "one", 1_500_000_000, 0o644), tmp_path / "first")
    two = build(a_copy(tmp_path / "two", 1_700_000_000, 0o600), tmp_path / "second")
    assert len(one) == 2
    assert one == two
    (wheel,) = (tmp_path / "first").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("/METADATA"))
        told = HeaderParser().parsestr(archive.read(name).decode())
        assert "copilot_desktop/_resources/ui/index.html" in archive.namelist()
        facts = json.loads(archive.read("copilot_desktop/_resources/build.json"))
    asked = ["git", "rev-parse", "HEAD"]
    head = subprocess.check_output(asked, cwd=tmp_path / "one", text=True).strip()
    assert facts == {"commit": head, "date": "2026-11-21"}
    assert set(told.get_all("Provides-Extra") or ()) == {"desktop", "qt"}


def test_the_window_is_an_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    plain = {each.split(">")[0] for each in project["dependencies"]}
    assert not plain & WINDOW
    extras = project["optional-dependencies"]
    assert {each.split(">")[0] for each in extras["desktop"]} == WINDOW
    assert "copilot-desktop[desktop]" in extras["qt"]
