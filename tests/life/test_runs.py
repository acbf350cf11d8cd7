"""The whole app, killed at its writes or on a full disk: it answers, keeps what it had, goes on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from copilot_desktop.demo import FakeUpstream
from copilot_desktop.upstream.stores import StoredAccount, to_text
from tests.core_rig import QUICK
from tests.life.held import rounds
from tests.life.runs import PATIENT

ROOT = Path(__file__).parents[2]
LIMIT = 50.0  # seconds for one run
SETTINGS = {"keep_me": "of a newer version", "theme": "dark"}
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and limits")


class Machine:
    """A data folder with a sign-in and settings of earlier runs, and a GitHub."""

    def __init__(self, folder: Path, fake: FakeUpstream) -> None:
        self.folder, self.fake = folder, fake
        self.token = folder / "tokens" / "token.json"
        self.settings = folder / "settings.json"

    def used(self) -> None:
        self.token.parent.mkdir(parents=True)
        account = StoredAccount("127.0.0.1", "octo-user", 7, self.fake.github_token)
        self.token.write_text(to_text(account))
        self.token.chmod(0o600)
        self.settings.write_text(json.dumps(SETTINGS))

    async def run(self, *words: str) -> dict[str, Any] | None:
        """What happened; None if it was killed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.life.runs", str(self.folder), self.fake.url, *words,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        async with asyncio.timeout(LIMIT):
            out, err = await process.communicate()
        if process.returncode == -signal.SIGKILL:
            return None
        assert process.returncode == 0, err.decode()[-3000:]
        assert b"Traceback" not in err, err.decode()[-3000:]
        told: dict[str, Any] = json.loads(out)
        return told

    def litter(self) -> list[str]:
        """What was meant to be moved over one of our files."""
        return [path.name for path in self.folder.rglob(".*")]


@pytest_asyncio.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with FakeUpstream(QUICK) as fake:
        there = Machine(tmp_path / "data", fake)
        there.used()
        yield there


def healthy(told: dict[str, Any] | None) -> None:
    assert told is not None
    assert told["login"] == "octo-user", "the sign-in is lost"
    assert told["status"] == 200
    assert told["idle_timeout"] in (300.0, PATIENT), "neither the old setting nor the new one"
    for verb in ("update_settings", "make_key", "refresh_models", "usage_history"):
        assert told[verb]["ok"] or verb == "make_key", told[verb]  # the key may be there by now


@pytest.mark.timeout(600)
async def test_a_kill_at_any_write_of_a_run(machine: Machine) -> None:
    """Every eleventh step, or each one where there is time; and a run after each."""
    steps = range(1, 100) if rounds(0, 1) else range(3, 100, 11)
    for step in steps:
        if await machine.run("kill", str(step)) is not None:
            break
        stored = json.loads(machine.settings.read_text())
        assert stored.items() >= SETTINGS.items()
        healthy(await machine.run("whole"))
    assert step > 10, "the steps are counted at other calls now"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("room", [0, 100])
async def test_a_disk_that_runs_full(machine: Machine, room: int) -> None:
    healthy(await machine.run("whole"))
    before = {path: path.read_bytes() for path in kept(machine.folder)}
    assert len(before) >= 4, "settings, sign-in, keys and models are on the disk"
    told = await machine.run("full", str(room))
    assert told is not None
    assert told["status"] == 200, "a disk is no reason not to answer"
    assert told["login"] == "octo-user"
    for path, content in before.items():
        if path.name == "models.json":  # was fetched again before the disk was full
            assert json.loads(path.read_bytes()).keys() == json.loads(content).keys()
        else:
            assert path.read_bytes() == content, f"{path.name} was damaged"
    assert machine.litter() == []
    with closing(sqlite3.connect(machine.folder / "usage.sqlite3")) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list(machine.folder.glob("*.broken"))
    healthy(await machine.run("whole"))


def kept(folder: Path) -> list[Path]:
    """What would be missed: not logs and caches of SQLite."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(("usage.sqlite3", "instance")) and
        path.suffix not in {".log", ".lock"}
    ]  # fmt: skip
