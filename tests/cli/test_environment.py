"""`env`: each shell that is here takes the lines as they are."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from copilot_desktop.core import keys
from copilot_desktop.demo import FakeUpstream
from copilot_desktop.integrations.planning import NO_KEY
from tests.cli.terminal import Commands, Terminal, settings
from tests.cli.test_facts import sign_in
from tests.ports import free_port

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX shells")

NAMES = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN")
SHOW = f'{sys.executable} -c "import os; print(*map(os.environ.get, {NAMES!r}))"'
AWKWARD = "it's\\a$key`here`%x"  # as somebody may have chosen it


async def lines(commands: Commands, shell: str) -> str:
    ended = await commands.run("env", shell)
    assert (ended.code, ended.err) == (0, "")
    return ended.out


def taken(shell: str, text: str) -> str:
    """What a program sees that a shell starts after it has read `text`."""
    if (program := shutil.which(shell)) is None:
        pytest.skip(f"{shell} is not here")
    script = f"{text}\n{SHOW}"
    done = subprocess.run(
        [program, "-c", script], capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_a_shell_takes_them(terminal: Terminal, shell: str) -> None:
    port = free_port()
    terminal.environ |= settings(port=port)
    base = f"http://127.0.0.1:{port}"
    async with terminal.commands() as commands:
        assert taken(shell, await lines(commands, shell)) == f"{base}/v1 {NO_KEY} {base} {NO_KEY}"
        terminal.environ |= settings(api_key=AWKWARD)
        seen = taken(shell, await lines(commands, shell))
        assert seen == f"{base}/v1 {AWKWARD} {base} {AWKWARD}"


async def test_other_shells_have_their_own_words(terminal: Terminal) -> None:
    port = free_port()
    terminal.environ |= settings(port=port, require_key="true")
    async with terminal.commands() as commands:
        key = keys.load_or_make(terminal.folder)
        assert f"$env:OPENAI_API_KEY = '{key}'\n" in await lines(commands, "powershell")
        assert f'set "ANTHROPIC_BASE_URL=http://127.0.0.1:{port}"\n' in await lines(commands, "cmd")
        assert (await commands.run("env", "tcsh")).code == 2
        terminal.environ |= settings(api_key="100%")
        ended = await commands.run("env", "cmd")
        assert (ended.code, "does not take in a line" in ended.err) == (1, True)


async def test_the_running_app_knows_its_port(terminal: Terminal) -> None:
    async with FakeUpstream() as fake, terminal.commands() as commands:
        sign_in(terminal, fake)
        ended = await commands.run("env", "bash")
        assert (ended.code, ended.out) == (1, ""), "port 0 is chosen at the start"
        async with terminal.start("serve") as serve:
            port = await serve.port()
            assert f"http://127.0.0.1:{port}/v1" in await lines(commands, "zsh")
