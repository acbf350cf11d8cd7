"""What stops a start: each bad setting, with one sentence that names it. And help, version."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from copilot_desktop import __version__
from copilot_desktop.cli.parser import read
from copilot_desktop.demo import SCENARIOS
from tests.cli.terminal import Terminal
from tests.ports import free_port

BAD = {
    "GITHUB_URL": ("http://github.com", "https://evil.example", "ftp://127.0.0.1", "github"),
    "GITHUB_API_URL": ("http://api.github.com", "https://api.evil.example"),
    "COPILOT_URL": ("http://api.githubcopilot.com", "https://githubcopilot.com.evil.example"),
    "DATA_DIR": ("/etc/passwd", "/etc/passwd/below"),
    "TOKEN_STORE": ("vault",),
    "HOST": ("my-computer", "0.0.0.0", "::", "192.0.2.1"),
    "PORT": ("abc", "70000", "-1", "80.5"),
    "API_KEY": ("a b c d e", "abc"),
    "AUTH_MODE": ("open",),
    "LOG_LEVEL": ("loud",),
    "HEADERS_TIMEOUT": ("0", "soon"),
    "IDLE_TIMEOUT": ("-1", "nan"),
    "GITHUB_TIMEOUT": ("inf",),
    "CLIENT_TIMEOUT": ("0",),
    "MAX_BODY_MB": ("0", "lots"),
}


async def test_each_bad_setting_is_named_in_one_sentence(terminal: Terminal) -> None:
    terminal.without("DATA_DIR")  # nothing may be written before the settings are known to be good
    terminal.environ["XDG_DATA_HOME"] = str(terminal.home / "kept")
    async with terminal.commands() as commands:
        for name, values in BAD.items():
            for value in values:
                variable = f"COPILOT_DESKTOP_{name}"
                ended = await commands.run("serve", **{variable: value})
                assert (ended.code, ended.out) == (1, ""), (name, value)
                sentence = re.escape(variable) + r" cannot be used: [^\n]+\.\n"
                assert re.fullmatch(sentence, ended.err), (name, value, ended.err)
                if name == "API_KEY":
                    assert value not in ended.err
        ended = await commands.run("serve", COPILOT_GITHUB_TOKEN="not-a-token")
        assert ended.code == 1
        assert (
            ended.err == "COPILOT_GITHUB_TOKEN cannot be used: it does not hold a GitHub token.\n"
        )


async def test_each_bad_flag_is_named_as_it_was_typed(terminal: Terminal) -> None:
    async with terminal.commands() as commands:
        for flag, value in (
            ("--port", "abc"), ("--host", "0.0.0.0"), ("--token-store", "vault"),
            ("--auth-mode", "open"), ("--log-level", "loud"), ("--data-dir", "/etc/passwd"),
            ("--data-dir", ""), ("--data-dir", "~nobody-of-that-name/x"),
        ):  # fmt: skip
            ended = await commands.run("status", flag, value)
            assert (ended.code, ended.out) == (1, "")
            assert re.fullmatch(flag + r" cannot be used: [^\n]+\.\n", ended.err), ended.err
        ended = await commands.run("serve", "--demo=unknown")
        assert ended.code == 1
        assert ended.err.startswith("--demo cannot be used: there is no scenario unknown; ")
        for scenario in SCENARIOS:
            assert scenario in ended.err


async def test_the_proxy_may_be_opened_to_others_only_with_a_key(terminal: Terminal) -> None:
    """Not an assertion about the sentence: the port itself must stay shut."""
    port = free_port()
    ended = await terminal.run("serve", "--demo", "--host", "0.0.0.0", "--port", str(port))
    assert ended.code == 1
    assert "COPILOT_DESKTOP_API_KEY" in ended.err


async def test_help_version_and_unknown_words(terminal: Terminal) -> None:
    version = await terminal.run("--version")
    assert (version.code, version.err) == (0, "")
    assert version.out.splitlines()[0] == f"copilot-desktop {__version__}"
    async with terminal.commands() as commands:
        assert (await commands.run("--help")).code == 0
        assert "--no-browser" in (await commands.run("login", "--help")).out
        for words in (("--unknown",), ("dance",), ("serve", "--json"), ("login", "--brows"),
                      ("status", "--hidden"), ("--po", "1"), ("--port",)):  # fmt: skip
            ended = await commands.run(*words)
            assert (ended.code, ended.out) == (2, ""), words
            assert ended.err.startswith("usage: copilot-desktop"), words
        # The usage is that of the command which does not know the word.
        ended = await commands.run("logs", "--lines", "3")
        assert ended.err.startswith("usage: copilot-desktop logs")
        assert "--lines" in ended.err


def test_flags_may_stand_before_and_after_the_command() -> None:
    for words in (["--port", "5", "serve"], ["serve", "--port", "5"]):
        assert read(words).command == "serve"
        assert read(words).flags == {"port": "5"}
    assert read([]).command == "desktop"
    assert read([]).flags == {}


def test_a_bare_demo_does_not_swallow_the_command_behind_it() -> None:
    assert (read(["--demo", "serve"]).demo, read(["--demo", "serve"]).command) == ("pro", "serve")
    assert read(["serve", "--demo=free"]).demo == "free"
    assert read(["serve"]).demo is None


def test_all_that_follows_a_tool_is_its_own() -> None:
    for words in (
        [], ["--"], ["--", "-1 is what?"], ["--", "--", "x"], ["exec", "--", "x"],
        ["--demo", "--model", "opus", "--port", "5", "-h"], ["--start"],
    ):  # fmt: skip
        for before in (["run"], ["--port", "5", "run", "--start"], ["run", "--"]):
            found = read([*before, "claude", *words])
            assert (found.tool, found.words) == ("claude", tuple(words)), (before, words)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["usage --json", "--help"])
async def test_output_that_a_full_disk_did_not_take_is_said(
    terminal: Terminal, words: str, unbuffered: str
) -> None:
    """A script would go on with half a file. The variable is set in containers, also in ours."""
    terminal.environ["PYTHONUNBUFFERED"] = unbuffered
    command = f"exec {sys.executable} -m copilot_desktop {words} > /dev/full"
    async with terminal.start(through=("sh", "-c", command)) as made:
        ended = await made.end()
    assert ended.code == 1
    assert ended.err == "The output could not be written: No space left on device.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="users of POSIX")
async def test_a_user_whom_the_system_does_not_know_needs_no_home(terminal: Terminal) -> None:
    """As in a container that runs under a bare number."""
    del terminal.environ["HOME"]
    code = (
        "import pwd, sys\n"
        "def nobody(number): raise KeyError(number)\n"
        "pwd.getpwuid = nobody\n"
        "from copilot_desktop.cli import main\n"
        "sys.exit(main(['connect']))"
    )
    async with terminal.start(through=(sys.executable, "-c", code)) as made:
        ended = await made.end()
    assert (ended.code, ended.err) == (0, "")
    assert "copilot-desktop connect NAME" in ended.out


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX shells")
async def test_words_survive_a_terminal_without_their_letters(terminal: Terminal) -> None:
    terminal.environ["PYTHONIOENCODING"] = "ascii"
    async with terminal.start("serve", "--demo") as serve:
        await serve.until(r"Waiting for GitHub\?\n")
