"""`connect` and `disconnect`: seen, asked, written and taken back, with and without the app."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

import pytest

from copilot_desktop.cli import Ended, editors
from copilot_desktop.demo import FakeUpstream
from copilot_desktop.integrations.tools.registry import tool
from tests.cli.terminal import Commands, Terminal, settings
from tests.cli.test_enable import on_screen
from tests.cli.test_facts import sign_in
from tests.ports import free_port

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")

MINE = '{\n  "theme": "dark",\n  "mine": "\x9b31m",\n  "env": {"EDITOR": "vi"}\n}\n'


@pytest.fixture
def file(terminal: Terminal) -> Path:
    path = terminal.home / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text(MINE)
    return path


def text(file: Path) -> str:
    return file.read_text()


def put(file: Path, content: str) -> None:
    file.write_text(content)


def written(file: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(re.sub(r"// .*", "", text(file)))["env"]
    return found


async def test_nobody_waits_for_a_name_that_is_still_looked_up(
    terminal: Terminal, file: Path
) -> None:
    """The system goes on for half a minute where no name server answers."""
    (terminal.home / "sitecustomize.py").write_text(
        "import socket, threading\n"
        "real = socket.getaddrinfo\n"
        "def resolve(host, *arguments, **named):\n"
        "    if str(host).endswith('github.com'):\n"
        "        threading.Event().wait(60)\n"
        "    return real(host, *arguments, **named)\n"
        "socket.getaddrinfo = resolve\n"
    )
    terminal.environ["PYTHONPATH"] += os.pathsep + str(terminal.home)
    terminal.environ["COPILOT_GITHUB_TOKEN"] = "gho_" + "s" * 36
    terminal.environ |= settings(outgoing_proxy="none", github_timeout="1")
    began = time.monotonic()
    ended = await terminal.run("connect", "claude-code", "--yes")
    assert time.monotonic() - began < 30, "a lookup takes a minute"
    assert (ended.code, text(file)) == (1, MINE), ended.err


async def there_and_back(commands: Commands, file: Path, address: str) -> None:
    """The whole way, whoever does it."""
    shown = await commands.run("connect")
    assert shown.code == 0
    assert re.search(
        r"^claude-code +Not connected +~/.claude/settings.json$", shown.out, re.MULTILINE
    )
    assert "Not found on this computer: " in shown.out

    looked = await commands.run("connect", "claude-code", "--dry-run")
    assert (looked.code, looked.err) == (0, "")
    assert looked.out.startswith("~/.claude/settings.json  (Backup: ")
    assert f'"ANTHROPIC_BASE_URL": "{address}"' in looked.out
    assert not {"\x1b", "\x9b"} & set(looked.out), (
        "neither colours for a pipe nor codes out of a file"
    )
    asked = await commands.run("connect", "claude-code")
    assert (asked.code, "Add --yes" in asked.err) == (1, True)
    assert text(file) == MINE

    done = await commands.run("connect", "Claude Code", "--yes", "--json")
    assert done.code == 0, done
    told = json.loads(done.out)
    assert (told["id"], told["state"], told["after"]) == ("claude-code", "connected", "new_session")
    assert written(file)["ANTHROPIC_BASE_URL"] == address
    assert written(file)["EDITOR"] == "vi"
    before = text(file)
    again = await commands.run("connect", "claude")
    assert (again.code, again.out) == (0, "Nothing has to change: all of it is there already.\n")
    assert text(file) == before
    rows = json.loads((await commands.run("connect", "--json")).out)["rows"]
    assert {row["id"]: row["state"] for row in rows}["claude-code"] == "connected"

    looked = await commands.run("disconnect", "claude", "--dry-run")
    assert looked.code == 0
    assert "~/.claude/settings.json  env.ANTHROPIC_BASE_URL" in looked.out
    assert text(file) == before
    assert (await commands.run("disconnect", "claude")).code == 1
    back = await commands.run("disconnect", "claude", "--yes")
    assert back.code == 0
    assert back.out.endswith("Claude Code is as it was\n")
    assert text(file) == MINE
    assert "Nothing was written" in (await commands.run("disconnect", "claude", "--yes")).err


async def test_through_the_running_app(terminal: Terminal, file: Path) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.start("serve") as serve, terminal.commands() as commands:
            port = await serve.port()
            assert (await commands.run("models")).code == 0
            await there_and_back(commands, file, f"http://127.0.0.1:{port}")
            tried = await commands.run("connect", "claude", "--yes", "--test")
            assert tried.code == 0, tried
            assert re.search(r"^Answered in \d+ ms with claude", tried.out, re.MULTILINE)


async def test_without_the_app_its_own_port_is_written(terminal: Terminal, file: Path) -> None:
    port = free_port()
    terminal.environ |= settings(port=port)
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.commands() as commands:
            await there_and_back(commands, file, f"http://127.0.0.1:{port}")


async def test_what_is_written_is_said_also_where_its_test_fails(
    terminal: Terminal, file: Path
) -> None:
    terminal.environ |= settings(port=free_port())
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.commands() as commands:
            for flags in ((), ("--json",)):
                tried = await commands.run("connect", "claude", "--yes", "--test", *flags)
                assert tried.code == 1, tried
                assert "No answer: The proxy is not running." in tried.err
                if flags:
                    assert json.loads(tried.out)["state"] == "connected"
                else:
                    assert "Claude Code is connected." in tried.out
    assert "ANTHROPIC_BASE_URL" in written(file)


async def test_what_the_variables_of_the_terminal_change_is_told(
    terminal: Terminal, file: Path
) -> None:
    """It was started from a menu, and the variable stands in a shell's profile."""
    terminal.environ |= settings(port=free_port())
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.start("serve") as serve:
            await serve.port()
            plain = await terminal.run("connect", "claude", "--dry-run")
            assert (plain.code, plain.err) == (0, ""), plain
            terminal.environ["HTTP_PROXY"] = "http://proxy.example:3128"
            warned = await terminal.run("connect", "claude", "--dry-run")
            assert "Add 127.0.0.1 to NO_PROXY" in warned.err
            del terminal.environ["HTTP_PROXY"]
            terminal.environ["CLAUDE_CONFIG_DIR"] = str(terminal.home / "elsewhere")
            told = await terminal.run("connect", "claude", "--dry-run")
            assert "Claude Code reads ~/elsewhere/settings.json" in told.err
        alone = await terminal.run("connect", "claude", "--dry-run")
        assert alone.out.startswith("~/elsewhere/settings.json"), alone
        assert "reads" not in alone.err


