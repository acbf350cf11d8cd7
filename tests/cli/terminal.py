"""A terminal for the real commands: an empty home, no screen, a fake GitHub in the environment."""

from __future__ import annotations

import asyncio
import codecs
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from copilot_desktop.demo import FakeUpstream

ROOT = Path(__file__).parents[2]
START, END = 30.0, 20.0  # seconds; far above what is seen, far below the limit of a test
NO_KEYRING = "keyring.backends.fail.Keyring"


class Finished(NamedTuple):
    code: int
    out: str
    err: str


class Process:
    """A command that runs. Its whole process group must be gone when it ends."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.out = self.err = ""
        self._news = asyncio.Condition()
        self._readers = [
            asyncio.create_task(self._read("out", process.stdout)),
            asyncio.create_task(self._read("err", process.stderr)),
        ]

    @property
    def pid(self) -> int:
        return self._process.pid

    async def until(self, pattern: str, stream: str = "out") -> re.Match[str]:
        """Wait for output. Fails with everything printed so far if the process ends without it."""
        try:
            async with asyncio.timeout(START), self._news:
                while (found := re.search(pattern, getattr(self, stream))) is None:
                    if all(reader.done() for reader in self._readers):
                        break
                    await self._news.wait()
        except TimeoutError:
            found = None
        assert found, f"no {pattern!r} in:\n{self.out}\n---\n{self.err}"
        return found

    async def port(self) -> int:
        """The proxy's port, once it is announced."""
        return int((await self.until(r"Anthropic  http://127\.0\.0\.1:(\d+)\n")).group(1))

    async def code(self) -> str:
        """The code that a person would type on GitHub."""
        return (await self.until(r"Enter  (\S{4}-\S{4})")).group(1)

    async def end(self, number: signal.Signals | None = None) -> Finished:
        """Wait for the end, after a signal if one is given."""
        if number is not None:
            self._process.send_signal(number)
        async with asyncio.timeout(END):
            await asyncio.gather(*self._readers)
            code = await self._process.wait()
        with pytest.raises(ProcessLookupError):
            os.killpg(self.pid, 0)
        return Finished(code, self.out, self.err)

    async def clear(self) -> None:
        """For a test that failed on the way."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await asyncio.gather(*self._readers)
        await self._process.wait()

    async def _read(self, name: str, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        text = codecs.getincrementaldecoder("utf-8")()  # a read may end inside a character
        while piece := await stream.read(4096):
            setattr(self, name, getattr(self, name) + text.decode(piece))
            async with self._news:
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()


class Terminal:
    """`folder` is the data folder of every command, `home` the home, both below the same place."""

    def __init__(self, place: Path) -> None:
        self.home, self.folder = place / "home", place / "data"
        self.home.mkdir(parents=True)
        self.environ = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PYTHON_KEYRING_BACKEND": NO_KEYRING,
            "LANG": "C.UTF-8",
            **settings(data_dir=self.folder, token_store="file", port=0),
        }

    @property
    def token_file(self) -> Path:
        return self.folder / "tokens" / "token.json"

    def at(self, fake: FakeUpstream) -> None:
        """GitHub and Copilot are `fake` from now on."""
        self.environ |= settings(github_url=fake.url, github_api_url=fake.url, copilot_url=fake.url)

    def without(self, *names: str) -> None:
        for name in names:
            del self.environ["COPILOT_DESKTOP_" + name]

    @asynccontextmanager
    async def start(self, *words: str, through: tuple[str, ...] = ()) -> AsyncIterator[Process]:
        """`copilot-desktop WORDS` in a process group of its own."""
        process = Process(
            await asyncio.create_subprocess_exec(
                *through, sys.executable, "-m", "copilot_desktop", *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self.environ, cwd=self.home, start_new_session=True,
            )
        )  # fmt: skip
        try:
            yield process
        finally:
            await process.clear()

    async def run(self, *words: str) -> Finished:
        async with self.start(*words) as process:
            return await process.end()

    @asynccontextmanager
    async def commands(self) -> AsyncIterator[Commands]:
        """Many commands for the price of one start."""
        driver = await asyncio.create_subprocess_exec(
            sys.executable, str(Path(__file__).with_name("driver.py")),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env=self.environ, cwd=self.home, limit=2**24,
        )  # fmt: skip
        try:
            yield Commands(self, driver)
        finally:
            assert driver.stdin is not None
            driver.stdin.close()
            async with asyncio.timeout(END):
                await driver.wait()


class Commands:
    def __init__(self, terminal: Terminal, driver: asyncio.subprocess.Process) -> None:
        self._terminal = terminal
        self._driver = driver

    async def run(self, *words: str, **environ: str) -> Finished:
        """One command; `environ` is added to the terminal's."""
        driver = self._driver
        assert driver.stdin is not None
        assert driver.stdout is not None
        task = {"words": words, "environ": {**self._terminal.environ, **environ}}
        driver.stdin.write(json.dumps(task).encode() + b"\n")
        async with asyncio.timeout(START):
            answer = json.loads(await driver.stdout.readline())
        return Finished(answer["code"], answer["out"], answer["err"])


def settings(**values: Any) -> dict[str, str]:
    """`port=0` -> `{"COPILOT_DESKTOP_PORT": "0"}`."""
    return {f"COPILOT_DESKTOP_{name.upper()}": str(value) for name, value in values.items()}


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def until(condition: Callable[[], bool]) -> None:
    """For what other processes do: there is nothing to be woken by."""
    async with asyncio.timeout(START):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
