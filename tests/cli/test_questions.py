"""Questions on a real terminal, and `resume`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from copilot_desktop.core.braking import FILE_NAME
from tests.cli.terminal import Process, Terminal

if sys.platform == "win32":
    pytest.skip("there are no such terminals", allow_module_level=True)

import fcntl
import pty
import termios

HELLO = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]}


@asynccontextmanager
async def on_a_tty(
    terminal: Terminal, *words: str, foreground: bool = True
) -> AsyncIterator[tuple[Process, int]]:
    """A command whose input is a terminal of its own; and the other end of that terminal."""
    ours, theirs = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = Process(
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "copilot_desktop", *words,
            stdin=theirs, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=terminal.environ, cwd=terminal.home, start_new_session=True,
            preexec_fn=take_terminal if foreground else None,
        )
    )  # fmt: skip
    os.close(theirs)
    try:
        yield process, ours
    finally:
        await process.clear()
        os.close(ours)


async def ask(port: int, client: str = "codex/1") -> tuple[int, Any]:
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    async with (
        aiohttp.ClientSession(headers={"user-agent": client}) as http,
        http.post(url, json=HELLO) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_client_is_allowed_or_denied_on_the_terminal(terminal: Terminal) -> None:
    terminal.environ["COPILOT_DESKTOP_APPROVAL"] = "ask"
    async with on_a_tty(terminal, "serve", "--demo", "--port=0") as (serve, keys):
        port = await serve.port()
        await serve.until(r"Signed in as \S+\.")
        asking = asyncio.create_task(ask(port))
        await serve.until(r"Codex wants to use Copilot \(gpt-4\.1\)\.\n(?s:.*)Allow\?")
        os.write(keys, b"what?\n")
        await serve.until("Type y, t, a or n")
        assert not asking.done()
        os.write(keys, b"y\n")
        assert (await asking)[0] == 200
        await serve.until(r"Allowed\.")
        denied = asyncio.create_task(ask(port, "zed/1"))
        await serve.until("Zed wants to use Copilot")
        os.write(keys, b"n\n")
        status, body = await denied
        assert status == 403
        assert "Zed was not allowed" in body["error"]["message"]
        await serve.until(r"Denied\.")
        always = asyncio.create_task(ask(port, "aider/1"))
        await serve.until("aider wants to use Copilot")
        os.write(keys, b"A\n")
        assert (await always)[0] == 200
        kept = json.loads(next(terminal.home.parent.rglob("settings.json")).read_text())
        assert kept["approved_clients"] == ["aider"]
        assert (await serve.end(signal.SIGTERM)).code == 0


async def test_where_nobody_can_type_the_question_says_so(terminal: Terminal) -> None:
    terminal.environ["COPILOT_DESKTOP_APPROVAL"] = "ask"
    async with terminal.start("serve", "--demo", "--port=0") as serve:
        port = await serve.port()
        await serve.until(r"Signed in as \S+\.")
        asking = asyncio.create_task(ask(port))
        await serve.until("It cannot be allowed here")
        asking.cancel()
        assert (await serve.end(signal.SIGTERM)).code == 0


async def test_a_program_in_the_background_leaves_the_terminal_alone(terminal: Terminal) -> None:
    """The terminal is another program's: reading would stop this one, as with `serve &`."""
    terminal.environ["COPILOT_DESKTOP_APPROVAL"] = "ask"
    async with on_a_tty(terminal, "serve", "--demo", "--port=0", foreground=False) as (serve, keys):
        port = await serve.port()
        await serve.until(r"Signed in as \S+\.")
        asking = asyncio.create_task(ask(port))
        await serve.until("Codex wants to use Copilot")
        os.write(keys, b"y\n")
        await asyncio.sleep(1.5)
        assert not asking.done()
        asking.cancel()
        assert (await serve.end(signal.SIGTERM)).code == 0


async def test_a_pause_is_said_at_the_start_and_resume_ends_it(terminal: Terminal) -> None:
    nothing = await terminal.run("resume", "--demo")
    assert (nothing.code, nothing.err) == (1, "Sending is not paused.\n")
    async with terminal.start("serve", "--demo", "--port=0") as serve:
        await serve.port()
        folder = Path(next(terminal.home.parent.rglob("instance.json"))).parent
        assert (await serve.end(signal.SIGTERM)).code == 0
    now = time.time()
    halt = {"reason": "warned", "since": now, "until": now + 900, "words": "No.", "code": "x"}
    (folder / FILE_NAME).write_text(json.dumps({"halt": halt}))
    async with terminal.start("serve", "--demo", "--port=0") as serve:
        port = await serve.port()
        await serve.until(r"paused sending.*GitHub said: No\.", "err")
        assert (await ask(port))[0] == 503
        status = await terminal.run("status", "--demo")
        assert "Sending  paused. GitHub said: No. To go on: copilot-desktop resume\n" in status.out
        told = await terminal.run("resume", "--demo")
        assert (told.code, told.out) == (0, "Sending goes on.\n")
        await serve.until(r"Sending goes on\.", "err")
        await serve.until(r"Signed in as \S+\.")
        assert (await ask(port))[0] == 200
        assert (await serve.end(signal.SIGTERM)).code == 0
    (folder / FILE_NAME).write_text(json.dumps({"halt": halt}))
    alone = await terminal.run("resume", "--demo")
    assert (alone.code, alone.out) == (0, "Sending goes on.\n")
    assert json.loads((folder / FILE_NAME).read_text()) == {}
