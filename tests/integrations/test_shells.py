"""Variables in the languages of shells: what is read back is what was meant."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from copilot_desktop.integrations.edits import Block
from copilot_desktop.integrations.shells import Shell, lines, profile, variables
from copilot_desktop.integrations.tool import Link

AWKWARD = "a b'c\"d\\e$HOME`date`;f#g!h*[~]"
LINK = Link("http://127.0.0.1:4141", "cd-key", ())


@pytest.mark.parametrize(
    ("shell", "program", "say"),
    [
        ("sh", "bash", 'printf %s "$NAME"'),
        ("sh", "zsh", 'printf %s "$NAME"'),
        ("fish", "fish", 'printf %s "$NAME"'),
        ("powershell", "pwsh", "[Console]::Out.Write($env:NAME)"),
    ],
)
def test_a_shell_takes_the_value_as_it_is(shell: Shell, program: str, say: str) -> None:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    (line,) = lines(shell, {"NAME": AWKWARD})
    told = subprocess.run(
        [found, "-c", f"{line}\n{say}"], capture_output=True, text=True, timeout=30, check=True,
        env={"PATH": os.defpath, "HOME": os.devnull},
    )  # fmt: skip
    assert told.stdout == AWKWARD


def test_how_each_says_it() -> None:
    wanted = {"NAME": "it's\\"}
    assert lines("sh", wanted) == ("export NAME='it'\"'\"'s\\'",)
    assert lines("fish", wanted) == ("set -gx NAME 'it\\'s\\\\'",)
    assert lines("powershell", wanted) == ("$env:NAME = 'it''s\\'",)
    assert lines("cmd", {"NAME": "a & b"}) == ('set "NAME=a & b"',)


@pytest.mark.parametrize("shell", ["sh", "fish", "powershell", "cmd"])
def test_a_line_break_is_refused(shell: Shell) -> None:
    for value in ("a\nb", "a\rb", "a\0b"):
        with pytest.raises(ValueError, match="NAME"):
            lines(shell, {"NAME": value})


def test_what_the_command_prompt_cannot_say_is_refused() -> None:
    for value in ('a"b', "%PATH%"):
        with pytest.raises(ValueError, match="NAME"):
            lines("cmd", {"NAME": value})


def test_a_profile_has_both_dialects_and_hides_the_key() -> None:
    block = profile("sh", Path("/home/me/.bashrc"), LINK)
    assert isinstance(block, Block)
    assert block.secrets == ("cd-key",)
    assert [line.split("=")[0] for line in block.lines] == [
        f"export {name}" for name in variables(LINK)
    ]