async def test_a_key_that_is_asked_for_is_never_shown(terminal: Terminal, file: Path) -> None:
    terminal.environ |= settings(port=free_port(), require_key="true")
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with terminal.commands() as commands:
            told = [await commands.run("connect", "claude", "--dry-run")]
            told.append(await commands.run("connect", "claude", "--yes"))
            told.append(await commands.run("disconnect", "claude", "--dry-run"))
            key = written(file)["ANTHROPIC_AUTH_TOKEN"]
            assert key.startswith("cd-")
            assert f"••••{key[-4:]}" in told[0].out
            assert not any(key in each.out + each.err for each in told)


async def test_after_a_change_of_port_one_command_mends_all(terminal: Terminal, file: Path) -> None:
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        old, new = free_port(), free_port()
        async with terminal.commands() as commands:
            terminal.environ |= settings(port=old)
            assert (await commands.run("connect", "claude", "--yes")).code == 0
            terminal.environ |= settings(port=new)
            shown = (await commands.run("connect")).out
            assert f"Still points at port {old}. The proxy is on {new}." in shown
            assert "connect --update" in shown
            doctor = json.loads((await commands.run("doctor", "--json")).out)
            (found,) = (each for each in doctor["checks"] if each["id"] == "editors")
            assert (found["level"], found["fields"]) == ("look", {"names": "Claude Code"})
            rows = {row["id"]: row for row in doctor["editors"]}
            assert rows["claude-code"]["state"] == "old_port"
            assert rows["claude-code"]["detail"]["port"] == old
            done = await commands.run("connect", "--update", "--json")
            assert json.loads(done.out) == {"updated": 1, "left": []}
            again = await commands.run("connect", "--update")
            assert (again.code, again.out) == (0, "0 editors are updated\n")
            assert written(file)["ANTHROPIC_BASE_URL"].endswith(f":{new}")

            put(file, text(file).replace('"dark"', '"light"'))
            looked = json.loads(
                (await commands.run("disconnect", "--all", "--dry-run", "--json")).out
            )
            assert set(looked) == {"claude-code"}
            done = await commands.run("disconnect", "--all", "--yes", "--json")
            assert json.loads(done.out) == {"undone": 1, "left": []}
            assert text(file) == MINE.replace('"dark"', '"light"')


async def test_the_question_on_a_terminal(terminal: Terminal, file: Path) -> None:
    terminal.environ |= settings(port=free_port()) | {"TERM": "xterm"}
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        async with on_screen(terminal, "connect", "claude") as screen:
            await screen.until("[y/N]")
            assert "\x1b[32m+" in screen.text
            screen.type("\n")
            assert await screen.end() == 1
        assert text(file) == MINE
        terminal.environ["NO_COLOR"] = "1"
        async with on_screen(terminal, "connect", "claude") as screen:
            await screen.until("[y/N]")
            assert "\x1b[3" not in screen.text
            screen.type("y\n")
            assert await screen.end() == 0
        assert "ANTHROPIC_BASE_URL" in written(file)


