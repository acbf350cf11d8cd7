"""`run`: a program that stands in for an agent tells what it was given, and asks the proxy."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.cli import Ended, launch
from copilot_desktop.demo import FakeUpstream
from tests.cli.terminal import Terminal, settings
from tests.cli.test_facts import sign_in
from tests.ports import free_port

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

AGENT = """#!{python}
# stands in for claude-code
import json, os, signal, sys, urllib.request
umask = os.umask(0)
told = {{"words": sys.argv[1:], "env": dict(os.environ), "umask": umask, "models": 0}}
if "wait" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"heard"), os._exit(9)))
if "ask" in sys.argv:
    request = urllib.request.Request(
        os.environ["ANTHROPIC_BASE_URL"] + "/v1/models",
        headers={{"Authorization": "Bearer " + os.environ["ANTHROPIC_AUTH_TOKEN"]}},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        told["models"] = len(json.load(answer)["data"])
print("told " + json.dumps(told), flush=True)
while "wait" in sys.argv or "hang" in sys.argv:
    signal.pause()
sys.exit(7)
"""


@pytest.fixture(autouse=True)
def agent(terminal: Terminal) -> Path:
    path = terminal.home / ".local" / "bin" / "claude"
    path.parent.mkdir(parents=True)
    path.write_text(AGENT.format(python=sys.executable))
    path.chmod(0o755)
    return path


def told(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out.partition("told ")[2].partition("\n")[0])
    return found


def files(terminal: Terminal) -> dict[str, bytes]:
    found = (path for path in terminal.home.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in found}


async def test_the_agent_asks_this_proxy_and_no_file_is_touched(terminal: Terminal) -> None:
    terminal.environ |= settings(require_key="true") | {"ANTHROPIC_API_KEY": "somebody-elses"}
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.start("serve") as serve:
            port = await serve.port()
            await serve.until("Signed in as octo-user")
            before = files(terminal)
            # Flags behind the tool are its own, also those that we have as well.
            words = (
                "run",
                "--model",
                "gpt-4.1",
                "claude",
                "ask",
                "--demo",
                "--port",
                "1",
                "--",
                "x",
            )
            ended = await terminal.run(*words)
            assert ended.code == 7, ended
            assert files(terminal) == before
            seen = told(ended.out)
            assert seen["words"][-6:] == ["ask", "--demo", "--port", "1", "--", "x"]
            assert seen["env"]["ANTHROPIC_BASE_URL"] == f"http://127.0.0.1:{port}"
            assert seen["env"]["ANTHROPIC_MODEL"] == "gpt-4.1"
            assert seen["models"] > 0
            key = seen["env"]["ANTHROPIC_AUTH_TOKEN"]
            assert key.startswith("cd-")
            assert not any(key in word for word in seen["words"])
            assert "ANTHROPIC_API_KEY" not in seen["env"]
            assert seen["umask"] == _umask(), "not the strict mask of the app"


async def test_signals_and_exit_codes_are_the_tools(terminal: Terminal) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.start("serve") as serve:
            await serve.until("Signed in as octo-user")
            async with terminal.start("run", "claude", "wait") as run:
                await run.until("told ")
                ended = await run.end(signal.SIGTERM)
            assert (ended.code, "heard" in ended.out) == (9, True)
            async with terminal.start("run", "claude", "hang") as run:
                await run.until("told ")
                assert (await run.end(signal.SIGTERM)).code == 128 + signal.SIGTERM


async def test_without_a_proxy_it_says_how_to_start_one(terminal: Terminal) -> None:
    async with terminal.commands() as commands:
        ended = await commands.run("run", "claude")
        assert (ended.code, ended.out) == (1, "")
        assert "copilot-desktop serve" in ended.err
        assert "--start" in ended.err
        for words, said in (
            (("run", "zed"), "copilot-desktop connect zed"),
            (("run", "qwen-code"), "not found on this computer"),
            (("run", "clade-code"), "Did you mean claude-code?"),
        ):
            ended = await commands.run(*words)
            assert (ended.code, said in ended.err) == (1, True), (words, ended)


async def test_a_proxy_for_as_long_as_the_tool_runs(terminal: Terminal) -> None:
    port = free_port()
    terminal.environ |= settings(port=port)
    async with FakeUpstream() as fake:
        terminal.at(fake)
        ended = await terminal.run("run", "--start", "claude", "ask")
        assert (ended.code, ended.out) == (3, "")
        sign_in(terminal, fake)
        ended = await terminal.run("run", "--start", "claude", "ask")
        assert ended.code == 7, ended
        seen = told(ended.out)
        assert seen["models"] > 0
        assert seen["env"]["ANTHROPIC_BASE_URL"] == f"http://127.0.0.1:{port}"
        assert seen["umask"] == _umask()
        assert ended.out.startswith("told "), "the terminal is the tool's"
        assert ended.err == ""


async def test_the_demo_can_be_started_for_a_tool(terminal: Terminal) -> None:
    ended = await terminal.run("--demo", "run", "--start", "claude", "ask")
    assert ended.code == 7, ended
    assert told(ended.out)["models"] > 0


def _umask() -> int:
    present = os.umask(0o022)
    os.umask(present)
    return present


START = {"arguments": ["--a"], "env": {"BASE": "http://127.0.0.1:1"}, "without": ["GONE"]}


@pytest.mark.parametrize(
    ("present", "after"),
    [
        ({"GONE": "x", "KEPT": "y"}, {"KEPT": "y"}),
        ({"HTTPS_PROXY": "http://p"}, {"NO_PROXY": "127.0.0.1,localhost,::1"}),
        (
            {"http_proxy": "p", "no_proxy": "a, localhost"},
            {"no_proxy": "a,localhost,127.0.0.1,::1"},
        ),
        (
            {"HTTP_PROXY": "p", "NO_PROXY": "a", "no_proxy": "b"},
            {"NO_PROXY": "a,127.0.0.1,localhost,::1", "no_proxy": "b,127.0.0.1,localhost,::1"},
        ),
    ],
)
def test_the_variables(present: Mapping[str, str], after: Mapping[str, str]) -> None:
    made = launch.environment(present, START)
    kept = {name: value for name, value in present.items() if name != "GONE"}
    assert made == {**kept, "BASE": "http://127.0.0.1:1", **after}


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        (("-p", "hello"), True),
        (("--model", "x"), False),
        (("--model=x",), False),
        (("-m", "x"), False),
    ],
)
def test_a_model_is_chosen_once(tmp_path: Path, words: tuple[str, ...], ours: bool) -> None:
    start = {**START, "model": ["--model", "gpt-4.1"]}
    made = launch.command(tmp_path / "tool", start, words)
    assert made[1:] == ("--a", *(("--model", "gpt-4.1") if ours else ()), *words)


def test_a_script_of_windows_gets_only_what_arrives(tmp_path: Path) -> None:
    script = tmp_path / "tool.cmd"
    script.write_text("@echo %*\n")
    assert launch.command(script, START, ("hello there",)) == (str(script), "--a", "hello there")
    with pytest.raises(Ended, match="cannot be given"):
        launch.command(script, START, ("100%",))
    plain = tmp_path / "tool"
    assert launch.command(plain, START, ("100%",)) == (str(plain), "--a", "100%")
