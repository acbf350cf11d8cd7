"""`completions`: what a shell offers where somebody presses Tab."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from copilot_desktop.cli import main
from copilot_desktop.cli.completions import tree
from copilot_desktop.cli.examples import EXAMPLES, PROGRAM
from copilot_desktop.cli.parser import parser, read
from tests.architecture.test_docs_commands import commands

# What is typed so far (the last word is being typed), and some of what is offered.
TYPED = (
    (("",), {"serve", "connect", "run", "keys"}, {"claude-code", "make"}),
    (("con",), {"connect"}, {"serve"}),
    (("keys", ""), {"make", "revoke"}, {"serve", "--yes"}),
    (("keys", "make", "--m"), {"--models", "--max-effort"}, {"--json"}),
    (("keys", "make", "x", "--max-effort", "m"), {"minimal", "medium", "max"}, {"--models"}),
    (("usage", "--by", ""), {"client", "model", "day"}, {"--days"}),
    (("connect", "c"), {"claude-code", "codex"}, {"cursor", "connect"}),
    (("connect", "claude-code", "--d"), {"--dry-run"}, {"--yes"}),
    (("run", ""), {"codex"}, {"zed", "serve"}),
    (("run", "--"), {"--start", "--model"}, {"--yes"}),
    (("--",), {"--demo", "--port"}, {"--yes"}),
    (("env", ""), {"bash", "zsh", "fish", "powershell", "cmd"}, {"serve"}),
)
HERE = "a file of mine.txt"


@cache
def script(shell: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["completions", shell]) == 0
    return out.getvalue()


def in_bash(typed: tuple[str, ...], folder: Path) -> set[str]:
    words = " ".join(f"'{word}'" for word in (PROGRAM, *typed))
    return ran(
        "bash",
        f"{script('bash')}\nCOMP_WORDS=({words}); COMP_CWORD={len(typed)}\n"
        'compopt() { :; }; _copilot_desktop\nprintf "%s\\n" "${COMPREPLY[@]}"',
        folder,
    )


def in_fish(typed: tuple[str, ...], folder: Path) -> set[str]:
    line = " ".join((PROGRAM, *typed))
    offered = ran("fish", f"{script('fish')}\ncomplete -C '{line}'", folder)
    return {each.partition("\t")[0] for each in offered}


def in_zsh(typed: tuple[str, ...], folder: Path) -> set[str]:
    """With the shell's own functions for showing replaced: they need a person at a terminal."""
    words = " ".join(f"'{word}'" for word in (PROGRAM, *typed))
    text = script("zsh").replace("_describe 'copilot-desktop' found", 'print -l -- "${found[@]}"')
    text = text.replace("compadd --", "print -l --").replace("_files", "print -l -- *")
    offered = ran(
        "zsh",
        f"compdef() {{ :; }}\n{text}\nwords=({words}); CURRENT={len(typed) + 1}\n_copilot_desktop",
        folder,
    )
    found = {each.partition(":")[0] for each in offered}
    return {each for each in found if each.startswith(typed[-1])}


def ran(shell: str, text: str, folder: Path) -> set[str]:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not here")
    no_files = {"zsh": ["-f"], "bash": ["--norc"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [program, *no_files, "-c", text],
        capture_output=True, text=True, timeout=30, check=False, cwd=folder,
    )  # fmt: skip
    assert done.stderr == ""
    return set(done.stdout.splitlines()) - {""}


@pytest.mark.parametrize("ask", [in_bash, in_fish, in_zsh])
def test_a_shell_offers_what_fits(ask, tmp_path: Path) -> None:
    for typed, some, others in TYPED:
        offered = ask(typed, tmp_path)
        assert some <= offered, (typed, offered)
        assert not others & offered, (typed, offered)


@pytest.mark.parametrize("ask", [in_fish, in_zsh])
def test_files_are_offered_where_we_know_nothing(ask, tmp_path: Path) -> None:
    (tmp_path / HERE).touch()
    for typed in (
        ("run", "claude-code", ""),
        ("run", "claude", "x", ""),
        ("doctor", "--report", ""),
    ):
        assert any("mine" in each for each in ask(typed, tmp_path)), typed


def test_bash_is_left_to_its_files_where_we_know_nothing(tmp_path: Path) -> None:
    for typed in (
        ("run", "claude-code", ""),
        ("run", "claude", "x", ""),
        ("doctor", "--report", ""),
    ):
        assert in_bash(typed, tmp_path) == set(), typed
    assert "complete -o default -F" in script("bash")


def test_every_command_and_flag_is_in_every_script() -> None:
    words = {word for node in tree() for word in (*node.words, *node.flags)}
    assert set(commands()) <= words
    for shell in ("bash", "zsh", "fish", "powershell"):
        text = script(shell)
        for word in words:
            plain = f" -l {word[2:]} " if shell == "fish" and word.startswith("--") else word
            assert plain in text, (shell, word)


def test_every_help_ends_with_examples_that_can_be_typed() -> None:
    assert set(EXAMPLES) == set(commands())
    for command, shown in EXAMPLES.items():
        assert f"examples:\n  {PROGRAM} {next(iter(shown))}\n" in commands()[command].format_help()
        for words in shown:
            assert read(words.replace("'", "").split()).command == command, words


def test_the_help_fits_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for each in (parser(), *commands().values()):
        for line in each.format_help().splitlines():
            assert len(line) <= 100, line
