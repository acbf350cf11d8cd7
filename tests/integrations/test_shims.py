"""What is started where a name stands for one of npm's scripts on Windows."""

from __future__ import annotations

from pathlib import Path

import pytest

from copilot_desktop.integrations import shims

NPM = """@ECHO off
GOTO start
:find_dp0
SET dp0=%~dp0
EXIT /b
:start
SETLOCAL
CALL :find_dp0
IF EXIST "%dp0%\\node.exe" (
  SET "_prog=%dp0%\\node.exe"
) ELSE (
  SET "_prog=node"
)
endLocal & goto #_undefined_# 2>NUL || title %COMSPEC% & "%_prog%"  "%dp0%\\{target}" %*
"""
OLDER = '@"%~dp0\\node.exe"  "%~dp0\\{target}" %*\n'
TARGET = "node_modules\\tool\\cli.js"


@pytest.fixture(autouse=True)
def node(tmp_path: Path) -> Path:
    path = tmp_path / "node.exe"
    path.touch()
    return path


def shim(folder: Path, text: str, target: str = TARGET, *, there: bool = True) -> Path:
    if there:
        path = folder.joinpath(*target.split("\\"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    script = folder / "tool.CMD"
    script.write_text(text.format(target=target))
    return script


def test_a_program_is_itself(tmp_path: Path) -> None:
    assert shims.begun(tmp_path / "tool") == (str(tmp_path / "tool"),)
    assert shims.begun(tmp_path / "tool.exe") == (str(tmp_path / "tool.exe"),)


@pytest.mark.parametrize("text", [NPM, OLDER])
def test_what_npm_starts_is_started(tmp_path: Path, node: Path, text: str) -> None:
    script = shim(tmp_path, text)
    target = tmp_path / "node_modules" / "tool" / "cli.js"
    assert shims.begun(script) == (str(node), str(target))


def test_a_program_behind_npm_needs_no_node(tmp_path: Path) -> None:
    script = shim(tmp_path, NPM, "node_modules\\tool\\bin\\tool.exe")
    assert shims.begun(script) == (str(tmp_path / "node_modules" / "tool" / "bin" / "tool.exe"),)


def test_another_script_is_for_its_shell(tmp_path: Path) -> None:
    assert shims.begun(shim(tmp_path, "@echo %*\n")) is None
    assert shims.begun(shim(tmp_path, NPM, "gone\\cli.js", there=False)) is None
    assert shims.begun(tmp_path / "missing.cmd") is None
    assert shims.begun(tmp_path / "tool.ps1") is None


def test_what_the_command_prompt_would_change_is_known() -> None:
    assert shims.passes(("--model", "gpt-5.4", "what is this"))
    for word in ('{"a": 1}', "100%", "a&b", "a|b", "two\nlines"):
        assert not shims.passes(("-p", word)), word
