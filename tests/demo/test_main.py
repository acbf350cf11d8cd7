"""The fake as a program, and its independence."""

from __future__ import annotations

import ast
import asyncio
import json
import signal
import sys
import urllib.request
from pathlib import Path

import pytest

import copilot_desktop.demo


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_runs_alone_and_ends_when_told(number):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "copilot_desktop.demo", "--scenario", "free",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    line = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    assert line["scenario"] == "free"

    def user() -> str:
        headers = {"Authorization": f"token {line['github_token']}"}
        request = urllib.request.Request(line["url"] + "/copilot_internal/user", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["login"]

    assert await asyncio.to_thread(user) == "free-user"
    process.send_signal(number)
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, errors) == (0, b"")


def test_it_imports_nothing_of_the_product():
    folder = Path(copilot_desktop.demo.__file__).parent
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{a.name}" for a in node.names)]
                assert node.level == 0
            ours = [n for n in names if n.startswith("copilot_desktop")]
            assert all(n.startswith("copilot_desktop.demo") for n in ours), (path.name, ours)
