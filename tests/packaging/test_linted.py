"""Recipes for programs that do not run here, looked over by those who know their rules.

The linters are locked with their hashes and fetched into an environment of their own, kept in the
user's cache. Where they cannot be fetched, the tests are skipped. Each linter is first shown
something wrong: one that is always content says nothing.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.packaging.test_bare import PATIENCE, fetch
from tests.packaging.test_elsewhere import FLOWS, INNO, flow

PACKAGING = ROOT / "packaging"
LOCK = PACKAGING / "linters.lock"
DOCKER = PACKAGING / "docker"
SHELL = sorted([*PACKAGING.rglob("*.sh"), *(PACKAGING / "linux").glob("p*")])
# Reads its input, says where the grammar is broken, one place a line.
READER = """
import sys
from tree_sitter_language_pack import get_parser
def broken(node):
    if node.type == "ERROR" or node.is_missing:
        yield node.start_point.row + 1
    for child in node.children:
        yield from broken(child)
tree = get_parser(sys.argv[1]).parse(sys.stdin.buffer.read())
print(*broken(tree.root_node), sep="\\n", end="")
"""


@pytest.fixture(scope="module")
def linters() -> Path:
    """The folder with the linters' programs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    made_of = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    place = cache / "copilot-desktop" / f"linters-{made_of}"
    programs = place / ("Scripts" if os.name == "nt" else "bin")
    if not (place / "ready").exists():
        base = getattr(sys, "_base_executable", sys.executable)
        subprocess.run([base, "-m", "venv", "--clear", str(place)], check=True, timeout=PATIENCE)
        fetch(
            programs / "python", "-m", "pip", "install", "--quiet", "--require-hashes",
            "--only-binary", ":all:", "-r", LOCK,
        )  # fmt: skip
        (place / "ready").touch()
    return programs


def said(linters: Path, program: str, *words: str | Path, given: str = "") -> str:
    """What a linter says; nothing if it is content."""
    done = subprocess.run(
        [linters / program, *words], input=given, cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "PATH": f"{linters}{os.pathsep}{os.environ['PATH']}"},
        encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return done.stdout.strip() if program == "python" else ""
    return done.stdout + done.stderr


def reads(linters: Path, language: str, text: str) -> str:
    return said(linters, "python", "-c", READER, language, given=text)


def test_workflows(linters: Path, tmp_path: Path) -> None:
    """Keys, expressions, contexts, and the shell scripts inside."""
    odd = tmp_path / "odd.yml"
    text = FLOWS[0].read_text(encoding="utf-8")
    odd.write_text(text.replace("github.ref_name", "github.reff"), encoding="utf-8")
    assert "reff" in said(linters, "actionlint", odd)
    odd.write_text(text.replace('"$RUNNER_TEMP/sign.p12"', "$NAME", 1), encoding="utf-8")
    assert "SC2086" in said(linters, "actionlint", odd)
    odd.write_text("on: push\n", encoding="utf-8")
    schema = ("--builtin-schema", "vendor.github-workflows")
    assert "jobs" in said(linters, "check-jsonschema", *schema, odd)

    assert said(linters, "actionlint", *FLOWS) == ""
    assert said(linters, "check-jsonschema", *schema, *FLOWS) == ""


def test_dockerfile_and_compose(linters: Path, tmp_path: Path) -> None:
    odd = tmp_path / "Dockerfile"
    odd.write_text("FROM debian\nRUN cd /tmp\n", encoding="utf-8")
    assert "DL3006" in said(linters, "hadolint", odd)
    wrong = tmp_path / "compose.yaml"
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    wrong.write_text(text.replace("read_only:", "readonly:"), encoding="utf-8")
    schema = ("--builtin-schema", "vendor.compose-spec")
    assert "readonly" in said(linters, "check-jsonschema", *schema, wrong)

    assert said(linters, "hadolint", DOCKER / "Dockerfile") == ""
    assert said(linters, "check-jsonschema", *schema, DOCKER / "compose.yaml") == ""


def test_shell_scripts(linters: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.sh"
    odd.write_text("#!/bin/sh\nrm -rf $HOME/$1\n", encoding="utf-8")
    assert "SC2086" in said(linters, "shellcheck", odd)

    assert len(SHELL) == 5
    assert said(linters, "shellcheck", *SHELL) == ""


def for_powershell() -> Iterator[tuple[str, str]]:
    """Each script of ours that PowerShell carries out, by its name."""
    for path in PACKAGING.rglob("*.ps1"):
        yield path.name, path.read_text(encoding="utf-8")
    for path in FLOWS:
        for name, job in flow(path)["jobs"].items():
            for number, step in enumerate(job["steps"]):
                if str(job["runs-on"]).startswith("windows") and "run" in step:
                    yield f"{path.stem}.{name}.{number}", step["run"]


def test_scripts_for_windows_can_be_read(linters: Path) -> None:
    assert reads(linters, "powershell", "if (-not $x { exit 0 }")
    scripts = dict(for_powershell())
    assert len(scripts) > 4
    for name, text in scripts.items():
        assert reads(linters, "powershell", text) == "", name


def test_the_installer_s_code_can_be_read(linters: Path) -> None:
    code = INNO.read_text(encoding="utf-8").partition("[Code]")[2]
    assert "begin" in code

    def whole(code: str) -> str:
        return reads(linters, "pascal", f"program installer;\n{code}\nbegin\nend.\n")

    assert whole(code.replace("then", "", 1))
    assert whole(code) == ""
