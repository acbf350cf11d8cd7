"""Every command in the pages is run, here or by the test that is named, or it is said why not.

Nothing is passed over: what is set apart in a page, indented or between fences, is a command that
is known here or an example that is known here, and so is what stands between backticks and has more
than one word.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from copilot_desktop.cli.parser import read
from copilot_desktop.demo import FakeUpstream
from copilot_desktop.upstream.stores import StoredAccount, to_text
from tests.architecture.source import ROOT
from tests.architecture.test_docs_commands import commands
from tests.cli.terminal import Terminal

DOCS = ROOT / "docs"
# Decisions tell why, and nobody what to do.
PAGES = [
    ROOT / "README.md", ROOT / "CONTRIBUTING.md",
    *sorted(DOCS.glob("*.md")), *sorted((DOCS / "editors").glob("*.md")),
]  # fmt: skip
# Started like this, a line is one of our commands.
OWN = ("copilot-desktop ", "python3 run.py ", "python -m copilot_desktop ")
# What is set apart: after an empty line, indented as far as code is, or between fences.
BLOCK = re.compile(r"(?:(?<=\n\n)|\A)(?: {4,}\S.*\n)+|^```.*\n(?:.*\n)*?```$", re.MULTILINE)
INLINE = re.compile(r"`((?!await |~/Library)[a-z~][\w./~-]* [^`]+)`")

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
    "": "tests/gui/test_window.py",
    "--demo": "tests/gui/test_window.py",
    "serve": "tests/cli/test_serve.py",
    "login": "tests/cli/test_login.py",
    "logout": "tests/cli/test_login.py",
    "accounts use": "tests/cli/test_accounts.py",
    "models enable": "tests/cli/test_enable.py",
    "version": "tests/cli/test_version.py",
    "autostart": "tests/cli/test_autostart.py",
    "connect": "tests/cli/test_connect.py",
    "disconnect": "tests/cli/test_connect.py",
    "run": "tests/cli/test_launch.py",
    "env": "tests/cli/test_environment.py",
    "completions": "tests/cli/test_completions.py",
    "remove-everything": "tests/cli/test_removal.py",
    "bench": "tests/bench/test_bench.py",
}
KEYS = ("list", "make", "limit", "rename", "revoke")
KEPT = ("test", "bench", "fuzz")  # of run.py, not of the app
# Commands of others, by how they begin: the test that does what they do, or why there is none.
OF_OTHERS = {
    "sudo apt install ./copilot-desktop": "tests/packaging/test_clean_root.py",
    "sudo apt remove copilot-desktop": "tests/packaging/test_clean_root.py",
    "tar -xf copilot-desktop": "tests/packaging/test_tarball.py",
    "copilot-desktop-VERSION/install.sh": "tests/packaging/test_tarball.py",
    "~/.local/lib/copilot-desktop/uninstall.sh": "tests/packaging/test_tarball.py",
    "pip install": "tests/packaging/test_bare.py",
    "pipx install": "tests/packaging/test_bare.py",
    "pipx uninstall": "tests/packaging/test_bare.py",
    "install -D -m 644 packaging/service": "tests/packaging/test_headless.py",
    "sed": "tests/packaging/test_headless.py",
    "curl http://127.0.0.1:4141": "tests/proxy/test_side_routes.py",
    'eval "$(copilot-desktop env': "tests/cli/test_environment.py",
    "cline auth": "named as what writes the same file",
    "setx /?": "named as the place where Windows tells what it does",
    "claude --model": "tests/clients/test_everyday.py",
    "opencode run": "tests/clients/test_everyday.py",
    "python3 packaging/build.py": "tests/packaging/test_built.py",
    "python3 packaging/smoke.py": "tests/packaging/test_bare.py",
    "python3 packaging/supply.py lock": "fetches what is newest; the locks themselves are tested",
    "docker compose": "no engine runs where the tests do; the files are linted and read",
    "systemctl --user": "needs a session of systemd's; the unit is verified",
    "journalctl --user": "needs a session of systemd's",
    "loginctl enable-linger": "needs systemd; it changes the machine",
    "launchctl": "macOS only; the property list is read",
    "sha256sum": "a program of the system's",
    "shasum": "macOS only, and a program of the system's",
    "Get-FileHash": "Windows only, and a program of the system's",
    "$link": "Windows only; it changes the machine",
    "mkdir -p": "a program of the system's",
    "sudo mkdir -p": "macOS only; it changes the machine",
    "sudo ln -s": "macOS only; it changes the machine",
    "sudo rm": "macOS only; it changes the machine",
}
# What is set apart and no command, by page and by how it begins; and who holds it to be true.
EXAMPLES = {
    ("README.md", 'model = "gpt-5.3-codex"'): "tests/clients/test_everyday.py",
    ("README.md", "[model_providers.copilot]"): "tests/clients/test_everyday.py",
    ("README.md", "auth = {"): "tests/clients/test_model_lists.py",
    ("README.md", '{"provider": {"copilot"'): "tests/clients/test_everyday.py",
    ("README.md", "openai.OpenAI("): "tests/conformance/test_nine_pairs.py",
    ("architecture.md", "cli  "): "tests/architecture/test_boundaries.py",
    ("architecture.md", "editor\n"): "a picture",
    ("embedding.md", "import asyncio, os"): "tests/test_provider.py",
}


def blocks() -> Iterator[tuple[str, str]]:
    """Name of the page and text of all that is set apart in it."""
    for page in PAGES:
        for found in BLOCK.findall(page.read_text(encoding="utf-8")):
            text = re.sub(r"^```.*\n|```$", "", found) if found.startswith("```") else found
            yield page.name, textwrap.dedent(text)


def lines() -> Iterator[tuple[str, str]]:
    """Name of the page and each command in it, comments and variables cut off."""
    for name, text in blocks():
        if not any(name == page and text.startswith(start) for page, start in EXAMPLES):
            for line in text.splitlines():
                yield name, plain(line)
    for page in PAGES:
        for found in INLINE.findall(page.read_text(encoding="utf-8")):
            yield page.name, plain(found)


def plain(line: str) -> str:
    line = re.sub(r"^(?:[A-Z_]+=\S+ )+", "", line.strip())
    return re.split(r"\s{2,}(?=\S)|,\s", line)[0].strip()


def own() -> Iterator[tuple[str, str]]:
    """Name of the page and the words of each command of ours, also of one named by its words."""
    for page, command in lines():
        start = next((each for each in OWN if f"{command} ".startswith(each)), None)
        if start is not None:
            yield page, command.removeprefix(start.strip()).strip()
        elif command.split()[0] in commands():
            yield page, command
        elif page == "commands.md" and command.split()[0] in KEYS:
            yield page, f"keys {command}"


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


def test_everything_else_has_a_test_or_a_reason() -> None:
    ours = {words for _, words in own()}
    told = [
        (page, line)
        for page, line in lines()
        if not f"{line} ".startswith(OWN) and line not in ours and f"keys {line}" not in ours
    ]
    left = [each for each in told if not any(each[1].startswith(start) for start in OF_OTHERS)]
    assert left == []
    for start in OF_OTHERS:
        assert any(line.startswith(start) for _, line in told), f"in no page: {start}"
    for page, start in EXAMPLES:
        assert any(name == page and text.startswith(start) for name, text in blocks()), start


@pytest.mark.parametrize(
    "odd",
    [
        "Do this:\n\n    brew install it\n",
        "Do this:\n\n```sh\ncopilot-desktop serve --port 1\nbrew install it\n```\n",
        "- Do this:\n\n      X=1 brew install it\n",
        "Do `brew install it` first.\n",
    ],
)
def test_a_new_command_is_noticed(
    odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "new.md"
    page.write_text(odd, encoding="utf-8")
    monkeypatch.setattr(sys.modules[__name__], "PAGES", [*PAGES, page])
    with pytest.raises(AssertionError, match="brew install it"):
        test_everything_else_has_a_test_or_a_reason()


def test_the_tests_that_are_named_are_there() -> None:
    for where in (*PROVEN.values(), *OF_OTHERS.values(), *EXAMPLES.values()):
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
