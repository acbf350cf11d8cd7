"""Each tool that `connect` sets up can be fetched, and is the one that is meant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients import shelf, tools
from tests.clients.tools import Tool

DEADLINE = 60  # seconds for a program to tell its version; seen are 1 to 5


@pytest.mark.skipif(sys.platform == "win32", reason="programs are looked for the POSIX way")
@pytest.mark.timeout(3 * tools.PATIENCE)
@pytest.mark.parametrize("tool", tools.LIGHT, ids=lambda tool: tool.command)
def test_a_tool_tells_the_version_that_was_asked_for(tool: Tool, tmp_path: Path) -> None:
    try:
        found = tools.fetched(tool)
    except shelf.CannotInstallError as trouble:
        pytest.skip(f"{tool.command} cannot be installed here: {trouble}")

    said = subprocess.run(
        [found.programs / tool.command, "--version"],
        env={
            "HOME": str(tmp_path),
            "PATH": os.pathsep.join([str(found.programs), str(found.node.parent), os.defpath]),
        },
        cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert tool.version in said.stdout + said.stderr
