"""Every command in the pages is run, here or by the test that is named, or it is said why not.

Commands are the indented lines of the pages, and what is written in a line between backticks.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator

import pytest

from copilot_desktop.cli.parser import read
from copilot_desktop.demo import FakeUpstream
from copilot_desktop.upstream.stores import StoredAccount, to_text
from tests.architecture.source import ROOT
from tests.cli.terminal import Terminal

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")),
         *sorted((ROOT / "docs" / "editors").glob("*.md"))]  # fmt: skip
# Started like this, a line is one of our commands.
OWN = ("copilot-desktop ", "python3 run.py ", "python -m copilot_desktop ")
OTHERS = re.compile(
    r"(sudo|tar|pipx?|pip|docker|systemctl|journalctl|launchctl|install|curl|sed|shasum|schtasks|"
    r"Get-FileHash|copilot-desktop-VERSION/install\.sh|~/\.local/lib/\S+)(?: |$)"
)
BLOCK = re.compile(r"^ {4,}(\S.*)$", re.MULTILINE)
INLINE = re.compile(r"`((?:copilot-desktop|python3 run\.py) [a-z-][^`]*)`")

# Run below, in this order, by somebody who is signed in. What may come of it beside 0.
HERE = {
    "status": 0,
    "models": 0,
    "quota": 0,
    "connect": 0,
    "connect --update": 0,
    "keys make nightly --requests 20 --stop": 0,
    "usage --by client": 0,
    "accounts": 0,
    "logs": 0,
    "resume": 1,  # nothing is paused
    "doctor": 0,
    "doctor --report report.txt": 0,
}
# The first words of a command, and the test that runs it for real.
PROVEN = {
    "--demo": "tests/gui/test_window.py",
    "serve": "tests/cli/test_serve.py",
    "login": "tests/cli/test_login.py",
    "logout": "tests/cli/test_login.py",
    "models enable": "tests/cli/test_enable.py",
    "autostart": "tests/cli/test_autostart.py",
    "connect": "tests/cli/test_connect.py",
    "disconnect": "tests/cli/test_connect.py",
    "run": "tests/cli/test_launch.py",
    "env": "tests/cli/test_environment.py",
    "completions": "tests/cli/test_completions.py",
    "remove-everything": "tests/cli/test_removal.py",
    "bench": "tests/bench/test_bench.py",
}
KEPT = ("test", "bench", "fuzz")  # of run.py, not of the app
# Commands of others, by how they begin: the test that does what they do, or why there is none.
OF_OTHERS = {
    "sudo apt install ./copilot-desktop": "tests/packaging/test_clean_root.py",
    "sudo apt remove copilot-desktop": "tests/packaging/test_clean_root.py",
    "tar -xf copilot-desktop": "tests/packaging/test_parts.py",
    "copilot-desktop-VERSION/install.sh": "tests/packaging/test_parts.py",
    "~/.local/lib/copilot-desktop/uninstall.sh": "tests/packaging/test_parts.py",
    "pip install ./copilot_desktop": "tests/packaging/test_bare.py",
    "pipx install": "tests/packaging/test_bare.py",
    "install -D -m 644 packaging/service": "tests/packaging/test_headless.py",
    "sed": "tests/packaging/test_headless.py",
    "curl http://127.0.0.1:4141": "tests/proxy/test_side_routes.py",
    "docker compose": "no engine runs where the tests do; the files are linted and read",
    "systemctl --user": "needs a session of systemd's; the unit is verified",
    "journalctl --user": "needs a session of systemd's",
    "launchctl": "macOS only; the property list is read",
    "shasum": "macOS only, and a program of the system's",
    "Get-FileHash": "Windows only, and a program of the system's",
    "schtasks": "Windows only; it changes the machine",
    "sudo ln -s": "macOS only; it changes the machine",
    "sudo rm": "macOS only; it changes the machine",
}


def lines() -> Iterator[tuple[str, str]]:
    """Name of the page and each command in it, comments cut off."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in (*BLOCK.findall(text), *INLINE.findall(text)):
            command = re.split(r"\s{2,}(?=\S)|,\s", found)[0].strip()
            if command.startswith(OWN) or OTHERS.match(command):
                yield page.name, command


def own() -> Iterator[tuple[str, str]]:
    """Name of the page and the words of each command of ours."""
    for page, command in lines():
        start = next((each for each in OWN if command.startswith(each)), None)
        if start is not None and not command.startswith(f"{start}["):
            yield page, command.removeprefix(start)


def begins(words: str, starts: str) -> bool:
    return words == starts or words.startswith(f"{starts} ")


def test_each_of_our_commands_is_run_somewhere() -> None:
    left = {
        f"{page}: {words}"
        for page, words in own()
        if words not in HERE
        and not words.startswith(KEPT)
        and not any(begins(words, start) for start in PROVEN)
        and page != "commands.md"  # has tests of its own
    }
    assert left == set()


@pytest.mark.parametrize("words", sorted({words for _, words in own()}))
def test_each_of_our_commands_is_understood(words: str) -> None:
    """Names in capitals stand for something else."""
    known = words.partition(" | ")[0]
    if "--help" in known or re.search(r"[A-Z]{2,}|…", known) or any(map(known.startswith, KEPT)):
        return
    read(shlex.split(known))


def test_each_command_of_others_has_a_test_or_a_reason() -> None:
    told = [(page, line) for page, line in lines() if not line.startswith(OWN)]
    assert told
    for page, line in told:
        assert any(line.startswith(start) for start in OF_OTHERS), f"{page}: {line}"
    for start in OF_OTHERS:
        assert any(line.startswith(start) for _, line in told), f"in no page: {start}"


def test_the_tests_that_are_named_are_there() -> None:
    for where in (*PROVEN.values(), *OF_OTHERS.values()):
        assert not where.startswith("tests/") or (ROOT / where).is_file(), where


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
async def test_the_commands_of_the_pages_do_what_they_say(terminal: Terminal) -> None:
    told = {words for _, words in own()}
    assert set(HERE) <= told, "take these off the list"
    async with FakeUpstream() as fake, terminal.commands() as commands:
        terminal.at(fake)
        terminal.token_file.parent.mkdir(parents=True)
        kept = StoredAccount("127.0.0.1", "octo-user", 7, fake.github_token)
        terminal.token_file.write_text(to_text(kept))
        for words, code in HERE.items():
            done = await commands.run(*words.split())
            assert done.code == code, f"{words}: {done}"
            assert (done.out if code == 0 else done.out + done.err).strip() or "--" in words
        assert (terminal.home / "report.txt").is_file()
        keys = json.loads((await commands.run("keys", "--json")).out)
        assert [each["name"] for each in keys if each["name"] == "nightly"] == ["nightly"]
