"""A desk for one client: an empty home, a folder to work in, the real proxy, the fake upstream.

The proxy is the real command in a process of its own and wants a local key; GitHub and Copilot are
the fake, which keeps what reached it. Whatever a client tries beyond this machine ends at a door
that is closed to all: `strays` lists the hosts.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from copilot_desktop.demo import FakeUpstream, Received, Scenario
from tests.cli.terminal import Terminal, settings
from tests.clients.shelf import Shelf

LOCAL_KEY = "local-key-of-this-desk"
DEADLINE = 100.0  # seconds for one task of one client; seen are 3 to 15
CLOSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
ENDPOINTS = ("/chat/completions", "/responses", "/v1/messages")


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@dataclass
class Desk:
    """`url` is the proxy's base without `/v1`."""

    shelf: Shelf
    fake: FakeUpstream
    url: str
    home: Path
    work: Path
    closed_door: str
    strays: list[str] = field(default_factory=list)

    @property
    def calls(self) -> list[Received]:
        """The conversations that reached Copilot; those on a WebSocket frame by frame."""
        return [
            call for call in self.fake.ledger if call.path in ENDPOINTS and call.method != "GET"
        ]

    @property
    def rounds(self) -> list[Received]:
        """Those that offer tools: the task, without what a client asks on the side."""
        return [call for call in self.calls if call.body.get("tools")]

    async def run(self, *command: str | Path, deadline: float = DEADLINE, **more: str) -> Ended:
        """Run a client to its end. Fails with what it printed if that takes too long."""
        process = await asyncio.create_subprocess_exec(
            *map(str, command), cwd=self.work, env=self.environ(more), start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        heard = [asyncio.create_task(_read(stream)) for stream in (process.stdout, process.stderr)]
        late = False
        try:
            async with asyncio.timeout(deadline):
                await process.wait()
        except TimeoutError:
            late = True
        finally:
            with suppress(ProcessLookupError):  # also what it may have left behind
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        out, err = await asyncio.gather(*heard)
        assert not late, f"not done after {deadline} seconds; it printed\n{out}\n---\n{err}"
        return Ended(process.returncode or 0, out, err)

    def environ(self, more: Mapping[str, str]) -> dict[str, str]:
        path = os.pathsep.join([str(self.shelf.programs), str(self.shelf.node.parent), os.defpath])
        away = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), self.closed_door)
        away |= {"NO_PROXY": "127.0.0.1,localhost"}
        both_spellings = away | {name.lower(): value for name, value in away.items()}
        home = {"HOME": str(self.home), "PATH": path, "LANG": "C.UTF-8", "TERM": "dumb"}
        return {**both_spellings, **home, **more}


async def _read(stream: asyncio.StreamReader) -> str:
    return (await stream.read()).decode(errors="replace")


@asynccontextmanager
async def laid(shelf: Shelf, place: Path, scenario: Scenario) -> AsyncIterator[Desk]:
    """A desk in `place`, with the proxy running and signed in."""
    home, work, app = place / "home", place / "work", place / "app"
    for folder in (home, work, app):
        folder.mkdir()
    strays: list[str] = []
    async with FakeUpstream(scenario) as fake, _closed_door(strays) as door:
        terminal = Terminal(app)
        terminal.at(fake)
        terminal.environ["COPILOT_GITHUB_TOKEN"] = fake.github_token
        terminal.environ |= settings(api_key=LOCAL_KEY, require_key="true")
        async with terminal.start("serve") as serving:
            url = f"http://127.0.0.1:{await serving.port()}"
            yield Desk(shelf, fake, url, home, work, door, strays)


@asynccontextmanager
async def _closed_door(strays: list[str]) -> AsyncIterator[str]:
    """A proxy for the wide world that lets nothing through. Yields its URL."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError):
            line = (await reader.readline()).decode("latin-1").split(" ")
            strays.append(line[1] if len(line) > 1 else line[0])
            writer.write(
                b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