async def test_what_cannot_be_written_is_told(terminal: Terminal, file: Path) -> None:
    terminal.environ |= settings(port=free_port())
    async with FakeUpstream() as fake, terminal.commands() as commands:
        sign_in(terminal, fake)
        for words, code, said in (
            (("connect", "claud"), 1, "Did you mean claude-code?"),
            (("connect", "nothing-like-it"), 1, "`copilot-desktop connect` lists all."),
            (("connect", "cursor"), 1, "its own servers"),
            (("connect", "claude", "--model", "such=x"), 1, "It has: main, opus, sonnet, haiku."),
            (("connect", "claude", "--model", "no-such"), 1, "no-such cannot be chosen"),
            (("connect", "bash", "--model", "x"), 1, "bash has no models to choose."),
            (("connect", "claude", "--update"), 2, "for all of them"),
            (("connect", "--yes"), 2, "Name a tool"),
            (("connect", "--test", "--json"), 2, "Name a tool"),
            (("connect", "--update", "--model", "x"), 2, "Name a tool"),
            (("disconnect",), 2, "Name one tool"),
            (("disconnect", "claude", "--all"), 2, "Name one tool"),
            (("disconnect", "claude", "--yes"), 1, "Nothing was written"),
        ):
            ended = await commands.run(*words)
            assert (ended.code, said in ended.err) == (code, True), (words, ended)
        put(file, "{ broken")
        ended = await commands.run("connect", "claude", "--yes")
        assert (ended.code, "~/.claude/settings.json, line 1" in ended.err) == (1, True), ended
        assert text(file) == "{ broken"
        assert "claude-code  Cannot read file" in (await commands.run("connect")).out


async def test_nobody_is_signed_in(terminal: Terminal, file: Path) -> None:
    """Waiting would not help: the models come with a sign-in, and only some tools need them."""
    terminal.environ |= settings(port=free_port())
    async with FakeUpstream() as fake, terminal.commands() as commands:
        terminal.at(fake)
        for words in (
            ("claude", "--dry-run"),
            ("claude", "--yes", "--json"),
            ("claude", "--lines"),
            ("vscode", "--dry-run"),
        ):
            ended = await commands.run("connect", *words)
            assert (ended.code, ended.out) == (3, ""), (words, ended)
            assert "Nobody is signed in" in ended.err
        assert text(file) == MINE
        assert (await commands.run("connect", "bash", "--dry-run")).code == 0


async def test_nobody_agrees_to_what_was_not_shown(terminal: Terminal, file: Path) -> None:
    terminal.environ |= settings(port=free_port()) | {"TERM": "xterm"}
    async with FakeUpstream() as fake:
        sign_in(terminal, fake)
        for words, shown in (
            (("connect", "claude"), '"ANTHROPIC_BASE_URL": "http'),
            (("disconnect", "--all"), "settings.json  env.ANTHROPIC_BASE_URL"),
        ):
            async with on_screen(terminal, *words, "--json") as screen:
                await screen.until("[y/N]")
                assert shown in screen.text, words
                screen.type("y\n")
                assert await screen.end() == 0
        assert text(file) == MINE


async def test_by_hand_there_are_steps_with_what_to_paste(terminal: Terminal) -> None:
    port = free_port()
    terminal.environ |= settings(port=port)
    async with FakeUpstream() as fake, terminal.commands() as commands:
        sign_in(terminal, fake)
        steps = (await commands.run("connect", "jetbrains")).out
        assert f"   http://127.0.0.1:{port}/v1\n" in steps
        assert "1. " in steps
        values = json.loads((await commands.run("connect", "jetbrains", "--json")).out)["values"]
        assert values["openai"] == f"http://127.0.0.1:{port}/v1"
        absent = await commands.run("connect", "zed", "--dry-run")
        assert (absent.code, "was not found on this computer" in absent.err) == (0, True)
        lines = (await commands.run("connect", "claude", "--lines")).out
        assert f'"http://127.0.0.1:{port}"' in lines


def test_a_tool_is_known_by_each_of_its_names() -> None:
    for word in ("claude", "Claude Code", "claude-code", "CLAUDE-CODE"):
        assert editors.named(word) is tool("claude-code")
    with pytest.raises(Ended, match="no tool"):
        editors.named("\x1b]0;x")


async def test_a_demo_says_that_the_files_are_its_own(terminal: Terminal, file: Path) -> None:
    listed = await terminal.run("--demo", "connect")
    assert "~/.claude/settings.json" not in listed.out
    assert "Your files stay as they are." in listed.err
    assert text(file) == MINE
